"""The proxies of examples/, run for real in front of `slackapp serve`: an install goes through, and nothing leaks.

Skipped, with the reason, where nginx or Caddy is not installed.
"""

import datetime
import hashlib
import hmac
import http.client
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slackapp.app import system_clock, system_entropy
from slackapp.demo.harness import free_port
from slackapp.localslack import LocalApp, LocalSlack
from tests.cli.process import ROOT, TIMEOUT, start
from tests.cli.test_serve import announced
from tests.support import programs
from tests.support.client import HttpBrowser, Reply
from tests.support.servers import serve
from tests.support.world import APP_ID, NORTH, environment

pytestmark = pytest.mark.long
BODY_LIMIT = 1024 * 1024


def certificate(folder: Path) -> tuple[Path, Path]:
    """For `localhost`, signed by itself, for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "fullchain.pem").write_bytes(made.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(private)
    return folder / "fullchain.pem", folder / "privkey.pem"


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The example with other names and ports; each must be in it."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, upstream: int) -> None:
    """Comes back when it listens; `nginx.pid` has its number."""
    chain, key = certificate(folder)
    example = changed(
        (ROOT / "examples" / "nginx.conf").read_text(),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("app.example.com", "localhost"),
        ("/etc/ssl/slackapp/fullchain.pem", str(chain)),
        ("/etc/ssl/slackapp/privkey.pem", str(key)),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
        ("/var/log/nginx/", f"{folder}/log/"),
    )
    (folder / "slackapp.conf").write_text(example)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/log/main.log; events {{ worker_connections 64; }}\n"
        f"http {{ access_log off; {paths} include {folder}/slackapp.conf; }}\n"
    )
    subprocess.run(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "log" / "first.log"], check=True)


def caddy(folder: Path, port: int, upstream: int) -> None:
    """The same; `caddy.pid`."""
    chain, key = certificate(folder)
    example = changed(
        (ROOT / "examples" / "Caddyfile").read_text(),
        ("{\n\tservers {", f"{{\n\tadmin off\n\thttps_port {port}\n\thttp_port {free_port()}\n\tservers {{"),
        ("app.example.com {\n\ttls {", f"localhost {{\n\ttls {chain} {key} {{"),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
    )
    version = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout
    if [int(number) for number in re.findall(r"\d+", version)[:3]] < [2, 6, 4]:
        example = changed(example, ("\trequest_buffers 1MiB", "\tbuffer_requests\n\t\tmax_buffer_size 1MiB"))
    (folder / "Caddyfile").write_text(example)
    told = (folder / "log" / "told.log").open("wb")
    at_home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = ["caddy", "start", "--config", folder / "Caddyfile", "--pidfile", folder / "caddy.pid"]
    with told:
        subprocess.run(command, check=True, env=at_home, stdout=told, stderr=told, stdin=subprocess.DEVNULL)


PROXIES = {"nginx": nginx, "caddy": caddy}


@dataclass
class Front:
    """What a browser, and Slack, see of the service."""

    folder: Path
    port: int
    service: "subprocess.Popen[str]"
    slack: LocalSlack

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @cached_property
    def browser(self) -> HttpBrowser:
        return HttpBrowser(self.url, self.context())

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> Reply:
        """To us over TLS, to the local Slack without."""
        return self.browser.send(method, url, body, **headers)

    def consent(self) -> str:
        """Begins an install and approves it; the address of the callback, with code and state."""
        begun = self.send("GET", f"{self.url}/slack/install")
        assert begun.status == 302
        return self.browser.consent(begun.location, NORTH).location

    def written(self) -> bytes:
        """All that the proxy and the service wrote."""
        return b"".join(file.read_bytes() for file in sorted((self.folder / "log").iterdir()))


@pytest.fixture(params=PROXIES)
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    """The proxy, the service and a local Slack, each on a socket of its own."""
    name = str(request.param)
    programs.require_program(name)
    (tmp_path / "log").mkdir()
    port, upstream = free_port(), free_port()
    url = f"https://localhost:{port}"
    app = LocalApp(
        app_id=APP_ID,
        client_id="1000000001.2000000002",
        client_secrets=("a-client-secret-for-tests",),
        signing_secret="a-signing-secret-for-tests",
        redirect_urls=(f"{url}/slack/oauth_redirect",),
        events_url=f"{url}/slack/events",
    )
    slack = LocalSlack(app, clock=system_clock, entropy=system_entropy)
    with serve(slack) as slack_url:
        slack.base_url = slack_url
        given = environment(
            tmp_path,
            slack_url,
            SLACKAPP_PUBLIC_URL=url,
            SLACKAPP_LISTEN=f"127.0.0.1:{upstream}",
            SLACKAPP_TRUSTED_PROXY="127.0.0.1",
            SLACKAPP_RATE_PER_MINUTE="60",
        )
        process = start(tmp_path, given, "serve")
        try:
            announced(process)
            PROXIES[name](tmp_path, port, upstream)
            try:
                yield Front(tmp_path, port, process, slack)
            finally:
                end(int((tmp_path / f"{name}.pid").read_text()))
        finally:
            process.kill()
            process.communicate()


def end(process_id: int) -> None:
    """Ends a proxy that is no child of ours, and waits for it."""
    os.kill(process_id, signal.SIGTERM)
    for _ in range(TIMEOUT * 10):
        if not Path(f"/proc/{process_id}").exists():
            return
        time.sleep(0.1)
    os.kill(process_id, signal.SIGKILL)


def test_an_install_goes_through_and_no_log_has_its_code(front: Front) -> None:
    """I read the proxy's log, and look for codes and states in it."""
    callback = front.consent()
    landed = front.send("GET", callback)
    assert (landed.status, landed.location) == (303, f"{front.url}/slack/installed")
    page = front.send("GET", landed.location)
    assert (page.status, "Northwind" in page.text) == (200, True)
    assert "__Host-slackapp_oauth" in front.browser.cookies

    # the service is away: what the proxy says of that has no query either
    second = front.consent()
    front.service.send_signal(signal.SIGTERM)
    out, error = front.service.communicate(timeout=TIMEOUT)
    (front.folder / "log" / "service.log").write_text(out + error)
    assert front.send("GET", second).status == 502
    for address in (callback, second):
        for value in urlsplit(address).query.split("&"):
            assert value.partition("=")[2].encode() not in front.written()
    assert b'"route": "/slack/oauth_redirect"' in front.written(), "the search is in the right place"


def test_the_service_sees_targets_as_they_were_sent(front: Front) -> None:
    """I spell an address in another way, so that the proxy makes another one of it."""
    for target in ("/slack%2finstall", "//slack/install", "/x/../slack/install", "/slack/./install", "/slack/install/"):
        assert front.send("GET", front.url + target).status == 404, target
    assert front.send("GET", f"{front.url}/slack/install").status == 302


def test_a_body_of_a_mebibyte_is_passed_on_and_a_larger_one_is_not(front: Front) -> None:
    headers = {"Content_Type": "application/json"}
    assert front.send("POST", f"{front.url}/slack/events", b"x" * BODY_LIMIT, **headers).status == 401
    refused = front.send("POST", f"{front.url}/slack/events", b"x" * (BODY_LIMIT + 1), **headers)
    # Caddy begins to pass it on, and either it ends that, or the service has read the length and refuses
    assert refused.status in (413, 502)
    if (front.folder / "nginx.pid").exists():
        assert b"max_body" not in refused.body, "waitress says that: it came to the service"
    assert not [
        file for kind in ("client_body", "proxy") for file in (front.folder / kind).rglob("*") if file.is_file()
    ]


def test_a_client_cannot_forge_the_address_that_is_limited(front: Front) -> None:
    """I name another address with each request, to be anybody but me."""
    answers = [
        front.send("GET", f"{front.url}/slack/install", X_Forwarded_For=f"203.0.113.{number}").status
        for number in range(70)
    ]
    assert (answers[0], answers[-1]) == (302, 429)


def test_a_proxy_serves_no_page_under_another_host(front: Front) -> None:
    """I send another name than the certificate's, to see what else lives there."""
    try:
        told = front.send("GET", f"{front.url}/", Host="other.example.com").body
    except (http.client.HTTPException, ConnectionError):
        told = b""
    assert told == b""


def test_what_slack_signed_arrives_byte_by_byte(front: Front) -> None:
    """A signature is over bytes: a proxy that changes one makes every event unsigned."""
    body = b'{"type": "url_verification",  "challenge": "a-challenge", "odd": "\xc3\xa9\\u00e9"}\n'
    now = str(system_clock())
    mac = hmac.new(b"a-signing-secret-for-tests", b"v0:" + now.encode() + b":" + body, hashlib.sha256).hexdigest()
    signed = {"X_Slack_Request_Timestamp": now, "X_Slack_Signature": f"v0={mac}", "Content_Type": "application/json"}
    answered = front.send("POST", f"{front.url}/slack/events", body, **signed)
    assert (answered.status, answered.text) == (200, "a-challenge")
