"""`slackapp doctor`: over real sockets, with the manifest of the folder, and with an exit status."""

import contextlib
import datetime
import ipaddress
import json
import shutil
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import ANY

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.demo.harness import free_port
from slackapp.directory.probe import Probe, ProbeResponse
from tests.cli.process import ROOT, Here, settings
from tests.cli.process import run as run_process
from tests.cli.test_dev import Dev
from tests.support.servers import serve
from tests.support.world import World, environment

DAY = datetime.timedelta(days=1)
FOR_A_PERSON = {15, 27, 30, 31, 32, 33, 34, 35, 37, 38}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    shutil.copy(ROOT / "manifest.yml", tmp_path)
    return Here(tmp_path, monkeypatch, capsys)


def unfolded(text: str) -> str:
    """As one line: whatever was folded at 80 columns is whole again."""
    return " ".join(text.split())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The service under waitress, on this machine; its settings."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = settings(tmp_path, SLACKAPP_PUBLIC_URL=url, SLACKAPP_COMPANY="Co", SLACKAPP_SUPPORT_EMAIL="help@unit.tests")
    with (tmp_path / "log").open("w") as log:
        service = build(config.load(given, {}), system_clock, system_entropy, log)
        with serve(service.wsgi, port=port, ident=""):
            yield given
        service.stop()


def test_an_app_on_this_machine_fails_in_nothing_but_being_local(here: Here, running: dict[str, str]) -> None:
    ended = here.run(running, "doctor", "--json")
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (ended.returncode, ended.stderr) == (1, "")
    assert [row["row"] for row in rows] == list(range(1, 39))
    assert {row["row"] for row in rows if row["result"] == "fail"} == {1, 3, 7, 28}
    assert all(row["local"] is (row["result"] == "fail") for row in rows), rows
    assert {row["row"] for row in rows if row["result"] == "person"} == FOR_A_PERSON
    text = here.run(running, "doctor").stdout
    assert [line for line in text.splitlines()[7:] if len(line) > 80 and len(line.split()) > 1] == []
    assert "\n 3  fail (local)  TLS 1.2 or newer" in text
    assert "4 fail (4 only because the address is local)" in text
    for secret in (running["SLACK_SIGNING_SECRET"], running["SLACK_CLIENT_SECRET"]):
        assert secret not in ended.stdout


def test_a_setting_that_needs_a_scope_is_taken_into_account(here: Here) -> None:
    """`make run` shows the button that removes the app; the manifest that goes to Slack does not ask for it."""
    ended = here.run({"SLACKAPP_HOME_ADMIN": "yes"}, "doctor", "--json")
    assert "not so: each feature has its scopes (users:read)" in json.loads(ended.stdout.splitlines()[7])["wrong"][0]


def test_it_counts_the_tenants_and_makes_no_database(here: Here, world: World, tmp_path: Path) -> None:
    world.browser().install()
    given = environment(world.folder, world.slack_url)
    seen = here.run(given, "doctor", "--url", "http://127.0.0.1:9").stdout
    assert f"\nstore     SQLite, {world.settings.database}, tenants: 1\n" in seen
    missing = tmp_path / "other.db"
    seen = here.run({**given, "SLACKAPP_DATABASE": str(missing)}, "doctor", "--url", "http://127.0.0.1:9").stdout
    assert f"{missing}, not made yet" in seen
    assert not missing.exists()


def test_the_signing_secret_is_used_for_the_app_that_it_is_for_alone(
    here: Here, running: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I have the operator look at an address of mine, and send his signatures on to his own app."""
    sent: list[dict[str, str]] = []

    def record(
        probe: Probe, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> ProbeResponse:
        sent.append(headers or {})
        return ProbeResponse(404, (), "", 0.0)

    monkeypatch.setattr(Probe, "send", record)
    here.run(running, "doctor", "--url", "http://localhost:3999")
    signatures = {headers["X-Slack-Signature"] for headers in sent if "X-Slack-Signature" in headers}
    assert signatures == {"v0=" + "0" * 64}


def test_the_text_says_what_is_wrong_what_to_do_and_what_a_person_must_check(here: Here, tmp_path: Path) -> None:
    text = (ROOT / "manifest.yml").read_text("utf-8").replace("example.com", "unit.tests")
    (tmp_path / "other.yml").write_text(text.replace("rotation_enabled: true", "rotation_enabled: false"), "utf-8")
    ended = here.run({}, "doctor", "--manifest", "other.yml")
    assert ended.returncode == 1
    assert "\n13  fail          token rotation is on\n" in ended.stdout
    assert "not so: token rotation is on; set settings.token_rotation_enabled to true" in unfolded(ended.stdout)
    assert "a person must: say where the app runs: --url URL" in ended.stdout
    assert "shown by tests/attacks/test_state.py" in ended.stdout
    assert "\nrotation  off\nscopes    app_mentions:read, chat:write, commands\n" in ended.stdout
    assert "\nstore     SQLite; which file is not known here\n" in ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("1 fail, 22 are for a person.")


def test_without_pyyaml_it_takes_what_the_program_itself_writes_and_json_and_says_how_to_have_more(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a plain install."""
    given = {"SLACKAPP_NAME": "Other: One", "SLACKAPP_BOT_SCOPES": "commands"}
    text = here.run(given, "manifest", "--url", "https://x.unit.tests").stdout
    (tmp_path / "other.yml").write_text(text, "utf-8")
    seen = here.run(given, "doctor", "--json", "--manifest", "other.yml").stdout
    (tmp_path / "other.json").write_text(json.dumps(yaml.safe_load(text)), "utf-8")
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert len(seen.splitlines()) == 38
    for name in ("other.yml", "other.json"):
        assert here.run(given, "doctor", "--json", "--manifest", name).stdout == seen
    shipped = here.run({}, "manifest", "--url", "https://x.unit.tests").stdout
    (tmp_path / "shipped.yml").write_text(shipped, "utf-8")
    assert len(here.run(given, "doctor", "--json", "--manifest", "shipped.yml").stdout.splitlines()) == 38, "as shipped"
    (tmp_path / "other.yml").write_text(text.replace("rotation_enabled: true", "rotation_enabled: false"), "utf-8")
    ended = here.run(given, "doctor", "--manifest", "other.yml")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("slackapp: other.yml: is not what `slackapp manifest` writes with these settings")
    assert ended.stderr.endswith("; run pip install pyyaml, or give JSON\n")


def test_an_address_where_nothing_answers_is_said_once(here: Here) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    ended = here.run({}, "doctor", "--url", url)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line == (
        f"slackapp: {url}: no answer (Connection refused); what is asked of the running app was not looked at"
    )
    assert "no answer" not in ended.stdout
    assert "not so: a code without a state is refused" not in unfolded(ended.stdout)
    assert unfolded(ended.stdout).count("a person must: run this again when the app answers") > 8
    assert here.run({}, "doctor", "--url", url, "--json").stderr.splitlines() == [line]


def test_reasons_of_the_behaviour_s_own_module_are_reasons(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ownbot.py").write_text(
        'SCOPES = {"commands": "to take /hi", "pins:read": "to count"}\n'
        'EVENTS = {"/hi": print, "reaction_added": print}\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "ownbot", raising=False)
    given = {"SLACKAPP_BEHAVIOUR": "ownbot:EVENTS"}
    (tmp_path / "own.yml").write_text(here.run(given, "manifest", "--url", "https://app.unit.tests").stdout)
    own = here.run(given, "doctor", "--manifest", "own.yml").stdout
    assert "\n 8  pass " in own
    foreign = unfolded(here.run({}, "doctor", "--manifest", "own.yml").stdout)
    assert "each scope has a written reason (pins:read); write why into SCOPES of the behaviour's" in foreign
    monkeypatch.delitem(sys.modules, "ownbot", raising=False)


def test_a_review_exits_0_without_failures_and_else_1(here: Here, tmp_path: Path) -> None:
    text = (ROOT / "manifest.yml").read_text("utf-8").replace("example.com", "unit.tests")
    for name in ("manifest.yml", "manifest.submitted.yml"):
        (tmp_path / name).write_text(text, "utf-8")
    assert here.run({}, "doctor").returncode == 0
    (tmp_path / "manifest.submitted.yml").write_text(text.replace("chat:write", "chat:write.public"), "utf-8")
    ended = here.run({}, "doctor")
    assert ended.returncode == 1
    assert "not so: the manifest is as it was submitted (scopes); submit the app again" in unfolded(ended.stdout)


@pytest.mark.parametrize("content", [None, b"\xff", b"x: 1\n"])
def test_a_manifest_that_cannot_be_read_is_refused_with_a_hint(
    here: Here, tmp_path: Path, content: bytes | None
) -> None:
    (tmp_path / "manifest.yml").unlink()
    if content is not None:
        (tmp_path / "manifest.yml").write_bytes(content)
    ended = here.run({}, "doctor")
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("slackapp: manifest.yml: ")


def test_a_redirect_is_not_followed_and_a_huge_answer_not_read() -> None:
    asked: list[str] = []

    def app(environ, start_response):  # type: ignore[no-untyped-def]
        asked.append(environ["PATH_INFO"])
        start_response("302 Found", [("Location", "/elsewhere?state=x")])
        return [b"a" * 2**20]

    with serve(app) as url:
        answer = Probe(url).get("/")
    assert (answer.status, answer.location, answer.query) == (302, "/elsewhere", {"state": "x"})
    assert asked == ["/"]
    assert len(answer.text) < 2**19


@contextlib.contextmanager
def answers(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    """Something that listens on this machine and deals with one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: reply(server.accept()[0]), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def test_the_probe_reports_a_server_without_tls() -> None:
    def reply(taken: socket.socket) -> None:
        with taken:
            taken.recv(4096)
            taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with answers(reply) as url:
        assert Probe(url).tls().startswith("!no answer (")
    assert Probe(url).get("/") == ProbeResponse(0, (), "no answer (Connection refused)", ANY)


def test_the_probe_reports_an_untrusted_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I stand between, with a certificate that I have made myself."""
    pem = certificate(tmp_path)

    def reply(taken: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        with contextlib.suppress(OSError), context.wrap_socket(taken, server_side=True) as secured:
            secured.recv(1)

    with answers(reply) as url:
        assert Probe(url).tls().startswith("!the certificate does not hold: ")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with answers(reply) as url:
        assert Probe(url).tls() == "TLSv1.3"


def certificate(folder: Path) -> Path:
    """One for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    day = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(day - DAY).not_valid_after(day + DAY)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = builder.add_extension(here, critical=False).sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "pem").write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return folder / "pem"


def test_no_older_tls_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[ssl.TLSVersion] = []
    monkeypatch.setattr(
        "http.client.HTTPSConnection.connect", lambda self: offered.append(self._context.minimum_version)
    )
    Probe("https://app.unit.tests").tls()
    assert offered == [ssl.TLSVersion.TLSv1_2]


@pytest.mark.long
def test_against_make_run_no_fail_is_about_anything_but_the_address(tmp_path: Path) -> None:
    dev = Dev(tmp_path)
    try:
        ended = run_process(
            tmp_path, {}, "doctor", "--url", dev.url, "--json", "--manifest", str(ROOT / "manifest.yml")
        )
    finally:
        dev.end(15)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    failed = {row["row"]: row["local"] for row in rows if row["result"] == "fail"}
    assert failed == dict.fromkeys((1, 3, 7, 24, 25, 28), True)
