"""Refusals of the host side: a closed list, whose codes and sentences are part of its API.

Each code has one status. A sentence says what is wrong and how it is mended, and repeats nothing of the request.
"""

from slackapp.errors import RefusalKind, Refused
from slackapp.host.model import HostRefusedEvent
from slackapp.model import Actor


class HostRefusal(RefusalKind):
    """The closed list of refusals of the host side."""

    TOKEN_MISSING = (
        "UNAUTHENTICATED", 401,
        "There is no host token: send Authorization: Bearer with one that the host's backend has signed.",
        HostRefusedEvent.TOKEN_MISSING,
    )  # fmt: skip
    TOKEN_FORM = (
        "UNAUTHENTICATED", 401, "The host token is no compact JWT of at most 2,048 bytes.",
        HostRefusedEvent.TOKEN_FORM,
    )  # fmt: skip
    TOKEN_HEADER = (
        "UNAUTHENTICATED", 401,
        "The header of the host token must have alg HS256, typ slackapp-host+jwt and a kid, and nothing else.",
        HostRefusedEvent.TOKEN_HEADER,
    )  # fmt: skip
    TOKEN_KEY = (
        "UNAUTHENTICATED", 401, "The host token is not signed with a key that is in use here.",
        HostRefusedEvent.TOKEN_KEY,
    )  # fmt: skip
    TOKEN_FORGED = (
        "UNAUTHENTICATED", 401, "The host token is not signed with a key that is in use here.",
        HostRefusedEvent.TOKEN_FORGED,
    )  # fmt: skip
    TOKEN_CLAIM = (
        "UNAUTHENTICATED", 401, "A claim of the host token is missing or has a wrong value.",
        HostRefusedEvent.TOKEN_CLAIM,
    )  # fmt: skip
    TOKEN_EARLY = (
        "UNAUTHENTICATED", 401, "The host token is for a later time: set the clock of the host's backend.",
        HostRefusedEvent.TOKEN_EARLY,
    )  # fmt: skip
    TOKEN_EXPIRED = (
        "UNAUTHENTICATED", 401, "The host token has expired: sign one for each request.",
        HostRefusedEvent.TOKEN_EXPIRED,
    )  # fmt: skip
    TOKEN_USED = (
        "UNAUTHENTICATED", 401, "The host token was used already, and works once here: sign one for each request.",
        HostRefusedEvent.TOKEN_USED,
    )  # fmt: skip
    KEY_RETIRED = (
        "UNAUTHENTICATED", 401, "The key that this was opened under has been retired: begin anew from the host's page.",
        HostRefusedEvent.KEY_RETIRED,
    )  # fmt: skip
    OFFBOARDED = (
        "FORBIDDEN", 403, "This member has left the organization; the host, or an owner, can reinstate it.",
        HostRefusedEvent.OFFBOARDED,
    )  # fmt: skip
    ORGANIZATION_REMOVED = (
        "FORBIDDEN", 403, "This organization is being removed, with all that it has.",
        HostRefusedEvent.ORGANIZATION_REMOVED,
    )  # fmt: skip
    DISABLED = (
        "INTEGRATION_DISABLED", 503, "Slack integration is not enabled", HostRefusedEvent.DISABLED,
    )  # fmt: skip
    ROLE = (
        "FORBIDDEN", 403, "This is not for that role: ask an owner or admin of the organization, or the host.",
        HostRefusedEvent.ROLE,
    )  # fmt: skip
    RETURN_URL = (
        "BAD_REQUEST", 400,
        "The address to return to must be a path of the host's own site, such as /settings/integrations.",
        HostRefusedEvent.RETURN_URL,
    )  # fmt: skip
    METADATA = (
        "BAD_REQUEST", 400,
        "The metadata must be an object; source and projectId are texts of 1 to 64 characters, and two names are ours.",
        HostRefusedEvent.METADATA,
    )  # fmt: skip
    METADATA_SIZE = (
        "TOO_LARGE", 413, "The metadata may have 1,024 bytes as JSON without spaces.", HostRefusedEvent.METADATA_SIZE,
    )  # fmt: skip
    OTHER_ORIGIN = ("FORBIDDEN", 403, "This form was sent by another site.", HostRefusedEvent.OTHER_ORIGIN)
    HIDDEN_ORIGIN = (
        "FORBIDDEN", 403,
        "This form does not say which site sent it: the host's page needs Referrer-Policy: strict-origin.",
        HostRefusedEvent.HIDDEN_ORIGIN,
    )  # fmt: skip

    # The body, and the parameters of the address
    BODY = (
        "BAD_REQUEST", 400, "The body must be one JSON object, sent as application/json.", HostRefusedEvent.BODY,
    )  # fmt: skip
    BODY_SIZE = ("TOO_LARGE", 413, "The body may have 16 KiB, that of a message 128 KiB.", HostRefusedEvent.BODY_SIZE)
    UNKNOWN_FIELD = (
        "BAD_REQUEST", 400, "There is a field that this address does not take: leave it out.",
        HostRefusedEvent.UNKNOWN_FIELD,
    )  # fmt: skip
    FIELD = (
        "BAD_REQUEST", 400, "This field is missing or has a wrong value: /api/v2/openapi.json shows what it may be.",
        HostRefusedEvent.FIELD,
    )  # fmt: skip
    PARAMETERS = (
        "BAD_REQUEST", 400, "The address has parameters that cannot be read, or one of them twice.",
        HostRefusedEvent.PARAMETERS,
    )  # fmt: skip
    CURSOR = (
        "BAD_REQUEST", 400, "The cursor is none of this list: begin without one.", HostRefusedEvent.CURSOR,
    )  # fmt: skip
    CHOICE = (
        "BAD_REQUEST", 400, "The organization has several workspaces: say which by its id.", HostRefusedEvent.CHOICE,
    )  # fmt: skip

    # What is there, and whether it works
    NOT_THERE = ("NOT_FOUND", 404, "The organization has nothing of that id.", HostRefusedEvent.NOT_THERE)
    NO_INTEGRATION = (
        "INTEGRATION_NOT_FOUND", 404, "The organization has connected no workspace.", HostRefusedEvent.NO_INTEGRATION,
    )  # fmt: skip
    INACTIVE = (
        "INTEGRATION_INACTIVE", 409, "The workspace is not connected just now: an owner or admin connects it again.",
        HostRefusedEvent.INACTIVE,
    )  # fmt: skip
    SUSPENDED = (
        "INTEGRATION_INACTIVE", 409,
        "The workspace is suspended: GET /api/v2/slack/integration says why, and its page what ends that.",
        HostRefusedEvent.SUSPENDED,
    )  # fmt: skip
    SCOPE = (
        "INTEGRATION_INACTIVE", 409,
        "The workspace has not granted a scope that this needs: an owner or admin connects it again.",
        HostRefusedEvent.SCOPE,
    )  # fmt: skip
    CHANNEL = (
        "INVALID_CHANNEL", 422, "The channel is not there, is archived, or is private and the app is not in it.",
        HostRefusedEvent.CHANNEL,
    )  # fmt: skip
    NO_CHANNEL = (
        "INVALID_CHANNEL", 422, "There is no channel: name one, or set the connection's default channel.",
        HostRefusedEvent.NO_CHANNEL,
    )  # fmt: skip
    NO_WEBHOOK = (
        "INVALID_CHANNEL", 422, "Slack has granted no webhook: ask for incoming-webhook, and connect again.",
        HostRefusedEvent.NO_WEBHOOK,
    )  # fmt: skip
    CHANNEL_NOT_ALLOWED = (
        "INVALID_CHANNEL", 422, "The connection may not post to this channel: see its allowed channels.",
        HostRefusedEvent.CHANNEL_NOT_ALLOWED,
    )  # fmt: skip

    # Messages
    CONTENT = (
        "INVALID_CONTENT", 422,
        "Slack would not take this: a text has 1 to 4,000 characters, a message 50 blocks of 13,000 characters in all.",
        HostRefusedEvent.CONTENT,
    )  # fmt: skip
    TEMPLATE = (
        "INVALID_CONTENT", 422,
        "A variable is $name or ${name}, a dollar sign $$, and stands in a text, or behind the site of an address.",
        HostRefusedEvent.TEMPLATE,
    )  # fmt: skip
    TEMPLATES = (
        "BAD_REQUEST", 400, "The organization has 100 templates, as many as it may: delete one first.",
        HostRefusedEvent.TEMPLATES,
    )  # fmt: skip
    VARIABLE = (
        "INVALID_CONTENT", 422, "The template takes its own variables, each a text or number, and no other.",
        HostRefusedEvent.VARIABLE,
    )  # fmt: skip
    KEY_MISSING = (
        "BAD_REQUEST", 400,
        "What sends something needs an Idempotency-Key of its own: 1 to 128 letters, digits and -_.:",
        HostRefusedEvent.KEY_MISSING,
    )  # fmt: skip
    KEY_RUNS = (
        "IDEMPOTENCY_CONFLICT", 409, "A request with this Idempotency-Key is being answered: ask again shortly.",
        HostRefusedEvent.KEY_RUNS,
    )  # fmt: skip
    KEY_REUSED = (
        "IDEMPOTENCY_MISMATCH", 422, "This Idempotency-Key was used with another body: take a new one.",
        HostRefusedEvent.KEY_REUSED,
    )  # fmt: skip
    INTERNAL_ID = (
        "IDEMPOTENCY_CONFLICT", 409, "The organization has a message of this internalMessageId already.",
        HostRefusedEvent.INTERNAL_ID,
    )  # fmt: skip
    SEND_AT = (
        "BAD_REQUEST", 400, "The time must lie ahead, within a year.", HostRefusedEvent.SEND_AT,
    )  # fmt: skip
    NOT_OWN = (
        "FORBIDDEN", 403, "The message is another member's: that member, an owner or an admin may change it.",
        HostRefusedEvent.NOT_OWN,
    )  # fmt: skip
    MESSAGE_STATUS = (
        "BAD_REQUEST", 400, "The message is in no status in which that can be done: read it again.",
        HostRefusedEvent.MESSAGE_STATUS,
    )  # fmt: skip

    # Slack, and the moment
    SLACK_FAILED = (
        "SLACK_ERROR", 502, "Slack could not be reached, or has refused: try again later.",
        HostRefusedEvent.SLACK_FAILED,
    )  # fmt: skip
    SLACK_RATE = (
        "RATE_LIMITED", 429, "Slack wants no more of this for a while: see Retry-After.", HostRefusedEvent.SLACK_RATE,
    )  # fmt: skip
    TOKEN = (
        "TOKEN_UNAVAILABLE", 503, "The workspace's token cannot be used just now: try again later.",
        HostRefusedEvent.TOKEN,
    )  # fmt: skip
    TOKENS_OFF = (
        "FORBIDDEN", 403, "Tokens of this organization are given to nobody: its operator has not allowed it.",
        HostRefusedEvent.TOKENS_OFF,
    )  # fmt: skip
    TOKEN_LASTS = (
        "INTEGRATION_INACTIVE", 409,
        "The token lives for too long to be given: switch token rotation on at Slack, and connect again.",
        HostRefusedEvent.TOKEN_LASTS,
    )  # fmt: skip
    CROWDED = (
        "BUSY", 503, "Too much is being asked of Slack at a time: try again shortly.", HostRefusedEvent.CROWDED,
    )  # fmt: skip
    CHANGED = (
        "BUSY", 503, "Somebody else has changed this meanwhile: read it again.", HostRefusedEvent.CHANGED,
    )  # fmt: skip

    # Connecting
    SESSION = (
        "UNAUTHENTICATED", 401, "You are not signed in here: open this page from the product that led you here.",
        HostRefusedEvent.SESSION,
    )  # fmt: skip
    TICKET = (
        "UNAUTHENTICATED", 401, "This way in was used already or has expired: open the page again from the product.",
        HostRefusedEvent.TICKET,
    )  # fmt: skip
    FORM_TOKEN = (
        "FORBIDDEN",
        403,
        "This form is not of this session: open the page again.",
        HostRefusedEvent.FORM_TOKEN,
    )
    CONNECT_FIELD = (
        "BAD_REQUEST", 400,
        "A field does not say how to connect: kind is workspace or personal; purpose and reconnect are ids known here.",
        HostRefusedEvent.CONNECT_FIELD,
    )  # fmt: skip
    REGION = (
        "REGION_MISMATCH", 409, "This deployment keeps data in another region than the organization wants.",
        HostRefusedEvent.REGION,
    )  # fmt: skip
    APPROVAL = (
        "APPROVAL_REQUIRED", 409, "An owner or admin of the organization must approve this first.",
        HostRefusedEvent.APPROVAL,
    )  # fmt: skip
    OWN_APPROVAL = (
        "FORBIDDEN", 403, "Nobody decides on an approval of their own: ask another owner or admin.",
        HostRefusedEvent.OWN_APPROVAL,
    )  # fmt: skip
    REVIEW_OPEN = (
        "BAD_REQUEST", 400, "A review is open already: close it before you open another one.",
        HostRefusedEvent.REVIEW_OPEN,
    )  # fmt: skip
    REVIEW_ANSWERED = (
        "BAD_REQUEST", 400, "The connection has its answer in this review, or is over: read the review again.",
        HostRefusedEvent.REVIEW_ANSWERED,
    )  # fmt: skip
    OWN_REVIEW = (
        "FORBIDDEN", 403, "Nobody keeps a personal connection of their own: ask another owner or admin.",
        HostRefusedEvent.OWN_REVIEW,
    )  # fmt: skip
    EXISTS = (
        "INTEGRATION_EXISTS", 409,
        "The organization has a workspace already: reconnect it, or disconnect it first.",
        HostRefusedEvent.EXISTS,
    )  # fmt: skip
    LIMIT = (
        "WORKSPACE_LIMIT_REACHED", 409, "The organization has as many workspaces as it may connect.",
        HostRefusedEvent.LIMIT,
    )  # fmt: skip
    TAKEN = (
        "WORKSPACE_TAKEN", 409, "The workspace, or its Enterprise, belongs to another organization here.",
        HostRefusedEvent.TAKEN,
    )  # fmt: skip
    LEAVES = (
        "INTEGRATION_EXISTS", 409,
        "This would replace a workspace of the organization: open the page again, and confirm what it says there.",
        HostRefusedEvent.LEAVES,
    )  # fmt: skip
    NOT_CONFIRMED = (
        "FORBIDDEN", 403,
        "This connect was begun by somebody else, or is over. Nothing was connected, and it was given back to Slack.",
        HostRefusedEvent.NOT_CONFIRMED,
    )  # fmt: skip
    ATTEMPTS = (
        "RATE_LIMITED", 429, "The organization has begun too many connects: finish one, or wait some minutes.",
        HostRefusedEvent.ATTEMPTS,
    )  # fmt: skip
    STATE_UNKNOWN = (
        "BAD_REQUEST", 400, "No connect was begun here with that state.", HostRefusedEvent.STATE_UNKNOWN,
    )  # fmt: skip
    OTHER_USER = (
        "WORKSPACE_TAKEN", 409,
        "This account at Slack is connected already, or the connection is another account's: disconnect that first.",
        HostRefusedEvent.OTHER_USER,
    )  # fmt: skip
    OTHER_GRANT = (
        "SLACK_ERROR", 502, "Slack granted something else than was asked for.", HostRefusedEvent.OTHER_GRANT,
    )  # fmt: skip


class HostRefused(Refused):
    """Refusal of the host side. `field` names what is wrong: a claim, or a field of the body; never a value.

    `reconnect_url` is the host's page on which the workspace is connected again, where that helps.
    """

    def __init__(
        self,
        refusal: HostRefusal,
        field: str | None = None,
        retry_after: int | None = None,
        actor: Actor | None = None,
        reconnect_url: str | None = None,
    ) -> None:
        super().__init__(refusal, retry_after=retry_after, actor=actor)
        self.reconnect_url = reconnect_url
        self.field = field


class TokenRefused(HostRefused):
    """Refusal of a token: the host is told that it has none, and where that helps where to connect again."""


class RefusedRedirect(Refused):
    """Refusal that is told to the host: `location` is its page, with the reason as a closed word."""

    def __init__(self, refused: Refused, location: str) -> None:
        super().__init__(refused.refusal, tenant=refused.tenant, actor=refused.actor)
        self.location = location
