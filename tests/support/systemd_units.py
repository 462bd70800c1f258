"""As much of systemd as the units of examples/ need: what they say is done, but for the walls around it.

Run as a program it stands in for `systemctl`: `python systemd_units.py FOLDER start NAME …`; FOLDER holds the units.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

Unit = dict[str, list[str]]


def parse(text: str) -> Unit:
    """Every key of a unit with all of its values, over all sections."""
    found: Unit = {}
    for line in text.splitlines():
        if line and line[0] not in "#;[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def begin(unit: Unit, credentials: Path) -> "subprocess.Popen[bytes]":
    """The program of a unit, in its folder, with its environment and its credentials."""
    shutil.rmtree(credentials, ignore_errors=True)
    credentials.mkdir(mode=0o700)
    for pair in unit.get("LoadCredential", []):
        name, _, source = pair.partition(":")
        (credentials / name).write_bytes(Path(source).read_bytes())
        (credentials / name).chmod(0o440)  # as systemd has them: readable beyond the owner, in a folder that is not
    given = [pair.replace("%d", str(credentials)).partition("=") for pair in unit.get("Environment", [])]
    environment = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials)}
    environment |= {name: value for name, _, value in given}
    (command,) = unit["ExecStart"]
    with (credentials.parent / f"{credentials.name}.log").open("ab") as log:
        return subprocess.Popen(
            shlex.split(command), cwd=unit["WorkingDirectory"][0], env=environment, stdout=log, stderr=log
        )


def _stop(number_file: Path, unit: Unit) -> None:
    if number_file.exists():
        process = int(number_file.read_text())
        os.kill(process, signal.Signals[unit["KillSignal"][0]])
        while Path(f"/proc/{process}").exists():
            pass
        number_file.unlink()


def _control(folder: Path, verb: str, name: str) -> int:
    unit, number_file = parse((folder / name).read_text()), folder / f"{name}.pid"
    if name.endswith(".timer"):
        return 0
    if verb in ("stop", "restart"):
        _stop(number_file, unit)
    if verb == "stop":
        return 0
    process = begin(unit, folder / f"{name}.credentials")
    if unit["Type"] == ["oneshot"]:
        return process.wait()
    number_file.write_text(str(process.pid))
    return 0


if __name__ == "__main__":
    place, action, *words = sys.argv[1:]
    names = [word for word in words if not word.startswith("--")]
    sys.exit(max((_control(Path(place), action, name) for name in names), default=0))
