"""Pages that a listing in Slack's directory links to: who runs the app, what it does with data, help.

Read:    docs.slack.dev/slack-marketplace/slack-marketplace-app-guidelines-and-requirements
"""

from collections.abc import Iterable
from typing import NamedTuple

from slackapp.web.components import Frame, document, escape
from slackapp.web.pages import NOT_CONFIGURED, About, mail


class Retention(NamedTuple):
    """Retention times, from the code that erases."""

    install_minutes: int
    state_minutes: int
    event_hours: int
    audit_days: int


def privacy(about: About, kept: Retention, collected: Iterable[str] = (), told: Iterable[str] = ()) -> str:
    """Shows `GET /privacy`: `collected` is what is stored of a workspace besides, `told` who besides Slack is told."""
    name = escape(about.name)
    besides = "".join(f"<li>{escape(told)}</li>\n" for told in collected)
    return document(
        Frame(about.name),
        f"Privacy at {about.name}",
        f"<p>{name} is run by {_company(about)}. This page says what it stores about a workspace, why, how long, and "
        f"how to have it erased.</p>{_COLLECTED}{besides}{_COLLECTED_TOO}{_USED}{_retention(kept)}"
        f"{_rights(about, told)}"
        f"<h2>Contact</h2><p>Questions about your data: {mail(about.privacy_email or about.support_email)}.</p>",
    )


def support(about: About) -> str:
    """Shows `GET /support`."""
    name = escape(about.name)
    return document(
        Frame(about.name),
        f"Help with {about.name}",
        f"<h2>Contact</h2><p>Write to {mail(about.support_email)}. You need no account with us. You get an answer "
        f"within two business days. {name} is run by {_company(about)}.</p>"
        "<h2>When something does not work</h2>"
        "<ul><li>The app does not answer in a channel: invite it there first, with <code>/invite</code>.</li>"
        "<li>It says that it must be installed again, or does not answer anywhere: install it once more from "
        '<a href="/">this page</a>. What it has stored stays.</li>'
        "<li>The install ended with an error: begin again, and finish in the same browser within a few minutes. Some "
        "workspaces want an admin to install apps.</li>"
        "<li>When you write to us, say which workspace it is and when it happened. Never send a token or a password."
        "</li></ul>"
        "<h2>How to remove the app</h2>"
        f"<p>In Slack, open the workspace's list of apps, choose {name}, then Configuration, then Remove App. Its "
        "tokens and your data are erased then; you need not tell us.</p>",
    )


_COLLECTED = """<h2>What data is collected</h2>
<p>About a workspace or an organisation that installs the app:</p>
<ul>
<li>its id and name, the app's own id and user there, the ids of the people who installed it, what was asked for
and granted, how it is doing, and when it was installed, used and checked</li>
<li>the tokens that Slack gives the app, and a webhook where one was asked for, encrypted with keys that belong to this
workspace alone</li>
<li>what Slack sends when the app is mentioned or used: the content encrypted, and its ids, kind and time</li>
<li>that we have stopped using its tokens, where we have: its id, and since when</li>
<li>a journal of installs, removals and each use of a token, with the ids of workspaces, people and events; no content
</li>
<li>for an hour, that Slack served it; and for as long as that matters, that Slack refused its tokens: id and time</li>
"""
_COLLECTED_TOO = """<li>counts of what happened, in which a workspace is a keyed hash of its id</li>
</ul>
<p>An installation that was moved in from another store also keeps, encrypted, what that store held of it.</p>
<p>About visitors of these pages: nothing. An install sets one cookie that ties it to your browser; only a hash of it is
stored. No network address is stored, in the database or in the service's log.</p>"""
_USED = """<h2>How it is used</h2>
<p>To do what the app is for: to answer when it is mentioned or used, in that workspace and no other. Tokens are used to
call Slack, for the workspace they belong to. Nothing is sold, shown to other workspaces, used for advertising or
used to train anything.</p>"""


def _retention(kept: Retention) -> str:
    journal = f"{kept.audit_days} days" if kept.audit_days else "as long as the service runs"
    return (
        "<h2>How long it is kept</h2><ul>"
        "<li>Workspace, tokens and keys: until the app is removed.</li>"
        "<li>Content of an event: until it has been dealt with. If that fails, until a person here has looked at it, "
        "or until the app is removed.</li>"
        f"<li>Ids, kinds and times of events: {kept.event_hours} hours after they were dealt with, also after a "
        "removal, so that nothing is done twice.</li>"
        f"<li>An install that was begun: {kept.install_minutes} minutes to finish it, and its hash for "
        f"{kept.state_minutes} minutes more, with a keyed hash of the network it came from. "
        "The cookie: ten minutes, or as long as that takes.</li>"
        f"<li>The journal: {journal}, also after a removal. It holds ids, and no content.</li>"
        "<li>Counts: as long as the service runs.</li></ul>"
    )


def _rights(about: About, told: Iterable[str]) -> str:
    others = "".join(f", and {escape(each)}" for each in told)
    return (
        "<h2>Access, transfer and deletion</h2>"
        f"<p>To have it erased, remove {escape(about.name)} in Slack. Tokens, keys and content are erased then; "
        "nobody has to ask. Backups that the service writes hold no keys, so what was encrypted in them cannot be read "
        "afterwards.</p>"
        "<p>To see what is stored about your workspace, to have it sent to you or handed over, or to have it erased "
        "by us, write to the address below. We answer within two business days.</p>"
        f"<p>The service sends data to nobody but Slack{others}. Ask at the same address whose machines it lies on.</p>"
    )


def _company(about: About) -> str:
    return escape(about.company) if about.company else f'<strong class="unsaid">{NOT_CONFIGURED}</strong>'
