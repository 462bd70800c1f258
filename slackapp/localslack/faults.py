"""Faults on demand: what Slack, or the network before it, can do wrong.

An app has to survive every one of them: docs.slack.dev/apis/web-api/rate-limits for `ratelimited`, and
docs.slack.dev/apis/events-api for events that come twice or late.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any

from slackapp.localslack.api.calls import ApiResult, error_body
from slackapp.localslack.delivery.events import merge
from slackapp.localslack.model import Fault
from slackapp.localslack.wire import HttpResponse

UNPROCESSED = frozenset({"html500", "cut", "ratelimited", "redirect", "error"})
HTML = b"<!DOCTYPE html><html><head><title>Server Error</title></head><body><h1>Server Error</h1></body></html>"
_SERVER_ERROR = HttpResponse(500, (("Content-Type", "text/html; charset=utf-8"),), HTML)


class Faults:
    """The faults that are waiting, in the order they were given. Safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its calls."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """Lists the faults to come."""
        with self._lock:
            return list(self._waiting)

    def take(self, method: str, tenant: str) -> Fault | None:
        """The first waiting fault for a call, used up by one."""
        for fault in self.waiting():
            if fault.method in (method, "*") and fault.team in ("", tenant) and self._use(fault):
                return fault
        return None

    def extra_copies(self) -> int:
        """Counts the further deliveries of an event (`duplicate` on `events`)."""
        return 1 if self._take_event("duplicate") else 0

    def extra_delay(self) -> float:
        """Counts the seconds by which an event's delivery is delayed (`slow` on `events`)."""
        fault = self._take_event("slow")
        return fault.seconds if fault else 0.0

    def _take_event(self, kind: str) -> Fault | None:
        for fault in self.waiting():
            if fault.method == "events" and fault.kind == kind and self._use(fault):
                return fault
        return None

    def _use(self, fault: Fault) -> bool:
        with self._lock:
            if fault not in self._waiting:
                return False
            place = self._waiting.index(fault)
            if fault.times > 1:
                self._waiting[place] = dataclasses.replace(fault, times=fault.times - 1)
            elif fault.times >= 0:
                del self._waiting[place]
            return True


def answer_before(fault: Fault, base_url: str) -> HttpResponse:
    """The answer of a fault that keeps the call from being processed."""
    if fault.kind == "cut":
        return HttpResponse(200, (("Content-Type", "application/json; charset=utf-8"),), b"", cut=True)
    if fault.kind == "html500":
        return _SERVER_ERROR
    if fault.kind == "redirect":
        return HttpResponse(302, (("Location", fault.location or f"{base_url}/elsewhere"),), b"")
    if fault.kind == "ratelimited":
        return ApiResult(
            error_body("ratelimited"), status=429, headers={"Retry-After": str(fault.retry_after)}
        ).response()
    return ApiResult(merge(error_body(fault.error), fault.patch)).response()


def answer_after(fault: Fault, outcome: ApiResult) -> HttpResponse:
    """The answer of a fault that comes after the call was processed."""
    outcome.answer = merge(outcome.answer, fault.patch)
    response = outcome.response()
    if fault.kind == "lost_answer":
        return dataclasses.replace(response, cut=True)
    if fault.kind == "late500":
        return _SERVER_ERROR
    if fault.kind == "garbage":
        return dataclasses.replace(response, body=b"\xff\xfe{not json")
    if fault.kind == "huge":
        return dataclasses.replace(response, body=_padded(outcome.answer, fault.size))
    return response


def _padded(answer: dict[str, Any], size: int) -> bytes:
    plain = json.dumps(answer | {"padding": ""})
    return json.dumps(answer | {"padding": "x" * max(0, size - len(plain))}).encode()
