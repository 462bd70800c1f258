"""`slackapp host webhook …` and `slackapp host events …`: what they print, how they end, and what they refuse."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import keyfile
from slackapp.errors import ConfigError
from slackapp.host.flows.webhook.webhook_secrets import read_webhook_secrets
from slackapp.host.rows import DeliveryStatus, HostEventKind
from slackapp.host.store import deliveries, events
from tests.host.keys import host_settings
from tests.support.connected import ACME, GLOBEX, add_member, begin
from tests.support.operator import CommandLine, open_shell

LINE = re.compile(r"whsec_([A-Za-z0-9+/]{43}=)\n")
OLD = f"whsec_{base64.b64encode(b'o' * 32).decode()}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("host")
    keyfile.write_private(folder / "webhook.secret", OLD.encode())
    given = {
        "SLACKAPP_HOST_WEBHOOK_URL": "https://product.example.com/slack/events",
        "SLACKAPP_HOST_WEBHOOK_SECRET_FILE": str(folder / "webhook.secret"),
    }
    with open_shell(folder, (), **host_settings(folder), **given) as shell:
        yield shell


@pytest.fixture
def shell(made: CommandLine) -> CommandLine:
    write(made, OLD)
    return made


def write(shell: CommandLine, content: str) -> None:
    keyfile.replace_private(shell.folder / "webhook.secret", content.encode())


def content(shell: CommandLine) -> str:
    return (shell.folder / "webhook.secret").read_text()


def test_new_makes_a_private_file_and_touches_none_that_is_there(shell: CommandLine, tmp_path: Path) -> None:
    said = shell.good("host", "webhook", "new", str(tmp_path / "one"))
    shell.good("host", "webhook", "new", str(tmp_path / "other"))
    one, other = (LINE.fullmatch((tmp_path / name).read_text()) for name in ("one", "other"))
    assert one is not None
    assert other is not None
    assert one[1] != other[1]
    assert one[1] not in said
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600
    ended = shell.run("host", "webhook", "new", str(tmp_path / "one"))
    assert (ended.status, (tmp_path / "one").read_text()) == (1, one[0])
    assert "exists already; change it by: slackapp host webhook rotate" in ended.error


def test_rotate_puts_a_new_one_first_and_retire_takes_the_older_out(shell: CommandLine) -> None:
    shell.good("host", "webhook", "rotate")
    new, old = content(shell).splitlines(keepends=True)
    assert (LINE.fullmatch(new) is not None, old) == (True, OLD)
    ended = shell.run("host", "webhook", "rotate")
    assert (ended.status, content(shell)) == (1, new + old)
    assert "there are 2 secrets already" in ended.error
    shell.good("host", "webhook", "retire")
    assert content(shell) == new
    ended = shell.run("host", "webhook", "retire")
    assert (ended.status, content(shell)) == (1, new)
    assert "there is one secret" in ended.error


@pytest.mark.parametrize(
    "wrong",
    ["", "whsec_\n", "whsec_c2hvcnQ=\n", "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=\n", "whsec_\u00e4\n", OLD * 3, OLD + "x\n"],
)
def test_a_file_that_is_not_as_it_must_be_is_refused_and_not_repeated(shell: CommandLine, wrong: str) -> None:
    write(shell, wrong)
    with pytest.raises(ConfigError) as refused:
        read_webhook_secrets(shell.world.service.app.settings)
    assert str(refused.value).startswith("SLACKAPP_HOST_WEBHOOK_SECRET_FILE: ")
    assert "c3Nz" not in str(refused.value)
    assert OLD.strip() not in str(refused.value)


def test_events_are_listed_with_how_they_fare_and_sent_again(shell: CommandLine) -> None:
    app = shell.world.service.app
    with app.db.transaction():
        for organization in (ACME, GLOBEX):
            add_member(app.db, organization)
    keys = [begin(app.db, 1, ACME).key, begin(app.db, 2, GLOBEX).key]
    with app.db.transaction():
        for key in keys:
            events.add(app.db, key, HostEventKind.CONNECTION_ACTIVE, None, now=shell.world.clock())
    [first, second] = deliveries.page(app.db, None, "", most=10)
    for each in (first, second):
        assert deliveries.claim(app.db, each.number, "one", shell.world.clock.steady()) is not None
    deliveries.end(app.db, first.number, "one", status=DeliveryStatus.GIVEN_UP, answer_status=500)

    told = [json.loads(line) for line in shell.good("host", "events", "list", "--json").splitlines()]
    assert [(each["event_id"], each["state"], each["answer"]) for each in told] == [
        (f"evt_{first.number}", "given_up", 500), (f"evt_{second.number}", "waiting", ""),
    ]  # fmt: skip
    narrow = shell.good("host", "events", "list")
    assert max(map(len, narrow.splitlines())) <= 80
    assert "given_up" in narrow
    assert "connection.active" in narrow
    only = shell.good("host", "events", "list", "--state", "given_up", "--organization", GLOBEX, "--json")
    assert only == ""

    ended = shell.run("host", "events", "retry", f"evt_{second.number}")
    assert (ended.status, ended.error) == (
        1, f"slackapp: {second.number}: there is no such event, or it is being sent just now\n",
    )  # fmt: skip
    assert shell.good("host", "events", "retry", "--all") == "1 is sent once more\n"
    assert shell.good("host", "events", "retry", "--all") == "nothing was given up\n"
    assert shell.good("host", "events", "retry", f"evt_{first.number}") == "1 is sent once more\n"
    [after, _] = deliveries.page(app.db, None, "", most=10)
    assert (after.state, after.attempts) == (DeliveryStatus.WAITING, 0)
    assert shell.world.audit().count("host_event.retried") == 2
    assert shell.run("host", "events", "retry", "evt_x").status == 2
    assert shell.run("host", "events", "retry").status == 2
