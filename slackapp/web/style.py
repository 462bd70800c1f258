"""Look of every page, the service's and the local Slack's: colours by name, style sheet, icon.

The style sheet's hash stands in the Content-Security-Policy, so that no other style applies.
"""

LIGHT = {
    "ground": "#f6f5f2", "surface": "#ffffff", "inset": "#f1efea", "line": "#dddad3", "edge": "#8a857c",
    "text": "#1d1c1d", "muted": "#55514c", "link": "#0b5cad", "focus": "#1264a3",
    "accent": "#4a154b", "accent-over": "#611f69", "on-accent": "#ffffff",
    "good": "#1b6e45", "warning": "#8a5300", "bad": "#a1260d",
}  # fmt: skip
DARK = {
    "ground": "#161418", "surface": "#201d23", "inset": "#2c2830", "line": "#3d3843", "edge": "#8d8696",
    "text": "#ece9ef", "muted": "#b5afbc", "link": "#8ec3ff", "focus": "#8ec3ff",
    "accent": "#d8a6dc", "accent-over": "#e6c3e9", "on-accent": "#2b0c2c",
    "good": "#7fd1a6", "warning": "#f0b866", "bad": "#ff9d8a",
}  # fmt: skip
"""Colour by name. `line` only separates; `edge` is the border of what can be used; `inset` lies under code."""


def _scheme(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


COLOURS = f"""
:root {{ color-scheme: light dark; {_scheme(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_scheme(DARK)} }} }}
"""
COMMON = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1.0625rem/1.55 system-ui, sans-serif; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: break-word; }
h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; line-height: 1.3; overflow-wrap: break-word; }
p, li { margin: 0 0 .9rem; overflow-wrap: break-word; }
li { margin-bottom: .5rem; }
ul, ol { padding-left: 1.3rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
.button { display: inline-block; margin: .6rem 0 1rem; padding: .85rem 1.5rem; border: 1px solid var(--accent);
          border-radius: 8px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600;
          text-decoration: none; cursor: pointer; }
.button:hover { background: var(--accent-over); }
.note { color: var(--muted); font-size: .9375rem; }
code { background: var(--inset); padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere; }
"""
"""What the service's pages and the local Slack's share."""
STYLE = f"""{COLOURS}{COMMON}
main {{ max-width: 36rem; margin: 5vh auto 3rem; padding: 2.25rem 2rem; background: var(--surface);
       border: 1px solid var(--line); border-radius: 14px; }}
.unsaid {{ color: var(--bad); }}
.foot {{ margin: 2.2rem 0 0; padding-top: .6rem; border-top: 1px solid var(--line); }}
.foot a {{ display: inline-block; padding: .6rem 1.2rem .6rem 0; }}
@media (max-width: 40rem) {{ main {{ margin: 0; border: 0; border-radius: 0; padding: 2rem 1.25rem; }} }}
"""

MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="{ground}"/>'
    '<path d="{strokes}" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/></svg>'
)
ICON = MARK.format(ground="#4a154b", strokes="M16 8.5v15M8.5 16h15")
"""The service's: a plus."""
ICON_TYPE = "image/svg+xml"
ICON_PATH = "/favicon.ico"
"""Where browsers look unasked: so no page logs a 404, a plain text one neither."""
ICON_LINK = f'<link rel="icon" type="{ICON_TYPE}" href="{ICON_PATH}">'
