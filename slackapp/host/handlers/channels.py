"""`/api/v2/slack/channels`: where a message may go."""

from slackapp.checks.capabilities import JOIN
from slackapp.checks.slack_ids import is_channel
from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, read_position
from slackapp.host.channel_list import ChannelList, ListedChannel
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import call_slack, choose_connection, list_channels
from slackapp.host.flows.call_slack import SlackCall
from slackapp.host.forms import time_of
from slackapp.host.memory import host_memory
from slackapp.web.response import Response, json_response

_LIST = "channels"
_JOIN = "conversations.join"


def list_all(app: App, call: HostCall, now: int) -> Response:
    """Lists channels by name; with `search` those that have it in their name."""
    given = call.parameters
    behind = read_position(app, call, _LIST)
    connection = choose_connection.require_active(app, call.caller, given["connectionId"])
    told = list_channels.run(app, connection, given["teamId"] or "", call.caller)
    page = (given["search"], behind, given["limit"])
    return told.find_page(page) or told.keep_page(page, json_response(200, _find(app, call, told, behind)))


def _find(app: App, call: HostCall, told: ChannelList, behind: str | None) -> Answer:
    given = call.parameters
    wanted = given["search"].casefold().removeprefix("#")
    found = [each for each in told.channels if wanted in each.name.casefold()]
    if behind is not None:
        channel_id, _, name = behind.partition(" ")
        found = [each for each in found if (each.name, each.id) > (name, channel_id)]
    shown, cursor = found[: given["limit"]], None
    if len(shown) < len(found):
        cursor = make_cursor(app, call, _LIST, f"{shown[-1].id} {shown[-1].name}")
    return {
        "channels": [_describe(each) for each in shown],
        "cursor": cursor,
        "complete": not told.incomplete,
        "incompleteBecause": list(told.incomplete),
        "asOf": time_of(told.at),
    }


def join(app: App, call: HostCall, now: int) -> Answer:
    """Lets the bot join a public channel."""
    connection = choose_connection.require_active(app, call.caller, call.parameters["connectionId"])
    if not is_channel(call.id) or call.id.startswith("D"):
        raise HostRefused(HostRefusal.CHANNEL)
    ask = SlackCall(connection, call.caller, JOIN, _JOIN, channel=call.id)
    with call_slack.take_place(app, call.caller):
        call_slack.call(app, ask, {"channel": call.id})
    host_memory(app).channel_lists.forget(connection.id)
    return {"id": call.id, "member": True}


def _describe(channel: ListedChannel) -> Answer:
    return {
        "id": channel.id,
        "name": channel.name,
        "private": channel.is_private,
        "member": channel.is_member,
        "external": channel.is_external,
        "readOnly": channel.is_read_only,
    }
