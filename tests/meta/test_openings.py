"""Where is anything opened? Each place is named, with the audit row that it commits before or why it needs none."""

import ast

from tests.meta.source import Module, modules, parse

OPENS = ("keyring.open", "open_or_reread", "tenant_keys.open_access_token", "tenant_keys.open_refresh_token")
NOTED = {
    "flows/tokens/use_token.py": {"TOKEN_READ"},
    "flows/tokens/refresh_token.py": {"TOKEN_READ"},
    "flows/tokens/exchange_token.py": {"TOKEN_READ"},
    "flows/keys/reencrypt_tenant.py": {"TOKEN_READ"},
    "flows/keys/fingerprint_tokens.py": {"TOKEN_READ"},
    "flows/backup/backup_database.py": {"TOKEN_READ"},
    "bolt/find_installation.py": {"TOKEN_READ", "DETAILS_READ", "WEBHOOK_READ"},
    "flows/events/inbox_admin.py": {"EVENT_READ"},
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
    found = [ast.unparse(node) for node in module.nodes if isinstance(node, ast.Attribute)]
    return {name.removeprefix("AuditEvent.") for name in found if name.startswith("AuditEvent.")}


def test_every_place_that_opens_a_record_is_known_and_notes_it() -> None:
    """I add a way to the tokens that the audit does not tell of."""
    found = {module.path: events(module) for module in modules() if openings(module)}
    assert found.keys() == NOTED.keys() | WITHOUT.keys()
    assert {path: told - found[path] for path, told in NOTED.items() if told - found[path]} == {}


def test_an_opening_that_is_not_known_would_be_found() -> None:
    """Negative control."""
    planted = parse("flows/x.py", "def f(app):\n    return app.keyring.open(1, 2)\n")
    assert (openings(planted), events(planted)) == ([2], set())
