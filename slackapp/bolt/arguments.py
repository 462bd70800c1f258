"""Arguments of the stores for Bolt, and the settings that they stand for."""

from pathlib import Path

from slackapp.errors import ConfigError

_ARGUMENTS = {
    "SLACK_APP_ID:": "app_id=",
    "SLACK_APP_ID ": "app_id= ",
    "SLACK_CLIENT_ID:": "client_id=",
    "SLACK_CLIENT_SECRET:": "client_secret=",
    "SLACKAPP_DATABASE:": "database=",
    "SLACKAPP_MASTER_KEY_FILE:": "master_key_file=",
    "SLACKAPP_KEY_BACKUP_DIR:": "key_backup_dir=",
    "SLACKAPP_SLACK_URL:": "slack_url=",
    "SLACKAPP_STATE_TTL:": "expiration_seconds=",
    "SLACKAPP_STATE_LIMIT:": "limit=",
}
"""What a setting of ours is called here."""
_MAX_MINUTES = 1440
_CLOCK_MARGIN = 60
"""Seconds by which Bolt's clock may be ahead of our look at ours."""


def in_argument_names(text: str) -> str:
    """Rewrites a message of ours in the words of whoever calls the store."""
    for name, argument in _ARGUMENTS.items():
        text = text.replace(name, argument)
    return text


def refresh_margin(minutes: int) -> int:
    """Converts minutes before expiry to seconds, clock margin included. Raises ConfigError."""
    if type(minutes) is not int or not 0 < minutes <= _MAX_MINUTES:
        raise ConfigError(f"token_rotation_expiration_minutes= must be a whole number from 1 to {_MAX_MINUTES}")
    return minutes * 60 + _CLOCK_MARGIN


def common_settings(database: str | Path, master_key_file: str | Path, client_id: str, app_id: str) -> dict[str, str]:
    """Collects the arguments that both stores share. Raises ConfigError for what is missing."""
    given = {
        "client_id": client_id,
        "database": str(database),
        "master_key_file": str(master_key_file),
    }
    for name, value in given.items():
        if not value:
            raise ConfigError(f"{name}= is missing")
    return {**given, "app_id": app_id}
