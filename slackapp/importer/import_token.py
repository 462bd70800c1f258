"""Makes a record of a lone token, such as one that stood in a variable of the environment: Slack says whose it is."""

from slackapp.checks.code_grant import BOT_PREFIXES, USER_PREFIXES
from slackapp.checks.slack_ids import is_enterprise
from slackapp.errors import CommandError, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.importer.sources import Foreign
from slackapp.model import Secret

_PASSES = frozenset({SlackErrorKind.RATE, SlackErrorKind.TRANSIENT})


def run(app: App, name: str, token: Secret) -> Foreign:
    """Asks `auth.test`. `name` is the variable's, for messages.

    Raises CommandError for a token that cannot be taken, and SlackCallError for trouble that passes.
    """
    value = token.reveal()
    if value.startswith("xoxe"):
        raise CommandError(
            f"{name}: is a token that rotates; without its refresh token it ends within hours. Install again"
        )
    kind = "bot" if value.startswith(BOT_PREFIXES) else "user" if value.startswith(USER_PREFIXES) else ""
    if not kind or not all("!" <= character <= "~" for character in value):
        raise CommandError(f"{name}: is neither a bot's token (xoxb-…) nor a person's (xoxp-…)")
    try:
        answer = app.slack.call("auth.test", token, {})
    except SlackCallError as error:
        if error.kind in _PASSES:
            raise
        raise CommandError(f"{name}: Slack says {error.code}; nothing was taken") from None
    data = answer.data
    # An org-wide token is answered with the org's id in place of the team's.
    org_wide = data.get("is_enterprise_install") is True or is_enterprise(data.get("team_id"))
    fields = {
        "app_id": data.get("app_id"),
        "enterprise_id": data.get("enterprise_id") or (data.get("team_id") if org_wide else None),
        "enterprise_name": data.get("team") if org_wide else None,
        "team_id": None if org_wide else data.get("team_id"),
        "team_name": None if org_wide else data.get("team"),
        "is_enterprise_install": org_wide,
        f"{kind}_token": value,
        f"{kind}_scopes": ",".join(answer.scopes or ()),
        "bot_user_id": data.get("user_id") if kind == "bot" else None,
        "bot_id": data.get("bot_id"),
        "user_id": data.get("user_id") if kind == "user" else None,
        "installed_at": app.clock(),
    }
    return Foreign("bot" if kind == "bot" else "installation", (name,), name, 0, fields, proven=True)
