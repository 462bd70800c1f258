"""Names and `docs/glossary.md` hold each other: what the code names stands there, and what stands there is named."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

from tests.meta.source import ROOT, Module, bound_names, modules, parse

PAGE = (ROOT / "docs/glossary.md").read_text("utf-8")
LINE = re.compile(r"- (`\w+`(?:, `\w+`)*): (\S.*\.)")
MAX_WORDS = 20
ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
JOINTS = frozenset(("of", "for", "in", "at", "by", "with", "without", "from", "to", "as", "and", "left"))
"""Words that end the head of a name: `tenant_of_lifecycle`, `seconds_left`."""
NAMED_BY_A_TABLE = {
    "config/parsers.py": "settings",
    "directory/app_checks.py": "requirements of Slack's reviewers",
    "directory/manifest_checks.py": "requirements of Slack's reviewers",
    "localslack/api/methods.py": "methods of the Web API",
}
"""Files whose functions bear the names of a table's rows."""
RETIRED = """
    announce _bell _came_back cast counting Departure DOUBT errands exchange_slot Found give_up guard hand_out
    hanging_on house inbox_desk keep_installation Kept laggards Landing _lead leftovers measure mend MOST moved
    neighbourhood new_pair once Origin patiently pauses PORTION promote put_off replacing settle_revocation
    SHOWN stage stop_inbox Told together trail trouble Turns unmoved Upkeep
"""
"""Names that a stranger did not understand. Their words stay good in a sentence, and in a longer name."""
Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Glossary:
    """Words of the page by section, and the lines that are not as they must be."""

    nouns: frozenset[str]
    small: frozenset[str]
    verbs: frozenset[str]
    wrong: tuple[str, ...]


def read(page: str) -> Glossary:
    found: dict[str, list[str]] = defaultdict(list)
    wrong, section = [], ""
    for line in page.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif section and line and not line.startswith("### "):
            match = LINE.fullmatch(line)
            words = re.findall(r"\w+", match[1]) if match else []
            if match is None or len(match[2].split()) > MAX_WORDS or set(words) & set(found[section]):
                wrong.append(line)
            found[section] += words
    return Glossary(*(frozenset(found[name]) for name in ("Nouns", "Small words", "Verbs")), tuple(wrong))


@cache
def words_of(name: str) -> list[str]:
    """`GroupCommit` and `_group_commit` give `group`, `commit`."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*", name)]


@cache
def stems(word: str) -> set[str]:
    """The word, and what it may have been without its ending: `entries`, `entry`; `stopped`, `stopp`, `stop`."""
    ways = {word} | {word.removesuffix(end) + instead for end, instead in ENDINGS if word.endswith(end)}
    return ways | {way[:-1] for way in ways if way[-1:] == way[-2:-1]}


def public(module: Module) -> Iterator[tuple[Named, ast.ClassDef | None]]:
    """Classes, functions and methods without an underscore in front, each with the class that it stands in."""
    bodies: list[tuple[list[ast.stmt], ast.ClassDef | None]] = [(module.tree.body, None)]
    for body, scope in bodies:
        for node in body:
            if isinstance(node, Named) and not node.name.startswith("_"):
                yield node, scope
                if isinstance(node, ast.ClassDef):
                    bodies.append((node.body, node))


def is_named_elsewhere(module: Module, node: Named, scope: ast.ClassDef | None) -> bool:
    """By a table, or by a base class that is not ours."""
    known = bound_names(module)
    bases = [known.get(ast.unparse(base).split(".")[0], "slackapp") for base in scope.bases] if scope else []
    ours = ("slackapp", "typing", "enum")
    return module.path in NAMED_BY_A_TABLE or not all(base.startswith(ours) for base in bases)


def unknown_names(found: Iterable[Module], glossary: Glossary) -> list[str]:
    """Classes that end in no noun; functions that begin with no verb or small word, nor with a noun and end in one."""
    unknown = []
    for module in found:
        for node, scope in public(module):
            words = words_of(node.name.removeprefix("async_"))
            if isinstance(node, ast.ClassDef):
                known = bool(stems(words[-1]) & glossary.nouns)
            elif any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
                known = True
            else:
                head = next((words[at - 1] for at, word in enumerate(words) if at and word in JOINTS), words[-1])
                does = stems(words[0]) & (glossary.verbs | glossary.small)
                known = bool(does or (stems(words[0]) & glossary.nouns and stems(head) & glossary.nouns))
            if not known and not is_named_elsewhere(module, node, scope):
                unknown.append(f"{module.path}:{node.lineno} {node.name}")
    return unknown


def bound(module: Module) -> Iterator[tuple[str, int]]:
    """Every name that a module gives to something: what it defines, takes, sets or passes by keyword."""
    yield module.path.rsplit("/", 1)[-1].removesuffix(".py"), 1
    for node in module.nodes:
        if isinstance(node, Named):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield (node.id if isinstance(node, ast.Name) else node.attr), node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value.lineno


def retired_names(found: Iterable[Module]) -> list[str]:
    """Retired names, with or without an underscore; a constant or a class may not bear one in another spelling."""
    retired = {word.strip("_") for word in RETIRED.split()}
    folded = {word.lower() for word in retired}
    return [
        f"{module.path}:{line} {name}"
        for module in found
        for name, line in bound(module)
        if (word := name.strip("_")) in retired or (word != word.lower() and word.lower() in folded)
    ]


def shared_classes(found: Iterable[Module]) -> dict[str, list[str]]:
    """Public class names that more than one file has."""
    files: dict[str, list[str]] = defaultdict(list)
    for module in found:
        for node, scope in public(module):
            if isinstance(node, ast.ClassDef) and scope is None:
                files[node.name].append(module.path)
    return {name: paths for name, paths in files.items() if len(paths) > 1}


def unused_words(found: Iterable[Module], glossary: Glossary) -> set[str]:
    """Words of the page that stand in no name."""
    names = {part for module in found for part in module.path.removesuffix(".py").split("/")}
    names |= {name for module in found for name, _ in bound(module)}
    used = {stem for name in names for word in words_of(name) for stem in stems(word)} | names
    return (glossary.nouns | glossary.small | glossary.verbs) - used


def all_tests() -> Iterator[Module]:
    """One after the other: no tree stays longer than it is looked at."""
    for file in sorted((ROOT / "tests").rglob("*.py")):
        yield parse(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))


def test_each_line_of_the_page_is_one_short_sentence_about_words_of_its_own() -> None:
    glossary = read(PAGE)
    assert glossary.wrong == ()
    assert min(len(glossary.nouns), len(glossary.small), len(glossary.verbs)) > 20


def test_every_public_name_is_made_of_the_pages_words() -> None:
    assert unknown_names(modules(), read(PAGE)) == []


def test_every_word_of_the_page_stands_in_a_name() -> None:
    assert unused_words(modules(), read(PAGE)) == set()


def test_no_two_files_share_a_public_class() -> None:
    assert shared_classes(modules()) == {}


def test_no_retired_name_comes_back() -> None:
    assert retired_names(chain(modules(), all_tests())) == []


def test_each_table_names_functions_that_the_page_does_not_know() -> None:
    """Stops an exception that nothing needs from standing here."""
    elsewhere = [parse(f"x/{module.path}", module.text) for module in modules() if module.path in NAMED_BY_A_TABLE]
    assert {name.partition(":")[0] for name in unknown_names(elsewhere, read(PAGE))} == {
        f"x/{path}" for path in NAMED_BY_A_TABLE
    }


WORDS = "## Nouns\n\n- `key`, `word`: A word.\n\n## Small words\n\n- `is`: Asks.\n\n## Verbs\n\n- `find`: Look it up.\n"
PLANTED = parse(
    "store/planted.py",
    "from urllib.request import HTTPHandler\n"
    "class Bell: pass\n"
    "class Word(HTTPHandler):\n    def http_open(self): pass\n    def ponder_both(self): pass\n"
    "def ponder(): pass\n"
    "def ponder_word(): pass\n"
    "def find_by_ids(): pass\n"
    "def keys_by_tenant(): pass\n"
    "def is_ready(): pass\n"
    "def _hidden(mend): trouble = 1\n"
    "class _Private:\n    def ponder(self): pass\n",
)


def test_an_unknown_name_is_found_and_a_foreign_or_private_one_passes() -> None:
    assert unknown_names([PLANTED], read(WORDS)) == [
        "store/planted.py:2 Bell",
        "store/planted.py:6 ponder",
        "store/planted.py:7 ponder_word",
    ]


def test_a_retired_name_is_found_wherever_it_is_given() -> None:
    assert retired_names([PLANTED]) == [
        "store/planted.py:2 Bell",
        "store/planted.py:11 mend",
        "store/planted.py:11 trouble",
    ]
    assert retired_names([parse("flows/replacing.py", "patient = {'mend': wait(once=1)}\nhouse()")]) == [
        "flows/replacing.py:1 replacing",
        "flows/replacing.py:1 once",
    ]


def test_a_shared_class_and_an_unused_word_are_found() -> None:
    other = parse("web/planted.py", "class Bell: pass")
    assert shared_classes([PLANTED, other]) == {"Bell": ["store/planted.py", "web/planted.py"]}
    assert unused_words([other], read(WORDS)) == {"key", "word", "is", "find"}


def test_a_line_without_a_full_stop_a_long_one_and_a_word_twice_are_found() -> None:
    lines = ["- `a`: No stop", f"- `b`: {'very ' * 20}long.", "- c: No quotes.", "- `d`: One.", "- `d`: Two."]
    assert read("\n".join(["# Glossary", "Text.", "## Nouns", *lines])).wrong == (*lines[:3], lines[4])
