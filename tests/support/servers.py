"""Real servers on real sockets, for the length of one test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import waitress

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextlib.contextmanager
def serve(app: WsgiApp, threads: int = 4, **settings: Any) -> Iterator[str]:
    """Serve a WSGI app on a free loopback port; yields its base URL. `settings` go to waitress.

    A `port` among the settings is honoured, so that a server can come back at the address it had.
    """
    sockets: dict[int, Any] = {}
    # A huge answer stays in memory: waitress leaves the temporary file of a client that hung up to the collector.
    options: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "threads": threads, "outbuf_overflow": 2**26, **settings}
    server = waitress.create_server(app, map=sockets, **options)
    runner = threading.Thread(target=server.run, name="test-server", daemon=True)
    runner.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        held: list[Any] = []

        def end_loop() -> None:
            held.extend(sockets.values())
            sockets.clear()

        # The loop ends in its own thread, when it finds no socket left; only then is anything closed. Closed
        # under it, a descriptor could be polled, or written to, after it has become somebody else's.
        server.trigger.pull_trigger(end_loop)
        runner.join(5)
        server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        for socket in held:
            socket.close()


class _Shared:
    """A server that is kept running, and whose app can be changed."""

    def __init__(self) -> None:
        self.app: WsgiApp | None = None
        self._stack = contextlib.ExitStack()
        self.url = self._stack.enter_context(serve(self._answer))

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self.app is None:
            raise RuntimeError("whoever had this server has given it back")
        return self.app(environ, start_response)


_IDLE: list[_Shared] = []


@contextlib.contextmanager
def serve_shared(app: WsgiApp) -> Iterator[str]:
    """Like `serve`, by a server that outlives the test: to start one takes as long as many a test."""
    server = _IDLE.pop() if _IDLE else _Shared()
    server.app = app
    try:
        yield server.url
    finally:
        server.app = None
        _IDLE.append(server)
