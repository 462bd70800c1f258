"""Meaning of each Web API error for the token and for a repeat.

Stops:   calls that go on with a dead token, and repeats of calls that may have done their work.
How:     one table of the documented codes; an unknown code is our mistake until somebody sorts it: not repeated,
         and no token is marked dead for it. `invalid_auth` is a sort of its own: Slack says it of a token that it does
         not know, and to an address that is not on the app's list. What follows from it stands in `token_refusals.py`.
Does not stop: an error that Slack adds tomorrow with another meaning.
Read:    docs.slack.dev/reference/methods/auth.test (errors), docs.slack.dev/apis/web-api/rate-limits
"""

from slackapp.errors import SlackErrorKind as Kind

_CODES: dict[Kind, tuple[str, ...]] = {
    Kind.UNCERTAIN: ("invalid_auth",),
    Kind.DEAD: ("account_inactive", "token_revoked"),
    Kind.EXPIRED: ("token_expired",),
    Kind.FORBIDDEN: (
        "missing_scope", "not_allowed_token_type", "no_permission", "team_access_not_granted", "accesslimited",
        "access_denied", "ekm_access_denied", "two_factor_setup_required",
    ),
    Kind.RATE_LIMITED: ("ratelimited", "rate_limited"),
    Kind.TRANSIENT: (
        "org_login_required", "team_added_to_org",
        "internal_error", "fatal_error", "service_unavailable", "request_timeout",
        # Ours: not codes of Slack, but what the transport saw.
        "no_connection", "unreachable", "unreadable_answer", "server_error",
    ),
    Kind.BAD_REQUEST: (
        "not_authed", "deprecated_endpoint", "method_deprecated", "unknown_method",
        "invalid_form_data", "invalid_post_type", "missing_post_type", "invalid_charset",
        "invalid_arg_name", "invalid_array_arg", "invalid_arguments",
    ),
}  # fmt: skip
ERROR_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}

DEAD_REFRESH_ERRORS = frozenset({"invalid_refresh_token", "token_revoked", "account_inactive", "invalid_grant"})
"""Answers to a refresh after which the same refresh token will never be taken."""

NO_EFFECT_ERRORS = frozenset({"org_login_required", "team_added_to_org", "no_connection"})
"""Failures that pass, and after which it is sure that the call had no effect."""

IDEMPOTENT_METHODS = frozenset(
    {
        "auth.test", "users.info", "team.info", "auth.teams.list",
        "conversations.list", "conversations.info", "views.publish",
    }
)  # fmt: skip
"""Methods that may be called twice with the effect of once."""


def classify_error(code: str) -> Kind:
    """The meaning of an error code."""
    return ERROR_KINDS.get(code, Kind.BAD_REQUEST)
