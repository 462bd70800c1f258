"""The load: some connections that each send a prepared request as soon as the last one is answered.

One process and one loop, and next to nothing per answer, because it shares the machine with what it measures: what it
costs is measured, too. First it warms the server up and says so; then each line that comes in begins a turn.
"""

import contextlib
import json
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


def answered(received: bytes) -> int | None:
    """The status of a whole answer; None while more is to come."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    start = head.find(b"content-length:")
    length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
    return int(head[9:12]) if len(received) >= end + 4 + length else None


class Load:
    """Connections to the ports in turn, and the requests that were not sent yet."""

    def __init__(self, ports: list[int], connections: int, requests: list[bytes]) -> None:
        self._ports = [ports[number % len(ports)] for number in range(connections)]
        self._waiting: Iterator[bytes] = iter(requests)

    def run(self, seconds: float, most: int) -> dict[str, object]:
        """Sends for so long, so many at most; then waits for all answers."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for port in self._ports]
            poll = stack.enter_context(select.epoll())
            for sock in sockets:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(sock, select.EPOLLIN)
            return self._send({sock.fileno(): sock for sock in sockets}, poll, seconds, most)

    def _send(
        self, sockets: dict[int, socket.socket], poll: select.epoll, seconds: float, most: int
    ) -> dict[str, object]:
        sent_at: dict[int, float] = {}
        parts: dict[int, bytes] = {}
        statuses: Counter[int] = Counter()
        took: list[float] = []
        used, begun = time.process_time(), time.perf_counter()
        end = begun + seconds
        for number, sock in sockets.items():
            sent_at[number] = time.perf_counter()
            sock.sendall(next(self._waiting))
        left, now = most - len(sent_at), begun
        while sent_at:
            for number, _ in poll.poll(30):
                sock = sockets[number]
                received = parts.pop(number, b"") + sock.recv(65536)
                status = answered(received) if received else 0
                if status is None:
                    parts[number] = received
                    continue
                now = time.perf_counter()
                took.append(now - sent_at.pop(number))
                statuses[status] += 1
                request = next(self._waiting, None) if now < end and left > 0 and status else None
                if request is not None:
                    left -= 1
                    sent_at[number] = time.perf_counter()
                    sock.sendall(request)
        took.sort()
        return {
            "statuses": dict(statuses),
            "requests": len(took),
            "seconds": now - begun,
            "rate": len(took) / (now - begun),
            "p50": took[len(took) // 2],
            "p99": took[len(took) * 99 // 100],
            "client_cpu": (time.process_time() - used) / len(took),
        }


def read_requests(file: Path) -> list[bytes]:
    """The prepared requests, each with its length before it."""
    requests = []
    with file.open("rb") as source:
        while size := source.read(4):
            requests.append(source.read(int.from_bytes(size, "big")))
    return requests


def main() -> None:
    """One argument, JSON: ports, connections, file of requests, how many and how long to warm up, seconds of a turn."""
    given = json.loads(sys.argv[1])
    load = Load(given["ports"], given["connections"], read_requests(Path(given["file"])))
    print(json.dumps(load.run(given["warm_seconds"], given["warm"])), flush=True)
    for _ in sys.stdin:
        print(json.dumps(load.run(given["seconds"], 10**9)), flush=True)


if __name__ == "__main__":
    main()
