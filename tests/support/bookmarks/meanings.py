"""What each event of the circle means, as tests/support/audit_meanings.py has it for the core's."""

from enum import StrEnum

from slackapp.model import ActorKind
from tests.support.audit_meanings import Meaning
from tests.support.bookmarks.share import BookmarkEvent

MEANINGS: dict[StrEnum, Meaning] = {
    BookmarkEvent.ADDED: Meaning("an address is added by the app's own function", "tenant", (ActorKind.WORKER,)),
    BookmarkEvent.SHARED: Meaning("an address is posted", "tenant", (ActorKind.WORKER,)),
    BookmarkEvent.LISTED: Meaning("an operator is shown a tenant's names", "tenant", (ActorKind.OPERATOR,)),
}
