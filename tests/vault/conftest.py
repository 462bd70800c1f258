"""A database with its key file, and keyrings on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slackapp.app import system_entropy
from slackapp.config import settings as config
from slackapp.crypto import keyfile
from slackapp.model import Settings, Tenant
from slackapp.store import data_keys
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.vault.keyring import Keyring
from slackapp.vault.open_keyring import open_keyring
from tests.support.world import Clock, empty_database, environment


@dataclass
class Vault:
    """A database, its settings, and a clock that the test moves."""

    settings: Settings
    environment: dict[str, str]
    db: SqliteDatabase
    clock: Clock = field(default_factory=Clock)

    def open(self, **changes: object) -> Keyring:
        """A keyring as another process would have it: with nothing in memory."""
        return open_keyring(self.db, self.settings._replace(**changes), system_entropy, self.clock)  # type: ignore[arg-type]

    def write_keys(self, *lines: tuple[int, bytes]) -> None:
        """Another key file in place of the one that is there."""
        self.settings.master_key_file.unlink()
        content = b"".join(keyfile.format_master_key(version, key) for version, key in lines)
        keyfile.write_private(self.settings.master_key_file, content)

    def confirm(self, keyring: Keyring, tenant: Tenant) -> None:
        """Gives a tenant its keys, as an install does."""
        with self.db.transaction():
            for key in keyring.open_tenant_keys(tenant).minted:
                assert data_keys.add(self.db, tenant, key, self.clock())


MakeVault = Callable[[str], Vault]


@pytest.fixture
def make_vault(tmp_path: Path) -> Iterator[MakeVault]:
    """Makes several, each in a folder of its own."""
    made: list[Vault] = []

    def run(name: str) -> Vault:
        folder = tmp_path / name
        folder.mkdir()
        given = environment(folder, "http://127.0.0.1:1")
        settings = config.load(given, {})
        keyfile.write_private(settings.database, empty_database())
        db = SqliteDatabase(settings.database)
        db.create_or_migrate()
        made.append(Vault(settings, given, db))
        return made[-1]

    yield run
    for vault in made:
        vault.db.close()


@pytest.fixture
def vault(make_vault: MakeVault) -> Vault:
    return make_vault("vault")
