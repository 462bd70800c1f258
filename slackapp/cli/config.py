"""`slackapp config`: the effective settings, secrets masked."""

import argparse

from slackapp.app import load_methods
from slackapp.cli.service.environment import defaults_for, read_environment
from slackapp.cli.terminal.printing import print_lines
from slackapp.config import settings as config


def run(arguments: argparse.Namespace) -> int:
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
