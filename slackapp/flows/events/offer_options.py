"""`POST /slack/interactivity`, for a menu whose options the app fills: answered at once, or refused at once.

Slack shows what comes within 3 seconds and repeats nothing, so the function runs in the request, and not from the
inbox. It can look at whom it is for, and calls nothing: no token is opened, and nothing is written, for each key that
somebody types. Two run at a time for one tenant, four for all: where they hang, that tenant's further menus are
refused at once, and no more than four threads are lost.
"""

from typing import Any

from slackapp.checks.interaction import Interaction
from slackapp.checks.menu_options import read_options
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.events.event_context import EventContext
from slackapp.model import Installation, InstallationStatus

_RETRY_AFTER = 1


def run(app: App, installation: Installation, found: Interaction) -> dict[str, Any]:
    """Runs the behaviour's function, and returns its options.

    Raises Refused: nobody offers any, the function failed, or too many run.
    """
    if installation.status == InstallationStatus.SUSPENDED:
        raise Refused(Refusal.KEY_REVOKED, tenant=installation.tenant)
    function = app.behaviour.get(found.key)
    # claim: C-90
    if function is None:
        if app.throttle.allows("no_options", app.clock()):
            app.log.error(
                "no_options", {"action": "give the behaviour's table a function under block_suggestion:ACTION_ID"}
            )
        raise Refused(Refusal.NO_OPTIONS, tenant=installation.tenant)
    with app.options_limit(str(installation.tenant)) as free:
        # claim: C-90
        if not free:
            raise Refused(Refusal.BUSY, retry_after=_RETRY_AFTER, tenant=installation.tenant)
        context = EventContext(app, None, installation, {"event": found.fields})
        try:
            return read_options(function(context, found.fields))
        except BaseException as error:  # noqa: BLE001  (a behaviour is somebody else's code; the thread must live)
            reason = type(error).__name__
            app.log.bug(
                "behaviour_failed",
                {"row": "none", "type": found.key, "trace_id": "none", "reason": reason, "left": "none"},
            )
            raise Refused(Refusal.NO_OPTIONS, tenant=installation.tenant) from None
