"""Checks of the manifest alone.

Read:    docs.slack.dev/slack-marketplace/slack-marketplace-app-guidelines-and-requirements,
         docs.slack.dev/reference/app-manifest
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from slackapp.checks import scope_reasons
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.checks.scope_reasons import ScopeReason
from slackapp.directory.findings import (
    Finding,
    ReviewInput,
    expect_none,
    is_loopback,
    mappings_at,
    strings_at,
    urls_in,
    value_at,
)
from slackapp.model import HOST_CALLBACK_PATH

NOT_ACCEPTED = (
    "admin*", "identity.*", "search:read", "workflow.steps:execute", "triggers:*", "read", "post", "client",
)  # fmt: skip
REVIEWED_CLOSELY = (
    "*:history", "files:read", "canvases:read", "groups:write", "groups:write.invites", "mpim:write",
    "conversations.connect:write",
)  # fmt: skip
PRIVATE = ("groups:*", "im:*", "mpim:*", "*:history", "files:read", "search:read*")
READS_EMAIL = ("users:read.email", "email", "identity.email")
TAKEN_COMMANDS = (
    "/help", "/search", "/remind", "/status", "/invite", "/leave", "/msg", "/dm", "/me", "/who", "/feedback",
)  # fmt: skip


def only_https(look: ReviewInput) -> Iterator[Finding]:
    """Checks that all addresses are https."""
    found = list(urls_in(look.manifest))
    bad = [address for address in found if not address.startswith("https://")]
    yield Finding(bool(found), "the manifest names addresses", action="write the manifest anew")
    yield expect_none(bad, "every address of the manifest is https", "use https", _here(bad))


def ours_only(look: ReviewInput) -> Iterator[Finding]:
    """Codes and events go to the app's own host, and nowhere else."""
    redirects = strings_at(look.manifest, "oauth_config", "redirect_urls")
    yield Finding(bool(redirects), "there is a redirect address", action="add it under oauth_config.redirect_urls")
    odd = [address for address in redirects if "#" in address or urlsplit(address).scheme != "https"]
    yield expect_none(odd, "redirect addresses are https and without #", "write them so", _here(odd))
    hosts = {urlsplit(address).netloc for address in urls_in(look.manifest)}
    own = {urlsplit(look.url).netloc} if look.url else {host for host in hosts if not is_example(host)}
    strange = sorted(hosts - own)
    action = f"write the manifest anew: slackapp manifest --url {look.url or 'URL'} > manifest.yml"
    yield expect_none(strange, "every address is one of this app's host", action, look.is_local)


def host_redirect(look: ReviewInput) -> Iterator[Finding]:
    """Checks that Slack knows the way back of the host side, where that is on."""
    redirects = strings_at(look.manifest, "oauth_config", "redirect_urls")
    known = any(urlsplit(address).path == HOST_CALLBACK_PATH for address in redirects)
    action = f"write it anew: slackapp manifest --host --url {look.url or 'URL'} > manifest.yml"
    needed = scope_reasons.HOST in look.switched_on
    yield Finding(known or not needed, f"a redirect address is {HOST_CALLBACK_PATH}", action=action)


def reasons_given(look: ReviewInput) -> Iterator[Finding]:
    """Checks that each scope has its row and serves something, and each feature has its scopes."""
    own = look.own_reasons
    without = [scope for scope in look.scopes if scope not in own and scope not in scope_reasons.BY_SCOPE]
    action = "write why into SCOPES of the behaviour's module, or do not ask for them"
    yield expect_none(without, "each scope has a written reason", action)
    features = set(features_of(look))
    idle = [
        reason.scope
        for reason in map(scope_reasons.BY_SCOPE.get, look.scopes)
        if reason is not None and reason.scope not in own and not features.intersection(_served(reason, features))
    ]
    action = "do not ask for them, or run this where the setting is set that needs them"
    yield expect_none(idle, "each scope serves a feature that exists", action)
    missing = sorted({scope for feature in features for scope in scope_reasons.scopes_for(feature)} - set(look.scopes))
    yield expect_none(missing, "each feature has its scopes", "ask for them, or take the feature out")
    unknown = () if own else scope_reasons.unknown_features(features)
    action = "write into SCOPES of the behaviour's module which scopes they need, and why"
    yield expect_none(unknown, "of each feature it is written what it needs", action)


def _served(reason: ScopeReason, features: Iterable[str]) -> tuple[str, ...]:
    """The features that a scope serves; any command needs the one for commands."""
    commands = [feature for feature in features if feature.startswith("/")] if reason.scope == "commands" else []
    return (*reason.features, *reason.optional, *commands)


def features_of(look: ReviewInput) -> tuple[str, ...]:
    """Lists the features that manifest and settings switch on."""
    commands = (command.get("command") for command in look.commands)
    return (*look.events, *(name for name in commands if isinstance(name, str)), *look.switched_on)


def accepted_scopes(look: ReviewInput) -> Iterator[Finding]:
    """Checks that no scope is one that the directory refuses."""
    bad = matching(look.scopes, NOT_ACCEPTED)
    yield expect_none(bad, "no scope that Slack does not accept", "the directory does not take them")


def rotation_on(look: ReviewInput) -> Iterator[Finding]:
    """Tokens live for hours, and the client stays a confidential one."""
    on = value_at(look.manifest, "settings", "token_rotation_enabled") is True
    action = "set settings.token_rotation_enabled to true; Slack cannot undo it"
    yield Finding(on, "token rotation is on", action=action)
    pkce = value_at(look.manifest, "oauth_config", "pkce_enabled")
    action = "take pkce_enabled out; it would make the app a public client for good"
    yield Finding(not pkce, "PKCE is off", action=action)


def bot_declared(look: ReviewInput) -> Iterator[Finding]:
    """Slack takes no scopes of a bot that the app has not."""
    has_name = bool(value_at(look.manifest, "features", "bot_user", "display_name"))
    action = "add features.bot_user with a display_name, or ask for no scopes as a bot"
    yield Finding(has_name or not look.bot_scopes, "scopes of a bot come with features.bot_user", action=action)


def optional_are_declared(look: ReviewInput) -> Iterator[Finding]:
    """Slack wants an optional scope in both lists."""
    for kind, declared in (("bot", look.bot_scopes), ("user", look.user_scopes)):
        optional = strings_at(look.manifest, "oauth_config", "scopes", f"{kind}_optional")
        odd = sorted(set(optional) - set(declared))
        yield expect_none(odd, f"optional scopes of the {kind} are declared", f"add them to scopes.{kind}")


def lifecycle_subscribed(look: ReviewInput) -> Iterator[Finding]:
    """Checks that both lifecycle events are subscribed to; without them, tokens outlive the app."""
    missing = [event for event in sorted(LIFECYCLE_TYPES) if event not in look.events]
    yield expect_none(missing, "removal and revocation are heard of", "add them to bot_events")


def commands_described(look: ReviewInput) -> Iterator[Finding]:
    """Checks that each command has a hint, a description and a name of its own."""
    names = [str(command.get("command", "")) for command in look.commands]
    bare = [
        name
        for name, command in zip(names, look.commands, strict=True)
        if not command.get("usage_hint") or not command.get("description")
    ]
    yield expect_none(bare, "each command has a usage hint and a description", "add what is missing")
    taken = sorted({name for name in names if name in TAKEN_COMMANDS or names.count(name) > 1})
    yield expect_none(taken, "no command has a name that others use", "choose a name of your own")


def shortcuts_described(look: ReviewInput) -> Iterator[Finding]:
    """Name up to 24 characters, description, type."""
    odd = [
        str(shortcut.get("name", ""))
        for shortcut in mappings_at(look.manifest, "features", "shortcuts")
        if not 1 <= len(str(shortcut.get("name", ""))) <= 24
        or not shortcut.get("description")
        or shortcut.get("type") not in ("global", "message")
    ]
    yield expect_none(odd, "each shortcut has a short name, a description and a type", "add what is missing")


def tabs_used(look: ReviewInput) -> Iterator[Finding]:
    """Checks that a tab is shown only where something fills it or listens to it."""
    home = value_at(look.manifest, "features", "app_home", "home_tab_enabled") is True
    filled = "app_home_opened" in look.events
    action = "switch home_tab_enabled and the event app_home_opened on or off together"
    yield Finding(home == filled, "the Home tab is on exactly where something fills it", action=action)
    messages = value_at(look.manifest, "features", "app_home", "messages_tab_enabled") is True
    read_only = value_at(look.manifest, "features", "app_home", "messages_tab_read_only_enabled") is True
    listens = "message.im" in look.events
    action = "make it read-only, or subscribe to message.im"
    yield Finding(not messages or read_only or listens, "nobody can write where nobody reads", action=action)


def no_uninvited_posts(look: ReviewInput) -> Iterator[Finding]:
    """Checks that the bot can post only where somebody has invited it."""
    bad = matching(look.scopes, ("chat:write.public", "channels:join"))
    yield expect_none(bad, "the bot posts only where it was invited", "do not ask for them")


def texts_fit(look: ReviewInput) -> Iterator[Finding]:
    """Name, short and long description."""
    shown = value_at(look.manifest, "display_information") or {}
    name, short, long = (str(shown.get(key, "")) for key in ("name", "description", "long_description"))
    fits = 1 <= len(name) <= 35 and "slack" not in name.lower()
    yield Finding(fits, "the name has 1 to 35 characters and is not Slack's", name, "set SLACKAPP_NAME")
    words = len(short.split())
    fits = 1 <= words <= 10 and len(short) <= 140
    yield Finding(fits, "the short description has 1 to 10 words", f"{words} words", "set SLACKAPP_DESCRIPTION")
    fits = 175 <= len(long) <= 4000
    promise = "the long description has 175 to 4000 characters"
    yield Finding(fits, promise, f"{len(long)} characters", "say what it does in Slack")


def no_email(look: ReviewInput) -> Iterator[Finding]:
    """Checks that no scope shows e-mail addresses."""
    bad = matching(look.scopes, READS_EMAIL)
    yield expect_none(bad, "no scope shows e-mail addresses", "do not ask, or get each person's consent")


def as_submitted(look: ReviewInput) -> Iterator[Finding]:
    """Checks for changes of what the app may do, which must be submitted again."""
    if look.submitted is None:
        return
    changed = [
        name for name, path in _SUBMITTED.items() if value_at(look.manifest, *path) != value_at(look.submitted, *path)
    ]
    yield expect_none(changed, "the manifest is as it was submitted", "submit the app again")


_SUBMITTED = {
    "scopes": ("oauth_config", "scopes"),
    "events": ("settings", "event_subscriptions", "bot_events"),
    "features": ("features",),
    "redirect addresses": ("oauth_config", "redirect_urls"),
    "org-wide installs": ("settings", "org_deploy_enabled"),
}


def reviewed_closely(look: ReviewInput) -> str:
    """Names the scopes that reviewers look at closely."""
    close = ", ".join(matching(look.scopes, REVIEWED_CLOSELY))
    return close and f"say in the submission why it needs {close}: these are reviewed closely"


def acts_as_user(look: ReviewInput) -> str:
    """Names the scopes of the installing user."""
    scopes = ", ".join(look.user_scopes)
    return scopes and f"say why it acts as a person: {scopes}"


def has_optional(look: ReviewInput) -> str:
    """Scopes that may be declined."""
    found = [strings_at(look.manifest, "oauth_config", "scopes", f"{kind}_optional") for kind in ("bot", "user")]
    optional = ", ".join(found[0] + found[1])
    return optional and f"try the app without {optional}, and install it again with them"


def enterprise_installs(look: ReviewInput) -> str:
    """Installs for a whole enterprise."""
    wide = value_at(look.manifest, "settings", "org_deploy_enabled") is True
    return "try it in a channel that is shared with another company" if wide else ""


def has_shortcuts(look: ReviewInput) -> str:
    """Names what a human must see to with shortcuts."""
    found = mappings_at(look.manifest, "features", "shortcuts")
    return "see that each shortcut begins with a verb, opens a modal and says what went wrong" if found else ""


def sees_private(look: ReviewInput) -> str:
    """Scopes that show what is not for everybody."""
    private = ", ".join(matching(look.scopes, PRIVATE))
    return private and f"see that nothing of a private channel is shown to others: {private}"


def never_submitted(look: ReviewInput) -> str:
    """Names the copy that a comparison needs."""
    missing = look.submitted is None
    return "after a submission, keep a copy as manifest.submitted.yml beside manifest.yml" if missing else ""


def matching(scopes: Iterable[str], patterns: tuple[str, ...]) -> list[str]:
    """Selects the scopes that match a pattern."""
    return [scope for scope in scopes if any(fnmatchcase(scope, pattern) for pattern in patterns)]


def is_example(host: str) -> bool:
    """Tells whether a host is one of those that stand in documents (RFC 2606)."""
    endings = ("example.com", "example.org", "example.net", ".example", ".test", ".invalid")
    return host.partition(":")[0].endswith(endings)


def _here(wrong: Iterable[str]) -> bool:
    """Tells whether all that is wrong is of this machine."""
    return all(is_loopback(address) and "#" not in address for address in wrong)
