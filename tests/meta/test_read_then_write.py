"""What a flow reads and then writes by stands in one transaction, or the statement itself asks whether it is still so.

Stops the lost update: between a read and a write elsewhere, another process writes. Followed is each function of a
flow, with what it calls by name in its own module, and the statements behind what it calls of `slackapp/store/`. What a
write is compared with, this does not see; `test_alone.py` looks at its condition. A write that says nothing in its
third line runs in a transaction only, which the engine sees to: where none is begun here, it is the caller's, and the
reads are in it, too.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from slackapp.store.engine.statements import Alone, Statement, load_folder, load_statements
from tests.meta.source import Module, bound_names, dotted, modules, parse

STATEMENTS = load_statements()
STORES = {
    module.name: module
    for module in modules()
    if module.path.startswith(("store/", "host/store/")) and "/engine/" not in module.path
}
FLOWS = ("flows/", "host/flows/")
QUEUE = "inbox"
"""The queue that stands for all: their statements are the same."""
RUNS = ("one", "many", "execute")
BOUND = re.compile(r"\bSET\b(.*?)(?:\bWHERE\b|;)", re.DOTALL)
Function = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True)
class Access:
    """A statement that is run, in which transaction (0: in none that is begun here), and where."""

    statement: Statement
    transaction: int
    line: int


def functions(module: Module) -> dict[str, ast.FunctionDef]:
    """The functions of a module, and the methods of its classes, by name."""
    return {node.name: node for node in module.nodes if isinstance(node, ast.FunctionDef)}


def named(call: ast.Call) -> list[Statement]:
    """The statement that a call names, `{queue.table}` standing for the inbox."""
    found = []
    for argument in call.args:
        parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        texts = [part.value if isinstance(part, ast.Constant) else QUEUE for part in parts]
        name = "".join(text for text in texts if isinstance(text, str))
        found += [STATEMENTS[each] for each in (name, f"{QUEUE}.{name}") if each in STATEMENTS]
    return found


@cache
def of_store(name: str) -> tuple[Statement, ...]:
    """The statements behind a function of a store, in the order in which they are run."""
    path, _, function = name.rpartition(".")
    if path not in STORES or function not in functions(STORES[path]):
        return ()
    module = STORES[path]
    return tuple(access.statement for access in Walk(module).of(functions(module)[function]))


@dataclass
class Walk:
    """A walk through a function and what it calls by name, in the order in which that is run."""

    module: Module
    found: list[Access] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _inner: dict[str, Function] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def of(self, function: ast.FunctionDef) -> list[Access]:
        self._enter(function.name, function, 0)
        return self.found

    def _enter(self, name: str, function: Function, transaction: int) -> None:
        if name not in self._open:
            self._open.append(name)
            body = [function.body] if isinstance(function, ast.Lambda) else function.body
            for step in body:
                self._visit(step, transaction)
            self._open.pop()

    def _visit(self, node: ast.AST, transaction: int) -> None:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            if isinstance(node, ast.FunctionDef):
                self._inner[node.name] = node  # run where it is called, or handed over
        elif isinstance(node, ast.With):
            inside = transaction
            for item in node.items:
                self._visit(item.context_expr, transaction)
                if attribute(item.context_expr) == "transaction":
                    inside = inside or next(self._numbers)
            for step in node.body:
                self._visit(step, inside)
        elif isinstance(node, ast.Call):
            self._call(node, transaction)
        else:
            for child in ast.iter_child_nodes(node):
                self._visit(child, transaction)

    def _call(self, call: ast.Call, transaction: int) -> None:
        shared = attribute(call) == "commit_in_group"
        inside = transaction or next(self._numbers) if shared else transaction
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            if shared:
                self._run(argument, inside)
            self._visit(argument, inside)
        if isinstance(call.func, ast.Attribute):
            self._visit(call.func.value, transaction)
        for statement in named(call) if attribute(call) in RUNS else ():
            self.found.append(Access(statement, transaction, call.lineno))
        handed_over = isinstance(call.func, ast.Name) and call.func.id == "partial" and call.args
        self._run(call.args[0] if handed_over else call.func, transaction)
        if not handed_over and isinstance(call.func, ast.Name):  # a helper of a store that is given a statement's name
            self.found += [Access(statement, transaction, call.lineno) for statement in named(call)]

    def _run(self, what: ast.expr, transaction: int) -> None:
        """Runs a function of this module, a nested one, a lambda or a store's."""
        if isinstance(what, ast.Lambda):
            self._enter("", what, transaction)
            return
        name = what.id if isinstance(what, ast.Name) else what.attr if is_own(what) else ""
        known = self._inner.get(name) or functions(self.module).get(name)
        if known is not None:
            self._enter(name, known, transaction)
        else:
            stored = of_store(dotted(what, bound_names(self.module)))
            self.found += [Access(statement, transaction, what.lineno) for statement in stored]


def attribute(node: ast.expr) -> str:
    """`transaction` of `app.db.transaction()`."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def decides_itself(statement: Statement) -> bool:
    """Whether a write may follow a read that another one has overtaken, by its third line and its text."""
    if statement.alone == Alone.IDEMPOTENT:  # it carries nothing that was read
        return not any(":" in changes for changes in BOUND.findall(statement.sql))
    return statement.alone in (Alone.SWAP, Alone.INSERT)


def faults(found: list[Access]) -> Iterator[Access]:
    """Writes behind a read that does not stand in their transaction."""
    for place, access in enumerate(found):
        before = [other for other in found[:place] if not other.statement.is_write]
        ours = [other for other in before if other.transaction == access.transaction]
        is_callers = access.transaction == 0 and access.statement.alone is None
        if access.statement.is_write and not is_callers and not decides_itself(access.statement):
            elsewhere = [other for other in before if other not in ours or access.transaction == 0]
            if elsewhere and (access.transaction == 0 or not ours):
                yield access


def found_in(module: Module) -> list[str]:
    """Each fault by function, line and statement."""
    return [
        f"{module.path}: {name}: line {access.line}: {access.statement.name}"
        for name, function in functions(module).items()
        for access in dict.fromkeys(faults(Walk(module).of(function)))
    ]


def test_nothing_is_read_and_then_written_elsewhere() -> None:
    found = [line for module in modules() if module.path.startswith(FLOWS) for line in found_in(module)]
    assert found == []


def test_the_walk_sees_the_statements_of_the_flows() -> None:
    """Stops this file from passing because it looked at nothing."""
    seen = {
        access.statement.name
        for module in modules()
        if module.path.startswith(FLOWS)
        for function in functions(module).values()
        for access in Walk(module).of(function)
    }
    assert len(seen) > 100
    writes = {name for name, statement in load_folder("core").items() if statement.is_write}
    assert len(writes - seen) < 20, writes - seen


HEAD = "from slackapp.store import installations, inbox, meta, queue, tokens\n"
FAULTS = {
    "a value that was read before is put": (
        "def f(app):\n    value = meta.get(app.db, 'x')\n    with app.db.transaction():\n"
        "        meta.put(app.db, 'x', value + '1')\n"
    ),
    "two transactions": (
        "def f(app):\n    with app.db.transaction():\n        value = meta.get(app.db, 'x')\n"
        "    with app.db.transaction():\n        meta.put(app.db, 'x', value)\n"
    ),
    "by a helper": (
        "def f(app):\n    look(app)\n    change(app)\ndef look(app):\n    return meta.get(app.db, 'x')\n"
        "def change(app):\n    with app.db.transaction():\n        meta.put(app.db, 'x', '1')\n"
    ),
    "in a shared commit": (
        "def f(app, tenant):\n    found = tokens.find(app.db, tenant, 1)\n"
        "    app.db.commit_in_group(lambda: tokens.delete(app.db, tenant, found.holder))\n"
    ),
    "by a nested function": (
        "def f(app, tenant):\n    found = tokens.find(app.db, tenant, 1)\n    def do():\n"
        "        tokens.delete(app.db, tenant, found.holder)\n    app.db.commit_in_group(do)\n"
    ),
    "by a partial": (
        "def f(app, tenant):\n    found = tokens.find(app.db, tenant, 1)\n"
        "    app.db.commit_in_group(partial(tokens.delete, app.db, tenant, found.holder))\n"
    ),
    "of a method": (
        "class A:\n    def f(self, app):\n        self.look(app)\n        with app.db.transaction():\n"
        "            meta.put(app.db, 'x', '1')\n    def look(self, app):\n        meta.get(app.db, 'x')\n"
    ),
}
GOOD = {
    "in one transaction": (
        "def f(app):\n    with app.db.transaction():\n        meta.put(app.db, 'x', meta.get(app.db, 'x') + '1')\n"
    ),
    "read again": (
        "def f(app):\n    if meta.get(app.db, 'x'):\n        with app.db.transaction():\n"
        "            if meta.get(app.db, 'x'):\n                meta.put(app.db, 'x', '1')\n"
    ),
    "compare-and-swap": (
        "def f(app, run):\n    if queue.is_open(app.db, run.queue, run.tenant, '1'):\n"
        "        queue.mark_not_called(app.db, run)\n"
    ),
    "in the caller's transaction": (
        "def f(db, tenant):\n    found = tokens.find(db, tenant, 1)\n    tokens.delete(db, tenant, found.holder)\n"
    ),
    "nothing is read": "def f(app):\n    with app.db.transaction():\n        meta.put(app.db, 'x', '1')\n",
    "read afterwards": (
        "def f(app):\n    with app.db.transaction():\n        meta.put(app.db, 'x', '1')\n    meta.get(app.db, 'x')\n"
    ),
}


@pytest.mark.parametrize("why", FAULTS)
def test_a_planted_fault_is_found(why: str) -> None:
    """Negative control."""
    assert found_in(parse("flows/planted.py", HEAD + FAULTS[why]))


@pytest.mark.parametrize("why", GOOD)
def test_what_is_good_passes(why: str) -> None:
    """Negative control of the other kind: stops a checker that flags everything."""
    assert found_in(parse("flows/planted.py", HEAD + GOOD[why])) == []
