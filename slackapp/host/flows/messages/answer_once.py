"""Answers to requests that send something: under one key a request is done once, and a repeat is answered alike."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import IdempotentResponse
from slackapp.host.store import idempotency_keys
from slackapp.model import Secret


class RepeatableRequest(NamedTuple):
    """Request with its key, as the header has it: of which route and address, and what stood in its body."""

    key: str
    route: str
    body: Mapping[str, Any]


def run(
    app: App, caller: HostCaller, request: RepeatableRequest, do: Callable[[], Mapping[str, Any]], now: int
) -> Mapping[str, Any]:
    """Runs `do` in a commit that others share, once per key; its answer, or the one that was given before.

    `do` may run twice, as the commit may. What it refuses takes the key back: it may be used again. Raises HostRefused.
    """
    key_hash, body_hash = _hashes(app, caller, request)

    def run_first() -> Mapping[str, Any] | None:
        # claim: C-257
        if not idempotency_keys.begin(app.db, caller.organization, key_hash, body_hash, now=now):
            return None
        answer = do()
        idempotency_keys.finish(app.db, caller.organization, key_hash, 202, answer=json.dumps(answer))
        return answer

    told = app.db.commit_in_group(run_first)
    if told is not None:
        return told
    before = idempotency_keys.find(app.db, caller.organization, key_hash)
    if before is None:
        raise HostRefused(HostRefusal.ORGANIZATION_REMOVED, actor=caller)
    return _told(before, body_hash)


def find_answer(app: App, caller: HostCaller, request: RepeatableRequest) -> Mapping[str, Any] | None:
    """Finds the answer that was given before; None where there is none, and `run` decides. Raises HostRefused."""
    key_hash, body_hash = _hashes(app, caller, request)
    before = idempotency_keys.find(app.db, caller.organization, key_hash)
    return _told(before, body_hash) if before is not None else None


def _told(before: IdempotentResponse, body_hash: bytes) -> Mapping[str, Any]:
    # claim: C-257
    if before.body_hash != body_hash:
        raise HostRefused(HostRefusal.KEY_REUSED, field="Idempotency-Key")
    if not before.answer_status:
        raise HostRefused(HostRefusal.KEY_RUNS, field="Idempotency-Key", retry_after=1)
    told: Mapping[str, Any] = json.loads(before.answer)
    return told


def _hashes(app: App, caller: HostCaller, request: RepeatableRequest) -> tuple[bytes, bytes]:
    """Keyed hashes of whose key it is, and of the body: neither can be won back from them."""
    whose = json.dumps(["idempotency", caller.organization, caller.id, request.route, request.key])
    said = json.dumps(["body", whose, request.body], sort_keys=True)
    return app.keyring.fingerprint(Secret(whose)), app.keyring.fingerprint(Secret(said))
