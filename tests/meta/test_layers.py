"""Who may import whom. The order is the architecture; these tests keep the code from leaving it."""

import pytest

from tests.meta.source import PACKAGE, Import, Module, imports, modules, parse

ORDER: tuple[tuple[str, ...], ...] = (
    ("errors", "model"),
    ("behaviour", "checks", "crypto", "web"),
    ("store/engine",),
    ("store",),
    ("runtime",),
    ("slack", "vault"),
    ("flows/app",),
    ("flows/named_tenants", "flows/tenant_data"),
    ("flows/queue_data",),
    ("flows/core_data",),
    ("flows/audit",),
    ("flows/backup",),
    ("flows/keys",),
    ("flows/tokens",),
    ("flows/install",),
    ("flows/removal",),
    ("flows/events",),
    ("flows/upkeep",),
    ("handlers", "workers"),
    ("callers",),
    ("host/model",),
    ("host/errors",),
    ("host/blocks", "host/channel_list", "host/inventory", "host/rows"),
    ("host/checks",),
    ("host/answers", "host/forms", "host/keys"),
    ("host/memory",),
    ("host/store",),
    ("host/flows",),
    ("host/callers",),
    ("host/circle",),
    ("host/call",),
    ("host/pages",),
    ("host/handlers",),
    ("host/routes",),
    ("host/openapi",),
    ("host/verification",),
    ("routes",),
    ("wsgi",),
    ("config",),
    ("circles",),
    ("app",),
    ("example",),
    ("cli/terminal",),
    ("cli/service",),
    ("bolt", "demo", "directory", "host/cli", "importer", "localslack"),
    ("cli",),
    ("__main__",),
)
"""The lowest first. A part imports itself and what stands before it, and nothing beside it on its own line."""
BESIDES = {("errors", "model"), ("model", "errors")}
"""Who may look at whom besides: refusals name tenants."""
ONLY = {
    "behaviour": ("errors", "model"),
    "example": ("behaviour",),
    "localslack": ("web",),
    "cli/terminal": ("errors", "model"),
    "store/engine": ("errors",),
}
"""Who may import these alone: fewer than the order would let it. `errors` means the list of refusals and errors."""
HOST = tuple(part for parts in ORDER for part in parts if part.startswith("host/"))
"""The parts of the host side, of which the core knows nothing but its circle and its routes."""
ONLY_FOR: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(HOST, HOST),
    "host/circle": ("app",),
    **dict.fromkeys(("host/answers", "host/callers", "host/handlers", "host/openapi"), (*HOST, "routes")),
    "host/verification": ("demo",),
    "bolt": (),
    "demo": ("cli",),
    "directory": ("cli",),
    "importer": ("cli",),
    "localslack": ("cli", "demo"),
    "example": (),
    "host/cli": ("cli",),
    "config": ("app", "bolt", "cli/service", "cli", "demo"),
    "cli/terminal": ("cli/service", "cli", "demo", "host/cli"),
    "cli/service": ("cli", "demo", "host/cli"),
}
"""Part → the only parts that may import it: side products are the command line's alone.

The demo is one itself, and plays against the local Slack.
"""
BELOW_FLOWS = ("store", "store/engine", "vault", "crypto")
COMMANDS_BELOW = {
    "cli/service/dev_settings.py": "private files below `data/`, which only `slackapp dev` has",
}
"""Modules of commands that reach below the flows, and for what. Order, locks and audit rows stand in flows."""
RANK = {part: number for number, parts in enumerate(ORDER) for part in parts}


def ranked(steps: list[str]) -> str:
    """The longest prefix of the steps that stands in the order; "" where none does."""
    prefixes = ("/".join(steps[:end]) for end in range(len(steps), 0, -1))
    return next((prefix for prefix in prefixes if prefix in RANK), "")


def part_at(path: str) -> str:
    """The part that a path inside slackapp/ belongs to: the longest prefix that stands in the order."""
    steps = path.removesuffix(".py").split("/")
    return ranked(steps) or ("" if path.endswith("__init__.py") and len(steps) < 3 else "/".join(steps[:2]))


def part_of(target: str) -> str:
    """The part an import leads to; "" for `slackapp` itself and the names in its __init__."""
    steps = target.split(".")[1:]
    known = steps and ((PACKAGE / steps[0]).is_dir() or (PACKAGE / f"{steps[0]}.py").is_file())
    return ranked(steps) or ("/".join(steps[:2]) if known else "")


def forbidden(module: Module, item: Import) -> str:
    """Why this import breaks the order; empty if it does not."""
    if not (item.target == "slackapp" or item.target.startswith("slackapp.")):
        return ""
    importer, imported = part_at(module.path), part_of(item.target)
    where = f"{module.path}:{item.line}: imports {item.target}"
    if importer not in RANK:
        return "" if importer == "" else f"{module.path}: {importer} has no place in the order"
    if importer == imported or (importer, imported) in BESIDES:
        return ""
    if imported == "":
        return "" if RANK[importer] >= RANK["app"] and importer != "localslack" else f"{where} (for app.py and above)"
    if imported not in RANK:
        return f"{where} ({imported} has no place in the order)"
    if RANK[imported] >= RANK[importer]:
        return f"{where} ({imported} does not stand below {importer})"
    if imported not in ONLY.get(importer, (imported,)):
        return f"{where} ({importer} imports {ONLY[importer]} only)"
    if importer not in ONLY_FOR.get(imported, (importer,)):
        return f"{where} ({imported} is for {ONLY_FOR[imported]})"
    return ""


def violations(module: Module) -> list[str]:
    """Every import of a module that breaks the order."""
    return [why for item in imports(module) if (why := forbidden(module, item))]


def test_the_layer_test_finds_modules() -> None:
    """Stops this file from passing because it looked at an empty directory."""
    assert {part_at(module.path) for module in modules()} - {""} == set(RANK)


def test_imports_follow_the_order() -> None:
    """Stops a check that calls Slack, a store that opens a token, a flow that knows who called it."""
    found = [line for module in modules() for line in violations(module)]
    assert not found, "\n".join(found)


def reaching_below(module: Module) -> list[str]:
    """Imports by which a command does something itself, in place of the flow that has its order."""
    if not module.path.startswith("cli/"):
        return []
    below = [item for item in imports(module) if part_of(item.target) in BELOW_FLOWS]
    return [f"{module.path}:{item.line}: imports {item.target}; call a flow" for item in below]


def test_a_command_parses_calls_a_flow_and_prints() -> None:
    """Stops a sequence of steps, a lock or an audit row from standing in a command, where nobody looks for it."""
    found = {module.path: lines for module in modules() if (lines := reaching_below(module))}
    assert found.keys() == COMMANDS_BELOW.keys(), found


@pytest.mark.parametrize(
    "text",
    ["from slackapp.store import tokens", "import slackapp.vault.keyring", "from slackapp.crypto import keyfile"],
)
def test_a_planted_reach_below_is_found(text: str) -> None:
    """Negative control: stops the checker from going blind."""
    assert reaching_below(parse("cli/service/session.py", text))
    assert not reaching_below(parse("flows/keys/rotate_keys.py", text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("errors.py", "import slackapp.store.engine.sqlite"),
        ("model/rows.py", "from slackapp import flows"),
        ("crypto/envelope.py", "from slackapp.checks import state_token"),
        ("checks/tenant_of.py", "def f():\n    from slackapp.web.request import Request"),
        ("store/engine/sqlite.py", "from slackapp.crypto.envelope import open_record"),
        ("store/engine/sqlite.py", "from slackapp.store import meta"),
        ("store/engine/sqlite.py", "from slackapp.model import Tenant"),
        ("runtime/log.py", "from slackapp.vault.keyring import Keyring"),
        ("slack/client.py", "from slackapp.vault import keyring"),
        ("vault/keyring.py", "from slackapp.flows.audit import notes"),
        ("slack/client.py", "from slackapp import __version__"),
        ("flows/audit/notes.py", "from slackapp.flows.keys import tenant_keys"),
        ("flows/tokens/use_token.py", "from slackapp.flows.install import store_grant"),
        ("flows/removal/purge_tenant.py", "from ..events import run_event"),
        ("flows/removal/purge_tenant.py", "from slackapp.workers import queue_workers"),
        ("flows/surprise.py", "from slackapp.errors import Refused"),
        ("handlers/pages/site.py", "from slackapp.routes import ROUTES"),
        ("handlers/pages/site.py", "from slackapp.workers import scheduler"),
        ("wsgi.py", "from slackapp.app import build"),
        ("flows/tokens/use_token.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import slackapp.app"),
        ("behaviour.py", "from slackapp.flows.events.event_context import EventContext"),
        ("example.py", "from slackapp.flows.app import App"),
        ("localslack/server.py", "from slackapp.errors import Refused"),
        ("localslack/server.py", "from slackapp import __version__"),
        ("importer/sources.py", "from slackapp.directory import findings"),
        ("app.py", "from slackapp.localslack import server"),
        ("app.py", "from slackapp.bolt import stores"),
        ("wsgi.py", "from slackapp.config import load"),
        ("cli/serve.py", "from slackapp import bolt"),
        ("cli/terminal/table.py", "from slackapp.store import audit"),
        ("cli/service/session.py", "from slackapp.cli import keys"),
        ("directory/review.py", "from slackapp.cli.terminal.printing import print_lines"),
        ("surprise.py", "import slackapp.errors"),
        ("bolt/stores.py", "from slackapp.localslack import server"),
    ],
)
def test_a_planted_import_is_found(path: str, text: str) -> None:
    """Negative control: stops the checker from going blind."""
    assert violations(parse(path, text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("errors.py", "from slackapp.model import Tenant"),
        ("flows/install/begin_install.py", "from slackapp.checks import state_token\nfrom slackapp.store import meta"),
        ("flows/install/finish_install.py", "from slackapp.flows.install import begin_install"),
        ("flows/install/store_grant.py", "from slackapp.flows.audit.notes import append_scopes"),
        ("flows/tokens/use_token.py", "from slackapp.slack.client import SlackClient"),
        ("localslack/server.py", "from slackapp.web.request import Request\nfrom .state import State"),
        ("cli/localslack.py", "from slackapp.localslack import server\nfrom slackapp import __version__"),
        ("demo/harness.py", "from slackapp.cli.service.server import serve"),
        ("__main__.py", "from slackapp.cli.main import main"),
        ("store/engine/sqlite.py", "import sqlite3"),
        ("bolt/stores.py", "from slackapp.app import assemble\nfrom slackapp.bolt import entities"),
    ],
)
def test_an_allowed_import_passes(path: str, text: str) -> None:
    """Negative control of the other kind: stops a checker that flags everything."""
    assert not violations(parse(path, text))
