"""Icon that a browser shows beside the name of a page."""

MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="{ground}"/>'
    '<path d="{strokes}" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/></svg>'
)
ICON = MARK.format(ground="#4a154b", strokes="M16 8.5v15M8.5 16h15")
"""The service's: a plus."""
LOCAL_ICON = MARK.format(ground="#0b5cad", strokes="M13 8l-2 16M21 8l-2 16M8 13h16M8 19h16")
"""The local Slack's: a hash, so that two tabs are not taken for each other."""
ICON_TYPE = "image/svg+xml"
ICON_PATH = "/favicon.ico"
"""Where browsers look unasked: so no page logs a 404, a plain text one neither."""
ICON_LINK = f'<link rel="icon" type="{ICON_TYPE}" href="{ICON_PATH}">'
