"""Meaning of each Web API error for the token and for a repeat.

Stops:   calls that go on with a dead token, and repeats of calls that may have done their work.
How:     one table of the documented codes; an unknown code is our mistake until somebody sorts it: not repeated,
         and no token is given up for it. `invalid_auth` is a sort of its own: Slack says it of a token that it does not
         know, and to an address that is not on the app's list. What follows from it stands in `token_refusals.py`.
Does not stop: an error that Slack adds tomorrow with another meaning.
Read:    docs.slack.dev/reference/methods/auth.test (errors), docs.slack.dev/apis/web-api/rate-limits
"""

from slackapp.errors import SlackErrorKind as Kind

ERROR_KINDS: dict[str, Kind] = {
    "invalid_auth": Kind.UNCERTAIN,
    "account_inactive": Kind.DEAD,
    "token_revoked": Kind.DEAD,
    "token_expired": Kind.EXPIRED,
    "missing_scope": Kind.FORBIDDEN,
    "not_allowed_token_type": Kind.FORBIDDEN,
    "no_permission": Kind.FORBIDDEN,
    "team_access_not_granted": Kind.FORBIDDEN,
    "accesslimited": Kind.FORBIDDEN,
    "access_denied": Kind.FORBIDDEN,
    "ekm_access_denied": Kind.FORBIDDEN,
    "two_factor_setup_required": Kind.FORBIDDEN,
    "ratelimited": Kind.RATE_LIMITED,
    "rate_limited": Kind.RATE_LIMITED,
    "org_login_required": Kind.TRANSIENT,
    "team_added_to_org": Kind.TRANSIENT,
    "internal_error": Kind.TRANSIENT,
    "fatal_error": Kind.TRANSIENT,
    "service_unavailable": Kind.TRANSIENT,
    "request_timeout": Kind.TRANSIENT,
    # Ours: not codes of Slack, but what the transport saw.
    "no_connection": Kind.TRANSIENT,
    "unreachable": Kind.TRANSIENT,
    "unreadable_answer": Kind.TRANSIENT,
    "server_error": Kind.TRANSIENT,
    "not_authed": Kind.BAD_REQUEST,
    "deprecated_endpoint": Kind.BAD_REQUEST,
    "method_deprecated": Kind.BAD_REQUEST,
    "unknown_method": Kind.BAD_REQUEST,
    "invalid_form_data": Kind.BAD_REQUEST,
    "invalid_post_type": Kind.BAD_REQUEST,
    "missing_post_type": Kind.BAD_REQUEST,
    "invalid_charset": Kind.BAD_REQUEST,
    "invalid_arg_name": Kind.BAD_REQUEST,
    "invalid_array_arg": Kind.BAD_REQUEST,
    "invalid_arguments": Kind.BAD_REQUEST,
}

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
