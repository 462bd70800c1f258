"""What holds for every page: its links lead somewhere. And two that are held to the code: threat model, data model."""

import re
from pathlib import Path

import pytest

from tests.claims.sources import claims, promises
from tests.support import column_meanings, data_model

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("**/*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
INLINE = re.compile(r"`([^`\n]+)`")
CODE = re.compile(r"`[^`\n]+`")
"""Where brackets are code, and no link."""
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:[A-Za-z]\w*\.)+[A-Za-z]\w*|[A-Za-z]\w*_\w+")
OF_OTHERS = {"rule_files", "slackapp.db.reserve"}
"""Names on our pages that are not of our code: Prometheus's, and a file's."""
PLACE = re.compile(r"`((?:slackapp|sql|tests|docs|examples)/[\w./-]+)`")


def anchors(page: str) -> set[str]:
    """The places in a page that a link can lead to, as they are made of its headings."""
    heads = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def leads_to(text: str, place: str) -> bool:
    """Whether a file has that heading, or that line."""
    line = place.removeprefix("L")
    return (line.isdecimal() and 0 < int(line) <= text.count("\n")) or place in anchors(text)


def broken(page: Path, text: str) -> list[str]:
    """Links and names of files on a page that lead nowhere."""
    found = []
    for link in LINK.findall(CODE.sub("``", text)):
        target, _, place = link.partition("#")
        if link.startswith("https://"):
            continue  # no test leaves this machine
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (place and not leads_to(file.read_text(encoding="utf-8"), place)):
            found.append(link)
    return found + [name for name in PLACE.findall(text) if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_and_every_file_that_is_named_is_there(page: Path) -> None:
    assert broken(page, page.read_text(encoding="utf-8")) == []


def test_a_planted_link_to_nowhere_is_found() -> None:
    """Negative control: stops a search that finds no link at all."""
    text = "[a](nowhere.md), [b](#what-is-not-there), `slackapp/nothing.py`, [c](https://example.com/x)"
    assert broken(ROOT / "README.md", text) == ["nowhere.md", "#what-is-not-there", "slackapp/nothing.py"]
    text = "[d](SECURITY.md#what-is-not-defended), [e](LICENSE#L3), `sql/core/audit.sql`"
    assert broken(ROOT / "README.md", text) == []


def code() -> str:
    """All that a name on a page may come from."""
    folders = ("slackapp", "sql", "tests", "examples")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.*") if file.suffix in (".py", ".sql")]
    return "\n".join(file.read_text("utf-8") for file in files)


def unknown_names(page: str, known: str) -> list[str]:
    """Names in backticks, with a dot, an underscore or brackets, that stand nowhere in the code."""
    columns = {f"{table}.{name}" for table, names in data_model.schema().items() for name, _, _ in names}
    words = {text.removesuffix("()") for text in INLINE.findall(FENCED.sub("", page))}
    named = {word for word in words if NAME.fullmatch(word)} - columns - OF_OTHERS
    return sorted(word for word in named if word not in known)


def test_every_name_of_the_code_on_a_page_is_in_the_code() -> None:
    known = code()
    assert {page.name: names for page in PAGES if (names := unknown_names(page.read_text("utf-8"), known))} == {}


def test_a_name_that_the_code_does_not_have_is_found() -> None:
    """Negative control."""
    text = "`no_such_name`, `nobody.at_home`, `tokens.status`, `rule_files`, `purge_tenant`, `vault.append()`, a_b"
    assert unknown_names(text, "purge_tenant vault.append") == ["no_such_name", "nobody.at_home"]


def test_every_promise_answers_a_threat_and_every_answer_is_a_promise() -> None:
    """Stops a promise that nobody needs, and a threat that is answered by a number."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    table = page.partition("## What answers what")[2].partition("\n## ")[0]
    by_claim = {claim.id: claim.promise for claim in claims()}
    named = re.findall(r"\bP(\d+)\b|\b(C-\d+)\b", table.partition("| threat |")[2])
    assert {int(number) if number else by_claim[claim] for number, claim in named} == set(promises())
    for row in re.findall(r"^\| .* \|$", table, re.MULTILINE)[2:]:
        assert "`tests/" in row.split(" | ")[-1], row


def test_no_column_is_without_meaning_and_class_and_the_page_is_what_the_schema_says() -> None:
    """Write it anew with: make docs"""
    tables = data_model.schema()
    assert data_model.gaps(tables) == [], "give each column a meaning and a class in tests/support/column_meanings.py"
    assert {group for table in data_model.TABLES.values() for group, _ in table.columns.values()} == {
        *column_meanings.CLASSES
    }
    assert data_model.PAGE.read_text(encoding="utf-8") == data_model.page(tables)


def test_deployment_tells_how_long_events_are_kept() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert f"the inbox of {column_meanings.EVENT_HOURS} hours" in page


def test_a_column_that_nobody_explained_is_found() -> None:
    """Negative control."""
    tables = data_model.schema()
    tables["tokens"] = [*tables["tokens"][1:], ("nickname", "TEXT", True)]
    assert set(data_model.gaps(tables)) == {"tokens.nickname", f"tokens.{data_model.schema()['tokens'][0][0]}"}


def test_every_sealed_column_is_a_blob_and_every_blob_is_secret_or_a_mac() -> None:
    """Stops a class that is only a word: what is called sealed cannot be text."""
    secret = (column_meanings.SECRET, column_meanings.HASH)
    for name, columns in data_model.schema().items():
        for column, kind, _ in columns:
            group, meaning = data_model.TABLES[name].columns[column]
            assert (kind == "BLOB") == (group in secret or "chain" in column or "HMAC" in meaning), f"{name}.{column}"
