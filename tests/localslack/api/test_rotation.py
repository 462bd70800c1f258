"""Token rotation (docs.slack.dev/authentication/using-token-rotation)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.localslack.client import Client, make_client


def works(on: Client, token: str) -> str:
    answer = on.api("auth.test", token)
    return "ok" if answer["ok"] else str(answer["error"])


def test_an_access_token_expires_after_its_lifetime(on: Client) -> None:
    token = on.install()["access_token"]
    on.clock.advance(43199)
    assert works(on, token) == "ok"
    on.clock.advance(1)
    assert works(on, token) == "token_expired"


def test_a_refresh_gives_a_new_pair_and_leaves_the_old_access_token_alive(on: Client) -> None:
    old = on.install()
    new = on.refresh(old["refresh_token"])
    assert new["ok"]
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert (new["token_type"], new["expires_in"], new["bot_user_id"]) == ("bot", 43200, old["bot_user_id"])
    assert works(on, old["access_token"]) == works(on, new["access_token"]) == "ok"


def test_a_refreshed_user_token_stands_at_the_top_level_with_its_user_id(on: Client) -> None:
    user = on.install(user_scope="search:read")["authed_user"]
    new = on.refresh(user["refresh_token"])
    assert (new["token_type"], new["user_id"], new["scope"]) == ("user", "U0NORTH001ADM", "search:read")
    assert new["access_token"].startswith("xoxe.xoxp-1-")
    assert "authed_user" not in new
    assert "bot_user_id" not in new


def test_a_refresh_token_works_once_and_for_a_short_grace_period_after(on: Client) -> None:
    refresh = on.install()["refresh_token"]
    first = on.refresh(refresh)
    on.clock.advance(60)
    again = on.refresh(refresh)
    assert again["ok"]
    assert again["access_token"] != first["access_token"]
    on.clock.advance(1)
    assert on.refresh(refresh)["error"] == "invalid_refresh_token"


def test_an_unused_refresh_token_does_not_age(on: Client) -> None:
    refresh = on.install()["refresh_token"]
    on.clock.advance(400 * 86400)
    assert on.refresh(refresh)["ok"]


def test_a_third_active_access_token_ends_the_oldest(on: Client) -> None:
    first = on.install()
    second = on.refresh(first["refresh_token"])
    third = on.refresh(second["refresh_token"])
    states = [works(on, pair["access_token"]) for pair in (first, second, third)]
    assert states == ["token_revoked", "ok", "ok"]


def test_two_refreshes_at_once_get_different_pairs(on: Client) -> None:
    refresh = on.install()["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(on.refresh, [refresh] * 4))
    assert all(answer["ok"] for answer in answers)
    assert len({answer["access_token"] for answer in answers}) == 4
    assert [works(on, answer["access_token"]) for answer in answers].count("ok") == 2


def test_bot_and_user_tokens_rotate_apart(on: Client) -> None:
    both = on.install(user_scope="search:read")
    on.refresh(both["refresh_token"])
    on.refresh(both["refresh_token"])
    assert works(on, both["authed_user"]["access_token"]) == "ok"


def test_a_refresh_token_of_an_uninstalled_tenant_is_invalid(on: Client) -> None:
    refresh = on.install()["refresh_token"]
    on.slack.uninstall("T0NORTH001")
    assert on.refresh(refresh)["error"] == "invalid_refresh_token"


def test_refresh_tokens_can_be_made_invalid_by_hand(on: Client) -> None:
    answer = on.install()
    on.slack.invalidate_refresh_tokens("T0NORTH001")
    assert on.refresh(answer["refresh_token"])["error"] == "invalid_refresh_token"
    assert works(on, answer["access_token"]) == "ok"


def test_expire_tokens_ends_access_tokens_but_not_refresh_tokens(on: Client) -> None:
    answer = on.install()
    on.slack.expire_tokens("T0NORTH001")
    assert works(on, answer["access_token"]) == "token_expired"
    assert works(on, on.refresh(answer["refresh_token"])["access_token"]) == "ok"


def exchange(on: Client, token: str) -> str:
    answer = on.api("oauth.v2.exchange", client_id=on.slack.app.client_id, client_secret="current-secret", token=token)
    return "ok" if answer["ok"] else str(answer["error"])


def test_exchange_is_refused_without_rotation(long_lived: Client) -> None:
    assert exchange(long_lived, long_lived.install()["access_token"]) == "token_rotation_not_enabled"


def test_a_long_lived_token_is_exchanged_once_and_dies_with_the_first_refresh() -> None:
    with make_client(rotation=False) as before, make_client() as on:
        token = before.install()["access_token"]
        on.slack.state = before.slack.state
        on.slack.tokens_of = before.slack.tokens_of
        pair = on.api(
            "oauth.v2.exchange", client_id=on.slack.app.client_id, client_secret="current-secret", token=token
        )
        assert pair["access_token"].startswith("xoxe.xoxb-1-")
        assert exchange(on, token) == "token_already_exchanged"
        assert works(on, token) == "ok"
        assert on.refresh(pair["refresh_token"])["ok"]
        assert works(on, token) == "token_revoked"


def test_exchange_takes_long_lived_tokens_only(on: Client) -> None:
    assert exchange(on, on.install()["access_token"]) == "invalid_token"
    assert exchange(on, "xoxb-unknown") == "invalid_token"
