"""Settings that `slackapp dev` makes below `data/`, and `slackapp --dev …` finds there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slackapp.app import system_entropy
from slackapp.config import settings as config
from slackapp.config.setting_table import SETTINGS
from slackapp.crypto import keyfile
from slackapp.crypto.envelope import KEY_BYTES
from slackapp.errors import ConfigError

DEFAULT_PORT = 3000
FOLDER, LOCAL_FOLDER = Path("data"), Path("data/local")
"""For slack.com, and for the local Slack: keys, database and all else of the two are apart."""
_USED = "settings.json"
_CREDENTIALS = "app.json"


def folder_of(environment: Mapping[str, str]) -> Path:
    """Chooses the folder of `dev`: with all credentials one for slack.com, with none one for the local Slack.

    Raises ConfigError where only some are set.
    """
    missing = config.missing_credentials(environment)
    if missing and len(missing) < len(config.CREDENTIALS):
        raise ConfigError(
            f"{missing[0]}: is missing; set all of {', '.join(config.CREDENTIALS)} to talk to slack.com, "
            "or none of them to use the local Slack"
        )
    return LOCAL_FOLDER if missing else FOLDER


def make_defaults(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Makes the files below `data/` that `serve` needs, and returns the settings that name them."""
    for each in (FOLDER, folder):
        each.mkdir(mode=0o700, exist_ok=True)
        if each.stat().st_mode & 0o022:
            each.chmod(0o700)
    listen = environment.get("SLACKAPP_LISTEN", f"127.0.0.1:{DEFAULT_PORT}")
    if "SLACKAPP_MASTER_KEY_FILE" not in environment and not (folder / "master.key").exists():
        keyfile.create_master_key_file(folder / "master.key", system_entropy(KEY_BYTES))
    (folder / "key-backup").mkdir(mode=0o700, exist_ok=True)
    if not (folder / "operator.token").exists():
        keyfile.write_private(folder / "operator.token", system_entropy(32).hex().encode())
    # Behind a unix socket nobody knows the address but the operator.
    public_url = (
        {} if listen.startswith("unix:") else {"SLACKAPP_PUBLIC_URL": f"http://localhost:{listen.rpartition(':')[2]}"}
    )
    return {
        **public_url,
        "SLACKAPP_DATABASE": str(folder / "slackapp.db"),
        "SLACKAPP_MASTER_KEY_FILE": str(folder / "master.key"),
        "SLACKAPP_OPERATOR_TOKEN_FILE": str(folder / "operator.token"),
        "SLACKAPP_KEY_BACKUP_DIR": str(folder / "key-backup"),
        "SLACKAPP_LISTEN": listen,
    }


def local_credentials(name: str) -> dict[str, str]:
    """The credentials that the local Slack gives our app: made once, private, of no use anywhere else."""
    file = LOCAL_FOLDER / _CREDENTIALS
    if not file.exists():
        made = {
            "app_id": "A0LOCAL001",
            "client_id": "1000000001.2000000002",
            "client_secret": system_entropy(16).hex(),
            "signing_secret": system_entropy(16).hex(),
            "name": name,
        }
        keyfile.write_private(file, json.dumps(made).encode())
    app = _read(file)
    return {credential: app[credential.removeprefix("SLACK_").lower()] for credential in config.CREDENTIALS}


def credentials_file() -> Path:
    """The file with them, for the local Slack."""
    return LOCAL_FOLDER / _CREDENTIALS


def save_used(folder: Path, used: Mapping[str, str]) -> None:
    """Notes what `dev` was started with, but for secrets, so that a command beside it finds the same."""
    told = {name: value for name, value in used.items() if name.startswith("SLACKAPP_")}
    keyfile.replace_private(folder / _USED, json.dumps(told, indent=1).encode() + b"\n")


def was_used(environment: Mapping[str, str]) -> bool:
    """Tells whether `dev` was started here before."""
    try:
        return (folder_of(environment) / _USED).exists()
    except ConfigError:
        return False


def load_used(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as `dev` would have it; what is set now counts more than what was then. Raises ConfigError."""
    folder = folder_of(environment)
    if not (folder / _USED).exists():
        raise ConfigError(f"--dev: there is no {folder / _USED}; run this where `slackapp dev` (make run) was started")
    known = {setting.name for setting in SETTINGS}
    told = {name: str(value) for name, value in _read(folder / _USED).items() if name in known}
    local = local_credentials("") if folder == LOCAL_FOLDER else {}
    return {**told, **environment, **local}


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(keyfile.read_private(file, None, Path.cwd()))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: is not what `slackapp dev` wrote; remove it, and start `slackapp dev` again")
    return content
