"""Docstrings: the first sentence opens with a verb or a noun, and is short."""

import ast
import builtins
import re

from tests.meta.source import Module, modules, parse

MAX_WORDS = 20
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
ARTICLES = frozenset({"a", "an", "the"})
NEITHER = """
    what whether how who whose whom which why where when while if unless because as than that
    in inside into at by for from to of on off out over under up with without within after before between around along
    and or but so also else only once again always never not no both either neither all each every any some one two
    another other same such everybody everyone everything somebody something anybody nobody nothing
    this these those it its he his they their we our ours you there here is are was true false
"""
"""Words that are neither a verb of what a function does nor a noun for what it returns or is."""


def first_sentence(docstring: str) -> str:
    """All up to the first full stop that ends a sentence, or to the first blank line."""
    return " ".join(re.split(r"(?<=\.)\s|\n\s*\n", docstring.strip())[0].split())


def problem(docstring: str) -> str:
    """What is wrong with a docstring; "" where nothing is."""
    words = first_sentence(docstring).split()
    if len(words) > MAX_WORDS:
        return f"{len(words)} words"
    opening = next((word for word in re.findall(r"[\w']+", docstring.lower()) if word not in ARTICLES), "")
    return f"opens with {opening}" if not opening[:1].isalpha() or opening in NEITHER.split() else ""


def problems(found: tuple[Module, ...]) -> list[str]:
    """What is wrong, with file, line and name; ruff sees to it that whatever is public has one."""
    return [
        f"{module.path}:{getattr(node, 'lineno', 1)} {getattr(node, 'name', '')}: {wrong}"
        for module in found
        for node in module.nodes
        if isinstance(node, DOCUMENTED) and (docstring := ast.get_docstring(node)) and (wrong := problem(docstring))
    ]


def test_every_docstring_opens_with_a_verb_or_a_noun_in_one_short_sentence() -> None:
    assert problems(modules()) == []


def test_what_the_rule_is_for_is_found() -> None:
    planted = parse(
        "flows/planted.py",
        '"""What a flow is given."""\n'
        'def _asked():\n    """Whether it holds."""\n'
        'def numbered():\n    """16 to 128 characters."""\n'
        f'class Long:\n    """Result of {"a very " * 10}long call."""\n'
        '    def shown(self):\n        """The same for a bot."""\n',
    )  # fmt: skip
    assert problems((planted,)) == [
        "flows/planted.py:1 : opens with what",
        "flows/planted.py:2 _asked: opens with whether",
        "flows/planted.py:4 numbered: opens with 16",
        "flows/planted.py:6 Long: 24 words",
        "flows/planted.py:8 shown: opens with same",
    ]


def test_articles_names_and_long_paragraphs_pass() -> None:
    planted = parse(
        "store/planted.py",
        '"""`GET /privacy`: the page."""\n'
        'def find():\n    """The row of that id; None where there is none.\n\n    Raises StoreError."""\n'
        f'def keep():\n    """Stores it. {"And goes on with this and that. " * 9}"""\n',
    )  # fmt: skip
    assert problems((planted,)) == []


RAISES = re.compile(r"[Rr]aises ((?:[A-Z][a-z]\w+(?:, | and |, and )?)+)")


def unknown_errors(found: tuple[Module, ...]) -> list[str]:
    """Errors that a docstring names and that are neither ours nor Python's nor imported there."""
    ours = {node.name for module in modules() for node in module.nodes if isinstance(node, ast.ClassDef)}
    unknown = []
    for module in found:
        named = {node.id for node in module.nodes if isinstance(node, ast.Name)}
        named |= {node.attr for node in module.nodes if isinstance(node, ast.Attribute)}
        known = ours | named | frozenset(dir(builtins))
        for node in module.nodes:
            text = ast.get_docstring(node) or "" if isinstance(node, DOCUMENTED) else ""
            said = {word for errors in RAISES.findall(text) for word in re.findall(r"[A-Z]\w+", errors)}
            unknown += [f"{module.path}: {word}" for word in sorted(said - known)]
    return unknown


def test_every_error_that_a_docstring_names_exists() -> None:
    assert unknown_errors(modules()) == []


def test_an_error_that_is_called_otherwise_by_now_is_found() -> None:
    planted = parse("flows/planted.py", 'def f():\n    """Finds it. Raises Refused, Mislaid and ValueError."""\n')
    assert unknown_errors((planted,)) == ["flows/planted.py: Mislaid"]
