"""Where can X come from? For each X below there is one place, and these tests keep it one.

Every check is a pure function from a module to the violations in it. `PLANTED` proves that each of them sees.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.meta.source import ROOT, Module, bound_names, dotted, imports, is_under, modules, names_used, parse

WIRING = ("app.py", "cli/localslack.py", "demo/scenario.py")  # the last two wire up the local Slack, not the service
WAITING = (
    "app.py", "cli/", "demo/", "directory/", "runtime/", "workers/", "localslack/", "slack/deadline.py",
    "store/engine/sqlite_errors.py", "vault/command_provider.py", "vault/key_backup_file.py",
)  # fmt: skip

# A dotted name → the only files and directories of slackapp/ that may use it, or anything inside it.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "cryptography": ("crypto/",),
    "sqlite3": ("store/engine/", "importer/sources.py"),
    # whoever uses the database knows its contract alone
    "slackapp.store.engine.sqlite": ("store/engine/",),
    "slackapp.store.engine.sqlite_files": ("store/engine/",),
    "slackapp.store.engine.sqlite_errors": ("store/engine/",),
    "slackapp.store.engine.connections": ("store/engine/",),
    "slackapp.store.engine.group_commit": ("store/engine/",),
    "slackapp.store.engine.disk_reserve": ("store/engine/",),
    "slack_sdk": ("slack/", "bolt/"),
    "slack_bolt": ("bolt/",),
    "yaml": ("directory/read_manifest.py",),
    "waitress": ("cli/service/server.py", "cli/localslack.py"),
    "subprocess": ("cli/", "demo/", "vault/command_provider.py"),
    "logging": ("runtime/log.py", "cli/", "bolt/", "slack/"),  # slack/ takes the library's loggers in hand
    # the one module that an operator names, SLACKAPP_BEHAVIOUR; and that of the command that is asked for
    "importlib.import_module": ("app.py", "cli/main.py"),
    "urllib.request": ("slack/", "vault/", "directory/", "demo/", "cli/", "localslack/"),  # nothing else calls out
    "http.client": ("slack/", "vault/", "directory/", "demo/", "cli/", "localslack/"),
    # a terminal; elsewhere a stream is only handed on, closed or asked what it is
    "sys.stdout": ("cli/terminal/printing.py", "cli/main.py"),
    "sys.stderr": (
        "cli/terminal/printing.py",
        "cli/main.py",
        "cli/service/server.py",
        "cli/service/session.py",
    ),
    # who is calling
    "slackapp.checks.operator_token": ("callers.py",),
    "slackapp.host.checks.host_token.verify_host_token": ("host/callers.py",),
    "slackapp.checks.slack_signature": ("callers.py",),
    "slackapp.checks.loopback_client": ("callers.py",),
    # the environment
    "os.environ": ("config/settings.py",),
    "os.environb": ("config/settings.py",),
    "os.getenv": ("config/settings.py",),
    "os.getenvb": ("config/settings.py",),
    # the wall clock
    "time.time": WIRING,
    "time.time_ns": WIRING,
    "time.clock_gettime": WIRING,
    "time.clock_gettime_ns": WIRING,
    "datetime.datetime.now": WIRING,
    "datetime.datetime.utcnow": WIRING,
    "datetime.datetime.today": WIRING,
    "datetime.date.today": WIRING,
    # randomness
    "os.urandom": WIRING,
    "os.getrandom": WIRING,
    "random": WIRING,
    "secrets": WIRING,
    "uuid": WIRING,
    "ssl.RAND_bytes": WIRING,
    # waiting, and measuring how long something took
    "time.monotonic": WAITING,
    "time.monotonic_ns": WAITING,
    "time.perf_counter": WAITING,
    "time.perf_counter_ns": WAITING,
    "time.sleep": WAITING,
}
NOWHERE = ("pickle", "marshal", "shelve", "contextlib.suppress", "runpy", "ctypes")
STREAMS, WRITING = ("stdout", "stderr", "__stdout__", "__stderr__"), ("write", "writelines", "buffer.write")
BUILTINS_NOWHERE = {"eval", "exec", "compile", "__import__"}
# Never required: Bolt only if its adapter is wanted, and a YAML reader only for manifests that others have written.
OUTSIDE = {"slack_sdk", "cryptography", "waitress", "slack_bolt", "yaml"}
OMITTED_TIME = {"time.gmtime": 0, "time.localtime": 0, "time.ctime": 0, "time.asctime": 0, "time.strftime": 1}
TAKES_SQL = {"execute", "executemany", "executescript"}
# Our database; a file that is moved out of.
RUNS_SQL = (
    "store/engine/sqlite.py",
    "store/engine/migrations.py",
    "store/engine/sqlite_files.py",
    "importer/sources.py",
)
CORE_PACKAGES = {
    "bolt", "checks", "cli", "config", "crypto", "demo", "directory", "flows", "handlers", "importer", "localslack",
    "model", "runtime", "slack", "vault", "web", "workers",
}  # fmt: skip
"""Whose statements stand in store/. Any other package is a circle, with a store of its own."""
CIRCLE_STORE = re.compile(r"([a-z][a-z0-9_]*)/store(?:\.py$|/)")
HTTP_METHODS = {"DELETE"}
"""Words that begin a statement, and alone are a method."""
STATEMENT_NAME = re.compile(r"[a-z][a-z0-9_]*")
CHECKED_KEYWORDS = (
    "localslack/server.py",  # keys of an event's envelope, for whoever tests an app against it
    "bolt/stores.py",  # somebody else's interface
)
SECRET_WORD = re.compile(r"(?:^|_)(?:mac|hmac|signature|digest|token_hash)(?:$|_)", re.IGNORECASE)
SQL_SHOUTED = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|WITH|REPLACE|ALTER|DROP)\s")
SQL_SHAPED = re.compile(
    r"select\s.*\sfrom\s+\w+|insert\s+(?:or\s+\w+\s+)?into\s|replace\s+into\s|update\s+\w+\s+set\s|delete\s+from\s"
    r"|(?:create|alter|drop)\s+(?:unique\s+)?(?:table|index|trigger|view)\s|with\s+(?:recursive\s+)?\w+\s*(?:\(.*\)\s*)?as\s*\(",
    re.IGNORECASE | re.DOTALL,
)
SQL_CLOCK = re.compile(
    r"\bcurrent_(?:timestamp|time|date)\b|\b(?:random|randomblob|unixepoch|julianday|strftime|datetime|date|time)\s*\(",
    re.IGNORECASE,
)

ENGINE_WORD = re.compile(r"write-ahead|\bwal\b|sqlite|postgres", re.IGNORECASE)

Check = Callable[[Module], list[str]]


def report(module: Module, line: int, sentence: str) -> str:
    """One violation, in the form editors can jump to."""
    return f"slackapp/{module.path}:{line}: {sentence}"


def owned_names(module: Module) -> list[str]:
    """Names of ONLY_IN used elsewhere, names of NOWHERE used at all."""
    found = []
    for used, line in names_used(module):
        for name, places in [*ONLY_IN.items(), *((name, ()) for name in NOWHERE)]:
            if is_under(used, name) and not module.path.startswith(places or ("//",)):
                found.append(report(module, line, f"{name} is for {', '.join(places) or 'nobody'}"))
    return found


def caller_decisions(module: Module) -> list[str]:
    """The operator's header read outside callers.py; and a handler that asks for the kind of its caller."""
    if module.path.endswith("callers.py") or module.path.startswith("localslack/"):  # its own token
        return []
    found = []
    for node in module.nodes:
        if isinstance(node, ast.Call | ast.Subscript) and reads_authorization(node):
            found.append(report(module, node.lineno, "who is calling is decided in callers.py"))
        elif isinstance(node, ast.Attribute) and node.attr == "kind" and module.path.startswith("handlers/"):
            found.append(report(module, node.lineno, "what a caller may see is decided in callers.py"))
    return found


def reads_authorization(node: ast.Call | ast.Subscript) -> bool:
    """Whether a header of that name is taken out of anything, under WSGI's name or its own."""
    given = node.args if isinstance(node, ast.Call) else [node.slice]
    named = [name.value for name in given if isinstance(name, ast.Constant) and isinstance(name.value, str)]
    return any(name.lower().replace("_", "-").removeprefix("http-") == "authorization" for name in named)


def engine_words(module: Module) -> list[str]:
    """Words of one engine where the database is its contract alone: such a text is untrue with another engine."""
    if not module.path.startswith(("flows/", "handlers/", "workers/")):
        return []
    lines = enumerate(module.text.splitlines(), 1)
    return [report(module, number, "a word of one engine") for number, line in lines if ENGINE_WORD.search(line)]


def foreign_imports(module: Module) -> list[str]:
    """Imports of anything but the standard library, the three, the optional Bolt, and slackapp; star imports."""
    known = sys.stdlib_module_names | OUTSIDE | {"slackapp"}
    return [
        report(module, item.line, f"{item.target} may not be imported")
        for item in imports(module)
        if item.target.split(".")[0] not in known or item.alias == "*"
    ]


def omitted_time(module: Module) -> list[str]:
    """Functions of `time` called without the instant: they read the wall clock then."""
    known = bound_names(module)
    return [
        report(module, call.lineno, f"{name} without an instant reads the wall clock")
        for call in calls(module)
        if len(call.args) <= OMITTED_TIME.get(name := dotted(call.func, known), -1)
    ]


def key_generation(module: Module) -> list[str]:
    """`AESGCM.generate_key` and its like: randomness that does not come from the one source."""
    return [
        report(module, node.lineno, f"{node.attr}: random bytes are an argument")
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr.startswith("generate_")
    ]


def calls(module: Module) -> Iterator[ast.Call]:
    """Every call in a module."""
    return (node for node in module.nodes if isinstance(node, ast.Call))


def banned_builtins(module: Module) -> list[str]:
    """eval, exec, compile and __import__, called or passed on."""
    return [
        report(module, node.lineno, f"{node.id} is banned")
        for node in module.nodes
        if isinstance(node, ast.Name) and node.id in BUILTINS_NOWHERE
    ]


def loose_prints(module: Module) -> list[str]:
    """`print` and `input` outside the one module that shows no foreign text raw, and `write` on a standard stream."""
    if module.path == "cli/terminal/printing.py":
        return []
    found = [
        report(module, node.lineno, f"{node.id} shows foreign text as it came; use cli/terminal/printing.py")
        for node in module.nodes
        if isinstance(node, ast.Name) and node.id in {"print", "input"}
    ]
    known = bound_names(module)
    for call in calls(module):
        if dotted(call.func, known) in {f"sys.{stream}.{verb}" for stream in STREAMS for verb in WRITING}:
            found.append(report(module, call.lineno, "writes to a standard stream; use cli/terminal/printing.py"))
    return found


def assert_statements(module: Module) -> list[str]:
    """`assert` vanishes under `python -O`: a check that matters is an `if`."""
    return [
        report(module, node.lineno, "assert vanishes under python -O")
        for node in module.nodes
        if isinstance(node, ast.Assert)
    ]


def careless_excepts(module: Module) -> list[str]:
    """Bare `except:`, and broad ones that do nothing."""
    found = []
    for node in module.nodes:
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            found.append(report(module, node.lineno, "bare except"))
        elif ast.unparse(node.type) in {"Exception", "BaseException"} and does_nothing(node.body):
            found.append(report(module, node.lineno, "an exception of any kind is swallowed"))
    return found


def does_nothing(body: list[ast.stmt]) -> bool:
    """Whether a body is only `pass`, `continue` or a constant."""
    idle = (ast.Pass, ast.Continue)
    return all(isinstance(s, idle) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)) for s in body)


def open_keywords(module: Module) -> list[str]:
    """`**kwargs` in a definition: a misspelt argument would be accepted in silence."""
    return [
        report(module, node.lineno, f"**{node.args.kwarg.arg} in a definition")
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        and node.args.kwarg
        and module.path not in CHECKED_KEYWORDS
    ]


def plain_comparisons(module: Module) -> list[str]:
    """`==` between a MAC, a signature or a digest and something computed: its time tells how much was right."""
    found = []
    for node in module.nodes:
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        plain = any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        if plain and any(names_a_secret(side) for side in sides) and not any(map(is_constant, sides)):
            found.append(report(module, node.lineno, "compared by ==; use hmac.compare_digest"))
    return found


def names_a_secret(node: ast.expr) -> bool:
    """Whether an expression is a name like `mac`, `expected_signature`, `row.token_hash`."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return bool(SECRET_WORD.search(name))


def is_constant(node: ast.expr) -> bool:
    """A literal, or a NAME_IN_CAPITALS."""
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def missing_docstring(module: Module) -> list[str]:
    """A module that does not say what it is for."""
    return [] if ast.get_docstring(module.tree) else [report(module, 1, "no docstring")]


def sql_strings(module: Module) -> list[str]:
    """Statements on tables outside sql/. Sentences such as "Select a workspace" are none."""
    if module.path == "store/engine/sqlite.py":
        return []
    prose = docstrings(module)
    return [
        report(module, node.lineno, f"a statement outside sql/: {node.value.strip()[:40]!r}")
        for node in module.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose and is_sql(node.value)
    ]


def is_sql(text: str) -> bool:
    """Whether a string is, or begins, a statement."""
    if text in HTTP_METHODS:
        return False
    text = text.strip() + " "
    return bool(SQL_SHOUTED.match(text) or SQL_SHAPED.match(text))


def docstrings(module: Module) -> set[ast.expr]:
    """The nodes that are docstrings: bare strings as statements."""
    statements = (node for node in module.nodes if isinstance(node, ast.Expr))
    return {node.value for node in statements if isinstance(node.value, ast.Constant)}


def sql_execution(module: Module) -> list[str]:
    """SQL run outside the files of RUNS_SQL; inside, SQL run as a script or put together while being run.

    The other modules of store/, and those of a circle's own store, name a statement of sql/ to it, and the name is a
    literal: `db.execute("add_state", …)`.
    """
    found = []
    named_calls = {call.func for call in calls(module) if is_store(module.path) and names_a_statement(call)}
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr in TAKES_SQL:
            if module.path not in RUNS_SQL and node not in named_calls:
                found.append(report(module, node.lineno, f".{node.attr} of anything but a named statement"))
            if node.attr == "executescript":
                found.append(report(module, node.lineno, "executescript commits behind our back"))
    for call in calls(module):
        runs = isinstance(call.func, ast.Attribute) and call.func.attr in TAKES_SQL
        if runs and call.func not in named_calls and any(map(is_assembled, call.args[:1])):
            found.append(report(module, call.lineno, "SQL put together at run time"))
    return found


def is_store(path: str) -> bool:
    """Whether a module is of the core's store/, or of a circle's own: `<circle>/store.py`, `<circle>/store/…`."""
    circle = CIRCLE_STORE.match(path)
    return path.startswith("store/") or (circle is not None and circle[1] not in CORE_PACKAGES)


def names_a_statement(call: ast.Call) -> bool:
    """Whether a call is `….execute("some_name", …)`."""
    first = call.args[0] if call.args else None
    name = first.value if isinstance(first, ast.Constant) else queue_statement(first)
    runs = isinstance(call.func, ast.Attribute) and call.func.attr == "execute"
    return runs and isinstance(name, str) and bool(STATEMENT_NAME.fullmatch(name))


def queue_statement(node: ast.expr | None) -> str | None:
    """The literal name in `f"{queue.table}.some_name"`, which names a statement of that queue's table."""
    if not isinstance(node, ast.JoinedStr) or len(node.values) != 2:
        return None
    table, name = node.values
    is_table = isinstance(table, ast.FormattedValue) and ast.unparse(table.value) in ("queue.table", "run.queue.table")
    is_named = isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.startswith(".")
    return name.value[1:] if is_table and is_named else None


def is_assembled(node: ast.expr) -> bool:
    """An f-string, a sum, a %-format, or a call of format, join or replace."""
    assembling = {"format", "format_map", "join", "replace"}
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in assembling
    return called or isinstance(node, ast.JoinedStr | ast.BinOp)


CHECKS: tuple[Check, ...] = (
    owned_names,
    caller_decisions,
    engine_words,
    foreign_imports,
    omitted_time,
    key_generation,
    banned_builtins,
    loose_prints,
    assert_statements,
    careless_excepts,
    open_keywords,
    plain_comparisons,
    missing_docstring,
    sql_strings,
    sql_execution,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_module_goes_round_a_choke_point(check: Check) -> None:
    """Stops a second source of time, randomness, settings, SQL, ciphers or network from growing unseen."""
    found = [line for module in modules() for line in check(module)]
    assert not found, "\n" + "\n".join(found)


def test_sql_takes_time_and_randomness_as_parameters() -> None:
    """Stops SQLite's own clock and generator from being a second source behind the injected ones."""
    found = []
    for path in sorted((ROOT / "sql").rglob("*.sql")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if SQL_CLOCK.search(line.split("--")[0]):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", ["DEFAULT CURRENT_TIMESTAMP", "unixepoch()", "hex(randomblob(16))", "date ('now')"])
def test_planted_clocks_in_sql_are_found(text: str) -> None:
    """Negative control for the reading of SQL."""
    assert SQL_CLOCK.search(text)
    assert not SQL_CLOCK.search("random_hash TEXT NOT NULL, expires_at >= :now, time INTEGER")


def test_every_choke_point_names_places_that_may_exist() -> None:
    """Stops a table whose places were renamed away, so that a check holds for nobody."""
    tops = {module.part for module in modules()} | {"app", "config", "slack", "ops", "cli", "keys", "store", "crypto"}
    places = {place.split("/")[0].removesuffix(".py") for allowed in ONLY_IN.values() for place in allowed}
    assert places <= tops | {"localslack"}


PLANTED: list[tuple[Check, str, str]] = [
    (owned_names, "checks/a.py", "from cryptography.hazmat.primitives import hashes"),
    (owned_names, "flows/a.py", "import sqlite3"),
    (owned_names, "flows/a.py", "def f():\n    from slack_sdk.web import WebClient"),
    (owned_names, "flows/a.py", "import slack_bolt"),
    (owned_names, "wsgi.py", "import waitress"),
    (owned_names, "handlers/pages/a.py", "from slackapp.checks.operator_token import verify_operator"),
    (owned_names, "handlers/a.py", "from slackapp.checks import loopback_client"),
    (owned_names, "flows/a.py", "import slackapp.checks.slack_signature"),
    (caller_decisions, "handlers/a.py", "x = request.header('authorization')"),
    (caller_decisions, "wsgi.py", "x = request.header_bytes('Authorization')"),
    (caller_decisions, "web/request.py", "x = environ.get('HTTP_AUTHORIZATION')"),
    (caller_decisions, "handlers/a.py", "x = environ['HTTP_AUTHORIZATION']"),
    (caller_decisions, "handlers/a.py", "if caller.kind == ActorKind.OPERATOR:\n    x = 1"),
    (engine_words, "flows/a.py", "x = 'write-ahead log not emptied'"),
    (engine_words, "workers/a.py", "# WAL is cut here"),
    (engine_words, "handlers/a.py", '"""Needs SQLite."""'),
    (owned_names, "flows/a.py", "import subprocess"),
    (owned_names, "flows/a.py", "import logging.handlers"),
    (owned_names, "checks/a.py", "import urllib.request"),
    (owned_names, "app.py", "import os\nx = os.environ['A']"),
    (owned_names, "cli/dev.py", "from os import getenv as g"),
    (owned_names, "flows/a.py", "import time\nnow = time.time()"),
    (owned_names, "flows/a.py", "import time as t\nnow = t.time_ns"),
    (owned_names, "flows/a.py", "from time import time"),
    (owned_names, "flows/a.py", "from datetime import UTC, datetime as dt\nx = dt.now(UTC)"),
    (owned_names, "flows/a.py", "from datetime import UTC, datetime\nx = datetime.now(UTC)"),
    (owned_names, "flows/a.py", "import datetime\nx = datetime.date.today()"),
    (owned_names, "localslack/a.py", "import os\nx = os.urandom(8)"),
    (owned_names, "localslack/a.py", "import secrets"),
    (owned_names, "crypto/a.py", "from random import choice"),
    (owned_names, "store/a.py", "import uuid"),
    (owned_names, "flows/a.py", "import time\ntime.sleep(1)"),
    (owned_names, "store/a.py", "from time import monotonic"),
    (owned_names, "app.py", "import pickle"),
    (owned_names, "flows/a.py", "import importlib\nimportlib.import_module('x')"),
    (owned_names, "app.py", "from contextlib import suppress"),
    (foreign_imports, "slack/a.py", "import requests"),
    (owned_names, "config/settings.py", "import yaml"),
    (foreign_imports, "config.py", "from os import *"),
    (omitted_time, "runtime/log.py", "import time\nx = time.gmtime()"),
    (omitted_time, "runtime/log.py", "import time as t\nx = t.localtime()"),
    (omitted_time, "runtime/log.py", "from time import strftime\nx = strftime('%Y')"),
    (key_generation, "crypto/a.py", "k = AESGCM.generate_key(256)"),
    (banned_builtins, "cli/a.py", "x = eval('1')"),
    (banned_builtins, "cli/a.py", "x = __import__('os')"),
    (loose_prints, "cli/a.py", "print(name)"),
    (loose_prints, "cli/a.py", "show = print"),
    (loose_prints, "cli/a.py", "answer = input(f'erase {name}?')"),
    (loose_prints, "cli/service/session.py", "import sys\nsys.stderr.write(name)"),
    (loose_prints, "cli/main.py", "from sys import stdout as out\nout.buffer.write(name)"),
    (owned_names, "cli/a.py", "import sys\nstream = sys.stdout"),
    (owned_names, "flows/a.py", "from sys import stderr"),
    (assert_statements, "checks/a.py", "assert mac"),
    (careless_excepts, "flows/a.py", "try:\n    f()\nexcept:\n    g()"),
    (careless_excepts, "flows/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (careless_excepts, "flows/a.py", "while g():\n    try:\n        f()\n    except BaseException:\n        continue"),
    (open_keywords, "flows/a.py", "def run(app, **kwargs): ..."),
    (open_keywords, "flows/a.py", "f = lambda **k: k"),
    (plain_comparisons, "checks/a.py", "ok = mac == expected"),
    (plain_comparisons, "checks/a.py", "ok = row.token_hash != given"),
    (plain_comparisons, "checks/a.py", "ok = f(body) == claimed_signature"),
    (missing_docstring, "checks/a.py", "x = 1"),
    (sql_strings, "store/tokens.py", "q = 'SELECT 1'"),
    (sql_strings, "store/tokens.py", "q = '''\n  update tokens set status = :s'''"),
    (sql_strings, "flows/a.py", "q = f'DELETE FROM {table}'"),
    (sql_strings, "routes.py", "q = 'DELETE ' + rest"),
    (sql_strings, "store/engine/statements.py", "q = 'with x as (select 1) select * from x'"),
    (sql_execution, "store/tokens.py", "db.execute(query)"),
    (sql_execution, "store/tokens.py", "db.execute('VACUUM INTO x')"),
    (sql_execution, "store/tokens.py", "run = db.execute"),
    (sql_execution, "store/queue.py", "db.execute(f'{queue.table}.{name}', {})"),
    (sql_execution, "store/queue.py", "db.execute(f'{table} SET x', {})"),
    (sql_execution, "flows/a.py", "app.db.execute(f'{queue.table}.claim', {})"),
    (sql_execution, "flows/a.py", "app.db.execute('add_state', now=now)"),
    (sql_execution, "notes/a.py", "app.db.execute('add_note', {})"),
    (sql_execution, "notes/store.py", "db.execute('VACUUM INTO x')"),
    (sql_execution, "notes/store/a.py", "run = db.execute"),
    (sql_execution, "flows/store.py", "db.execute('add_note', {})"),
    (sql_execution, "web/store/a.py", "db.execute('add_note', {})"),
    (sql_execution, "flows/a.py", "run = connection.executescript"),
    (sql_execution, "store/engine/sqlite.py", "c.executescript(text)"),
    (sql_execution, "store/engine/sqlite.py", "c.execute(f'PRAGMA x = {n}')"),
    (sql_execution, "store/engine/sqlite.py", "c.execute('PRAGMA x = %d' % n)"),
    (sql_execution, "store/engine/sqlite.py", "c.execute('PRAGMA x = ' + n)"),
    (sql_execution, "store/engine/sqlite.py", "c.executemany('x {}'.format(n), rows)"),
]
ALLOWED: list[tuple[Check, str, str]] = [
    (caller_decisions, "callers.py", "x = request.header('authorization')"),
    (caller_decisions, "slack/client.py", "x = {'Authorization': 'Bearer x'}"),
    (caller_decisions, "flows/a.py", "x = holder.kind == HolderKind.USER"),
    (engine_words, "flows/a.py", "x = 'the log is not empty'"),
    (engine_words, "store/engine/sqlite.py", "x = 'write-ahead log'"),
    (owned_names, "crypto/envelope.py", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM"),
    (owned_names, "store/engine/sqlite.py", "import sqlite3\nx = sqlite3.connect"),
    (owned_names, "config/settings.py", "import os\nx = os.environ"),
    (owned_names, "app.py", "import os, time\nx = (time.time, os.urandom)"),
    (owned_names, "demo/scenario.py", "import secrets"),
    (owned_names, "cli/service/server.py", "import waitress, time\ntime.sleep(1)"),
    (owned_names, "flows/a.py", "def run(random, time):\n    return random.choice(time.time)"),
    (owned_names, "flows/a.py", "import os.path\nfrom datetime import datetime\nx = datetime.fromtimestamp(0)"),
    (owned_names, "web/a.py", "import urllib.parse\nx = urllib.parse.urlencode({})"),
    (foreign_imports, "bolt/stores.py", "import os, slack_bolt\nfrom slackapp import errors"),
    (omitted_time, "runtime/log.py", "import time\nx = time.strftime('%Y', time.gmtime(now))"),
    (banned_builtins, "checks/a.py", "import re\nx = re.compile('a')"),
    (loose_prints, "cli/terminal/printing.py", "print(visible(name), end='')"),
    (loose_prints, "cli/service/session.py", "import sys\nservice = build(settings, clock, entropy, sys.stderr)"),
    (careless_excepts, "wsgi.py", "try:\n    f()\nexcept Exception:\n    answer = bare_500()"),
    (careless_excepts, "web/a.py", "try:\n    f()\nexcept ValueError:\n    pass"),
    (open_keywords, "flows/a.py", "f(**x)"),
    (open_keywords, "localslack/server.py", "def emit(event, **envelope): ..."),
    (plain_comparisons, "checks/a.py", "bad = len(mac) != 32 or signature == '' or machine == other"),
    (missing_docstring, "checks/a.py", "'''Says what it is for.'''"),
    (sql_strings, "web/pages.py", "t = ('Select a workspace', 'Create one', 'With care', 'Update your app')"),
    (sql_strings, "routes.py", "r = Route('DELETE', '/notes/{id}')"),
    (sql_strings, "store/tokens.py", "def f():\n    '''Delete from the table what is gone.'''"),
    (sql_strings, "store/engine/sqlite.py", "q = 'CREATE TABLE x (y)'"),
    (sql_execution, "store/tokens.py", "db.execute('add_state', now=now)"),
    (sql_execution, "notes/store.py", "db.execute('add_note', {})"),
    (sql_execution, "notes/store/a.py", "db.execute('add_note', {})"),
    (sql_execution, "store/queue.py", "db.execute(f'{run.queue.table}.claim', {})"),
    (sql_execution, "store/engine/sqlite.py", "c.execute('PRAGMA foreign_keys = ON')\nc.execute(query.text, values)"),
]


@pytest.mark.parametrize(("check", "path", "text"), PLANTED)
def test_a_planted_violation_is_found(check: Check, path: str, text: str) -> None:
    """Negative control: stops a check that sees nothing."""
    assert check(parse(path, text)), text


@pytest.mark.parametrize(("check", "path", "text"), ALLOWED)
def test_an_allowed_use_passes(check: Check, path: str, text: str) -> None:
    """Negative control of the other kind: stops a check that flags everything."""
    assert not check(parse(path, text)), text


def test_every_check_has_a_planted_violation_and_an_innocent_one() -> None:
    """Stops a check without its controls."""
    assert {check for check, _path, _text in PLANTED} == set(CHECKS)
    assert set(CHECKS) - {check for check, _path, _text in ALLOWED} <= {key_generation, assert_statements}
