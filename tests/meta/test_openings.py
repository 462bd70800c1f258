"""Where is anything opened? A token by the vault alone, after its row; and each way into the vault is named here."""

import ast
from collections import defaultdict
from collections.abc import Iterable

from tests.meta.source import Module, modules, parse

WAYS: dict[str, dict[str, str]] = {
    "keyring.open": {
        "vault/secret_reads.py": "all that a tenant has, after the row",
        "vault/keyring.py": "once, and once more where it was sealed anew",
        "demo/scenario.py": "the round trip with a Slack of its own",
    },
    "keyring.open_or_reread": {
        "vault/vault.py": "after the row, which the vault writes",
        "vault/keyring.py": "a record of data, which is no token",
    },
    "keyring.open_data": {
        "flows/events/run_event.py": "an event's body, for the app's own function: what it does with a token is noted",
        "flows/events/inbox_admin.py": "an event's body, for the operator, after a row of its own",
    },
    "vault.read_token": {"flows/keys/tenant_keys.py": "the one place, where its key's errors become refusals"},
    "vault.read_secrets": {"bolt/find_installation.py": "what goes to a Bolt app, with one commit"},
    "vault.open_tenants": {
        "flows/keys/reencrypt_tenant.py": "seals all of a tenant anew",
        "flows/keys/fingerprint_tokens.py": "keeps a keyed hash of each token alone",
        "flows/backup/backup_database.py": "tries whether a copy opens",
    },
    "TenantOpening": {"vault/vault.py": "which has written the row"},
    "open_sealed": {"vault/keyring.py": "a record", "vault/providers.py": "a data key, which the master key wraps"},
}
"""Call → modules that may make it, and why."""
OPENINGS = ("open", "open_or_reread")
STARTS = ("app.", "self._", "self.", "live.", "tenant_keys.", "envelope.")


def call_name(call: ast.Call, module: Module) -> str:
    """What is called, without who has it: `keyring.open` for `self._keyring.open`, and for `self.open` in a keyring."""
    name = ast.unparse(call.func)
    for start in STARTS:
        name = name.removeprefix(start)
    return f"keyring.{name}" if module.path == "vault/keyring.py" and name in OPENINGS else name


def openings(found: Iterable[Module]) -> dict[str, set[str]]:
    """By call: the modules that make it."""
    made: dict[str, set[str]] = defaultdict(set)
    for module in found:
        for node in module.nodes:
            if isinstance(node, ast.Call) and (name := call_name(node, module)) in WAYS:
                made[name].add(module.path)
    return dict(made)


def test_every_place_that_opens_anything_is_known_and_no_token_is_opened_but_by_the_vault() -> None:
    """I add a way to the tokens that the audit does not tell of."""
    assert openings(modules()) == {name: set(places) for name, places in WAYS.items()}


def test_an_opening_that_is_not_known_would_be_found() -> None:
    """Negative control."""
    text = "def f(app, read):\n app.keyring.open(1, 2)\n app.vault.read_token(read)\n return TenantOpening(3, 4)\n"
    places = {"keyring.open": {"flows/x.py"}, "vault.read_token": {"flows/x.py"}, "TenantOpening": {"flows/x.py"}}
    assert openings([parse("flows/x.py", text)]) == places
