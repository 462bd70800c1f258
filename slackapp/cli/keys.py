"""`slackapp keys`: master keys, data keys, key providers."""

import argparse
from collections.abc import Collection
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.session import EX_TEMPFAIL, open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs
from slackapp.cli.terminal.printing import print_lines, print_progress
from slackapp.flows.keys import (
    fingerprint_tokens,
    list_keys,
    master_key_file,
    reencrypt_tenant,
    retire_key,
    rotate_keys,
)
from slackapp.flows.keys.list_keys import KeyProblem
from slackapp.model import KeyTest, Tenant

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
    verb("fingerprint", "give every token its fingerprint, by which a leaked one is found", _fingerprint)
    verb("flush", "every process forgets the data keys in its memory, at once", _flush)
    assign = verb("assign", "put a tenant on a key provider of its own", _assign)
    assign.add_argument("tenant", metavar="TENANT")
    assign.add_argument("provider", metavar="PROVIDER")


def _new(arguments: argparse.Namespace) -> int:
    master_key_file.create(arguments.file, system_entropy)
    print_lines(
        f"{arguments.file}: master key 1. Whoever has this file and the database has every token: keep them apart."
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        found, now = list_keys.list_keys(service.app), service.app.clock()
    for version, since in found.primary_since.items():
        age = f"{(now - since) // _DAY} days" if since is not None else "unknown"
        later = "old" if version < found.primary else "not in use yet"
        role = "primary" if version == found.primary else later
        print_lines(f"local {version:>4}  {role:<14}  age {age:<10}  {found.data_keys[version]} data keys")
    for version, number in sorted(found.missing.items()):
        print_lines(f"local {version:>4}  missing from the file, and {number} data keys hang on it")
    for provider, (number, health) in found.providers.items():
        print_lines(f"{provider}  {number} data keys  health {health}")
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        done = rotate_keys.run(service.app, operator_actor(service.app), print_progress)
    if done.behind:
        print_lines(f"some serving processes do not have master key {done.version} yet; run this again", error=True)
        return EX_TEMPFAIL
    status = _tell_held(done.held)
    if done.broken:
        named = ", ".join(str(key_id) for key_id in done.broken[:10])
        print_lines(f"{len(done.broken)} data keys do not unwrap and stay as they are: {named}", error=True)
        return 1
    print_lines(
        f"master key {done.version} is the primary; {done.rewrapped} data keys were wrapped anew, and every one unwraps"
    )
    return status


def _tell_held(held: Collection[str]) -> int:
    """Tells where old keys are left, and what erases them there; returns the exit status."""
    if not held:
        return 0
    why = " and ".join(sorted(held))
    print_lines(f"{why}: old keys are left there until `slackapp purge --verify` counts none", error=True)
    return EX_TEMPFAIL


def _verify(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        total, problems = list_keys.verify_keys(service.app)
    print_lines(f"{total - len(problems)} of {total} data keys unwrap")
    for problem in problems:
        print_lines(f"data key {problem.key_id} {_why(problem)}", error=True)
    return 1 if problems else 0


def _why(problem: KeyProblem) -> str:
    if problem.missing_master is not None:
        return f"of {problem.tenant} does not: master key {problem.missing_master} is missing from the file"
    return "does not" if problem.result == KeyTest.BROKEN else "is withheld by its provider"


def _retire(arguments: argparse.Namespace) -> int:
    told = f"master key {arguments.version}: is taken out of the key file for good"
    confirm.confirm(told, str(arguments.version), arguments.yes)
    with open_service() as service:
        held = retire_key.run(service.app, arguments.version, operator_actor(service.app))
    print_lines(
        f"master key {arguments.version} is out of the file. Destroy its copies: backups of the file hold it still."
    )
    return _tell_held(held)


def _reencrypt(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        held = reencrypt_tenant.run_all(service.app, arguments.tenant, operator_actor(service.app), _tell_reencrypted)
    print_lines(
        "If the old keys may be known, the tokens may be: let each workspace install again, or revoke at Slack."
    )
    return _tell_held(held)


def _tell_reencrypted(tenant: Tenant, resealed: int, progress: tuple[int, int]) -> None:
    print_lines(f"{tenant}: new data keys, {resealed} records sealed anew; older data backups end for it")
    print_progress(*progress)


def _fingerprint(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app, actor = service.app, operator_actor(service.app)
        filled, unreadable = fingerprint_tokens.fill(app, actor, print_progress)
    print_lines(f"{filled} tokens have their fingerprints now")
    if unreadable:
        print_lines(f"{unreadable} tokens did not open, and have none; see `slackapp keys verify`", error=True)
    return 1 if unreadable else 0


def _flush(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        rotate_keys.flush(service.app, operator_actor(service.app), service.app.clock())
    print_lines("every serving process forgets its data keys with its next request")
    return 0


def _assign(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        resealed, held = reencrypt_tenant.assign(app, arguments.tenant, arguments.provider, operator_actor(app))
    print_lines(f"{arguments.tenant}: new data keys under {arguments.provider}, {resealed} records sealed anew")
    return _tell_held(held)
