"""`chat.*`, `reactions.add` and `views.publish`, incoming webhooks and response URLs: everything an app can say.

Follows docs.slack.dev/reference/methods/chat.postMessage, .update, .delete, .postEphemeral, reactions.add,
views.publish and docs.slack.dev/interactivity/handling-user-interaction (response_url).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from slackapp.localslack.accounts import Channel
from slackapp.localslack.api import conversations
from slackapp.localslack.api.calls import ApiError, Params, TokenCaller
from slackapp.localslack.model import Json, PostUrl
from slackapp.localslack.wire import Fields, HttpRequest, HttpResponse, first, json_response, text_response

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

MAX_TEXT = 40_000
MAX_VIEW = 250_000
SLACKBOT = "USLACKBOT"
RESPONSE_USES = 5
RESPONSE_LIFETIME = 1800
"""Seconds a response_url works."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
_EMOJI_NAME = re.compile(r"[a-z0-9_+'-]{1,100}(?:::skin-tone-[2-6])?")
"""By its form: whether a workspace has an emoji of that name, nobody here knows."""


def post(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`chat.postMessage`: say something in a channel the bot is in, or in a direct message."""
    channel = _postable(slack, caller, params)
    message = _message(slack, caller, channel, _content(params))
    if params.get("thread_ts"):
        message["thread_ts"] = params["thread_ts"]
    metadata = _metadata(params)
    _keep(slack, channel, message | metadata)
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def post_ephemeral(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`chat.postEphemeral`: a message only one user of the channel sees."""
    channel = _postable(slack, caller, params)
    if slack.accounts.member(caller.install.tenant, params.get("user", "")) is None:
        raise ApiError("user_not_in_channel")
    message = _message(slack, caller, channel, _content(params)) | {"ephemeral_to": params["user"]}
    if params.get("thread_ts"):
        message["thread_ts"] = params["thread_ts"]
    _keep(slack, channel, message)
    return {"message_ts": message["ts"]}


def update(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`chat.update`: change a message of one's own."""
    channel = conversations.find(slack, caller, params.get("channel", ""))
    content = _content(params)
    for message in slack.state.messages:
        if (message["channel"], message["ts"]) == (channel.id, params.get("ts", "")):
            if message["user"] != caller.token.user_id:
                raise ApiError("cant_update_message")
            message.update(content)
            message["edited"] = {"user": caller.token.user_id, "ts": slack.next_ts()}
            slack.save()
            return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}
    raise ApiError("message_not_found")


def delete(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`chat.delete`: take a message of one's own away."""
    channel = conversations.find(slack, caller, params.get("channel", ""))
    for message in slack.state.messages:
        if (message["channel"], message["ts"]) == (channel.id, params.get("ts", "")):
            if message["user"] != caller.token.user_id:
                raise ApiError("cant_delete_message")
            slack.state.messages.remove(message)
            slack.save()
            return {"channel": channel.id, "ts": message["ts"]}
    raise ApiError("message_not_found")


def add_reaction(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`reactions.add`: a reaction of the caller to somebody's message, once for each name."""
    timestamp, name = params.get("timestamp", ""), params.get("name", "")
    if not params.get("channel") or not timestamp:
        raise ApiError("no_item_specified")
    channel = conversations.find(slack, caller, params["channel"])
    if not _TIMESTAMP.fullmatch(timestamp):
        raise ApiError("bad_timestamp")
    if not _EMOJI_NAME.fullmatch(name):
        raise ApiError("invalid_name")
    for message in (*slack.state.spoken, *slack.state.messages):
        if (message["channel"], message["ts"]) == (channel.id, timestamp) and "ephemeral_to" not in message:
            users = message.setdefault("reactions", {}).setdefault(name, [])
            if caller.token.user_id in users:
                raise ApiError("already_reacted")
            users.append(caller.token.user_id)
            slack.save()
            return {}
    raise ApiError("message_not_found")


def _postable(slack: LocalSlack, caller: TokenCaller, params: Params) -> Channel:
    channel = conversations.find(slack, caller, params.get("channel", ""))
    direct = channel.id.startswith("D")
    is_user = caller.token.kind == "user"
    open_to_all = not channel.private and (is_user or "chat:write.public" in caller.scopes)
    if not direct and not open_to_all and channel.id not in slack.state.joined:
        raise ApiError("not_in_channel")
    return channel


def _content(params: Params) -> Json:
    blocks = _list(params, "blocks", "invalid_blocks_format")
    attachments = _list(params, "attachments", "invalid_attachments")
    markdown = params.get("markdown_text", "")
    text = params.get("text", "") or markdown
    if len(attachments) > 100:
        raise ApiError("too_many_attachments")
    if len(blocks) > 50 or not all(isinstance(block, dict) and block.get("type") for block in blocks):
        raise ApiError("invalid_blocks")
    if markdown and (params.get("text") or blocks):
        raise ApiError("markdown_text_conflict")
    if not text and not blocks and not attachments:
        raise ApiError("no_text")
    content: Json = {"text": text[:MAX_TEXT]}
    if blocks:
        content["blocks"] = blocks
    if attachments:
        content["attachments"] = attachments
    return content


def _metadata(params: Params) -> Json:
    """Reads the metadata of a message: a type, and an object (docs.slack.dev/messaging/message-metadata)."""
    if not params.get("metadata"):
        return {}
    try:
        value = json.loads(params["metadata"])
    except (ValueError, RecursionError):
        raise ApiError("invalid_metadata_format") from None
    fields = value if isinstance(value, dict) else {}
    if not isinstance(fields.get("event_type"), str) or not isinstance(fields.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    return {"metadata": {"event_type": fields["event_type"], "event_payload": fields["event_payload"]}}


def _list(params: Params, name: str, error: str) -> list[Any]:
    try:
        value = json.loads(params.get(name) or "[]")
    except (ValueError, RecursionError):
        raise ApiError(error) from None
    if not isinstance(value, list):
        raise ApiError(error)
    return value


def _message(slack: LocalSlack, caller: TokenCaller, channel: Channel, content: Json) -> Json:
    message: Json = {
        "type": "message",
        "ts": slack.next_ts(),
        "user": caller.token.user_id,
        "team": channel.team_id,
        "app_id": slack.app.app_id,
        **content,
    }
    if caller.token.kind == "bot":
        message["bot_id"] = caller.install.bot_id
        message["bot_profile"] = {
            "id": caller.install.bot_id,
            "app_id": slack.app.app_id,
            "name": slack.bot_name,
            "team_id": channel.team_id,
        }
    return message


def _keep(slack: LocalSlack, channel: Channel, message: Json) -> None:
    slack.state.messages.append(message | {"channel": channel.id, "team": channel.team_id})
    slack.save()


def publish_view(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`views.publish`: a user's Home tab; `hash` guards against overwriting a newer one."""
    user_id, text = params.get("user_id", ""), params.get("view", "")
    if len(text.encode()) > MAX_VIEW:
        raise ApiError("view_too_large")
    try:
        view = json.loads(text)
    except (ValueError, RecursionError):
        view = None
    if not isinstance(view, dict) or view.get("type") != "home" or not isinstance(view.get("blocks"), list):
        reason = "[ERROR] must be a home view [json-pointer:/view]"
        raise ApiError("invalid_arguments", {"response_metadata": {"messages": [reason]}})
    user = slack.accounts.member(caller.install.tenant, user_id)
    if user is None:
        raise ApiError("user_not_found")
    # An enterprise-wide token names the workspace whose Home tab it is.
    named = params.get("team_id", "") if params.get("team_id") in user.teams else user.teams[0]
    team_id = caller.install.team_id or named
    published = slack.state.views.setdefault(team_id, {})
    if params.get("hash") and published.get(user_id, {}).get("hash") != params["hash"]:
        raise ApiError("hash_conflict")
    view_id = published.get(user_id, {}).get("id") or f"V0{slack.next_serial():08d}"
    published[user_id] = view | {
        "id": view_id,
        "root_view_id": view_id,
        "team_id": team_id,
        "app_id": slack.app.app_id,
        "bot_id": caller.install.bot_id,
        "app_installed_team_id": caller.install.tenant,
        "hash": f"{int(slack.clock())}.{slack.entropy(4).hex()}",
    }
    slack.save()
    return {"view": published[user_id]}


def receive_hook(slack: LocalSlack, request: HttpRequest) -> HttpResponse:
    """A post to an incoming webhook or a response_url: five posts within 30 minutes for the latter."""
    hook = slack.state.hooks.get(request.path)
    if hook is None or hook.tenant not in slack.state.installs:
        return text_response(404, "no_service")
    if hook.uses == 0 or (hook.expires_at and slack.clock() > hook.expires_at):
        return json_response(404, {"ok": False, "error": "used_url" if hook.uses == 0 else "expired_url"})
    payload = _payload(request)
    try:
        content = _content(
            {name: value if isinstance(value, str) else json.dumps(value) for name, value in payload.items()}
        )
    except ApiError as refusal:
        return text_response(400, refusal.error)
    if hook.uses > 0:
        hook.uses -= 1
    _keep_hooked(slack, hook, payload, content)
    return json_response(200, {"ok": True}) if hook.expires_at else text_response(200, "ok")


def keep_answer(slack: LocalSlack, form: Fields, status: int, answer: str, *, late: bool) -> None:
    """Stores what Slack shows at once to whoever typed a command: the app's answer, or that none came.

    Follows docs.slack.dev/interactivity/implementing-slash-commands (responding with an immediate message).
    """
    team_id, user_id, name = first(form, "team_id"), first(form, "user_id"), first(form, "command")
    if late or status != 200:
        error = "operation_timeout" if late else "dispatch_failed"
        say_as_slackbot(slack, team_id, f'{name} failed with the error "{error}".', user_id)
        return
    install = slack.state.installs.get(team_id) or slack.state.installs.get(first(form, "enterprise_id"))
    if install is None or not answer.strip():
        return
    hook = PostUrl("", install.tenant, team_id, first(form, "channel_id"), user_id=user_id)
    payload = _parsed(answer) or {"text": answer}
    try:
        content = _content(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in payload.items()}
        )
    except ApiError:
        return
    _keep_hooked(slack, hook, payload, content | {"via": "answer"})


def say_as_slackbot(slack: LocalSlack, team_id: str, text: str, user_id: str = "") -> None:
    """Slack itself tells one user something, in #general; by default the plain member. Call with `lock` held."""
    workspace = slack.workspaces[team_id]
    slack.state.spoken.append(
        {
            "type": "message",
            "user": SLACKBOT,
            "text": text,
            "ts": slack.next_ts(),
            "team": team_id,
            "channel": workspace.general,
            "ephemeral_to": user_id or workspace.member,
        }
    )
    slack.save()


def _payload(request: HttpRequest) -> Json:
    return _parsed(first(request.form(), "payload") if request.content_type != "application/json" else request.body)


def _parsed(text: str | bytes) -> Json:
    """A JSON object; an empty one for whatever else it is."""
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _keep_hooked(slack: LocalSlack, hook: PostUrl, payload: Json, content: Json) -> None:
    install = slack.state.installs[hook.tenant]
    message: Json = {
        "type": "message",
        "subtype": "bot_message",
        "ts": slack.next_ts(),
        "bot_id": install.bot_id,
        "user": install.bot_user_id,
        "app_id": slack.app.app_id,
        "channel": hook.channel,
        "team": hook.team_id,
        "via": "response_url" if hook.expires_at else "webhook",
        **content,
    }
    for name in ("thread_ts", "response_type", "replace_original", "delete_original"):
        if name in payload:
            message[name] = payload[name]
    if hook.user_id and payload.get("response_type") != "in_channel":
        message["ephemeral_to"] = hook.user_id
    slack.state.messages.append(message)
    slack.save()
