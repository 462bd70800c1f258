"""Writes the reference in docs/host-api.md from the table of routes: `python -m tests.support.host_reference`."""

import re
from pathlib import Path

from slackapp.host.call import HostRoute
from slackapp.host.checks.fields import Fields, is_optional
from slackapp.host.openapi import COMMON_CODES, codes_of, roles_of
from slackapp.host.routes import API_ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "host-api.md"
PART = re.compile("(<!-- routes -->\n)(.*?)(<!-- /routes -->)", re.DOTALL)


def names(fields: Fields) -> str:
    """The names of fields; those that may be left out in brackets."""
    return ", ".join(f"[`{name}`]" if is_optional(form) else f"`{name}`" for name, form in fields.items())


def section(route: HostRoute) -> str:
    """What the page says of a route."""
    more = [code for code in codes_of(route) if code not in (*COMMON_CODES, "TOO_LARGE")]
    lines = [f"### `{route.method} {route.path}`", "", f"{route.summary}. For: {', '.join(roles_of(route))}.", ""]
    told = {
        "parameters": names(route.parameters),
        "body": names(route.body or {}),
        "answer": names(route.answer),
        "may also get": ", ".join(f"`{code}`" for code in more),
    }
    return "\n".join((*lines, *(f"- {what}: {text}" for what, text in told.items() if text)))


def page() -> str:
    """The page as it should be: what people wrote, and the part that is made."""
    made = "\n\n".join(section(route) for route in API_ROUTES)
    return PART.sub(lambda match: f"{match[1]}\n{made}\n\n{match[3]}", PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
