"""`slackapp inbox`: what needs a person is shown without its content; looked into, run again or dropped, and noted."""

import json
from typing import Any

import pytest

from slackapp.crypto import records
from slackapp.localslack.model import Fault
from tests.support.operator import CommandLine, Ended, tenant
from tests.support.world import NORTH, SOUTH

POST = "chat.postMessage"
WORD = "hello"
"""What somebody wrote to the app; it is in the body of every row here."""


@pytest.fixture
def stuck(shell: CommandLine) -> CommandLine:
    """EvWaits0, of the north, is dead; EvWaits1, of the south, is unclear; EvWaits2 is ready."""
    world = shell.world
    world.slack.fault(Fault(POST, "error", error="not_in_channel", team=NORTH))
    world.slack.fault(Fault(POST, "cut", team=SOUTH))
    assert world.work() == 2
    world.clock.advance(5)
    assert world.mention("EvWaits2").status == 200
    world.slack.called.clear()
    return shell


def states(shell: CommandLine) -> dict[str, str]:
    rows = shell.world.rows("SELECT event_id, state FROM inbox WHERE event_id LIKE 'EvWaits%'")
    return {row["event_id"]: row["state"] for row in rows}


def listed(shell: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    ended = shell.run("inbox", "list", "--json", *arguments)
    assert ended.status == 0
    return [json.loads(line) for line in ended.out.splitlines()]


def noted(shell: CommandLine, event: str) -> list[tuple[str, ...]]:
    rows = shell.world.rows("SELECT tenant_id, actor, record_id, detail FROM audit WHERE event = ?", event)
    return [tuple(row) for row in rows]


def test_the_list_shows_what_is_not_done_and_why_and_counts_it(stuck: CommandLine) -> None:
    ended = stuck.run("inbox", "list")
    assert (ended.status, ended.error) == (0, "1 dead, 1 ready, 1 unclear\n")
    head, first, second, third = ended.out.splitlines()
    assert head.split() == ["event_id", "tenant", "type", "state", "received_at", "result"]
    assert first.split()[:6] == ["EvWaits0", NORTH, "app_mention", "dead", "2027-01-15", "08:00"]
    assert first.index("chat.pos") == head.index("result")
    assert first.endswith("_channel")
    assert f"{SOUTH}  app_mention  unclear" in second
    assert third.startswith("EvWaits2")
    assert all(len(line) <= 80 for line in (head, first, second, third))
    stuck.change("UPDATE inbox SET event_id = ? WHERE event_id = 'EvWaits2'", f"sig-{'0123456789abcdef' * 4}")
    assert all(len(line) <= 80 for line in stuck.run("inbox", "list").out.splitlines())


def test_asked_for_wide_the_list_has_everything(stuck: CommandLine) -> None:
    head, first, _, third = stuck.run("inbox", "list", "--wide").out.splitlines()
    assert set(head.split()) == set(listed(stuck)[0])
    assert first.split()[:6] == ["EvWaits0", "event", NORTH, "app_mention", "dead", "1"]
    assert f"{POST} not_in_channel" in first
    assert "2027-01-15T08:00:05Z" in third


def test_the_list_can_be_narrowed_and_read_by_programs(stuck: CommandLine) -> None:
    (dead,) = listed(stuck, "--state", "dead")
    assert dead == {
        "event_id": "EvWaits0", "kind": "event", "tenant": NORTH, "type": "app_mention", "state": "dead", "attempts": 1,
        "event_time": "2027-01-15T08:00:00Z", "received_at": "2027-01-15T08:00:00Z", "next_at": "2027-01-15T08:00:00Z",
        "finished_at": "2027-01-15T08:00:00Z", "result": f"{POST} not_in_channel", "has_body": True, "queue": "inbox",
        "trace_id": stuck.world.rows("SELECT trace_id FROM inbox WHERE event_id = 'EvWaits0'")[0]["trace_id"],
    }  # fmt: skip
    assert dead["trace_id"]
    assert [row["event_id"] for row in listed(stuck, "--tenant", NORTH)] == ["EvWaits0", "EvWaits2"]
    assert [row["event_id"] for row in listed(stuck, "--tenant", NORTH, "--number", "1")] == ["EvWaits0"]
    assert {row["state"] for row in listed(stuck, "--state", "done")} == {"done"}
    assert stuck.run("inbox", "list", "--state", "lost").status == 2


def test_an_inbox_in_which_nothing_waits_says_so(shell: CommandLine) -> None:
    shell.world.work()
    assert shell.run("inbox", "list") == Ended(0, "", "nothing waits\n")


def test_a_row_is_shown_without_what_is_in_it_and_that_is_not_worth_a_note(stuck: CommandLine) -> None:
    before = stuck.world.audit()
    shown = json.loads(stuck.good("inbox", "show", "EvWaits0"))
    assert (shown["event_id"], shown["state"], shown["tenant"]) == ("EvWaits0", "dead", NORTH)
    assert "body" not in shown
    for command in (("list",), ("list", "--json"), ("show", "EvWaits0")):
        assert WORD not in stuck.run("inbox", *command).out
    assert stuck.world.audit() == before


def test_what_slack_sent_is_shown_when_asked_for_and_noted_before_it_is_opened(
    stuck: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I am an operator who is curious, and would rather not be seen."""
    shown = json.loads(stuck.good("inbox", "show", "--body", "EvWaits1"))
    body = json.loads(shown["body"])
    assert (body["team_id"], body["event"]["text"], body["event_id"]) == (SOUTH, WORD, "EvWaits1")
    assert noted(stuck, "event.read") == [(SOUTH, "operator", "EvWaits1", "unclear")]

    def refuse(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("slackapp.vault.keyring.Keyring.open", refuse)
    assert stuck.run("inbox", "show", "--body", "EvWaits1") == Ended(130, "", "slackapp: interrupted\n")
    assert len(noted(stuck, "event.read")) == 2


def test_what_was_erased_shows_an_empty_body_and_needs_no_note(stuck: CommandLine) -> None:
    stuck.good("inbox", "drop", "EvWaits1")
    assert json.loads(stuck.good("inbox", "show", "--body", "EvWaits1"))["body"] == ""
    assert noted(stuck, "event.read") == []


def test_a_body_that_does_not_open_is_one_line_and_stays(stuck: CommandLine) -> None:
    stuck.change("UPDATE inbox SET body = (SELECT body FROM inbox WHERE event_id = 'EvWaits1')")
    ended = stuck.run("inbox", "show", "--body", "EvWaits0")
    assert (ended.status, ended.out) == (1, "")
    (line,) = ended.error.splitlines()
    assert line.startswith("slackapp: EvWaits0: ")
    assert states(stuck)["EvWaits0"] == "dead"
    assert stuck.world.rows("SELECT body FROM inbox WHERE event_id = 'EvWaits0'")[0]["body"]


@pytest.mark.parametrize("event_id", ["EvWaits0", "EvWaits1"])
def test_a_retry_lets_the_row_run_again_and_says_who_asked_for_it(stuck: CommandLine, event_id: str) -> None:
    assert stuck.good("inbox", "retry", event_id) == f"{event_id}: will run again\n"
    whose, was = (NORTH, "dead") if event_id == "EvWaits0" else (SOUTH, "unclear")
    assert noted(stuck, "event.retried") == [(whose, "operator", event_id, was)]
    assert stuck.world.work() == 2
    assert states(stuck)[event_id] == "done"
    assert [call.team for call in stuck.world.slack.calls if call.ok].count(whose) == (2 if whose == NORTH else 1)


def test_a_drop_erases_what_is_in_the_row_and_says_who_asked_for_it(stuck: CommandLine) -> None:
    row = "SELECT body FROM inbox WHERE event_id = 'EvWaits0'"
    blob = stuck.world.rows(row)[0]["body"]
    assert stuck.good("inbox", "drop", "EvWaits0") == "EvWaits0: is dropped\n"
    assert noted(stuck, "event.dropped") == [(NORTH, "operator", "EvWaits0", "dead")]
    assert (states(stuck)["EvWaits0"], stuck.world.rows(row)[0]["body"]) == ("done", None)
    assert not stuck.world.service.app.db.erase_residue()
    assert blob not in stuck.world.bytes_on_disk()
    assert stuck.world.mention("EvWaits0").status == 200, "a repeat by Slack"
    stuck.world.work()
    assert states(stuck)["EvWaits0"] == "done"


@pytest.mark.parametrize("verb", ["retry", "drop"])
def test_a_row_that_needs_no_operator_stays_as_it_is(stuck: CommandLine, verb: str) -> None:
    before = stuck.world.audit()
    ended = stuck.run("inbox", verb, "EvWaits2")
    assert ended == Ended(1, "", "EvWaits2: is ready; only what is dead or unclear needs a person\n")
    assert (states(stuck)["EvWaits2"], stuck.world.audit()) == ("ready", before)
    stuck.good("inbox", verb, "EvWaits0")
    assert stuck.run("inbox", verb, "EvWaits0").status == 1, "once"


@pytest.mark.parametrize("verb", ["show", "retry", "drop"])
def test_a_row_that_is_not_there_is_one_line(shell: CommandLine, verb: str) -> None:
    ended = shell.run("inbox", verb, "EvNowhere")
    assert (ended.status, ended.out) == (1, "")
    assert ended.error == "slackapp: EvNowhere: there is no such row; `slackapp inbox list --wide` shows ids in full\n"


@pytest.mark.parametrize(
    ("noun", "verbs"),
    [("inbox", "list,show,retry,drop"), ("audit", "tail,verify,head"),
     ("keys", "new,list,rotate,verify,retire,reencrypt,fingerprint,flush,assign")],
)  # fmt: skip
def test_a_verb_that_is_missing_is_asked_for_with_all_there_are(shell: CommandLine, noun: str, verbs: str) -> None:
    ended = shell.run_as_typed(noun)
    assert (ended.status, ended.out) == (2, "")
    assert f"{{{verbs}}}" in "".join(ended.error.split())


@pytest.mark.claim("C-96")
@pytest.mark.parametrize("verb", ["show", "retry", "drop"])
def test_an_id_that_two_tenants_events_have_names_no_row_before_the_tenant_is_said(
    stuck: CommandLine, verb: str
) -> None:
    """An operator means one customer's event, and drops another's."""
    stuck.change("UPDATE inbox SET event_id = 'EvWaits0' WHERE event_id = 'EvWaits1'")
    both = "SELECT state FROM inbox WHERE event_id = 'EvWaits0' ORDER BY tenant_id"
    ended = stuck.run("inbox", verb, "EvWaits0")
    assert (ended.status, ended.out) == (1, "")
    assert ended.error == f"slackapp: EvWaits0: {NORTH}, {SOUTH} have such a row each; say which with --tenant\n"
    assert stuck.run("inbox", verb, "EvWaits0", "--tenant", "T0NOWHERE1").status == 1
    assert [row["state"] for row in stuck.world.rows(both)] == ["dead", "unclear"]
    shown = stuck.good("inbox", verb, "EvWaits0", "--tenant", SOUTH)
    assert verb != "show" or json.loads(shown)["tenant"] == SOUTH
    after = {"show": "unclear", "retry": "ready", "drop": "done"}[verb]
    assert [row["state"] for row in stuck.world.rows(both)] == ["dead", after]


@pytest.mark.parametrize("verb", ["retry", "drop"])
def test_what_is_done_and_the_note_of_it_are_one(
    stuck: CommandLine, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("slackapp.store.audit.append", die)
    assert stuck.run("inbox", verb, "EvWaits0").status == 130
    assert states(stuck)["EvWaits0"] == "dead"


def test_one_tenants_body_is_not_shown_under_anothers_row(stuck: CommandLine) -> None:
    """I write my row's body over yours, and ask the operator what is in mine."""
    stuck.change(
        "UPDATE inbox SET body = (SELECT body FROM inbox WHERE event_id = 'EvWaits1') WHERE event_id = 'EvWaits0'"
    )
    assert WORD not in stuck.run("inbox", "show", "--body", "EvWaits0").out
    assert records.event_body_context(tenant(NORTH), "EvWaits0") != records.event_body_context(
        tenant(SOUTH), "EvWaits1"
    )
