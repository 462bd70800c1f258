"""Input and findings of a review."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from slackapp.directory.probe import Probe
from slackapp.model import LOOPBACK, Secret


@dataclass(frozen=True)
class Finding:
    """Result of one look: what must hold, what was seen instead, and what to do.

    `local` marks what is wrong only because the address is one of this machine.
    """

    ok: bool
    expectation: str
    seen: str = ""
    action: str = ""
    local: bool = False

    @property
    def wrong(self) -> str:
        """Line about a finding that does not hold."""
        seen, action = (f" ({self.seen})" if self.seen else ""), (f"; {self.action}" if self.action else "")
        return f"not so: {self.expectation}{seen}{action}"


@dataclass(frozen=True)
class ReviewInput:
    """Input of a review: manifest, probe, settings. `url` is "" and `probe` None where no address was given.

    `own_reasons` are the `SCOPES` of the behaviour's module.
    """

    manifest: Mapping[str, Any]
    submitted: Mapping[str, Any] | None = None
    url: str = ""
    probe: Probe | None = None
    switched_on: tuple[str, ...] = ()
    app_id: str = ""
    signing_secret: Secret | None = None
    now: int = 0
    own_reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Tells whether the address is one of this machine."""
        return is_loopback(self.url)

    @property
    def require_probe(self) -> Probe:
        """The running app, for checks that are not done without one."""
        if self.probe is None:
            raise LookupError("no address was given")
        return self.probe

    @property
    def bot_scopes(self) -> tuple[str, ...]:
        """Bot scopes of the manifest."""
        return strings_at(self.manifest, "oauth_config", "scopes", "bot")

    @property
    def user_scopes(self) -> tuple[str, ...]:
        """User scopes of the manifest."""
        return strings_at(self.manifest, "oauth_config", "scopes", "user")

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes of the manifest, bot and user."""
        return self.bot_scopes + self.user_scopes

    @property
    def events(self) -> tuple[str, ...]:
        """Events that the manifest subscribes to."""
        return strings_at(self.manifest, "settings", "event_subscriptions", "bot_events") + strings_at(
            self.manifest, "settings", "event_subscriptions", "user_events"
        )

    @property
    def commands(self) -> tuple[Mapping[str, Any], ...]:
        """The slash commands of the manifest."""
        return mappings_at(self.manifest, "features", "slash_commands")


Check = Callable[[ReviewInput], Iterator[Finding]]


def expect_none(wrong: Sequence[str], promise: str, action: str, local: bool = False) -> Finding:
    """Makes a finding that holds where nothing is wrong."""
    return Finding(not wrong, promise, ", ".join(wrong), action, local=local)


def is_loopback(url: str) -> bool:
    """Tells whether an address is one of this machine."""
    return urlsplit(url).hostname in LOOPBACK


def value_at(manifest: Mapping[str, Any], *path: str) -> Any:
    """Reads the value at a path; None where there is none."""
    found: Any = manifest
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def strings_at(manifest: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    """The strings of a list; none where there is no list."""
    found = value_at(manifest, *path)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def mappings_at(manifest: Mapping[str, Any], *path: str) -> tuple[Mapping[str, Any], ...]:
    """The mappings of a list; none where there is no list."""
    found = value_at(manifest, *path)
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def urls_in(value: Any) -> Iterator[str]:
    """Lists the addresses in a manifest."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from urls_in(item)
    elif isinstance(value, str) and "://" in value and " " not in value:
        yield value
