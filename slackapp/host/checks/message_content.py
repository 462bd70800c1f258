"""A message says no more than Slack takes, and in text: known before it is accepted.

Stops:   a message that is accepted and never shown; one that Slack would cut, or tear into several of which one alone
         is known; a control character, or half a pair of surrogates, that no form can send.
How:     the documented limits, or where it is stricter what was measured. A block of a type that is not known here is
         passed on; the limits of the whole hold for it, too. Refused is told by a JSON pointer of our own words.
Does not stop: `<!channel>` in a text that the host did not escape: see `slackapp/host/blocks.py`.
Read:    docs.slack.dev/reference/methods/chat.postMessage, docs.slack.dev/reference/block-kit/blocks; RFC 6901
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from slackapp.host.errors import HostRefusal, HostRefused

MAX_TEXT = 4000
MAX_BLOCKS = 50
MAX_BLOCKS_TEXT = 13_000
"""Characters of all blocks together, as they are sent: more is refused, without a documented number."""
MAX_MARKDOWN = 12_000
"""Characters of all markdown blocks together."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Limit(NamedTuple):
    """Limit of a part of a block: characters of a text, or entries of a list."""

    path: tuple[str, ...]
    most: int


_BLOCK_ID = Limit(("block_id",), 255)
_LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "section": (Limit(("text", "text"), 3000), Limit(("fields",), 10), Limit(("fields", "*", "text"), 2000)),
    "header": (Limit(("text", "text"), 150),),
    "actions": (Limit(("elements",), 25),),
    "context": (Limit(("elements",), 10), Limit(("elements", "*", "text"), 3000)),
    "context_actions": (Limit(("elements",), 5),),
    "image": (Limit(("image_url",), 3000), Limit(("alt_text",), 2000), Limit(("title", "text"), 2000)),
    "input": (Limit(("label", "text"), 2000), Limit(("hint", "text"), 2000)),
    "video": (Limit(("title", "text"), 200), Limit(("author_name",), 50), Limit(("description", "text"), 200)),
    "markdown": (Limit(("text",), MAX_MARKDOWN),),
    "table": (Limit(("rows",), 100), Limit(("rows", "*"), 20)),
}
"""By type of a block: what Slack takes of it."""
_ELEMENTS: Mapping[str, tuple[Limit, ...]] = {
    "button": (Limit(("text", "text"), 75), Limit(("value",), 2000), Limit(("url",), 3000)),
    "overflow": (Limit(("options",), 5),),
    "checkboxes": (Limit(("options",), 10),),
    "radio_buttons": (Limit(("options",), 10),),
    "static_select": (Limit(("options",), 100), Limit(("option_groups",), 100), Limit(("placeholder", "text"), 150)),
}
"""By type of an element, in `elements`, as `accessory` or `element`."""


def require_content(text: str | None, blocks: list[Any] | None, under: str = "") -> dict[str, Any]:
    """Requires that Slack takes it; returns the fields for Slack. Raises HostRefused, with a pointer below `under`."""
    # claim: C-264
    if text is None and not blocks:
        raise _refused(f"{under}/text")
    # claim: C-264
    if text is not None and (not text.strip() or len(text) > MAX_TEXT or _CONTROL.search(text)):
        raise _refused(f"{under}/text")
    # claim: C-264
    if blocks is not None and len(blocks) > MAX_BLOCKS:
        raise _refused(f"{under}/blocks")
    for number, block in enumerate(blocks or ()):
        pointer = _find_fault(block)
        # claim: C-264
        if pointer is not None:
            raise _refused(f"{under}/blocks/{number}{pointer}")
    # claim: C-264
    if blocks and _are_too_long(blocks):
        raise _refused(f"{under}/blocks")
    return {**({"text": text} if text is not None else {}), **({"blocks": blocks} if blocks else {})}


def _are_too_long(blocks: list[Any]) -> bool:
    texts = (block.get("text") for block in blocks if block["type"] == "markdown")
    markdown = sum(len(text) for text in texts if isinstance(text, str))
    whole = json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))
    return len(whole) > MAX_BLOCKS_TEXT or markdown > MAX_MARKDOWN


def _find_fault(block: Any) -> str | None:
    """Finds a pointer to what Slack would not take of a block; None where it is good."""
    if not isinstance(block, dict) or not _is_text(block.get("type")) or not _TYPE.fullmatch(block["type"]):
        return "/type"
    if any(_CONTROL.search(text) for text in _texts(block)):
        return ""
    found = _first_over(block, (_BLOCK_ID, *_LIMITS.get(block["type"], ())))
    if found is not None:
        return found
    elements = block.get("elements")
    parts = {f"/elements/{number}": each for number, each in enumerate(elements)} if isinstance(elements, list) else {}
    for name in ("accessory", "element"):
        parts[f"/{name}"] = block.get(name)
    for where, part in parts.items():
        found = _first_over(part, _ELEMENTS.get(str(part.get("type")), ())) if isinstance(part, dict) else None
        if found is not None:
            return where + found
    return None


def _first_over(value: Any, limits: tuple[Limit, ...]) -> str | None:
    over = (pointer for limit in limits for pointer in _over(value, limit.path, limit.most, ""))
    return next(over, None)


def _over(value: Any, path: tuple[str, ...], most: int, pointer: str) -> Iterator[str]:
    """Yields pointers to texts and lists at the end of a path that are too long, and to empty texts."""
    if not path:
        if isinstance(value, str | list) and (len(value) > most or value == ""):
            yield pointer
    elif path[0] == "*":
        for number, each in enumerate(value if isinstance(value, list) else ()):
            yield from _over(each, path[1:], most, f"{pointer}/{number}")
    elif isinstance(value, dict) and path[0] in value:
        yield from _over(value[path[0]], path[1:], most, f"{pointer}/{path[0]}")


def _texts(value: Any) -> Iterator[str]:
    """Yields every text of a value, names of fields, too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _refused(pointer: str) -> HostRefused:
    return HostRefused(HostRefusal.CONTENT, field=pointer)
