"""Reads a manifest: JSON, or YAML where PyYAML is installed."""

import json
from collections.abc import Mapping
from typing import Any

from slackapp.errors import CommandError


def read(name: str, text: str) -> Mapping[str, Any]:
    """The manifest as data. Raises CommandError, which names the file."""
    found = _read_json(name, text) if text.lstrip().startswith("{") else _read_yaml(name, text)
    if not isinstance(found, dict) or not isinstance(found.get("display_information"), dict):
        raise CommandError(f"{name}: is not a manifest; it has no display_information")
    return found


def _read_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise CommandError(f"{name}: is not JSON, although it begins like it") from None


def _read_yaml(name: str, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise CommandError(
            f"{name}: is not what `slackapp manifest` writes with these settings or with none, and to read other YAML "
            "takes PyYAML; run pip install pyyaml, or give JSON"
        ) from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise CommandError(f"{name}: is not YAML") from None
