"""A product whose customers connect Slack, to try slackapp with: two organizations, their people, and buttons.

`slackapp dev` (make run) starts it. People log in by a button, and what it knows is in memory; all else it does as any
product would, over HTTP and by the client in host_client.py.
"""

import argparse
import os
import secrets
import signal
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import host_pages as pages
from host_client import ApiError, Client, ForgedError, verify_webhook

COOKIE = "example_product"
MOST_BODY = 65_536
WEBHOOK, COMPLETE = "/slack/webhook", "/slack/complete"


class Person(NamedTuple):
    """Somebody of a customer, who is logged in by a button."""

    organization: str
    id: str
    name: str
    role: str


class Notice(NamedTuple):
    """What a button of ours sends to Slack, the purpose that it is for, and the template that says it."""

    button: str
    purpose: str
    template: str
    text: str
    variables: dict


ORGANIZATIONS = {"acme": "Acme Ltd", "globex": "Globex Corporation"}
PEOPLE = (
    Person("acme", "ann", "Ann", "owner"),
    Person("acme", "ben", "Ben", "admin"),
    Person("acme", "cleo", "Cleo", "member"),
    Person("acme", "dan", "Dan", "auditor"),
    Person("globex", "eve", "Eve", "admin"),
    Person("globex", "finn", "Finn", "member"),
)
PURPOSES = {"deployments": "Deployment alerts", "billing": "Billing reminders", "tasks": "Task updates"}
NOTICES = {
    "deployment": Notice(
        "Send a deployment alert", "deployments", "deployed", "*$app $version* is live in $stage.",
        {"app": "shop-api", "version": "4.7.1", "stage": "production"},
    ),
    "billing": Notice(
        "Send a billing reminder", "billing", "invoice-due", "Invoice *$invoice* is due in $when.",
        {"invoice": 2044, "when": "three days"},
    ),
    "task": Notice(
        "Send a task update", "tasks", "task-moved", "*$task* is $state.",
        {"task": "Move the price page", "state": "begun"},
    ),
}  # fmt: skip
"""What each notifier says: the words are kept by the service, and only the values are sent each time."""


@dataclass
class Session:
    """A browser that is logged in. `told` is what the next page says once."""

    person: Person
    told: str = ""
    is_bad: bool = False


@dataclass
class Product:
    """The product: its service, keys, and what it keeps in memory."""

    url: str
    service: str
    key_id: str
    secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    sessions: dict = field(default_factory=dict)
    events: deque = field(default_factory=lambda: deque(maxlen=200))
    known: set = field(default_factory=set)
    tasks: dict = field(default_factory=dict)
    """By organization: the message that says that its task is begun, in whose thread the rest is told."""

    def host(self, organization):
        """The client that calls as the host itself."""
        return Client(self.service, self.key_id, self.secret, organization)

    def client(self, person):
        """The client that calls for who is logged in."""
        return self.host(person.organization).of(person.id, person.role, person.name)

    def provide(self, organization):
        """Tells the service of a customer: its name, and what it may use Slack for."""
        purposes = [{"id": each, "text": text} for each, text in PURPOSES.items()]
        told = {"name": ORGANIZATIONS[organization], "purposes": purposes}
        host = self.host(organization)
        host.call("PUT", "/organization", told)
        for notice in NOTICES.values():
            host.call("PUT", f"/slack/templates/{notice.template}", {"text": notice.text})

    def look(self, person):
        """Looks at what there is for somebody: what that role may not see is left out."""
        client = self.client(person)
        seen = {"integration": None, "channels": [], "messages": [], "trouble": "", "names": PURPOSES}
        seen["events"] = [each for each in self.events if each["data"]["organizationId"] == person.organization][:10]
        try:
            seen["integration"] = client.integration()
            seen["messages"] = client.messages(limit=10)
            if seen["integration"] and seen["integration"]["status"] == "active":
                seen["channels"] = client.channels()
        except ApiError as error:
            seen["trouble"] = "" if error.code == "FORBIDDEN" else explain(error)
        except OSError as error:
            seen["trouble"] = explain(error)
        return seen

    def take_event(self, headers, body):
        """Takes a webhook. It may come twice: its id says so. Raises ForgedError."""
        event = verify_webhook(self.webhook_secret, headers, body)
        if event["id"] not in self.known:
            self.known.add(event["id"])
            self.events.appendleft(event)


class Actions:
    """What the buttons do. Each returns the address that the browser goes to, or a page."""

    def __init__(self, product, session, form):
        self.product, self.session, self.person, self.form = product, session, session.person, form
        self.client = product.client(session.person)

    def connect(self):
        """Begins by API: the browser goes to Slack, comes back to the service, and then to our complete page."""
        asked = {"metadata": {"returnUrl": "/", "source": "example product"}, "purpose": "deployments"}
        if "connection" in self.form:
            asked["reconnect"] = self.form["connection"]
        return self.client.connect(**asked)["authUrl"]

    def settings(self):
        """Hands the browser over to the service's own pages, with a ticket for who is logged in here."""
        who = self.person
        ticket = self.product.host(who.organization).make_ticket(who.id, who.role, who.name)
        return pages.hand_over(self.product.service, ticket)

    def channel(self):
        """Lets the bot join a public channel, and posts there from now on."""
        channel = self.form.get("channel", "")
        found = {each["id"]: each for each in self.client.channels()}.get(channel)
        if found is not None and not found["member"] and not found["private"]:
            self.client.call("POST", f"/slack/channels/{channel}/join")
        self.client.call("PUT", "/slack/integration", {"defaultChannel": channel})
        self.session.told = f"Messages go to #{found['name'] if found else channel} from now on."
        return "/"

    def send(self):
        """Posts one of the three notices, under a key of its own."""
        notice = NOTICES.get(self.form.get("notice", ""), NOTICES["deployment"])
        key = f"{notice.purpose}-{secrets.token_hex(8)}"  # a real one names the deployment, the invoice, the task
        said = {"template": notice.template, "variables": notice.variables, "purpose": notice.purpose}
        begun = self.product.tasks.pop(self.person.organization, None) if notice.purpose == "tasks" else None
        if begun:  # the second update answers the first
            said |= {"threadOf": begun, "variables": {**notice.variables, "state": "done"}}
        told = self.client.post_message(None, key, **said)
        if notice.purpose == "tasks" and not begun:
            self.product.tasks[self.person.organization] = told["id"]
        self.session.told = f"{PURPOSES[notice.purpose]}: {told['status']}. It goes out in its turn."
        return "/"

    def leave(self):
        """Logs out."""
        self.session.person = None
        return "/"


ACTIONS = {f"/{name}": getattr(Actions, name) for name in ("connect", "settings", "channel", "send", "leave")}


class Handler(BaseHTTPRequestHandler):
    """Answers a browser, and the service's webhooks."""

    product: Product

    def do_GET(self):
        """Shows the front page, or hands over on the complete page."""
        path, _, query = self.path.partition("?")
        if self.headers.get("Host") != urlsplit(self.product.url).netloc:
            self._go(self.product.url + path)  # cookies, and the origin of forms, belong to the one name
        elif path == COMPLETE and self._session() is not None:
            self._act(self._session(), Actions.settings, {})
        elif path in ("/", COMPLETE):
            self._show(self._front(parse_qs(query)))
        else:
            self._show(pages.page("Not found", '<h1>Not found</h1><p><a href="/">To the front page</a></p>'), 404)

    def do_POST(self):
        """Does what a button says, or takes a webhook."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BODY:
            self.close_connection = True
            self._show(pages.page("Too much", "<h1>That was too much</h1>"), 413)
            return
        body = self.rfile.read(int(length))
        if self.path == WEBHOOK:
            self._webhook(body)
        elif self.headers.get("Origin") != self.product.url:
            self._show(pages.page("Not from here", "<h1>That came from another site</h1>"), 403)
        else:
            self._press({name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()})

    def _press(self, form):
        session, action = self._session(), ACTIONS.get(self.path)
        if self.path == "/login":
            self._log_in(form.get("person", ""))
        elif session is None or action is None:
            self._go("/")
        else:
            self._act(session, action, form)

    def _webhook(self, body):
        try:
            self.product.take_event(self.headers, body)
            self._show("", 204)
        except (ForgedError, ValueError):
            self._show("", 401)

    def _act(self, session, action, form):
        """Does it; what the service refuses is told on the next page, with its code and field."""
        try:
            done = action(Actions(self.product, session, form))
        except (ApiError, OSError) as error:
            session.told, session.is_bad, done = explain(error), True, "/"
        if done.startswith("<"):
            self._show(done)
        else:
            self._go(done)

    def _log_in(self, person_id):
        found = next((each for each in PEOPLE if each.id == person_id), None)
        if found is None:
            self._go("/")
            return
        session, name = Session(found), secrets.token_urlsafe(24)
        try:
            self.product.provide(found.organization)
        except (ApiError, OSError) as error:
            session.told, session.is_bad = explain(error), True
        self.product.sessions[name] = session
        self._go("/", ("Set-Cookie", f"{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax"))

    def _session(self):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        found = self.product.sessions.get(cookie.value) if cookie else None
        return found if found and found.person else None

    def _front(self, query):
        session = self._session()
        if session is None:
            return pages.log_in(ORGANIZATIONS, PEOPLE)
        if "status" in query:  # the browser comes back from connecting
            session.is_bad = query["status"] != ["success"]
            told = query.get("error" if session.is_bad else "workspace", [""])[0]
            session.told = f"That did not work: {told}." if session.is_bad else f"{told} is connected."
        organization = ORGANIZATIONS[session.person.organization]
        shown = pages.front(session, organization, self.product.look(session.person), NOTICES)
        session.told, session.is_bad = "", False
        return shown

    def _go(self, address, *headers):
        self._answer(303, b"", ("Location", address), *headers)

    def _show(self, text, status=200):
        self._answer(status, text.encode())

    def _answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in (*pages.HEADERS.items(), *headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing: an address can have a code in it."""


def explain(error):
    """Explains to people what went wrong."""
    if not isinstance(error, ApiError):
        return f"The service does not answer ({error.strerror or 'no connection'})."
    return f"{error.code}{f', field {error.field}' if error.field else ''}: {error}"


def main():
    """Serves until it is stopped, or the program that started it ends."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--port", type=int, default=4000, help="0: whatever is free")
    reader.add_argument("--service", default="http://localhost:3000", help="where slackapp is")
    reader.add_argument("--keys", type=Path, required=True, help="the file of: slackapp host keys new")
    reader.add_argument("--webhook-secret", type=Path, required=True, help="the file of: slackapp host webhook new")
    reader.add_argument("--until-stdin-closes", action="store_true")
    given = reader.parse_args()
    _, key_id, secret = given.keys.read_text().split()[0].split(":")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    except OSError as error:
        sys.exit(f"host_app: --port {given.port}: cannot listen there ({error.strerror})")
    webhook_secret = given.webhook_secret.read_text().split()[0]
    url = f"http://localhost:{server.server_port}"
    Handler.product = Product(url, given.service, key_id, secret, webhook_secret)
    print(f"host application on {url}", flush=True)  # noqa: T201
    if given.until_stdin_closes:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    server.serve_forever()


def end_with_stdin():
    """Ends with the program at the other end of standard input, however that one ends."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
