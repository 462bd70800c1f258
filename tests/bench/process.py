"""What the kernel counts of a process: processor time, context switches, bytes for the disk, memory."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True)
class Counters:
    """Sums over processes since they were started."""

    cpu: float = 0.0
    """Seconds, of all threads, also of those that ended."""
    switches: int = 0
    """Voluntary and other ones, of the threads that live."""
    written: int = 0
    """Bytes of pages that were made dirty, which the kernel must put on the disk at some time (`write_bytes`)."""

    def since(self, before: "Counters") -> "Counters":
        """What came since."""
        return Counters(*(getattr(self, each.name) - getattr(before, each.name) for each in fields(self)))


def read_counters(pids: Iterable[int], proc: Path = PROC) -> Counters:
    """The counters as they are now."""
    cpu, switches, written = 0.0, 0, 0
    for pid in pids:
        folder = proc / str(pid)
        cpu += cpu_seconds((folder / "stat").read_text())
        written += value_of((folder / "io").read_text(), "write_bytes")
        for status in folder.glob("task/*/status"):
            text = status.read_text()
            switches += value_of(text, "voluntary_ctxt_switches") + value_of(text, "nonvoluntary_ctxt_switches")
    return Counters(cpu, switches, written)


def busy_seconds(proc: Path = PROC) -> float:
    """What the whole machine has worked: all of proc_stat(5) but idle and waiting, with what a host took away."""
    numbers = [int(each) for each in (proc / "stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) * TICK


def memory(pids: Iterable[int], proc: Path = PROC) -> int:
    """Resident bytes."""
    return sum(1024 * value_of((proc / str(pid) / "status").read_text(), "VmRSS") for pid in pids)


def cpu_seconds(stat: str) -> float:
    """utime and stime, fields 14 and 15 of proc(5). The name before them may hold spaces and brackets."""
    rest = stat.rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) * TICK


def value_of(text: str, name: str) -> int:
    """The first number behind a name. Raises ValueError where there is no such line."""
    for line in text.splitlines():
        found, _, value = line.partition(":")
        if found == name:
            return int(value.split()[0])
    raise ValueError(f"no {name}")


def wait_until_idle(pids: list[int], limit: float) -> float:
    """Waits until the processes have done what they were given; for how many seconds they still worked."""
    begun = worked_until = time.perf_counter()
    before = read_counters(pids).cpu
    while time.perf_counter() - begun < limit:
        time.sleep(0.1)
        now = read_counters(pids).cpu
        if now - before < 2 * TICK:
            break
        before, worked_until = now, time.perf_counter()
    return worked_until - begun
