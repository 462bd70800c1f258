"""Meaning of each error of posting for the message: it failed for good and why, or waits, or is unclear.

Stops:   a message that is sent again and again though Slack will never take it; one that is given up though it may
         pass; and one that is repeated though Slack may have shown it.
How:     one table of the documented codes. An unknown code is final: `refused`. What passes without effect waits. What
         may have had its effect is unclear, but for an update or a deletion, which twice are as once.
Does not stop: an error that Slack adds tomorrow with another meaning.
Read:    docs.slack.dev/reference/methods/chat.postMessage, .update, .delete (errors);
         docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from enum import Enum

from slackapp.checks.slack_errors import NO_EFFECT_ERRORS
from slackapp.errors import SlackCallError, SlackErrorKind
from slackapp.host.model import MessageReason, MessageType

UNREADABLE = "content_unreadable"
"""Code of ours: what was sealed does not open, and Slack was not asked."""
_CODES: dict[MessageReason, tuple[str, ...]] = {
    MessageReason.SCOPE: ("missing_scope", "not_allowed_token_type", "no_permission"),
    MessageReason.POLICY: (
        "team_access_not_granted", "access_denied", "accesslimited", "ekm_access_denied", "enterprise_is_restricted",
        "two_factor_setup_required", "as_user_not_supported", "metadata_must_be_sent_from_app",
        "app_access_restricted", "slack_connect_canvas_sharing_blocked", "slack_connect_file_link_sharing_blocked",
        "slack_connect_lists_sharing_blocked", "message_limit_exceeded",
    ),
    MessageReason.CHANNEL: (
        "channel_not_found", "not_in_channel", "is_archived", "team_not_found", "messages_tab_disabled",
        "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel", "method_not_supported_for_channel_type", "is_inactive",
        # of an incoming webhook: its channel, or the webhook itself
        "channel_is_archived", "action_prohibited", "posting_to_general_channel_denied", "no_service", "no_service_id",
        "no_active_hooks", "invalid_token", "no_team", "team_disabled",
    ),
    MessageReason.THREAD: ("cannot_reply_to_message", "restricted_action_thread_locked", "thread_not_found"),
    MessageReason.TARGET: (
        "message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch",
        "streaming_state_conflict", "cant_broadcast_message", "cant_delete_message",
        "compliance_exports_prevent_deletion",
    ),
    MessageReason.CONTENT: (
        "no_text", "msg_too_long", "msg_too_large", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format",
        "invalid_attachments", "too_many_attachments", "attachment_payload_limit_exceeded", "too_many_contact_cards",
        "markdown_text_conflict", "invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large",
        "missing_file_data", UNREADABLE,
        # of an incoming webhook
        "invalid_payload", "user_not_found", "missing_text_or_fallback_or_attachments",
    ),
}  # fmt: skip
_REASONS = {code: reason for reason, codes in _CODES.items() for code in codes}
_PASSES = frozenset({"external_channel_migrating", "update_failed"})
"""Failures of an update that pass."""
_WAITS = frozenset({SlackErrorKind.RATE_LIMITED, SlackErrorKind.UNCERTAIN})
_DONE_ALREADY = "message_not_found"


class PostOutcome(Enum):
    """Outcome of a call that Slack has not answered with `ok`, but for a failure for good."""

    DONE = "done"  # it is as it was to be
    WAITS = "waits"  # nothing was done; the same again
    PARKED = "parked"  # the token is dead
    REPEATED = "repeated"  # it may have been done, and twice is as once
    UNCLEAR = "unclear"


def judge_post(message_type: MessageType, error: SlackCallError) -> PostOutcome | MessageReason:
    """Judges a failed call: what follows, or for which reason it failed for good."""
    is_repeatable = message_type in (MessageType.UPDATE, MessageType.DELETE)
    if message_type == MessageType.DELETE and error.code == _DONE_ALREADY:
        return PostOutcome.DONE
    if error.kind is SlackErrorKind.DEAD:
        return PostOutcome.PARKED
    if error.kind in _WAITS or error.code in NO_EFFECT_ERRORS or (is_repeatable and error.code in _PASSES):
        return PostOutcome.WAITS
    if error.kind is SlackErrorKind.TRANSIENT:
        # claim: C-249
        return PostOutcome.REPEATED if is_repeatable else PostOutcome.UNCLEAR
    return _REASONS.get(error.code, MessageReason.REFUSED)
