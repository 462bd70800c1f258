"""`slackapp doctor --host`: in processes of its own, against the running service, with an exit status."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.demo.harness import free_port
from tests.cli.process import Here, settings
from tests.host.keys import host_settings
from tests.support.servers import serve

Running = dict[str, str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tmp_path, monkeypatch, capsys)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """The service under waitress, on this machine, with the host side on; its settings."""
    port = free_port()
    given = settings(tmp_path, SLACKAPP_PUBLIC_URL=f"http://127.0.0.1:{port}", **host_settings(tmp_path))
    service = build(config.load(given, {}), system_clock, system_entropy, io.StringIO())
    with serve(service.wsgi, port=port, ident=""):
        yield given
    service.stop()


def test_all_lines_pass_where_all_is_well_in_eighty_columns(here: Here, running: Running) -> None:
    ended = here.run(running, "doctor", "--host")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = ended.stdout.splitlines()
    assert [line.split()[:2] for line in told[:16]] == [[str(number), "pass"] for number in range(1, 17)]
    assert told[16:] == ["", "16 pass, 0 fail."]
    assert max(map(len, told)) <= 80


def test_a_running_service_without_the_host_side_fails_as_json_tells(here: Here, running: Running) -> None:
    """The settings were changed, and nobody has started it again."""
    with serve(lambda environ, start: (start("404 Not Found", []), [b"{}"])[1]) as elsewhere:
        ended = here.run(running, "doctor", "--host", "--json", "--url", elsewhere)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert [row["line"] for row in rows] == list(range(1, 17))
    assert {row["line"]: row["wrong"] for row in rows if row["result"] == "fail"} == {
        9: ["a forged state at the running service: 404, not invalid_state"],
        10: ["without a token at the running service: 404, not 401"],
    }


def test_what_is_not_there_is_not_looked_at_and_without_the_host_side_it_is_78(here: Here, tmp_path: Path) -> None:
    given = settings(tmp_path, **host_settings(tmp_path), SLACKAPP_PUBLIC_URL="http://127.0.0.1:9")
    ended = here.run(given, "doctor", "--host")
    assert ended.returncode == 0
    assert "slackapp.db: not made yet; no row was looked at" in ended.stderr
    assert "the running service was not looked at" in ended.stderr
    assert not Path(given["SLACKAPP_DATABASE"]).exists()
    ended = here.run({**given, "SLACKAPP_HOST_KEYS_FILE": ""}, "doctor", "--host")
    assert ended.returncode == 78
    assert ended.stderr.startswith("slackapp: SLACKAPP_HOST_KEYS_FILE: is missing")
