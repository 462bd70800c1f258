"""Prints what follows from the settings: `slackapp config` all of them, `slackapp manifest` the app's manifest."""

import argparse
from collections.abc import Mapping
from dataclasses import replace

from slackapp.app import load_behaviour, load_methods, load_scope_reasons
from slackapp.cli.service.environment import behaviour_defaults, defaults_for, read_environment
from slackapp.cli.terminal.printing import print_lines
from slackapp.config import settings as config
from slackapp.config.parsers import require_users_read
from slackapp.directory import write_manifest
from slackapp.directory.write_manifest import Plan
from slackapp.errors import ConfigError, UsageError

_NAMES = (
    "SLACKAPP_NAME", "SLACKAPP_DESCRIPTION", "SLACKAPP_BOT_SCOPES", "SLACKAPP_USER_SCOPES", "SLACKAPP_BEHAVIOUR",
    "SLACKAPP_HOST_KEYS_FILE",
)  # fmt: skip


def run_config(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, with the first thing that is wrong."""
    environment = read_environment()
    settings = config.load(environment, defaults_for(environment))
    rows = config.describe(settings, environment)
    width = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        print_lines(f"{name:<{width}}  {source:<7}  {value}")
    methods = load_methods(settings.behaviour)
    if methods is not None:
        print_lines(f"{'METHODS':<{width}}  module   {','.join(methods) or 'none'}")
    for name in config.ignored_proxies():
        print_lines(f"{name:<{width}}  ignored  calls to Slack go straight out; no proxy is taken from the environment")
    return 0


def configure_manifest(parser: argparse.ArgumentParser) -> None:
    """Needs no settings; follows those that are there."""
    parser.add_argument(
        "--host", action="store_true", help="with the host side (default: where SLACKAPP_HOST_KEYS_FILE is set)"
    )
    parser.add_argument("--replies", action="store_true", help="with what people answer to messages, for the host side")
    parser.add_argument("--url", metavar="URL", help="where the service is reached (default: SLACKAPP_PUBLIC_URL)")


def run_manifest(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, UsageError."""
    environment = read_environment()
    found = config.load_some(environment, ("SLACKAPP_PUBLIC_URL",))
    url = address(arguments.url) if arguments.url else found["public_url"]
    if url is None:
        raise UsageError("--url: is missing; give the address of the service, or set SLACKAPP_PUBLIC_URL")
    plan = replace(make_plan(url, environment, arguments.host), replies=arguments.replies)
    print_lines(*write_manifest.write(plan).splitlines())
    return 0


def make_plan(url: str, environment: Mapping[str, str], host: bool = False) -> Plan:
    """Makes the plan of a manifest for an address, from these settings; `host`: with the host side, on or not.

    Raises ConfigError.
    """
    found = config.load_some({**behaviour_defaults(environment), **environment}, _NAMES)
    host = host or found["host_keys_file"] is not None
    if host:
        require_users_read((*found["bot_scopes"], *found["user_scopes"]))
    return Plan(
        url=url,
        name=found["name"],
        description=found["description"],
        bot_scopes=found["bot_scopes"],
        user_scopes=found["user_scopes"],
        handles=frozenset(load_behaviour(found["behaviour"])),
        reasons=load_scope_reasons(found["behaviour"]),
        host=host,
    )


def address(text: str) -> str:
    """Parses `--url` as the setting is parsed. Raises UsageError."""
    try:
        return str(config.load_some({"SLACKAPP_PUBLIC_URL": text}, ("SLACKAPP_PUBLIC_URL",))["public_url"])
    except ConfigError as error:
        raise UsageError(str(error).replace("SLACKAPP_PUBLIC_URL", "--url")) from None
