"""Where is anything opened? Each place is named, with the audit row that it commits before or why it needs none."""

import ast

from tests.meta.source import Module, modules, parse

OPENS = ("keyring.open", "open_or_reread", "tenant_keys.open_access_token", "tenant_keys.open_refresh_token")
NOTED = {
    "flows/tokens/use_token.py": {"token.read"},
    "flows/tokens/refresh_token.py": {"token.read"},
    "flows/tokens/exchange_token.py": {"token.read"},
    "flows/keys/reencrypt_tenant.py": {"token.read"},
    "flows/keys/fingerprint_tokens.py": {"token.read"},
    "flows/backup/backup_database.py": {"token.read"},
    "bolt/find_installation.py": {"token.read", "{record.what}.read"},
    "flows/events/inbox_admin.py": {"event.read"},
}
"""By module: the events that it notes before it opens."""
WITHOUT = {
    "flows/keys/tenant_keys.py": "opens what its callers give it",
    "flows/events/run_event.py": "an event's body, for the app's own function: what it then does with a token is noted",
    "demo/scenario.py": "the round trip with a Slack of its own",
}


def openings(module: Module) -> list[int]:
    """The lines at which a module opens a record."""
    found = [node for node in module.nodes if isinstance(node, ast.Call)]
    names = [(call.lineno, ast.unparse(call.func)) for call in found]
    return [line for line, name in names if name.removeprefix("app.").removeprefix("self._") in OPENS]


def events(module: Module) -> set[str]:
    """The events that a module notes."""
    calls = [node for node in module.nodes if isinstance(node, ast.Call)]
    notes = [call for call in calls if ast.unparse(call.func) in ("audit_log.append", "audit_log.append_committed")]
    return {ast.unparse(call.args[1]).removeprefix("f").strip("'\"") for call in notes}


def test_every_place_that_opens_a_record_is_known_and_notes_it() -> None:
    """I add a way to the tokens that the audit does not tell of."""
    found = {module.path: events(module) for module in modules() if openings(module)}
    assert found.keys() == NOTED.keys() | WITHOUT.keys()
    assert {path: told - found[path] for path, told in NOTED.items() if told - found[path]} == {}


def test_an_opening_that_is_not_known_would_be_found() -> None:
    """Negative control."""
    planted = parse("flows/x.py", "def f(app):\n    return app.keyring.open(1, 2)\n")
    assert (openings(planted), events(planted)) == ([2], set())
