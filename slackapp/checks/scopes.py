"""Scopes of a token compared with those that the app asks for: fewer break features, more raise the damage.

Stops:   scopes being compared in two ways in two places.
How:     sets, sorted; white space after a comma is none of a scope's. Where somebody else's order is kept, as for a
         Bolt app that gets back what it saved, two lists of the same scopes are equal all the same.
Does not stop: scopes that drift; it only names them.
Read:    docs.slack.dev/apis/web-api (x-oauth-scopes)
"""

from collections.abc import Iterable

Scopes = tuple[str, ...]


def scope_set(parts: Iterable[str]) -> Scopes:
    """Scopes sorted, each once, without the empty one that an empty list leaves."""
    return tuple(sorted({part.strip() for part in parts} - {""}))


def scope_list(parts: Iterable[str]) -> Scopes:
    """Scopes in the order in which they came, else the same."""
    return tuple(dict.fromkeys(scope for part in parts if (scope := part.strip())))


def same_scopes(some: Scopes, others: Scopes) -> bool:
    """Tells whether two lists hold the same scopes, whatever their order."""
    return set(some) == set(others)


def drift(asked: Scopes, granted: Scopes) -> tuple[Scopes, Scopes]:
    """Missing ones, and surplus ones."""
    return tuple(sorted(set(asked) - set(granted))), tuple(sorted(set(granted) - set(asked)))
