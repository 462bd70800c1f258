"""docs/deployment.md, typed as it stands, below a folder of the test; and the units of examples/, with their walls.

Nothing here needs root or systemd. What a command is replaced by, and why, is the table of stand-ins.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from slackapp.demo.harness import free_port
from tests.cli.process import ROOT, TIMEOUT, settings
from tests.cli.test_serve import announced
from tests.support import programs, systemd_units
from tests.support.client import request
from tests.support.world import environment, make_world

pytestmark = pytest.mark.long
PAGE = ROOT / "docs" / "deployment.md"
EXAMPLES = ROOT / "examples"
STAND_INS = {
    "useradd": ("exit 0", "users of this machine are not the test's to make"),
    "chown": ("exit 0", "that user is not there"),
    "runuser": ('while [ "$1" != -- ]; do shift; done; shift; exec "$@"', "that user is not there"),
    "git": ("exit 0", "there is no such server; the checkout is the one that is tested"),
    "make": ("exit 0", "fetches packages; .ci/run runs make install"),
    "nginx": ("exit 0", "reads /etc/nginx; tests/long/test_proxies.py runs nginx with the file"),
    "caddy": ("exit 0", "tests/long/test_proxies.py runs Caddy with the file"),
    "journalctl": ("exit 0", "there is no journal"),
}
PLACES = ("/etc/", "/opt/slackapp", "/var/lib/slackapp", "/var/backups/slackapp", "/usr/local/sbin")


# Without the owner and the group of what it makes
INSTALL = """
for word; do
    shift
    case $word in
    -o | -g) skip=1 ;;
    *) [ "${skip-}" ] || set -- "$@" "$word"; skip= ;;
    esac
done
exec install "$@"
"""


def lasting_port() -> int:
    """A port that stays free while a service restarts: none of those that the system gives to whoever calls out."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


class Machine:
    """A folder that plays the VM."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "vm"
        self.port = lasting_port()
        self.programs = folder / "programs"
        self.programs.mkdir()
        for place in (
            "etc/nginx/conf.d",
            "etc/caddy",
            "etc/systemd/system",
            "usr/local/sbin",
            "opt/slackapp/.venv/bin",
        ):
            (self.root / place).mkdir(parents=True)
        for name, (script, _) in STAND_INS.items():
            self.program(self.programs / name, script)
        # the owner and the group of what it makes are left out
        self.program(self.programs / "install", INSTALL.replace("install", str(shutil.which("install"))))
        system = self.root / "etc" / "systemd" / "system"
        self.program(
            self.programs / "systemctl",
            'case "$*" in daemon-reload|is-failed*) exit 0;; "enable --now "*) shift 2; set -- start "$@";; esac\n'
            f'exec {sys.executable} {ROOT}/tests/support/systemd_units.py {system} "$@"',
        )
        bare = f"PYTHONPATH={ROOT} exec {sys.executable}"
        self.program(self.root / "opt/slackapp/.venv/bin/slackapp", f'{bare} -m slackapp "$@"')
        self.program(self.root / "opt/slackapp/.venv/bin/python", f'{bare} "$@"')
        (self.root / "opt" / "slackapp" / "examples").mkdir()
        for example in EXAMPLES.iterdir():
            copy = self.root / "opt" / "slackapp" / "examples" / example.name
            copy.write_text(self.relocated(example.read_text()))
            copy.chmod(example.stat().st_mode)

    def program(self, file: Path, script: str) -> None:
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def relocated(self, text: str) -> str:
        """The same with every path below the folder, and with a port that is free."""
        for place in PLACES:
            text = text.replace(place, f"{self.root}{place}")
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")

    def type(self, block: str) -> str:
        """What a person types; the output."""
        pasted = r"(umask 077; echo is-pasted-by-a-person-here > \1)"
        typed = re.sub(r"^\(umask 077; cat > (\S+secret)\)$", pasted, self.relocated(block), flags=re.MULTILINE)
        backups = sorted((self.root / "var/backups/slackapp").glob("*"))
        if backups:
            typed = typed.replace("2026-11-22T031700Z", backups[-1].name)
        path = f"{self.programs}:{self.root}/usr/local/sbin:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", typed], cwd=self.root, env={"PATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def blocks() -> list[str]:
    """Every block of commands of the page."""
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    """From an empty machine to a service that answers; a backup, an upgrade, and the way back."""
    programs.require_program("curl")
    machine = Machine(tmp_path)
    told = []
    try:
        for block in blocks():
            # the service answers as soon as it listens, and on a real machine a person is slower
            retried = block.replace("curl --fail", "curl --retry 30 --retry-connrefused --retry-delay 1 --fail")
            told.append(machine.type(retried))
    finally:
        machine.type("systemctl stop slackapp.service")
    output = "".join(told)
    for expected in ('"ready":true', "0 tenants open whole", "restored", "SLACKAPP_PUBLIC_URL", "nothing was changed"):
        assert expected in output
    assert "is-pasted-by-a-person-here" not in output
    assert "warning" not in output
    private = [
        machine.root / "etc/slackapp/keys",
        *(machine.root / "var").rglob("*"),
        machine.root / "etc/slackapp/.env",
    ]
    private += (machine.root / "etc/slackapp").glob("*/*")
    assert [file for file in private if file.stat().st_mode & 0o077 and file.name not in ("lib", "backups")] == []


def test_every_stand_in_program_is_used_on_the_page() -> None:
    """Stops the table of excuses from growing."""
    words = set(re.findall(r"^(?:.*&& )?(\w+)", "\n".join(blocks()), re.M)) | {"runuser"}
    assert set(STAND_INS) <= words


def test_a_backup_of_a_night_is_tried_out_and_old_ones_go(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    folder = tmp_path / "backups"
    for name in ("2020-01-01T031700Z", "2020-01-02T031700Z", "of-somebody-else"):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (0, 0))
    with make_world(tmp_path, SLACKAPP_KEY_BACKUP_DIR=str(keys)) as world:
        assert world.browser().install().status == 303
        given = {"PATH": os.environ["PATH"]}
        given |= environment(tmp_path, world.slack_url, SLACKAPP_KEY_BACKUP_DIR=str(keys))
        program = tmp_path / "slackapp"
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m slackapp "$@"\n')
        program.chmod(0o755)
        command = [EXAMPLES / "slackapp-backup", program, folder]
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "1 tenants open whole; 0 were purged" in done.stdout
        (made,) = (path for path in folder.iterdir() if path.name != "of-somebody-else")
        assert {file.name for file in made.iterdir()} == {"data.db", "manifest.json"}

        # one that would not restore ends badly, and then nothing older is deleted
        os.utime(made, (0, 0))
        (keys / "slackapp-keys.json").unlink()
        keys.rmdir()
        failed = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
        assert failed.returncode != 0
        assert made.exists()


# The walls

LAUNCH = r"""
import ctypes, errno, os, sys

class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

def must(result, what):
    if result != 0:
        sys.exit(f"cannot {what}: {os.strerror(ctypes.get_errno() or -result)}")

calls, families, command = sys.argv[1].split(","), sys.argv[2].split(","), sys.argv[3:]
libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
must(libc.prctl(38, 1, 0, 0, 0), "give up new rights")
must(libc.prctl(65, 1, 0, 0, 0), "deny writable code")  # PR_SET_MDWE, Linux 6.3
rules = ctypes.c_void_p(seccomp.seccomp_init(0x00050000 | errno.EPERM))
for name in calls:
    number = seccomp.seccomp_syscall_resolve_name(name.encode())
    if number < 0 or name == "socket":
        continue
    must(seccomp.seccomp_rule_add_array(rules, 0x7FFF0000, number, 0, None), "allow " + name)
number = seccomp.seccomp_syscall_resolve_name(b"socket")
for family in families:
    only = Compare(0, 4, int(family), 0)
    must(seccomp.seccomp_rule_add_array(rules, 0x7FFF0000, number, 1, ctypes.byref(only)), "allow sockets")
must(seccomp.seccomp_load(rules), "load the rules")
os.execv(command[0], command)
"""
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


def system_calls(unit: systemd_units.Unit) -> set[str]:
    """What the filters of a unit leave, by systemd's own list of what each group holds."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    groups: dict[str, list[str]] = {}
    for line in listed.splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())

    def whole(name: str) -> set[str]:
        return {name} if name[0] != "@" else {call for member in groups[name] for call in whole(member)}

    allowed: set[str] = set()
    for value in unit["SystemCallFilter"]:
        named = {call for name in value.removeprefix("~").split() for call in whole(name)}
        allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


@pytest.fixture(scope="module")
def walls() -> list[str]:
    """The beginning of a command that runs the rest behind the walls of the unit."""
    unit = systemd_units.parse((EXAMPLES / "slackapp.service").read_text())
    programs.require_program("systemd-analyze")  # which tells what is in its groups of system calls
    families = [str(FAMILIES[name]) for name in unit["RestrictAddressFamilies"][0].split()]
    command = [sys.executable, "-c", LAUNCH, ",".join(sorted(system_calls(unit))), ",".join(families)]
    probe = subprocess.run([*command, sys.executable, "-c", ""], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"this machine cannot build the walls: {probe.stderr.strip()[-100:]}")
    return command


def test_the_whole_round_trip_works_behind_the_walls_of_the_unit(walls: list[str], tmp_path: Path) -> None:
    """Ours and those of cffi, cryptography and SQLite: nothing that is needed is forbidden."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [*walls, sys.executable, "-m", "slackapp", "demo"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]


def test_the_service_starts_answers_and_ends_behind_the_walls(walls: list[str], tmp_path: Path) -> None:
    """`serve` sets a limit of its own, which is a system call, too."""
    port = free_port()
    given = settings(tmp_path, SLACKAPP_LISTEN=f"127.0.0.1:{port}")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given}
    command, pipe = [*walls, sys.executable, "-m", "slackapp", "serve"], subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            announced(process)
            assert request("GET", f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT).status == 200
            process.terminate()
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    "forbidden",
    [
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "import os; os.chown('/', 0, 0)",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "import os; os.chroot('/')",
    ],
)
def test_the_units_sandbox_blocks_each_forbidden_call(walls: list[str], forbidden: str) -> None:
    """Negative control: stops a launcher that forbids nothing."""
    done = subprocess.run([*walls, sys.executable, "-c", forbidden], capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr


def test_systemd_reads_the_units_and_finds_little_exposure(tmp_path: Path) -> None:
    programs.require_program("systemd-analyze")
    names = ("slackapp.service", "slackapp-backup.service", "slackapp-backup.timer")
    for name in names:
        text = (EXAMPLES / name).read_text()
        (tmp_path / name).write_text(re.sub(r"(?<=^ExecStart=).*$", "/bin/true", text, flags=re.M))
    run = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, check=False)
    read = run(["systemd-analyze", "verify", "--man=no", *names])
    assert (read.returncode, read.stderr) == (0, "")
    for name, most in (("slackapp.service", 12), ("slackapp-backup.service", 5)):
        judged = run(["systemd-analyze", "security", "--offline=yes", f"--threshold={most}", name])
        assert judged.returncode == 0, judged.stdout[-500:]
