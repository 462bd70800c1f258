"""The numbered steps of a flow, read from its own comments, so that what is told is what is done."""

import importlib.resources
import re
from dataclasses import dataclass

_STEP = re.compile(r"^ *# (\d+)\. (.+)$", re.MULTILINE)
_CLAIM = re.compile(r"^ *# claim: (.+)$")


@dataclass(frozen=True)
class SourceSteps:
    """Steps and claims of a source file, by the line of code that they stand above."""

    steps: dict[int, list[tuple[int, str]]]
    claims: dict[int, tuple[str, ...]]


def steps_of(flow: str) -> dict[int, str]:
    """Number to words, from the step comments of that flow, in whichever room for flows it stands."""
    of_host = map(importlib.resources.files, ("slackapp.host.flows.connect", "slackapp.host.flows.messages"))
    rooms = (*importlib.resources.files("slackapp.flows").iterdir(), *of_host)
    (source,) = (
        room.joinpath(f"{flow}.py").read_text(encoding="utf-8")
        for room in rooms
        if room.joinpath(f"{flow}.py").is_file()
    )
    return {int(number): words for number, words in _STEP.findall(source)}


def find_steps(source: str) -> SourceSteps:
    """Finds the steps and claims of a source, by the first line of code below them."""
    found = SourceSteps({}, {})
    steps: list[tuple[int, str]] = []
    claims: list[str] = []
    for number, line in enumerate(source.splitlines(), start=1):
        step, claim = _STEP.match(line), _CLAIM.match(line)
        if step is not None:
            steps.append((int(step[1]), step[2]))
        elif claim is not None:
            claims += claim[1].split(", ")
        elif line.strip() and not line.lstrip().startswith("#"):
            if steps:
                found.steps[number] = steps
            if claims:
                found.claims[number] = tuple(claims)
            steps, claims = [], []
    return found
