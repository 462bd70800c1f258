"""Counters in memory, in the text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats)."""

import threading
from collections.abc import Mapping

Key = tuple[str, tuple[tuple[str, str], ...]]


class Counters:
    """Counts by name and labels. Label values come from closed lists, so that the number of counters is bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Key, int] = {}

    def count(self, name: str, labels: Mapping[str, str]) -> None:
        """Adds one."""
        key = name, tuple(sorted(labels.items()))
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1

    def value(self, name: str, labels: Mapping[str, str]) -> int:
        """What a counter stands at."""
        with self._lock:
            return self._counts.get((name, tuple(sorted(labels.items()))), 0)

    def text(self) -> str:
        """All of them, sorted."""
        with self._lock:
            counts = sorted(self._counts.items())
        lines: list[str] = []
        seen = ""
        for (name, labels), value in counts:
            if name != seen:
                lines.append(f"# TYPE {name} counter")
                seen = name
            listed = ",".join(f'{label}="{_escape(text)}"' for label, text in labels)
            lines.append(f"{name}{{{listed}}} {value}" if listed else f"{name} {value}")
        return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
