"""The text of a file without what one anchor marks."""

import ast
import re

from tests.claims.sources import Anchor, AnchorError, node_at

_PREDICATE = re.compile(r"(\s*)(WHERE|AND|OR) (.*?)(;?)\s*", re.DOTALL)


def without(anchor: Anchor, text: str) -> str:
    """The file's text with the anchored statement or predicate taken away. Raises AnchorError."""
    lines = text.splitlines()
    first, last = anchor.first - 1, anchor.last
    if anchor.is_sql:
        lines[first:last] = _sql(lines[first:last])
    else:
        lines[first:last] = _python(anchor, text, lines)
    changed = "\n".join(lines) + "\n"
    if not anchor.is_sql:
        ast.parse(changed)
    return changed


def _sql(lines: list[str]) -> list[str]:
    """A predicate that always holds, so that the statement keeps its parameters; anything else goes."""
    code = "\n".join(line.partition("--")[0] for line in lines)
    found = _PREDICATE.fullmatch(code)
    if found is not None:
        return [f"{found[1]}{found[2]} ({found[3].rstrip()} OR TRUE){found[4]}"]
    return [";"] if code.rstrip().endswith(";") else []


def _python(anchor: Anchor, text: str, lines: list[str]) -> list[str]:
    node = node_at(ast.parse(text), anchor.first)
    line = lines[anchor.first - 1]
    indent = line[: len(line) - len(line.lstrip())]
    if not isinstance(node, ast.stmt):
        return []  # a link of a chain of conditions, or one of several values: it is simply not there
    if isinstance(node, ast.With):
        # What stands inside happens all the same, without what holds it together.
        return [f"{indent}if True:", *lines[node.body[0].lineno - 1 : anchor.last]]
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Try | ast.Import | ast.ImportFrom):
        raise AnchorError(f"{anchor.path}:{anchor.first}: an anchor belongs to a single statement")
    if isinstance(node, ast.Assign) and not _is_kept(node):
        # A missing name would fail whatever is tested: the value is what is taken away.
        return [f"{indent}{' = '.join(ast.unparse(target) for target in node.targets)} = None"]
    return [f"{indent}pass"]


def _is_kept(node: ast.Assign) -> bool:
    """Whether the name has a value without this assignment: it is made from its old one."""
    targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
    return any(isinstance(part, ast.Name) and part.id in targets for part in ast.walk(node.value))
