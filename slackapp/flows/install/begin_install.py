"""`GET /slack/install`: sends the browser to Slack with a state that is bound to it. Arrows 1 to 4 of the install."""

from functools import lru_cache, partial
from typing import NamedTuple
from urllib.parse import urlencode

from slackapp.checks import browser_binding
from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.install import new_state
from slackapp.model import StateBinding, StatePurpose

_RETRY_AFTER = 60
_COOKIE_SECONDS = 600


class Redirect(NamedTuple):
    """Redirect of the browser to Slack, with its cookie."""

    location: str
    cookie: str


def run(app: App, cookie_header: str, claimed_team: str | None, network: str, now: int) -> Redirect:
    """Makes and records a state. `claimed_team` is a hint to Slack and nothing else. Raises Refused.

    `network` is where the browser is; what is kept of it is a keyed hash.
    """
    settings = app.settings
    # 1. the browser asks to install
    # claim: C-74
    if claimed_team is not None and not (is_workspace(claimed_team) or is_enterprise(claimed_team)):
        raise Refused(Refusal.TEAM_HINT)
    # 2. make a state that is bound to this browser's cookie
    # A cookie that is there is used again, so that a second tab does not break the first.
    secret = browser_binding.find_browser_secret(cookie_header, settings.secure)
    secret = secret or browser_binding.new_browser_secret(app.entropy(browser_binding.SECRET_BYTES))
    digest = browser_binding.browser_digest(secret)
    state = new_state.make(app, StateBinding(StatePurpose.INSTALL, digest), now)
    # 3. record its hash
    # Unflushed: of a state that a power failure takes, nobody loses more than an install that must be begun again.
    # claim: C-72
    if not app.db.commit_in_group(partial(new_state.record, app, state, network, now), durable=False):
        raise Refused(Refusal.STATE_LIMIT, retry_after=_RETRY_AFTER)
    # 4. set the cookie and send the browser to Slack
    app.metrics.count("slackapp_installs_begun_total", {})
    cookie = browser_binding.set_cookie(secret, settings.secure, max(_COOKIE_SECONDS, settings.state_ttl))
    address = authorize_url(app, state.text, claimed_team, settings.user_scopes, redirect_uri=settings.redirect_uri)
    return Redirect(address, cookie)


def authorize_url(
    app: App, state: str, team: str | None, user_scopes: tuple[str, ...], redirect_uri: str, *, asks_bot: bool = True
) -> str:
    """The address of Slack's consent page (docs.slack.dev/authentication/installing-with-oauth).

    Every value is encoded: nothing that came with a request can add a parameter of its own.
    """
    settings = app.settings
    bot_scopes = settings.bot_scopes if asks_bot else ()
    same = _fixed_parameters(settings.client_id, bot_scopes, user_scopes, redirect_uri)
    own = urlencode({"state": state, "team": team} if team else {"state": state})
    return f"{settings.slack.authorize}?{same}&{own}"


@lru_cache(maxsize=3)
def _fixed_parameters(
    client_id: str, bot_scopes: tuple[str, ...], user_scopes: tuple[str, ...], redirect_uri: str
) -> str:
    parameters = {
        "client_id": client_id,
        "scope": ",".join(bot_scopes),
        "user_scope": ",".join(user_scopes),
        "redirect_uri": redirect_uri,
    }
    return urlencode({name: value for name, value in parameters.items() if value})
