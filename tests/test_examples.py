"""The files of examples/ say what docs/deployment.md says of them. tests/long/ runs them for real."""

import re
from pathlib import Path

import pytest

from slackapp.app import STOP_TIMEOUT
from slackapp.cli.service import dev_settings
from slackapp.config import settings as config
from slackapp.config.setting_table import ALIASES, SETTINGS
from slackapp.crypto import keyfile
from slackapp.model import HOST_CALLBACK_PATH
from slackapp.web.request import BODY_LIMIT
from tests.support import systemd_units

EXAMPLES = Path(__file__).parent.parent / "examples"
SERVICE, BACKUP = (
    systemd_units.parse((EXAMPLES / name).read_text()) for name in ("slackapp.service", "slackapp-backup.service")
)
NGINX, CADDY = ((EXAMPLES / name).read_text() for name in ("nginx.conf", "Caddyfile"))
WALLS = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "MemoryDenyWriteExecute": "yes",
    "LimitCORE": "0",
    "MemorySwapMax": "0",
    "UMask": "0077",
    "RestrictNamespaces": "yes",
    "SystemCallArchitectures": "native",
    "InaccessiblePaths": "/etc/slackapp/secrets",
}


@pytest.mark.parametrize("unit", [SERVICE, BACKUP], ids=["service", "backup"])
def test_each_unit_has_every_sandbox_option(unit: systemd_units.Unit) -> None:
    assert {name: unit.get(name) for name in WALLS} == {name: [value] for name, value in WALLS.items()}
    assert unit["User"] == ["slackapp"]
    families = set(unit["RestrictAddressFamilies"][0].split())
    assert families <= {"AF_INET", "AF_INET6", "AF_UNIX"}


@pytest.mark.parametrize("unit", [SERVICE, BACKUP], ids=["service", "backup"])
def test_no_secret_is_in_a_unit_and_each_comes_as_a_credential(unit: systemd_units.Unit) -> None:
    names = {setting.name for setting in SETTINGS if setting.secret} | {"SLACKAPP_OPERATOR_TOKEN"}
    given = dict(pair.split("=") for pair in unit["Environment"])
    assert set(given) == {f"{name}_FILE" for name in names}
    credentials = {f"%d/{pair.partition(':')[0]}" for pair in unit["LoadCredential"]}
    assert set(given.values()) == credentials


def test_the_service_is_stopped_with_time_enough_and_not_restarted_for_a_wrong_setting() -> None:
    assert (SERVICE["Type"], SERVICE["ExecStart"]) == (["exec"], ["/opt/slackapp/.venv/bin/slackapp serve"])
    assert SERVICE["KillSignal"] == ["SIGTERM"]
    assert int(SERVICE["TimeoutStopSec"][0]) >= 2 * STOP_TIMEOUT
    assert SERVICE["RestartPreventExitStatus"] == ["78"]


def test_what_nginx_passes_on_and_what_it_writes_down() -> None:
    assert "ssl_protocols       TLSv1.2 TLSv1.3;" in NGINX
    assert "proxy_set_header X-Forwarded-For   $remote_addr;" in NGINX
    assert "$proxy_add_x_forwarded_for" not in NGINX
    assert re.search(r"proxy_pass http://[\d.]+:\d+;", NGINX), (
        "a path after the port would make nginx decode the target"
    )
    assert BODY_LIMIT == 1024**2
    assert re.findall(r"client_(?:max_body|body_buffer)_size +(\w+);", NGINX) == ["1m", "1m"]
    (log,) = re.findall(r"log_format slackapp '(.*)';", NGINX)
    for whole in ("$request ", '$request"', "$request_uri", "$args", "$query_string", "$http_referer"):
        assert whole not in log
    assert re.findall(r"error_log .* (\w+);", NGINX) == ["crit"]
    for switch in ("proxy_request_buffering  on;", "proxy_buffering          on;", "proxy_next_upstream      off;"):
        assert switch in NGINX


def test_what_caddy_passes_on_and_what_it_writes_down() -> None:
    for line in (
        "protocols tls1.2 tls1.3",
        "header_up X-Forwarded-For {remote_host}",
        "max_size 1MiB",
        "request_buffers 1MiB",
        "exclude http.log.error http.handlers.reverse_proxy",
    ):
        assert f"\t{line}\n" in CADDY
    assert not re.search(r"^\s*log \{\s*output", CADDY, re.MULTILINE), "an access log has queries"


def test_programs_can_be_run_and_settings_of_the_page_are_settings() -> None:
    for name in ("slackapp-backup", "slackapp-command"):
        assert (EXAMPLES / name).stat().st_mode & 0o111
        assert (EXAMPLES / name).read_text().startswith("#!/bin/sh\n")
    page = (EXAMPLES.parent / "docs" / "deployment.md").read_text(encoding="utf-8")
    block = page.partition("cat > /etc/slackapp/.env) <<'END'\n")[2].partition("END\n")[0]
    known = {setting.name for setting in SETTINGS}
    assert {line.partition("=")[0].removesuffix("_FILE") for line in block.splitlines()} <= known | {
        "SLACKAPP_OPERATOR_TOKEN",
        "SLACKAPP_MASTER_KEY",
    }


SAMPLES = ("local", "ci", "staging", "production")


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_of_settings_is_read_and_switches_the_host_side_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that a sample names are made, below a folder of this test's; nothing in it is a secret."""
    text = (EXAMPLES / "settings" / f"{name}.env").read_text("utf-8")
    for place in ("/etc/slackapp", "/var/lib/slackapp"):
        text = text.replace(place, f"{tmp_path}{place}")
    dotenv = tmp_path / ".env"
    keyfile.write_private(dotenv, text.encode())
    monkeypatch.chdir(tmp_path)
    for known in (*ALIASES, *(setting.name for setting in SETTINGS)):
        monkeypatch.delenv(known, raising=False)
    given = config.read_environment(tmp_path)
    secret = {setting.name for setting in SETTINGS if setting.secret}
    assert not secret & given.keys()
    for path in (Path(value) for key, value in given.items() if key.endswith("_FILE")):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        keyfile.write_private(path, b"a-secret-of-this-test-and-of-nothing-else-x")
    for folder in ("var/lib/slackapp", "var/lib/slackapp-key-backup"):
        (tmp_path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    # What `slackapp dev` makes by itself, where a sample leaves it to that.
    own = {"SLACKAPP_SLACK_URL": "http://127.0.0.1:3001"}
    own |= {**dev_settings.make_defaults(dev_settings.LOCAL_FOLDER, given), **dev_settings.local_credentials("")}
    settings = config.load({**own, **given} if name == "local" else given, {})
    assert settings.host_keys_file is not None
    assert settings.host_redirect_uri == settings.public_url + HOST_CALLBACK_PATH
    assert "users:read" in settings.bot_scopes
    assert settings.integration_enabled
    assert (settings.slack.origin == "https://slack.com") is (name in ("staging", "production"))


def test_the_samples_are_those_that_the_page_names() -> None:
    page = (EXAMPLES.parent / "docs" / "deployment.md").read_text(encoding="utf-8")
    found = sorted(file.stem for file in (EXAMPLES / "settings").iterdir())
    assert found == sorted(SAMPLES)
    assert all(f"`examples/settings/{name}.env`" in page for name in SAMPLES)
