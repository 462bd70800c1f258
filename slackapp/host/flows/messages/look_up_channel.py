"""Look-up of a channel before something is posted there, and the way into one that is public.

One that is private is asked for each time.

What is known of a public one holds for a minute. Where the grant has no scope to ask, Slack's answer to the post tells.
"""

from slackapp.checks.capabilities import JOIN, POST
from slackapp.errors import SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.use_token import TokenUse
from slackapp.host.flows.personal import token_holder
from slackapp.host.memory import host_memory
from slackapp.host.rows import Connection
from slackapp.host.store.messages import Message
from slackapp.model import BOT, Actor

METHOD = "conversations.info"
NOT_IN_CHANNEL = "not_in_channel"
_JOIN = "conversations.join"
_JOINS = "channels:join"
_FINAL = frozenset({SlackErrorKind.BAD_REQUEST, SlackErrorKind.FORBIDDEN})
_READS_CHANNELS = frozenset({"channels:read", "groups:read"})
_NEEDS_SCOPE = "missing_scope"


def require_open(app: App, connection: Connection, message: Message, actor: Actor) -> None:
    """Requires that the channel is there, and takes messages. Raises SlackCallError and Refused."""
    known = host_memory(app).public_channels
    if _READS_CHANNELS.isdisjoint(connection.scopes) or known.is_known(message.tenant, message.channel_id, app.clock()):
        return
    use = TokenUse(
        tenant=message.tenant,
        holder=token_holder.holder_of(connection),
        capability=POST,
        method=METHOD,
        purpose=message.purpose_id,
        actor=actor,
        statuses=token_holder.statuses_for(connection),
        channel=message.channel_id,
    )
    try:
        channel = use_token.call(app, use, {"channel": message.channel_id}).data.get("channel")
    except SlackCallError as error:
        if error.code == _NEEDS_SCOPE:  # for a channel of this kind; the post itself needs none
            return
        raise _without_effect(error) from None
    if not isinstance(channel, dict):
        raise refusal(METHOD, "channel_not_found")
    if channel.get("is_archived") is True:
        raise refusal(METHOD, "is_archived")
    # claim: C-259
    if channel.get("is_private") is False:
        known.note(message.tenant, message.channel_id, app.clock())


def join(app: App, connection: Connection, message: Message, actor: Actor) -> bool:
    """Lets the bot into a public channel, where the grant allows that; False where Slack does not.

    Which channels the connection may post to was asked before. Raises SlackCallError, where it may work later, and
    Refused.
    """
    holder = token_holder.holder_of(connection)
    if _JOINS not in connection.scopes or holder != BOT:  # nobody is made to join
        return False
    use = TokenUse(
        tenant=message.tenant,
        holder=holder,
        capability=JOIN,
        method=_JOIN,
        purpose=message.purpose_id,
        actor=actor,
        channel=message.channel_id,
    )
    try:
        use_token.call(app, use, {"channel": message.channel_id})
    except SlackCallError as error:
        if error.kind in _FINAL:
            return False
        raise _without_effect(error) from None
    host_memory(app).channel_lists.forget(connection.id)
    return True


def refusal(method: str, code: str) -> SlackCallError:
    """Makes the failure of what is not even asked of Slack."""
    return SlackCallError(method, code, SlackErrorKind.BAD_REQUEST)


def _without_effect(error: SlackCallError) -> SlackCallError:
    """A question that was not answered has done nothing: it waits, and is never unclear."""
    if error.kind is SlackErrorKind.TRANSIENT:
        return SlackCallError(error.method, "no_connection", SlackErrorKind.TRANSIENT, error.retry_after)
    return error
