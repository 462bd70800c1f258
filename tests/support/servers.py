"""Real servers on real sockets, for the length of one test."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import waitress
from waitress import wasyncore

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextlib.contextmanager
def serve(app: WsgiApp, threads: int = 4, **settings: Any) -> Iterator[str]:
    """Serve a WSGI app on a free loopback port; yields its base URL. `settings` go to waitress.

    A `port` among the settings is honoured, so that a server can come back at the address it had.
    """
    sockets: dict[int, Any] = {}
    options: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "threads": threads, **settings}
    server = waitress.create_server(app, map=sockets, **options)
    runner = threading.Thread(target=server.run, name="test-server", daemon=True)
    runner.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # The loop's own thread closes the sockets: closed from here, it would go on waiting for them.
        server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets, ignore_all=True))
        runner.join(5)
        server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
