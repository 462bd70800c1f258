"""Table of settings: name, form, default and meaning of each. The only reader of the environment.

Read once, at start. An unknown `SLACKAPP_…` name is refused: a misspelled setting must not be silently without effect.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slackapp.config import files as settingfiles
from slackapp.config import parsers as forms
from slackapp.config.files import FileRules
from slackapp.errors import CommandError, ConfigError, SettingMissingError, UsageError, naming
from slackapp.model import Secret, Settings, SlackAddresses

REQUIRED = None
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CREDENTIALS = ("SLACK_APP_ID", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET")


class Setting(NamedTuple):
    """Row of the table of settings.

    `default` is None where the setting must be given. A secret can also come from `NAME_FILE`.
    """

    name: str
    field: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str
    secret: bool = False


SETTINGS = (
    Setting("SLACK_APP_ID", "app_id", forms.app_id, REQUIRED, meaning="The app's id, `A…`."),
    Setting(
        "SLACK_CLIENT_ID", "client_id", forms.client_id, REQUIRED,
        meaning="The app's client id, two numbers with a dot.",
    ),
    Setting(
        "SLACK_CLIENT_SECRET", "client_secret", forms.secret, REQUIRED,
        meaning="The app's client secret.",
        secret=True,
    ),
    Setting(
        "SLACK_SIGNING_SECRET", "signing_secrets", forms.signing_secrets, REQUIRED,
        meaning="The app's signing secret; while it is being changed two, `NEW,OLD`. The audit tells when the old one "
        "is used.",
        secret=True,
    ),
    Setting(
        "SLACKAPP_PUBLIC_URL", "public_url", forms.public_url, REQUIRED,
        meaning="Where browsers and Slack reach the service, such as `https://app.example.com`.",
    ),
    Setting(
        "SLACKAPP_DATABASE", "database", forms.path, REQUIRED,
        meaning="The database file. It is made on first use.",
    ),
    Setting(
        "SLACKAPP_MASTER_KEY_FILE", "master_key_file", forms.path, REQUIRED,
        meaning="The file with the master keys. Make one with `slackapp keys new FILE`.",
    ),
    Setting(
        "SLACKAPP_SLACK_URL", "slack", forms.slack_url, "https://slack.com",
        meaning="Where Slack is. Plain http is taken for loopback only.",
    ),
    Setting(
        "SLACKAPP_OPERATOR_TOKEN_FILE", "operator_token", forms.optional_path, "",
        meaning="A private file with the token for `/slack/uninstall` and `/metrics`; without it both refuse all.",
    ),
    Setting("SLACKAPP_LISTEN", "listen", forms.listen, "127.0.0.1:8080", meaning="`HOST:PORT`, or `unix:/PATH`."),
    Setting(
        "SLACKAPP_TRUSTED_PROXY", "trusted_proxy", forms.ip_address, "",
        meaning="The IP address of the one proxy in front, whose `X-Forwarded-For` is believed; `localhost` for a unix "
        "socket.",
    ),
    Setting(
        "SLACKAPP_BOT_SCOPES", "bot_scopes", forms.scopes, "app_mentions:read,chat:write,commands",
        meaning="What the bot asks for, separated by commas; a lone comma for an app without a bot. Where it is not "
        "set, the `SCOPES` of the behaviour's module count, if it has them. Also taken as `SLACK_OAUTH_SCOPES`.",
    ),
    Setting(
        "SLACKAPP_USER_SCOPES", "user_scopes", forms.scopes, "",
        meaning="What is asked for as the installing person.",
    ),
    Setting(
        "SLACKAPP_REQUIRE_ADMIN_INSTALLER", "require_admin_installer", forms.yes_or_no, "no",
        meaning="`yes`: only admins may install; needs the scope `users:read`. For sensitive scopes it is always so.",
    ),
    Setting(
        "SLACKAPP_ALLOWED_TEAMS", "allowed_teams", forms.teams, "",
        meaning="Ids of the workspaces and organisations that may install, separated by commas; without it all may.",
    ),
    Setting(
        "SLACKAPP_HOME_ADMIN", "home_admin", forms.yes_or_no, "no",
        meaning="`yes`: admins can remove the app, and erase its data, from its Home tab; needs the scope "
        "`users:read`.",
    ),
    Setting(
        "SLACKAPP_STATE_TTL", "state_ttl", forms.state_ttl, "600",
        meaning="Seconds an install may take; at most 900.",
    ),
    Setting(
        "SLACKAPP_STATE_LIMIT", "state_limit", forms.state_limit, "100000",
        meaning="How many installs may be under way; more are answered 503.",
    ),
    Setting(
        "SLACKAPP_RATE_PER_MINUTE", "rate_per_minute", forms.rate, "60",
        meaning="How many installs one address may begin in a minute, finish, or have refused; more get 429.",
    ),
    Setting(
        "SLACKAPP_BEHAVIOUR", "behaviour", forms.behaviour, "slackapp.example:EVENTS",
        meaning="`module:TABLE`: what the app does, a mapping of event type to function.",
    ),
    Setting(
        "SLACKAPP_KEY_COMMANDS", "key_commands", forms.key_commands, "",
        meaning="Further key providers, `NAME=/PATH/TO/PROGRAM`, separated by commas; see docs/key-management.md.",
    ),
    Setting(
        "SLACKAPP_KEY_BACKUP_DIR", "key_backup_dir", forms.optional_path, "",
        meaning="The folder of the key backup: one file, rewritten by every backup, purge and key operation.",
    ),
    Setting(
        "SLACKAPP_METRICS_TENANTS", "metrics_tenants", forms.yes_or_no, "no",
        meaning="`yes`: `/metrics` names tenants by their ids, and not by keyed hashes.",
    ),
    Setting(
        "SLACKAPP_AUDIT_DAYS", "audit_days", forms.audit_days, "0",
        meaning="Days that audit rows are kept; 0 for ever.",
    ),
    Setting(
        "SLACKAPP_ONE_PROCESSOR", "one_processor", forms.yes_or_no, "yes",
        meaning="`yes`: a process keeps to one processor at a time, which costs less processor per request; more are "
        "used by more processes. `no` for a behaviour that starts programs of its own, which would keep to it, too.",
    ),
    Setting(
        "SLACKAPP_NAME", "name", forms.name, "Example",
        meaning="What the app is called, in Slack and on its pages.",
    ),
    Setting(
        "SLACKAPP_DESCRIPTION", "description", forms.description,
        "Answers mentions. Shows how to distribute an app safely.",
        meaning="What the app does, in ten words at most.",
    ),
    Setting(
        "SLACKAPP_COMPANY", "company", forms.company, "",
        meaning="Who runs the service, as `/privacy` and `/support` name them, with a postal address where the law "
        "wants one.",
    ),
    Setting(
        "SLACKAPP_SUPPORT_EMAIL", "support_email", forms.email, "",
        meaning="Where people get help, shown on `/support`.",
    ),
    Setting(
        "SLACKAPP_PRIVACY_EMAIL", "privacy_email", forms.email, "",
        meaning="Where people ask about their data, shown on `/privacy`; without it the address for help is.",
    ),
    Setting(
        "SLACKAPP_HOST_KEYS_FILE", "host_keys_file", forms.optional_path, "",
        meaning="The file with the host's keys, which switches the host side on. Make one with `slackapp host keys new "
        "FILE`; it needs the scope `users:read`.",
    ),
    Setting(
        "SLACKAPP_HOST_URL", "host_url", forms.optional_url, "",
        meaning="Where the host is, such as `https://product.example.com`: browsers are sent back there, and no other "
        "site may open a session here.",
    ),
    Setting(
        "SLACKAPP_HOST_COMPLETE_PATH", "host_complete_path", forms.url_path, "",
        meaning="The host's page on which a member confirms a connect that was begun by API; without it none can be.",
    ),
    Setting(
        "SLACKAPP_HOST_RETURN_PATH", "host_return_path", forms.url_path, "/settings/integrations",
        meaning="The host's page that browsers are sent back to where no other one was asked for.",
    ),
    Setting(
        "SLACKAPP_HOST_WORKSPACES", "host_workspaces", forms.workspaces, "1",
        meaning="How many workspaces an organization may connect, unless the host says otherwise for it.",
    ),
    Setting(
        "SLACKAPP_HOST_ORGANIZATIONS", "host_organizations", forms.organizations, "",
        meaning="Ids of the organizations for which the host side is on, separated by commas; without it for all.",
    ),
    Setting(
        "SLACKAPP_HOST_APPROVAL", "host_approval", forms.yes_or_no, "no",
        meaning="`yes`: members may ask to connect, and an owner or admin approves.",
    ),
    Setting(
        "SLACKAPP_HOST_PURPOSE", "host_purpose", forms.purpose, "",
        meaning="The id of what a connection is for where nobody says so, such as `notifications`; an organization "
        "need not have it among its own.",
    ),
    Setting(
        "SLACKAPP_HOST_RATE_PER_MINUTE", "host_rate_per_minute", forms.rate, "600",
        meaning="How many requests for one organization are answered in a minute; more get 429. What is begun or "
        "opened for it counts by `SLACKAPP_RATE_PER_MINUTE`, too.",
    ),
    Setting(
        "SLACKAPP_HOST_POSTS_PER_MINUTE", "host_posts_per_minute", forms.rate, "100",
        meaning="How many messages go out to one workspace in a minute; to one channel it is one a second."),
    Setting(
        "SLACK_REDIRECT_URI", "host_redirect_uri", str, "",
        meaning="Where Slack sends browsers back to the host side. It follows from the public URL; one that is given "
        "must be the same.",
    ),
    Setting(
        "SLACK_INTEGRATION_ENABLED", "integration_enabled", forms.yes_or_no, "yes",
        meaning="`no`: the host side begins and posts nothing; what ends something goes on.",
    ),
    Setting(
        "SLACKAPP_DATA_REGION", "data_region", forms.region, "",
        meaning="Where this deployment keeps data, such as `eu`: an organization of another region cannot connect.",
    ),
)  # fmt: skip

ALIASES: Mapping[str, str] = {"SLACK_OAUTH_SCOPES": "SLACKAPP_BOT_SCOPES"}
"""Other names that a setting may be given under."""
_BY_NAME = {setting.name: setting for setting in SETTINGS}
_KNOWN = {*_BY_NAME, *(f"{setting.name}_FILE" for setting in SETTINGS if setting.secret)}


def read_environment(folder: Path) -> dict[str, str]:
    """The process's environment over `.env` in `folder`; only names that concern us. Empty values are absent.

    Raises ConfigError for a line of `.env` that cannot be read.
    """
    given = {name: value for name, value in os.environ.items() if value}
    found = {**_read_dotenv(folder / ".env"), **given}
    ours = _without_aliases({name: value for name, value in found.items() if value and _is_ours(name)})
    # Only systemd says where its credentials lie: files there are exempt from the rule on modes.
    return {**ours, _SYSTEMD: os.environ[_SYSTEMD]} if os.environ.get(_SYSTEMD) else ours


def _without_aliases(given: dict[str, str]) -> dict[str, str]:
    """Gives each setting its one name. Raises ConfigError where it is given two values."""
    for alias, name in ALIASES.items():
        parse = _BY_NAME[name].parse
        with naming(alias):
            same = alias not in given or name not in given or set(parse(given[alias])) == set(parse(given[name]))
        if not same:
            raise ConfigError(f"{alias}: is another name of {name}, and both are set, to different values; remove one")
    return {ALIASES.get(name, name): value for name, value in given.items()}


_SYSTEMD = "CREDENTIALS_DIRECTORY"
_EMBEDDED: Mapping[str, Callable[[str], Any]] = {"state_ttl": forms.embedded_state_ttl}
"""What a program with a store of ours inside may set otherwise than the service."""
TRUSTED_FOLDER = "TRUSTED_FOLDER"
"""Among defaults: a developer's own folder, which is not judged, nor those above it. Never of the environment."""


def ignored_proxies() -> tuple[str, ...]:
    """Variables of the process's environment that send other programs through a proxy, and this one not."""
    names = (f"{scheme}_PROXY" for scheme in ("HTTPS", "HTTP", "ALL"))
    return tuple(name for each in names for name in (each, each.lower()) if os.environ.get(name))


def _files(environment: Mapping[str, str], trusted: str | None) -> FileRules:
    credentials = environment.get(_SYSTEMD)
    return FileRules(Path(credentials) if credentials else None, Path(trusted) if trusted else None)


def dotenv_is_shared(folder: Path) -> bool:
    """Tells whether `.env` is there and other users of the machine can read it."""
    try:
        return bool((folder / ".env").stat().st_mode & 0o077)
    except OSError:
        return False


def load(environment: Mapping[str, str], defaults: Mapping[str, str]) -> Settings:
    """Settings from what `read_environment` gave. `defaults` stand before those of the table.

    Raises ConfigError with one line that names the setting and what to do.
    """
    _refuse_unknown(environment)
    files = _files(environment, defaults.get(TRUSTED_FOLDER))
    values: dict[str, Any] = {"credentials_directory": files.credentials, "trusted_folder": files.trusted}
    for setting in SETTINGS:
        given = _raw_value(setting, environment, files)
        text = given if given is not None else defaults.get(setting.name, setting.default)
        if text is None:
            alternative = f" or {setting.name}_FILE" if setting.secret else ""
            raise SettingMissingError(f"{setting.name}: is missing; set it{alternative} in the environment or in .env")
        with naming(setting.name):
            values[setting.field] = setting.parse(text)
    values["operator_token"] = settingfiles.read_operator_token(values["operator_token"], files)
    settings = Settings(**values)
    forms.check_combinations(settings)
    settingfiles.check_paths(settings)
    return settings


def load_some(environment: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """A few settings by field, for what needs no service. None for one that must be given and is not.

    Raises ConfigError.
    """
    _refuse_unknown(environment)
    values: dict[str, Any] = {}
    for setting in (_BY_NAME[name] for name in names):
        text = _raw_value(setting, environment, _files(environment, None)) or setting.default
        with naming(setting.name):
            values[setting.field] = None if text is None else setting.parse(text)
    return values


def load_embedded(given: Mapping[str, str]) -> Settings:
    """Settings for a store inside another program, which gives its own by field; all others are as in the table.

    Nothing of the environment counts, but where systemd says that its credentials lie. Raises ConfigError.
    """
    credentials = _files(os.environ, trusted=None).credentials
    values: dict[str, Any] = {"credentials_directory": credentials, "trusted_folder": None}
    for setting in SETTINGS:
        text = given.get(setting.field) or setting.default or ""
        parse = _EMBEDDED.get(setting.field, setting.parse)
        with naming(setting.name):
            values[setting.field] = parse(text) if text or setting.default is not None else ""
    settings = Settings(**{**values, "signing_secrets": (), "client_secret": values["client_secret"] or Secret("")})
    settingfiles.check_paths(settings)
    return settings


def read_variable(name: str) -> Secret:
    """A variable that a person names on the command line. Raises CommandError."""
    if not _NAME.fullmatch(name):
        raise UsageError("--token-env: takes the name of a variable, not its value")  # which is not repeated here
    value = os.environ.get(name, "").strip()
    if not value:
        raise CommandError(f"{name}: there is no such variable in the environment, or it is empty")
    return Secret(value)


def missing_credentials(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Lists which of the app's four credentials are not set, neither directly nor as a file."""
    return tuple(name for name in CREDENTIALS if name not in environment and f"{name}_FILE" not in environment)


def describe(settings: Settings, environment: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, effective value (secrets masked) and where it comes from, for each setting."""
    rows = []
    for setting in SETTINGS:
        value = getattr(settings, setting.field)
        shown = "***" if setting.secret or isinstance(value, Secret) else _displayed(value)
        given = setting.name in environment or f"{setting.name}_FILE" in environment
        rows.append((setting.name, shown, "set" if given else "default"))
    return rows


def _displayed(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case SlackAddresses():
            return value.origin
        case tuple():
            return ",".join("=".join(str(part) for part in item) if isinstance(item, tuple) else item for item in value)
        case _:
            return str(value) if value is not None else ""


def _raw_value(setting: Setting, environment: Mapping[str, str], files: FileRules) -> str | None:
    file_name = f"{setting.name}_FILE"
    if not setting.secret or file_name not in environment:
        return environment.get(setting.name)
    if setting.name in environment:
        raise ConfigError(f"{setting.name}: is set twice, directly and as {file_name}; remove one of them")
    return settingfiles.read_secret(file_name, Path(environment[file_name]), files)


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    for name in environment:
        if _is_ours(name) and name not in _KNOWN:
            import difflib  # in a process that goes no further

            near = difflib.get_close_matches(name, _KNOWN, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see `slackapp config`"
            raise ConfigError(f"{name}: there is no such setting{hint}")


def _is_ours(name: str) -> bool:
    """Others have names that begin with SLACK_, too; what begins with SLACKAPP_ is a setting, or a mistake."""
    return name.startswith("SLACKAPP_") or name in _KNOWN or name in ALIASES


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path}: cannot be read as text; it must be UTF-8") from None
    from slackapp.config import dotenv  # in production there is none

    with naming(str(path)):
        return dotenv.parse(text, _is_ours)
