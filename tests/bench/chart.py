"""A chart without a library: bars with their spread, as SVG that can be read on a light and on a dark page."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, VALUES, ROW, GAP = 960, 390, 150, 24, 40
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 }
.page { fill: #ffffff } .bar { fill: #2a78d6 } .other { fill: #9aa4ae } .spread { stroke: #1f2328 }
.mark { stroke: #b42318; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .page { fill: #0d1117 } .bar { fill: #5598e7 } .other { fill: #6e7781 }
.spread { stroke: #e6edf3 } .mark { stroke: #ff8f85 }
}
"""


@dataclass(frozen=True)
class Bar:
    """One row. Ours is drawn in colour, what it is compared with in grey."""

    label: str
    value: float
    least: float
    most: float
    told: str
    """The value as text."""
    ours: bool = True


@dataclass(frozen=True)
class Panel:
    """Bars on one scale from 0 to `top`; `mark` is a line across all of them."""

    title: str
    bars: tuple[Bar, ...]
    top: float
    mark: float | None = None


def draw(panels: Iterable[Panel]) -> str:
    """The whole picture."""
    parts: list[str] = []
    at = 16
    for panel in panels:
        at += 18
        parts.append(f'<text class="title" x="16" y="{at}">{escape(panel.title)}</text>')
        at += 12
        parts += _panel(panel, at)
        at += ROW * len(panel.bars) + GAP - 16
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {at}" width="{WIDTH}" height="{at}" role="img">'
    )
    title = "<title>What make bench measured; the tables of benchmarks.md say the same</title>"
    page = f'<rect class="page" width="{WIDTH}" height="{at}"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", page, *parts, "</svg>", ""])


def _panel(panel: Panel, top: int) -> list[str]:
    parts: list[str] = []
    for number, bar in enumerate(panel.bars):
        parts += _bar(panel, bar, top + ROW * number)
    if panel.mark is not None:
        x, end = _x(panel, panel.mark), top + ROW * len(panel.bars)
        parts.append(f'<line class="mark" x1="{x}" y1="{top}" x2="{x}" y2="{end}"/>')
    return parts


def _bar(panel: Panel, bar: Bar, y: int) -> list[str]:
    middle, width = y + ROW // 2, max(1.0, round(_x(panel, bar.value) - LABELS, 1))
    kind = "bar" if bar.ours else "other"
    parts = [
        f'<text x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{LABELS}" y="{y + 5}" width="{width}" height="{ROW - 10}" rx="2"/>',
        f'<text x="{WIDTH - VALUES + 12}" y="{middle + 4}">{escape(bar.told)}</text>',
    ]
    if bar.most > bar.least:
        least, most = _x(panel, bar.least), _x(panel, bar.most)
        parts.append(f'<line class="spread" x1="{least}" y1="{middle}" x2="{most}" y2="{middle}"/>')
    return parts


def _x(panel: Panel, value: float) -> float:
    return round(LABELS + (WIDTH - LABELS - VALUES) * min(1.0, value / panel.top), 1)
