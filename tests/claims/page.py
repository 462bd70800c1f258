"""Writes docs/claims.md: each claim, the lines that keep it, the tests that show it."""

from pathlib import Path

from tests.claims.sources import ROOT, Anchor, Test, anchors, claims, promises, shown

PAGE = ROOT / "docs" / "claims.md"
HEAD = """# Claims

What this service promises, taken apart into single claims. Each has the lines that keep it and the tests that show it.
In the code such a line is marked with a comment `claim:` and the claim's id. An id is never given twice.

`make claims` writes this page. `make bite` takes each marked line away, one at a time, in a copy, and runs the claim's
tests: one must fail. `docs/bite.md` is its report.
"""


def render() -> str:
    """The page as it must be now."""
    parts = [HEAD]
    for number, words in promises().items():
        parts += [f"\n## {number}. {words}\n", "| claim | | kept by | shown by |", "| --- | --- | --- | --- |"]
        for claim in claims():
            if claim.promise == number:
                kept = "<br>".join(_place(anchor) for anchor in anchors() if claim.id in anchor.claims)
                tests = "<br>".join(_test(test) for test in shown() if claim.id in test.claims)
                parts.append(f"| {claim.id} | {claim.sentence} | {kept} | {tests} |")
    return "\n".join(parts) + "\n"


def _place(anchor: Anchor) -> str:
    name = Path(anchor.path).name
    return f"[{name}:{anchor.first}](../{anchor.path}#L{anchor.first})"


def _test(test: Test) -> str:
    words = test.name.removeprefix("test_").replace("_", " ")
    return f"[{words}](../{test.path}#L{test.line})"
