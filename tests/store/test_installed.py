"""What one statement finds is what the tables' own find one by one, each value in its own field."""

from typing import Any

from slackapp.model import BOT, Holder, Installation, Tenant, Token
from slackapp.store import installations, installers, tokens
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.store.installers import Installed, Installer
from tests.store.rows import NORTH, NOW, ORG, SOUTH, change, install, installation, look, sealed

USER = Holder.user("U0ADMIN001")
TIMES = ("granted_at", "issued_at", "expires_at", "due_at", "refused_since", "refused_at", "paused_until")


def test_nothing_is_found_of_who_is_not_installed(db: SqliteDatabase) -> None:
    install(db, SOUTH)
    for tenant in (NORTH, ORG, Tenant("E", SOUTH.id)):
        assert installers.find_installed(db, tenant) is None


def test_an_installation_without_all_else_is_found(db: SqliteDatabase) -> None:
    """Of a user's tokens and installs it tells nothing."""
    install(db, NORTH, (USER,))
    install(db, SOUTH)
    with db.transaction():
        for tenant, holder in ((NORTH, USER), (SOUTH, BOT)):
            installers.save(db, tenant, Installer(holder, 1, NOW))
    assert installers.find_installed(db, NORTH) == Installed(installation(), None, 0, None, installer=None)


def test_it_finds_what_each_table_finds_by_itself(db: SqliteDatabase) -> None:
    install(db, NORTH, (BOT, USER))
    bot, user = Installer(BOT, 2, NOW + 0.5, sealed(b"details"), sealed(b"own")), Installer(USER, 3, NOW)
    with db.transaction():
        installations.save(db, installation(generation=4), sealed(b"hook"), keep_webhook=False)
        for installer in (bot, user):
            installers.save(db, NORTH, installer)
    found = installers.find_installed(db, NORTH)
    token = tokens.find(db, NORTH, BOT)
    assert token is not None
    assert found == Installed(installation(generation=4), sealed(b"hook"), 4, token, installer=bot)


def stored(noun: Installation | Token) -> dict[str, Any]:
    """Fields of a noun that are columns of the same name."""
    apart = ("tenant", "holder", "access", "refresh", "scopes", "scopes_asked", "scopes_granted")
    return {name: value for name, value in noun._asdict().items() if name not in apart}


def test_each_column_is_read_into_the_field_of_its_name(db: SqliteDatabase) -> None:
    install(db, NORTH)
    numbers = ", ".join(f"{name} = {place}" for place, name in enumerate((*TIMES, "contradicted", "generation"), 100))
    change(db.path, f"UPDATE tokens SET {numbers}, lease_owner = 'owner', reason = 'why', provider = 'elsewhere'")
    texts = ("enterprise_name", "team_name", "bot_user_id", "installer_id", "status_reason", "bot_id", "app_id")
    words = ", ".join(f"{name} = 'a {name}'" for name in (*texts, "scopes_asked", "scopes_granted"))
    change(db.path, f"UPDATE installations SET {words}, last_used_at = 7, last_validated_at = 8, generation = 9")
    found = installers.find_installed(db, NORTH)
    assert found is not None
    assert found.token is not None
    assert (found.installation, found.token) == (installations.find(db, NORTH), tokens.find(db, NORTH, BOT))
    for noun, table in ((found.installation, "installations"), (found.token, "tokens")):
        fields = stored(noun)
        assert [tuple(map(str, fields.values()))] == [
            tuple(map(str, row)) for row in look(db.path, f"SELECT {', '.join(fields)} FROM {table}")
        ]
    assert found.token.access != found.token.refresh
    assert (found.installation.scopes_asked, found.installation.scopes_granted) == (
        ("a scopes_asked",), ("a scopes_granted",),
    )  # fmt: skip
