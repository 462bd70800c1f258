"""Matching of a raw target with the paths of routes: segment by segment, byte for byte, nothing decoded.

Stops:   another spelling of a path (encoded, with a slash more, a dot segment or a parameter), which a proxy may take
         for one address and we for another; an id that holds a slash, a NUL, or a letter that looks like another.
How:     `{name}` stands for one whole segment, of 1 to 128 unreserved characters, and not for `.` or `..`. A literal
         segment wins over it. Two paths that one target could match, with neither the more literal, are refused.
Does not stop: an id of nothing, or of somebody else's thing; that is for the flow that looks it up.
Read:    RFC 3986 sections 2.3 (unreserved characters), 3.3 (segments) and 5.2.4 (dot segments)
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

_SEGMENT = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._~-]{1,128}")
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


class Router:
    """Paths, and which of them a target means."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Raises ValueError for what is no path, and for two paths that one target could mean."""
        split = {path: _split(path) for path in paths}
        for (one, segments), (other, others) in itertools.combinations(split.items(), 2):
            if len(segments) != len(others) or "{" not in one + other:
                continue  # two lengths, or two literals, are two targets
            # claim: C-68
            if _is_ambiguous(segments, others):
                raise ValueError(f"{one} and {other} match the same target")
        self._literals = frozenset(path for path in split if "{" not in path)
        open_paths = ((path, segments) for path, segments in split.items() if "{" in path)
        # The more literal first: of those that match one target, each is more literal than the next.
        self._templates = sorted(open_paths, key=lambda found: found[0].count("{"))

    def match(self, target: str) -> tuple[str, Mapping[str, str]] | None:
        """Finds the path that a target means, and what stands in it for each `{name}`; None where there is none."""
        if target in self._literals:
            return target, {}
        given = target.split("/")
        for path, segments in self._templates:
            if _is_match(segments, given):
                named = zip(segments, given, strict=True)
                return path, {name[1:-1]: value for name, value in named if _is_placeholder(name)}
        return None


def _split(path: str) -> list[str]:
    first, *segments = path.split("/")
    names = [segment for segment in segments if _is_placeholder(segment)]
    whole = all(_is_placeholder(segment) or _SEGMENT.fullmatch(segment) for segment in segments)
    if path != "/" and (first or not segments or not whole or len(names) != len(set(names))):
        raise ValueError(f"{path} is no path of a route")
    return [first, *segments]


def _is_placeholder(segment: str) -> bool:
    return _PLACEHOLDER.fullmatch(segment) is not None


def _is_match(segments: Sequence[str], given: Sequence[str]) -> bool:
    if len(segments) != len(given):
        return False
    for expected, claimed in zip(segments, given, strict=True):
        # claim: C-68
        if not (_SEGMENT.fullmatch(claimed) if _is_placeholder(expected) else claimed == expected):
            return False
    return True


def _is_ambiguous(segments: Sequence[str], others: Sequence[str]) -> bool:
    """Tells whether one target could match both, and neither is the more literal."""
    pairs = zip(segments, others, strict=True)
    kinds = {(_is_placeholder(one), _is_placeholder(other)) for one, other in pairs if one != other}
    # Two literals that differ match nothing in common; one of both kinds, always on the same side, is the more literal.
    return (False, False) not in kinds and len(kinds - {(True, True)}) != 1
