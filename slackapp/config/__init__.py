"""Settings: every one in one table, read from the environment once, checked and frozen."""

from slackapp.config.settings import (
    CREDENTIALS,
    SETTINGS,
    TRUSTED_FOLDER,
    describe,
    dotenv_is_shared,
    ignored_proxies,
    load,
    load_embedded,
    load_some,
    missing_credentials,
    read_environment,
    read_variable,
)

__all__ = [
    "CREDENTIALS",
    "SETTINGS",
    "TRUSTED_FOLDER",
    "describe",
    "dotenv_is_shared",
    "ignored_proxies",
    "load",
    "load_embedded",
    "load_some",
    "missing_credentials",
    "read_environment",
    "read_variable",
]
