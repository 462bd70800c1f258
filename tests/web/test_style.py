"""The one style sheet: legible for those who see little, on a telephone too."""

import re

import pytest

from slackapp.web.pages import declined
from slackapp.web.style import STYLE

LEAST = 4.5
"""The contrast that WCAG 2.2 asks of text at level AA, criterion 1.4.3."""
RULE = re.compile(r"(?m)^\s*(?:@media[^{]*\{ )?([.:\w, -]+?) \{([^}]*)\}")


def luminance(colour: str) -> float:
    """Relative luminance, w3.org/TR/WCAG22, section "relative luminance"."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rules() -> dict[str, dict[str, str]]:
    """Selector to its properties; what a narrow screen changes is added."""
    found: dict[str, dict[str, str]] = {}
    for selector, body in RULE.findall(STYLE):
        properties = (part.split(":", 1) for part in body.split(";") if part.strip())
        found.setdefault(selector, {}).update({name.strip(): value.strip() for name, value in properties})
    return found


def pairs() -> set[tuple[str, str]]:
    """Every colour of text with every ground it may lie on: its own, or any that brings no colour of text."""
    found = rules()
    text = {name: rule["color"] for name, rule in found.items() if "color" in rule}
    ground = {name: rule["background"] for name, rule in found.items() if "background" in rule}
    base = {"body", "main", "code"}
    own = {(text[name.partition(":")[0]], ground[name]) for name in ground.keys() - base}
    shared = {
        (colour, ground[name]) for name in base for at, colour in text.items() if at not in ground or at == "body"
    }
    return own | shared


def test_the_pairs_are_found() -> None:
    """Negative control: stops this file from passing because it reads nothing."""
    assert {("#fff", "#4a154b"), ("#fff", "#611f69"), ("#55514c", "#fff"), ("#0b5cad", "#f6f5f2")} <= pairs()
    assert round(contrast("#000", "#ffffff")) == 21
    assert contrast("#777", "#fff") < LEAST


@pytest.mark.parametrize(("text", "ground"), sorted(pairs()))
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    assert contrast(text, ground) >= LEAST


def test_the_focus_is_seen() -> None:
    """Level AA asks for 3 to 1 of what is no text, criterion 1.4.11."""
    (colour,) = re.findall(r"outline: 3px solid (#[0-9a-f]+)", STYLE)
    assert contrast(colour, "#fff") >= 3


def test_every_colour_is_written_so_that_it_can_be_judged() -> None:
    assert not re.search(r"rgb|hsl|opacity|transparent|var\(|color-mix", STYLE)
    assert "color-scheme: light;" in STYLE


def test_a_page_is_as_wide_as_the_screen_and_no_text_is_tiny() -> None:
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in declined()
    assert "@media (max-width: 40rem)" in STYLE
    assert min(float(size) for size in re.findall(r"font(?:-size)?: ([0-9.]+)rem", STYLE)) >= 0.875
