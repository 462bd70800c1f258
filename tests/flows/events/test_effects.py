"""Effects of a run, tried with a circle that keeps jottings: each is there exactly once, whatever ends the run."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.checks.tenant_of import acting_team
from slackapp.errors import SlackCallError, SlackErrorKind, StoreBusyError, StoreError, StoreFullError
from slackapp.flows.app import App, Circle
from slackapp.flows.tokens import use_token
from slackapp.localslack.faults import Fault
from slackapp.model import Clock, QueueKind, QueueState, Tenant, TenantKind
from slackapp.store import inbox, queue
from slackapp.store.columns import tenant_columns
from slackapp.store.engine.database import Database
from slackapp.store.engine.statements import parse_statements
from slackapp.store.queue import EffectKey, LeaseLostError, Run
from tests.flows.kill_process import Killed, kill_in_call
from tests.support.token_use import make_use
from tests.support.world import NORTH, World

POST = "chat.postMessage"
TABLE = """CREATE TABLE jottings (queue TEXT, tenant_kind TEXT, tenant_id TEXT, event_id TEXT, ordinal INTEGER,
           text TEXT, PRIMARY KEY (queue, tenant_kind, tenant_id, event_id, ordinal)) STRICT"""
ADD = """-- name: add_jotting :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert (its key is there, or it is added)
INSERT INTO jottings (queue, tenant_kind, tenant_id, event_id, ordinal, text)
VALUES (:queue, :tenant_kind, :tenant_id, :event_id, :ordinal, :text)
    ON CONFLICT (queue, tenant_kind, tenant_id, event_id, ordinal) DO NOTHING;
"""


class Jottings:
    """What `context.jottings` is: bound to one run and its tenant."""

    def __init__(self, app: App, run: Run, body: Mapping[str, Any]) -> None:
        self._run, self.body = run, body

    def add(self, text: str) -> EffectKey:
        """Adds a jotting, as an effect of the run."""

        def write(db: Database, key: EffectKey) -> None:
            named = {**tenant_columns(key.tenant), "event_id": key.event_id, "ordinal": key.ordinal}
            db.execute("add_jotting", {**named, "queue": key.queue, "text": text})

        return self._run.add_effect(write)


def remind(app: App, run: Run, now: int) -> None:
    """A job of the circle."""
    Jottings(app, run, {}).add("reminded")


JOTTINGS = Circle(name="jottings", jobs={"jottings.remind": remind}, context={"jottings": Jottings})
Act = Callable[[Any, Mapping[str, Any]], object]


def register(world: World, act: Act | None = None) -> None:
    """Puts the circle into the service that runs now, and its table into the database; somebody mentions the app."""
    app = world.service.app
    app.db._statements.update({each.name: each for each in parse_statements("jottings.sql", ADD)})  # type: ignore[attr-defined]
    with app.db.transaction():
        if not app.db._connection().execute("SELECT 1 FROM sqlite_schema WHERE name = 'jottings'").fetchall():  # type: ignore[attr-defined]
            app.db._connection().execute(TABLE)  # type: ignore[attr-defined]
    world.replace_parts(circles=(*app.circles, JOTTINGS), behaviour={"app_mention": act} if act else {})
    if act is not None:
        assert world.mention().status == 200


def jottings(world: World) -> list[tuple[str, int, str]]:
    return [tuple(row) for row in world.rows("SELECT event_id, ordinal, text FROM jottings ORDER BY 1, 2")]


def state(world: World, event_id: str = "Ev0001") -> str:
    return str(world.rows("SELECT state FROM inbox WHERE event_id = ?", event_id)[0]["state"])


def post(context: Context, event: Mapping[str, Any], text: str = "hello") -> None:
    context.call(POST, {"channel": event["channel"], "text": text})


@pytest.mark.claim("C-124")
def test_effects_are_there_when_the_row_is_done_and_their_keys_count_from_one(ready: World) -> None:
    keys: list[EffectKey] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        keys.extend((context.jottings.add("one"), context.jottings.add("two")))
        assert jottings(ready) == [], "not before"

    register(ready, act)
    assert (ready.work(), state(ready)) == (1, "done")
    north = Tenant(TenantKind.WORKSPACE, NORTH)
    assert keys == [EffectKey("inbox", north, "Ev0001", 1), EffectKey("inbox", north, "Ev0001", 2)]
    assert jottings(ready) == [("Ev0001", 1, "one"), ("Ev0001", 2, "two")]


@pytest.mark.claim("C-124")
def test_effects_are_on_the_disk_before_the_call_that_follows_them(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    call = ready.service.app.slack.call

    def look(*arguments: Any) -> Any:
        seen.append((state(ready), jottings(ready)))
        return call(*arguments)

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("before")
        post(context, event)
        context.jottings.add("after")

    monkeypatch.setattr(ready.service.app.slack, "call", look)
    register(ready, act)
    assert ready.work() == 1
    assert seen == [("calling", [("Ev0001", 1, "before")])]
    assert (state(ready), jottings(ready)[1:]) == ("done", [("Ev0001", 2, "after")])


def test_a_run_that_fails_before_has_had_no_effect_and_its_repeat_has_each_once(ready: World) -> None:
    runs: list[int] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        runs.append(1)
        context.jottings.add(f"run {len(runs)}")
        if len(runs) == 1:
            raise ValueError

    register(ready, act)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "ready", [])
    ready.clock.advance(60)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "done", [("Ev0001", 1, "run 2")])


@pytest.mark.claim("C-125")
@pytest.mark.parametrize("end", ["fails", "is limited"])
def test_after_a_committed_effect_a_failure_leaves_the_row_unclear(ready: World, end: str) -> None:
    """Slack has done nothing, but our database has: a repeat would do that twice, or something else."""

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("kept")
        post(context, event)

    register(ready, act)
    limited, failed = Fault(POST, "ratelimited", retry_after=1), Fault(POST, "error", error="not_in_channel")
    ready.slack.fault(limited if end == "is limited" else failed)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "unclear", [("Ev0001", 1, "kept")])
    ready.clock.advance(7200)
    assert ready.work() == 0


@pytest.mark.claim("C-125")
def test_an_answer_that_nothing_was_done_does_not_take_back_the_mark_of_a_committed_effect(ready: World) -> None:
    """The process dies after that: the row is found in mid-call, and shown."""
    seen = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("kept")
        with pytest.raises(Exception, match="ratelimited"):
            post(context, event)
        seen.append(state(ready))

    register(ready, act)
    ready.slack.fault(Fault(POST, "ratelimited", retry_after=1))
    assert (ready.work(), seen, state(ready)) == (1, ["calling"], "done")


def test_an_idempotent_call_commits_no_effect(ready: World) -> None:
    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("dropped")
        context.call("auth.test", {})
        assert jottings(ready) == []
        raise ValueError

    register(ready, act)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "ready", [])


@pytest.mark.parametrize("calls", [False, True])
def test_a_process_that_is_killed_leaves_each_effect_once_or_not_at_all(
    ready: World, monkeypatch: pytest.MonkeyPatch, calls: bool
) -> None:
    runs: list[int] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        runs.append(1)
        context.jottings.add("once")
        if calls:
            post(context, event)
        if len(runs) == 1:
            raise Killed

    register(ready, act)
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    assert jottings(ready) == ([("Ev0001", 1, "once")] if calls else [])
    monkeypatch.undo()
    ready.clock.advance(queue.LEASE + 1)
    ready.service.local_scheduler.run_due(ready.service.app)
    ready.work()
    assert (state(ready), jottings(ready)) == ("unclear" if calls else "done", [("Ev0001", 1, "once")])
    assert len(ready.calls(POST)) == int(calls)


def die_at(world: World, patch: pytest.MonkeyPatch, at: int) -> None:
    """The process ends before that statement or call; nothing that it still tries is done."""
    app, steps = world.service.app, itertools.count(1)

    def dying(do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if next(steps) >= at:
                raise Killed
            return do(*arguments, **named)

        return step

    for name in ("execute", "one", "many"):
        patch.setattr(app.db, name, dying(getattr(app.db, name)))
    patch.setattr(app.slack, "call", dying(app.slack.call))


@pytest.mark.claim("C-125")
def test_killed_at_any_statement_a_run_leaves_each_effect_once_and_repeats_none_that_is_there(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: Counter[str] = Counter()

    def act(context: Any, event: Mapping[str, Any]) -> None:
        runs[event["id"]] += 1
        context.jottings.add("before")
        post(context, event)
        context.jottings.add("after")

    register(ready, act)
    ready.work()
    ends: Counter[str] = Counter()
    for at in itertools.count(1):
        event_id, made = f"Ev{at}at", len(ready.calls(POST))
        channel = ready.slack.workspaces[NORTH].general
        ready.event({"type": "app_mention", "user": "U0SOMEBODY", "channel": channel, "id": event_id}, event_id)
        killed = False
        with monkeypatch.context() as patch:
            kill_in_call(patch)
            die_at(ready, patch, at)
            try:
                ready.work()
            except Killed:
                killed = True
        kept, left = [row for row in jottings(ready) if row[0] == event_id], state(ready, event_id)
        assert not (kept and left in ("ready", "running")), at
        ready.clock.advance(queue.LEASE + 1)
        ready.service.local_scheduler.run_due(ready.service.app)
        ready.work()
        end, there = state(ready, event_id), [row[1:] for row in jottings(ready) if row[0] == event_id]
        whole = [(1, "before"), (2, "after")]
        assert (end, there) in (("done", whole), ("unclear", whole[:1])), at
        assert len(ready.calls(POST)) - made <= 1, at
        assert runs[event_id] == 1 or not kept, at
        ends[end] += 1
        if not killed:
            break
    assert ends["unclear"] >= 2
    assert ends["done"] >= 5


def test_a_repeat_that_the_operator_asks_for_writes_the_same_keys(ready: World) -> None:
    """What is written a second time conflicts with itself, and does nothing."""

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("once")
        post(context, event)

    register(ready, act)
    ready.slack.fault(Fault(POST, "cut"))
    assert (ready.work(), state(ready)) == (1, "unclear")
    north = Tenant(TenantKind.WORKSPACE, NORTH)
    with ready.service.app.db.transaction():
        assert queue.retry(ready.service.app.db, inbox.QUEUE, (north, "Ev0001"), ready.clock())
    assert (ready.work(), state(ready), jottings(ready)) == (1, "done", [("Ev0001", 1, "once")])


@pytest.mark.parametrize("at", ["intent", "mark"])
def test_a_commit_that_is_done_again_for_others_writes_each_effect_once(
    ready: World, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Somebody else's work in the group fails: what is ours runs a second time."""
    app = ready.service.app
    commit = app.db.commit_in_group

    def twice(do: Callable[[], Any], durable: bool = True) -> Any:
        with contextlib.suppress(Killed), app.db.transaction():
            do()
            raise Killed
        return commit(do, durable=durable)

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("one")
        if at == "intent":
            post(context, event)

    register(ready, act)
    monkeypatch.setattr(app.db, "commit_in_group", twice)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "done", [("Ev0001", 1, "one")])


def test_where_the_intent_cannot_be_committed_nothing_is_lost_and_nothing_repeated(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A behaviour that goes on after it: the effect is not dropped."""
    app = ready.service.app
    note = queue.note_intent

    def fail(db: Database, run: Run, clock: Clock) -> None:
        note(db, run, clock)
        raise StoreBusyError("the database is locked")

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.jottings.add("kept")
        with monkeypatch.context() as patch:
            patch.setattr("slackapp.store.queue.note_intent", fail)
            with pytest.raises(StoreBusyError):
                post(context, event)

    register(ready, act)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "done", [("Ev0001", 1, "kept")])
    assert (ready.calls(POST), app.db.in_transaction()) == ([], False)


@pytest.mark.parametrize("error", [StoreFullError, StoreBusyError])
@pytest.mark.parametrize("responds", [False, True])
def test_an_intent_that_was_certainly_not_committed_leaves_the_row_repeatable(
    ready: World, monkeypatch: pytest.MonkeyPatch, error: type[StoreError], responds: bool
) -> None:
    app, runs = ready.service.app, []
    note = queue.note_intent

    def fail(db: Database, run: Run, clock: Clock) -> None:
        note(db, run, clock)
        raise error

    def act(context: Any, event: Mapping[str, Any]) -> None:
        runs.append(1)
        context.jottings.add("once")
        with monkeypatch.context() as patch:
            if len(runs) == 1:
                patch.setattr("slackapp.store.queue.note_intent", fail)
            if responds:
                app.vault.commit_intent(context.jottings._run, "response_url")
            else:
                post(context, event)

    register(ready, act)
    assert (ready.work(), state(ready), jottings(ready), ready.calls(POST)) == (1, "ready", [], [])
    ready.clock.advance(60)
    assert (ready.work(), state(ready), jottings(ready)) == (1, "done", [("Ev0001", 1, "once")])


@pytest.mark.parametrize("ends", ["done", "put back"])
@pytest.mark.claim("C-124")
def test_what_is_added_after_the_end_of_a_run_is_refused_and_not_dropped(ready: World, ends: str) -> None:
    kept: list[Any] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        kept.append(context)
        context.jottings.add("in time")
        if ends == "put back" and len(kept) == 1:
            raise ValueError

    register(ready, act)
    ready.work()
    with pytest.raises(LeaseLostError):
        kept[0].jottings.add("late")
    ready.clock.advance(60)
    ready.work()
    assert (state(ready), jottings(ready)) == ("done", [("Ev0001", 1, "in time")])


@pytest.mark.parametrize("end", [QueueState.DEAD, QueueState.UNCLEAR])
@pytest.mark.claim("C-124")
def test_a_row_that_ends_otherwise_than_done_writes_no_pending_effect(ready: World, end: QueueState) -> None:
    def act(context: Any, event: Mapping[str, Any]) -> None:
        if end == QueueState.UNCLEAR:
            post(context, event)
        context.jottings.add("of a run that failed")
        raise SlackCallError(POST, "channel_not_found", SlackErrorKind.BAD_REQUEST)

    register(ready, act)
    assert (ready.work(), state(ready), jottings(ready)) == (1, end, [])


def test_what_is_added_while_an_intent_is_committed_is_not_taken_for_written(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = ready.service.app.db.commit_in_group
    kept: list[Any] = []

    def slow(do: Callable[[], Any], durable: bool = True) -> Any:
        result = commit(do, durable=durable)
        if kept and kept[0].jottings._run.written_effects:
            kept[0].jottings.add("by another thread")
        return result

    def act(context: Any, event: Mapping[str, Any]) -> None:
        kept.append(context)
        context.jottings.add("one")
        post(context, event)

    register(ready, act)
    monkeypatch.setattr(ready.service.app.db, "commit_in_group", slow)
    ready.work()
    assert jottings(ready) == [("Ev0001", 1, "one"), ("Ev0001", 2, "by another thread")]


def test_rows_of_one_id_in_two_queues_have_effects_of_their_own(ready: World) -> None:
    register(ready, lambda context, event: context.jottings.add("of the inbox"))
    ready.work()
    north, other = Tenant(TenantKind.WORKSPACE, NORTH), inbox.QUEUE._replace(table="outbox")
    run = Run(
        other, "Ev0001", QueueKind.JOB, north, "jottings.remind", "", None,
        removes=False, attempts=1, event_time=0, received_at=0, lease_owner="me",
    )  # fmt: skip
    app = ready.service.app
    remind(app, run, 0)
    with app.db.transaction():
        assert run.write_effects(app.db) == 1
    assert [text for _, _, text in jottings(ready)] == ["of the inbox", "reminded"]


def test_a_mark_with_effects_is_flushed_and_one_without_is_not(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops a power failure from taking back what a run has written, after somebody has seen it."""
    flushed: list[bool] = []
    commit = ready.service.app.db.commit_in_group

    def look(do: Callable[[], Any], durable: bool = True) -> Any:
        flushed.append(durable)
        return commit(do, durable=durable)

    register(ready, lambda context, event: context.jottings.add("x") if event["text"] == "hello" else None)
    monkeypatch.setattr(ready.service.app.db, "commit_in_group", look)
    assert ready.work() == 1
    assert flushed == [False, True], "the claim, and the mark"


def test_a_job_of_a_circle_is_run_with_its_effects_and_one_that_fails_is_dead_in_the_end(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(ready)
    app, north = ready.service.app, Tenant(TenantKind.WORKSPACE, NORTH)
    with app.db.transaction():
        inbox.add_job(app.db, "remind-1", "jottings.remind", north, now=ready.clock())
    assert (ready.work(), state(ready, "remind-1")) == (1, "done")
    assert jottings(ready) == [("remind-1", 1, "reminded")]

    def fail(app: App, run: Run, now: int) -> None:
        raise ValueError

    ready.replace_parts(circles=(Circle(name="fails", jobs={"jottings.remind": fail}),))
    with app.db.transaction():
        inbox.add_job(app.db, "remind-2", "jottings.remind", north, now=ready.clock())
    while ready.work():
        ready.clock.advance(400)
    assert state(ready, "remind-2") == "dead"


@pytest.mark.claim("C-124")
def test_an_effect_adds_a_job_with_the_rows_mark_or_not_at_all(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app, added = ready.service.app, []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        def write(db: Database, key: EffectKey) -> None:
            job_id = f"jottings-{key.event_id}-{key.ordinal}"
            added.append(inbox.add_job(db, job_id, "jottings.remind", key.tenant, now=app.clock()))

        context.jottings._run.add_effect(write)

    def fail(*arguments: Any, **named: Any) -> None:
        raise StoreFullError

    register(ready, act)
    with monkeypatch.context() as patch:
        patch.setattr("slackapp.store.installations.note_used", fail)  # which is written behind the effects
        with contextlib.suppress(StoreFullError):
            ready.work()
    jobs = "SELECT event_id, state FROM inbox WHERE kind = 'job' AND event_id LIKE 'jottings-%'"
    assert (added, ready.rows(jobs)) == ([True], [])
    ready.clock.advance(queue.LEASE + 1)
    assert ready.work() == 2
    assert (added, [tuple(row) for row in ready.rows(jobs)]) == ([True, True], [("jottings-Ev0001-1", "done")])
    assert [text for _, _, text in jottings(ready)] == ["reminded"]


def test_a_job_that_no_circle_runs_is_dead_and_told_and_runs_once_there_is_one(ready: World) -> None:
    """Stops a circle that is switched off from ending what it was to do."""
    app, north = ready.service.app, Tenant(TenantKind.WORKSPACE, NORTH)
    assert inbox.add_job(app.db, "remind-1", "jottings.remind", north, now=ready.clock())
    assert (ready.work(), state(ready, "remind-1")) == (1, "dead")
    (told,) = (line for line in ready.log.getvalue().splitlines() if '"event_dead"' in line)
    assert '"reason": "no circle runs such a job"' in told
    register(ready)
    with app.db.transaction():
        assert queue.retry(app.db, inbox.QUEUE, (north, "remind-1"), ready.clock())
    assert (ready.work(), state(ready, "remind-1")) == (1, "done")


@pytest.mark.claim("C-125")
@pytest.mark.parametrize("end", ["raises after it", "is cut", "is limited"])
def test_a_call_of_a_job_is_counted_though_no_context_made_it(ready: World, end: str) -> None:
    """A job that raises after its post would post again, and again; after a plain no it may."""

    def act(app: App, run: Run, now: int) -> None:
        use = make_use(run.tenant, run.actor, method=POST)
        use_token.call(app, use, {"channel": ready.slack.workspaces[NORTH].general, "text": "x"}, run)
        raise ValueError

    register(ready)
    ready.slack.mention(NORTH, "hello")  # which invites the app
    ready.replace_parts(circles=(Circle(name="posts", jobs={"posts.send": act}),))
    north = Tenant(TenantKind.WORKSPACE, NORTH)
    with ready.service.app.db.transaction():
        inbox.add_job(ready.service.app.db, "send-1", "posts.send", north, now=ready.clock())
    if end != "raises after it":
        ready.slack.fault(Fault(POST, "cut") if end == "is cut" else Fault(POST, "ratelimited", retry_after=1))
    assert (ready.work(), state(ready, "send-1")) == (1, "ready" if end == "is limited" else "unclear")
    ready.clock.advance(400)
    assert (ready.work(), state(ready, "send-1")) == (int(end == "is limited"), "unclear")
    assert len(ready.calls(POST)) == (2 if end == "is limited" else 1)


def test_a_type_that_slack_sends_runs_no_job(ready: World) -> None:
    """I sign nothing, but Slack sends what I cause; and a job is ours alone."""
    register(ready, lambda context, event: None)
    ready.replace_parts(circles=(Circle(name="mentions", jobs={"app_mention": remind}),))
    assert (ready.work(), state(ready), jottings(ready)) == (1, "done", [])


def test_what_a_circle_adds_is_given_the_event_and_the_team_that_it_came_from(ready: World) -> None:
    seen: list[object] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        body = context.jottings.body
        seen.extend((body["event"] == event, acting_team(body)))

    register(ready, act)
    assert (ready.work(), seen) == (1, [True, NORTH])


def test_what_no_circle_adds_is_not_in_the_context(ready: World) -> None:
    seen: list[object] = []
    register(ready, lambda context, event: seen.append(getattr(context, "nothing", None)))
    ready.work()
    assert seen == [None]
