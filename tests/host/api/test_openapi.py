"""`/api/v2/openapi.json`: valid, whole, and about the routes that are served."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from slackapp.host.answers import CODES, refusal_api
from slackapp.host.flows.webhook.deliver_events import event_body
from slackapp.host.openapi import describe, describe_name
from slackapp.host.routes import API_ROUTES
from slackapp.host.rows import HostEvent, HostEventKind
from slackapp.routes import HOST
from tests.support.host_world import Host
from tests.support.world import World


@pytest.fixture(scope="module")
def document() -> Any:
    return describe("https://slack.example.com")


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


def test_it_is_valid(document: Any) -> None:
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_it_is_served_without_a_token(world: World, host: Host) -> None:
    reply = world.request("GET", "/api/v2/openapi.json")
    assert reply.status == 200
    assert reply.json == describe(world.settings.public_url)
    assert world.request("POST", "/api/v2/openapi.json").status == 405


def test_it_has_every_route_with_its_parameters_and_failures(document: Any) -> None:
    found = {(method.upper(), path) for path, by in document["paths"].items() for method in by}
    served = {(route.method, route.path) for route in HOST if route.answers is refusal_api}
    assert served - found == {("GET", "/api/v2/openapi.json")}
    for route in API_ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["operationId"] == describe_name(route)
        names = {each["name"] for each in operation["parameters"]}
        names -= {"Idempotency-Key"} if route.sends else set()
        assert names == {*route.parameters, *re.findall(r"\{(\w+)\}", route.path)}
        assert ("requestBody" in operation) == bool(route.body)
        assert {str(route.status), "400", "401", "403", "429", "503"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            if status != str(route.status):
                assert {CODES[code] for code in response["description"].split(", ")} == {int(status)}
    ids = [describe_name(route) for route in API_ROUTES]
    assert len(set(ids)) == len(ids)


def test_every_object_is_closed_and_no_word_of_ours_is_left(document: Any) -> None:
    for each in walk(document["paths"]):
        assert "optional" not in each
        if "properties" not in each:
            continue  # metadata, whose fields are the host's own
        if each.get("type") == "object" or "object" in (each.get("type") if isinstance(each.get("type"), list) else ()):
            assert each["additionalProperties"] is False
            assert set(each.get("required", ())) <= set(each["properties"])


def test_it_tells_what_the_host_is_sent(document: Any) -> None:
    event = HostEvent(1, "acme", f"{1:024}", HostEventKind.CONNECTION_REVOKED, 0, "uninstalled", "")
    sent = json.loads(event_body(event))
    assert document["webhooks"].keys() == set(HostEventKind)
    body = document["webhooks"][sent["type"]]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"].keys() == sent.keys() == set(body["required"])
    assert body["properties"]["data"]["properties"].keys() == sent["data"].keys()
    assert sent["data"]["reason"] in body["properties"]["data"]["properties"]["reason"]["enum"]
