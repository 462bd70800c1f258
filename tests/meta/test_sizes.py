"""Size is a promise to the reader: a file fits in one sitting, a function on one screen, a folder in one glance."""

import ast
from collections import Counter
from pathlib import PurePath

from tests.meta.source import Module, modules, parse

FILE_LIMIT, FILE_HABIT = 400, 300
FUNCTION_LIMIT, FUNCTION_HABIT = 60, 45
SMALL_FILE, SMALL_FILES = 30, 8
"""Lines under which a file usually is a part of its neighbour, and how many may be files all the same."""
FOLDER_LIMIT = 14
"""Files; over that, a folder wants rooms. The commands, one module per noun, are as many as there are nouns."""
DECISIONS = ("checks", "host/checks")
"""The folders of which each file is one decision, however small, and all are read."""


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


def small_files(found: tuple[Module, ...]) -> list[str]:
    """Files that are hardly any, but those that hold nothing but the docstring of their folder."""
    bare = [module for module in found if file_lines(module) < SMALL_FILE and len(module.tree.body) > 1]
    return [f"{module.path}: {file_lines(module)} lines" for module in bare if folder_of(module) not in DECISIONS]


def full_folders(found: tuple[Module, ...], limit: int) -> list[str]:
    """Folders with more files than the limit, the docstrings of folders aside."""
    counted = Counter(folder_of(module) for module in found if len(module.tree.body) > 1)
    return [f"{name}: {number} files" for name, number in counted.items() if number > limit and name not in DECISIONS]


def folder_of(module: Module) -> str:
    """The folder that it stands in."""
    return str(PurePath(module.path).parent)


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


def test_few_files_are_hardly_any() -> None:
    """Stops a reader from opening two files for one idea."""
    assert len(small_files(modules())) <= SMALL_FILES, small_files(modules())


def test_a_full_folder_has_rooms() -> None:
    """Stops folders in which nothing is found at a glance."""
    assert not full_folders(modules(), FOLDER_LIMIT)


def test_a_planted_dwarf_and_a_planted_crowd_are_found() -> None:
    """Negative control: stops the counter from counting nothing."""
    dwarf, folder = parse("web/dwarf.py", '"""Dwarf."""\nx = 1\n'), parse("web/__init__.py", '"""Pages."""\n')
    assert small_files((dwarf, folder, parse("checks/dwarf.py", dwarf.text))) == ["web/dwarf.py: 2 lines"]
    assert full_folders((dwarf, folder), 0) == ["web: 1 files"]


def test_planted_giants_are_found() -> None:
    """Negative control: stops the counter from counting nothing."""
    giant = parse("web/pages.py", "def page():\n" + "    x = 1\n" * FILE_LIMIT)
    assert long_files((giant,), FILE_LIMIT) == ["web/pages.py: 401 lines"]
    assert long_functions((giant,), FUNCTION_LIMIT) == ["web/pages.py:1 page: 401 lines"]
