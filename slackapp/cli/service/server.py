"""Waitress, with settings that are chosen and not inherited."""

import logging
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import waitress.server
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

from slackapp.app import REQUEST_THREADS, Service, build, system_clock, system_entropy
from slackapp.cli.service import cpu_affinity
from slackapp.cli.service.localhost import Application
from slackapp.errors import ConfigError
from slackapp.model import Settings
from slackapp.runtime.log import JsonLog, WholeLines
from slackapp.web.request import BODY_LIMIT
from slackapp.workers.scheduler import Task


class CookieJoiningParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Parser that joins several Cookie fields by "; ", as they were before HTTP/2 (RFC 9113 section 8.2.3).

    Waitress would join them by a comma, which may be part of a cookie. To take one apart there would let a cookie that
    a sibling domain planted hold another of a name that only this host may set.
    """

    def parse_header(self, header_plus: bytes) -> None:
        """Parses the header, as the base class does."""
        super().parse_header(_with_one_cookie(header_plus))


def _with_one_cookie(head: bytes) -> bytes:
    lines = head.split(b"\r\n")
    cookies = [line for line in lines if line[:7].lower() == b"cookie:"]
    folded = any(line[:1] in (b" ", b"\t") for line in lines)
    if len(cookies) < 2 or folded:  # a folded line belongs to the one before it; nobody sends them any more
        return head
    joined = b"; ".join(line[7:].strip(b" \t") for line in cookies)
    return b"\r\n".join([line for line in lines if line not in cookies] + [b"Cookie: " + joined])


SEND_BYTES = 16 * 1024
"""Bytes of an answer from which on the thread of its request begins to send."""


def configure_waitress() -> None:
    """Puts into waitress what it has no argument for: one Cookie field, and who sends an answer."""
    HTTPChannel.parser_class = CookieJoiningParser
    # The thread that waits for the network, whole answers. While the request's thread sends, and then stands behind the
    # others for the interpreter, the network's would ask all that time whether there is more to be sent: seven times
    # for each event. Of requests that come in one piece the answers go out together, with the last. As an argument it
    # is deprecated; where it is gone, this does nothing.
    Adjustments.send_bytes = SEND_BYTES


def waitress_settings(settings: Settings) -> dict[str, Any]:
    """Settings of waitress that matter to safety (docs.pylonsproject.org/projects/waitress, arguments)."""
    chosen: dict[str, Any] = {
        "threads": REQUEST_THREADS,
        "ident": "",  # no version banner
        "expose_tracebacks": False,
        "max_request_body_size": BODY_LIMIT + 1,  # waitress refuses from this size on
        "inbuf_overflow": BODY_LIMIT + 2,  # a body never goes through a temporary file, where it would lie unsealed
        "max_request_header_size": 16384,
        "channel_timeout": 30,
        "cleanup_interval": 10,
        "connection_limit": 200,
        "backlog": 256,
        "asyncore_use_poll": True,
        "channel_request_lookahead": 0,
        "clear_untrusted_proxy_headers": True,
    }
    if settings.trusted_proxy:
        chosen |= {
            "trusted_proxy": settings.trusted_proxy,
            "trusted_proxy_count": 1,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
        }
    if settings.listen.startswith("unix:"):
        return chosen | {"unix_socket": settings.listen.removeprefix("unix:"), "unix_socket_perms": "660"}
    return chosen | {"listen": settings.listen}


def serve(
    settings: Settings,
    on_ready: Callable[[Service], None],
    log_texts: bool = False,
    middleware: Callable[[Application], Application] = lambda service: service,
) -> int:
    """Builds the service, binds, announces and serves until SIGTERM or SIGINT; the exit status.

    Everything that can be wrong with the settings is found before the port is bound.
    """
    # A crash must not write the process's memory, and the keys in it, to a file.
    # claim: C-21
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    service = build(settings, system_clock, system_entropy, WholeLines(sys.stderr), log_texts=log_texts)
    _quiet_waitress(service.app.log)
    configure_waitress()
    try:
        server = waitress.server.create_server(middleware(service.wsgi), **waitress_settings(settings))
    except (OSError, ValueError) as error:
        service.stop()
        why = error.strerror if isinstance(error, OSError) else "there is no such host"
        action = "stop what listens there, or set another"
        raise ConfigError(f"SLACKAPP_LISTEN: cannot listen on {settings.listen} ({why}); {action}") from None

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        service.request_stop()  # at once: waitress takes its own time to end what its threads are at
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if settings.one_processor and cpu_affinity.is_possible():
        _keep_to_one_processor(service)
    try:
        service.start()
        on_ready(service)
        server.run()
    except SystemExit:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # the end is under way; a second signal must not cut it short
        server.close()
        service.stop()
    return 0


def _keep_to_one_processor(service: Service) -> None:
    affinity = cpu_affinity.CpuAffinity(coin=lambda: service.app.entropy(1)[0] % 2 == 0)
    if affinity.bind() is not None:
        service.local_scheduler.add(Task("processor", cpu_affinity.INTERVAL, lambda app, stopping: affinity.bind()))


class _WaitressLogHandler(logging.Handler):
    """Waitress's own messages hold parts of requests; what happened and where is all that is kept of them."""

    def __init__(self, log: JsonLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line without the message."""
        self._log.error("server", {"logger": record.name, "severity": record.levelname, "where": record.funcName})


def _quiet_waitress(log: JsonLog) -> None:
    logger = logging.getLogger("waitress")
    logger.propagate = False
    logger.handlers = [_WaitressLogHandler(log)]
    logging.getLogger("waitress.queue").setLevel(logging.CRITICAL)  # a line per queued request is not news
