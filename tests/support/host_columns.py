"""What each table and each column of the host side is for, as column_meanings.py has it for the core's."""

from tests.support.column_meanings import HASH, LEASE_OWNER, LEASE_UNTIL, OPERATIONAL, SECRET, TENANT, Table

ORGANIZATION = (TENANT, "The host's own id of its customer.")
MEMBER = (TENANT, "The host's own id of the person.")
ROLE = (OPERATIONAL, "`owner`, `admin`, `member` or `auditor`.")
HOST_KEY = (OPERATIONAL, "Under which of the host's keys: what was opened under one ends with it.")
OVER_AT = (OPERATIONAL, "Until when it counts.")
WITH_ORGANIZATION = "Until the host deletes the organization."

HOST_TABLES = {
    "organizations": Table(
        "One row per customer of the host.",
        "Until the host deletes it: then all of these tables but the audit forget it.",
        {
            "organization_id": ORGANIZATION,
            "name": (TENANT, "Its name, as the newest token of the host says."),
            "named_at": (OPERATIONAL, "When that token was issued."),
            "workspace_limit": (OPERATIONAL, "How many workspaces it may connect; NULL: as the setting says."),
            "data_region": (OPERATIONAL, "Where its data must lie; empty: anywhere."),
            "frozen_at": (OPERATIONAL, "Since when nothing of it is used; NULL: it is not frozen."),
            "removed_at": (OPERATIONAL, "Since when it is being deleted; NULL: it is not."),
            "created_at": (OPERATIONAL, "When the host first named it; 0 once it is erased, but for logs."),
            "updated_at": (OPERATIONAL, "When the row last changed."),
        },
    ),
    "members": Table(
        "One row per person of an organization whom the host has named.",
        WITH_ORGANIZATION + " The name goes when the member leaves.",
        {
            "organization_id": ORGANIZATION,
            "member_id": MEMBER,
            "name": (TENANT, "The name, as the newest token of the host says."),
            "role": ROLE,
            "issued_at": (OPERATIONAL, "When the token was issued that said so: an older one changes nothing."),
            "status": (OPERATIONAL, "`active`, or `offboarded`: has left, and is refused."),
            "created_at": (OPERATIONAL, "When the host first named the member."),
            "updated_at": (OPERATIONAL, "When the row last changed."),
        },
    ),
    "purposes": Table(
        "What an organization uses Slack for.",
        WITH_ORGANIZATION,
        {
            "organization_id": ORGANIZATION,
            "purpose_id": (OPERATIONAL, "The id; all that the audit has of it."),
            "text": (TENANT, "What people read."),
            "created_at": (OPERATIONAL, "When it was added."),
        },
    ),
    "connections": Table(
        "What ties an organization, or one of its members, to a tenant: also attempts, and what is over.",
        WITH_ORGANIZATION + " With the tenant, names, channels, scopes and settings go; ids, states and times stay. A "
        "failed attempt goes after 30 days.",
        {
            "id": (OPERATIONAL, "24 random hexadecimal digits."),
            "organization_id": ORGANIZATION,
            "user_id": (TENANT, "The member who began it."),
            "kind": (OPERATIONAL, "`workspace` (the bot) or `personal` (a member's own)."),
            "status": (
                OPERATIONAL,
                "`pending`, `quarantined`, `active`, `needs_reconnect`, `suspended`, `revoked` or `failed`.",
            ),
            "status_reason": (OPERATIONAL, "Why, in a word of a closed set."),
            "way": (OPERATIONAL, "Begun on a `page`, or by the `api`."),
            "host_key_id": HOST_KEY,
            "approval_id": (OPERATIONAL, "The approval that it uses; empty: needs none."),
            "reconnects": (OPERATIONAL, "The connection that it is to bring back; empty: none."),
            "oauth_state": (HASH, "Hash of the state that it was begun with; NULL once that was used."),
            "oauth_expires_at": (OPERATIONAL, "Until when that state can be used."),
            "oauth_metadata": (SECRET, "What the host said of it when it began, and from where. NULL when it is over."),
            "used_state": (HASH, "Hash of the state that was used: who comes back with it is told the outcome."),
            "tenant_kind": (TENANT, "`T` or `E`, as Slack has said; empty before, and where it came to nothing."),
            "tenant_id": (TENANT, "The tenant; empty as above."),
            "team_id": (TENANT, "The workspace; empty for a whole enterprise."),
            "enterprise_id": (TENANT, "The enterprise over it; empty where there is none."),
            "team_name": (TENANT, "Its name, as Slack gave it."),
            "team_domain": (TENANT, "Its address at Slack, as Slack gave it."),
            "bot_user_id": (TENANT, "The bot's user id there."),
            "scope": (TENANT, "What was granted."),
            "token_vault_key": (OPERATIONAL, "Name of its token in the vault; NULL while it holds none."),
            "installed_by_slack_user_id": (TENANT, "Who granted it at Slack."),
            "owner_id": (TENANT, "The member who answers for it."),
            "owner_missing_at": (OPERATIONAL, "Since when nobody does; NULL: somebody does."),
            "purpose_id": (OPERATIONAL, "What it is for."),
            "default_channel_id": (TENANT, "The channel that a message without one goes to."),
            "default_channel_team_id": (TENANT, "In which workspace of an enterprise that is."),
            "allowed_channels": (TENANT, "The only channels that it may use; empty: any."),
            "max_age": (OPERATIONAL, "After how many seconds it is suspended; NULL: never."),
            "installed_at": (OPERATIONAL, "When it was last granted."),
            "last_used_at": (OPERATIONAL, "When it was last used, to the minute."),
            "last_validated_at": (OPERATIONAL, "When Slack last said that its token lives."),
            "created_at": (OPERATIONAL, "When it was begun."),
            "updated_at": (OPERATIONAL, "When the row last changed."),
            "deleted_at": (OPERATIONAL, "When somebody disconnected it; NULL: nobody has."),
        },
    ),
    "quarantines": Table(
        "Grants of Slack that the member who began has not confirmed by a login yet.",
        "Ten minutes: then the grant is given back to Slack.",
        {
            "connection_id": (OPERATIONAL, "Whose grant it is."),
            "cookie_hash": (HASH, "Hash of the cookie of the browser that came back from Slack."),
            "grant_sealed": (SECRET, "The grant with its tokens, under the service's own key for what waits."),
            "expires_at": OVER_AT,
            "lease_owner": LEASE_OWNER,
            "lease_until": LEASE_UNTIL,
            "installer_id": (TENANT, "Slack's id of whoever approved: which token may be another grant's, too."),
        },
    ),
    "host_tickets": Table(
        "Tickets that the host has asked for, to log a member in on our pages.",
        "A minute.",
        {
            "ticket_hash": (HASH, "Hash of the ticket."),
            "organization_id": ORGANIZATION,
            "member_id": MEMBER,
            "role": ROLE,
            "host_key_id": HOST_KEY,
            "expires_at": OVER_AT,
            "used_at": (OPERATIONAL, "When it was used; NULL: not yet."),
        },
    ),
    "host_sessions": Table(
        "Sessions of members on our pages.",
        "Eight hours at most; until a logout, the end of the host's key, another role, or until the member leaves.",
        {
            "session_hash": (HASH, "Hash of the session's cookie."),
            "organization_id": ORGANIZATION,
            "member_id": MEMBER,
            "role": ROLE,
            "host_key_id": HOST_KEY,
            "created_at": (OPERATIONAL, "When it began."),
            "seen_at": (OPERATIONAL, "When it was last used, to the minute; half an hour later it is over."),
            "expires_at": OVER_AT,
        },
    ),
    "host_token_ids": Table(
        "Tokens of the host that work once, and were used.",
        "Until the token itself has expired.",
        {
            "id_hash": (HASH, "Hash of the token's id."),
            "expires_at": (OPERATIONAL, "Until when it is kept."),
        },
    ),
    "idempotency_keys": Table(
        "What the host has asked under a key of its own: a repeat is answered alike, and does nothing.",
        "A day.",
        {
            "key_hash": (HASH, "Keyed hash of the key, its organization, member and route."),
            "organization_id": ORGANIZATION,
            "body_hash": (HASH, "Hash of the request's body."),
            "answer_status": (OPERATIONAL, "The answer's status; 0 while the first request runs."),
            "answer": (OPERATIONAL, "The answer: ids and words of ours."),
            "expires_at": OVER_AT,
        },
    ),
    "approvals": Table(
        "Wishes of members to connect, and the answers.",
        "A week after the last answer, and a month more; not longer than the organization.",
        {
            "id": (OPERATIONAL, "24 random hexadecimal digits."),
            "organization_id": ORGANIZATION,
            "member_id": (TENANT, "Who asks."),
            "reason": (TENANT, "Why, in the member's own words."),
            "status": (OPERATIONAL, "`requested`, `approved`, `denied` or `used`."),
            "note": (TENANT, "What was answered, in the words of whoever did."),
            "decided_by": (TENANT, "The member who answered."),
            "created_at": (OPERATIONAL, "When it was asked."),
            "decided_at": (OPERATIONAL, "When it was answered."),
            "expires_at": OVER_AT,
            "used_at": (OPERATIONAL, "When a connection used it."),
        },
    ),
    "host_events": Table(
        "What the host is told of.",
        "30 days; not longer than the organization.",
        {
            "number": (OPERATIONAL, "Grows in the order of commits; a host reads on behind the last one that it has."),
            "organization_id": ORGANIZATION,
            "connection_id": (OPERATIONAL, "Which connection it is about."),
            "type": (OPERATIONAL, "What happened, such as `connection.revoked`."),
            "at": (OPERATIONAL, "When."),
            "detail": (OPERATIONAL, "Why, in a word of a closed set."),
            "message_id": (OPERATIONAL, "Which message it is about; empty: none."),
        },
    ),
    "host_switches": Table(
        "Which organizations an operator has switched off.",
        "Until the operator switches it on again, also where the host deletes the organization meanwhile.",
        {
            "organization_id": (TENANT, "The host's own id of its customer; empty: everybody."),
            "disabled_at": (OPERATIONAL, "Since when."),
            "actor": (OPERATIONAL, "Who decided it."),
            "request_id": (OPERATIONAL, "In which run of the command."),
        },
    ),
}
