"""`slackapp check`: asks Slack about every token."""

import argparse
from dataclasses import asdict

from slackapp.cli.printing import tell, tell_json
from slackapp.cli.session import installed_tenant, open_service, operator
from slackapp.flows.tokens import validate_tenant
from slackapp.flows.tokens.validate_tenant import Checked
from slackapp.store import installations

HELP = "ask Slack about every token: does it work, are scopes missing or more than asked for"


def configure(parser: argparse.ArgumentParser) -> None:
    """All tenants or one."""
    parser.add_argument("--tenant", metavar="ID", help="only this one")
    parser.add_argument("--json", action="store_true", help="one JSON object per token")


def run(arguments: argparse.Namespace) -> int:
    """0 when every token works and has its scopes, else 1. Raises ConfigError, StoreError."""
    fine = True
    with open_service() as service:
        app = service.app
        if arguments.tenant is not None:
            tenants = [installed_tenant(app, arguments.tenant)]
        else:
            tenants = [installation.tenant for installation in installations.every(app.db)]
        if not tenants:
            tell("no tenant is installed", error=True)
        origin = operator(app)
        for tenant in tenants:
            for checked in validate_tenant.run(app, tenant, origin):
                fine = fine and checked.is_fine
                if arguments.json:
                    tell_json(_fields(checked))
                else:
                    tell(_as_line(checked))
    return 0 if fine else 1


def _fields(checked: Checked) -> dict[str, object]:
    return dict(sorted({**asdict(checked), "tenant": checked.tenant.id}.items()))


def _as_line(checked: Checked) -> str:
    parts = [checked.tenant.id, checked.user_id or "bot", checked.result]
    for word, scopes in (("missing", checked.missing), ("surplus", checked.surplus)):
        if scopes:
            parts.append(f"{word}: {','.join(scopes)}")
    if checked.install_url:
        parts.append(f"install again: {checked.install_url}")
    return "  ".join(parts)
