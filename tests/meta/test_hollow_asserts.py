"""An assert that cannot fail proves nothing, and looks as if it did."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.source import ROOT


def is_constant(node: ast.expr) -> bool:
    """Whether an expression is a literal, or made of literals alone."""
    if isinstance(node, ast.List | ast.Set | ast.Tuple):
        return all(map(is_constant, node.elts))
    if isinstance(node, ast.UnaryOp):
        return is_constant(node.operand)
    return isinstance(node, ast.Constant)


def is_true(node: ast.expr) -> bool:
    """Whether an expression is true whatever the code under test does."""
    if isinstance(node, ast.BoolOp):
        return (any if isinstance(node.op, ast.Or) else all)(map(is_true, node.values))
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        alike = len(sides) == 2 and ast.dump(sides[0]) == ast.dump(sides[1]) and not has_call(node)
        return all(map(is_constant, sides)) or (alike and isinstance(node.ops[0], ast.Eq | ast.Is))
    if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
        return bool(node.keys if isinstance(node, ast.Dict) else node.elts)
    if isinstance(node, ast.IfExp):
        return is_true(node.body) and is_true(node.orelse)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return isinstance(node.operand, ast.Constant) and not node.operand.value
    is_text = isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.Constant) for part in node.values)
    return is_text or isinstance(node, ast.Lambda | ast.GeneratorExp) or is_always(node)


def is_always(node: ast.expr) -> bool:
    """Whether it is a literal that is true."""
    return isinstance(node, ast.Constant) and bool(node.value)


def has_call(node: ast.AST) -> bool:
    """Whether anything is called in it: two calls may differ."""
    return any(isinstance(inner, ast.Call | ast.Await) for inner in ast.walk(node))


def hollow(text: str) -> list[int]:
    """The lines of asserts that cannot fail."""
    asserts = (node for node in statements(ast.parse(text)) if isinstance(node, ast.Assert))
    return [node.lineno for node in asserts if is_true(node.test)]


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement, however deep; no expression holds one."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.stmt):
            yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            left.extend(getattr(node, name, ()))


def test_no_assert_of_the_tests_is_hollow() -> None:
    """Stops a promise from being proved by a line that is always true."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    found = [f"{file.relative_to(ROOT)}:{line}" for file in files for line in hollow(Path(file).read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "f() or True", "f() or 'why'", "(f() == 2, 'it is not')", "1 == 1", "2 > 1", "x.y == x.y", "True", "'text'",
        "f'{x} text'", "not 0", "[f()]", "{1: f()}", "(each for each in f())", "lambda: f()", "1 if f() else 2",
        "(f() or True) and 1",
    ],
)  # fmt: skip
def test_a_hollow_assert_would_be_found(planted: str) -> None:
    """Negative control."""
    assert hollow(f"assert {planted}") == [1]


@pytest.mark.parametrize(
    "sound",
    ["f()", "f() or g()", "f() == f()", "(f(), 'text') == x", "x == 1", "not x", "[]", "f() and True", "x != x.y", "0"],
)
def test_an_assert_that_may_fail_is_left_alone(sound: str) -> None:
    """Negative control of the other kind."""
    assert hollow(f"assert {sound}") == []
