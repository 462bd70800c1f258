"""Table of settings: name, form, default and meaning of each."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from slackapp.config import parsers as forms

REQUIRED = None


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
        "SLACKAPP_STRICT", "strict", forms.yes_or_no, "no",
        meaning="`yes`: no secret is taken from the environment or from `.env`, which programs started from here, a "
        "crash report or an image of a container may show; each comes from its private file, `NAME_FILE`.",
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
        "SLACKAPP_HOST_USER_SCOPES", "host_user_scopes", forms.scopes, "",
        meaning="What a member's personal connection asks the user for, such as `chat:write`; without it there are no "
        "personal connections.",
    ),
    Setting(
        "SLACKAPP_HOST_TOKEN_ORGANIZATIONS", "host_token_organizations", forms.organizations, "",
        meaning="Ids of the organizations whose access tokens the host itself may have, separated by commas; without "
        "it nobody's. A token that was given is outside of everything that is promised here.",
    ),
    Setting(
        "SLACKAPP_HOST_RATE_PER_MINUTE", "host_rate_per_minute", forms.rate, "600",
        meaning="How many requests for one organization are answered in a minute; more get 429. What is begun or "
        "opened for it counts by `SLACKAPP_RATE_PER_MINUTE`, too.",
    ),
    Setting(
        "SLACKAPP_HOST_POSTS_PER_MINUTE", "host_posts_per_minute", forms.rate, "100",
        meaning="How many messages go out to one workspace in a minute; to one channel it is one a second.",
    ),
    Setting(
        "SLACKAPP_HOST_WEBHOOK_URL", "host_webhook_url", forms.webhook_url, "",
        meaning="Where the host is told what happened, by Standard Webhooks; without it the host reads the feed.",
    ),
    Setting(
        "SLACKAPP_HOST_WEBHOOK_SECRET_FILE", "host_webhook_secret_file", forms.optional_path, "",
        meaning="The file with the secret that signs it. Make one with `slackapp host webhook new FILE`.",
    ),
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
