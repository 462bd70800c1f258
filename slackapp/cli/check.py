"""`slackapp check`: asks Slack about every token."""

import argparse
from dataclasses import asdict

from slackapp.cli.printing import print_json, print_lines
from slackapp.cli.session import installed_tenant, open_service, operator_actor
from slackapp.flows.tokens import validate_tenant
from slackapp.flows.tokens.validate_tenant import TokenCheck
from slackapp.store import installations

HELP = "ask Slack about every token: does it work, are scopes missing or more than asked for"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between all tenants and one."""
    parser.add_argument("--tenant", metavar="ID", help="only this one")
    parser.add_argument("--json", action="store_true", help="one JSON object per token")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when every token works and has its scopes, else 1. Raises ConfigError, StoreError."""
    fine = True
    with open_service() as service:
        app = service.app
        if arguments.tenant is not None:
            tenants = [installed_tenant(app, arguments.tenant)]
        else:
            tenants = [installation.tenant for installation in installations.list_all(app.db)]
        if not tenants:
            print_lines("no tenant is installed", error=True)
        actor = operator_actor(app)
        for tenant in tenants:
            for checked in validate_tenant.run(app, tenant, actor):
                fine = fine and checked.is_fine
                if arguments.json:
                    print_json(_fields(checked))
                else:
                    print_lines(_as_line(checked))
    return 0 if fine else 1


def _fields(checked: TokenCheck) -> dict[str, object]:
    return dict(sorted({**asdict(checked), "tenant": checked.tenant.id}.items()))


def _as_line(checked: TokenCheck) -> str:
    parts = [checked.tenant.id, checked.user_id or "bot", checked.result]
    for word, scopes in (("missing", checked.missing), ("surplus", checked.surplus)):
        if scopes:
            parts.append(f"{word}: {','.join(scopes)}")
    if checked.install_url:
        parts.append(f"install again: {checked.install_url}")
    return "  ".join(parts)
