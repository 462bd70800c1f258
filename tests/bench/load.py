"""The load: some connections that each send a prepared request as soon as the last one is answered.

One process and one loop, because it shares the machine with what it measures. Prints one JSON object: how many requests
were answered with what, in how many seconds, and how long each took.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Client:
    """One connection."""

    sock: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)


def answered(received: bytearray) -> int | None:
    """The status of a whole answer; None while more is to come."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    start = head.find(b"content-length:")
    length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
    return int(head[9:12]) if len(received) >= end + 4 + length else None


def run(port: int, requests: list[bytes], clients: int, seconds: float) -> dict[str, object]:
    """Sends until the time is over or nothing is left."""
    selector = selectors.DefaultSelector()
    statuses: Counter[int] = Counter()
    took: list[float] = []
    waiting = iter(requests)
    alive = 0
    begun = time.perf_counter()
    for _ in range(clients):
        first = next(waiting)
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(sock, time.perf_counter())
        sock.sendall(first)
        selector.register(sock, selectors.EVENT_READ, client)
        alive += 1
    end = begun + seconds
    now = begun
    while alive:
        for key, _ in selector.select(5):
            client = key.data
            data = client.sock.recv(65536)
            now = time.perf_counter()
            client.received += data
            status = answered(client.received) if data else 0
            if status is None:
                continue
            statuses[status] += 1
            took.append(now - client.sent_at)
            request = next(waiting, None) if now < end and data else None
            if request is None:
                selector.unregister(client.sock)
                client.sock.close()
                alive -= 1
                continue
            client.received.clear()
            client.sent_at = time.perf_counter()
            client.sock.sendall(request)
    took.sort()
    return {
        "statuses": dict(statuses),
        "seconds": now - begun,
        "rate": len(took) / (now - begun),
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
    }


def main() -> None:
    """Arguments: port, file of requests (each with its length before it), clients, seconds."""
    port, path, clients, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    requests = []
    with open(path, "rb") as file:
        while size := file.read(4):
            requests.append(file.read(int.from_bytes(size, "big")))
    print(json.dumps(run(port, requests, clients, seconds)))


if __name__ == "__main__":
    main()
