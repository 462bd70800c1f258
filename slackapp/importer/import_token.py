"""Record made from a lone token, as from an environment variable, after asking Slack whose it is."""

from slackapp.checks.code_grant import BOT_PREFIXES, USER_PREFIXES
from slackapp.checks.slack_ids import is_enterprise
from slackapp.errors import CommandError, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.importer.sources import SourceKind, SourceRecord
from slackapp.model import HolderKind, Secret

_TRANSIENT_KINDS = frozenset({SlackErrorKind.RATE_LIMITED, SlackErrorKind.TRANSIENT})


def run(app: App, name: str, token: Secret) -> SourceRecord:
    """Asks `auth.test`. `name` is the variable's, for messages.

    Raises CommandError for a token that cannot be taken, and SlackCallError for what passes by itself.
    """
    value = token.reveal()
    if value.startswith("xoxe"):
        raise CommandError(
            f"{name}: is a token that rotates; without its refresh token it ends within hours. Install again"
        )
    kind = _kind(value)
    if kind is None or not all("!" <= character <= "~" for character in value):
        raise CommandError(f"{name}: is neither a bot's token (xoxb-…) nor a person's (xoxp-…)")
    try:
        answer = app.slack.call("auth.test", token, {})
    except SlackCallError as error:
        if error.kind in _TRANSIENT_KINDS:
            raise
        raise CommandError(f"{name}: Slack says {error.code}; nothing was taken") from None
    data = answer.data
    # An enterprise-wide token is answered with the enterprise's id in place of the team's.
    is_enterprise_install = data.get("is_enterprise_install") is True or is_enterprise(data.get("team_id"))
    fields = {
        "app_id": data.get("app_id"),
        "enterprise_id": data.get("enterprise_id") or (data.get("team_id") if is_enterprise_install else None),
        "enterprise_name": data.get("team") if is_enterprise_install else None,
        "team_id": None if is_enterprise_install else data.get("team_id"),
        "team_name": None if is_enterprise_install else data.get("team"),
        "is_enterprise_install": is_enterprise_install,
        f"{kind}_token": value,
        f"{kind}_scopes": ",".join(answer.scopes or ()),
        "bot_user_id": data.get("user_id") if kind == HolderKind.BOT else None,
        "bot_id": data.get("bot_id"),
        "user_id": data.get("user_id") if kind == HolderKind.USER else None,
        "installed_at": app.clock(),
    }
    source_kind = SourceKind.BOT if kind == HolderKind.BOT else SourceKind.INSTALLATION
    return SourceRecord(source_kind, (name,), name, 0, fields=fields, is_owner_known=True)


def _kind(token: str) -> HolderKind | None:
    if token.startswith(BOT_PREFIXES):
        return HolderKind.BOT
    return HolderKind.USER if token.startswith(USER_PREFIXES) else None
