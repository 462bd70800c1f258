"""`slackapp doctor`: what Slack's reviewers ask of an app, checked against its manifest and the running app."""

import argparse
import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from slackapp.app import load_scope_reasons, system_clock
from slackapp.checks import scope_reasons
from slackapp.cli.manifest import address, make_plan
from slackapp.cli.service.environment import defaults_for, read_environment
from slackapp.cli.service.session import open_app
from slackapp.cli.terminal.printing import print_json, print_lines, wrap_line
from slackapp.config import settings as config
from slackapp.demo import host_rehearsal
from slackapp.directory import read_manifest, review, write_manifest
from slackapp.directory.findings import ReviewInput, value_at
from slackapp.directory.probe import Probe
from slackapp.directory.review import RequirementResult, Verdict
from slackapp.errors import CommandError, ConfigError
from slackapp.flows.upkeep import list_tenants
from slackapp.model import HOST_CALLBACK_PATH, Settings

_NAMES = (
    "SLACKAPP_PUBLIC_URL", "SLACKAPP_HOME_ADMIN", "SLACKAPP_REQUIRE_ADMIN_INSTALLER", "SLACK_APP_ID",
    "SLACK_SIGNING_SECRET", "SLACKAPP_BEHAVIOUR", "SLACKAPP_HOST_KEYS_FILE",
)  # fmt: skip
_SUBMITTED = "manifest.submitted.yml"
_LIMIT = 256 * 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the address, the manifest and `--json`."""
    parser.add_argument("--url", metavar="URL", help="where the app runs (default: SLACKAPP_PUBLIC_URL)")
    parser.add_argument("--manifest", metavar="FILE", default="manifest.yml", help="default: manifest.yml")
    parser.add_argument(
        "--host", action="store_true", help="connecting instead: played against a local Slack, line by line"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per row")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when nothing fails, else 1. Raises ConfigError."""
    environment = read_environment()
    if arguments.host:
        return _run_host(arguments, environment)
    look = _look(arguments, environment)
    if not arguments.json:
        print_lines(*_head(look, environment))
    connection_error = look.probe.connection_error() if look.probe is not None else ""
    if connection_error:
        print_lines(
            f"slackapp: {look.url}: {connection_error}; what is asked of the running app was not looked at", error=True
        )
        look = replace(look, probe=None)
    verdicts = []
    for verdict in review.review(look):
        verdicts.append(verdict)
        if arguments.json:
            print_json(_fields(verdict))
        else:
            print_lines(*_as_lines(verdict))
    if not arguments.json:
        print_lines("", _sum(verdicts))
    return 1 if connection_error or any(verdict.result == Verdict.FAIL for verdict in verdicts) else 0


def _run_host(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Returns 0 when every line of connecting holds, else 1. Raises ConfigError, CommandError."""
    defaults = defaults_for(environment)
    settings = config.load(environment, defaults)
    if settings.host_keys_file is None:
        raise ConfigError("SLACKAPP_HOST_KEYS_FILE: is missing, and so the host side is off; see: slackapp host keys")
    seen, left_out = _look_at_host(settings, address(arguments.url) if arguments.url else settings.public_url)
    results = host_rehearsal.run({**defaults, **environment}, seen, left_out)
    for result in results:
        word = "fail" if result.wrong else "pass"
        if arguments.json:
            print_json({"line": result.number, "item": result.item, "result": word, "wrong": result.wrong})
            continue
        told = [f"{result.number:>2}  {word}  {result.item}", *(f"{'':8}not so: {each}" for each in result.wrong)]
        print_lines(*(each for line in told for each in wrap_line(line, 8)))
    failed = sum(bool(result.wrong) for result in results)
    if not arguments.json:
        print_lines("", f"{len(results) - failed} pass, {failed} fail.")
    return 1 if failed else 0


def _look_at_host(settings: Settings, url: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Looks at rows and at the running service; returns what was seen, and what could not be looked at."""
    seen: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    if settings.database.exists():
        with open_app(settings) as app:
            seen |= host_rehearsal.find_wrong_rows(app)
    else:
        print_lines(f"slackapp: {settings.database}: not made yet; no row was looked at", error=True)
        left_out += host_rehearsal.STORED
    probe = Probe(url)
    if error := probe.connection_error():
        print_lines(f"slackapp: {url}: {error}; the running service was not looked at", error=True)
        return seen, left_out + host_rehearsal.RUNNING
    forged = probe.send("GET", f"{HOST_CALLBACK_PATH}?code=doctor&state=doctor")
    unproved = probe.send("GET", "/api/v2/slack/integration")
    found = (forged.query.get("error", str(forged.status)), str(unproved.status))
    return {**seen, **dict(zip(host_rehearsal.RUNNING, found, strict=True))}, left_out


def _look(arguments: argparse.Namespace, environment: Mapping[str, str]) -> ReviewInput:
    found = config.load_some(environment, _NAMES)
    file = Path(arguments.manifest)
    copy = file.with_name(_SUBMITTED)
    url = address(arguments.url) if arguments.url else found["public_url"] or ""
    settings = {
        "SLACKAPP_HOME_ADMIN": "home_admin",
        "SLACKAPP_REQUIRE_ADMIN_INSTALLER": "require_admin_installer",
        scope_reasons.HOST: "host_keys_file",
    }
    # What is signed goes nowhere but to the app that the secret is for.
    own = url == found["public_url"]
    secrets = found["signing_secrets"] if own else None
    return ReviewInput(
        manifest=_read(file, environment),
        submitted=_read(copy, environment) if copy.exists() else None,
        url=url,
        probe=Probe(url) if url else None,
        switched_on=tuple(name for name, field in settings.items() if found[field]),
        app_id=found["app_id"] or "",
        signing_secret=secrets[0] if secrets else None,
        now=system_clock(),
        own_reasons=load_scope_reasons(found["behaviour"]),
    )


def _read(file: Path, environment: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        text = file.read_bytes()[:_LIMIT].decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{file}: cannot be read; write one with slackapp manifest --url URL > {file}") from None
    url = write_manifest.find_address(text)
    # What `slackapp manifest` writes, with these settings or with none, is known without reading.
    for plan in (make_plan(url, given) for given in (environment, {}) if url):
        if write_manifest.write(plan) == text:
            return write_manifest.manifest_data(plan)
    return read_manifest.read(str(file), text)


def _head(look: ReviewInput, environment: Mapping[str, str]) -> list[str]:
    rotates = value_at(look.manifest, "settings", "token_rotation_enabled") is True
    rows = {
        "app": look.url or "not looked at: give --url URL",
        "runtime": f"Python {platform.python_version()}",
        "store": _store(environment),
        "rotation": "on" if rotates else "off",
        "scopes": ", ".join(look.scopes) or "none",
        "events": ", ".join(look.events) or "none",
    }
    return [*(f"{name:<8}  {value}" for name, value in rows.items()), ""]


def _store(environment: Mapping[str, str]) -> str:
    """Describes the database, without making one that is not there."""
    try:
        path = config.load(environment, defaults_for(environment)).database
    except ConfigError:
        return "SQLite; which file is not known here"
    if not path.exists():
        return f"SQLite, {path}, not made yet"
    return f"SQLite, {path}, tenants: {list_tenants.count_stored(path)}"


def _as_lines(verdict: RequirementResult) -> list[str]:
    result = f"{verdict.result} (local)" if verdict.local else verdict.result
    lines = [f"{verdict.row.number:>2}  {result:<12}  {verdict.row.item}"]
    lines += [f"{'':18}{line}" for line in verdict.wrong]
    lines += [f"{'':18}a person must: {line}" for line in verdict.person]
    if verdict.row.evidence:
        lines.append(f"{'':18}shown by {', '.join(verdict.row.evidence)}")
    return [each for line in lines for each in wrap_line(line, 18)]


def _fields(verdict: RequirementResult) -> dict[str, object]:
    return {
        "row": verdict.row.number,
        "item": verdict.row.item,
        "result": verdict.result,
        "local": verdict.local,
        "wrong": verdict.wrong,
        "person": verdict.person,
        "shown": verdict.row.evidence,
    }


def _sum(verdicts: list[RequirementResult]) -> str:
    failed = [verdict for verdict in verdicts if verdict.result == Verdict.FAIL]
    local = sum(verdict.local for verdict in failed)
    passed = sum(verdict.result == Verdict.PASS for verdict in verdicts)
    left = len(verdicts) - passed - len(failed)
    why = f" ({local} only because the address is local)" if local else ""
    return f"{passed} pass, {len(failed)} fail{why}, {left} are for a person."
