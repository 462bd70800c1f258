"""Several processes that begin at the same moment."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; print('ready', flush=True); sys.stdin.readline()\n"


def race(number: int, prepare: str, run: str, *arguments: str) -> list[str]:
    """What each of `number` processes printed: all do `prepare`, wait for each other, and then do `run`.

    Both are code, with the arguments in `sys.argv[1:]`. Raises AssertionError when one of them fails.
    """
    code = f"{prepare}\n{START}{run}\n"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    outputs = [child.communicate(timeout=60) for child in children]
    failed = [errors for child, (_, errors) in zip(children, outputs, strict=True) if child.returncode != 0]
    assert not failed, "\n".join(failed)
    return [output.strip() for output, _ in outputs]
