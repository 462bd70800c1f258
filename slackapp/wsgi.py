"""The life of every request, numbered; there is nothing before, after or around it."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slackapp import callers
from slackapp.errors import Refusal, Refused, StoreBusyError, StoreError
from slackapp.flows.app import App
from slackapp.model import LOOPBACK, Actor, ActorKind, AuditEntry, AuditRecord, AuditResult
from slackapp.routes import PAGE, AnyRoute, by_path, served_answers
from slackapp.web import pages
from slackapp.web.components import Frame
from slackapp.web.request import NoRawTargetError, Request, address_prefix, host_values, read_request
from slackapp.web.response import Response, html, text, to_wsgi
from slackapp.web.router import Router

StartResponse = Callable[[str, list[tuple[str, str]]], object]

_RETRY_AFTER = 5
_NO_RAW_TARGET = "the server gives no REQUEST_URI and no RAW_URI"
_SERVERS = "serve it with slackapp serve (waitress), gunicorn or uWSGI"


class Wsgi:
    """The WSGI application."""

    def __init__(self, app: App, routes: Iterable[AnyRoute]) -> None:
        """Raises ValueError where a target could mean two of the routes."""
        self._app = app
        self._routes = by_path(routes)
        self._router = Router(self._routes)
        self._number = itertools.count(1)
        self._probes = frozenset(path for path, by in self._routes.items() if any(route.probe for route in by.values()))
        self._names = host_values(app.settings.public_url)
        self._answers = served_answers(app.settings)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        app = self._app
        # 1. read the clock, once
        now = app.clock()
        request_id = f"{app.process_id}-{next(self._number):x}"
        frame = Frame(app.settings.name, request_id)
        route: AnyRoute | None = None
        verified: Actor | None = None
        outcome = "ok"
        respond = self._answers_below(environ)
        try:
            # 2. read the request, bounded, as raw bytes
            request = read_request(environ, request_id)
            # 3. match the raw target exactly
            route = self._match(request)
            respond = route.answers
            # 4. establish who is calling
            # claim: C-15, C-17
            caller = route.caller(app, request, now)
            verified = caller if callers.is_verified(caller) else None
            # 5. call the handler
            response = route.handler(app, request, caller, now)
        # 6. a refusal becomes its one safe answer, anything else a bare 500
        except Refused as first:
            verified = verified or first.actor
            # claim: C-208
            if verified is not None and not callers.is_verified(verified):
                verified = None
            refused = first if verified else self._limited(first, environ.get("REMOTE_ADDR", ""), now)
            outcome = refused.refusal.name.lower()
            self._record(refused, route, verified, request_id, now=now)
            response = respond(refused, frame)
        except StoreError as error:
            outcome = "store_busy" if isinstance(error, StoreBusyError) else "store_failed"
            app.log.error(outcome, {"request": request_id})
            app.health.set_problem("database", str(error))
            response = respond(Refused(Refusal.BUSY, retry_after=_RETRY_AFTER), frame)
        except NoRawTargetError:
            outcome = "no_raw_target"
            app.log.error("no_raw_target", {"why": _NO_RAW_TARGET, "action": _SERVERS})
            response = _failed(environ, frame)
        except Exception:  # noqa: BLE001  (the last resort: the thread lives, the caller learns nothing)
            outcome = "bug"
            app.log.bug("request_failed", {"request": request_id})
            response = _failed(environ, frame)
        # 7. headers, metric, and one log line without query, code, state, token or body
        self._send(start_response, route, response, request_id, outcome=outcome)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _answers_below(self, environ: dict[str, Any]) -> Callable[[Refused, Frame], Response]:
        """Finds the form of a refusal that comes before a route is found."""
        target = str(environ.get("REQUEST_URI", environ.get("RAW_URI", "")))
        return next((answers for prefix, answers in self._answers if target.startswith(prefix)), PAGE)

    def _match(self, request: Request) -> AnyRoute:
        """Finds the route, and tells the request what its target says. Raises Refused."""
        template, path_values = self._router.match(request.path) or ("", {})
        routes = self._routes.get(template, {})
        # Of a unix socket waitress says "localhost".
        is_probe = template in self._probes and request.address in LOOPBACK
        # claim: C-68
        if not is_probe and request.header("host").lower() not in self._names:
            raise Refused(Refusal.HOST)
        # claim: C-68
        if not routes:
            raise Refused(Refusal.NOT_FOUND)
        # claim: C-68
        if request.method not in routes:
            raise Refused(Refusal.METHOD, allow=", ".join(routes))
        request.template, request.path_values = template, path_values
        return routes[request.method]

    def _limited(self, refused: Refused, address: str, now: int) -> Refused:
        """The refusal, or 429 for an address that has had very many. Who is verified is never limited by it.

        After the verification and not before it: behind a proxy that was not named, all requests have one address.
        """
        wait = self._app.rate_limiter.admit(f"refused {address_prefix(address)}", now)
        return Refused(Refusal.RATE, retry_after=wait) if wait else refused

    def _record(
        self, refused: Refused, route: AnyRoute | None, verified: Actor | None, request_id: str, now: int
    ) -> None:
        """Counts every refusal. A caller who has proved nothing buys at most one audit row per reason and minute."""
        app, name = self._app, refused.refusal.audit
        app.metrics.count("slackapp_refusals_total", {"reason": refused.refusal.name.lower()})
        # claim: C-72
        if not verified and not app.throttle.allows(name, now):
            return
        actor = verified or Actor(ActorKind.UNVERIFIED, request_id)
        entry = AuditEntry(at=now, event=name, actor=actor, result=AuditResult.REFUSED)
        if route is not None:
            entry = entry._replace(record_kind=AuditRecord.ROUTE, record_id=route.path)
        try:
            app.vault.append_committed(entry)
        except Exception:  # noqa: BLE001  (the refusal is answered all the same)
            app.log.bug("audit_failed", {"request": request_id})

    def _send(
        self, start_response: StartResponse, route: AnyRoute | None, response: Response, request_id: str, outcome: str
    ) -> None:
        app, path = self._app, route.path if route is not None else "none"
        status, headers = to_wsgi(response, request_id)
        app.metrics.count("slackapp_requests_total", {"route": path, "status": str(response.status)})
        if response.code:
            app.metrics.count("slackapp_errors_total", {"code": response.code})
        line: dict[str, Any] = {"request": request_id, "route": path, "status": response.status, "outcome": outcome}
        whom = {"tenant": app.keyring.label(response.tenant)} if response.tenant.id else {}
        app.log.request({**line, **whom})
        start_response(status, headers)


def _failed(environ: Mapping[str, Any], frame: Frame) -> Response:
    """Answers where something is broken here: nothing but under which id the log tells of it. To a browser, a page."""
    if "text/html" in environ.get("HTTP_ACCEPT", ""):
        return html(500, pages.failed(frame))
    return text(500, f"Something went wrong on our side.\nReference: {frame.request_id}\n")
