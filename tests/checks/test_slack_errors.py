"""What an error of the Web API means."""

import pytest

from slackapp.checks.slack_errors import (
    DEAD_REFRESH_ERRORS,
    ERROR_KINDS,
    IDEMPOTENT_METHODS,
    NO_EFFECT_ERRORS,
    classify_error,
)
from slackapp.errors import SlackErrorKind as Kind

# docs.slack.dev/reference/methods/auth.test (errors) and docs.slack.dev/apis/web-api/rate-limits, by what is to be done
DOCUMENTED = {
    Kind.DEAD: "account_inactive token_revoked",
    Kind.UNCERTAIN: "invalid_auth",
    Kind.EXPIRED: "token_expired",
    Kind.FORBIDDEN: "missing_scope not_allowed_token_type no_permission team_access_not_granted accesslimited "
    "access_denied ekm_access_denied two_factor_setup_required",
    Kind.RATE_LIMITED: "ratelimited rate_limited",
    Kind.TRANSIENT: "org_login_required team_added_to_org internal_error fatal_error service_unavailable "
    "request_timeout no_connection unreachable unreadable_answer server_error",
    Kind.BAD_REQUEST: "not_authed deprecated_endpoint method_deprecated unknown_method invalid_form_data "
    "invalid_post_type missing_post_type invalid_charset invalid_arg_name invalid_array_arg invalid_arguments",
}
LISTED = [(code, kind) for kind, codes in DOCUMENTED.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "kind"), LISTED)
def test_every_documented_error_is_sorted(code: str, kind: Kind) -> None:
    assert classify_error(code) is kind


def test_the_table_equals_the_documented_errors_and_ours() -> None:
    assert dict(LISTED) == ERROR_KINDS


@pytest.mark.parametrize("code", ["", "channel_not_found", "an_error_of_tomorrow", "TOKEN_REVOKED", "token_revoked "])
def test_an_unknown_error_is_our_mistake_and_kills_no_token(code: str) -> None:
    assert classify_error(code) is Kind.BAD_REQUEST


def test_these_four_errors_and_no_others_end_a_refresh_token() -> None:
    assert sorted(DEAD_REFRESH_ERRORS) == [
        "account_inactive",
        "invalid_grant",
        "invalid_refresh_token",
        "token_revoked",
    ]


def test_only_a_failure_that_surely_had_no_effect_counts_as_nothing_done() -> None:
    assert sorted(NO_EFFECT_ERRORS) == ["no_connection", "org_login_required", "team_added_to_org"]
    assert all(classify_error(code) is Kind.TRANSIENT for code in NO_EFFECT_ERRORS)


def test_nothing_that_posts_or_uses_something_up_may_be_repeated() -> None:
    unrepeatable = {"chat.postMessage", "oauth.v2.access", "apps.uninstall", "auth.revoke", "conversations.join"}
    assert not unrepeatable & IDEMPOTENT_METHODS
    assert all(method.endswith((".test", ".info", ".list", ".publish")) for method in IDEMPOTENT_METHODS)
