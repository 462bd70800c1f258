"""What each table and each column of the database is for, and how closely it is held; for docs/data-model.md."""

from dataclasses import dataclass

from slackapp.flows.upkeep import sweep

SECRET = "secret, sealed"
HASH = "secret, hashed"
TENANT = "tenant data"
OPERATIONAL = "operational"
CLASSES = {
    SECRET: "Opens something at Slack, or is what people wrote. Sealed with the tenant's own data key, or a wrapped "
    "data key. Without the master key it is random bytes.",
    HASH: "Would open something while it lives. Only its SHA-256 hash is stored; nothing can be won back from that.",
    TENANT: "Says who a customer is: ids, names, scopes. In clear, readable for whoever can read the database file.",
    OPERATIONAL: "Says how the service fares: times, counts, states, versions. Names nobody.",
}


@dataclass(frozen=True)
class Table:
    """What a table holds, how long a row stays, and each column's class and meaning."""

    holds: str
    stays: str
    columns: dict[str, tuple[str, str]]


EVENT_HOURS = sweep.DEDUPE_WINDOW // 3600
KIND = (TENANT, "`T` for a workspace, `E` for an organisation that installed for all of its workspaces.")
ID = (TENANT, "The tenant: a workspace's or an organisation's id at Slack.")
LEASE_OWNER = (OPERATIONAL, "Which process, and which of its attempts, has the row now; empty: nobody.")
LEASE_UNTIL = (OPERATIONAL, "Until when that counts, should the process be dead.")

CORE_TABLES = {
    "installations": Table(
        "One row per tenant: who installed what.",
        "Until an uninstall, a revocation of everything, or a purge. A new install replaces the row.",
        {
            "tenant_kind": KIND,
            "tenant_id": ID,
            "app_id": (OPERATIONAL, "Our app's id at Slack."),
            "enterprise_id": (TENANT, "The organisation the workspace belongs to; empty where there is none."),
            "enterprise_name": (TENANT, "Its name, as Slack gave it at the install."),
            "team_id": (TENANT, "The workspace; empty for an install of a whole organisation."),
            "team_name": (TENANT, "Its name, as Slack gave it at the install."),
            "bot_user_id": (TENANT, "The bot's user id in that workspace."),
            "bot_id": (TENANT, "The bot's own id there, as `auth.test` says; '' until it was asked."),
            "installer_id": (TENANT, "The id of the user who installed last."),
            "scopes_asked": (TENANT, "What was asked for."),
            "scopes_granted": (TENANT, "What Slack says was granted."),
            "webhook": (SECRET, "The address of an incoming webhook, where one was granted."),
            "webhook_generation": (OPERATIONAL, "The installation's generation when it was granted; part of its seal."),
            "status": (OPERATIONAL, "`active`, `suspect`, `needs_reinstall`, `suspended` or `purging`."),
            "status_reason": (OPERATIONAL, "Why a new install is needed, in a word."),
            "generation": (OPERATIONAL, "Grows with every install; what is sealed is bound to it."),
            "installed_at": (OPERATIONAL, "When the last install was committed."),
            "last_used_at": (OPERATIONAL, "When an event was served there last, to the minute."),
            "check_begun_at": (OPERATIONAL, "When somebody began the daily check of its tokens."),
            "last_validated_at": (OPERATIONAL, "When Slack last said that the tokens live."),
        },
    ),
    "tokens": Table(
        "One row per bot, per user who granted something, and per connection.",
        "As the installation; a revocation that names a user or the bot deletes those rows. A refresh replaces the "
        "pair.",
        {
            "tenant_kind": KIND,
            "tenant_id": ID,
            "holder_kind": (OPERATIONAL, "Whose token it is: `bot`, `user` or `connection`."),
            "holder_id": (TENANT, "The user's or the connection's id; empty for the bot."),
            "provider": (OPERATIONAL, "Who has issued it, and refreshes it: `slack` for every token of an install."),
            "generation": (OPERATIONAL, "Grows with every new pair; what is sealed is bound to it."),
            "access": (SECRET, "The access token."),
            "refresh": (SECRET, "The refresh token; NULL for a token that does not rotate."),
            "access_fingerprint": (HASH, "Keyed hash of the access token: finds a leaked one. NULL: not made yet."),
            "refresh_fingerprint": (HASH, "The same of the refresh token; NULL also where there is none."),
            "scopes": (TENANT, "What the token may do."),
            "granted_at": (OPERATIONAL, "When a user granted it."),
            "issued_at": (OPERATIONAL, "When Slack issued this pair."),
            "expires_at": (OPERATIONAL, "When the access token ends; NULL: never."),
            "due_at": (OPERATIONAL, "From when on it is to be refreshed."),
            "status": (OPERATIONAL, "`live`, `refresh_refused` or `dead`."),
            "lease_owner": LEASE_OWNER,
            "lease_until": LEASE_UNTIL,
            "reason": (OPERATIONAL, "Why it is dead, or pauses: Slack's code, or ours."),
            "refused_since": (OPERATIONAL, "Since when Slack refuses it; NULL while it serves."),
            "refused_at": (OPERATIONAL, "When it was refused last."),
            "paused_until": (OPERATIONAL, "Until when it is not tried."),
            "contradicted": (OPERATIONAL, "How often it was refused while something else spoke against that."),
            "freeze": (OPERATIONAL, "Stopped alone: `frozen` with its organization, `ending`; empty for no such stop."),
            "freeze_at": (OPERATIONAL, "Since when."),
        },
    ),
    "failing": Table(
        "Tenants that Slack has refused lately: what the brake is judged by.",
        "Ten minutes; while the brake holds, until the tenant is served again or the operator releases it.",
        {
            "tenant_kind": KIND,
            "tenant_id": ID,
            "refused_at": (OPERATIONAL, "When it was refused last."),
            "given_up": (OPERATIONAL, "1 when a token of it was marked dead."),
        },
    ),
    "answered": Table(
        "Some of the tenants whose calls have succeeded lately: a few a minute.",
        "An hour.",
        {
            "tenant_kind": KIND,
            "tenant_id": ID,
            "answered_at": (OPERATIONAL, "When a call of it succeeded."),
        },
    ),
    "freezes": Table(
        "Whose tokens are not opened, by the operator's decision.",
        "Until `slackapp unfreeze`; an uninstall, a purge or a new install does not end it.",
        {
            "tenant_kind": (TENANT, "As elsewhere; empty in the row that freezes everything."),
            "tenant_id": (TENANT, "The tenant, installed or not; empty in the row that freezes everything."),
            "organization": (TENANT, "The organization that wished it for a tenant of its own; empty: the operator."),
            "frozen_at": (OPERATIONAL, "Since when."),
            "actor": (OPERATIONAL, "Who decided it."),
            "request_id": (OPERATIONAL, "In which run of the command."),
        },
    ),
    "installers": Table(
        "One row per user who installed, and one for the bot: what a Bolt app keeps and no other column holds.",
        "As the installation.",
        {
            "tenant_kind": KIND,
            "tenant_id": ID,
            "holder_kind": (OPERATIONAL, "Who installed: `bot` or `user`."),
            "holder_id": (TENANT, "The user's id; empty for the bot."),
            "generation": (OPERATIONAL, "The installation's at that time."),
            "installed_at": (OPERATIONAL, "When."),
            "details": (SECRET, "Further fields of a Bolt app's own installation record."),
            "webhook": (SECRET, "The webhook of a Bolt app's installation."),
        },
    ),
    "data_keys": Table(
        "The data keys, wrapped by a master key or a key provider. Deleting a tenant's shreds all that they sealed.",
        "Until the tenant is erased; replaced by `slackapp keys reencrypt`. The service's own keys stay.",
        {
            "key_id": (OPERATIONAL, "Number of the key; stands in the header of what it sealed."),
            "tenant_kind": (TENANT, "As above; empty for the service's own keys."),
            "tenant_id": (TENANT, "As above; empty for the service's own keys."),
            "purpose": (
                OPERATIONAL,
                "`bot`, `user`, `refresh`, `data`, `connection`; `state`, `audit`, `label`, `fingerprint`, `pending`.",
            ),
            "connection_id": (TENANT, "Whose own key it is; empty for every other purpose."),
            "provider": (OPERATIONAL, "Who can unwrap it: `local`, or a name from `SLACKAPP_KEY_COMMANDS`."),
            "master_version": (OPERATIONAL, "With which version of its master key it is wrapped."),
            "wrapped": (SECRET, "The key itself, wrapped. Empty in a data backup."),
            "state": (OPERATIONAL, "`active`, or `retired`: seals nothing any more."),
            "created_at": (OPERATIONAL, "When it was made."),
        },
    ),
    "oauth_states": Table(
        "Installs under way, and how those of the last hour ended.",
        "One hour after they expire, which is ten minutes after they began.",
        {
            "id": (OPERATIONAL, "A number that grows."),
            "id_hash": (HASH, "Hash of the state's random part. The state itself is with the browser only."),
            "session_hash": (HASH, "Hash of the browser's cookie."),
            "purpose": (OPERATIONAL, "`install`, `connect_page`, `connect_api`, or `bolt` for a Bolt app's own."),
            "provider": (OPERATIONAL, "Whom it leads to: `slack`, or another one who issues tokens."),
            "expires_at": (OPERATIONAL, "Until when it can be used."),
            "used_at": (OPERATIONAL, "When it was used; NULL: not yet."),
            "network": (HASH, "Keyed hash of the address that began, of IPv6 its first 48 bits; NULL: of a Bolt app."),
            "place": (OPERATIONAL, "Its place among the states of its network, from 0 on; 0 where it has none."),
            "outcome": (
                OPERATIONAL,
                "Empty while the code is being exchanged; then `installed`, `declined` or `failed`.",
            ),
            "tenant_kind": (TENANT, "What the install became."),
            "tenant_id": (TENANT, "The same."),
        },
    ),
    "inbox": Table(
        "Events, commands and button presses that were acknowledged, and jobs of our own. What nobody handles is "
        "acknowledged and not kept.",
        f"The body goes when the row is done, or with the tenant. A finished row stays {EVENT_HOURS} hours, so that a "
        "repeat is known. What is dead or unclear stays, body and all, until an operator deals with it.",
        {
            "event_id": (OPERATIONAL, "Slack's id of the event, or ours of the job."),
            "kind": (OPERATIONAL, "`event` or `job`."),
            "tenant_kind": KIND,
            "tenant_id": ID,
            "type": (OPERATIONAL, "The event's type, such as `app_mention`."),
            "named": (TENANT, "Whom a revocation names: `everything`, or `bot` and user ids. Emptied when done."),
            "body": (SECRET, "The body as Slack sent it: it holds what people wrote. NULL when done."),
            "state": (OPERATIONAL, "`ready`, `running` (claimed), `calling`, `unclear`, `dead` or `done`."),
            "attempts": (OPERATIONAL, "How often it was tried."),
            "event_time": (OPERATIONAL, "When Slack says that it happened."),
            "received_at": (OPERATIONAL, "When it was acknowledged."),
            "next_at": (OPERATIONAL, "When it is tried next."),
            "lease_owner": LEASE_OWNER,
            "lease_until": LEASE_UNTIL,
            "finished_at": (OPERATIONAL, "When it was done or dead."),
            "result": (OPERATIONAL, "How it ended, in a few words of ours."),
            "removes": (OPERATIONAL, "1 for what removes the tenant: it waits for no tenant's status."),
            "trace_id": (OPERATIONAL, "The request that it came with, as `x-request-id` told it; empty for a job."),
        },
    ),
    "audit": Table(
        "What was done with tokens, keys and tenants, and what was refused. Rows are chained, and never changed.",
        "For ever, or `SLACKAPP_AUDIT_DAYS`. A purge leaves them: they hold ids, closed words and numbers, no content. "
        "[audit-events.md](audit-events.md) says which columns each event fills.",
        {
            "id": (OPERATIONAL, "Number of the row, without gaps."),
            "at": (OPERATIONAL, "When."),
            "event": (OPERATIONAL, "What happened, such as `token.read`."),
            "format": (OPERATIONAL, "2; 1 for rows of older releases, whose `actor` and `detail` are texts."),
            "actor": (
                OPERATIONAL,
                "On whose behalf: `anyone`, `unverified`, `slack`, `operator`, `worker` or `bolt`.",
            ),
            "actor_id": (OPERATIONAL, "Which of them: of Slack, the number of the signing secret, or `admin`."),
            "organization": (OPERATIONAL, "The host's customer for whom it acted; empty here."),
            "request_id": (OPERATIONAL, "The request or job that it was part of; the log has the same."),
            "trace_id": (OPERATIONAL, "The request behind it: the one that brought the row, or the host's own."),
            "tenant_kind": (TENANT, "Whom it concerns; empty: nobody in particular."),
            "tenant_id": (TENANT, "The same."),
            "connection": (OPERATIONAL, "The host's connection whose token it was; empty here."),
            "holder_kind": (OPERATIONAL, "Whose token, or who installed: `bot` or `user`; empty: nobody."),
            "holder_id": (TENANT, "The user's id; empty for the bot."),
            "record_kind": (OPERATIONAL, "Which record it is about, such as `bot_access`, `event` or `scope`."),
            "record_id": (TENANT, "The record's id: an event's, a scope, a version, a path."),
            "generation": (OPERATIONAL, "The token's or the installation's generation."),
            "key_id": (OPERATIONAL, "The data key that a record was sealed under."),
            "count": (OPERATIONAL, "How many."),
            "capability": (OPERATIONAL, "What the caller may do with the token."),
            "method": (OPERATIONAL, "The method of Slack's Web API that was called."),
            "channel": (TENANT, "The channel's id."),
            "purpose": (OPERATIONAL, "What the token was used for: a word, or the type of an event."),
            "result": (OPERATIONAL, "`ok`, `refused`, or what went wrong; Slack's code where Slack said it."),
            "detail": (OPERATIONAL, "A word of a closed set, which docs/audit-events.md names for each event."),
            "chain": (OPERATIONAL, "HMAC over this row and the one before."),
        },
    ),
    "audit_checkpoint": Table(
        "Where the audit begins after old rows were cut.",
        "One row, replaced by each cut.",
        {
            "one": (OPERATIONAL, "Always 1: there is one row."),
            "id": (OPERATIONAL, "Number of the last row that is gone."),
            "at": (OPERATIONAL, "When that row was written."),
            "chain": (OPERATIONAL, "Its chain value, from which the next row follows."),
            "mac": (OPERATIONAL, "HMAC over this checkpoint."),
        },
    ),
    "processes": Table(
        "The processes that serve, for key rotation.",
        "Until a process ends, or has shown no sign of life for a minute.",
        {
            "process_id": (OPERATIONAL, "A random name."),
            "started_at": (OPERATIONAL, "Since when."),
            "seen_at": (OPERATIONAL, "Its last sign of life."),
            "key_epoch": (OPERATIONAL, "Which change of the keys it has seen."),
            "master_versions": (OPERATIONAL, "Which master keys it can unwrap with: `1,2`."),
        },
    ),
    "meta": Table(
        "What the database says of itself.",
        "For ever.",
        {
            "name": (OPERATIONAL, "Such as `schema_version`, `primary_master_key`, `key_check:1`."),
            "value": (
                OPERATIONAL,
                "Its value. A key's check value tells whether a key is the right one, and not the key.",
            ),
        },
    ),
    "counters": Table(
        "What was counted, over all processes and restarts: what `/metrics` tells.",
        "For ever.",
        {
            "name": (OPERATIONAL, "The metric's name."),
            "labels": (OPERATIONAL, "Its labels. A tenant stands there as a keyed hash."),
            "value": (OPERATIONAL, "How many."),
        },
    ),
}
