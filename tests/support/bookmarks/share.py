"""What the circle does: a behaviour adds an address, a row of its own queue posts one, a route shows their names."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from slackapp.callers import operator
from slackapp.checks.capabilities import Capability
from slackapp.checks.json_body import parse_json
from slackapp.checks.slack_ids import tenant_of_id
from slackapp.crypto import envelope, records
from slackapp.errors import Refusal, Refused, StoreBusyError
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.model import BOT, Actor, AuditEntry, Tenant
from slackapp.routes import DATA, Route
from slackapp.store import queue
from slackapp.store.columns import tenant_columns
from slackapp.store.engine.database import Database
from slackapp.store.queue import EffectKey, Queue, Run
from slackapp.web.request import Request
from slackapp.web.response import Response, json_response
from tests.support.bookmarks.table import insert, list_names, url_context

QUEUE = Queue("bookmark_shares", threads=1, max_attempts=2)
SHARE = Capability("share_bookmarks", frozenset({"chat.postMessage"}))
SHARE_JOB = "bookmarks.share"


class BookmarkEvent(StrEnum):
    """Events of this circle."""

    ADDED = "bookmark.added"
    SHARED = "bookmark.shared"
    LISTED = "bookmark.listed"


class Bookmarks:
    """What `context.bookmarks` is: bound to one run and its tenant."""

    def __init__(self, app: App, run: Run, body: Mapping[str, Any]) -> None:
        self._app, self._run = app, run

    def add(self, name: str, url: str) -> EffectKey:
        """Adds an address, with its row of the audit, as an effect of the run."""
        app, run, tenant = self._app, self._run, self._run.tenant
        sealed = app.keyring.seal(url_context(tenant, name), url.encode())

        def write(db: Database, key: EffectKey) -> None:
            if not insert(db, tenant, name, sealed, app.clock()):
                app.keyring.evict(tenant)  # so that the next run seals under the new key
                raise StoreBusyError("the tenant's keys have changed")
            app.vault.append(_entry(BookmarkEvent.ADDED, tenant, run.actor, app.clock()))

        return self._run.add_effect(write)


def add_share(app: App, tenant: Tenant, share_id: str, said: Mapping[str, str]) -> None:
    """Adds a row to the circle's queue, which posts a message."""
    body = app.keyring.seal(records.event_body_context(tenant, share_id), json.dumps(said).encode())
    row = {"event_id": share_id, "body": body.blob, "key_id": envelope.key_id_of(body.blob), "now": app.clock()}
    with app.db.transaction():
        app.db.execute("add_bookmark_share", {**tenant_columns(tenant), **row})
    app.wake_worker()


def share(app: App, run: Run, now: int) -> None:
    """Posts what a row says, by the circle's own capability."""
    bodies = dict(queue.list_bodies(app.db, QUEUE, run.tenant, 1))
    context = records.event_body_context(run.tenant, run.event_id)
    said = parse_json(app.keyring.open_data(context, bodies[run.event_id], lambda: None))
    use = use_token.TokenUse(
        tenant=run.tenant,
        holder=BOT,
        capability=SHARE,
        method="chat.postMessage",
        purpose=run.type,
        actor=run.actor,
    )
    use_token.call(app, use, said, run)
    app.vault.append_committed(_entry(BookmarkEvent.SHARED, run.tenant, run.actor, now))


def show(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Answers with the names of a tenant's addresses."""
    tenant = tenant_of_id(request.path_values["id"])
    if tenant is None:
        raise Refused(Refusal.NOT_FOUND)
    app.vault.append_committed(_entry(BookmarkEvent.LISTED, tenant, caller, now))
    return json_response(200, {"id": tenant.id, "names": list_names(app.db, tenant)})


def _entry(event: BookmarkEvent, tenant: Tenant, actor: Actor, now: int) -> AuditEntry:
    return AuditEntry(at=now, event=event, actor=actor, tenant=tenant)


ROUTES = (Route("GET", "/bookmarks/{id}", show, operator, answers=DATA),)
