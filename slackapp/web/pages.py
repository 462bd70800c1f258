"""Pages for people: no script, no picture from elsewhere, every value escaped in one place."""

from collections.abc import Iterable
from typing import NamedTuple

from slackapp.model import INSTALL_PATH
from slackapp.web.components import Frame, Tone, document, escape, link_button, notice, steps

MENTION = "mention"
"""How an app is used that answers when it is mentioned."""
NOT_CONFIGURED = "The operator of this service has not said this yet"
"""Stands where a setting is missing: whoever sets the service up must see it, and `slackapp doctor` looks for it."""

_STEPS = (
    "Click the button. Slack shows you what the app asks for.",
    "Choose your workspace and approve. Some workspaces want an admin to do this.",
    "You come back to a page here that says what to do next.",
)


class About(NamedTuple):
    """Operator's words about the app and himself; "" for what he has not said."""

    name: str
    description: str
    company: str
    support_email: str
    privacy_email: str


def landing(about: About, scopes: Iterable[tuple[str, str]], local: bool) -> str:
    """`GET /`: what the app does, how it is installed, what it asks for and why; one button."""
    items = "".join(_item(scope, why) for scope, why in scopes)
    note = (
        '<p class="note">This service talks to the local Slack beside it. Nothing leaves your machine.</p>'
        if local
        else ""
    )
    return document(
        Frame(about.name),
        f"Add {about.name} to Slack",
        f"<p>{escape(about.description)}</p>"
        f"{_button('Add to Slack')}"
        f"<h2>How to install it</h2>{steps(*_STEPS)}"
        "<p>You can remove it in Slack at any time; its tokens and your data are erased then.</p>"
        f"<h2>What it asks for</h2><p>These permissions, and no others:</p><ul>{items}</ul>{note}",
    )


def installed(name: str, tenant_name: str, use: str, add_workspaces: str, local_slack: str) -> str:
    """`GET /slack/installed`: names the workspace; after an enterprise-wide install, leads on to adding workspaces.

    `use` is how the app is used: a command such as `/hello`, MENTION, or "" for neither. The last two are addresses or
    empty; `local_slack` is where a newcomer can use it.
    """
    if add_workspaces:
        following = (
            "<p>The app belongs to the whole organisation now, but to none of its workspaces yet. "
            "Next, choose the workspaces that get it:</p>"
            f"<p>{link_button(add_workspaces, 'Add workspaces')}</p>"
        )
    elif local_slack:
        following = (
            f"<p>{_next_step(use)} in the local Slack:</p><p>{link_button(local_slack, 'Open the local Slack')}</p>"
        )
    else:
        invited = "Next, invite the app to a channel in Slack (<code>/invite</code>) and mention it"
        following = f"<p>{invited if use == MENTION else f'{_next_step(use)} in Slack'}.</p>"
    return document(
        Frame(name),
        f"Installed in {tenant_name}",
        f"<p>{escape(name)} is installed in <strong>{escape(tenant_name)}</strong>. Its token is stored encrypted "
        f"and is never shown to anyone.</p>{following}"
        '<p class="note">To remove the app, open its page in Slack and choose Remove App. '
        "Everything stored for your workspace is erased then.</p>",
    )


def _next_step(use: str) -> str:
    if use == MENTION:
        return "Next, mention the app"
    return f"Next, type <code>{escape(use)}</code>" if use else "Next, try it"


def nothing_installed(name: str) -> str:
    """`GET /slack/installed` in a browser that has finished no install lately."""
    return document(
        Frame(name),
        "No recent install",
        "<p>This browser has not finished an install in the last minutes.</p>" + _button("Begin an install"),
    )


def declined(name: str) -> str:
    """Shows that Slack sent the user back without permission."""
    return document(
        Frame(name),
        "Not installed",
        "<p>You did not give permission, so nothing was installed and nothing was stored.</p>"
        "<p>If that was a mistake, begin again. If your workspace needs an admin's approval, ask for it in Slack and "
        "come back when you have it.</p>" + _button("Begin again"),
    )


def refused(frame: Frame, sentence: str, advice: str) -> str:
    """Shows a refusal: what happened, and the next step."""
    told = notice(Tone.BAD, f"<p>{escape(sentence)}</p>", is_alert=True) + f"<p>{escape(advice)}</p>"
    return document(frame, "That did not work", told + _button("Begin an install"))


def failed(frame: Frame) -> str:
    """Shows that something is broken here: nothing but the reference by which the log tells of it."""
    told = notice(Tone.BAD, "<p>Something went wrong on our side.</p>", is_alert=True)
    advice = "<p>Try again in a minute. If it goes on, tell whoever runs this service the reference below.</p>"
    return document(frame, "That did not work", told + advice)


def mail(address: str) -> str:
    """Makes a link that opens a letter, or the plain word that there is none."""
    if not address:
        return f'<strong class="unsaid">{NOT_CONFIGURED}</strong>'
    return f'<a href="mailto:{escape(address)}">{escape(address)}</a>'


def _item(scope: str, why: str) -> str:
    return f"<li><code>{escape(scope)}</code>{escape(why and f': {why}')}</li>"


def _button(label: str) -> str:
    return f"<p>{link_button(INSTALL_PATH, label)}</p>"
