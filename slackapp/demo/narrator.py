"""Narrator of the demo: a title, the words of a flow, and what was seen."""

import re

from slackapp.cli.terminal.printing import print_lines, wrap_line
from slackapp.demo.steps import steps_of

_LINE_PREFIX = re.compile(r" *(?:->|\d+\.?) +")
"""What a step or an outcome begins with."""


class Narrator:
    """Printer of the demo, which remembers what it printed, for the search at the end."""

    def __init__(self) -> None:
        self.text = ""

    def title(self, number: int, title: str) -> None:
        """Prints the heading of an act."""
        self.line("")
        self.line(f"{number:>2}  {title}")

    def line(self, text: str) -> None:
        """Prints one line."""
        self.text += text + "\n"
        mark = _LINE_PREFIX.match(text)
        print_lines(*wrap_line(text, mark.end() if mark else 0))

    def flow(self, name: str, numbers: range) -> None:
        """Steps of a flow, in the words of its code."""
        words = steps_of(name)
        for number in numbers:
            self.line(f"      {number:>2}. {words[number]}")

    def fact(self, text: str) -> None:
        """Prints what was seen."""
        self.line(f"      -> {text}")
