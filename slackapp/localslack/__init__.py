"""A Slack that runs on a laptop: consent page, Web API, signed event delivery, and faults on demand.

It plays slack.com for one app on the loopback interface, so that an app can be developed and tested without
a network or a Slack account. It uses the standard library only and knows nothing of the app it is used with.

    slack = LocalSlack(LocalApp(app_id="A0LOCAL001", …))     a WSGI application
    slack.mention("T0NORTH001", "hello")                      somebody mentions the bot
    slack.deliver_due()                                       the event is delivered
    slack.messages("T0NORTH001")                              what the bot answered
"""

from slackapp.localslack.delivery.deliver import sign
from slackapp.localslack.model import NULL, Delivery, Fault, LocalApp, NotInstalled, RecordedCall, StateFileError
from slackapp.localslack.server import LocalSlack

__all__ = [
    "NULL",
    "Delivery",
    "Fault",
    "LocalApp",
    "LocalSlack",
    "NotInstalled",
    "RecordedCall",
    "StateFileError",
    "sign",
]
