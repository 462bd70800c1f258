"""Whole connects on the page, one after the other in each of some clients: the form, and the way back from Slack.

Each client is a member with a session, who connects the workspace of its organization anew.
"""

import html
import json
import re
import socket
import sys
import threading
import time
from urllib.parse import urlencode, urlsplit

from tests.bench import host, world
from tests.bench.start import Answer, ask, read_answer
from tests.support.world import HOST

PAGE = "/settings/connect"
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_STATE = re.compile(r"[?&]state=([^&\"]+)")


class Member:
    """A member of an organization, with a browser on a connection of its own."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self._sock, self._number = sock, number
        ticket = self._issue_ticket()
        opened = self._post("/settings/session", {"ticket": ticket}, host.HOST_URL)
        self._cookie = dict(opened[1])["Set-Cookie"].partition(";")[0]
        self._fields = dict(_FIELD.findall(self._get(PAGE)[2]))

    def _issue_ticket(self) -> str:
        bearer = host.token(self._number, int(time.time()), as_host=True)
        body = json.dumps({"memberId": host.MEMBER, "role": "admin"}).encode()
        told = read_answer(ask(self._sock, host.request("POST", "/api/v2/slack/sessions", bearer, body)))
        return str(json.loads(told[2])["ticket"])

    def connect(self) -> None:
        """One connect of the workspace that it has."""
        fields = {**self._fields, "step": "begin", "reconnect": host.connection_id(self._number)}
        page = html.unescape(self._post(PAGE, fields, f"http://{HOST}")[2])
        found = _STATE.search(page)
        if found is None:
            raise AssertionError(f"nothing began: {page[:300]}")
        code = f"bench-{world.team(self._number)}"
        status, headers, _ = self._get(f"/api/v2/slack/auth/callback?code={code}&state={found[1]}")
        location = dict(headers).get("Location", "")
        if urlsplit(location).path == PAGE:
            form = dict(_FIELD.findall(self._get(PAGE)[2]))
            location = html.unescape(self._post(PAGE, form, f"http://{HOST}")[2])
        if "status=success" not in location:
            raise AssertionError(f"a connect was answered {status} {location[:300]}")

    def _get(self, target: str) -> Answer:
        return read_answer(ask(self._sock, world.get(target, self._cookie)))

    def _post(self, target: str, fields: dict[str, str], origin: str) -> Answer:
        body = urlencode(fields)
        cookie = [f"Cookie: {self._cookie}"] if target == PAGE else []
        lines = [
            f"POST {target} HTTP/1.1", f"Host: {HOST}", f"Origin: {origin}", *cookie,
            "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", "", body,
        ]  # fmt: skip
        return read_answer(ask(self._sock, "\r\n".join(lines).encode()))


def main() -> None:
    """Arguments: port, clients, seconds to warm up, seconds. Prints connects per second."""
    port, clients, warm, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    done: list[int] = []
    begin = time.perf_counter() + warm

    def client(number: int) -> None:
        count = 0
        with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
            member = Member(sock, number)
            while (now := time.perf_counter()) < begin + seconds:
                member.connect()
                count += now >= begin
        done.append(count)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) != clients:
        raise SystemExit("a connect failed")
    print(json.dumps({"requests": sum(done), "rate": sum(done) / (time.perf_counter() - begin)}))


if __name__ == "__main__":
    main()
