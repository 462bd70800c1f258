"""`slackapp keys`: master keys, data keys, key providers."""

import argparse
import time
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.session import EX_TEMPFAIL, chosen_tenants, installed_tenant, open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs, read_secret
from slackapp.cli.terminal.printing import print_lines, print_progress
from slackapp.crypto import keyfile
from slackapp.crypto.envelope import KEY_BYTES
from slackapp.errors import CommandError, ConfigError, DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.flows.app import App
from slackapp.flows.keys import fingerprint_tokens, reencrypt_tenant, rotate_keys
from slackapp.model import LOCAL_PROVIDER, Actor, KeyTest, Tenant
from slackapp.store import data_keys, meta, tokens

HELP = "make, list, rotate, verify, retire master keys; new data keys; key providers"
_ROTATION_WAIT = 60
"""Seconds that a rotation waits for the serving processes to take the new key file."""
_DAY = 86_400


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds one sub-command per verb."""
    verb = add_verbs(parser)
    verb("new", "make a new file with one master key", _new).add_argument("file", type=Path, help="must not exist yet")
    verb("list", "master keys, their age, and how many data keys hang on each", _list)
    verb("rotate", "a new master key: all data keys are wrapped anew, while the service goes on", _rotate)
    verb("verify", "try every data key", _verify)
    retire = verb("retire", "take an old master key out of the file", _retire)
    retire.add_argument("version", type=int)
    confirm.add_option(retire)
    reencrypt = verb("reencrypt", "new data keys, all records sealed anew: after a suspected loss", _reencrypt)
    reencrypt.add_argument("--tenant", metavar="ID", help="only this one; without it, every tenant")
    fingerprint = verb("fingerprint", "give every token its fingerprint; or find whose a leaked token is", _fingerprint)
    fingerprint.add_argument("--find", action="store_true", help="whose is the token on the standard input?")
    verb("flush", "every process forgets the data keys in its memory, at once", _flush)
    assign = verb("assign", "put a tenant on a key provider of its own", _assign)
    assign.add_argument("tenant", metavar="TENANT")
    assign.add_argument("provider", metavar="PROVIDER")


def _new(arguments: argparse.Namespace) -> int:
    keyfile.create_master_key_file(arguments.file, system_entropy(KEY_BYTES))
    print_lines(
        f"{arguments.file}: master key 1. Whoever has this file and the database has every token: keep them apart."
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        counts, primary = data_keys.count_by_master(app.db), meta.primary_master_key(app.db)
        for version in sorted(app.keyring.master_versions()):
            since = meta.get(app.db, meta.key_since_name(version))
            age = f"{(app.clock() - int(since)) // _DAY} days" if since is not None else "unknown"
            role = "primary" if version == primary else "old" if version < primary else "not in use yet"
            print_lines(
                f"local {version:>4}  {role:<14}  age {age:<10}  {counts.get((LOCAL_PROVIDER, version), 0)} data keys"
            )
        for version, number in sorted(rotate_keys.missing_master_keys(app).items()):
            print_lines(f"local {version:>4}  missing from the file, and {number} data keys hang on it")
        for provider in sorted({name for name, _ in counts} | app.keyring.provider_names() - {LOCAL_PROVIDER}):
            if provider != LOCAL_PROVIDER:
                number = sum(found for (name, _), found in counts.items() if name == provider)
                print_lines(f"{provider}  {number} data keys  health {app.keyring.provider_health(provider)}")
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    with open_service() as service, service.app.db.exclusive():
        app = service.app
        version = _target_version(app)
        epoch = rotate_keys.request_key_reload(app)
        if not _wait_for_processes(app, version, epoch):
            print_lines(f"some serving processes do not have master key {version} yet; run this again", error=True)
            return EX_TEMPFAIL
        if meta.primary_master_key(app.db) != version:
            rotate_keys.set_primary(app, version, operator_actor(app), app.clock())
        number = rotate_keys.rewrap_all(app, operator_actor(app), print_progress)
        broken = rotate_keys.broken_keys(app)
        if broken:
            named = ", ".join(str(key_id) for key_id in broken[:10])
            print_lines(f"{len(broken)} data keys do not unwrap and stay as they are: {named}", error=True)
            return 1
    print_lines(f"master key {version} is the primary; {number} data keys were wrapped anew, and every one unwraps")
    return 0


def _target_version(app: App) -> int:
    """The version to rotate to: one that an earlier, interrupted rotation put into the file, or a new one.

    The file is read here, and not taken from what the service read at its start: another rotation may have been first.
    """
    file, primary = app.settings.master_key_file, meta.primary_master_key(app.db)
    content = _read(app)
    newest = max(keyfile.parse_master_keys(file, content))
    older = (version for version in app.keyring.master_versions() if version < primary)
    if newest > primary or any(rotate_keys.count_keys_wrapped_by(app, version) for version in older):
        return newest
    _rewrite(file, keyfile.format_master_key(newest + 1, system_entropy(KEY_BYTES)) + content)
    return newest + 1


def _read(app: App) -> bytes:
    told = app.settings
    return keyfile.read_private(told.master_key_file, told.credentials_directory, told.trusted_folder)


def _rewrite(file: Path, content: bytes) -> None:
    try:
        keyfile.replace_private(file, content)
    except OSError as error:
        raise ConfigError(f"SLACKAPP_MASTER_KEY_FILE: {file} cannot be rewritten ({error.strerror})") from None


def _wait_for_processes(app: App, version: int, epoch: int) -> bool:
    for _ in range(_ROTATION_WAIT * 5):
        if not rotate_keys.processes_behind(app, version, epoch):
            return True
        time.sleep(0.2)
    return False


def _verify(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        results = [(key, service.app.keyring.try_key(key)) for key in data_keys.list_all(service.app.db)]
        missing = rotate_keys.missing_master_keys(service.app)
    bad = [(key, result) for key, result in results if result != KeyTest.OK]
    print_lines(f"{len(results) - len(bad)} of {len(results)} data keys unwrap")
    for key, result in bad:
        why = "does not" if result == KeyTest.BROKEN else "is withheld by its provider"
        if key.provider == LOCAL_PROVIDER and key.master_version in missing:
            why = f"of {key.tenant} does not: master key {key.master_version} is missing from the file"
        print_lines(f"data key {key.key_id} {why}", error=True)
    return 1 if bad else 0


def _retire(arguments: argparse.Namespace) -> int:
    told = f"master key {arguments.version}: is taken out of the key file for good"
    confirm.confirm(told, str(arguments.version), arguments.yes)
    with open_service() as service, service.app.db.exclusive():
        app, version = service.app, arguments.version
        if version not in app.keyring.master_versions():
            raise CommandError(f"the key file holds no master key {version}")
        if version == meta.primary_master_key(app.db):
            raise CommandError(f"master key {version} is the primary; rotate first")
        needed = rotate_keys.count_keys_wrapped_by(app, version)
        if needed:
            raise CommandError(f"{needed} data keys still need master key {version}; run `slackapp keys rotate` first")
        file = app.settings.master_key_file
        content = _read(app)
        _rewrite(file, keyfile.without_master_key(content, version))
        rotate_keys.note_retired(app, version, operator_actor(app), app.clock())
    print_lines(f"master key {version} is out of the file. Destroy its copies: backups of the file hold it still.")
    return 0


def _reencrypt(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        tenants = chosen_tenants(app, arguments.tenant)
        for number, tenant in enumerate(tenants, start=1):
            provider = next((key.provider for key in data_keys.active(app.db, tenant)), LOCAL_PROVIDER)
            resealed = _reseal(app, tenant, provider)
            print_lines(f"{tenant}: new data keys, {resealed} records sealed anew; older data backups end for it")
            print_progress(number, len(tenants))
    print_lines(
        "If the old keys may be known, the tokens may be: let each workspace install again, or revoke at Slack."
    )
    return 0


def _reseal(app: App, tenant: Tenant, provider: str) -> int:
    try:
        return reencrypt_tenant.run(app, tenant, provider, operator_actor(app))
    except (KeyRevokedError, KeyUnavailableError, DecryptError) as error:
        why = {KeyRevokedError: "withdrawn", KeyUnavailableError: "out of reach"}.get(type(error), "not whole")
        raise CommandError(f"{tenant}: its keys are {why}; nothing of it was changed") from None


def _fingerprint(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app, actor = service.app, operator_actor(service.app)
        if arguments.find:
            return _find_token(app, actor)
        filled, unreadable = fingerprint_tokens.fill(app, actor, print_progress)
    print_lines(f"{filled} tokens have their fingerprints now")
    if unreadable:
        print_lines(f"{unreadable} tokens did not open, and have none; see `slackapp keys verify`", error=True)
    return 1 if unreadable else 0


def _find_token(app: App, actor: Actor) -> int:
    found = fingerprint_tokens.find(app, read_secret("Token (it is not shown, and not kept): "), actor)
    for token in found:
        print_lines(f"{token.tenant}  {token.holder}  {token.status}")
    if not found:
        print_lines("no token here is this one", error=True)
    if left := tokens.count_without_fingerprint(app.db):
        print_lines(f"{left} tokens have no fingerprint yet; run `slackapp keys fingerprint`", error=True)
    return 0 if found else 1


def _flush(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        rotate_keys.flush(service.app, operator_actor(service.app), service.app.clock())
    print_lines("every serving process forgets its data keys with its next request")
    return 0


def _assign(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        tenant, provider = installed_tenant(app, arguments.tenant), arguments.provider
        if provider not in app.keyring.provider_names():
            raise CommandError(f"{provider}: is no key provider; SLACKAPP_KEY_COMMANDS names them")
        resealed = _reseal(app, tenant, provider)
        rotate_keys.flush(app, operator_actor(app), app.clock())
    print_lines(f"{tenant}: new data keys under {provider}, {resealed} records sealed anew")
    return 0
