"""Stores for an app written with Bolt for Python, which keep its tokens in this vault.

    store = EncryptedInstallationStore(database="slackapp.db", master_key_file="master.key", client_id=…, …)
    states = SignedStateStore(database="slackapp.db", master_key_file="master.key", client_id=…)
    App(installation_store=store, oauth_settings=OAuthSettings(installation_store=store, state_store=states, …), …)

Pass the installation store twice, as above: Bolt saves to the one and reads from the other. With `managed_rotation`,
the default, refresh tokens never leave the vault and one refresh runs at a time, over all threads and processes; Bolt
sees tokens that do not expire. Without it Bolt refreshes, as with slack_sdk's own stores, but one at a time: whoever
looks up first gets the refresh token, everybody else meanwhile an access token that seems not to expire. An older pair
never replaces a newer one.

Each store is safe for threads and, after a fork, in the child. What fails comes out as `BoltError`, the one exception
that Bolt makes a page of (docs.slack.dev/tools/bolt-python/concepts/authenticating-oauth).
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from slack_sdk.oauth.installation_store import Bot, Installation, InstallationStore
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store import OAuthStateStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from slackapp.app import build_app, system_clock, system_entropy
from slackapp.bolt import arguments, delete_installation, entities, find_installation, listeners, states
from slackapp.bolt.find_installation import InstallationIds
from slackapp.bolt.fork_safety import LazyApp
from slackapp.bolt.lease_refresh import LeaseHolder
from slackapp.config import settings as config
from slackapp.errors import (
    ConfigError,
    DecryptError,
    KeyMissingError,
    KeyRevokedError,
    KeyUnavailableError,
    Refused,
    StoreError,
)
from slackapp.flows.app import App
from slackapp.flows.install import save_external
from slackapp.model import Actor, ActorKind, Settings, Tenant
from slackapp.runtime.log import JsonLog, mask

_TASK: ContextVar[str] = ContextVar("task", default="")
_KNOWN_ERRORS = (
    StoreError,
    DecryptError,
    KeyMissingError,
    KeyRevokedError,
    KeyUnavailableError,
    ConfigError,
    ValueError,
)


class _LoggerStream:
    """Stream into another program's logger: all lines are errors but `info`."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def write(self, text: str, /) -> None:
        """Writes one line."""
        level = logging.DEBUG if '"level": "info"' in text else logging.ERROR
        self._logger.log(level, "%s", text.rstrip("\n"))

    def flush(self) -> None:
        """The logger does that by itself."""


class _VaultSession:
    """The database and its keys; see `forks.py` for when they are open."""

    def __init__(self, settings: Settings, logger: logging.Logger) -> None:
        self._settings = settings
        self.logger = logger
        self._opened = LazyApp(self._open)

    @contextmanager
    def opened(self) -> Iterator[tuple[App, Actor]]:
        """Opens the app for one operation; what goes wrong becomes Bolt's own error, with a reason and no secret."""
        try:
            with self._opened.use() as app:
                yield app, Actor(ActorKind.BOLT, app.entropy(8).hex())
        except Refused as refused:
            raise _bolt_error(refused.refusal.sentence) from None
        except _KNOWN_ERRORS as error:
            raise _bolt_error(str(error) or type(error).__name__) from None

    def close(self) -> None:
        """Waits for what runs, and closes; the next use opens again."""
        self._opened.close()

    def _open(self) -> App:
        log = JsonLog(_LoggerStream(self.logger), system_clock, secrets=self._settings.secrets)
        try:
            return build_app(self._settings, system_clock, system_entropy, log, behaviour={}, workers=())
        except ConfigError as error:
            raise ConfigError(arguments.in_argument_names(str(error))) from None


def _open_vault(logger: logging.Logger | None, settings: dict[str, str]) -> _VaultSession:
    try:
        given = config.load_embedded(settings)
    except ConfigError as error:
        raise ConfigError(arguments.in_argument_names(str(error))) from None
    return _VaultSession(given, logger or logging.getLogger("slackapp.bolt"))


def _bolt_error(why: str) -> Exception:
    from slack_bolt.error import BoltError  # only whoever uses Bolt has it

    return BoltError(f"slackapp: {why}")


class EncryptedInstallationStore(InstallationStore, AsyncInstallationStore):
    """Store for installations, sealed, per workspace and user. All ids come from requests that Bolt has verified.

    `database` and `master_key_file` are paths; the database is made on first use, the key file with
    `slackapp keys new FILE`. `client_secret`, `app_id` and `slack_url` are needed for `managed_rotation`. Where
    `slackapp backup` is used, `key_backup_dir` must be its folder, so that an erased workspace goes from there, too.
    `token_rotation_expiration_minutes` is what OAuthSettings has under that name; without `managed_rotation` it tells
    when Bolt will refresh. Raises ConfigError.
    """

    def __init__(
        self,
        *,
        database: str | Path,
        master_key_file: str | Path,
        client_id: str,
        managed_rotation: bool = True,
        client_secret: str = "",
        app_id: str = "",
        slack_url: str = "https://slack.com",
        key_backup_dir: str | Path | None = None,
        token_rotation_expiration_minutes: int = 120,
        logger: logging.Logger | None = None,
    ) -> None:
        self._ahead = arguments.refresh_margin(token_rotation_expiration_minutes)
        for name, value in (("client_secret", client_secret), ("app_id", app_id)):
            if managed_rotation and not value:
                raise ConfigError(f"{name}= is needed for managed_rotation=True")
        self._managed = managed_rotation
        self._given = {"client_secret": client_secret, "app_id": app_id}
        settings = {
            **arguments.common_settings(database, master_key_file, client_id, app_id),
            "client_secret": client_secret,
            "slack": slack_url,
            "key_backup_dir": str(key_backup_dir or ""),
        }
        self._vault = _open_vault(logger, settings)

    @property
    def logger(self) -> logging.Logger:
        """Logger for problems."""
        return self._vault.logger

    def save(self, installation: Installation) -> None:
        """Stores all of it, in one transaction, sealed."""
        with self._vault.opened() as (app, actor):
            now = app.clock()
            kept = entities.external_from_bolt(installation, now)
            _refuse_foreign(app, kept.app_id)
            save_external.run(app, kept, actor, now)

    def save_bot(self, bot: Bot) -> None:
        """Stores a bot alone; nothing where there is no token."""
        if bot.bot_token is None:
            return
        with self._vault.opened() as (app, actor):
            now = app.clock()
            kept = entities.external_from_bolt_bot(bot, now)
            _refuse_foreign(app, kept.app_id)
            save_external.run(app, kept, actor, now)

    def find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """Finds the bot of a workspace or an enterprise; None where it is not installed."""
        lease_holder = self._lease_holder(begins=True)
        with self._vault.opened() as (app, actor):
            ids = InstallationIds(enterprise_id or "", team_id or "", bool(is_enterprise_install))
            found = find_installation.find_bot(app, ids, lease_holder, actor)
            return entities.to_bolt_bot(found) if found is not None else None

    def find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """Finds what that user installed, or whoever did last; None where nobody did."""
        lease_holder = self._lease_holder(begins=user_id is None)
        with self._vault.opened() as (app, actor):
            ids = InstallationIds(enterprise_id or "", team_id or "", bool(is_enterprise_install))
            found = find_installation.find_user(app, ids, user_id, lease_holder, actor=actor)
            return entities.to_bolt_installation(found) if found is not None else None

    def _lease_holder(self, *, begins: bool) -> LeaseHolder | None:
        """None where refreshing stays in the vault. Bolt looks up, refreshes and saves in one thread, or one task."""
        name = _TASK.get() or f"thread-{threading.get_ident()}"
        return None if self._managed else LeaseHolder(name, self._ahead, begins)

    def delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Deletes the bot's token and webhooks; what users granted stays."""
        self._delete(enterprise_id, team_id, delete_installation.delete_bot)

    def delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Deletes what one user granted, or what all did; the bot stays."""

        def forget(app: App, tenant: Tenant, actor: Actor) -> None:
            delete_installation.delete_users(app, tenant, user_id, actor)

        self._delete(enterprise_id, team_id, forget)

    def delete_all(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Deletes the workspace or enterprise, its keys first, whatever was installed since the event that says so."""
        self._delete(enterprise_id, team_id, delete_installation.delete_tenant)

    def _delete(
        self, enterprise_id: str | None, team_id: str | None, forget: Callable[[App, Tenant, Actor], None]
    ) -> None:
        with self._vault.opened() as (app, actor):
            stored = InstallationIds(enterprise_id or "", team_id or "", is_enterprise_install=False).find(app.db)
            if stored is not None:
                forget(app, stored.tenant, actor)

    def enable_token_revocation_listeners(self, app: Any) -> None:
        """Has a Bolt app, of either kind, erase what `app_uninstalled` and `tokens_revoked` name, if it is meant.

        In place of Bolt's method of this name, whose listeners hand on no time: with those, an event that comes late,
        or once more, erases what was installed since. Here the event's time decides; where it cannot, Slack is asked,
        and the workspace not served until it has answered. All of that is done before the event is acknowledged, so
        that Slack sends again what failed. Raises ConfigError without `client_secret` and `app_id`.
        """
        for name in ("client_secret", "app_id"):
            if not self._given[name]:
                raise ConfigError(f"{name}= is needed for enable_token_revocation_listeners")
        listeners.add_listeners(app, self._reported)

    def _reported(self, body: Mapping[str, Any]) -> None:
        with self._vault.opened() as (app, actor):
            delete_installation.handle_lifecycle_event(app, body, actor)

    def close(self) -> None:
        """Waits for what runs, and closes the database; the next use opens it again."""
        self._vault.close()

    # The same for asyncio: the database is waited for in a thread.

    async def async_save(self, installation: Installation) -> None:
        """Runs `save` in a thread."""
        await asyncio.to_thread(self.save, installation)

    async def async_save_bot(self, bot: Bot) -> None:
        """Runs `save_bot` in a thread."""
        await asyncio.to_thread(self.save_bot, bot)

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """Runs `find_bot` in a thread."""
        _name_the_task()
        return await asyncio.to_thread(
            self.find_bot, enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """Runs `find_installation` in a thread."""
        _name_the_task()
        return await asyncio.to_thread(
            self.find_installation,
            enterprise_id=enterprise_id,
            team_id=team_id,
            user_id=user_id,
            is_enterprise_install=is_enterprise_install,
        )

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Runs `delete_bot` in a thread."""
        await asyncio.to_thread(self.delete_bot, enterprise_id=enterprise_id, team_id=team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Runs `delete_installation` in a thread."""
        await asyncio.to_thread(self.delete_installation, enterprise_id=enterprise_id, team_id=team_id, user_id=user_id)

    async def async_delete_all(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Runs `delete_all` in a thread."""
        await asyncio.to_thread(self.delete_all, enterprise_id=enterprise_id, team_id=team_id)


class SignedStateStore(OAuthStateStore, AsyncOAuthStateStore):
    """States that are signed, live for a while, and work once, however many ask at the same time. Raises ConfigError.

    `expiration_seconds` is a whole number from 1 to 900; 600 is what Bolt's own cookie lives. At most `limit` states
    that have not expired are kept, from 1 to 10 million; more are refused, so that nobody fills the disk with them.
    """

    def __init__(
        self,
        *,
        database: str | Path,
        master_key_file: str | Path,
        client_id: str,
        app_id: str = "",
        expiration_seconds: int = 600,
        limit: int = 100_000,
        logger: logging.Logger | None = None,
    ) -> None:
        settings = {
            **arguments.common_settings(database, master_key_file, client_id, app_id),
            "state_ttl": str(expiration_seconds),
            "state_limit": str(limit),
        }
        self._vault = _open_vault(logger, settings)

    @property
    def logger(self) -> logging.Logger:
        """Logger for problems."""
        return self._vault.logger

    def issue(self, *args: Any, **kwargs: Any) -> str:
        """A new state; Bolt gives no arguments, and none is looked at."""
        with self._vault.opened() as (app, _):
            return states.issue(app)

    def consume(self, state: str) -> bool:
        """Consumes a state: True for one issued here, unexpired and not consumed before; else False, never raises."""
        try:
            with self._vault.opened() as (app, _):
                return states.consume(app, state)
        except Exception as error:  # noqa: BLE001  (Bolt takes no exception here; False refuses the install)
            self.logger.error("a state could not be consumed (%s)", mask(str(error)))
            return False

    def close(self) -> None:
        """Waits for what runs, and closes the database; the next use opens it again."""
        self._vault.close()

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        """Runs `issue` in a thread."""
        return await asyncio.to_thread(self.issue)

    async def async_consume(self, state: str) -> bool:
        """Runs `consume` in a thread."""
        return await asyncio.to_thread(self.consume, state)


def _name_the_task() -> None:
    """Names the task for the thread in which the look-up will run: it may be another one each time."""
    _TASK.set(f"task-{id(asyncio.current_task())}")


def _refuse_foreign(app: App, claimed_app_id: str) -> None:
    expected = app.settings.app_id
    if expected and claimed_app_id and claimed_app_id != expected:
        raise ValueError("the installation belongs to another app")
