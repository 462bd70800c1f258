"""A record of another store is taken for what it says, and one that says nothing clear is not taken."""

from typing import Any

import pytest

from slackapp.importer import foreign_record
from slackapp.importer.foreign_record import RecordError
from slackapp.model import Tenant

APP, NOW = "A0LOCAL001", 1_800_000_000
TEAM, ORG = "T0NORTH001", "E0EVERGRN1"
PAIR = {"bot_token": "xoxe.xoxb-1", "bot_refresh_token": "xoxe-1", "bot_token_expires_at": NOW + 60}
LONG = 16 * 1024
ODD: list[Any] = [0, 1.5, True, b"x", [], {}, ["x"]]


@pytest.mark.parametrize(
    ("fields", "tenant"),
    [
        ({"team_id": TEAM}, Tenant("T", TEAM)),
        ({"team_id": TEAM, "app_id": APP, "enterprise_id": None, "is_enterprise_install": None}, Tenant("T", TEAM)),
        ({"team_id": TEAM, "app_id": "", "enterprise_id": "", "is_enterprise_install": 0}, Tenant("T", TEAM)),
        ({"team_id": TEAM, "enterprise_id": ORG, "is_enterprise_install": False}, Tenant("T", TEAM)),
        ({"team_id": TEAM, "enterprise_id": ORG, "is_enterprise_install": True}, Tenant("E", ORG)),
        ({"team_id": TEAM, "enterprise_id": ORG, "is_enterprise_install": 1}, Tenant("E", ORG)),
        ({"team_id": "", "enterprise_id": ORG, "is_enterprise_install": 1}, Tenant("E", ORG)),
        ({"enterprise_id": ORG, "is_enterprise_install": 0}, Tenant("E", ORG)),
    ],
)
def test_the_tenant_is_the_team_or_for_an_enterprise_the_enterprise(fields: dict[str, Any], tenant: Tenant) -> None:
    assert foreign_record.read_tenant(fields, APP) == tenant


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"team_id": TEAM, "app_id": "A0OTHER"}, "another app"),
        ({"team_id": TEAM, "app_id": 1}, "its app_id is not text"),
        ({}, "neither a workspace nor an enterprise"),
        ({"team_id": TEAM, "is_enterprise_install": True}, "neither a workspace nor an enterprise"),
        ({"team_id": TEAM, "enterprise_id": TEAM, "is_enterprise_install": True}, "neither a workspace"),
        ({"team_id": "", "enterprise_id": "E"}, "neither a workspace"),
        ({"team_id": "t0north001"}, "its team or enterprise id is none"),
        ({"team_id": ORG}, "its team or enterprise id is none"),
        ({"team_id": TEAM + "\n"}, "its team or enterprise id is none"),
        ({"team_id": TEAM, "enterprise_id": "none"}, "its team or enterprise id is none"),
        ({"team_id": 5, "enterprise_id": ORG}, "its team_id is not text"),
        ({"team_id": TEAM, "enterprise_id": 5}, "its enterprise_id is not text"),
        ({"team_id": TEAM, "enterprise_id": ORG, "is_enterprise_install": "true"}, "does not say whether"),
        ({"team_id": TEAM, "enterprise_id": ORG, "is_enterprise_install": 2}, "does not say whether"),
        ({"team_id": TEAM, "enterprise_id": ORG, "is_enterprise_install": []}, "does not say whether"),
    ],
)
def test_a_record_without_a_tenant_of_ours_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(RecordError, match=why):
        foreign_record.read_tenant(fields, APP)


def test_a_user_has_the_id_of_one() -> None:
    assert foreign_record.read_user_id({"user_id": "W0SOMEBODY"}) == "W0SOMEBODY"
    assert foreign_record.read_user_id({"bot_user_id": "U0BOT"}, "bot_user_id") == "U0BOT"
    for value in (None, "", "B0BOT", "u0bot", "U0 BOT", 5):
        with pytest.raises(RecordError, match="its user_id is"):
            foreign_record.read_user_id({"user_id": value})


# Tokens


def test_a_pair_has_what_is_left_of_its_life_and_its_scopes_in_the_order_of_the_source() -> None:
    for scopes in ("b, a,b,", ["b", "a", " b", "", 5, "ü"]):
        token = foreign_record.read_token({**PAIR, "bot_scopes": scopes}, "bot", NOW)
        assert token is not None
        assert token.refresh is not None
        found = (token.access.reveal(), token.refresh.reveal(), token.expires_in, token.scopes)
        assert found == ("xoxe.xoxb-1", "xoxe-1", 60, ("b", "a"))
    late = foreign_record.read_token(PAIR, "bot", NOW + 3600)
    assert late is not None
    assert (late.expires_in, late.scopes) == (60 - 3600, ())


def test_a_long_lived_token_has_no_end() -> None:
    for kind, value in (("bot", "xoxb-1"), ("user", "xoxp-1")):
        empty = {f"{kind}_refresh_token": "", f"{kind}_token_expires_at": ""}
        for rest in ({}, empty, dict.fromkeys(empty)):
            token = foreign_record.read_token({f"{kind}_token": value, **rest}, kind, NOW)
            assert token is not None
            assert (token.access.reveal(), token.refresh, token.expires_in) == (value, None, None)


@pytest.mark.parametrize("value", [None, ""])
def test_where_there_is_no_token_there_is_none(value: Any) -> None:
    assert foreign_record.read_token({"user_token": value, "user_refresh_token": "xoxe-1"}, "user", NOW) is None


HALF = "expires and cannot be refreshed, or the other way round"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"bot_token": "xoxp-1"}, "for a bot's token is none"),
        ({"bot_token": "xoxe.xoxp-1"}, "for a bot's token is none"),
        ({"bot_token": "xoxa-1"}, "for a bot's token is none"),
        ({"bot_token": "xoxb-1 2"}, "for a bot's token is none"),
        ({"bot_token": "xoxb-1\n"}, "for a bot's token is none"),
        ({"bot_token": "xoxb-\u00fc"}, "for a bot's token is none"),
        ({"bot_token": "xoxb-\ud800"}, "for a bot's token is none"),
        ({"bot_token": "xoxb-".ljust(LONG + 1, "x")}, "for a bot's token is none"),
        ({**PAIR, "bot_refresh_token": "xoxb-1"}, "for a bot's refresh token is none"),
        ({**PAIR, "bot_refresh_token": "xoxe-".ljust(LONG + 1, "x")}, "for a bot's refresh token is none"),
        ({**PAIR, "bot_refresh_token": None}, HALF),
        ({**PAIR, "bot_token_expires_at": None}, HALF),
        ({**PAIR, "bot_refresh_token": None, "bot_token_expires_at": None}, HALF),
        ({"bot_token": "xoxb-1", "bot_token_expires_at": 0}, HALF),
        ({**PAIR, "bot_token_expires_at": "soon"}, "a time that cannot be read"),
        ({**PAIR, "bot_token_expires_at": NOW + 366 * 86400 + 1}, "lives for longer than any does"),
        *(({"bot_token": value}, "its bot_token is not text") for value in ODD),
        *(({**PAIR, "bot_refresh_token": value}, "its bot_refresh_token is not text") for value in ODD),
    ],
)
def test_what_is_no_token_of_that_kind_is_refused_without_being_repeated(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(RecordError, match=why) as caught:
        foreign_record.read_token(fields, "bot", NOW)
    assert "xox" not in str(caught.value)


def test_the_longest_token_and_the_longest_life_are_taken() -> None:
    longest = {**PAIR, "bot_token": "xoxb-".ljust(LONG, "x"), "bot_token_expires_at": NOW + 366 * 86400}
    token = foreign_record.read_token(longest, "bot", NOW)
    assert token is not None
    assert (len(token.access.reveal()), token.expires_in) == (LONG, 366 * 86400)


def test_a_users_token_is_no_bots_and_the_other_way_round() -> None:
    with pytest.raises(RecordError, match="for a user's token is none"):
        foreign_record.read_token({"user_token": "xoxb-1"}, "user", NOW)
    assert foreign_record.read_token({"user_token": "xoxp-1"}, "bot", NOW) is None


# Times


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        (0, 0.0),
        (1795341600, 1795341600.0),
        (1795341600.25, 1795341600.25),
        ("1795341600", 1795341600.0),
        ("1795341600.25", 1795341600.25),
        ("2026-11-22 10:00:00", 1795341600.0),
        ("2026-11-22 10:00:00.250000", 1795341600.25),
        ("2026-11-22T10:00:00", 1795341600.0),
        ("2026-11-22T10:00:00Z", 1795341600.0),
        ("2026-11-22T12:00:00+02:00", 1795341600.0),
    ],
)
def test_a_time_is_read_in_each_of_its_spellings(value: Any, seconds: float | None) -> None:
    assert foreign_record.read_time(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "12.5.2026", "1.2.3", "-5", "1e9", "nan", "9" * 5000),
        *("1969-12-31 23:59:59", "0001-01-01 00:00:00+14:00"),
        *(-1, float("nan"), float("inf"), 2**40, 10**400, [], {}, b"x", object()),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_time_that_cannot_be_read_is_refused(value: Any) -> None:
    with pytest.raises(RecordError, match="it has a time that cannot be read"):
        foreign_record.read_time(value)


# The rest


def test_a_webhook_has_an_address() -> None:
    fields = {f"incoming_webhook_{name}": name for name in ("channel", "channel_id", "configuration_url")}
    found = foreign_record.read_webhook({**fields, "incoming_webhook_url": "https://hooks.slack.com/services/T/B/x"})
    assert found is not None
    assert found.url.reveal() == "https://hooks.slack.com/services/T/B/x"
    assert (found.channel, found.channel_id, found.configuration_url) == ("channel", "channel_id", "configuration_url")
    for value in (None, ""):
        assert foreign_record.read_webhook({"incoming_webhook_url": value}) is None
    for value in (
        "ftp://x",
        "x",
        "https://",
        "https://a b",
        "https://ü",
        "https://x\n",
        "https://".ljust(LONG + 1, "x"),
        5,
    ):
        with pytest.raises(RecordError, match="its incoming"):
            foreign_record.read_webhook({"incoming_webhook_url": value})


def test_text_is_text_or_nothing() -> None:
    assert [foreign_record.text_field(fields, "x") for fields in ({}, {"x": None}, {"x": ""}, {"x": "y"})] == [
        "",
        "",
        "",
        "y",
    ]
    for value in ODD:
        with pytest.raises(RecordError, match="its x is not text"):
            foreign_record.text_field({"x": value}, "x")


def test_a_name_is_one_that_can_be_stored() -> None:
    assert foreign_record.display_name({"x": "N\ud800rth \u00fc"}, "x") == "N?rth \u00fc"
    assert foreign_record.display_name({}, "x") == ""


def test_custom_values_have_names() -> None:
    assert foreign_record.read_custom_values({"custom_values": {"a": 1}}) == {"a": 1}
    assert foreign_record.read_custom_values({}) == {}
    assert foreign_record.read_custom_values({"custom_values": None}) == {}
    for value in ([], "x", 5, False):
        with pytest.raises(RecordError, match="its custom_values have no names"):
            foreign_record.read_custom_values({"custom_values": value})
