"""Arguments past the fourth are named: nobody counts commas to find out what a value is for."""

import ast

from tests.meta.source import Module, modules, parse

LIMIT = 4
"""Arguments of one call that may go by their place."""
LIKE = frozenset({"print_lines", "pack"})
"""Functions that take any number of like values, none of which has a name."""


def unnamed_arguments(module: Module) -> list[str]:
    """Calls with more arguments by place than that; of `partial` those count that it hands on."""
    found = []
    for node in module.nodes:
        if not isinstance(node, ast.Call) or len(node.args) <= LIMIT:
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        number = len(node.args) - (name == "partial")
        if number > LIMIT and name not in LIKE:
            found.append(f"slackapp/{module.path}:{node.lineno}: {name} is given {number} arguments by place")
    return found


def test_no_call_gives_more_than_four_arguments_by_place() -> None:
    assert [line for module in modules() for line in unnamed_arguments(module)] == []


def test_a_planted_call_is_found_and_a_named_one_passes() -> None:
    """Negative control: stops the counter from counting nothing."""
    text = (
        "f(1, 2, 3, 4, 5)\nx.f(1, 2, 3, 4, *more)\npartial(f, 1, 2, 3, 4, 5)\nT = (Setting('a', 'b', 'c', 'd', 'e'),)\n"
    )
    assert len(unnamed_arguments(parse("flows/planted.py", text))) == 4
    fine = "f(1, 2, 3, 4, fifth=5)\npartial(f, 1, 2, 3, 4)\nprint_lines(1, 2, 3, 4, 5)\nTABLE.pack(1, 2, 3, 4, 5)\n"
    assert unnamed_arguments(parse("flows/planted.py", fine)) == []
