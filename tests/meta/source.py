"""The repository as the tests of this directory see it: its files, its modules, and the names they use."""

import ast
import gc
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "slackapp"
SKIPPED = {".git", ".venv", "build", "dist", "data", "htmlcov"}


@dataclass(frozen=True)
class Module:
    """One Python file: its path inside slackapp/ (`store/engine/sqlite.py`), its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree: walked once, for all who look."""
        return tuple(ast.walk(self.tree))

    @property
    def name(self) -> str:
        """The dotted name under which it is imported (`slackapp.store.engine.sqlite`)."""
        parts = ["slackapp", *self.path.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def part(self) -> str:
        """The row of the layer table it belongs to: a package of slackapp, or a module at its top."""
        return self.path.split("/")[0].removesuffix(".py")


@dataclass(frozen=True)
class Import:
    """One import: what is imported, the name it binds here and to what, and whether only type checkers see it."""

    target: str
    alias: str
    binds: str
    line: int
    typing_only: bool


def parse(path: str, text: str) -> Module:
    """A module from a path inside slackapp/ and its text; planted violations are made with this too."""
    return Module(path, text, ast.parse(text, filename=path))


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of slackapp/, parsed once."""
    files = sorted(PACKAGE.rglob("*.py"))
    gc.disable()  # nothing of a tree is garbage, and to look through them all takes longer than to make them
    try:
        return tuple(parse(file.relative_to(PACKAGE).as_posix(), file.read_text("utf-8")) for file in files)
    finally:
        gc.enable()


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Every import statement of a module, those inside functions and under TYPE_CHECKING included."""
    return tuple(_imports(module, module.tree, typing_only=False))


def _imports(module: Module, node: ast.AST, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for item in node.names:
            top = item.name.split(".")[0]  # `import a.b` binds a, `import a.b as c` binds a.b
            yield Import(item.name, item.asname or top, item.name if item.asname else top, node.lineno, typing_only)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(module, node)
        for item in node.names:
            target = f"{base}.{item.name}"
            yield Import(target, item.asname or item.name, target, node.lineno, typing_only)
    elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for step in node.body:
            yield from _imports(module, step, typing_only=True)
        for step in node.orelse:
            yield from _imports(module, step, typing_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(module, child, typing_only)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = module.name.split(".")
    package = here if module.path.endswith("__init__.py") else here[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def bound_names(module: Module) -> dict[str, str]:
    """What each imported name of a module stands for: `import time as t` gives t → time."""
    return {item.alias: item.binds for item in imports(module)}


def names_used(module: Module) -> list[tuple[str, int]]:
    """Every dotted name a module imports or reaches through what it imports, with aliases resolved.

    `import time as t; t.time()` gives `time.time`; so does `from time import time`.
    """
    known = bound_names(module)
    used = [(item.target, item.line) for item in imports(module)]
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and (name := dotted(node, known)):
            used.append((name, node.lineno))
    return used


def dotted(node: ast.expr, known: dict[str, str]) -> str:
    """`a.b.c` with `a` replaced by what it stands for; empty where `a` is no imported name."""
    tail: list[str] = []
    while isinstance(node, ast.Attribute):
        tail.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in known:
        return ""
    return ".".join([known[node.id], *tail])


def is_under(name: str, prefix: str) -> bool:
    """Whether a dotted name is `prefix` or something inside it."""
    return name == prefix or name.startswith(prefix + ".")


def repository_files() -> list[Path]:
    """Every file that is or may be committed; where this is no git checkout, every file but known leftovers."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listing.returncode == 0:
        paths = {ROOT / os.fsdecode(name) for name in listing.stdout.split(b"\0") if name}
    else:
        paths = {path for path in ROOT.rglob("*") if not _is_leftover(path.relative_to(ROOT))}
    return sorted(path for path in paths if path.is_file())


def _is_leftover(path: Path) -> bool:
    cache_like = any(part.endswith(("_cache", "__pycache__", ".egg-info", ".hypothesis")) for part in path.parts)
    return cache_like or path.parts[0] in SKIPPED or path.name in {".env", ".coverage"}
