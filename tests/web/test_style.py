"""The style sheets: legible for those who see little, in the light and in the dark, on a telephone too."""

import re

import pytest

from slackapp.localslack.pages.layout import CSS
from slackapp.web.pages import declined
from slackapp.web.style import COLOURS, DARK, LIGHT, STYLE

LEAST, LEAST_EDGE = 4.5, 3
"""The contrasts that WCAG 2.2 asks at level AA of text, criterion 1.4.3, and of what is used, criterion 1.4.11."""
SHEETS = {"the service's": STYLE, "the local Slack's": CSS}
SCHEMES = {"light": LIGHT, "dark": DARK}
RULE = re.compile(r"""(?m)^\s*(?:@media[^{]*\{ )?([.:\[\]()=\w, >"*-]+?) \{([^}]*)\}""")


def luminance(colour: str) -> float:
    """Relative luminance, w3.org/TR/WCAG22, section "relative luminance"."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rules(sheet: str) -> dict[str, dict[str, str]]:
    """Selector to its properties; what a narrow screen changes is added."""
    found: dict[str, dict[str, str]] = {}
    for selectors, body in RULE.findall(sheet.removeprefix(COLOURS)):
        properties = [part.split(":", 1) for part in body.split(";") if part.strip()]
        for selector in selectors.split(","):
            named = {name.strip(): value.strip() for name, value in properties}
            found.setdefault(selector.strip(), {}).update(named)
    return found


def named(value: str) -> str:
    """The name of the colour in a value; "" for none."""
    found = re.search(r"var\(--([a-z-]+)\)", value)
    return found[1] if found else ""


GROUNDS = ("ground", "surface", "inset")
"""What text may lie on that brings no ground of its own."""


def texts(sheet: str) -> set[tuple[str, str]]:
    """Every colour of text with every ground it may lie on."""
    found, pairs = rules(sheet), set()
    for selector, rule in found.items():
        base = found.get(selector.partition(":")[0], {})
        text, ground = named(rule.get("color", "")), named(rule.get("background", ""))
        if ground and ground not in GROUNDS:
            pairs.add((text or named(base.get("color", "")), ground))
        elif text:
            own = named(base.get("background", ""))
            pairs |= {(text, own)} if own and own not in GROUNDS else {(text, place) for place in GROUNDS}
    return pairs


def edges(sheet: str) -> set[tuple[str, str]]:
    """What must be seen to be used: the outline of the focus, and the borders of buttons and fields."""
    found = rules(sheet)
    drawn = {named(rule["outline"]) for rule in found.values() if "outline" in rule}
    for selector, rule in found.items():
        if re.match(r"\.button|button|input|select|textarea", selector) and "border" in rule:
            drawn.add(named(rule["border"]))
    return {(colour, place) for colour in drawn for place in GROUNDS} | charts(sheet)


def charts(sheet: str) -> set[tuple[str, str]]:
    """What a chart and the mark draw, each with what it lies on."""
    found = {selector: rule for selector, rule in rules(sheet).items() if re.match(r"\.(chart|mark) ", selector)}
    pairs = set()
    for selector, rule in found.items():
        fill, stroke = named(rule.get("fill", "")), named(rule.get("stroke", ""))
        if selector == ".mark path":
            pairs.add((stroke, named(found[".mark rect"]["fill"])))
        elif stroke or fill:
            pairs.add((stroke or fill, "ground" if selector.startswith(".mark") else "surface"))
    return pairs


def test_the_style_test_finds_colour_pairs() -> None:
    """Negative control: stops this file from passing because it reads nothing."""
    assert {("on-accent", "accent"), ("on-accent", "accent-over"), ("muted", "surface"), ("link", "ground")} <= texts(
        STYLE
    )
    assert {("on-accent", "accent"), ("muted", "inset"), ("bad", "surface")} <= texts(CSS)
    assert {("focus", "ground"), ("accent", "surface")} <= edges(STYLE)
    assert {("edge", "surface"), ("accent", "surface")} <= edges(CSS)
    assert charts(STYLE) == {
        ("edge", "surface"), ("accent", "surface"), ("accent", "ground"), ("on-accent", "accent"),
    }  # fmt: skip
    assert round(contrast("#000000", "#ffffff")) == 21
    assert contrast("#777777", "#ffffff") < LEAST
    assert round(contrast("#4a154b", DARK["ground"]), 2) < 1.5, "the button of the light scheme in the dark"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sheet", SHEETS)
def test_text_and_what_is_used_stand_out_from_their_ground(sheet: str, scheme: str) -> None:
    colours = SCHEMES[scheme]
    dim = {(*pair, contrast(*map(colours.__getitem__, pair))) for pair in texts(SHEETS[sheet])}
    assert {pair for pair in dim if pair[2] < LEAST} == set()
    dim = {(*pair, contrast(*map(colours.__getitem__, pair))) for pair in edges(SHEETS[sheet])}
    assert {pair for pair in dim if pair[2] < LEAST_EDGE} == set()


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_colour_has_a_name_and_a_value_in_both_schemes(sheet: str) -> None:
    """So that it can be judged, and no page is light in one place and dark in another."""
    text = SHEETS[sheet]
    assert LIGHT.keys() == DARK.keys()
    assert all(re.fullmatch(r"#[0-9a-f]{6}", value) for value in (*LIGHT.values(), *DARK.values()))
    assert text.startswith(COLOURS)
    own = text.removeprefix(COLOURS)
    assert not re.search(r"#[0-9a-f]{3}|rgb|hsl|opacity|transparent|color-mix|\bwhite\b(?!-)|\bblack\b", own)
    assert set(re.findall(r"var\(--([a-z-]+)\)", own)) <= LIGHT.keys()
    assert "color-scheme: light dark;" in text
    assert "@media (prefers-color-scheme: dark) { :root { --ground: #161418;" in text


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_page_is_as_wide_as_the_screen_and_no_text_is_tiny(sheet: str) -> None:
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in declined("app")
    assert "@media (max-width: 40rem)" in SHEETS[sheet]
    assert min(float(size) for size in re.findall(r"font(?:-size)?: ([0-9.]+)rem", SHEETS[sheet])) >= 0.875
