"""The floor: the work that a receipt and its run cannot do without, and nothing else.

The signature is verified, the body parsed and sealed in our format, the row kept once and flushed in a group with
others; then it is claimed, opened, acted on and marked. There are no states of a tenant, no generations, no refusals,
no audit, no fairness, no log and no metric: what those cost is the distance to it. It shares no code with the service,
so that a change there does not move the measure.
"""

import hmac
import json
import os
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAX_AGE = 300
CLAIMED_ROWS = 64
"""Rows that are claimed, and marked, at once."""
LEASE = 120
SCHEMA = """
CREATE TABLE installations (tenant_id TEXT PRIMARY KEY, status TEXT, bot_user_id TEXT, key BLOB) WITHOUT ROWID;
CREATE TABLE inbox (
    event_id    TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL CHECK (kind IN ('event', 'job')),
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    named       TEXT    NOT NULL DEFAULT '',
    body        BLOB    CHECK (length(body) BETWEEN 98 AND 1048674),
    state       TEXT    NOT NULL CHECK (state IN ('ready', 'running', 'calling', 'unclear', 'dead', 'done')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    event_time  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    lease_owner TEXT    NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER,
    result      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX inbox_due ON inbox (next_at) WHERE state IN ('ready', 'running', 'calling');
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE state = 'done';
CREATE INDEX inbox_tenant ON inbox (tenant_kind, tenant_id) WHERE body IS NOT NULL;
"""
FIND = "SELECT status, bot_user_id, key FROM installations WHERE tenant_id = ?"
INSERT = """
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, body, state, event_time, received_at, next_at)
VALUES (?, 'event', 'T', ?, ?, ?, 'ready', ?, ?, ?) ON CONFLICT DO NOTHING
"""
CLAIM = """
UPDATE inbox SET state = 'running', attempts = attempts + 1, lease_owner = 'floor', lease_until = ?
 WHERE event_id IN (SELECT event_id FROM inbox
                     WHERE state IN ('ready', 'running', 'calling') AND state <> 'calling'
                       AND next_at <= ? AND lease_until < ?
                     ORDER BY next_at LIMIT ?)
RETURNING event_id, tenant_id, body
"""
FINISH = """
UPDATE inbox SET state = 'done', result = 'ok', finished_at = ?, lease_owner = '', lease_until = 0, body = NULL
 WHERE event_id = ? AND lease_owner = 'floor' AND state IN ('running', 'calling')
"""


class Waiter:
    """A row to be kept; None until it is known whether it was new."""

    __slots__ = ("is_new", "values")

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values
        self.is_new: bool | None = None


class Floor:
    """The WSGI application, with one worker."""

    def __init__(self, folder: Path, secret: str, tenants: Iterable[str]) -> None:
        self._path, self._secret = folder / "floor.db", secret.encode()
        self._local = threading.local()
        self._waiting: list[Waiter] = []
        self._waiting_lock, self._write_lock = threading.Lock(), threading.Lock()
        self._wake = threading.Event()
        setup = self._connect("OFF")
        setup.executescript(SCHEMA)
        rows = [(tenant, "active", "U00000002", os.urandom(32)) for tenant in tenants]
        setup.execute("BEGIN")
        setup.executemany("INSERT INTO installations VALUES (?, ?, ?, ?)", rows)
        setup.execute("COMMIT")
        setup.close()
        self._durable, self._unflushed = self._connect("FULL"), self._connect("NORMAL")
        threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers an event."""
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        now, stamp = int(time.time()), environ["HTTP_X_SLACK_REQUEST_TIMESTAMP"]
        signature = "v0=" + hmac.digest(self._secret, b"v0:%b:%b" % (stamp.encode(), body), "sha256").hex()
        holds = hmac.compare_digest(signature, environ["HTTP_X_SLACK_SIGNATURE"])
        if abs(now - int(stamp)) > MAX_AGE or not holds:
            start_response("401 Unauthorized", [("Content-Length", "0")])
            return [b""]
        event = json.loads(body)
        tenant, event_id = event["team_id"], event["event_id"]
        _, _, key = self._reader().execute(FIND, (tenant,)).fetchone()
        sealed = seal(key, event_id.encode() + tenant.encode(), body)
        values = (event_id, tenant, event["event"]["type"], sealed, event["event_time"], now, now)
        if self._keep(values) and not self._wake.is_set():
            self._wake.set()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    def _keep(self, values: tuple[Any, ...]) -> bool:
        """Returns once the row is on the disk: whoever has the lock writes for all who wait."""
        waiter = Waiter(values)
        with self._waiting_lock:
            self._waiting.append(waiter)
        with self._write_lock:
            if waiter.is_new is None:
                with self._waiting_lock:
                    batch, self._waiting = self._waiting, []
                self._durable.execute("BEGIN IMMEDIATE")
                for each in batch:
                    each.is_new = self._durable.execute(INSERT, each.values).rowcount == 1
                self._durable.execute("COMMIT")
        return bool(waiter.is_new)

    def _work(self) -> None:
        reader = self._connect("NORMAL")
        while True:
            self._wake.clear()
            while rows := self._claim(int(time.time())):
                for event_id, tenant, body in rows:
                    _, bot_user, key = reader.execute(FIND, (tenant,)).fetchone()
                    event = json.loads(open_sealed(key, event_id.encode() + tenant.encode(), body))["event"]
                    act(event, bot_user)
                self._finish([(int(time.time()), event_id) for event_id, _, _ in rows])
            self._wake.wait(1)

    def _claim(self, now: int) -> list[Any]:
        with self._write_lock:
            self._unflushed.execute("BEGIN IMMEDIATE")
            rows = self._unflushed.execute(CLAIM, (now + LEASE, now, now, CLAIMED_ROWS)).fetchall()
            self._unflushed.execute("COMMIT")
        return rows

    def _finish(self, rows: list[tuple[int, str]]) -> None:
        with self._write_lock:
            self._unflushed.execute("BEGIN IMMEDIATE")
            self._unflushed.executemany(FINISH, rows)
            self._unflushed.execute("COMMIT")

    def _reader(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect("FULL")
        found: sqlite3.Connection = self._local.connection
        return found

    def _connect(self, synchronous: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30, check_same_thread=False)
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection


def act(event: dict[str, Any], bot_user: str) -> None:
    """What an app would do; QUIET does nothing either."""


def seal(key: bytes, context: bytes, plaintext: bytes) -> bytes:
    """The record format of the service: a key of its own for each value, and a commitment to it."""
    random = os.urandom(44)
    salt, nonce = random[:32], random[32:]
    derived, commitment = derive(key, salt)
    header = struct.pack(">BBI", 1, 1, 7) + salt + commitment + nonce
    return header + AESGCM(derived).encrypt(nonce, plaintext, header + context)


def open_sealed(key: bytes, context: bytes, blob: bytes) -> bytes:
    """What was sealed. Raises ValueError for another key."""
    derived, commitment = derive(key, blob[6:38])
    if not hmac.compare_digest(commitment, blob[38:70]):
        raise ValueError("another key")
    return AESGCM(derived).decrypt(blob[70:82], blob[82:], blob[:82] + context)


def derive(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Key and commitment."""
    okm = HKDF(algorithm=SHA512(), length=64, salt=salt, info=b"slackapp/v1/key+commit").derive(key)
    return okm[:32], okm[32:]
