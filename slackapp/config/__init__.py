"""Settings: every one in one table, read from the environment once, checked and frozen."""

from slackapp.config.settings import (
    CREDENTIALS,
    SETTINGS,
    TRUSTED_FOLDER,
    describe,
    dotenv_is_shared,
    embedded,
    ignored_proxies,
    load,
    missing_credentials,
    read_environment,
    read_variable,
    some,
)

__all__ = [
    "CREDENTIALS",
    "SETTINGS",
    "TRUSTED_FOLDER",
    "describe",
    "dotenv_is_shared",
    "embedded",
    "ignored_proxies",
    "load",
    "missing_credentials",
    "read_environment",
    "read_variable",
    "some",
]
