"""Who may import whom. The table is the architecture; these tests keep the code from leaving it."""

from dataclasses import dataclass

import pytest

from tests.meta.source import Import, Module, imports, modules, parse


@dataclass(frozen=True)
class Row:
    """A layer, its parts, and the layers (or single parts) they may import. A part may always import itself."""

    layer: str
    parts: tuple[str, ...]
    may_import: tuple[str, ...]


TABLE = (
    Row("L0", ("errors", "model", "ports"), ("L0",)),
    Row("L1", ("crypto", "checks", "web"), ("L0",)),
    Row("L2", ("store",), ("L0",)),
    Row("L3", ("flows",), ("L0", "L1", "L2")),
    Row("L4", ("handlers", "keys", "slack", "ops"), ("L0", "L1", "L2", "L3")),
    Row("L5", ("routes", "wsgi", "callers"), ("L0", "L1", "L2", "L3", "L4", "L5")),
    Row(
        "L6",
        ("app", "config", "settingforms", "settingfiles", "dotenv", "example", "cli", "bolt", "__init__", "__main__"),
        ("L0", "L1", "L2", "L3", "L4", "L5", "L6"),
    ),
    Row("L6", ("localslack",), ("web",)),
)
ROOTS = {"slack/bolt.py": "bolt"}
"""A file that puts everything together for another program: it stands above its folder, and nobody imports it."""
ONLY_FOR = {
    "bolt": (),
    "localslack": ("cli",),
    "settingforms": ("config", "settingfiles"),
    "settingfiles": ("config",),
    "dotenv": ("config",),
}
"""Part → the only parts that may import it."""
ROW_OF = {part: row for row in TABLE for part in row.parts}
WHY = {
    "L0": "L0 is the standard library and L0 only; ports may name higher types under TYPE_CHECKING",
    "L1": "the packages of L1 are pure: they import L0 and themselves, not each other",
    "L2": "the store sees sealed values only: it imports L0 and itself",
    "L3": "a flow imports L0 to L2; whatever stands above comes to it as an argument, through ports.App",
    "L4": "handlers, keys, slack and ops import L0 to L3 and themselves, not each other: strict on purpose, "
    "what one needs of another is handed over by app.py",
    "L5": "routes, wsgi and callers import what is below them",
    "L6": "the local Slack imports slackapp.web and itself, and is imported by slackapp.cli only",
}


def forbidden(module: Module, item: Import) -> str:
    """Why this import breaks the table; empty if it does not."""
    if not (item.target == "slackapp" or item.target.startswith("slackapp.")):
        return ""
    importer, imported = ROOTS.get(module.path, module.part), part_of(item.target)
    if importer not in ROW_OF:
        return f"{module.path}: {importer} has no row in the table of layers"
    if importer == imported:
        return ""
    if importer == "ports" and item.typing_only and imported in ROW_OF:
        return ""
    row = ROW_OF[importer]
    allowed = {part for part, its in ROW_OF.items() if its.layer in row.may_import or part in row.may_import}
    if imported in allowed and importer in ONLY_FOR.get(imported, (importer,)):
        return ""
    reason = f"{imported} is for {ONLY_FOR[imported]}" if imported in ONLY_FOR else WHY[row.layer]
    return f"{module.path}:{item.line}: imports {item.target} ({reason})"


def part_of(target: str) -> str:
    """The part an import leads to. `slackapp` and the names in its __init__ are the part `__init__`."""
    parts = target.split(".")
    if parts[1:3] == ["slack", "bolt"]:
        return "bolt"
    if len(parts) == 1:
        return "__init__"
    if len(parts) == 2 and parts[1] not in ROW_OF and not any(m.part == parts[1] for m in modules()):
        return "__init__"
    return parts[1]


def violations(module: Module) -> list[str]:
    """Every import of a module that breaks the table."""
    return [why for item in imports(module) if (why := forbidden(module, item))]


def test_there_is_code_to_judge() -> None:
    """Stops this file from passing because it looked at an empty directory."""
    assert {"errors", "model", "ports"} <= {module.part for module in modules()}


def test_every_file_has_a_row() -> None:
    """Stops a new package from standing outside the table, where nothing would judge it."""
    strangers = sorted({module.path for module in modules() if module.part not in ROW_OF})
    assert not strangers, f"not in the table of layers: {strangers}"


def test_imports_follow_the_layers() -> None:
    """Stops a check that calls Slack, a store that opens a token, a handler that decides."""
    found = [line for module in modules() for line in violations(module)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("errors.py", "import slackapp.store.db"),
        ("model.py", "from slackapp import flows"),
        ("crypto/envelope.py", "from slackapp.checks import state_token"),
        ("checks/tenant_of.py", "def f():\n    from slackapp.web.request import Request"),
        ("store/db.py", "from slackapp.crypto.envelope import open_record"),
        ("flows/purge_tenant.py", "import slackapp.slack.client as client"),
        ("flows/purge_tenant.py", "from ..keys import keyring"),
        ("handlers/site.py", "from slackapp.keys.keyring import Keyring"),
        ("slack/client.py", "from slackapp.ops import metrics"),
        ("slack/client.py", "from slackapp import __version__"),
        ("handlers/site.py", "from slackapp.routes import ROUTES"),
        ("wsgi.py", "from slackapp.app import build"),
        ("flows/use_token.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from slackapp.app import x"),
        ("ports.py", "from slackapp.store.db import Database"),
        ("localslack/server.py", "from slackapp.errors import Refused"),
        ("app.py", "from slackapp.localslack import server"),
        ("surprise.py", "import slackapp.errors"),
        ("cli/serve.py", "from slackapp.slack import bolt"),
        ("slack/client.py", "from slackapp.slack.bolt import SignedStateStore"),
        ("slack/bolt_entities.py", "from slackapp import config"),
        ("slack/bolt.py", "from slackapp.localslack import server"),
    ],
)
def test_a_planted_import_is_found(path: str, text: str) -> None:
    """Negative control: stops the checker from going blind."""
    assert violations(parse(path, text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ports.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from slackapp.store.db import Database"),
        ("flows/begin_install.py", "from slackapp.checks import state_token\nfrom slackapp.store import states"),
        ("flows/finish_install.py", "from slackapp.flows import begin_install"),
        ("localslack/server.py", "from slackapp.web.request import Request\nfrom .state import State"),
        ("cli/localslack.py", "from slackapp.localslack import server\nfrom slackapp import __version__"),
        ("__main__.py", "from slackapp.cli import main"),
        ("store/db.py", "import sqlite3"),
        ("slack/bolt.py", "from slackapp.app import assemble\nfrom slackapp.slack import bolt_entities"),
    ],
)
def test_an_allowed_import_passes(path: str, text: str) -> None:
    """Negative control of the other kind: stops a checker that flags everything."""
    assert not violations(parse(path, text))
