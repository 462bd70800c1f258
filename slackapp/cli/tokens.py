"""`slackapp check`, `brake` and `exchange`: do tokens work, may they be given up, and do they rotate."""

import argparse

from slackapp.checks import token_refusals
from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.cli.terminal.table import format_time
from slackapp.flows.tokens import brake, exchange_token, validate_tenant
from slackapp.flows.tokens.validate_tenant import TokenCheck


def configure_check(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between all tenants and one."""
    parser.add_argument("--tenant", metavar="ID", help="only this one")
    parser.add_argument("--json", action="store_true", help="one JSON object per token")


def run_check(arguments: argparse.Namespace) -> int:
    """Returns 0 when every token works and has its scopes, else 1. Raises ConfigError, StoreError."""
    fine = True
    with open_service() as service:
        total, checks = validate_tenant.run_all(service.app, arguments.tenant, operator_actor(service.app))
        if not total:
            print_lines("no tenant is installed", error=True)
        for checked in checks:
            fine = fine and checked.is_fine
            if arguments.json:
                print_json(_fields(checked))
            else:
                print_lines(_as_line(checked))
    return 0 if fine else 1


def _fields(checked: TokenCheck) -> dict[str, object]:
    return {
        "install_url": checked.install_url or "",
        "missing": checked.missing,
        "name": checked.name,
        "result": checked.result,
        "surplus": checked.surplus,
        "tenant": checked.tenant.id,
        "user_id": checked.holder.id,
    }


def _as_line(checked: TokenCheck) -> str:
    parts = [checked.tenant.id, str(checked.holder), checked.result]
    for word, scopes in (("missing", checked.missing), ("surplus", checked.surplus)):
        if scopes:
            parts.append(f"{word}: {','.join(scopes)}")
    if checked.install_url is not None:
        parts.append(f"install again: {checked.install_url}")
    return "  ".join(parts)


def configure_brake(parser: argparse.ArgumentParser) -> None:
    """Adds `--release`."""
    parser.add_argument("--release", action="store_true", help="what Slack says counts again; for an hour, at once")


def run_brake(arguments: argparse.Namespace) -> int:
    """Returns 0 when the brake does not hold (any more), else 1. Raises ConfigError, StoreError."""
    with open_service() as service:
        app = service.app
        found = brake.release(app, operator_actor(app)) if arguments.release else brake.read_brake(app)
    held = f"on since {format_time(found.since)}" if found.since else "off"
    print_lines(f"brake: {held}; tenants that wait: {found.waiting}; tokens that pause: {found.paused}")
    if arguments.release:
        print_lines(f"released: for {token_refusals.RELEASE_SECONDS // 60} minutes what Slack says counts at once")
        return 0
    return 1 if found.since else 0


def configure_exchange(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between all tenants and one."""
    parser.add_argument("--tenant", metavar="ID", help="only this one")


def run_exchange(arguments: argparse.Namespace) -> int:
    """Returns 0 when no long-lived token is left of those that could be exchanged, else 1.

    Raises ConfigError, CommandError.
    """
    with open_service() as service:
        total, outcomes = exchange_token.run_all(service.app, arguments.tenant, operator_actor(service.app))
        exchanged = 0
        for number, outcome in enumerate(outcomes, start=1):
            exchanged += outcome.result == exchange_token.EXCHANGED
            print_lines(f"{number}/{total}  {outcome.tenant}  {outcome.holder}  {outcome.result}")
    print_lines(f"{exchanged} of {total} exchanged", error=True)
    return 0 if exchanged == total else 1
