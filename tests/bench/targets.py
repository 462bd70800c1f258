"""What is measured, as data: the targets of each scenario, and what is compared with what, against which goal."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """A server."""

    HELLO = "hello"
    """A bare WSGI answer on the same waitress: status, headers and body are the ones that ours was found to send."""
    FLOOR = "floor"
    """The work that a receipt and its run cannot do without, and nothing else: floor.py."""
    OURS = "ours"
    """`slackapp serve`."""
    BOLT = "bolt"
    """Bolt for Python with its SQLite stores."""
    SLACK = "slack"
    """Answers every method as Slack would, after a pause."""


@dataclass(frozen=True)
class Target:
    """A server, and how it is started."""

    kind: Kind
    threads: int = 16
    processes: int = 1
    tenants: int = 1000
    behaviour: str = "QUIET"
    slow_flush: bool = False
    """Each flush takes 2 ms longer."""
    one_processor: bool = False
    """Keeps to one processor, as ours does by itself."""
    host: bool = False
    """The host side is on, and each tenant is an organization's."""
    checkout: bool = False
    """Ours, from the other checkout that was named."""


class Requests(StrEnum):
    """What a target is sent."""

    EVENTS = "events"
    """Signed mentions, of all tenants in turn."""
    INSTALL = "install"
    """`GET /slack/install`."""
    FLOWS = "flows"
    """Whole installs, with a Slack that answers at once."""
    INTEGRATION = "integration"
    """`GET /api/v2/slack/integration`, of all organizations in turn."""
    CHANNELS = "channels"
    """`GET /api/v2/slack/channels` of a few organizations, as it is in memory."""
    AUTH = "auth"
    """`POST /api/v2/slack/auth`, of all organizations in turn."""
    MESSAGES = "messages"
    """`POST /api/v2/slack/messages` of a few organizations, each to a channel of its own: most of them wait there."""
    CONNECTS = "connects"
    """Whole connects on the page, with a Slack that answers at once."""
    START = "start"
    """One event, from the start of the process to its answer."""


@dataclass(frozen=True)
class Scenario:
    """Targets that take turns under the same load, in another order each time."""

    name: str
    requests: Requests
    targets: dict[str, Target]
    drains: bool = True
    """Whether what was acknowledged is run to its end before the counters are read."""
    slack_pause: float = 0.0
    """Seconds that Slack takes for an answer."""


HELLO, FLOOR, OURS = (Target(kind, one_processor=True) for kind in (Kind.HELLO, Kind.FLOOR, Kind.OURS))
HOST = replace(OURS, host=True)
BOLT = Target(Kind.BOLT)
"""As it comes; on one processor, too, where that is named."""
MANY, MANY_ORGANIZATIONS = 100_000, 10_000
SCENARIOS = (
    Scenario("events", Requests.EVENTS, {
        "hello": HELLO, "floor": FLOOR, "ours": OURS, "bolt": BOLT,
        "all": replace(OURS, one_processor=False), "floor-all": replace(FLOOR, one_processor=False),
        "bolt-one": replace(BOLT, one_processor=True),
        "two": replace(OURS, processes=2), "many": replace(OURS, tenants=MANY),
        "checkout": replace(OURS, checkout=True),
    }),
    Scenario("events4", Requests.EVENTS, {
        "hello": replace(HELLO, threads=4), "floor": replace(FLOOR, threads=4),
        "ours": replace(OURS, threads=4), "bolt": replace(BOLT, threads=4),
    }),
    Scenario("slow4", Requests.EVENTS, {
        "ours": replace(OURS, threads=4, behaviour="POSTING"),
        "bolt": replace(BOLT, threads=4),
    }, drains=False, slack_pause=0.05),
    Scenario("slow16", Requests.EVENTS, {
        "ours": replace(OURS, behaviour="POSTING"),
        "bolt": BOLT,
    }, drains=False, slack_pause=0.05),
    Scenario("flush", Requests.EVENTS, {
        "hello": replace(HELLO, slow_flush=True), "floor": replace(FLOOR, slow_flush=True),
        "ours": replace(OURS, slow_flush=True),
    }),
    Scenario("install", Requests.INSTALL, {
        "hello": HELLO, "ours": OURS, "bolt": BOLT, "checkout": replace(OURS, checkout=True),
    }),
    Scenario("flows", Requests.FLOWS, {"ours": OURS, "bolt": BOLT}),
    *(
        Scenario(str(requests), requests, {
            "hello": HELLO, "ours": HOST, "many": replace(HOST, tenants=MANY_ORGANIZATIONS),
        }, drains=False)
        for requests in (Requests.INTEGRATION, Requests.CHANNELS, Requests.AUTH)
    ),
    Scenario("messages", Requests.MESSAGES, {"hello": HELLO, "ours": HOST}, drains=False),
    Scenario("connects", Requests.CONNECTS, {"ours": HOST, "many": replace(HOST, tenants=MANY_ORGANIZATIONS)}),
    Scenario("admin", Requests.FLOWS, {"ours": HOST}),
    Scenario("start", Requests.START, {
        "hello": HELLO, "ours": OURS, "bolt": BOLT, "checkout": replace(OURS, checkout=True),
    }),
)  # fmt: skip
QUICK = ("events", "slow4", "install", "start")
"""Scenarios of a quick run."""
LEFT_OUT_IF_QUICK = ("many", "two", "all", "floor-all", "bolt-one")
"""Targets that a quick run leaves out."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one target, in one round. Times are in seconds; what is counted is per request."""

    rate: float = 0.0
    """Answers a second."""
    done: float = 0.0
    """The same, over the time until what was acknowledged was run, too."""
    p50: float = 0.0
    p99: float = 0.0
    took: float = 0.0
    cpu: float = 0.0
    """Seconds of processors: the server's."""
    switches: float = 0.0
    written: float = 0.0
    """Bytes."""
    client_cpu: float = 0.0
    behind: float = 0.0
    """How long it still worked at what it had acknowledged."""
    memory: float = 0.0
    """Megabytes, after the load."""
    others: float = 0.0
    """Share of all processors that other programs of the machine took meanwhile."""


class Unit(StrEnum):
    """How a figure is written."""

    RATE = "{:,.0f}/s"
    MILLISECONDS = "{:.2f} ms"
    MICROSECONDS = "{:,.0f} µs"
    COUNT = "{:.1f}"
    KILOBYTES = "{:.1f} kB"
    MEGABYTES = "{:.0f} MB"


FACTORS = {Unit.MILLISECONDS: 1e3, Unit.MICROSECONDS: 1e6, Unit.KILOBYTES: 1e-3}
UNITS = {
    "rate": Unit.RATE, "done": Unit.RATE,
    "p50": Unit.MILLISECONDS, "p99": Unit.MILLISECONDS, "took": Unit.MILLISECONDS,
    "cpu": Unit.MICROSECONDS, "client_cpu": Unit.MICROSECONDS, "switches": Unit.COUNT,
    "written": Unit.KILOBYTES, "memory": Unit.MEGABYTES,
}  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """One line of the page: a figure over that of another, or by itself, and its bound."""

    what: str
    figure: str
    one: str
    other: str | None
    bound: float | None
    """In the unit that is shown; None where nothing is asked."""
    at_least: bool = True
    gate: float | None = None
    """What a quick run must reach: generous, because it is short and the machine may be busy."""


AT_MOST = False
GOALS = (
    Goal("signed events, against the floor", "rate", "events ours", "events floor", 0.9, gate=0.3),
    Goal("signed events, against hello", "rate", "events ours", "events hello", 0.25, gate=0.09),
    Goal("signed events, against Bolt", "rate", "events ours", "events bolt", 3.5, gate=1.1),
    Goal("signed events, against Bolt on one processor, too", "rate", "events ours", "events bolt-one", None),
    Goal("signed events, on one processor, against all", "rate", "events ours", "events all", None),
    Goal("signed events, on all processors, against the floor on all", "rate", "events all", "events floor-all", None),
    Goal("events acknowledged and run, against the floor", "done", "events ours", "events floor", None),
    Goal("server CPU per event, receive and run", "cpu", "events ours", None, 450, AT_MOST),
    Goal("server CPU per event, against the floor", "cpu", "events ours", "events floor", None, AT_MOST, gate=5),
    Goal("context switches per event", "switches", "events ours", None, 12, AT_MOST),
    Goal("bytes written per event", "written", "events ours", None, 7, AT_MOST),
    Goal("99th percentile of an acknowledgement, against hello", "p99", "events ours", "events hello", 2, AT_MOST),
    Goal("events on 4 threads, against the floor", "rate", "events4 ours", "events4 floor", None),
    Goal("events on 4 threads, against hello", "rate", "events4 ours", "events4 hello", None),
    Goal("events on 4 threads, against Bolt", "rate", "events4 ours", "events4 bolt", None),
    Goal("events, Slack answers in 50 ms, 4 threads, against Bolt", "rate", "slow4 ours", "slow4 bolt", 22, gate=3),
    Goal("events, Slack answers in 50 ms, 16 threads, against Bolt", "rate", "slow16 ours", "slow16 bolt", 6.5),
    Goal("events, a flush takes 2 ms longer, against hello", "rate", "flush ours", "flush hello", 0.22),
    Goal("events, a flush takes 2 ms longer, against the floor", "rate", "flush ours", "flush floor", None),
    Goal("events at 100,000 tenants, against 1,000", "rate", "events many", "events ours", 0.9),
    Goal("events, 2 processes, against 1", "rate", "events two", "events ours", None),
    Goal("GET /slack/install, against hello", "rate", "install ours", "install hello", 0.4, gate=0.12),
    Goal("GET /slack/install, against Bolt", "rate", "install ours", "install bolt", 4, gate=1.2),
    Goal("whole flows, 4 clients, against Bolt", "rate", "flows ours", "flows bolt", 3),
    Goal("GET /integration, against hello", "rate", "integration ours", "integration hello", 0.35, gate=0.1),
    Goal("GET /channels from memory, against hello", "rate", "channels ours", "channels hello", 0.35, gate=0.1),
    Goal("POST /auth, against hello", "rate", "auth ours", "auth hello", 0.2, gate=0.05),
    Goal("whole connects, 4 clients, against installs by admins", "rate", "connects ours", "admin ours", 0.8),
    Goal("GET /integration at 10,000 organizations", "rate", "integration many", "integration ours", 0.9),
    Goal("GET /channels at 10,000 organizations", "rate", "channels many", "channels ours", 0.9),
    Goal("POST /auth at 10,000 organizations", "rate", "auth many", "auth ours", 0.9),
    Goal("whole connects at 10,000 organizations", "rate", "connects many", "connects ours", 0.9),
    Goal("POST /messages, against hello", "rate", "messages ours", "messages hello", 0.2, gate=0.05),
    Goal("messages delivered without a pace, against a loop", "rate", "deliver ours", "deliver loop", 0.8),
    Goal("messages a second, Slack answers in 50 ms, 100 channels", "rate", "paced ours", None, 95),
    Goal(
        "a turn claimed beside 100,000 scheduled, against none", "took", "claim scheduled", "claim ours", 1.1, AT_MOST
    ),
    Goal("a page of 50 of 1,000,000 messages, against SQLite", "took", "history ours", "history bare", 5, AT_MOST),
    Goal("state issued and consumed, against Bolt", "took", "state ours", "state bolt", 0.2, AT_MOST, gate=0.6),
    Goal("state with 100,000 left over, against none", "took", "state left", "state ours", 1.2, AT_MOST),
    Goal("saving an installation, against Bolt", "took", "save ours", "save bolt", 0.3, AT_MOST, gate=1),
    Goal("look-up, opened and audited, against Bolt in clear", "took", "look ours", "look bolt", 2, AT_MOST),
    Goal("look-up, its CPU, against Bolt in clear", "cpu", "look ours", "look bolt", 1, AT_MOST, gate=8),
    Goal("look-up, 16 threads at once, against Bolt in clear", "rate", "look16 ours", "look16 bolt", 1),
    Goal("look-up at 100,000 tenants, against 1,000", "took", "look many", "look ours", 1.3, AT_MOST),
    Goal("start to first answered event, against hello", "took", "start ours", "start hello", 2.2, AT_MOST, gate=8),
    Goal("start to first answered event, against Bolt", "took", "start ours", "start bolt", None, AT_MOST),
    Goal("memory after load, against Bolt", "memory", "events ours", "events bolt", 0.4, AT_MOST, gate=1.2),
    Goal("events, against the other checkout", "rate", "events ours", "events checkout", None),
    Goal("server CPU per event, against the other checkout", "cpu", "events ours", "events checkout", None, AT_MOST),
    Goal("GET /slack/install, against the other checkout", "rate", "install ours", "install checkout", None),
    Goal("start, against the other checkout", "took", "start ours", "start checkout", None, AT_MOST),
)
