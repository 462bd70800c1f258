"""`slackapp incident token`: whose a leaked token is, what it was used for, and its end."""

import argparse

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs, number_of_rows
from slackapp.cli.terminal.printing import print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.flows import named_tenants
from slackapp.flows.app import App
from slackapp.flows.audit import read_audit
from slackapp.flows.audit.read_audit import AuditQuestion
from slackapp.flows.keys import fingerprint_tokens
from slackapp.flows.removal import end_token
from slackapp.flows.tokens import needs_reinstall
from slackapp.model import BOT, Actor, AuditEvent, Secret, Token, TokenPart

_USES = Columns(
    wide=("id", "at", "tenant_id", "holder_id", "generation", "capability", "method", "purpose", "channel", "trace_id"),
    narrow=("id", "at", "capability", "method", "purpose", "channel"),
    truncations={"purpose": Truncation.END, "method": Truncation.END},
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds one sub-command per kind of incident."""
    token = add_verbs(parser)("token", "the token on the standard input: it is not shown, and not kept", _end)
    token.add_argument("--only-look", action="store_true", help="end nothing")
    token.add_argument(
        "--number", "--limit", type=number_of_rows, default=50, metavar="N", help="that many of its last uses (50)"
    )
    confirm.add_option(token)
    add_options(token, "the uses as one JSON object per line, with each column that is not empty")


def _end(arguments: argparse.Namespace) -> int:
    leaked = confirm.read_secret("Token (it is not shown, and not kept): ")
    with open_service() as service:
        app, actor = service.app, operator_actor(service.app)
        found, left = fingerprint_tokens.find(app, leaked, actor)
        for token in found:
            _show(app, token, arguments)
        if left:
            print_lines(f"{left} tokens have no fingerprint yet; run `slackapp keys fingerprint`", error=True)
        if not found:
            print_lines("no token here is this one: it was replaced, or is another app's", error=True)
            return 1
        if arguments.only_look:
            return 0
        results = [_end_one(app, token, leaked, actor, yes=arguments.yes) for token in found]
    return 0 if all(results) else 1


def _show(app: App, token: Token, arguments: argparse.Namespace) -> None:
    kind = "rotates" if token.refresh is not None else "long-lived"
    since = format_time(token.granted_at)
    print_lines(f"{token.tenant}  {token.holder}  {token.status}, {kind}, granted {since}", error=arguments.json)
    asked = AuditQuestion(
        tenant_id=token.tenant.id,
        event=AuditEvent.TOKEN_READ,
        holder="bot" if token.holder == BOT else token.holder.id,
        since=token.granted_at,
        limit=arguments.number,
    )
    rows = [{**row, "at": format_time(row["at"])} for row in read_audit.tail(app, asked)]
    if arguments.json:
        rows = [{name: value for name, value in row.items() if value not in ("", None)} for row in rows]
    print_rows(rows, _USES, arguments)
    print_lines(f"{len(rows)} uses by this service; of those by others Slack knows", error=True)


def _end_one(app: App, token: Token, leaked: Secret, actor: Actor, *, yes: bool) -> bool:
    """Ends it; False where it may live on."""
    what = "a new pair takes its place" if token.refresh is not None else "the workspace must install again"
    installation = named_tenants.find_installation(app, token.tenant)
    name = confirm.name_to_type(installation) if installation is not None else token.tenant.id
    confirm.confirm(f"{token.tenant} {token.holder}: this token ends at Slack, and {what}", name, yes)
    ended = end_token.run(app, token, leaked, actor)
    again = f"`slackapp uninstall {token.tenant.id}`"
    if not ended.is_over:
        print_lines(f"{token.tenant}: it may live on; do it again, or {again}", error=True)
        return False
    if token.refresh is None:
        print_lines(f"{token.tenant}: ended; install again: {needs_reinstall.install_url(app, token.tenant)}")
        return True
    print_lines(f"{token.tenant}: ended, and {'replaced' if ended.is_replaced else 'the next use gets another one'}")
    if ended.part == TokenPart.REFRESH:
        print_lines(f"Who has used it first holds another pair; to end that: {again}", error=True)
    return True
