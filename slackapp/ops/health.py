"""What is wrong just now, by part, for `/readyz`; each part's trouble ends when that part works again."""

import threading


class Health:
    """In memory, of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}

    def note(self, part: str, problem: str) -> None:
        """`problem` in a few words of ours; "" when there is none any more."""
        if not problem and part not in self._problems:
            return
        with self._lock:
            if problem:
                self._problems[part] = problem
            else:
                self._problems.pop(part, None)

    def problems(self) -> dict[str, str]:
        """All there are."""
        with self._lock:
            return dict(self._problems)
