"""Rehearsal of connecting with the settings of a deployment, against a local Slack of its own."""

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.demo import harness
from slackapp.errors import CommandError
from slackapp.flows.app import App
from slackapp.host.verification import judge, rehearse
from slackapp.host.verification.judge import RUNNING, STORED, LineResult
from slackapp.host.verification.rehearse import Rehearsal, RehearsalSlack
from slackapp.model import HOST_CALLBACK_PATH

__all__ = ["RUNNING", "STORED", "find_wrong_rows", "run"]

_AS_HERE = (
    "SLACKAPP_BOT_SCOPES", "SLACKAPP_USER_SCOPES", "SLACKAPP_STATE_TTL", "SLACKAPP_HOST_URL",
    "SLACKAPP_HOST_COMPLETE_PATH", "SLACKAPP_HOST_RETURN_PATH", "SLACKAPP_HOST_WORKSPACES", "SLACKAPP_HOST_APPROVAL",
    "SLACKAPP_DATA_REGION",
)  # fmt: skip
"""The settings of the deployment that the rehearsal takes over."""
_COMPLETE_PATH = "/slack/complete"
"""Where none is set, only the page connects; what the two ways share is played all the same."""
_WORKSPACE = "T0NORTH001"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _MovedClock:
    """Clock of this machine, and what it was moved on by."""

    def __init__(self) -> None:
        self._ahead = 0

    def __call__(self) -> int:
        return system_clock() + self._ahead

    def steady(self) -> int:
        return system_clock.steady() + self._ahead

    def advance(self, seconds: int) -> None:
        self._ahead += seconds


def find_wrong_rows(app: App) -> dict[str, str]:
    """Counts the rows that should not be among those of a database that serves. Raises StoreError."""
    return rehearse.find_wrong_rows(app, app.clock())


def run(given: Mapping[str, str], seen: Mapping[str, str], left_out: Sequence[str]) -> list[LineResult]:
    """Plays it with the settings that are given, and judges what was seen, with what was seen elsewhere.

    Raises ConfigError, and CommandError where the local Slack does not start.
    """
    with _prepare(given) as rehearsal:
        found = {**rehearse.run(rehearsal), **seen}
        return judge.run(judge.make_lines(rehearsal.app.settings), found, left_out)


@contextlib.contextmanager
def _prepare(given: Mapping[str, str]) -> Iterator[Rehearsal]:
    """Prepares it in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder_name, contextlib.ExitStack() as running:
        folder = Path(folder_name)
        try:
            local = running.enter_context(harness.open_local_slack(folder, HOST_CALLBACK_PATH))
        except harness.StepError as error:
            raise CommandError(f"the local Slack did not start: {error}") from None
        rehearse.make_host_key(folder / "host.keys", system_entropy)
        settings = config.load(
            {
                "SLACKAPP_HOST_COMPLETE_PATH": _COMPLETE_PATH,
                **{name: given[name] for name in _AS_HERE if given.get(name)},
                **local,
                "SLACKAPP_HOST_KEYS_FILE": str(folder / "host.keys"),
                "SLACKAPP_RATE_PER_MINUTE": "10000",
            },
            {config.TRUSTED_FOLDER: folder_name},
        )
        clock = _MovedClock()
        service = build(settings, clock, system_entropy, io.StringIO())
        running.callback(service.stop)
        yield Rehearsal(service.app, service.wsgi, clock.advance, _slack(settings.slack.origin))


def _slack(origin: str) -> RehearsalSlack:
    """The local Slack, as a rehearsal uses it."""

    def decide(address: str, decision: str) -> str:
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        fields = {**query, "target": _WORKSPACE, "user": "admin", "decision": decision}
        reply = harness.send("POST", origin, urlsplit(address).path, urlencode(fields), headers=_FORM)
        return reply.headers["location"]

    def fail(method: str) -> None:
        fault = urlencode({"method": method, "kind": "html500"})
        harness.send("POST", origin, "/control/fault", fault, headers=_FORM)

    def read(name: str) -> Any:
        return json.loads(harness.send("GET", origin, f"/control/{name}.json", "", headers={}).text)

    return RehearsalSlack(
        approve=lambda address: decide(address, "approve"),
        deny=lambda address: decide(address, "deny"),
        fail=fail,
        list_secrets=lambda: list(read("issued")["issued"]),
        count_exchanges=lambda: int(read("state")["calls"].get("oauth.v2.access", 0)),
    )
