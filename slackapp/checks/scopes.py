"""What a token may do against what the app asks for: less means features that fail, more means damage if it is stolen.

Stops:   scopes being compared in two ways in two places.
How:     sets, sorted; white space after a comma is none of a scope's.
Does not stop: scopes that drift; it only names them.
Read:    docs.slack.dev/apis/web-api (x-oauth-scopes)
"""

from collections.abc import Iterable

Scopes = tuple[str, ...]


def scope_set(parts: Iterable[str]) -> Scopes:
    """Sorted, each once, without the empty one that an empty list leaves."""
    return tuple(sorted({part.strip() for part in parts} - {""}))


def drift(asked: Scopes, has: Scopes) -> tuple[Scopes, Scopes]:
    """Missing ones, and surplus ones."""
    return tuple(sorted(set(asked) - set(has))), tuple(sorted(set(has) - set(asked)))
