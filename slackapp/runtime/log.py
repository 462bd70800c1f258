"""The log: one JSON object per line, fields only.

Stops:   secrets in the log. No query, code, state, token, cookie, signature or body is ever handed to it; for the case
         that one gets into a field all the same, whatever looks like one is masked, and so is each secret of the
         settings, whatever it looks like.
Does not stop: a library that writes to stderr by itself; the first few characters of a secret that was cut in two.
"""

import json
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from typing import Protocol

from slackapp.model import Clock, Secret

_FORMS = (
    r"(?:xox[a-z]|xoxe\.xox[a-z]|xapp|xwfp)-[A-Za-z0-9_+/=.%-]+",  # Slack's tokens
    r"Bearer\s+[^\s\x22\x5c]+",
    r"Basic\s+[A-Za-z0-9+/]{16,}={0,2}",
    r"(?:client_secret|signing_secret|access_token|refresh_token|password)=[^\s\x22\x5c&]+",
    r"(?<=://)[^\s\x22\x5c/@:]*:[^\s\x22\x5c/@]+(?=@)",  # a name and a password in an address
    r"[0-9]+\.[0-9]+\.[0-9a-f]{32,}",  # the code of an install
    r"v0=[0-9a-f]{64}",  # Slack's signatures
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32}(?![0-9A-Za-z])",  # its client and signing secrets
    r"https?://[^\s\x22\x5c/]+/(?:services|commands|actions|workflows|triggers)/[^\s\x22\x5c]+",  # who has one may post
    r"slackapp-mk[0-9]+:[0-9]+:[^\s\x22\x5c]+",  # a line of a key file
    r"[0-9A-Za-z+/]{43,}=",  # 32 bytes in base64, as master keys and operators' tokens are made
    r"[A-Za-z0-9_-]{43,}",  # a state, a cookie, and whatever else is random and long
)
_SECRET = re.compile("|".join(_FORMS))
_ENCODER = json.JSONEncoder(ensure_ascii=True)
PIPE_BYTES = 4096
"""Bytes that go into a pipe in one piece, whoever else writes to it (PIPE_BUF of pipe(7))."""


class LineStream(Protocol):
    """Stream of lines: a file, or another program's logger."""

    def write(self, text: str, /) -> object:
        """Writes one line."""

    def flush(self) -> None:
        """Hands on what was written."""


class WholeLines:
    """Stream of whole lines, many of which are handed on at once.

    When it is told to, or when they fill what a pipe takes in one piece: so none that fits is cut by another process's,
    and few requests write by themselves. A kill takes what has waited.
    """

    def __init__(self, stream: LineStream) -> None:
        self._stream = stream
        self._waiting: list[str] = []
        self._length = 0

    def write(self, text: str, /) -> None:
        """Takes one line, which is ASCII."""
        if self._length + len(text) > PIPE_BYTES:
            self._hand_on()
        self._waiting.append(text)
        self._length += len(text)

    def flush(self) -> None:
        """Hands on what waits."""
        self._hand_on()
        self._stream.flush()

    def _hand_on(self) -> None:
        text, self._waiting, self._length = "".join(self._waiting), [], 0
        if text:
            self._stream.write(text)


class JsonLog:
    """Log on a stream; safe for several threads."""

    def __init__(
        self, stream: LineStream, clock: Clock, with_texts: bool = False, secrets: Iterable[Secret] = ()
    ) -> None:
        """`with_texts`: also what an exception says, for whoever develops, on their own machine."""
        self._stream = stream
        self._clock = clock
        self._with_texts = with_texts
        known = (re.escape(secret.reveal()) for secret in secrets)
        self._known = re.compile("|".join(text for text in known if text) or r"(?!)")
        self._lock = threading.Lock()
        self._flushed_at = clock.steady()

    def flush(self) -> None:
        """Hands on what waits: lines that tell of nothing wrong are written a second later, many at a time.

        By the upkeep; where that is busy, by whoever writes the next line.
        """
        with self._lock:
            try:
                self._flushed_at = self._clock.steady()
                self._stream.flush()
            except (OSError, ValueError):
                return

    def info(self, event: str, fields: Mapping[str, str | int]) -> None:
        """Logs what is as it should be."""
        self._write("info", event, fields)

    def request(self, fields: Mapping[str, str | int]) -> None:
        """Logs an answered request, by fields that are all made here: an id, a route, closed words, a keyed hash.

        None of them can hold what came with it, so that nothing is looked for in them.
        """
        self._write_line("info", "request", fields)

    def error(self, event: str, fields: Mapping[str, str | int]) -> None:
        """Logs what needs the operator."""
        self._write("error", event, fields)

    def bug(self, event: str, fields: Mapping[str, str | int]) -> None:
        """The exception being handled: its type and the places, without its text and without any local variable.

        An exception's text may hold what came with a request: it is told in development alone.
        """
        kind, error, trace = sys.exc_info()
        places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
        name = kind.__name__ if kind is not None else "none"
        text = {"text": _text_of(error)} if self._with_texts else {}
        self._write("bug", event, {**fields, "exception": name, **text, "places": " ".join(places[-12:])})

    def _write(self, level: str, event: str, fields: Mapping[str, str | int]) -> None:
        # Before JSON escapes anything: in the line a secret may stand right behind a letter, as that of \n.
        safe = {name: self._masked(value) if isinstance(value, str) else value for name, value in fields.items()}
        self._write_line(level, event, safe)

    def _write_line(self, level: str, event: str, fields: Mapping[str, str | int]) -> None:
        line = _ENCODER.encode({**fields, "at": self._clock(), "level": level, "event": event})
        with self._lock:
            try:
                self._stream.write(line + "\n")
                steady = self._clock.steady()
                if level != "info" or steady - self._flushed_at > 1:
                    self._flushed_at = steady
                    self._stream.flush()
            except (OSError, ValueError):
                return  # a full disk or a closed pipe: the service goes on without its log

    def _masked(self, text: str) -> str:
        # claim: C-19
        text = self._known.sub("***", text)
        # claim: C-19
        return mask(text)


def _text_of(error: BaseException | None) -> str:
    try:
        return str(error)
    except BaseException as another:  # noqa: BLE001  (somebody else's exception, with a text that it has to make)
        return f"no text: {type(another).__name__}"


def mask(text: str) -> str:
    """The text with everything masked that looks like a secret."""
    return _SECRET.sub("***", text)
