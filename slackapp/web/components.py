"""Components of a page, one function each: no script, nothing from elsewhere, every value escaped in one place.

What is called `inner` is HTML that was made here, and is escaped already; every other text is escaped here.
"""

import html
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from slackapp.web.style import ICON_LINK, PLUS, STYLE

PLACE = "content"
"""Where the skip link leads."""


def escape(value: str) -> str:
    """Escapes a value: the only way for one to get into a page."""
    return html.escape(value, quote=True)


class Link(NamedTuple):
    """Link of a menu or a foot. `address` is ours; `is_here` marks the page that is shown."""

    address: str
    label: str
    is_here: bool = False


FOOT = (Link("/", "Install"), Link("/privacy", "Privacy"), Link("/support", "Support"))


class Frame(NamedTuple):
    """Frame of a page: name, links above and below, and the reference of a request that failed.

    `mark` are the strokes of the mark beside the name; `head` is HTML for whatever a page needs besides.
    """

    name: str
    request_id: str = ""
    menu: Sequence[Link] = ()
    foot: Sequence[Link] = FOOT
    is_wide: bool = False
    mark: str = PLUS
    style: str = STYLE
    head: str = ""


NO_FRAME = Frame("")
"""Frame of an answer that is no page."""


class Tone(Enum):
    """Tone of a notice, button or chip: never told by its colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    DANGER = "danger"


def document(frame: Frame, title: str, inner: str) -> str:
    """Makes a whole page, with its one h1."""
    skip = f'<a class="skip" href="#{PLACE}">Skip to the content</a>' if frame.menu else ""
    menu = f'<nav class="menu" aria-label="Pages">{_links(frame.menu)}</nav>' if frame.menu else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>{ICON_LINK}<style>{frame.style}</style>{frame.head}</head>"
        f'<body class="{"wide" if frame.is_wide else "narrow"}">{skip}<header class="bar">'
        f"{_mark(frame.mark)}<span>{escape(frame.name)}</span>{menu}</header>"
        f'<main id="{PLACE}"><h1>{escape(title)}</h1>{inner}</main>{_foot(frame)}</body></html>'
    )


def _mark(strokes: str) -> str:
    return (
        '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/>'
        f'<path d="{strokes}"/></svg>'
    )


def _links(links: Iterable[Link]) -> str:
    made = ((each, ' aria-current="page"' if each.is_here else "") for each in links)
    return "".join(f'<a href="{escape(each.address)}"{here}>{escape(each.label)}</a> ' for each, here in made)


def _foot(frame: Frame) -> str:
    links = f'<nav aria-label="About">{_links(frame.foot)}</nav>' if frame.foot else ""
    reference = f'<p>Reference: <code class="copy">{escape(frame.request_id)}</code></p>' if frame.request_id else ""
    return f'<footer class="foot">{links}{reference}</footer>' if links or reference else ""


def link_button(address: str, label: str, tone: Tone | None = None, about: str = "") -> str:
    """Makes a link that looks like a button; another site is not told where it was clicked.

    `about` tells it from others of the same label, to whoever hears them.
    """
    rel = "" if address.startswith("/") else ' rel="noreferrer"'
    return f'<a class="{_button_class(tone)}" href="{escape(address)}"{rel}{_named(label, about)}>{escape(label)}</a>'


def button(label: str, tone: Tone | None = None, name: str = "", value: str = "", *, about: str = "") -> str:
    """Makes the button of a form: its label is what happens; `about` as of a link."""
    named = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f'<button class="{_button_class(tone)}"{named}{_named(label, about)}>{escape(label)}</button>'


def _named(label: str, about: str) -> str:
    return f' aria-label="{escape(f"{label}: {about}")}"' if about else ""


def _button_class(tone: Tone | None) -> str:
    return f"button {tone.value}" if tone is not None else "button"


def buttons(*inner: str) -> str:
    """Puts buttons, and forms that are one, into a row."""
    return f'<div class="buttons">{"".join(inner)}</div>'


def hidden(name: str, value: str) -> str:
    """Makes a field that nobody sees."""
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


class Field(NamedTuple):
    """Field of a form, by its name: label, hint and what is wrong, which are read with it."""

    name: str
    label: str
    hint: str = ""
    error: str = ""

    @property
    def attributes(self) -> str:
        """Attributes that tie the control to all of them."""
        told = [f"{self.name}-{part}" for part, text in (("hint", self.hint), ("error", self.error)) if text]
        described = f' aria-describedby="{" ".join(told)}"' if told else ""
        invalid = ' aria-invalid="true"' if self.error else ""
        return f' id="{self.name}" name="{self.name}"{described}{invalid}'


def text_field(field: Field, value: str = "", kind: str = "text", most: int = 200) -> str:
    """Makes a field for a line of text."""
    control = f'<input type="{kind}"{field.attributes} value="{escape(value)}" maxlength="{most}" autocomplete="off">'
    return _field(field, control)


def lines_field(field: Field, value: str = "", most: int = 4000) -> str:
    """Makes a field for a text of several lines."""
    # The first line break after the tag is the browser's own.
    return _field(field, f'<textarea{field.attributes} maxlength="{most}" rows="6">\n{escape(value)}</textarea>')


def choice_field(field: Field, options: Iterable[tuple[str, str]], chosen: str = "") -> str:
    """Makes a field in which one of several is chosen: value and label of each."""
    made = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(label)}</option>'
        for value, label in options
    )
    return _field(field, f"<select{field.attributes}>{made}</select>")


def _field(field: Field, control: str) -> str:
    hint = f'<p class="hint" id="{field.name}-hint">{escape(field.hint)}</p>' if field.hint else ""
    error = f'<p class="error" id="{field.name}-error">{escape(field.error)}</p>' if field.error else ""
    return f'<div class="field"><label for="{field.name}">{escape(field.label)}</label>{hint}{error}{control}</div>'


def notice(tone: Tone, inner: str, is_alert: bool = False) -> str:
    """Makes a box that tells something; an alert takes the focus, and is read at once."""
    alert = ' role="alert" tabindex="-1" autofocus' if is_alert else ""
    return f'<div class="notice {tone.value}"{alert}>{inner}</div>'


def steps(*sentences: str) -> str:
    """Makes a list of what happens one after the other."""
    return f"<ol>{''.join(f'<li>{escape(each)}</li>' for each in sentences)}</ol>"
