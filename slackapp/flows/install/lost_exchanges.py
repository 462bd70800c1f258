"""Installs that were being exchanged when their process ended: Slack may have granted what nobody holds.

Neither the tenant nor the token is known, and the code works no more: all that can be done is to say so. The state's
row tells of it: it was used, and has no outcome.
"""

from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.model import NO_TENANT, Actor
from slackapp.store import oauth_states

MAX_EXCHANGE_SECONDS = 60
"""Seconds after which an exchange is not under way any more: each of its calls to Slack ends within ten."""
ACTION = "whoever installed the app just then must do so again"


def run(app: App, now: int) -> int:
    """Marks exchanges that ended with their process, and counts them. Raises StoreError."""
    with app.db.transaction():
        # claim: C-86
        lost = oauth_states.mark_lost(app.db, now - MAX_EXCHANGE_SECONDS, now + MAX_EXCHANGE_SECONDS)
        if lost:
            audit_log.append(app, "install.unclear", NO_TENANT, Actor("worker", ""), "unclear", f"states={lost}", now)
    for _ in range(lost):
        app.metrics.count("slackapp_installs_total", {"result": "unclear"})
    if lost:
        app.log.error("exchanges_lost", {"number": lost, "action": ACTION})
    return lost
