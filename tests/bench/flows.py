"""Whole installs, one after the other in each of some clients: the install page, and the callback with its state."""

import http.client
import json
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit


def one(connection: http.client.HTTPConnection, port: int) -> bool:
    """One browser without a history."""
    host = {"Host": f"localhost:{port}"}
    connection.request("GET", "/slack/install", headers=host)
    begun = connection.getresponse()
    begun.read()
    state = parse_qs(urlsplit(begun.getheader("location") or "").query)["state"][0]
    cookie = (begun.getheader("set-cookie") or "").partition(";")[0]
    target = f"/slack/oauth_redirect?code=bench&state={state}"
    connection.request("GET", target, headers={**host, "Cookie": cookie})
    ended = connection.getresponse()
    ended.read()
    return ended.status in (200, 303)


def main() -> None:
    """Arguments: port, clients, seconds. Prints flows per second."""
    port, clients, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    done: list[int] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        connection, count = http.client.HTTPConnection("127.0.0.1", port, timeout=30), 0
        while time.perf_counter() < end:
            if not one(connection, port):
                raise AssertionError("an install failed")
            count += 1
        done.append(count)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) != clients:
        raise SystemExit("an install failed")
    print(json.dumps({"rate": sum(done) / (time.perf_counter() - begun)}))


if __name__ == "__main__":
    main()
