"""Every setting: what it takes, what it refuses, and that the refusal names it."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import parsers
from slackapp.config import settings as config
from slackapp.config.setting_table import SETTINGS
from slackapp.errors import ConfigError
from slackapp.model import Secret, Settings
from tests.support.disk_faults import chown_to_other_user
from tests.support.world import environment

SECRET = "s" * 16
PARTS = (system_clock, system_entropy, io.StringIO())
NAMES = [setting.name for setting in SETTINGS]
# Setting → text → what becomes of it
GOOD: dict[str, dict[str, Any]] = {
    "SLACK_APP_ID": {"A01": "A01", "A0LOCAL001": "A0LOCAL001"},
    "SLACK_CLIENT_ID": {"1.2": "1.2", "9" * 32 + "." + "9" * 32: "9" * 32 + "." + "9" * 32},
    "SLACK_CLIENT_SECRET": {SECRET: Secret(SECRET), "!~" * 64: Secret("!~" * 64)},
    "SLACK_SIGNING_SECRET": {
        SECRET: (Secret(SECRET),),
        f"{SECRET},{SECRET}x": (Secret(SECRET), Secret(SECRET + "x")),
        f"{SECRET} , {SECRET}x": (Secret(SECRET), Secret(SECRET + "x")),
    },
    "SLACKAPP_PUBLIC_URL": {
        "https://app.example.com": "https://app.example.com",
        "https://app.example.com/": "https://app.example.com",
        "https://APP.Example.com:8443": "https://app.example.com:8443",
        "https://app.example.com:443": "https://app.example.com",
        "http://localhost:3000": "http://localhost:3000",
        "http://localhost:80": "http://localhost",
        "http://127.0.0.1": "http://127.0.0.1",
        "http://[::1]:3000": "http://[::1]:3000",
    },
    "SLACKAPP_DATABASE": {"/var/lib/x.db": Path("/var/lib/x.db"), "x.db": Path.cwd() / "x.db"},
    "SLACKAPP_MASTER_KEY_FILE": {"/etc/key": Path("/etc/key"), "~/key": Path.home() / "key"},
    "SLACKAPP_LISTEN": {
        "8080": "127.0.0.1:8080",
        "0.0.0.0:80": "0.0.0.0:80",
        "[::1]:65535": "[::1]:65535",
        "localhost:0": "localhost:0",
        "127.0.0.1:00080": "127.0.0.1:80",
        "unix:/run/slackapp.sock": "unix:/run/slackapp.sock",
    },
    "SLACKAPP_TRUSTED_PROXY": {"10.0.0.1": "10.0.0.1", "::1": "::1", "FE80::1": "fe80::1", "localhost": "localhost"},
    "SLACKAPP_BOT_SCOPES": {
        "chat:write": ("chat:write",),
        "b, a,,b ,": ("b", "a"),
        "users:read.email,users:read": ("users:read.email", "users:read"),
    },
    "SLACKAPP_HOST_USER_SCOPES": {"chat:write": ("chat:write",)},
    "SLACKAPP_HOST_TOKEN_ORGANIZATIONS": {"acme": ("acme",)},
    "SLACKAPP_USER_SCOPES": {"emoji:read": ("emoji:read",), "a" * 100: ("a" * 100,)},
    "SLACKAPP_REQUIRE_ADMIN_INSTALLER": {"no": False, "NO": False, "False": False, "off": False, "0": False},
    "SLACKAPP_ALLOWED_TEAMS": {
        "T0NORTH001": ("T0NORTH001",),
        "T0NORTH001, E0EVERGRN1,,T0NORTH001 ,": ("T0NORTH001", "E0EVERGRN1"),
    },
    "SLACKAPP_HOME_ADMIN": {"no": False, "NO": False, "False": False, "off": False, "0": False},
    "SLACKAPP_STATE_TTL": {"60": 60, "600": 600, "900": 900},
    "SLACKAPP_STATE_LIMIT": {"1": 1, "10000000": 10_000_000},
    "SLACKAPP_RATE_PER_MINUTE": {"1": 1, "100000": 100_000},
    "SLACKAPP_BEHAVIOUR": {"a:B": "a:B", "a.b_c.d:EVENTS": "a.b_c.d:EVENTS"},
    "SLACKAPP_NAME": {"x": "x", "Ü" * 35: "Ü" * 35},
    "SLACKAPP_DESCRIPTION": {"x": "x", "Ü" * 140: "Ü" * 140},
    "SLACKAPP_COMPANY": {"Ü & Co, 1 A Street": "Ü & Co, 1 A Street", "x" * 200: "x" * 200},
    "SLACKAPP_SUPPORT_EMAIL": {"a.b+c@x-y.example.com": "a.b+c@x-y.example.com", "a@b.c": "a@b.c"},
    "SLACKAPP_PRIVACY_EMAIL": {"a" * 93 + "@b.cd": "a" * 93 + "@b.cd"},
    "SLACKAPP_KEY_COMMANDS": {
        "kms=/opt/wrap": (("kms", Path("/opt/wrap")),),
        "a=/x , b-2=/y,": (("a", Path("/x")), ("b-2", Path("/y"))),
    },
    "SLACKAPP_KEY_BACKUP_DIR": {"/srv/keys": Path("/srv/keys")},
    "SLACKAPP_METRICS_TENANTS": {"no": False, "yes": True},
    "SLACKAPP_AUDIT_DAYS": {"0": 0, "36500": 36_500},
    "SLACKAPP_STRICT": {"no": False},
    "SLACKAPP_ONE_PROCESSOR": {"yes": True, "no": False},
    "SLACKAPP_HOST_URL": {"https://Product.example.com/": "https://product.example.com"},
    "SLACKAPP_HOST_COMPLETE_PATH": {"/slack/complete": "/slack/complete"},
    "SLACKAPP_HOST_RETURN_PATH": {"/": "/", "/a-b/c_d.e~f/": "/a-b/c_d.e~f/"},
    "SLACKAPP_HOST_WORKSPACES": {"1": 1, "1000": 1000},
    "SLACKAPP_HOST_ORGANIZATIONS": {"acme": ("acme",), "acme, 0_b-C,acme": ("acme", "0_b-C")},
    "SLACKAPP_HOST_APPROVAL": {"no": False, "yes": True},
    "SLACKAPP_HOST_PURPOSE": {"": "", "Deploy_alerts-2": "Deploy_alerts-2"},
    "SLACKAPP_HOST_POSTS_PER_MINUTE": {"1": 1, "100000": 100_000},
    "SLACKAPP_HOST_RATE_PER_MINUTE": {"1": 1, "100000": 100_000},
    "SLACKAPP_HOST_WEBHOOK_URL": {
        "https://Product.example.com": "https://product.example.com",
        "https://product.example.com:443/slack/events?a=b": "https://product.example.com/slack/events?a=b",
    },
    "SLACK_INTEGRATION_ENABLED": {"true": True, "false": False, "no": False},
    "SLACKAPP_DATA_REGION": {"eu": "eu", "us-east-1": "us-east-1"},
}
NO_URL = (
    "example.com", "ftp://example.com", "https://", "https:///x", "https://example.com/path", "https://example.com?a",
    "https://example.com#a", "https://user@example.com", "https://a:b@example.com", "https://example.com:0",
    "https://example.com:65536", "https://example.com:x", "https://[::1", "https://exa mple.com", "https://é.com",
    "https://example.com\n", " https://example.com", "https://a\\b", "http://example.com", "http://127.0.0.2:3000",
    "http://localhost.evil.com", "http://10.0.0.1", "javascript:alert(1)",
)  # fmt: skip
BAD: dict[str, tuple[str, ...]] = {
    "SLACK_APP_ID": ("a01", "T0NORTH001", "A", "A0LOCAL001 ", "A" * 22),
    "SLACK_CLIENT_ID": ("1", "1.", ".2", "1.2.3", "a.b", "1,2", "1.2 ", "\u0661.2", "1." + "9" * 33),
    "SLACK_CLIENT_SECRET": ("s" * 15, "s" * 129, "s" * 15 + " ", "s" * 15 + "é", "s" * 15 + "\n"),
    "SLACK_SIGNING_SECRET": (
        "s" * 15, f"{SECRET},", f",{SECRET}", f"{SECRET},{SECRET}", f"{SECRET},{SECRET}x,{SECRET}y", f"{SECRET} x",
    ),
    "SLACKAPP_PUBLIC_URL": NO_URL,
    "SLACKAPP_SLACK_URL": NO_URL,
    "SLACKAPP_DATABASE": ("~no-such-user-here/x.db",),
    "SLACKAPP_MASTER_KEY_FILE": ("~no-such-user-here/key",),
    "SLACKAPP_LISTEN": ("65536", "x", "host:", ":8080", "host:x", "::1:8080", "unix:run/x", "h:1:2", "80 ", "8080\n"),
    "SLACKAPP_TRUSTED_PROXY": ("*", "proxy", "10.0.0.1,10.0.0.2", "10.0.0.0/8", "10.0.0.1 ", "010.0.0.1", "10.0.0.1:8"),
    "SLACKAPP_BOT_SCOPES": ("Chat:Write", "chat write", "chat:write;x", ":x", "a" * 101, "é", "a\nb", "a&b=c"),
    "SLACKAPP_HOST_USER_SCOPES": ("Chat:Write",),
    "SLACKAPP_HOST_TOKEN_ORGANIZATIONS": ("a b",),
    "SLACKAPP_USER_SCOPES": ("Chat:Write", "a b"),
    "SLACKAPP_REQUIRE_ADMIN_INSTALLER": ("y", "2", "yes ", "yes,no", "nope", "none"),
    "SLACKAPP_ALLOWED_TEAMS": (",", " ", "t0north001", "T0NORTH001 E0EVERGRN1", "U0NORTH001ADM", "T", "*", "T01;T02"),
    "SLACKAPP_HOME_ADMIN": ("y", "2", "yes ", "yes,no", "nope", "none"),
    "SLACKAPP_STATE_TTL": ("59", "901", "0", "-1", "+600", "6e2", "600.0", " 600", "6_00", "x", "\u0666\u0660\u0660"),
    "SLACKAPP_STATE_LIMIT": ("0", "10000001", "-1", "x", "9" * 5000),
    "SLACKAPP_RATE_PER_MINUTE": ("0", "100001", "-1", "x"),
    "SLACKAPP_BEHAVIOUR": ("a", "a:", ":B", "a.b", "a b:C", "a:B.C", "1a:B", "a:B\n", "../a:B"),
    "SLACKAPP_KEY_COMMANDS": ("kms", "kms=", "kms=x/y", "=/x", "KMS=/x", "2=/x", "a b=/x", "local=/x", "a=/x,a=/y"),
    "SLACKAPP_KEY_BACKUP_DIR": ("~no-such-user-here/keys",),
    "SLACKAPP_METRICS_TENANTS": ("y", "2", "hash"),
    "SLACKAPP_STRICT": ("y", "very"),
    "SLACKAPP_ONE_PROCESSOR": ("maybe", "1 or 2"),
    "SLACKAPP_AUDIT_DAYS": ("-1", "36501", "x", "1.5"),
    "SLACKAPP_NAME": ("x" * 36, "a\nb", "a\x00", "a\u202eb"),
    "SLACKAPP_DESCRIPTION": ("x" * 141, "a\nb"),
    "SLACKAPP_COMPANY": ("x" * 201, "a\nb", "a\u202eb"),
    "SLACKAPP_SUPPORT_EMAIL": ("a", "a@b", "a@b.c,d@e.f", "a b@c.d", "a@b.c\n", "a@b..c", "a@b.c?subject=x", "é@b.c"),
    "SLACKAPP_PRIVACY_EMAIL": ("a" * 97 + "@b.c", "@b.c", "<a@b.c>"),
    "SLACKAPP_HOST_KEYS_FILE": ("~no-such-user-here/host.keys",),
    "SLACKAPP_HOST_URL": NO_URL,
    "SLACKAPP_HOST_COMPLETE_PATH": ("complete", "//evil.example", "/a//b", "/a\\b", "/a?b", "/a#b", "/a b", "/é"),
    "SLACKAPP_HOST_RETURN_PATH": ("settings", "//", "https://evil.example/", "/a\n"),
    "SLACKAPP_HOST_WORKSPACES": ("0", "1001", "many"),
    "SLACKAPP_HOST_ORGANIZATIONS": (",", "a b", "acme;globex", "x" * 65),
    "SLACKAPP_HOST_APPROVAL": ("y", "maybe"),
    "SLACKAPP_HOST_PURPOSE": ("two words", "x" * 65, "\u00e9", "a\n"),
    "SLACKAPP_HOST_POSTS_PER_MINUTE": ("0", "100001", "x"),
    "SLACKAPP_HOST_RATE_PER_MINUTE": ("0", "100001", "x"),
    "SLACKAPP_HOST_WEBHOOK_URL": (
        "example.com", "ftp://example.com/x", "http://example.com/x", "https://a:b@example.com/x", "https://e.com/x#y",
        "https://e.com?a", "https://e.com/a b", "https://e.com/\n", "https://e.com/" + "x" * 1025, "https:///x",
    ),
    "SLACKAPP_HOST_WEBHOOK_SECRET_FILE": ("~no-such-user-here/secret",),
    "SLACK_INTEGRATION_ENABLED": ("enabled", "y"),
    "SLACKAPP_DATA_REGION": ("EU", "eu_west", "-eu", "eu-", "e u"),
}  # fmt: skip


def settings(tmp_path: Path, **changes: str) -> Settings:
    """What a good environment with these changes gives; an empty text leaves a setting out."""
    given = {**environment(tmp_path, "http://127.0.0.1:3001"), **changes}
    return config.load({name: value for name, value in given.items() if value}, {})


def refusal(tmp_path: Path, **changes: str) -> str:
    """The line with which a change is refused."""
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_a_good_value_is_taken(tmp_path: Path, name: str, text: str) -> None:
    field = next(setting.field for setting in SETTINGS if setting.name == name)
    assert getattr(settings(tmp_path, **{name: text}), field) == GOOD[name][text]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_a_bad_value_is_refused_by_the_name_of_its_setting(tmp_path: Path, name: str, text: str) -> None:
    assert refusal(tmp_path, **{name: text}).startswith(f"{name}: ")


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS if setting.default is None])
def test_a_required_setting_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    line = refusal(tmp_path, **{name: ""})
    assert line.startswith(f"{name}: is missing")
    assert (f"{name}_FILE" in line) is name.endswith("_SECRET")


def test_the_refusal_of_a_secret_does_not_show_it(tmp_path: Path) -> None:
    for name in ("SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET"):
        assert "hunter2" not in refusal(tmp_path, **{name: "hunter2"})


def test_what_is_not_set_has_its_default(tmp_path: Path) -> None:
    found = settings(tmp_path, SLACKAPP_RATE_PER_MINUTE="")
    assert (found.listen, found.trusted_proxy) == ("127.0.0.1:8080", "")
    assert (found.bot_scopes, found.user_scopes) == (("app_mentions:read", "chat:write", "commands"), ())
    assert (found.state_ttl, found.state_limit, found.rate_per_minute) == (600, 100_000, 60)
    assert (found.behaviour, found.name) == ("slackapp.example:EVENTS", "Example")
    assert (found.key_commands, found.key_backup_dir, found.audit_days) == ((), None, 0)
    assert (found.require_admin_installer, found.home_admin, found.allowed_teams) == (False, False, ())


def test_a_few_settings_can_be_read_without_all_the_others() -> None:
    """For what needs no service, such as the manifest."""
    names = ("SLACKAPP_PUBLIC_URL", "SLACKAPP_NAME", "SLACK_SIGNING_SECRET")
    nothing = {"public_url": None, "name": "Example", "signing_secrets": None}
    assert config.load_some({}, names) == nothing
    assert config.load_some({"SLACKAPP_NAME": "One", "SLACKAPP_STATE_TTL": "1"}, names) == {**nothing, "name": "One"}
    for wrong in ({"SLACKAPP_NAME": "x" * 36}, {"SLACKAPP_NAMES": "x"}):
        with pytest.raises(ConfigError):
            config.load_some(wrong, names)


def test_given_defaults_stand_before_those_of_the_table_and_behind_the_environment(tmp_path: Path) -> None:
    given = environment(tmp_path, "http://127.0.0.1:3001", SLACKAPP_LISTEN="1234")
    found = config.load(given, {"SLACKAPP_LISTEN": "99", "SLACKAPP_NAME": "given"})
    assert (found.listen, found.name) == ("127.0.0.1:1234", "given")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("SLACKAPP_STATE_TLL", "SLACKAPP_STATE_TTL"),
        ("SLACKAPP_PUBLIC_URI", "SLACKAPP_PUBLIC_URL"),
        ("SLACKAPP_OPERATOR_TOKEN", "SLACKAPP_OPERATOR_TOKEN_FILE"),
        ("SLACKAPP_LISTEN_FILE", "SLACKAPP_LISTEN"),
        ("SLACKAPP_ZZZZZZZZZZZZZZZZ", "slackapp config"),
    ],
)
def test_a_misspelled_setting_is_refused_with_a_hint(tmp_path: Path, name: str, near: str) -> None:
    assert refusal(tmp_path, **{name: "1"}).startswith(f"{name}: there is no such setting")
    assert near in refusal(tmp_path, **{name: "1"})


def test_other_names_of_slack_are_none_of_our_business(tmp_path: Path) -> None:
    assert settings(tmp_path, SLACK_BOT_TOKEN="xoxb-x").app_id == "A0LOCAL001"


# Settings that must fit together


def test_plain_http_is_for_a_local_slack_only(tmp_path: Path) -> None:
    line = refusal(tmp_path, SLACKAPP_SLACK_URL="https://slack.com")
    assert line.startswith("SLACKAPP_PUBLIC_URL: must be https")
    found = settings(tmp_path, SLACKAPP_SLACK_URL="https://slack.com", SLACKAPP_PUBLIC_URL="https://app.example.com")
    assert found.secure
    assert not settings(tmp_path).secure


def test_at_least_one_scope_is_asked_for(tmp_path: Path) -> None:
    assert refusal(tmp_path, SLACKAPP_BOT_SCOPES=",").startswith("SLACKAPP_BOT_SCOPES: is empty")
    found = settings(tmp_path, SLACKAPP_BOT_SCOPES=",", SLACKAPP_USER_SCOPES="emoji:read")
    assert (found.bot_scopes, found.user_scopes) == ((), ("emoji:read",))


@pytest.mark.parametrize("text", ["yes", "Yes", "TRUE", "on", "1"])
def test_an_admin_can_be_required_of_all_who_install(tmp_path: Path, text: str) -> None:
    given = {"SLACKAPP_BOT_SCOPES": "chat:write,users:read", "SLACKAPP_REQUIRE_ADMIN_INSTALLER": text}
    assert settings(tmp_path, **given).require_admin_installer is True


BLIND: dict[str, dict[str, str]] = {
    "SLACKAPP_BOT_SCOPES: add users:read; files:read is sensitive (it reads files), ": {
        "SLACKAPP_BOT_SCOPES": "chat:write,files:read,im:history"
    },
    "SLACKAPP_BOT_SCOPES: add users:read; search:read is sensitive (it searches messages and files), ": {
        "SLACKAPP_USER_SCOPES": "search:read"
    },
    "SLACKAPP_USER_SCOPES: add users:read; im:history is sensitive (it reads messages), ": {
        "SLACKAPP_BOT_SCOPES": ",",
        "SLACKAPP_USER_SCOPES": "im:history",
        "SLACKAPP_REQUIRE_ADMIN_INSTALLER": "yes",
    },
    "SLACKAPP_BOT_SCOPES: add users:read; users:read.email is sensitive (it reads everybody's email address), ": {
        "SLACKAPP_BOT_SCOPES": "users:read.email"
    },
    "SLACKAPP_BOT_SCOPES: add users:read; SLACKAPP_REQUIRE_ADMIN_INSTALLER is on, ": {
        "SLACKAPP_REQUIRE_ADMIN_INSTALLER": "yes"
    },
}


@pytest.mark.parametrize(("line", "changes"), BLIND.items())
def test_who_is_to_be_an_admin_must_be_seen_to_be_one(tmp_path: Path, line: str, changes: dict[str, str]) -> None:
    so = "so the installer must be an admin, and only that scope shows who is one"
    assert refusal(tmp_path, **changes) == line + so
    for name in ("SLACKAPP_BOT_SCOPES", "SLACKAPP_USER_SCOPES"):
        asked = changes.get(name, "chat:write").strip(",")
        assert settings(tmp_path, **{**changes, name: f"{asked},users:read"}).app_id == "A0LOCAL001"


@pytest.mark.parametrize("user_scopes", ["", "users:read"])
def test_the_admin_part_of_the_home_tab_needs_a_bot_that_sees_who_is_an_admin(tmp_path: Path, user_scopes: str) -> None:
    """A user's own scope does not help: it is the bot who asks."""
    given = {"SLACKAPP_HOME_ADMIN": "yes", "SLACKAPP_USER_SCOPES": user_scopes}
    assert refusal(tmp_path, **given).startswith("SLACKAPP_BOT_SCOPES: add users:read; SLACKAPP_HOME_ADMIN is on, ")
    assert settings(tmp_path, **given, SLACKAPP_BOT_SCOPES="chat:write,users:read").home_admin is True


def test_the_redirect_address_follows_from_the_public_one(tmp_path: Path) -> None:
    found = settings(tmp_path, SLACKAPP_PUBLIC_URL="https://app.example.com/")
    assert found.redirect_uri == "https://app.example.com/slack/oauth_redirect"


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        (
            "https://slack.com",
            ("https://slack.com/oauth/v2/authorize", "https://slack.com/api/", "https://hooks.slack.com",
             "https://app.slack.com", False),
        ),
        (
            "https://slack-gov.com/",
            ("https://slack-gov.com/oauth/v2/authorize", "https://slack-gov.com/api/", "https://hooks.slack-gov.com",
             "https://app.slack-gov.com", False),
        ),
        (
            "http://127.0.0.1:3001",
            ("http://127.0.0.1:3001/oauth/v2/authorize", "http://127.0.0.1:3001/api/", "http://127.0.0.1:3001",
             "http://127.0.0.1:3001", True),
        ),
    ],
)  # fmt: skip
def test_every_address_of_slack_follows_from_one(url: str, addresses: tuple[Any, ...]) -> None:
    found = parsers.slack_url(url)
    assert (found.authorize, found.api, found.response_origin, found.manage, found.is_local) == addresses
    assert url.startswith(found.origin)


# The host side

ON = {
    "SLACKAPP_HOST_KEYS_FILE": "/etc/slackapp/host.keys",
    "SLACKAPP_HOST_URL": "https://product.example.com",
    "SLACKAPP_BOT_SCOPES": "chat:write,users:read",
}
"""What switches it on."""


def test_the_host_side_is_off_until_there_are_keys(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.host_keys_file, found.host_url, found.host_complete_path) == (None, "", "")
    assert (found.host_return_path, found.host_workspaces) == ("/settings/integrations", 1)
    assert (found.host_approval, found.integration_enabled, found.data_region) == (False, True, "")
    assert settings(tmp_path, **ON).host_keys_file == Path("/etc/slackapp/host.keys")


@pytest.mark.claim("C-146")
@pytest.mark.parametrize("scopes", [{"SLACKAPP_BOT_SCOPES": "chat:write"}, {"SLACKAPP_BOT_SCOPES": ""}])
def test_the_host_side_needs_to_see_who_is_an_admin(tmp_path: Path, scopes: dict[str, str]) -> None:
    """I connect a workspace of which I am a guest, and read its channels."""
    line = refusal(tmp_path, **{**ON, **scopes})
    assert line.startswith("SLACKAPP_BOT_SCOPES: add users:read; with SLACKAPP_HOST_KEYS_FILE only an admin may give ")
    assert settings(tmp_path, **{**ON, **scopes, "SLACKAPP_USER_SCOPES": "users:read"}).host_keys_file is not None
    assert settings(tmp_path, **{**scopes, "SLACKAPP_HOST_URL": ON["SLACKAPP_HOST_URL"]}).host_keys_file is None


def test_the_host_side_needs_to_know_where_the_host_is(tmp_path: Path) -> None:
    assert refusal(tmp_path, **{**ON, "SLACKAPP_HOST_URL": ""}).startswith("SLACKAPP_HOST_URL: is missing; ")


def test_a_redirect_address_that_is_given_is_the_one_that_follows_from_the_public_url(tmp_path: Path) -> None:
    right, public = (
        "https://app.example.com/api/v2/slack/auth/callback",
        {"SLACKAPP_PUBLIC_URL": "https://app.example.com"},
    )
    assert settings(tmp_path, **ON, **public, SLACK_REDIRECT_URI=right).host_redirect_uri == right
    for wrong in (f"{right}/", right.upper(), "https://app.example.com/slack/oauth_redirect", "x"):
        assert refusal(tmp_path, **ON, **public, SLACK_REDIRECT_URI=wrong) == (
            f"SLACK_REDIRECT_URI: must be {right}, as SLACKAPP_PUBLIC_URL is; or leave it out"
        )
        assert settings(tmp_path, **public, SLACK_REDIRECT_URI=wrong).host_keys_file is None, "it is not ours then"


def test_the_scopes_have_another_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_OAUTH_SCOPES", "chat:write, users:read")
    assert config.read_environment(folder) == {"SLACKAPP_BOT_SCOPES": "chat:write, users:read"}
    monkeypatch.setenv("SLACKAPP_BOT_SCOPES", "users:read,chat:write")
    assert config.read_environment(folder).keys() == {"SLACKAPP_BOT_SCOPES"}, "the same in another order"
    monkeypatch.setenv("SLACKAPP_BOT_SCOPES", "chat:write")
    with pytest.raises(ConfigError) as caught:
        config.read_environment(folder)
    assert str(caught.value) == (
        "SLACK_OAUTH_SCOPES: is another name of SLACKAPP_BOT_SCOPES, and both are set, to different values; remove one"
    )
    monkeypatch.setenv("SLACK_OAUTH_SCOPES", "Chat Write")
    with pytest.raises(ConfigError, match=r"^SLACK_OAUTH_SCOPES: must be scopes"):
        config.read_environment(folder)


def test_the_other_name_is_no_setting_of_its_own(tmp_path: Path) -> None:
    """Stops a name that only the environment knows from being without effect elsewhere."""
    assert refusal(tmp_path, SLACK_OAUTH_SCOPES="chat:write").startswith("SLACK_OAUTH_SCOPES: there is no such setting")


# Secrets from files


@pytest.mark.parametrize("name", ["SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET"])
def test_a_secret_may_come_from_a_private_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"\n {SECRET} \n")
    file.chmod(0o600)
    found = settings(tmp_path, **{name: "", f"{name}_FILE": str(file)})
    assert Secret(SECRET) in (found.client_secret, *found.signing_secrets)
    line = refusal(tmp_path, **{name: SECRET, f"{name}_FILE": str(file)})
    assert line.startswith(f"{name}: is set twice")
    file.chmod(0o640)
    changes = {name: "", f"{name}_FILE": str(file)}
    assert refusal(tmp_path, **changes).startswith(f"{name}_FILE: {file}: others can read")
    file.chmod(0o600)
    file.write_bytes(b"\xff" * 20)
    assert refusal(tmp_path, **changes) == f"{name}_FILE: {file} is not text"
    file.write_text("short")
    assert refusal(tmp_path, **changes).startswith(f"{name}: must have 16 to 128")
    file.unlink()
    assert refusal(tmp_path, **changes).startswith(f"{name}_FILE: {file}: there is no")


@pytest.mark.claim("C-400")
def test_a_strict_service_takes_no_secret_from_the_environment(folder: Path) -> None:
    files = {"SLACK_CLIENT_SECRET": folder / "client", "SLACK_SIGNING_SECRET": folder / "signing"}
    changes: dict[str, str] = {"SLACKAPP_STRICT": "Yes"}
    for name, file in files.items():
        assert refusal(folder, **changes) == (
            f"{name}: stands in the environment or in .env, and SLACKAPP_STRICT=yes takes no secret from there; "
            f"put it into a private file, and the file's name into {name}_FILE"
        )
        file.write_text(SECRET)
        file.chmod(0o600)
        changes |= {name: "", f"{name}_FILE": str(file)}
    found = settings(folder, **changes)
    assert found.strict
    assert found.client_secret == Secret(SECRET)
    # What reads a few settings only is as strict, and `.env` is no better place than the environment.
    (folder / ".env").write_text(f"SLACKAPP_STRICT=yes\nSLACK_SIGNING_SECRET={SECRET}\n")
    with pytest.raises(ConfigError, match=r"SLACK_SIGNING_SECRET: stands in the environment or in \.env"):
        config.load_some(config.read_environment(folder), ("SLACKAPP_NAME",))


def test_a_secret_may_come_from_the_credentials_directory(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "secret").write_text(SECRET)
    (credentials / "secret").chmod(0o440)
    changes = {"SLACK_CLIENT_SECRET": "", "SLACK_CLIENT_SECRET_FILE": str(credentials / "secret")}
    assert "others can read" in refusal(tmp_path, **changes)
    assert settings(tmp_path, **changes, CREDENTIALS_DIRECTORY=str(credentials)).client_secret == Secret(SECRET)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"t" * 31, "32 to 512"), (b"t" * 513, "32 to 512"), (b"t t" * 20, "no spaces"), (b"\xff" * 40, "is not text")],
    ids=["short", "long", "spaces", "no text"],
)
def test_a_bad_operator_token_is_refused_by_its_setting(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    line = refusal(tmp_path, SLACKAPP_OPERATOR_TOKEN_FILE=str(file))
    assert line.startswith("SLACKAPP_OPERATOR_TOKEN_FILE: ")
    assert reason in line


def test_the_operator_token_is_optional(tmp_path: Path) -> None:
    assert settings(tmp_path, SLACKAPP_OPERATOR_TOKEN_FILE="").operator_token is None
    assert settings(tmp_path).operator_token == Secret("an-operator-token-of-forty-characters-xx")


# Where settings come from


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for `.env`, in an environment without settings of ours."""
    for name in os.environ:
        if name.startswith(("SLACK_", "SLACKAPP_")) or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    return tmp_path


DOTENV = r"""
# a comment
SLACKAPP_A=plain
 SLACKAPP_B = spaces around
export SLACKAPP_C=exported
SLACKAPP_D="in double quotes # not a comment"
SLACKAPP_E='in single quotes'
SLACKAPP_G=a=b
SLACKAPP_H=
SLACKAPP_I=""
OTHER=not ours
SLACKAPP_A2=first
SLACKAPP_A2=last
SLACKAPP_K=abca
  # an indented comment
export	 SLACKAPP_L=tab
SLACKAPP_M=value # a comment
SLACKAPP_N=va#lue
SLACKAPP_O="a # b" # a comment
SLACKAPP_P='a "b"'   # a comment
SLACKAPP_Q= # nothing but a comment
SLACKAPP_R="a \"b\" \\ \$c \n"
SLACKAPP_S='a \n'
SLACKAPP_T=#abc
SLACKAPP_U=	a b	# c
SLACKAPP_V=it's
SLACKAPP_W="5 \$ and $5 $" # $HOME is a comment's
SLACKAPP_X='${HOME} `x`'
SLACKAPP_Y=a;b~c$5
export SLACKAPP_Y
export SLACKAPP_Y OTHER # both
"""


def test_dotenv_is_read(folder: Path) -> None:
    (folder / ".env").write_text(DOTENV)
    assert config.read_environment(folder) == {
        "SLACKAPP_A": "plain",
        "SLACKAPP_B": "spaces around",
        "SLACKAPP_C": "exported",
        "SLACKAPP_D": "in double quotes # not a comment",
        "SLACKAPP_E": "in single quotes",
        "SLACKAPP_G": "a=b",
        "SLACKAPP_A2": "last",
        "SLACKAPP_K": "abca",
        "SLACKAPP_L": "tab",
        "SLACKAPP_M": "value",
        "SLACKAPP_N": "va#lue",
        "SLACKAPP_O": "a # b",
        "SLACKAPP_P": 'a "b"',
        "SLACKAPP_R": r'a "b" \ $c \n',
        "SLACKAPP_S": r"a \n",
        "SLACKAPP_T": "#abc",
        "SLACKAPP_U": "a b",
        "SLACKAPP_V": "it's",
        "SLACKAPP_W": "5 $ and $5 $",
        "SLACKAPP_X": "${HOME} `x`",
        "SLACKAPP_Y": "a;b~c$5",
    }


def test_a_dotenv_as_windows_writes_it_is_read(folder: Path) -> None:
    text = "\ufeffSLACKAPP_A=first\r\nSLACKAPP_B='b' # c\r\n\r\nSLACKAPP_C=c\x0bc\u2028c\x85c\r\n"
    (folder / ".env").write_bytes(text.encode())
    expected = {"SLACKAPP_A": "first", "SLACKAPP_B": "b", "SLACKAPP_C": "c\x0bc\u2028c\x85c"}
    assert config.read_environment(folder) == expected, "a line ends where an editor ends it"


NOT_OURS = """
MY-APP.KEY=1
npm_config_//registry.example.com/:_authToken=x
1A=x
=x
A B=x
PEM="-----BEGIN CERTIFICATE-----
MIIEpAIB
SLACKAPP_INSIDE=not ours either
-----END CERTIFICATE-----" # of another program
QUOTED='x'y
: x
export OTHER
set -a
source_up
PASSED_ON
OLD_FORM: x
OTHER_SLACKAPP_NAME="${OPEN
SLACKBOT-TOKEN=x
SLACK_BOT_TOKEN=$(pass show bot)
SLACK_WEBHOOK_URL="never closed
echo SLACKAPP_A is set
SLACKAPP_A=x
ALSO_OPEN='
"""


def test_names_that_are_not_ours_never_stop_a_start(folder: Path) -> None:
    """`.env` is everybody's: other programs have lines there in forms of their own."""
    (folder / ".env").write_text(NOT_OURS)
    assert config.read_environment(folder) == {"SLACKAPP_A": "x"}
    (folder / ".env").write_text('SLACKAPP_A=x\nOTHER="never closed\nSLACKAPP_B=y\n')
    assert config.read_environment(folder) == {"SLACKAPP_A": "x", "SLACKAPP_B": "y"}


NO_ASSIGNMENT = "is not of the form NAME=VALUE"
REPLACED = "nothing is put in the place of"
NOT_ALONE = "the value does not end with the line"
UNREADABLE = {
    "no value": ("SLACKAPP_A", NO_ASSIGNMENT),
    "an older form": ("SLACKAPP_A: x", NO_ASSIGNMENT),
    "a bare export and more": ("export SLACKAPP_A 2>/dev/null", NO_ASSIGNMENT),
    "as a shell lists them": ('declare -x SLACKAPP_A="a secret"', NO_ASSIGNMENT),
    "small letters and dashes": ("slack-client-id=x", NO_ASSIGNMENT),
    "a variable": ("SLACKAPP_B=${SECRET}", REPLACED),
    "a variable in quotes": ('SLACKAPP_B="a $SECRET"', REPLACED),
    "a variable behind an escape": (r'SLACKAPP_B="\\$SECRET"', REPLACED),
    "a command": ("export SLACK_CLIENT_SECRET=$(pass show secret)", REPLACED),
    "a command of old": ("SLACKAPP_B=`pass secret`", REPLACED),
    "a home": ("SLACKAPP_DATABASE=~/secret.db", REPLACED),
    "quotes of a shell": ("SLACKAPP_B=$'secret'", REPLACED),
    "two on a line": ("export SLACKAPP_A=secret SLACKAPP_B=y", NOT_ALONE),
    "a semicolon": ("SLACKAPP_A=secret;", NOT_ALONE),
    "two commands": ("SLACKAPP_A=secret; export SLACKAPP_A", NOT_ALONE),
    "a line that goes on": ("SLACKAPP_BOT_SCOPES=chat:write,\\", NOT_ALONE),
    "a dash": ("SLACKAPP-A=x", NO_ASSIGNMENT),
    "a space": ("SLACKAPP_A B=x", NO_ASSIGNMENT),
    "a space after export": ("export SLACKAPP_A B=x", NO_ASSIGNMENT),
    "an open quote": ("SLACKAPP_B=\"a secret'", "the quote before the value is not closed"),
    "a quote alone": ("SLACKAPP_B=' # a secret", "the quote before the value is not closed"),
    "an escaped quote": (r'SLACKAPP_B="a secret\"', "the quote before the value is not closed"),
    "more behind it": ("SLACKAPP_B='a secret'b", "something stands behind the closing quote"),
    "a comment too near": ("SLACKAPP_B='a secret'#b", "something stands behind the closing quote"),
}


@pytest.mark.parametrize(("line", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_cannot_be_understood_is_refused_by_its_number(folder: Path, line: str, why: str) -> None:
    (folder / ".env").write_text(f"SLACKAPP_A=x\n\n{line}\nSLACKAPP_C=y\n")
    with pytest.raises(ConfigError, match=rf"\.env: line 3:? {why}") as caught:
        config.read_environment(folder)
    assert "secret" not in str(caught.value)


def test_a_dotenv_that_is_no_text_is_refused_and_none_at_all_is_not(folder: Path) -> None:
    assert config.read_environment(folder) == {}
    (folder / ".env").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"\.env: cannot be read as text"):
        config.read_environment(folder)


def test_the_environment_stands_before_dotenv_and_empty_is_absent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("SLACKAPP_A=file\nSLACKAPP_B=file\n")
    monkeypatch.setenv("SLACKAPP_A", "process")
    monkeypatch.setenv("SLACKAPP_EMPTY", "")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    monkeypatch.setenv("UNRELATED", "x")
    assert config.read_environment(folder) == {
        "SLACKAPP_A": "process",
        "SLACKAPP_B": "file",
        "CREDENTIALS_DIRECTORY": "/run/credentials/x",
    }


def test_dotenv_does_not_say_where_the_credentials_lie(folder: Path) -> None:
    """I can write to `.env`, and have a folder of mine exempt from the rule on modes."""
    (folder / ".env").write_text("CREDENTIALS_DIRECTORY=/tmp/mine\nSLACKAPP_A=x\n")
    assert config.read_environment(folder) == {"SLACKAPP_A": "x"}


@pytest.mark.parametrize(("mode", "shared"), [(0o600, False), (0o640, True), (0o604, True), (0o644, True)])
def test_a_dotenv_that_others_can_read_is_noticed(folder: Path, mode: int, shared: bool) -> None:
    assert not config.dotenv_is_shared(folder)
    (folder / ".env").touch()
    (folder / ".env").chmod(mode)
    assert config.dotenv_is_shared(folder) is shared


def test_the_credentials_that_are_missing_are_named() -> None:
    given = {"SLACK_APP_ID": "A01", "SLACK_CLIENT_SECRET_FILE": "/x"}
    assert config.missing_credentials(given) == ("SLACK_CLIENT_ID", "SLACK_SIGNING_SECRET")
    assert len(config.missing_credentials({})) == 4


# Folders and programs


def places(root: Path) -> dict[str, str]:
    """A setting for each kind of place, each in a folder of its own below one."""
    for name in ("database", "backup", "socket", "program"):
        (root / "above" / name).mkdir(parents=True)
    program = root / "above" / "program" / "kms"
    program.touch(mode=0o755)
    return {
        "SLACKAPP_DATABASE": str(root / "above" / "database" / "slackapp.db"),
        "SLACKAPP_KEY_BACKUP_DIR": str(root / "above" / "backup"),
        "SLACKAPP_LISTEN": f"unix:{root / 'above' / 'socket' / 'slackapp.sock'}",
        "SLACKAPP_KEY_COMMANDS": f"acme={program}",
    }


PLACES = {
    "SLACKAPP_DATABASE": "database", "SLACKAPP_KEY_BACKUP_DIR": "backup", "SLACKAPP_LISTEN": "socket",
    "SLACKAPP_KEY_COMMANDS": "program",
}  # fmt: skip


@pytest.mark.parametrize(("name", "below"), PLACES.items())
@pytest.mark.claim("C-101")
def test_a_folder_that_others_can_change_is_refused_by_its_setting_with_a_hint(
    tmp_path: Path, name: str, below: str
) -> None:
    """I may write to a folder on the way to your data, and put data of mine in its place."""
    given = places(tmp_path)
    only = {name: given[name]}
    assert settings(tmp_path, **only)
    above, folder = tmp_path / "above", tmp_path / "above" / below
    for place, mode in ((above, 0o777), (above, 0o770), (above, 0o775), (folder, 0o777), (folder, 0o720)):
        place.chmod(mode)
        assert refusal(tmp_path, **only) == f"{name}: {place}: others can write to this folder; run: chmod go-w {place}"
        place.chmod(0o1777)
        assert settings(tmp_path, **only), "nobody can replace anything in a sticky folder"
        place.chmod(0o755)
    chown_to_other_user(above)
    assert refusal(tmp_path, **only).startswith(f"{name}: {above}: this folder belongs to another user")
    os.chown(above, os.geteuid(), -1)
    (tmp_path / "link").symlink_to(above)
    led = {name: given[name].replace("/above/", "/link/")}
    assert settings(tmp_path, **led)
    chown_to_other_user(tmp_path / "link")
    assert refusal(tmp_path, **led).startswith(f"{name}: {tmp_path / 'link'}: this link belongs to another user")


@pytest.mark.claim("C-101")
def test_a_key_program_that_others_can_change_is_refused(tmp_path: Path) -> None:
    """I write a few lines into the program that is given your customers' keys."""
    given = {name: text for name, text in places(tmp_path).items() if name == "SLACKAPP_KEY_COMMANDS"}
    program = tmp_path / "above" / "program" / "kms"
    program.chmod(0o775)
    line = refusal(tmp_path, **given)
    assert line == f"SLACKAPP_KEY_COMMANDS: {program}: others can change it; run: chmod go-w {program}"
    program.chmod(0o755)
    chown_to_other_user(program)
    assert refusal(tmp_path, **given).startswith(f"SLACKAPP_KEY_COMMANDS: {program}: belongs to another user")
    program.unlink()
    assert settings(tmp_path, **given), "one tenant's program that is not there does not stop the others"
    program.mkdir()
    assert refusal(tmp_path, **given) == f"SLACKAPP_KEY_COMMANDS: {program}: is not a regular file"


@pytest.mark.parametrize("name", ["SLACKAPP_MASTER_KEY_FILE", "SLACKAPP_DATABASE", "SLACKAPP_OPERATOR_TOKEN_FILE"])
@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname"])
def test_no_setting_tells_to_change_a_file_of_the_systems(tmp_path: Path, name: str, path: str) -> None:
    before = Path(path).read_bytes()
    with pytest.raises(ConfigError) as caught:
        build(config.load(environment(tmp_path, "http://127.0.0.1:9", **{name: path}), {}), *PARTS)
    assert str(caught.value).startswith(f"{name}: ")
    assert "chmod" not in str(caught.value)
    assert "chown" not in str(caught.value)
    assert "name a" in str(caught.value)
    assert Path(path).read_bytes() == before


# What is shown


def test_a_description_shows_every_setting_and_no_secret(tmp_path: Path) -> None:
    given = environment(tmp_path, "http://127.0.0.1:3001")
    rows = config.describe(config.load(given, {}), given)
    shown = {name: value for name, value, _ in rows}
    assert [name for name, _, _ in rows] == NAMES
    for name in ("SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET", "SLACKAPP_OPERATOR_TOKEN_FILE"):
        assert shown[name] == "***"
    assert shown["SLACKAPP_SLACK_URL"] == "http://127.0.0.1:3001"
    assert shown["SLACKAPP_BOT_SCOPES"] == "app_mentions:read,chat:write,commands"
    assert {name: source for name, _, source in rows if name in ("SLACK_APP_ID", "SLACKAPP_LISTEN")} == {
        "SLACK_APP_ID": "set",
        "SLACKAPP_LISTEN": "default",
    }
    assert shown["SLACKAPP_KEY_BACKUP_DIR"] == ""
    assert (shown["SLACKAPP_REQUIRE_ADMIN_INSTALLER"], shown["SLACKAPP_ALLOWED_TEAMS"]) == ("no", "")
    text = repr(rows)
    assert not [value for name, value in given.items() if name.endswith("SECRET") and value in text]
    assert "an-operator-token" not in text


def test_a_secret_from_a_file_is_shown_as_set(tmp_path: Path) -> None:
    given = environment(tmp_path, "http://127.0.0.1:3001")
    found = config.load(given, {})
    del given["SLACK_CLIENT_SECRET"]
    given["SLACK_CLIENT_SECRET_FILE"] = "/etc/slackapp/secret"
    assert ("SLACK_CLIENT_SECRET", "***", "set") in config.describe(found, given)


@pytest.mark.claim("C-18")
def test_settings_do_not_print_their_secrets(tmp_path: Path) -> None:
    found = repr(settings(tmp_path))
    assert "client_secret=***" in found
    assert "a-client-secret" not in found
    assert "an-operator-token" not in found


def test_every_setting_is_tested_here_or_says_why_not() -> None:
    elsewhere = {
        "SLACKAPP_SLACK_URL", "SLACKAPP_OPERATOR_TOKEN_FILE", "SLACKAPP_HOST_KEYS_FILE", "SLACK_REDIRECT_URI",
        "SLACKAPP_HOST_WEBHOOK_SECRET_FILE",
    }  # fmt: skip
    assert set(NAMES) - elsewhere == GOOD.keys()
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)
