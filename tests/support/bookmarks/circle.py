"""What the circle registers: one of each thing that a circle may register."""

from slackapp.flows.app import Circle
from slackapp.flows.queue_data import queue_data
from slackapp.flows.tokens.slack_provider import SLACK
from tests.support.bookmarks.share import QUEUE, SHARE, SHARE_JOB, BookmarkEvent, Bookmarks, share
from tests.support.bookmarks.table import DATA, BookmarkKind

URL_LIMIT = 4096
"""Bytes."""

BOOKMARKS = Circle(
    name="bookmarks",
    tenant_data=(DATA, queue_data(QUEUE, "shares of bookmarks")),
    capabilities=(SHARE,),
    audit_events=(BookmarkEvent,),
    token_providers=(SLACK._replace(name="elsewhere"),),
    record_limits={BookmarkKind.URL: URL_LIMIT},
    service_records={"bookmark_draft": URL_LIMIT},
    sweep=lambda app, now: app.memory["bookmarks"].append("swept"),
    remote_upkeep=lambda app, stopping: app.memory["bookmarks"].append("looked after"),
    queues=(QUEUE,),
    jobs={SHARE_JOB: share},
    context={"bookmarks": Bookmarks},
    memory=lambda settings: [settings.name],
)
