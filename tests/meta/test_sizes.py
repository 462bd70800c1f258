"""Size is a promise to the reader: a file fits in one sitting, a function on one screen."""

import ast

from tests.meta.source import Module, modules, parse

FILE_LIMIT, FILE_HABIT = 400, 300
FUNCTION_LIMIT, FUNCTION_HABIT = 60, 45


def file_lines(module: Module) -> int:
    """Lines of a file."""
    return len(module.text.splitlines())


def functions(module: Module) -> list[tuple[str, int]]:
    """Every function of a module, with its lines from the first decorator to the end."""
    found = []
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            found.append((f"{module.path}:{node.lineno} {node.name}", (node.end_lineno or start) - start + 1))
    return found


def long_files(found: tuple[Module, ...], limit: int) -> list[str]:
    """Files over the limit."""
    return [f"{module.path}: {file_lines(module)} lines" for module in found if file_lines(module) > limit]


def long_functions(found: tuple[Module, ...], limit: int) -> list[str]:
    """Functions over the limit."""
    return [f"{name}: {lines} lines" for module in found for name, lines in functions(module) if lines > limit]


def test_no_file_is_too_long() -> None:
    """Stops files that hold more than a reviewer can keep in mind. Over the habit is only printed."""
    print("\n".join(long_files(modules(), FILE_HABIT)))
    assert not long_files(modules(), FILE_LIMIT)


def test_no_function_is_too_long() -> None:
    """Stops functions that hold more than one idea. Over the habit is only printed."""
    print("\n".join(long_functions(modules(), FUNCTION_HABIT)))
    assert not long_functions(modules(), FUNCTION_LIMIT)


def test_planted_giants_are_found() -> None:
    """Negative control: stops the counter from counting nothing."""
    giant = parse("web/pages.py", "def page():\n" + "    x = 1\n" * FILE_LIMIT)
    assert long_files((giant,), FILE_LIMIT) == ["web/pages.py: 401 lines"]
    assert long_functions((giant,), FUNCTION_LIMIT) == ["web/pages.py:1 page: 401 lines"]
