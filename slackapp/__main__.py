"""The `slackapp` command, also as `python -m slackapp`: Ctrl-C ends it in one line even while Python still imports."""

import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> int:
    """Runs a command; its exit status. Ctrl-C is a KeyboardInterrupt only while the command itself runs."""
    # Where it is ignored, as a shell has it for what runs in the background, it stays so.
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, _interrupted)
    gc.disable()  # nothing of what is imported is garbage
    from slackapp.cli.main import parse, run  # imports take a while, and an exception amid them shows a traceback

    arguments = parse(sys.argv[1:])  # which imports what the command needs
    gc.freeze()
    gc.enable()
    if not ours:
        return run(arguments)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return run(arguments)
    except KeyboardInterrupt:  # before or behind what `run` handles
        _interrupted(signal.SIGINT, None)
    finally:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """Ends the process where nothing is held yet, or any more."""
    os.write(2, b"\n" * os.isatty(2) + b"slackapp: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
