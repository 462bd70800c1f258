"""A command parses, calls one flow, and prints: what comes first, and what together, is the flow's to know."""

import ast

from tests.meta.source import Module, bound_names, dotted, modules, parse

SEVERAL = {
    "cli/backup.py run_restore": "looks whether there is anything to ask about",
    "cli/inbox.py _show": "shows what is about a row before what is in it, which is noted",
    "cli/incident.py _end_one": "looks whom to name before it asks",
    "cli/tenants.py run": "two lists",
    "cli/tenants.py run_uninstall": "looks whether there is anything to ask about",
    "cli/tenants.py run_purge": "one or the other",
    "cli/tokens.py run_brake": "one or the other",
}
"""Functions that call more than one, and why."""
PARSERS = ("slackapp.flows.named_tenants.require_tenant",)


def several_flows(module: Module) -> list[str]:
    """Functions of a command that call more than one function of the flows."""
    if not module.path.startswith("cli/"):
        return []
    known = bound_names(module)
    return [
        f"{module.path} {node.name}"
        for node in module.nodes
        if isinstance(node, ast.FunctionDef) and sum(is_flow_call(inner, known) for inner in ast.walk(node)) > 1
    ]


def is_flow_call(node: ast.AST, known: dict[str, str]) -> bool:
    """Whether a function of the flows is called; a class of theirs is only made."""
    name = dotted(node.func, known) if isinstance(node, ast.Call) else ""
    return name.startswith("slackapp.flows.") and name.rsplit(".", 1)[1][0].islower() and name not in PARSERS


def test_each_command_calls_one_flow() -> None:
    """Stops an order of steps from growing in a command, where another way to the same flow would not have it."""
    assert {name for module in modules() for name in several_flows(module)} == SEVERAL.keys()


def test_a_second_flow_would_be_found() -> None:
    """Negative control."""
    start = "from slackapp.flows.keys import rotate_keys\nfrom slackapp.flows.keys.list_keys import KeyList, verify\n"
    two = start + "def f():\n rotate_keys.run(1)\n for each in verify(1):\n  pass\n"
    one = start + "def f():\n rotate_keys.run(KeyList(1))\n"
    assert several_flows(parse("cli/x.py", two)) == ["cli/x.py f"]
    assert several_flows(parse("cli/x.py", one)) == several_flows(parse("workers/x.py", two)) == []
