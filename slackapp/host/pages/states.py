"""Words for every state of a connection: what it is, what that means, and the one next step."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import Connection, StatusReason
from slackapp.web.components import Tone


class NextStep(Enum):
    """Next step with a connection; its value is what the button says."""

    TEST = "Test now"
    CHANNEL = "Choose a channel"
    RECONNECT = "Reconnect"
    CONFIRM = "Look at it and confirm"
    TAKE_OVER = "Answer for it yourself"
    NOTHING = ""


class State(NamedTuple):
    """State of a connection, for people."""

    tone: Tone
    word: str
    sentence: str
    step: NextStep


_ACTIVE, _PENDING = ConnectionStatus.ACTIVE, ConnectionStatus.PENDING
_SUSPENDED, _REVOKED = ConnectionStatus.SUSPENDED, ConnectionStatus.REVOKED
_OTHER = ""
_STATES: Mapping[tuple[ConnectionStatus, str], State] = {
    (_ACTIVE, _OTHER): State(Tone.GOOD, "Connected", "It works, and can be used.", NextStep.TEST),
    (_PENDING, _OTHER): State(
        Tone.PLAIN, "Waiting for Slack",
        "Somebody has begun to connect it and has not come back from Slack. It ends by itself when the time is over.",
        NextStep.NOTHING,
    ),
    (ConnectionStatus.QUARANTINED, _OTHER): State(
        Tone.WARNING, "Waiting for confirmation",
        "Slack has agreed. Nothing is connected before whoever began it confirms it, in the same browser.",
        NextStep.CONFIRM,
    ),
    (ConnectionStatus.NEEDS_RECONNECT, _OTHER): State(
        Tone.BAD, "Needs to be reconnected",
        "Slack no longer takes its token, so nothing can be sent. Its settings are kept.", NextStep.RECONNECT,
    ),
    (_SUSPENDED, _OTHER): State(
        Tone.WARNING, "Suspended", "It is stopped, and nothing is sent. Its settings are kept.", NextStep.RECONNECT,
    ),
    (_SUSPENDED, StatusReason.REVIEW): State(
        Tone.WARNING, "Suspended after a review",
        "Nobody has said in the last review that it is still needed. Whoever reviews can keep it.", NextStep.NOTHING,
    ),
    (_SUSPENDED, StatusReason.FREEZE): State(
        Tone.WARNING, "Stopped",
        "All use of Slack was stopped. It goes on when an owner of your organization, or whoever runs this service, "
        "ends that.", NextStep.NOTHING,
    ),
    (_SUSPENDED, StatusReason.KEY): State(
        Tone.WARNING, "Suspended: its key is withheld",
        "The key that its token is encrypted with was taken away. It goes on when whoever holds it gives it back.",
        NextStep.NOTHING,
    ),
    (_SUSPENDED, StatusReason.AGE): State(
        Tone.WARNING, "Suspended: too old", "It is older than it may be. Reconnecting it begins a new time.",
        NextStep.RECONNECT,
    ),
    (_SUSPENDED, StatusReason.OWNER): State(
        Tone.WARNING, "Suspended: nobody answers for it",
        "Whoever answered for it has left your organization. Somebody else must.", NextStep.TAKE_OVER,
    ),
    (_REVOKED, _OTHER): State(
        Tone.PLAIN, "Removed",
        "The app was removed from the workspace, and everything stored for it was erased.", NextStep.RECONNECT,
    ),
    (ConnectionStatus.FAILED, _OTHER): State(
        Tone.BAD, "Not connected", "It came to nothing, and nothing was kept.", NextStep.NOTHING,
    ),
}  # fmt: skip
_UNOWNED = State(
    Tone.WARNING, "Connected, nobody answers for it",
    "It works, and whoever answered for it has left your organization. Without somebody else it is suspended.",
    NextStep.TAKE_OVER,
)  # fmt: skip
_LESS = State(
    Tone.WARNING, "Connected, with less than is asked for",
    "The app asks for more by now than the workspace has granted, so some of it does not work.", NextStep.RECONNECT,
)  # fmt: skip
_NO_CHANNEL = State(
    Tone.GOOD, "Connected", "It works. Messages that name no channel have nowhere to go yet.", NextStep.CHANNEL,
)  # fmt: skip

OUTCOMES: Mapping[str, str] = {
    StatusReason.ACCESS_DENIED: "Permission was not given in Slack",
    StatusReason.INVALID_STATE: "The way back from Slack was too old, or not the one that was begun",
    StatusReason.EXCHANGE_FAILED: "Slack could not be reached, or refused",
    StatusReason.INVALID_SCOPE: "Slack granted less than is needed",
    StatusReason.WORKSPACE_LIMIT_REACHED: "There were as many workspaces as there may be",
    StatusReason.WORKSPACE_TAKEN: "The workspace belongs to another organization here",
    StatusReason.INSTALLER_NOT_ADMIN: "Whoever approved is no admin of the workspace",
    StatusReason.REGION_MISMATCH: "Data of the organization is kept in another region",
    StatusReason.NOT_CONFIRMED: "Nobody confirmed it in time",
    StatusReason.NOT_STORED: "It could not be stored just then",
}
"""Why a connect came to nothing."""

_URGENCY = (Tone.BAD, Tone.WARNING, Tone.GOOD, Tone.PLAIN)


def urgency_of(state: State) -> int:
    """Finds the place in a list: what needs somebody comes first."""
    return _URGENCY.index(state.tone)


def state_of(connection: Connection, missing_scopes: tuple[str, ...] = ()) -> State:
    """Finds the words for a connection."""
    if connection.status is _ACTIVE:
        if connection.owner_missing_at is not None:
            return _UNOWNED
        if missing_scopes:
            return _LESS
        return _STATES[(_ACTIVE, _OTHER)] if connection.default_channel_id else _NO_CHANNEL
    found = _STATES.get((connection.status, connection.status_reason))
    return found if found is not None else _STATES[(connection.status, _OTHER)]
