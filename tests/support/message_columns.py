"""What each table and each column of messages is for."""

from tests.support.column_meanings import ID, KIND, LEASE_OWNER, LEASE_UNTIL, OPERATIONAL, SECRET, TENANT, Table

CHANNEL = (TENANT, "The channel's id at Slack; empty once the tenant is removed.")

MESSAGE_TABLES = {
    "messages": Table(
        "One row per message that an organization has asked for.",
        "Until the host deletes the organization. What it says goes when it is sent, canceled or has failed; channel, "
        "thread and sender go with the tenant.",
        {
            "number": (OPERATIONAL, "Grows in the order in which they were accepted."),
            "id": (OPERATIONAL, "24 random hexadecimal digits; all that the message's metadata at Slack says."),
            "organization_id": (TENANT, "The host's own id of its customer."),
            "connection_id": (OPERATIONAL, "The connection by which it is sent."),
            "tenant_kind": KIND,
            "tenant_id": ID,
            "type": (OPERATIONAL, "`message`, `reply`, `update` or `delete`."),
            "status": (
                OPERATIONAL,
                "`scheduled`, `queued`, `sending`, `sent`, `failed`, `parked`, `unclear` or `canceled`.",
            ),
            "reason": (OPERATIONAL, "Why, in a word of a closed set."),
            "slack_error": (OPERATIONAL, "The code by which Slack has refused it."),
            "internal_message_id": (TENANT, "What the host calls it; unique in its organization."),
            "target_id": (OPERATIONAL, "The message that it answers, updates or deletes."),
            "channel_id": CHANNEL,
            "message_ts": (TENANT, "Its id in the channel, as Slack has told."),
            "thread_ts": (TENANT, "The thread that it stands in."),
            "permalink": (TENANT, "Its address at Slack, once somebody has asked for it."),
            "sender_id": (TENANT, "The member who has asked for it; empty for the host itself."),
            "purpose_id": (OPERATIONAL, "What it is for, by id."),
            "body": (SECRET, "What it says, while it waits. NULL when it is over: `message_contents` may have it."),
            "send_at": (OPERATIONAL, "When it is to go out; NULL: at once."),
            "queued_at": (OPERATIONAL, "Its place among those of its channel."),
            "parked_at": (OPERATIONAL, "Since when it waits for its connection; NULL: it does not."),
            "sent_at": (OPERATIONAL, "When Slack took it."),
            "created_at": (OPERATIONAL, "When it was accepted."),
            "updated_at": (OPERATIONAL, "When its status last changed."),
            "trace_id": (OPERATIONAL, "The request that it came with."),
        },
    ),
    "message_contents": Table(
        "One row per message that was sent and whose content its organization keeps.",
        "For as many days as the organization has set when it was sent, or fewer since; not longer than the tenant.",
        {
            "message_id": (OPERATIONAL, "The message's id."),
            "organization_id": (TENANT, "The host's own id of its customer."),
            "tenant_kind": KIND,
            "tenant_id": ID,
            "body": (SECRET, "What it said, sealed as it was while it waited."),
            "kept_at": (OPERATIONAL, "When the message was sent."),
            "kept_until": (OPERATIONAL, "From when on nobody is shown it; it is deleted within a minute."),
        },
    ),
    "outbox": Table(
        "Of each channel the message whose turn it is, and each scheduled one until its time.",
        "Two days after it is done; with the tenant it is done.",
        {
            "event_id": (OPERATIONAL, "The message's id."),
            "kind": (OPERATIONAL, "`job`."),
            "tenant_kind": KIND,
            "tenant_id": ID,
            "type": (OPERATIONAL, "`slackapp.message`."),
            "named": (OPERATIONAL, "Empty."),
            "body": (SECRET, "Of other queues what they hold. Here always NULL: the message has it."),
            "removes": (OPERATIONAL, "0."),
            "state": (OPERATIONAL, "`ready`, `running` (claimed), `calling`, `unclear`, `dead` or `done`."),
            "attempts": (OPERATIONAL, "How often it was tried."),
            "event_time": (OPERATIONAL, "When the message was accepted."),
            "received_at": (OPERATIONAL, "From when on it may go out."),
            "next_at": (OPERATIONAL, "When it is tried next."),
            "lease_owner": LEASE_OWNER,
            "lease_until": LEASE_UNTIL,
            "finished_at": (OPERATIONAL, "When it was done."),
            "result": (OPERATIONAL, "How it ended, in a few words of ours."),
            "trace_id": (OPERATIONAL, "The request that the message came with."),
            "channel_id": (TENANT, "The channel whose turn it has; empty for one that is scheduled."),
        },
    ),
    "send_rates": Table(
        "When the next message may go to a channel, and to a workspace.",
        "A day; not longer than the tenant.",
        {
            "tenant_kind": KIND,
            "tenant_id": ID,
            "channel_id": (TENANT, "The channel; empty for all of the workspace."),
            "free_at": (OPERATIONAL, "From when on, in milliseconds."),
        },
    ),
}
