"""Settings as they are given: the only reader of the environment.

Read once, at start. An unknown `SLACKAPP_…` name is refused: a misspelled setting must not be silently without effect.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slackapp.config import files as settingfiles
from slackapp.config import parsers as forms
from slackapp.config.files import FileRules
from slackapp.config.setting_table import ALIASES, SETTINGS, Setting
from slackapp.errors import CommandError, ConfigError, SettingMissingError, UsageError, naming
from slackapp.model import Secret, Settings, SlackAddresses

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CREDENTIALS = ("SLACK_APP_ID", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET")
_BY_NAME = {setting.name: setting for setting in SETTINGS}
_STRICT = _BY_NAME["SLACKAPP_STRICT"]
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
    _refuse_plain_secrets(environment)
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
    _refuse_plain_secrets(environment)
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


def _refuse_plain_secrets(environment: Mapping[str, str]) -> None:
    """Raises ConfigError for a secret that everybody sees who sees the environment, where that is to be so."""
    plain = [setting.name for setting in SETTINGS if setting.secret and setting.name in environment]
    with naming(_STRICT.name):
        is_strict = forms.yes_or_no(environment.get(_STRICT.name) or "no")
    # claim: C-400
    if plain and is_strict:
        raise ConfigError(
            f"{plain[0]}: stands in the environment or in .env, and {_STRICT.name}=yes takes no secret from there; "
            f"put it into a private file, and the file's name into {plain[0]}_FILE"
        )


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
