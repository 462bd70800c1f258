"""What the README says is so: its settings, its commands, its picture, its example."""

import os
import re
import subprocess
import sys
from pathlib import Path

from slackapp import config
from slackapp.cli import COMMANDS
from slackapp.cli.steps import steps_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MARKS = re.compile(r"<!-- settings -->\n(.*?)<!-- /settings -->", re.DOTALL)


def settings_table() -> str:
    """The table as the code has it."""
    lines = ["", "| setting | default | meaning |", "| --- | --- | --- |"]
    for setting in config.SETTINGS:
        default = {None: "required", "": "none"}.get(setting.default, f"`{setting.default}`")
        lines.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(lines) + "\n\n"


def test_the_table_of_settings_is_the_code_s() -> None:
    """Run this file as a program to write the table anew."""
    found = MARKS.search(README)
    assert found is not None
    assert found[1] == settings_table()


def test_every_slackapp_command_is_in_the_readme_and_exists() -> None:
    named = {line.split()[1] for line in re.findall(r"`(slackapp [a-z]+[^`]*)`", README)}
    assert named - {"dev", "demo"} <= {command.name for command in COMMANDS}
    assert {command.name for command in COMMANDS} <= named


def test_the_steps_of_the_picture_are_those_of_the_code() -> None:
    section = README.partition("## The install, arrow by arrow")[2].partition("## ")[0]
    listed = {int(number): words for number, words in re.findall(r"^(\d+)\. (.+)$", section, re.MULTILINE)}
    assert listed == {**steps_of("begin_install"), **steps_of("finish_install")}
    drawn = {
        int(number) for number in re.findall(r"(?<= )\d+(?=[ ,])", section.partition("```text")[2].partition("```")[0])
    }
    assert drawn == set(listed)


def test_the_files_to_read_first_exist() -> None:
    section = README.partition("## Read it in this order")[2].partition("##")[0]
    folder = ""
    for name in re.findall(r"`([\w/]+(?:\.py|/))`", section):
        path = ROOT / name if "/" in name else ROOT / folder / name
        folder = str(Path(name).parent) if "/" in name else folder
        assert path.exists(), name


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

    table = names["EVENTS"]
    assert isinstance(table, dict)
    table["app_mention"](Context(), {"ts": "1.2", "channel": "C0GENERAL1"})
    assert calls == [("chat.postMessage", {"channel": "C0GENERAL1", "thread_ts": "1.2", "text": "Hello."})]


if __name__ == "__main__":
    written = MARKS.sub(lambda _: f"<!-- settings -->\n{settings_table()}<!-- /settings -->", README)
    (ROOT / "README.md").write_text(written, encoding="utf-8")
