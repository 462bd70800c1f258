"""`GET /slack/install`: sends the browser to Slack with a state that is bound to it. Arrows 1 to 4 of the install."""

from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import urlencode

from slackapp.checks import browser_binding, state_token
from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.model import Settings, StatePurpose
from slackapp.store import oauth_states

_RETRY_AFTER = 60
_COOKIE_SECONDS = 600


@dataclass(frozen=True)
class Redirect:
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
    random = app.entropy(state_token.RANDOM_BYTES)
    key_id, key = app.keyring.state_key()
    state = state_token.issue_state(StatePurpose.INSTALL, digest, key_id, key, random, now, settings.state_ttl)
    # 3. record its hash
    id_hash, expires_at = state_token.state_hash(random), now + settings.state_ttl
    add = partial(
        oauth_states.add, app.db, id_hash, digest, StatePurpose.INSTALL, now, expires_at, settings.state_limit,
        network=state_token.network_hash(key, network), network_limit=_states_per_network(settings),
    )  # fmt: skip
    # Unflushed: of a state that a power failure takes, nobody loses more than an install that must be begun again.
    # claim: C-72
    if not app.db.commit_in_group(add, durable=False):
        raise Refused(Refusal.STATE_LIMIT, retry_after=_RETRY_AFTER)
    # 4. set the cookie and send the browser to Slack
    app.metrics.count("slackapp_installs_begun_total", {})
    cookie = browser_binding.set_cookie(secret, settings.secure, max(_COOKIE_SECONDS, settings.state_ttl))
    return Redirect(authorize_url(app, state, claimed_team), cookie)


def _states_per_network(settings: Settings) -> int:
    """Limits one network's states: as many as its rate gives one address, and never more than half.

    An IPv6 site has 65,536 networks of the kind that rates are counted by.
    """
    return max(1, min(settings.state_limit // 2, settings.rate_per_minute * (settings.state_ttl // 60 + 1)))


def authorize_url(app: App, state: str, team: str | None) -> str:
    """The address of Slack's consent page (docs.slack.dev/authentication/installing-with-oauth).

    Every value is encoded: nothing that came with a request can add a parameter of its own.
    """
    settings = app.settings
    same = _fixed_parameters(settings.client_id, settings.bot_scopes, settings.user_scopes, settings.redirect_uri)
    own = urlencode({"state": state, "team": team} if team else {"state": state})
    return f"{settings.slack.authorize}?{same}&{own}"


@lru_cache(maxsize=1)
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
