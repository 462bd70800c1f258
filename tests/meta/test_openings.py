"""Where is anything opened? A token by the vault alone, after its row; and each way into the vault is named here.

A way counts where it is reached, called or not: whoever keeps a keyring under another name, or a method of it, is found
where it is taken.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.meta.source import Module, bound_names, dotted, is_under, modules, parse

WAYS: dict[str, dict[str, str]] = {
    "keyring.open": {
        "vault/secret_reads.py": "all that a tenant has, after the row",
        "vault/keyring.py": "once, and once more where it was sealed anew",
        "demo/scenario.py": "the round trip with a Slack of its own",
        "host/flows/pending_records.py": "what waits before a tenant is anybody's; a grant after its row",
    },
    "keyring.open_or_reread": {
        "vault/vault.py": "after the row, which the vault writes",
        "vault/keyring.py": "a record of data, which is no token",
    },
    "keyring.open_data": {
        "flows/events/run_event.py": "an event's body, for the app's own function: what it does with a token is noted",
        "flows/events/inbox_admin.py": "an event's body, for the operator, after a row of its own",
        "host/flows/messages/message_content.py": "what a message says, to be sent, as the token's row tells",
    },
    "keyring": {
        "vault/open_keyring.py": "makes it",
        "app.py": "gives it to the service",
        "vault/vault.py": "gives it to a tenant's opening, after the row",
        "flows/keys/reencrypt_tenant.py": "to be opened by the vault",
        "flows/keys/fingerprint_tokens.py": "to be opened by the vault",
        "flows/backup/backup_database.py": "a copy's, to be opened by the vault",
        "demo/scenario.py": "the round trip with a Slack of its own",
    },
    "vault.read_token": {"flows/keys/tenant_keys.py": "the one place, where its key's errors become refusals"},
    "vault.read_secrets": {
        "bolt/find_installation.py": "what goes to a Bolt app, with one commit",
        "host/flows/messages/post_webhook.py": "a webhook, for one message or to find its channel",
    },
    "vault.open_tenants": {
        "flows/keys/reencrypt_tenant.py": "seals all of a tenant anew",
        "flows/keys/fingerprint_tokens.py": "keeps a keyed hash of each token alone",
        "flows/backup/backup_database.py": "tries whether a copy opens",
    },
    "TenantOpening": {"vault/vault.py": "which has written the row"},
    "open_sealed": {"vault/keyring.py": "a record", "vault/providers.py": "a data key, which the master key wraps"},
}
"""Way → modules that may take it, and why. `keyring` alone is one that is kept or handed on."""
OPENINGS = ("open", "open_or_reread", "open_data")
OF_VAULT = ("read_token", "read_secrets", "open_tenants")
BY_NAME = ("TenantOpening", "open_sealed")


def last_name(node: ast.expr) -> str:
    """The last of the names: `_keyring` for `self._keyring`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_keyring(node: ast.expr, module: Module) -> bool:
    """Whether an expression bears a keyring's name, or is `self` in its class."""
    name = last_name(node)
    return name.lstrip("_").lower() == "keyring" or (name == "self" and module.path == "vault/keyring.py")


def hints(module: Module) -> set[ast.AST]:
    """What stands in the annotations: a name there opens nothing."""
    noted = (
        getattr(node, part)
        for node in module.nodes
        for part in ("annotation", "returns")
        if getattr(node, part, None) is not None
    )
    return {inner for hint in noted for inner in ast.walk(hint)}


def is_other(target: str) -> bool:
    """Whether a name was imported from elsewhere than the vault: a function of a flow, which goes its way itself."""
    return is_under(target, "slackapp") and not is_under(target, "slackapp.vault")


def ways(module: Module) -> Iterator[str]:
    """Every way that a module takes."""
    known, passed_over = bound_names(module), hints(module)
    bases = {node.value for node in module.nodes if isinstance(node, ast.Attribute)}
    for node in module.nodes:
        if not isinstance(node, ast.Attribute | ast.Name) or node in passed_over:
            continue
        if not isinstance(node.ctx, ast.Load):
            continue
        name = last_name(node)
        if name in BY_NAME:
            yield name
        elif isinstance(node, ast.Attribute) and name in OPENINGS:
            if name != "open" or is_keyring(node.value, module):
                yield f"keyring.{name}"
        elif isinstance(node, ast.Attribute) and name in OF_VAULT:
            if not is_other(dotted(node.value, known)):
                yield f"vault.{name}"
        elif name != "self" and is_keyring(node, module) and node not in bases:
            yield "keyring"


def openings(found: Iterable[Module]) -> dict[str, set[str]]:
    """By way: the modules that take it."""
    taken: dict[str, set[str]] = defaultdict(set)
    for module in found:
        for way in ways(module):
            taken[way].add(module.path)
    return dict(taken)


def test_every_place_that_opens_anything_is_known_and_no_token_is_opened_but_by_the_vault() -> None:
    """I add a way to the tokens that the audit does not tell of."""
    assert openings(modules()) == {name: set(places) for name, places in WAYS.items()}


PLANTED = {
    "app.keyring.open(1, 2)": "keyring.open",
    "k = app.keyring; k.open(1, 2)": "keyring",
    "opener = app.keyring.open": "keyring.open",
    "self._keyring.open(1, 2)": "keyring.open",
    "return partial(keyring.open, 1)": "keyring.open",
    "getattr(app.keyring, 'op' + 'en')(1, 2)": "keyring",
    "Keyring.open(mine, 1, 2)": "keyring.open",
    "ring.open_or_reread(1, 2, 3)": "keyring.open_or_reread",
    "reader = ring.open_data": "keyring.open_data",
    "app.vault.read_token(read)": "vault.read_token",
    "v = app.vault; v.read_secrets([1])": "vault.read_secrets",
    "do = self.vault.open_tenants": "vault.open_tenants",
    "from slackapp.vault.vault import Vault; do = Vault.read_token": "vault.read_token",
    "return TenantOpening(3, 4)": "TenantOpening",
    "make = secret_reads.TenantOpening": "TenantOpening",
    "envelope.open_sealed(1)": "open_sealed",
}


def test_an_opening_that_is_not_known_would_be_found() -> None:
    """Negative control: each of them under another name, too."""
    for line, way in PLANTED.items():
        planted = parse("flows/x.py", f"def f(app, keyring, ring):\n {line}\n")
        assert openings([planted]) == {way: {"flows/x.py"}}, line


def test_what_opens_nothing_is_not_taken_for_a_way() -> None:
    """Negative control of the other kind."""
    text = (
        "from slackapp.flows.keys import tenant_keys\n"
        "def f(app: App, keyring: Keyring, openings: list[TenantOpening]) -> TenantOpening:\n"
        " tenant_keys.read_token(app, 1)\n app.keyring.audit_mac(b'')\n path.open()\n"
    )
    assert openings([parse("flows/x.py", text)]) == {}
