"""Page that asks before all use of Slack is stopped, and the boxes that say that it is."""

from slackapp.host.pages import parts
from slackapp.host.pages.parts import FREEZE_PATH, WORKSPACES_PATH
from slackapp.host.pages.workspaces import Reader
from slackapp.web.components import Tone, buttons, document, escape, link_button, notice

FREEZE, LIFT = "freeze", "lift"
"""What a form is for."""


def ask(reader: Reader, is_frozen: bool) -> str:
    """Asks once, and says what it means."""
    frame = reader.frame._replace(is_wide=False)
    keep = link_button(WORKSPACES_PATH, "Leave it as it is", Tone.PLAIN)
    if is_frozen:
        lift = parts.form(FREEZE_PATH, reader.token, "", LIFT, label="Use Slack again")
        told = "<p>Messages that waited go out, and every workspace can be used as before.</p>"
        return document(frame, "Use Slack again?", told + buttons(lift, keep))
    stop = parts.form(FREEZE_PATH, reader.token, "", FREEZE, label="Stop all use of Slack", tone=Tone.DANGER)
    told = (
        f"<ul><li>From that moment on nothing of {escape(reader.organization)} is sent to Slack or read there, in any "
        "workspace.</li><li>Messages wait, for three days at most.</li><li>Nothing is erased, and an owner can end it "
        "here. Workspaces can still be disconnected.</li></ul>"
    )
    box = notice(Tone.WARNING, "<p>For an emergency, such as a token in the wrong hands.</p>")
    return document(frame, "Stop all use of Slack?", box + told + buttons(stop, keep))


def place(is_frozen: bool, may_govern: bool) -> str:
    """Makes the place below all workspaces from which an owner stops it."""
    if not may_govern or is_frozen:
        return ""
    return (
        "<section><h2>In an emergency</h2><p>An owner can stop all use of Slack at once, and end that again.</p>"
        f"{buttons(link_button(FREEZE_PATH, 'Stop all use of Slack', Tone.PLAIN))}</section>"
    )


def freeze_notice(may_govern: bool) -> str:
    """Makes the box that says that it is stopped."""
    onward = buttons(link_button(FREEZE_PATH, "Use Slack again", Tone.PLAIN)) if may_govern else ""
    sentence = "All use of Slack is stopped for your organization, until an owner ends that."
    return notice(Tone.WARNING, f"<p>{sentence}</p>{onward}")
