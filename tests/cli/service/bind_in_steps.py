"""A process that binds itself at each line that it reads, and tells what its threads are bound to."""

import json
import os
import sys
import threading
from pathlib import Path

from slackapp.cli.service.cpu_affinity import CpuAffinity


def main() -> None:
    """Two arguments: the folder to take for /proc, and whether it is our turn to move."""
    begun, done = threading.Event(), threading.Event()
    affinity = CpuAffinity(coin=lambda: sys.argv[2] == "heads", proc=Path(sys.argv[1]))
    for _ in sys.stdin:
        bound = affinity.bind()
        threads = [sorted(os.sched_getaffinity(int(each))) for each in os.listdir("/proc/self/task")]
        print(json.dumps([bound, threads]), flush=True)
        threading.Thread(target=lambda: (begun.set(), done.wait()), daemon=True).start()
        begun.wait()


main()
