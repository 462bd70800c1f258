"""The nouns: frozen, without behaviour. Ids are Slack's; times are Unix seconds."""

from slackapp.model.grants import ExternalInstallation, Grant, GrantedToken, SlackResponse, Webhook
from slackapp.model.identity import NO_TENANT, Actor, Secret, Tenant
from slackapp.model.rows import InboxRow, Installation, Token
from slackapp.model.sealed import LOCAL_PROVIDER, DataKey, Mac, NewKey, RecordContext, Sealed
from slackapp.model.settings import (
    CALLBACK_PATH,
    COMMANDS_PATH,
    EVENTS_PATH,
    INSTALL_PATH,
    INSTALLED_PATH,
    INTERACTIVITY_PATH,
    LOOPBACK,
    Clock,
    Entropy,
    Settings,
    SlackAddresses,
)

__all__ = [
    "CALLBACK_PATH",
    "COMMANDS_PATH",
    "EVENTS_PATH",
    "INSTALLED_PATH",
    "INSTALL_PATH",
    "INTERACTIVITY_PATH",
    "LOCAL_PROVIDER",
    "LOOPBACK",
    "NO_TENANT",
    "Actor",
    "Clock",
    "DataKey",
    "Entropy",
    "ExternalInstallation",
    "Grant",
    "GrantedToken",
    "InboxRow",
    "Installation",
    "Mac",
    "NewKey",
    "RecordContext",
    "Sealed",
    "Secret",
    "Settings",
    "SlackAddresses",
    "SlackResponse",
    "Tenant",
    "Token",
    "Webhook",
]
