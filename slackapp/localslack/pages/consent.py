"""`/oauth/v2/authorize`: the page where a user approves or denies the app.

Follows docs.slack.dev/authentication/installing-with-oauth. Errors are shown on this page and are not
redirected: until the redirect URL is known to be the app's own, nobody may be sent to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from slackapp.localslack.accounts import User
from slackapp.localslack.api import scopes
from slackapp.localslack.model import AuthorizationCode
from slackapp.localslack.pages import layout
from slackapp.localslack.wire import Fields, HttpResponse, first, is_loopback, redirect
from slackapp.web.components import hidden

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

CARRIED = ("client_id", "scope", "user_scope", "redirect_uri", "state", "team")
ROLES = ("admin", "member")


class AuthorizeError(Exception):
    """The authorize request cannot go on; carries Slack's error code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class AuthorizeRequest:
    """Parameters of an authorize request, checked. `redirect_uri` is empty where the request named none."""

    bot_scopes: list[str]
    user_scopes: list[str]
    redirect_uri: str
    destination: str
    state: str
    has_state: bool
    team: str


def read(slack: LocalSlack, fields: Fields) -> AuthorizeRequest:
    """Check the parameters of an authorize request; raises Refused."""
    if first(fields, "client_id") != slack.app.client_id:
        raise AuthorizeError("invalid_client_id", "No app has this client id.")
    bot, user = scopes.split(first(fields, "scope")), scopes.split(first(fields, "user_scope"))
    problem = scopes.problem(bot, user)
    if problem:
        raise AuthorizeError(problem, "The scopes asked for are missing, unknown or cannot be combined.")
    if slack.unapproved_scopes.intersection([*bot, *user]):
        raise AuthorizeError("unapproved_scope", "The app was not approved for one of these scopes.")
    claimed = first(fields, "redirect_uri")
    if claimed and not any(is_below(claimed, url) for url in slack.app.redirect_urls):
        raise AuthorizeError("bad_redirect_uri", "The redirect URL is not one of the app's.")
    if not claimed and len(slack.app.redirect_urls) != 1:
        raise AuthorizeError("bad_redirect_uri", "The app has several redirect URLs: the request must name one.")
    destination = claimed or slack.app.redirect_urls[0]
    return AuthorizeRequest(
        bot,
        user,
        claimed,
        destination,
        state=first(fields, "state"),
        has_state="state" in fields,
        team=first(fields, "team"),
    )


def is_below(claimed: str, configured: str) -> bool:
    """Tells whether a redirect URL equals a configured one or lies below it.

    Same scheme, host and port, longer path.
    """
    if "#" in claimed or "\\" in claimed:
        return False
    try:
        url, base = urlsplit(claimed), urlsplit(configured)
    except ValueError:
        return False
    if (url.scheme, url.netloc) != (base.scheme, base.netloc) or not url.netloc:
        return False
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.netloc)):
        return False
    same = claimed == configured or url.path == base.path
    return same or (url.path.startswith(base.path.rstrip("/") + "/") and ".." not in url.path.split("/"))


def show(slack: LocalSlack, fields: Fields) -> HttpResponse:
    """GET: the consent page."""
    try:
        wish = read(slack, fields)
    except AuthorizeError as refusal:
        return layout.problem(refusal.code, refusal.sentence)
    kept = "".join(hidden(name, first(fields, name)) for name in CARRIED if name in fields)
    users = "".join(
        f'<label><input type="radio" name="user" value="{role}"{" checked" if role == "admin" else ""}> '
        f"{'an' if role == 'admin' else 'a'} {role} there</label>"
        for role in ROLES
    )
    body = (
        f'<form method="post" action="/oauth/v2/authorize">{kept}'
        f"<p><strong>{escape(slack.app.name)}</strong> asks for permission to act in a workspace.</p>"
        f"{_scope_list('The app as a bot', wish.bot_scopes)}{_scope_list('The app on your behalf', wish.user_scopes)}"
        f"{_optional(slack, wish)}<fieldset><legend>Where</legend>{_places(slack, wish)}</fieldset>"
        f"<fieldset><legend>Who you are</legend>{users}</fieldset>"
        f"<p>You will be sent on to <code>{escape(wish.destination)}</code>.</p>"
        f'<div class="buttons">{layout.button("Approve", "decision", "approve", main=True)}'
        f"{layout.button('Deny', 'decision', 'deny')}</div></form>"
    )
    return layout.page(f"Install {slack.app.name}?", body)


def _scope_list(title: str, asked: list[str]) -> str:
    if not asked:
        return ""
    items = "".join(f'<li class="scope">{escape(scope)}</li>' for scope in asked)
    return f"<section><strong>{title}</strong><ul>{items}</ul></section>"


def _optional(slack: LocalSlack, wish: AuthorizeRequest) -> str:
    asked = [scope for scope in [*wish.bot_scopes, *wish.user_scopes] if scope in slack.app.optional_scopes]
    if not asked:
        return ""
    boxes = "".join(
        f'<label><input type="checkbox" name="optional" value="{escape(scope)}" checked> '
        f'<span class="scope">{escape(scope)}</span></label>'
        for scope in asked
    )
    return f"<fieldset><legend>Optional</legend>{boxes}</fieldset>"


def _places(slack: LocalSlack, wish: AuthorizeRequest) -> str:
    places = [
        (w.id, w.name, slack.accounts.enterprises[w.enterprise_id].name if w.enterprise_id else "")
        for w in slack.accounts.workspaces.values()
    ]
    choices = [
        (key, f"{name} (workspace{' in ' + enterprise if enterprise else ''})") for key, name, enterprise in places
    ]
    if slack.app.org_deploy:
        choices += [
            (enterprise.id, f"{enterprise.name} (the whole org)") for enterprise in slack.accounts.enterprises.values()
        ]
    chosen = wish.team if wish.team in dict(choices) else choices[0][0]
    return "".join(
        f'<label><input type="radio" name="target" value="{key}"{" checked" if key == chosen else ""}> '
        f"{escape(label)}</label>"
        for key, label in choices
    )


def decide(slack: LocalSlack, fields: Fields) -> HttpResponse:
    """POST: the user's decision, answered with a redirect to the app."""
    try:
        wish = read(slack, fields)
        if first(fields, "decision") == "deny":
            state = {"state": wish.state} if wish.has_state and slack.deny_with_state else {}
            return _back(wish, {"error": "access_denied", **state})
        if first(fields, "decision") != "approve":
            raise AuthorizeError("invalid_arguments", "Approve or deny.")
        target, user = _chosen(slack, fields, wish)
    except AuthorizeError as refusal:
        return layout.problem(refusal.code, refusal.sentence)
    if slack.require_approval:
        note = "<p>An admin has to approve the app first. Your request was sent; you are not sent on.</p>"
        return layout.page("Request sent", note)
    code = _code(slack, fields, wish, target, user=user)
    return _back(wish, {"code": code, **({"state": wish.state} if wish.has_state else {})})


def _chosen(slack: LocalSlack, fields: Fields, wish: AuthorizeRequest) -> tuple[str, User]:
    target = first(fields, "target") or wish.team
    if target not in slack.accounts.workspaces and target not in slack.accounts.enterprises:
        raise AuthorizeError("invalid_arguments", "Choose a workspace or an org.")
    if slack.app.home_team and target != slack.app.home_team:
        raise AuthorizeError("invalid_team_for_non_distributed_app", "The app is not distributed.")
    if target in slack.accounts.enterprises and not (slack.app.org_deploy and wish.bot_scopes):
        raise AuthorizeError(
            "scope_not_allowed_on_enterprise", "Org-wide install needs it switched on, and a bot scope."
        )
    place = slack.accounts.workspaces.get(target) or slack.accounts.enterprises[target]
    named = {"admin": place.admin, "member": place.member, "guest": place.guest}
    claimed = first(fields, "user") or "admin"
    user_id = named.get(claimed, claimed)
    user = slack.accounts.member(target, user_id)
    if user is None:
        raise AuthorizeError("invalid_arguments", "That person is not in that workspace or org.")
    return target, user


def _code(slack: LocalSlack, fields: Fields, wish: AuthorizeRequest, target: str, user: User) -> str:
    accepted = set(fields.get("optional", []))
    declined = set(slack.app.optional_scopes) - accepted
    with slack.lock:
        serial = slack.next_serial()
        value = f"{1_000_000_000 + serial}.{2_000_000_000 + serial}.{slack.entropy(32).hex()}"
        slack.state.issued.append(value)
        slack.state.codes[value] = AuthorizationCode(
            value,
            target,
            user.id,
            [scope for scope in wish.bot_scopes if scope not in declined],
            user_scopes=[scope for scope in wish.user_scopes if scope not in declined],
            redirect_uri=wish.redirect_uri,
            issued_at=slack.clock(),
            webhook_channel=first(fields, "webhook_channel"),
        )
        slack.save()
    return value


def _back(wish: AuthorizeRequest, added: dict[str, str]) -> HttpResponse:
    joiner = "&" if urlsplit(wish.destination).query else "?"
    return redirect(302, wish.destination + joiner + urlencode(added))
