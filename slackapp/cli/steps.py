"""The numbered steps of a flow, read from its own comments, so that what is told is what is done."""

import importlib.resources
import re

_STEP = re.compile(r"^ *# (\d+)\. (.+)$", re.MULTILINE)


def steps_of(flow: str) -> dict[int, str]:
    """Number to words, from the step comments of `slackapp/flows/FLOW.py`."""
    source = (importlib.resources.files("slackapp.flows") / f"{flow}.py").read_text(encoding="utf-8")
    return {int(number): words for number, words in _STEP.findall(source)}
