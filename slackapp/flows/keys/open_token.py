"""Opens a stored token, as it lies there now. Whoever calls has noted it in the audit, and stands inside `guard`."""

from slackapp.crypto import records
from slackapp.errors import DecryptError
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import open_or_reread
from slackapp.model import Sealed, Secret, Token
from slackapp.store import tokens


def open_access_token(app: App, token: Token) -> Secret:
    """The access token. Raises DecryptError, and what the keys' provider raises."""

    def current() -> Sealed | None:
        found = tokens.find_generation(app.db, token)
        return found.access if found is not None else None

    context = records.access_token_context(token.tenant, token.user_id, token.generation)
    return Secret(open_or_reread(app, context, token.access, current).decode())


def open_refresh_token(app: App, token: Token) -> Secret:
    """The refresh token. Raises DecryptError, also where there is none, and what the keys' provider raises."""
    if token.refresh is None:
        raise DecryptError

    def current() -> Sealed | None:
        found = tokens.find_generation(app.db, token)
        return found.refresh if found is not None else None

    context = records.refresh_token_context(token.tenant, token.user_id, token.generation)
    return Secret(open_or_reread(app, context, token.refresh, current).decode())
