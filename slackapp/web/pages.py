"""The pages that a person sees: no script, no picture from elsewhere, every value escaped in one place."""

import html
from collections.abc import Iterable

from slackapp.web.style import STYLE

INSTALL_PATH = "/slack/install"


def escape(value: str) -> str:
    """The only way for a value to get into a page."""
    return html.escape(value, quote=True)


def landing(name: str, scopes: Iterable[str], local: bool) -> str:
    """`GET /`: what the app is, what it asks for, one button."""
    items = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in scopes)
    note = (
        '<p class="note">This service talks to the local Slack beside it. Nothing leaves your machine.</p>'
        if local
        else ""
    )
    return _page(
        f"Add {name} to Slack",
        f"<p>Install {escape(name)} into your workspace. Slack will show you what it asks for, and you can remove it "
        "there at any time; its tokens and your data are erased then.</p>"
        f"{_button('Add to Slack')}"
        f"<p>It asks for these permissions, and no others:</p><ul>{items}</ul>{note}",
    )


def installed(name: str, tenant_name: str, add_workspaces: str, local_slack: str) -> str:
    """`GET /slack/installed`: names the workspace; after an org-wide install, leads on to adding workspaces.

    The last two are addresses or empty; `local_slack` is where a newcomer can send a mention.
    """
    if add_workspaces:
        following = (
            "<p>The app belongs to the whole organisation now, but to none of its workspaces yet. "
            "Next, choose the workspaces that get it:</p>"
            f'<a class="button" href="{escape(add_workspaces)}" rel="noreferrer">Add workspaces</a>'
        )
    elif local_slack:
        following = (
            "<p>Next, mention the app, and see it answer in a thread:</p>"
            f'<a class="button" href="{escape(local_slack)}" rel="noreferrer">Open the local Slack</a>'
        )
    else:
        following = (
            "<p>Next, invite the app to a channel in Slack (<code>/invite</code>) and mention it. "
            "It answers in a thread.</p>"
        )
    return _page(
        f"Installed in {tenant_name}",
        f"<p>{escape(name)} is installed in <strong>{escape(tenant_name)}</strong>. Its token is stored encrypted "
        f"and is never shown to anyone.</p>{following}"
        '<p class="note">To remove the app, open its page in Slack and choose Remove App. '
        "Everything stored for your workspace is erased then.</p>",
    )


def nothing_installed() -> str:
    """`GET /slack/installed` in a browser that has finished no install lately."""
    return _page(
        "No recent install",
        "<p>This browser has not finished an install in the last minutes.</p>" + _button("Begin an install"),
    )


def declined() -> str:
    """Slack sent the person back without permission."""
    return _page(
        "Not installed",
        "<p>You did not give permission, so nothing was installed and nothing was stored.</p>"
        "<p>If that was a mistake, begin again. If your workspace needs an admin's approval, ask for it in Slack and "
        "come back when you have it.</p>" + _button("Begin again"),
    )


def refused(sentence: str, advice: str) -> str:
    """A refusal that a person sees: what happened, and the next step."""
    return _page("That did not work", f"<p>{escape(sentence)}</p><p>{escape(advice)}</p>{_button('Begin an install')}")


def _button(label: str) -> str:
    return f'<p><a class="button" href="{INSTALL_PATH}">{escape(label)}</a></p>'


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
