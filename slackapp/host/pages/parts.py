"""Parts of the host side's pages, one function each: chips, tables, times, charts.

What is called `inner`, and every cell of a table, is HTML that is escaped already.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from slackapp.checks.scope_reasons import DescribedScope
from slackapp.host.checks import form_token
from slackapp.web.components import Link, Tone, button, escape, hidden

SETTINGS_PATH, WORKSPACES_PATH, CONNECTS_PATH = "/settings", "/settings/integrations", "/settings/connects"
INVENTORY_PATH, TOKEN_USE_PATH = "/settings/inventory", "/settings/token-use"
APPROVALS_PATH, REVIEWS_PATH, FREEZE_PATH = "/settings/approvals", "/settings/reviews", "/settings/freeze"
ANALYTICS_PATH, ANALYTICS_FILE_PATH = "/settings/analytics", "/settings/analytics.csv"
MESSAGES_FILE_PATH = "/settings/messages.csv"
MESSAGES_PATH, COMPOSE_PATH, TEMPLATES_PATH = "/settings/messages", "/settings/compose", "/settings/templates"
FOOT = (Link("/privacy", "Privacy"), Link("/support", "Support"))
"""Whoever comes from a host does not install from the public page."""
_ICONS = {
    Tone.GOOD: "M4 10.5l4 4 8-9",
    Tone.WARNING: "M10 3.5v8M10 16v.1",
    Tone.BAD: "M5 5l10 10M15 5L5 15",
    Tone.PLAIN: "M4 10h12",
}
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))
_HEIGHT, _WIDTH = 120, 600
_FEWEST = 6
"""Columns of a chart that fill it: fewer of them are no wider."""


def chip(tone: Tone, word: str) -> str:
    """Makes a status: an icon and a word, never a colour alone."""
    icon = f'<svg viewBox="0 0 20 20" aria-hidden="true"><path d="{_ICONS[tone]}"/></svg>'
    return f'<span class="chip {tone.value}">{icon}{escape(word)}</span>'


def say_time(at: int | None, now: int, never: str = "Never") -> str:
    """Says how long ago something was, or will be; the exact time is there, too."""
    if at is None:
        return escape(never)
    moment = datetime.fromtimestamp(at, UTC)
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f'<time datetime="{moment.strftime("%Y-%m-%dT%H:%M:%SZ")}" title="{exact}">{_distance(at, now)}</time>'


def time_link(address: str, at: int, now: int, told: str) -> str:
    """Makes a link that says how long ago; what it leads to is told to whoever hears it, too."""
    label = escape(f"{_distance(at, now)}: {told}")
    return f'<a href="{escape(address)}" aria-label="{label}">{say_time(at, now)}</a>'


def _distance(at: int, now: int) -> str:
    seconds = abs(now - at)
    for length, unit in _UNITS:
        if seconds >= length:
            number = seconds // length
            told = f"{number:,} {unit}{'s' if number != 1 else ''}"
            return f"{told} ago" if at <= now else f"in {told}"
    return "just now"


def say_date(at: int) -> str:
    """Says the day."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Makes a list of terms, each with what is said of it, as HTML; a term without is left out."""
    made = "".join(f"<dt>{escape(term)}</dt><dd>{inner}</dd>" for term, inner in rows if inner)
    return f'<dl class="facts">{made}</dl>'


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Makes a table that becomes cards on a narrow screen, and stays a table to whoever hears it."""
    head = "".join(f'<th scope="col" role="columnheader">{escape(each)}</th>' for each in heads)
    body = "".join(f'<tr role="row">{"".join(map(_cell, heads, row))}</tr>' for row in rows)
    return (
        f'<table class="cards" role="table"><caption>{escape(caption)}</caption><thead role="rowgroup">'
        f'<tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _cell(head: str, inner: str) -> str:
    return f'<td role="cell" data-label="{escape(head)}"><span>{inner}</span></td>'


def scope(described: DescribedScope) -> str:
    """Makes an item that tells what a scope is for, and which parts use it."""
    used = ", ".join(f"<code>{escape(each)}</code>" for each in described.capabilities)
    why = escape(f": {described.why}" if described.why else "")
    return f"<li><code>{escape(described.scope)}</code>{why}{f' (used to {used})' if used else ''}</li>"


def empty(sentence: str) -> str:
    """Makes the words of a list that has nothing in it."""
    return f'<p class="empty">{escape(sentence)}</p>'


class Column(NamedTuple):
    """Column of a chart: its label, all of it, and the part of it that is meant, if not all."""

    label: str
    total: int
    part: int | None = None


def chart(title: str, columns: Sequence[Column], heads: Sequence[str]) -> str:
    """Draws columns, with the same numbers in a table below; `heads` are those of the table."""
    most = max((each.total for each in columns), default=0) or 1
    width = 1 / max(len(columns), _FEWEST)
    drawn = "".join(_column(place * width, each, most, width) for place, each in enumerate(columns))
    told = f"{title} The highest is {most:,}."
    if len(heads) > 2:
        told += f" Outlined: {heads[1].lower()}; filled: {heads[2].lower()}."
    cells = ((each.label, each.total, each.part) for each in columns if each.total)
    rows = [
        tuple(escape(f"{cell:,}" if isinstance(cell, int) else cell) for cell in row if cell is not None)
        for row in cells
    ]
    return (
        f'<figure><svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT + 1}" role="img" aria-label="{escape(title)}">'
        f'<path d="M0 {_HEIGHT + 0.5}h{_WIDTH}"/>{drawn}</svg><figcaption>{escape(told)}</figcaption></figure>'
        f"{table('The same in numbers', heads, rows)}"
    )


def _column(left: float, column: Column, most: int, width: float) -> str:
    """Draws one: where it begins and how wide it is, as parts of the whole."""
    drawn = ""
    for name, number in (("all", column.total), ("part", column.total if column.part is None else column.part)):
        height = round(number / most * (_HEIGHT - 4), 1)
        place = f'x="{(left + width * 0.1) * _WIDTH:.1f}" y="{_HEIGHT - height:g}"'
        drawn += (
            f'<rect class="{name}" {place} width="{width * 0.8 * _WIDTH:.1f}" height="{height:g}"/>' if number else ""
        )
    return drawn


def form(action: str, token: str, inner: str, step: str, label: str, *, tone: Tone | None = None) -> str:
    """Makes a form of a session, with one button."""
    return (
        f'<form method="post" action="{escape(action)}">{hidden(form_token.FIELD, token)}{hidden("step", step)}'
        f"{inner}{button(label, tone)}</form>"
    )
