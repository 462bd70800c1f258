"""The builder of blocks: what other people wrote stays text, and what it makes is what Slack takes."""

import pytest

from slackapp.host import blocks
from slackapp.host.blocks import Mrkdwn
from slackapp.host.checks.message_content import require_content

EVIL = "<!channel> & <https://evil.example|safe> <@U1>"
GOOD = "&lt;!channel&gt; &amp; &lt;https://evil.example|safe&gt; &lt;@U1&gt;"


@pytest.mark.claim("C-270")
def test_a_text_is_escaped_unless_it_is_marked() -> None:
    assert blocks.escape(EVIL) == GOOD
    assert blocks.escape(blocks.escape(EVIL)) == GOOD, "once"
    assert blocks.section(EVIL)["text"] == {"type": "mrkdwn", "text": GOOD, "verbatim": True}
    assert blocks.section(Mrkdwn("*a*"))["text"] == {"type": "mrkdwn", "text": "*a*", "verbatim": False}
    assert blocks.context(EVIL)["elements"][0]["text"] == GOOD
    assert blocks.section("x", fields=[EVIL])["fields"][0]["text"] == GOOD
    assert blocks.join(Mrkdwn("*by* "), "<me>") == "*by* &lt;me&gt;"
    assert blocks.header(EVIL)["text"]["type"] == "plain_text", "in which nothing is read"


@pytest.mark.claim("C-270")
def test_a_link_leads_where_it_says_and_nowhere_else() -> None:
    assert blocks.link("https://x.example/a b|c>d&e", "a|b<c>") == (
        "<https://x.example/a%20b%7Cc%3Ed&amp;e|a\u00a6b&lt;c&gt;>"
    )
    with pytest.raises(ValueError, match="a link begins with https"):
        blocks.link("javascript:alert(1)", "x")


def test_what_it_makes_is_what_slack_takes() -> None:
    made = [
        blocks.header("Deployed"),
        blocks.section("It works", fields=["a", "b"], accessory=blocks.button("Open", "open", url="https://x.example")),
        blocks.divider(),
        blocks.image("https://x.example/a.png", "a picture"),
        blocks.context("by ann"),
        blocks.actions(blocks.button("Yes", "yes", "1"), blocks.button("No", "no")),
    ]
    assert require_content("Deployed", made)["blocks"] == made
