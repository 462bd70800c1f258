"""Bad requests to the pages of the host side: for each route each of its refusals that a request alone can have.

`<session>` stands for a member's cookie, `<form_token>` for what its forms carry. acme holds its one workspace.
"""

from collections.abc import Iterator

from slackapp.host.errors import HostRefusal
from slackapp.model import HOST_CALLBACK_PATH
from tests.attacks.bad_requests import CANARY, FORGED_STATE, FORM, MALFORMED, Bad, named
from tests.host.keys import HOST_URL
from tests.support.world import HOST

SESSION, CONNECT = "/settings/session", "/settings/connect"
WORKSPACES, CONNECTS, APPROVALS = "/settings/integrations", "/settings/connects", "/settings/approvals"
MESSAGES, COMPOSE, TEMPLATES = "/settings/messages", "/settings/compose", "/settings/templates"
NO_MESSAGE = f"{MESSAGES}/{'0' * 24}"
REVIEWS, FREEZE = "/settings/reviews", "/settings/freeze"
NOBODYS = f"{WORKSPACES}/{'0' * 24}"
"""The page of a workspace that is none."""
OURS = f"http://{HOST}"
COOKIE = "slackapp_session=<session>"
INVALID = f"{HOST_URL}/settings/integrations?status=error&error=invalid_state"
STATUSES = {
    "method": 405, "media_type": 415, "form": 400, "query": 400,
    **{each.name.lower(): each.status for each in HostRefusal},
}  # fmt: skip
"""Each outcome with its status; a callback is sent on to the host."""
FORMS = {
    "no field": b"c4nary",
    "a field twice": b"ticket=a&ticket=c4nary&form_token=<form_token>",
    "no UTF-8": b"ticket=c4nary%FF&form_token=<form_token>",
    "half a pair": b"ticket=c4nary%ED%A0%80&form_token=<form_token>",
    "a NUL": b"ticket=c4nary%00&form_token=<form_token>",
    "from right to left": b"ticket=c4nary%E2%80%AE&form_token=<form_token>",
    "many": b"&".join(b"n%d=c4nary" % number for number in range(65)),
    "a large field": b"ticket=x&form_token=<form_token>&x=%0A" + b"c" * 9999,
}
ORIGINS = {
    "nobody": ("", "other_origin"),
    "another site": (f"https://{CANARY}.example", "other_origin"),
    "one below": (f"{OURS}.{CANARY}.example", "other_origin"),
    "one that hides": ("null", "hidden_origin"),
}
COOKIES = ["", f"slackapp_session={CANARY}", f"slackapp_session={'c' * 43}", f"{COOKIE}; {COOKIE}", "session=<session>"]
STEPS = {
    "no step": ("", "connect_field"),
    "another step": (f"&step={CANARY}", "connect_field"),
    "a purpose that is too long": (f"&step=begin&purpose={'c' * 65}", "connect_field"),
    "a connection of nobody's": (f"&step=begin&reconnect={'0' * 24}", "connect_field"),
    "a second workspace": ("&step=begin", "exists"),
}
CALLBACKS = {
    "": ("state_malformed", INVALID),
    f"state={CANARY}&code=c": ("state_malformed", INVALID),
    f"state={MALFORMED}&code=c": ("state_malformed", INVALID),
    f"state={FORGED_STATE}&code=c": ("state_malformed", INVALID),
    "state=<state>&code=<code>": ("state_unknown", INVALID),
    "state=<state>&error=access_denied": ("state_unknown", INVALID),
    "state=<state>&state=<state>": ("query", ""),
    "state=%ff": ("query", ""),
    f"code={'c' * 5000}": ("query", ""),
}


def pages() -> Iterator[Bad]:
    """Every bad request of every page."""
    for method, target in (("GET", SESSION), ("PUT", CONNECT), ("POST", HOST_CALLBACK_PATH)):
        yield Bad(f"{method} {target}", "method", target, method)
    for target, own in (
        (SESSION, HOST_URL),
        (CONNECT, OURS),
        (NOBODYS, OURS),
        (APPROVALS, OURS),
        *((each, OURS) for each in (NO_MESSAGE, COMPOSE, TEMPLATES, FREEZE)),
    ):
        others = {**ORIGINS, "the other one": (HOST_URL if own == OURS else OURS, "other_origin")}
        for what, (origin, outcome) in others.items():
            yield page(target, f"{target} from {what}", outcome, origin=origin)
        for media_type in ("", "application/json", f"{FORM}; charset=utf-16", f"text/{CANARY}"):
            yield page(target, named(f"{target} as", media_type), "media_type", media_type=media_type)
        for what, content in FORMS.items():
            yield page(target, f"{target}: {what}", "form", content=content)
    for ticket in ("x=y", "", f"ticket={CANARY}", f"tickets={'c' * 43}", f"ticket={'c' * 43}", "ticket=<session>"):
        yield page(SESSION, named("a ticket:", ticket), "ticket", content=ticket.encode())
    for cookie in COOKIES:
        yield Bad(named("the page with", cookie), "session", CONNECT, headers={"Cookie": cookie})
        yield page(CONNECT, named("a form with", cookie), "session", cookie=cookie)
    for target in (
        "/settings",
        WORKSPACES,
        CONNECTS,
        APPROVALS,
        MESSAGES,
        NO_MESSAGE,
        COMPOSE,
        TEMPLATES,
        REVIEWS,
        f"{REVIEWS}/{'0' * 24}",
        FREEZE,
        f"{MESSAGES}.csv",
        "/settings/analytics",
        "/settings/analytics.csv",
        "/settings/inventory",
        "/settings/inventory.csv",
        "/settings/token-use",
        "/settings/token-use.csv",
        NOBODYS,
        f"{NOBODYS}/channels",
        f"{NOBODYS}/disconnect",
    ):
        yield Bad(f"PUT {target}", "method", target, "PUT")
        for cookie in COOKIES:
            yield Bad(named(f"{target} with", cookie), "session", target, headers={"Cookie": cookie})
        if target.startswith((NOBODYS, NO_MESSAGE, f"{REVIEWS}/")):
            yield Bad(f"{target} of nobody's", "not_there", target, headers={"Cookie": COOKIE})
    for step, outcome in (("", "field"), ("approve&approval=c4nary", "not_there"), ("ask&reason=", "field")):
        content = f"form_token=<form_token>&step={step}".encode()
        yield page(APPROVALS, named("an approval:", step), outcome, content=content)
    for days in ("", "&days=c4nary", "&days=-1", "&days=366"):
        yield page(REVIEWS, named("a review:", days), "field", content=f"form_token=<form_token>{days}".encode())
    for step in ("attest&note=c4nary", "close", "c4nary"):
        content = f"form_token=<form_token>&step={step}".encode()
        yield page(f"{REVIEWS}/{'0' * 24}", named("nobody's review:", step), "not_there", content=content)
    yield page(FREEZE, "a freeze: c4nary", "field", content=b"form_token=<form_token>&step=c4nary")
    for step in ("test", "channel&channel=c4nary", "take_over", "disconnect", "c4nary"):
        yield page(NOBODYS, f"nobody's: {step}", "not_there", content=f"form_token=<form_token>&step={step}".encode())
    for step in ("sent", "again", "dropped", "cancel"):
        yield page(
            NO_MESSAGE, f"no message: {step}", "not_there", content=f"form_token=<form_token>&step={step}".encode()
        )
    for target in (NO_MESSAGE, COMPOSE, TEMPLATES):
        yield page(target, f"{target}: no step", "field", content=b"form_token=<form_token>&step=c4nary")
    for query in ("status=c4nary", "channel=c4nary", "purpose=c4nary%2F", "day=c4nary"):
        yield Bad(f"messages by {query}", "field", f"{MESSAGES}?{query}", headers={"Cookie": COOKIE})
    for target in ("/settings/token-use", "/settings/token-use.csv"):
        for query in ("connection=c4nary%2F", "capability=c4nary%2F"):
            yield Bad(f"{target} by {query}", "field", f"{target}?{query}", headers={"Cookie": COOKIE})
    tokens = ("", "x=y", "form_token=", "form_token=c4nary", f"form_token={'c' * 43}", "form_token=<session>")
    for claimed in tokens:
        content = f"{claimed}&step=begin".encode() if claimed else b""
        yield page(CONNECT, named("a form token:", claimed), "form_token", content=content)
    for what, (fields, outcome) in STEPS.items():
        yield page(CONNECT, f"a form: {what}", outcome, content=f"form_token=<form_token>{fields}".encode())
    for query, (outcome, location) in CALLBACKS.items():
        target = f"{HOST_CALLBACK_PATH}?{query}"
        yield Bad(named("a callback:", query), outcome, target, answer=location)


def page(
    target: str,
    name: str,
    outcome: str,
    *,
    content: bytes = b"form_token=<form_token>&step=begin",
    cookie: str = COOKIE,
    origin: str | None = None,
    media_type: str = FORM,
) -> Bad:
    """A form in which all is right but what is given."""
    own = HOST_URL if target == SESSION else OURS
    headers = {"Content-Type": media_type, "Origin": own if origin is None else origin, "Cookie": cookie}
    return Bad(name, outcome, target, "POST", content, headers)


PAGES = tuple(pages())
