"""Look of every page, the service's and the local Slack's: colours by name, style sheet, mark.

The style sheet's hash stands in the Content-Security-Policy, so that no other style applies. Lengths keep to a grid of
8 pixels (.5rem), radii are 8 and 14.
"""

LIGHT = {
    "ground": "#f6f5f2", "surface": "#ffffff", "inset": "#f1efea", "line": "#dddad3", "edge": "#8a857c",
    "text": "#1d1c1d", "muted": "#55514c", "link": "#0b5cad", "focus": "#1264a3",
    "accent": "#4a154b", "accent-over": "#611f69", "on-accent": "#ffffff",
    "good": "#1b6e45", "warning": "#8a5300", "bad": "#a1260d", "on-bad": "#ffffff",
}  # fmt: skip
DARK = {
    "ground": "#161418", "surface": "#201d23", "inset": "#2c2830", "line": "#3d3843", "edge": "#8d8696",
    "text": "#ece9ef", "muted": "#b5afbc", "link": "#8ec3ff", "focus": "#8ec3ff",
    "accent": "#d8a6dc", "accent-over": "#e6c3e9", "on-accent": "#2b0c2c",
    "good": "#7fd1a6", "warning": "#f0b866", "bad": "#ff9d8a", "on-bad": "#3a0d04",
}  # fmt: skip
"""Colour by name. `line` only separates; `edge` is the border of what can be used; `inset` lies under code."""


def _scheme(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


COLOURS = f"""
:root {{ color-scheme: light dark; {_scheme(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_scheme(DARK)} }} }}
"""
_TEXT = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1.0625rem/1.55 system-ui, sans-serif; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; line-height: 1.3; overflow-wrap: anywhere; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1.0625rem; line-height: 1.3; overflow-wrap: anywhere; }
p, li, dd { margin: 0 0 1rem; overflow-wrap: break-word; }
li { margin-bottom: .5rem; }
dl { margin: 0 0 1rem; }
dt { color: var(--muted); }
ul, ol { margin: 0 0 1rem; padding-left: 1.5rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
.note, .hint { color: var(--muted); font-size: .9375rem; }
.unsaid { color: var(--bad); }
code { padding: .1em .35em; border-radius: 4px; background: var(--inset); font-size: .9375rem; }
code { overflow-wrap: anywhere; }
.copy { user-select: all; }
"""
_FRAME = """
.bar, .foot, main { max-width: 36rem; margin: 0 auto; padding: 1rem 2rem; }
.wide .bar, .wide .foot, .wide main { max-width: 60rem; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; padding-top: 1.5rem; font-weight: 600; }
.bar > span { flex: 1 1 8rem; overflow-wrap: anywhere; }
.mark { flex: none; width: 2rem; height: 2rem; }
.mark rect { fill: var(--accent); }
.mark path { fill: none; stroke: var(--on-accent); stroke-width: 3.5; stroke-linecap: round; }
.menu { display: flex; flex-wrap: wrap; width: 100%; padding: 0; font-weight: 400; }
.menu a, .foot a { display: inline-block; padding: .5rem 1rem .5rem 0; }
.menu [aria-current] { color: var(--text); font-weight: 600; text-decoration: none; }
.skip { position: absolute; top: -6rem; left: .5rem; padding: .5rem 1rem; background: var(--surface); }
.skip:focus { top: .5rem; }
main, .wide section { padding: 2rem; background: var(--surface); border: 1px solid var(--line); border-radius: 14px; }
.wide main { padding: 0 2rem; background: var(--ground); border: 0; }
.wide section { margin: 0 0 1rem; padding: 1.5rem; }
.wide section > :first-child { margin-top: 0; }
.wide section > :last-child, main > :last-child { margin-bottom: 0; }
.foot { padding-bottom: 3rem; color: var(--muted); font-size: .9375rem; }
"""
_CONTROLS = """
.button { display: inline-block; max-width: 100%; margin: 0; padding: .5rem 1.5rem; border: 1px solid var(--accent);
    border-radius: 8px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600;
    text-align: center; text-decoration: none; overflow-wrap: anywhere; cursor: pointer; }
.button:hover { background: var(--accent-over); }
.button.plain { border-color: var(--edge); background: var(--surface); color: var(--text); font-weight: 400; }
.button.plain:hover { background: var(--inset); }
.button.danger { border-color: var(--bad); background: var(--bad); color: var(--on-bad); }
.button.danger:hover { background: var(--bad); text-decoration: underline; }
.buttons { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin: 1rem 0; }
.buttons form { margin: 0; }
form { margin: 0 0 1rem; }
form > :last-child { margin-bottom: 0; }
.field { margin: 0 0 1rem; }
label { display: block; font-weight: 600; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 0 1rem; }
.fields + .buttons { margin-top: 0; }
pre { overflow-wrap: anywhere; white-space: pre-wrap; }
blockquote { margin: 0 0 1rem; padding: 0 1rem; border-left: 4px solid var(--edge); white-space: pre-wrap; }
.hint, .error { margin: 0 0 .5rem; }
.error { color: var(--bad); font-weight: 600; }
input, select, textarea { min-height: 2.5rem; max-width: 100%; padding: .5rem 1rem; border: 1px solid var(--edge);
    border-radius: 8px; background: var(--surface); color: var(--text); font: inherit; }
input:not([type]), input[type=text], input[type=search], input[type=date], input[type=datetime-local], select,
textarea { display: block; width: 100%; }
input, select { height: 2.75rem; }
input[type=radio], input[type=checkbox] { width: 1.5rem; height: 1.5rem; min-height: 0; margin: 0 .5rem 0 0;
    vertical-align: middle; accent-color: var(--accent); }
[aria-invalid] { border-color: var(--bad); }
fieldset { margin: 0 0 1rem; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 14px; }
fieldset label { display: flex; padding: .25rem 0; font-weight: 400; }
fieldset input { flex: none; }
legend { padding: 0 .5rem; font-weight: 600; }
summary { padding: .25rem 0; cursor: pointer; }
"""
_NOTICES = """
.notice { margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-left: 4px solid var(--edge);
    border-radius: 8px; background: var(--inset); }
.notice > :last-child { margin: 0; }
.notice.good { border-left-color: var(--good); }
.notice.warning { border-left-color: var(--warning); }
.notice.bad { border-left-color: var(--bad); }
@media (max-width: 40rem) { .bar, .foot { padding-left: 1rem; padding-right: 1rem; }
    main { border-left: 0; border-right: 0; border-radius: 0; padding: 1.5rem 1rem; }
    .wide main { padding: 0 1rem; }
    .wide section { padding: 1rem; }
    .button { width: 100%; } .buttons form { width: 100%; } }
@media print { .menu, .skip, .foot, .button { display: none; } main, .wide section { border: 0; padding: 0; }
    section { break-inside: avoid; } }
"""
_DATA = """
.chip { display: inline-flex; align-items: center; gap: .5rem; padding: 0 .5rem; border: 1px solid var(--line);
    border-radius: 8px; background: var(--inset); font-size: .9375rem; font-weight: 600; }
.chip svg { flex: none; width: 1rem; height: 1rem; fill: none; stroke: currentColor; stroke-width: 2.5;
    stroke-linecap: round; }
.chip.good { color: var(--good); }
.chip.warning { color: var(--warning); }
.chip.bad { color: var(--bad); }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem;
    margin: 0 0 .5rem; }
.head h2 { margin: 0; }
.facts { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .5rem 1rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.empty { padding: 1.5rem 1rem; border: 1px solid var(--line); border-radius: 8px; text-align: center; }
table { width: 100%; margin: 0 0 1rem; border-collapse: collapse; }
caption { padding: 0 0 .5rem; color: var(--muted); font-size: .9375rem; text-align: left; }
th, td { padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
    overflow-wrap: anywhere; }
figure { margin: 0 0 1rem; }
figcaption { color: var(--muted); font-size: .9375rem; }
.chart { display: block; width: 100%; height: auto; }
.chart path { stroke: var(--edge); }
.chart .all { fill: var(--surface); stroke: var(--edge); }
.chart .part { fill: var(--accent); }
td form { margin: 0; }
@media (max-width: 40rem) { .facts { grid-template-columns: 2fr 3fr; }
    .cards thead { position: absolute; left: -60rem; }
    .cards tr { display: block; margin: 0 0 .5rem; padding: .5rem 1rem; border: 1px solid var(--line); }
    .cards td { display: flex; gap: 1rem; justify-content: space-between; padding: .25rem 0; border: 0; }
    .cards td > span { text-align: right; }
    .cards td::before { content: attr(data-label); flex: 0 9999 auto; color: var(--muted);
        overflow-wrap: break-word; } }
"""
STYLE = f"{COLOURS}{_TEXT}{_FRAME}{_CONTROLS}{_DATA}{_NOTICES}"

PLUS, HASH = "M16 8.5v15M8.5 16h15", "M13 8l-2 16M21 8l-2 16M8 13h16M8 19h16"
"""Strokes of the marks, the service's and the local Slack's: so that two tabs are not taken for each other."""
ICON_TYPE = "image/svg+xml"
ICON_PATH = "/favicon.ico"
"""Where browsers look unasked: so no page logs a 404, a plain text one neither."""
ICON_LINK = f'<link rel="icon" type="{ICON_TYPE}" href="{ICON_PATH}">'


def make_icon(ground: str, strokes: str) -> str:
    """Makes the mark as a file: what stands in a browser's tab has no style sheet."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" '
        f'fill="{ground}"/><path d="{strokes}" fill="none" stroke="#fff" stroke-width="3.5" '
        'stroke-linecap="round"/></svg>'
    )


ICON = make_icon("#4a154b", PLUS)
"""The service's."""
