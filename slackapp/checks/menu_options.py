"""Options of a menu in the form that Slack takes.

Stops:   an answer that Slack cannot read, or that is larger than anybody looks through.
How:     a list of up to 100 options, or an object with such a list under `options` or `option_groups`; each of them an
         object, and all of it JSON of at most 64 KiB.
Does not stop: options whose own fields are not of Slack's form; Slack shows none of those.
Read:    docs.slack.dev/reference/interaction-payloads/block_suggestion-payload
"""

import json
from collections.abc import Mapping
from typing import Any

MAX_OPTIONS, MAX_BYTES = 100, 64 * 1024
_KEYS = ("options", "option_groups")


def read_options(offered: Any) -> dict[str, Any]:
    """Reads what a behaviour offers, as the response to Slack.

    Raises ValueError for what is none, TypeError for what JSON cannot say.
    """
    whole = {"options": offered} if isinstance(offered, list | tuple) else offered
    # claim: C-90
    if not isinstance(whole, Mapping) or len(whole) != 1 or next(iter(whole)) not in _KEYS:
        raise ValueError("neither a list of options nor an object with one")
    key, listed = next(iter(whole.items()))
    # claim: C-90
    if not isinstance(listed, list | tuple) or len(listed) > MAX_OPTIONS:
        raise ValueError("not a list of up to 100 options")
    written = json.dumps(listed, allow_nan=False)
    # claim: C-90
    if not all(isinstance(option, Mapping) for option in listed) or len(written) > MAX_BYTES:
        raise ValueError("an option that is no object, or too much of them")
    return {key: json.loads(written)}  # what was measured is what is sent, whatever the function goes on to do with it
