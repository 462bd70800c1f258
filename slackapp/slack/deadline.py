"""Deadline for the whole of a call: looking up the name, connecting, TLS, sending, and every read.

Stops:   a call that outlives the lease it stands under, because a name has many addresses that do not answer, or
         because the answer, or its headers, come in drops. A socket's own timeout begins anew with every step.
How:     each step gets what is left of the time; while addresses are tried, each gets its share of it.
Does not stop: a look-up that hangs goes on in a thread of its own after its time. Of those there are at most 32;
         then names are not looked up at all until one ends.
Read:    docs.python.org/3/library/socket.html#notes-on-socket-timeouts; RFC 8305 section 5
"""

import http.client
import queue
import socket
import ssl
import threading
import time
import urllib.request
from typing import Any

_LOOKUPS = threading.BoundedSemaphore(32)

Address = tuple[Any, ...]
"""As `getaddrinfo` gives it: family, type, protocol, canonical name, and where."""


class NotConnectedError(OSError):
    """Missing connection: nothing was sent."""


class _DeadlineSocket(socket.socket):
    """A socket whose every step gets what is left until `ends_at`."""

    ends_at: float

    def recv_into(self, buffer: Any, nbytes: int | None = 0, flags: int = 0) -> int:
        """Receives, as the base class does; raises TimeoutError at the deadline."""
        self.settimeout(_remaining(self.ends_at))
        return super().recv_into(buffer, nbytes or 0, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        """Sends, as the base class does; raises TimeoutError at the deadline."""
        self.settimeout(_remaining(self.ends_at))
        return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Sends all, as the base class does; raises TimeoutError at the deadline."""
        self.settimeout(_remaining(self.ends_at))
        super().sendall(data, flags)


class _DeadlineTlsSocket(_DeadlineSocket, ssl.SSLSocket):
    """Socket with a deadline over TLS, whose sendall() is made of many send()."""


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        """Raises NotConnectedError."""
        self.sock = _connected(self.host, self.port, time.monotonic() + float(self.timeout or 0))


class _TlsConnection(http.client.HTTPSConnection):
    _context: ssl.SSLContext

    def connect(self) -> None:
        """Raises NotConnectedError, and OSError where TLS does not come about."""
        plain = _connected(self.host, self.port, time.monotonic() + float(self.timeout or 0))
        try:
            plain.settimeout(_remaining(plain.ends_at))  # for the whole of the handshake
            secure = self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        secure.ends_at = plain.ends_at  # type: ignore[attr-defined]  # the context makes our kind
        self.sock = secure


class PlainHandler(urllib.request.HTTPHandler):
    """http:// with a deadline: the timeout that the opener is given counts for the whole call."""

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Opens an http URL, as the base class does."""
        return self.do_open(_Connection, req)


class TlsHandler(urllib.request.HTTPSHandler):
    """https:// with a deadline; the certificate is checked, as by default."""

    def __init__(self) -> None:
        context = ssl.create_default_context()
        context.sslsocket_class = _DeadlineTlsSocket
        context.set_alpn_protocols(["http/1.1"])
        super().__init__(context=context)
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Opens an https URL, as the base class does."""
        return self.do_open(_TlsConnection, req, context=self._tls)


def _remaining(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(host: str, port: int, ends_at: float) -> _DeadlineSocket:
    """The first of the host's addresses that takes the connection."""
    try:
        addresses = _addresses(host, port, ends_at)
        for number, address in enumerate(addresses):
            share = _remaining(ends_at) / (len(addresses) - number)
            try:
                return _connect(address, share, ends_at)
            except OSError:
                continue  # the next one may take it
    except OSError:
        raise NotConnectedError from None
    raise NotConnectedError


def _connect(address: Address, seconds: float, ends_at: float) -> _DeadlineSocket:
    family, kind, protocol, _, where = address
    connection = _DeadlineSocket(family, kind, protocol)
    try:
        connection.ends_at = ends_at
        connection.settimeout(seconds)
        connection.connect(where)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _addresses(host: str, port: int, ends_at: float) -> list[Address]:
    """Raises OSError when there are none, or none in time."""
    try:
        return _look_up(host, port, socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        pass  # a name: the system may take its own time to look it up
    if not _LOOKUPS.acquire(blocking=False):
        raise NotConnectedError
    found: queue.SimpleQueue[list[Address]] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(_look_up(host, port, 0))
        except (OSError, UnicodeError):
            found.put([])
        finally:
            _LOOKUPS.release()

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    try:
        return found.get(timeout=_remaining(ends_at))
    except queue.Empty:
        raise TimeoutError from None


def _look_up(host: str, port: int, flags: int) -> list[Address]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))
