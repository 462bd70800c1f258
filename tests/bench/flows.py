"""Whole installs, one after the other in each of some clients: the install page, and the callback with its state."""

import json
import socket
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

from tests.bench import world
from tests.bench.start import Answer, ask, read_answer


def install(sock: socket.socket) -> None:
    """One browser without a history."""
    begun = dict(get(sock, "/slack/install")[1])
    state = parse_qs(urlsplit(begun["Location"]).query)["state"][0]
    status, _, _ = get(sock, f"/slack/oauth_redirect?code=bench&state={state}", begun["Set-Cookie"].partition(";")[0])
    if status[:3] not in ("200", "303"):
        raise AssertionError(f"an install was answered {status}")


def get(sock: socket.socket, target: str, cookie: str = "") -> Answer:
    """One request of a browser."""
    return read_answer(ask(sock, world.get(target, cookie)))


def main() -> None:
    """Arguments: port, clients, seconds to warm up, seconds. Prints flows per second."""
    port, clients, warm, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    done: list[int] = []
    begin = time.perf_counter() + warm

    def client() -> None:
        count = 0
        with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
            while (now := time.perf_counter()) < begin + seconds:
                install(sock)
                count += now >= begin
        done.append(count)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) != clients:
        raise SystemExit("an install failed")
    print(json.dumps({"requests": sum(done), "rate": sum(done) / (time.perf_counter() - begin)}))


if __name__ == "__main__":
    main()
