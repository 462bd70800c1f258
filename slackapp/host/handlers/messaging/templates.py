"""`/api/v2/slack/templates`: what an organization says again and again, with variables."""

from collections.abc import Mapping
from typing import Any

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall
from slackapp.host.checks.fields import has_form
from slackapp.host.checks.message_content import require_content
from slackapp.host.checks.message_template import find_variables
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.messages import change_template
from slackapp.host.forms import ID, time_of
from slackapp.host.model import HostCaller
from slackapp.host.store.messaging import templates
from slackapp.host.store.messaging.templates import Template


def list_all(app: App, call: HostCall, now: int) -> Answer:
    """Lists the organization's templates by their names, without what they say."""
    return {"templates": [_summary(each) for each in templates.list_all(app.db, call.caller.organization)]}


def show(app: App, call: HostCall, now: int) -> Answer:
    """Shows a template."""
    return _describe(change_template.require(app, call.caller, call.id))


def save(app: App, call: HostCall, now: int) -> Answer:
    """Saves a template."""
    if not has_form(ID, call.id):
        raise HostRefused(HostRefusal.FIELD, field="name")
    fields = require_content(call.body.get("text"), call.body.get("blocks"))
    return _describe(change_template.save(app, call.caller, call.id, fields, now=now))


def delete(app: App, call: HostCall, now: int) -> Answer:
    """Deletes a template."""
    change_template.delete(app, call.caller, call.id, now)
    return {"deleted": True}


def read_content(app: App, caller: HostCaller, given: Mapping[str, Any]) -> dict[str, Any]:
    """Reads what a body says, or has a template say; the fields for Slack. Raises HostRefused."""
    if "template" not in given:
        if "variables" in given:
            raise HostRefused(HostRefusal.FIELD, field="template")
        return require_content(given.get("text"), given.get("blocks"))
    both = next((name for name in ("text", "blocks") if name in given), None)
    # claim: C-320
    if both is not None:
        raise HostRefused(HostRefusal.FIELD, field=both)
    fields = change_template.fill(app, caller, given["template"], given.get("variables", {}))
    # claim: C-322
    return require_content(fields.get("text"), fields.get("blocks"), "/template")


def _summary(template: Template) -> dict[str, object]:
    return {
        "name": template.name,
        "variables": list(find_variables(template.content)),
        "changedBy": template.changed_by or None,
        "createdAt": time_of(template.created_at),
        "updatedAt": time_of(template.updated_at),
    }


def _describe(template: Template) -> Answer:
    said = {"text": template.content.get("text"), "blocks": template.content.get("blocks")}
    return {**_summary(template), **said}
