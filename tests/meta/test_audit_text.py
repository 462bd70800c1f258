"""The audit's facts stand in columns: nobody takes one out of a text, where it could not be asked for or be sure."""

import ast

import pytest

from tests.meta.source import Module, modules, parse

TEXTS = ("detail", "result", "purpose", "record_id", "actor_id")
"""Columns of the audit that hold a word each."""
TAKEN_APART_BY = {
    "split", "rsplit", "partition", "rpartition", "splitlines", "find", "rfind", "index", "rindex", "startswith",
    "endswith", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip",
}  # fmt: skip
SEARCHED_BY = {"match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split"}
PAIRS = {
    "config/parsers.py": "a setting that names commands",
    "config/dotenv.py": "a line of a file of settings",
    "checks/query.py": "a query",
    "checks/operator_token.py": "a query",
    "checks/browser_binding.py": "a cookie",
    "host/checks/fields.py": "a query",
    "host/checks/media_type.py": "a header",
    "host/checks/return_url.py": "a query",
}
"""Modules that split `name=value`, and what: none of it comes from the audit."""


def is_audit_text(node: ast.expr) -> bool:
    """Whether an expression is such a column: `row.detail`, `columns["detail"]`, or a name for it; `str(…)` of one."""
    if isinstance(node, ast.Call):
        return any(map(is_audit_text, node.args)) and ast.unparse(node.func) == "str"
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value in TEXTS
    if isinstance(node, ast.Attribute):
        return node.attr in TEXTS
    return isinstance(node, ast.Name) and node.id == "detail"


def parsings(module: Module) -> list[str]:
    """Where a text of the audit is taken apart, or any text at a `=` outside the modules of PAIRS."""
    found = []
    for node in module.nodes:
        if isinstance(node, ast.Compare):
            looks_inside = any(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops)
            is_parsing = looks_inside and any(map(is_audit_text, node.comparators))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, first = node.func.attr, ast.unparse(node.args[0]) if node.args else ""
            at_equals = name in TAKEN_APART_BY and first in ("'='", "' = '") and module.path not in PAIRS
            taken_apart = name in TAKEN_APART_BY and is_audit_text(node.func.value)
            is_parsing = at_equals or taken_apart or (name in SEARCHED_BY and any(map(is_audit_text, node.args)))
        else:
            continue
        if is_parsing:
            found.append(f"{module.path}:{node.lineno}: {ast.unparse(node)}")
    return found


def test_no_text_of_the_audit_is_taken_apart() -> None:
    """Stops a fact from hiding in a text again, as `key=value`."""
    assert [line for module in modules() for line in parsings(module)] == []


def test_each_module_that_may_split_pairs_does() -> None:
    splitting = {path for path in PAIRS if any(module.path == path and "=" in module.text for module in modules())}
    assert splitting == PAIRS.keys()


@pytest.mark.parametrize(
    "planted",
    [
        "row.detail.split(' ')", "row.detail.partition(':')", "columns['detail'].split()", "detail.startswith('k')",
        "str(entry.detail).split(',')", "text.split('=')", "text.partition('=')", "re.match('k=(.*)', row.detail)",
        "_FORM.fullmatch(row.columns['detail'])", "_FORM.findall(entry.detail)", "'left' in row.detail",
        "row.columns['record_id'].partition('/')", "row.result.removeprefix('failed:')",
    ],
)  # fmt: skip
def test_a_planted_parsing_is_found(planted: str) -> None:
    """Negative control."""
    assert len(parsings(parse("flows/x.py", f"x = {planted}"))) == 1


@pytest.mark.parametrize(
    "sound", ["row.detail == AuditDetail.REVOKED", "row.detail in _WORDS", "name.split('.')", "str(row.detail)"]
)
def test_what_takes_nothing_apart_is_left_alone(sound: str) -> None:
    """Negative control of the other kind."""
    assert parsings(parse("flows/x.py", f"x = {sound}")) == []
