"""docs/prd.md has every requirement of both lists, once, as its tables say."""

import re

from tests.support import prd


def test_the_page_is_what_make_docs_writes() -> None:
    assert prd.PAGE.read_text("utf-8") == prd.page()


def test_every_link_of_the_page_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", prd.page())
    assert len(links) > 100
    assert [link for link in links if not (prd.PAGE.parent / link).is_file()] == []


def test_numbers_are_shown_as_a_span_where_they_follow_one_another() -> None:
    assert prd.span("C", (3,)) == "C3"
    assert prd.span("C", (4, 1)) == "C1, C4"
    assert prd.span("E", (2, 3, 4)) == "E2 to E4"
