"""What the README says is so: its settings, its commands, its picture, its example."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slackapp.checks.scope_reasons import scopes_for
from slackapp.cli.main import COMMANDS
from slackapp.config.setting_table import SETTINGS
from slackapp.demo.steps import steps_of
from tests.claims.sources import claims
from tests.meta.test_layers import BESIDES, HOST, ONLY, ONLY_FOR, ORDER
from tests.support import readme_pictures, screenshots

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PART = "(<!-- {0} -->)(.*?)(<!-- /{0} -->)"
"""A part of a page that is written by this file."""

READING = (
    (
        "the whole HTTP surface and who may call; the life of a request, numbered",
        ("routes.py", "callers.py", "wsgi.py", "model/identity.py", "model/rows.py"),
    ),
    (
        "the picture above",
        (
            "handlers/slack/install.py", "flows/install/begin_install.py", "flows/install/finish_install.py",
            "flows/install/store_grant.py",
        ),
    ),
    ("one security decision per file; each says what it stops and what it does not", ("checks/",)),
    (
        "the record format, byte by byte, and what a value is bound to",
        ("crypto/envelope.py", "crypto/records.py", "model/sealed.py"),
    ),
    (
        "the way to a token: audit row first",
        (
            "flows/tokens/use_token.py", "vault/vault.py",
        ),
    ),
    ("every refusal, and what it says to the outside", ("errors.py", "web/response.py", "web/refusals.py")),
    (
        "every statement on tenants, tokens, keys, states and the audit, one file per table",
        ("../sql/core/",),
    ),
    (
        "an event: kept, acknowledged, run once",
        (
            "flows/events/", "flows/tokens/bot_identity.py", "flows/tokens/count_call.py",
            "flows/upkeep/interrupted_calls.py", "workers/queue_workers.py", "store/queue.py",
            "../sql/core/queue.sql", "../sql/core/inbox.sql", "checks/menu_options.py",
        ),
    ),
    (
        "a token's life: refreshed by one at a time, checked, marked dead",
        (
            "flows/install/exchange_code.py", "flows/install/require_admin.py", "flows/install/keep_grant.py",
            "flows/install/revoke_answer.py", "flows/install/granted_installation.py", "model/grants.py",
            "flows/tokens/refresh_token.py",
            "flows/tokens/slack_provider.py", "flows/tokens/rotated_pair.py",
            "flows/tokens/refresh_due.py",
            "flows/tokens/exchange_token.py", "flows/tokens/validate_tenant.py", "flows/tokens/judge_token.py",
            "flows/tokens/brake.py", "flows/tokens/needs_reinstall.py", "flows/tokens/freeze_tenant.py",
            "flows/install/drop_dead_pair.py", "../sql/core/freezes.sql", "../sql/core/token_freezes.sql",
            "checks/token_lifetime.py",
            "checks/token_refusals.py", "checks/slack_errors.py", "../sql/core/tenant_outcomes.sql",
        ),
    ),
    (
        "an end: what is erased, when, and how that is shown",
        (
            "flows/tenant_data.py", "flows/queue_data.py", "flows/core_data.py", "flows/removal/", "flows/backup/",
            "flows/upkeep/list_tenants.py", "flows/named_tenants.py",
        ),
    ),
    (
        "keys: read, cached, rotated, replaced, withdrawn",
        (
            "crypto/private_path.py", "crypto/keyfile.py", "vault/", "store/data_keys.py",
            "../sql/core/connection_keys.sql", "flows/keys/master_key_file.py",
            "flows/keys/rotate_keys.py", "flows/keys/retire_key.py", "flows/keys/list_keys.py",
            "flows/keys/reencrypt_tenant.py", "flows/keys/fingerprint_tokens.py", "flows/keys/suspend_tenant.py",
            "flows/keys/tenant_keys.py",
            "flows/upkeep/heartbeat.py",
        ),
    ),
    ("the audit, what the log may hold and a terminal may be shown, and how often anything may be done",
     ("model/audit.py", "checks/audit_word.py", "../sql/core/audit.sql", "store/audit.py",
      "flows/audit/verify_audit.py",
      "flows/audit/read_audit.py", "flows/audit/notes.py", "flows/upkeep/sweep.py",
      "flows/install/new_state.py", "runtime/log.py",
      "runtime/hand_off.py", "runtime/rate_limits.py", "runtime/health.py", "flows/upkeep/readiness.py",
      "cli/terminal/printing.py", "cli/terminal/arguments.py")),
    (
        "the database: pragmas, transactions, files, tables, and the words in them",
        (
            "store/engine/", "../sql/migrations/", "../sql/core/meta.sql", "../sql/core/processes.sql",
            "../sql/core/counters.sql", "model/enums.py", "store/columns.py",
        ),
    ),
    (
        "what a Bolt app is given, audit row first, and what it or its old store gives: whose, which pair counts",
        (
            "flows/install/save_external.py", "bolt/find_installation.py", "bolt/lease_refresh.py",
            "importer/import_installations.py", "importer/verify_owner.py", "../sql/core/installers.sql",
            "../sql/foreign/",
        ),
    ),
    (
        "the host side: whose a connection is, when it serves, and what ends it",
        ("host/", "../sql/host/"),
    ),
    ("calls to Slack", ("slack/client.py", "slack/transport.py", "slack/deadline.py")),
    (
        "settings, scopes and their reasons, composition, the server, and what it hands over: read and matched",
        (
            "model/settings.py", "config/", "checks/scopes.py", "checks/scope_reasons.py", "flows/app.py", "circles.py",
            "app.py",
            "cli/service/server.py", "web/request.py", "web/router.py",
        ),
    ),
    (
        "the host side: who calls for which organization, and what each role may do",
        ("host/routes.py", "host/callers.py", "host/errors.py", "host/model.py", "host/keys.py", "host/checks/"),
    ),
)  # fmt: skip
"""What it is, and where, below slackapp/. A folder stands for those of its files that no other row names."""
NAMED_FILES = {(ROOT / "slackapp" / name).resolve() for _, names in READING for name in names if name[-1] != "/"}
FIRST_SITTING = 7
LEFT_OUT = {
    "flows/upkeep/gauges.py": "counters",
}
"""What decides nothing about security, of the folders that must be read whole."""


def settings_table() -> str:
    """The table as the code has it."""
    lines = ["", "| setting | default | meaning |", "| --- | --- | --- |"]
    for setting in SETTINGS:
        default = {None: "required", "": "none"}.get(setting.default, f"`{setting.default}`")
        lines.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(lines) + "\n\n"


def files_of(name: str) -> list[Path]:
    """The files that a name of the reading order stands for."""
    path = (ROOT / "slackapp" / name).resolve()
    if not name.endswith("/"):
        return [path]
    return sorted(file for file in path.rglob("*.*") if file.suffix != ".pyc" and file not in NAMED_FILES)


def lines_of(names: tuple[str, ...]) -> int:
    """Lines of code, comments and all; rounded, so that not every change of a line is one of this page."""
    files = [file for name in names for file in files_of(name) if file.suffix in (".py", ".sql")]
    return round(sum(file.read_text(encoding="utf-8").count("\n") for file in files), -1)


def reading_table() -> str:
    """The order in which the code is best read, with how much that is."""
    rows: list[str] = []
    total = 0
    for number, (what, names) in enumerate(READING, 1):
        lines = lines_of(names)
        total += lines
        shown, folder = [], ""
        for name in names:
            place = str(Path("slackapp", name).parent)
            short = f"slackapp/{name}".replace("slackapp/../", "")
            end = "/" if name.endswith("/") else ""
            shown.append(f"`{Path(short).name if place == folder else short.removesuffix('/')}{end}`")
            folder = place
        rows.append(f"| {number} | {', '.join(shown)} | {what} | {lines:,} |")
        if number == FIRST_SITTING:
            rows.append(f"| | | **every decision about who may do what** | {total:,} |")
    head = ["", "| | read | and see | lines |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, f"| | | **all of it** | {total:,} |"]) + "\n\n"


def house_table() -> str:
    """Every room in the order of tests/meta/test_layers.py, with what its own first line says it is for."""
    lines = ["", "| | room | what it is | imports |", "| --- | --- | --- | --- |"]
    for number, rooms in enumerate(ORDER, 1):
        for room in rooms:
            lines.append(f"| {number} | {shown_room(room)} | {what_it_is(room)} | {may_import(number, room)} |")
    return "\n".join(lines) + "\n\n"


def shown_room(room: str) -> str:
    """As it stands below slackapp/."""
    return f"`{room}/`" if (ROOT / "slackapp" / room).is_dir() else f"`{room}.py`"


def what_it_is(room: str) -> str:
    """The first sentence of its docstring."""
    path = ROOT / "slackapp" / room
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8")
    return re.split(r"\.(?:\s|$)", (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0])[0]


def may_import(number: int, room: str) -> str:
    """The numbers of the rooms that it may import, or their names, and who alone may import it."""
    beside = [shown_room(other) for one, other in sorted(BESIDES) if one == room]
    below = [shown_room(other) for other in ONLY[room]] if room in ONLY else [up_to(number - 1)] * (number > 1)
    rooms = ONLY_FOR.get(room, ())
    whole = ("host",) if set(HOST) <= set(rooms) else ()  # in place of its many parts
    users = ", ".join(map(shown_room, (*whole, *(each for each in rooms if not (whole and each in HOST)))))
    alone = f"; imported by {users} alone" if users else "; no room imports it"
    return ", ".join(below + beside) + (alone if room in ONLY_FOR else "")


def up_to(number: int) -> str:
    """The rows of the table up to a number."""
    return f"1 to {number}" if number > 1 else "1"


PARTS = {
    "house": lambda: f"\n{house_table()}",
    "settings": lambda: f"\n{settings_table()}",
    "reading": lambda: f"\n{reading_table()}",
    "claims": lambda: str(len(claims())),
}


PLACES = {"house": ROOT / "docs" / "house.md", "settings": ROOT / "docs" / "settings.md"}
"""The page of each part that does not stand in the README."""


def part(name: str) -> re.Match[str]:
    page = PLACES.get(name, ROOT / "README.md")
    found = re.search(PART.format(name), page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"{page.name} has no part <!-- {name} -->"
    return found


@pytest.mark.parametrize("name", ["house", "settings", "claims"])
def test_what_is_written_by_this_file_is_as_it_writes_it(name: str) -> None:
    """Run this file as a program to write it anew: PYTHONPATH=. python tests/test_readme.py, or make docs."""
    assert part(name)[2] == PARTS[name]()


def test_the_reading_order_is_as_it_is_written_here_and_its_counts_are_about_right() -> None:
    """Counts may be off by a tenth: whoever adds three lines need not write this page anew."""
    number = re.compile(r"[\d,]+(?= \|$)", re.MULTILINE)
    told, true = part("reading")[2], PARTS["reading"]()
    assert number.sub("", told) == number.sub("", true)
    for claimed, counted in zip(number.findall(told), number.findall(true), strict=True):
        said, is_so = (int(text.replace(",", "")) for text in (claimed, counted))
        assert abs(said - is_so) <= max(20, is_so // 10), f"{said} lines are {is_so} by now: make docs"


def test_the_first_rows_are_one_sitting() -> None:
    assert sum(lines_of(names) for _, names in READING[:FIRST_SITTING]) <= 4500


def test_nothing_that_decides_is_left_out_of_the_reading_order() -> None:
    """Stops a new check, key or flow that no reviewer is told to read."""
    listed = {file for _, names in READING for name in names for file in files_of(name)}
    assert {file for file in listed if not file.exists()} == set()
    whole = {file for folder in ("checks", "crypto", "vault", "flows", "../sql") for file in files_of(f"{folder}/")}
    left = {ROOT / "slackapp" / name for name in LEFT_OUT}
    assert {file.name for file in whole - listed - left} - {"__init__.py", "__pycache__"} == set()
    assert left <= whole - listed
    kept = [file for file in (ROOT / "slackapp").rglob("*.py") if "claim: C-" in file.read_text(encoding="utf-8")]
    assert [file.relative_to(ROOT).as_posix() for file in kept if file not in listed] == []


def test_every_slackapp_command_is_in_the_readme_and_exists() -> None:
    named = {line.split()[1] for line in re.findall(r"`(slackapp [a-z]+[^`]*)`", README)}
    assert named - {"dev", "demo"} <= {command.name for command in COMMANDS}
    assert {command.name for command in COMMANDS} <= named


RUN_BY = {
    "make run": "not run: it is `slackapp dev`, which tests/cli/test_dev.py runs",
    "make long": "not run: it takes long, and is for a person before a release",
    "make bench": "not run: it needs a quiet machine for ten minutes",
    "make screenshots": "not run: it needs Chromium; tests/test_submission.py makes the pictures where there is one",
    "make docs": "not run: what it writes is compared by this file and tests/test_pages.py",
    "make claims": "not run: what it writes is compared by tests/claims/",
    "make bite": ".ci/run",
    "make demo": ".ci/run",
    "make test": ".ci/run",
    "make lint": ".ci/run",
    "make install": ".ci/run",
    "make help": "tests/meta/test_makefile.py",
    "pip install": ".ci/run",
    "slackapp dev": "tests/cli/test_dev.py",
    "slackapp serve": "tests/cli/test_serve.py",
    "slackapp demo": "tests/demo/test_demo.py",
    "slackapp config": "tests/cli/test_config.py",
    "slackapp keys": "tests/test_readme.py",
    "slackapp tenants": "tests/cli/test_purge.py",
    "slackapp export": "tests/cli/test_export.py",
    "slackapp brake": "tests/cli/test_brake.py",
    "slackapp check": "tests/cli/test_check.py",
    "slackapp freeze": "tests/cli/test_freeze.py",
    "slackapp unfreeze": "tests/cli/test_freeze.py",
    "slackapp exchange": "tests/cli/test_exchange.py",
    "slackapp import": "tests/importer/test_import_command.py",
    "slackapp inbox": "tests/cli/test_inbox.py",
    "slackapp incident": "tests/cli/test_incident.py",
    "slackapp audit": "tests/flows/backup/test_backup_database.py",
    "slackapp backup": "tests/flows/backup/test_backup_database.py",
    "slackapp restore": "tests/flows/backup/test_restore.py",
    "slackapp purge": "tests/cli/test_purge.py",
    "slackapp uninstall": "tests/flows/audit/test_audit_rows.py",
    "slackapp host": "tests/host/test_host_command.py",
    "slackapp seed": "tests/host/test_host_command.py",
    "slackapp review": "tests/host/reviews/test_review_commands.py",
    "slackapp reconcile": "tests/host/reviews/test_reconcile.py",
    "slackapp offboard": "tests/host/reviews/test_review_commands.py",
    "slackapp localslack": "tests/localslack/pages/test_control.py",
    "slackapp manifest": "tests/directory/test_manifest_command.py",
    "slackapp doctor": "tests/directory/test_doctor_command.py",
}
"""Each command of the README, and who runs it, or why nobody does."""


def test_every_command_is_run_by_somebody_or_it_is_said_why_not() -> None:
    code = [*re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL), *re.findall(r"`([^`\n]+)`", README)]
    named = {
        " ".join(found) for text in code for found in re.findall(r"^(make|slackapp|pip) ([a-z]+)", text, re.MULTILINE)
    }
    assert named <= set(RUN_BY)
    for command, place in RUN_BY.items():
        if not place.startswith("not run: "):
            text = (ROOT / place).read_text(encoding="utf-8")
            assert re.search(rf"\b{command.split()[1]}\b", text, re.IGNORECASE), f"{place} does not run {command}"


def test_the_first_screen_shows_both_surfaces_in_the_light_and_in_the_dark() -> None:
    """Take them anew with: make screenshots"""
    first_screen = README.partition("## ")[0]
    for name in readme_pictures.NAMES:
        picture = ROOT / "docs" / "pictures" / name
        assert 10_000 < picture.stat().st_size <= readme_pictures.LARGEST
        assert screenshots.size_of(picture) == (readme_pictures.WIDTH, readme_pictures.HEIGHT)
        assert first_screen.count(f'"docs/pictures/{name}"') == 1
    assert first_screen.count('alt="') == 2
    assert "readme_pictures docs/pictures" in (ROOT / "Makefile").read_text("utf-8")


def test_the_steps_of_the_picture_are_those_of_the_code() -> None:
    section = README.partition("## The install, arrow by arrow")[2].partition("## ")[0]
    listed = {int(number): words for number, words in re.findall(r"^(\d+)\. (.+)$", section, re.MULTILINE)}
    assert listed == {**steps_of("begin_install"), **steps_of("finish_install")}
    drawn = {
        int(number) for number in re.findall(r"(?<= )\d+(?=[ ,])", section.partition("```text")[2].partition("```")[0])
    }
    assert drawn == set(listed)


def test_the_commands_for_a_real_app_work_as_they_stand(tmp_path: Path) -> None:
    """Everything but `slackapp serve`, which tests/cli/ runs: it would not come back."""
    block = README.partition("## With a real app")[2].partition("```sh\n")[2].partition("```")[0]
    lines = block.splitlines()
    assert lines[-1] == "slackapp serve"
    script = "\n".join(["set -e", f'slackapp() {{ "{sys.executable}" -m slackapp "$@"; }}', *lines[:-1]])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "SLACKAPP_PUBLIC_URL" in done.stdout
    assert "0123456789abcdef" not in done.stdout
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


def test_the_example_behaviour_runs() -> None:
    code = README.partition("```python\n")[2].partition("```")[0]
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102  (our own README)
    calls: list[tuple[str, object]] = []

    class Context:
        def call(self, method: str, params: object) -> None:
            calls.append((method, params))

        def respond(self, text: str) -> None:
            calls.append(("respond", text))

    table = names["EVENTS"]
    assert isinstance(table, dict)
    table["app_mention"](Context(), {"ts": "1.2", "channel": "C0GENERAL1"})
    table["/hello"](Context(), {})
    said = {"channel": "C0GENERAL1", "thread_ts": "1.2", "text": "Hello."}
    assert calls == [("chat.postMessage", said), ("respond", "Hello.")]
    scopes = names["SCOPES"]
    assert isinstance(scopes, dict)
    assert set(scopes) == {scope for key in table for scope in scopes_for(key)}


if __name__ == "__main__":
    for kind, write in PARTS.items():
        file = PLACES.get(kind, ROOT / "README.md")
        text = re.sub(PART.format(kind), rf"\g<1>{write()}\g<3>", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        file.write_text(text, encoding="utf-8")
