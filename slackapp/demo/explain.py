"""Prints each step of a flow while it runs, in the words of the code.

Nothing in the flows knows of it. Python tells a watcher which line runs next (docs.python.org/3/library/sys.html,
`settrace`); the watcher looks whether a step's comment, or a claim's, stands above that line. Where nobody watches, it
costs nothing; where somebody does, everything is slow, so that this is for a demo alone.

What the steps worked with is told without any text: of texts and bytes only how long they are.
"""

import enum
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import slackapp
from slackapp.demo.steps import SourceSteps, find_steps
from slackapp.errors import Refused
from slackapp.model import Secret, Tenant

Watch = Callable[[FrameType, str, Any], Any]


@dataclass
class _ThreadState:
    """State of one thread: the flow, the frame whose step it is, and what is not printed yet."""

    flow: str = ""
    frame: FrameType | None = None
    known: set[str] = field(default_factory=set)
    claims: dict[str, None] = field(default_factory=dict)


class Explainer:
    """Watcher of the threads that begin after it; prints what they do."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._last = (0, "")
        self._thread_local = threading.local()
        self._files = _watched(Path(slackapp.__file__).parent)
        self._printed_steps: dict[FrameType, set[int]] = {}

    def watch(self, frame: FrameType, event: str, _: Any) -> Watch | None:
        """Traces a call: only functions with a step or a claim are traced line by line."""
        if frame.f_code.co_name == "__call__":
            self._state.claims.clear()  # another request begins
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, what: Any) -> Watch:
        found = self._files[frame.f_code.co_filename]
        if event == "line":
            for number, words in found.steps.get(frame.f_lineno, ()):
                self._step(frame, number, words)
            self._state.claims.update(dict.fromkeys(found.claims.get(frame.f_lineno, ())))
        elif event == "exception" and isinstance(what[1], Refused) and frame is self._state.frame:
            self._print([f"      refused: {what[1].refusal.code}"])
        elif event == "return":
            self._printed_steps.pop(frame, None)
            if frame is self._state.frame:
                self._finish(self._state)
                self._state.frame = None
        return self._line

    @property
    def _state(self) -> _ThreadState:
        if not hasattr(self._thread_local, "told"):
            self._thread_local.told = _ThreadState()
        told: _ThreadState = self._thread_local.told
        return told

    def _step(self, frame: FrameType, number: int, words: str) -> None:
        announced = self._printed_steps.setdefault(frame, set())
        if number in announced:
            return  # a block's first line runs again at its end
        announced.add(number)
        told = self._state
        self._finish(told)
        if frame is not told.frame:
            told.frame, told.known = frame, set(frame.f_locals)
        told.flow = Path(frame.f_code.co_filename).stem
        self._print([f"  {number:>2}. {words}"])

    def _finish(self, told: _ThreadState) -> None:
        """Prints what the step before has come to, and the claims whose lines it ran."""
        if told.frame is None:
            return
        values = {name: value for name, value in told.frame.f_locals.items() if name not in told.known}
        told.known |= values.keys()
        lines = [f"      {shown}" for shown in (_shown(values),) if shown]
        if told.claims:
            lines.append(f"      keeps {' '.join(sorted(told.claims))}")
            told.claims.clear()
        self._print(lines)

    def _print(self, lines: list[str]) -> None:
        """Prints under the name of the flow, wherever another flow or another thread printed last."""
        speaker = (threading.get_ident(), self._state.flow)
        if lines:
            with self._lock:
                self._tell(*(lines if speaker == self._last else ("", speaker[1], *lines)))
                self._last = speaker


@contextmanager
def explain_flows(tell: Callable[..., None]) -> Iterator[None]:
    """Watches this thread, and each that begins in the block, until the block ends."""
    watch, before = Explainer(tell).watch, sys.gettrace()
    threading.settrace(watch)
    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(before)


def _watched(package: Path) -> dict[str, SourceSteps]:
    """The files of the package that have a claim, and the flows, whose steps are told."""
    found = {}
    for file in package.rglob("*.py"):
        here = find_steps(file.read_text(encoding="utf-8"))
        found[str(file)] = here if file.is_relative_to(package / "flows") else SourceSteps({}, here.claims)
    return {file: here for file, here in found.items() if here.steps or here.claims}


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={text}" for name, value in values.items() if (text := _redacted(value)))


def _redacted(value: Any) -> str:
    """Numbers, tenants and words of closed lists as they are; of a text its length; of anything else nothing."""
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, str):
        return f"*** ({len(value)} characters)"
    if isinstance(value, bytes):
        return f"*** ({len(value)} bytes)"
    return str(value) if isinstance(value, int | Tenant) else ""
