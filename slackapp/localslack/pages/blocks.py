"""Text and buttons of a message or a Home tab.

Follows docs.slack.dev/reference/block-kit/blocks and docs.slack.dev/reference/block-kit/block-elements/button-element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slackapp.localslack.model import Json


@dataclass(frozen=True)
class Button:
    """Button as it is pressed. Slack makes up the ids that the app left out."""

    block_id: str
    action_id: str
    label: str
    element: Json


def buttons(blocks: Any) -> list[Button]:
    """Lists the buttons, in the order in which they stand."""
    found: list[Button] = []
    for row, block in enumerate(_objects(blocks)):
        held = _objects(block.get("elements")) if block.get("type") == "actions" else _objects([block.get("accessory")])
        for place, element in enumerate(held):
            if element.get("type") == "button":
                block_id, action_id = block.get("block_id") or f"b{row}", element.get("action_id") or f"a{row}.{place}"
                found.append(Button(str(block_id), str(action_id), _plain(element.get("text")) or "button", element))
    return found


def text_of(message: Json) -> str:
    """Reads the text of the blocks, or the message's own where they have none."""
    lines = [line for block in _objects(message.get("blocks")) for line in _lines(block)]
    return "\n".join(lines) or str(message.get("text", ""))


def _lines(block: Json) -> list[str]:
    parts = [block.get("text"), *_list(block.get("fields"))]
    if block.get("type") == "context":
        parts += _list(block.get("elements"))
    return [line for line in map(_plain, parts) if line]


def _plain(part: Any) -> str:
    """The text of a text object, or of a string in its place."""
    if isinstance(part, dict):
        part = part.get("text")
    return part if isinstance(part, str) else ""


def _objects(value: Any) -> list[Json]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
