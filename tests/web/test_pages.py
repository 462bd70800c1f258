"""The pages that a person sees: no script, nothing from elsewhere, every value escaped."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackapp.web import directory_pages, pages
from slackapp.web.components import Frame
from slackapp.web.directory_pages import Retention
from slackapp.web.pages import About

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>&lt;&#x3c;</title></style></h1>"""
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "h1", "h2", "p", "a", "ul",
    "ol", "li", "code", "strong", "div", "span", "svg", "rect", "path",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "name", "content", "class", "href", "rel", "id", "aria-label", "aria-hidden", "viewbox", "width",
    "height", "rx", "d", "role", "tabindex", "autofocus",
}  # fmt: skip
FOOT = {"/", "/privacy", "/support"}
FRAME = Frame("app", "p1-2")
STORED = Retention(install_minutes=10, state_minutes=60, event_hours=48, audit_days=0)


def about(**told: str) -> About:
    """What an operator may have said."""
    plain = {"name": "app", "description": "Does it.", "company": "Co", "support_email": "s", "privacy_email": "p"}
    return About(**{**plain, **told})


# Every page, and how often a value given to it stands in it as text.
PAGES: dict[str, tuple[Callable[[str], str], int]] = {
    "landing, name": (lambda value: pages.landing(about(name=value), [("chat:write", "")], local=False), 3),
    "landing, description": (lambda value: pages.landing(about(description=value), [], local=False), 1),
    "landing, scope": (lambda value: pages.landing(about(), [(value, "")], local=True), 1),
    "landing, reason": (lambda value: pages.landing(about(), [("chat:write", value or "x")], local=True), 1),
    "privacy, name": (lambda value: directory_pages.privacy(about(name=value), STORED), 5),
    "privacy, company": (lambda value: directory_pages.privacy(about(company=value or "x"), STORED), 1),
    "privacy, address": (lambda value: directory_pages.privacy(about(privacy_email=value or "x"), STORED), 1),
    "privacy, collected": (lambda value: directory_pages.privacy(about(), STORED, [value]), 1),
    "support, name": (lambda value: directory_pages.support(about(name=value)), 5),
    "support, company": (lambda value: directory_pages.support(about(company=value or "x")), 1),
    "support, address": (lambda value: directory_pages.support(about(support_email=value or "x")), 1),
    "installed, name": (lambda value: pages.installed(value, "North", "/x", "", ""), 2),
    "installed, tenant": (lambda value: pages.installed("app", value, "mention", "", ""), 3),
    "installed, address": (lambda value: pages.installed("app", "North", "", value or "x", ""), 0),
    "installed, local address": (lambda value: pages.installed("app", "North", "", "", value or "x"), 0),
    "installed, command": (lambda value: pages.installed("app", "North", value or "x", "", ""), 1),
    "nothing installed": (lambda _: pages.nothing_installed("app"), 0),
    "declined": (lambda _: pages.declined("app"), 0),
    "refused, frame": (lambda value: pages.refused(Frame(value, "p1-2"), "No.", ""), 1),
    "refused, sentence": (lambda value: pages.refused(FRAME, value, ""), 1),
    "refused, advice": (lambda value: pages.refused(FRAME, "No.", value), 1),
}


class Reader(HTMLParser):
    """What a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str | None]] = {}
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "link":
            assert dict(attrs) == {"rel": "icon", "type": "image/svg+xml", "href": "/favicon.ico"}
            return
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("page", PAGES)
def test_a_value_stays_text(page: str) -> None:
    """I name my workspace, or whatever else of mine you show, so that a browser takes it for markup."""
    make, times = PAGES[page]
    made = make(HOSTILE)
    seen = Reader(made)
    assert "".join(seen.text).count(HOSTILE) == times
    assert HOSTILE not in made
    assert seen.tags <= TAGS
    assert seen.attributes.keys() <= ATTRIBUTES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_nothing_runs_nothing_and_leads_only_where_it_should(page: str) -> None:
    made = PAGES[page][0]("https://app.slack.com/manage")
    seen = Reader(made)
    assert seen.tags <= TAGS
    assert "script" not in made
    known = {"/slack/install", "https://app.slack.com/manage", "mailto:s", "mailto:p", *FOOT}
    assert set(seen.attributes.get("href", [])) <= known | {"mailto:https://app.slack.com/manage"}
    assert "http" not in made.replace("https://app.slack.com/manage", "")
    assert made.count("<style>") == made.count('<link rel="icon"') == 1


@settings(max_examples=50)
@given(st.sampled_from(sorted(PAGES)), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r")))
def test_whatever_the_value_the_page_has_the_same_elements(page: str, value: str) -> None:
    make, _ = PAGES[page]
    assert Reader(make(value)).tags == Reader(make("plain")).tags


def test_the_landing_page_has_one_button_and_says_when_slack_is_local() -> None:
    local, real = (pages.landing(about(), [("chat:write", "to answer")], local=flag) for flag in (True, False))
    assert real.count('href="/slack/install"') == local.count('href="/slack/install"') == 1
    assert "local Slack" in local
    assert "local Slack" not in real
    assert "<code>chat:write</code>: to answer" in real
    assert set(Reader(real).attributes["href"]) == {"/slack/install", *FOOT}


def test_after_an_enterprise_wide_install_the_page_leads_on_to_adding_workspaces() -> None:
    address = 'https://app.slack.com/manage/E1/x?a=1&b="2"'
    assert set(Reader(pages.installed("app", "Evergreen", "", address, "")).attributes["href"]) == {address, *FOOT}
    assert set(Reader(pages.installed("app", "North", "", "", "")).attributes["href"]) == FOOT


@pytest.mark.parametrize(("use", "there", "said"), [
    ("mention", "", "invite the app to a channel in Slack (<code>/invite</code>) and mention it."),
    ("mention", "http://127.0.0.1:3001", "Next, mention the app in the local Slack:"),
    ("/hello", "", "Next, type <code>/hello</code> in Slack."),
    ("/hello", "http://127.0.0.1:3001", "Next, type <code>/hello</code> in the local Slack:"),
    ("", "", "Next, try it in Slack."),
])  # fmt: skip
def test_the_next_step_is_one_that_the_behaviour_handles(use: str, there: str, said: str) -> None:
    assert said in pages.installed("app", "North", use, "", there)


@pytest.mark.parametrize(
    "page", [pages.nothing_installed("app"), pages.declined("app"), pages.refused(FRAME, "No.", "Try again.")]
)
def test_whoever_did_not_get_through_finds_the_way_back_to_the_beginning(page: str) -> None:
    assert Reader(page).attributes["href"].count("/slack/install") == 1


def test_every_page_has_its_landmarks_one_heading_and_the_name_of_the_app() -> None:
    for make, _ in PAGES.values():
        made = make("x")
        assert [made.count(f"<{tag}") for tag in ("h1", "main", "header ", "footer")] == [1, 1, 1, 1]
        assert made.index("<header") < made.index("<main") < made.index("<h1") < made.index("<footer")


def test_an_error_is_announced_and_says_under_which_reference_it_is_found() -> None:
    page = pages.refused(FRAME, "No.", "Try again.")
    assert page.count('role="alert" tabindex="-1" autofocus') == 1
    assert page.index("Try again.") < page.index('Reference: <code class="copy">p1-2</code>')
    assert "Reference" not in pages.declined("app")
