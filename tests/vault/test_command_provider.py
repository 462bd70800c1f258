"""The provider `command`: whatever its program does, the service gets a key that belongs here or a typed failure."""

import base64
import json
import time
from pathlib import Path

import pytest

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.vault import command_provider
from slackapp.vault.command_provider import CommandProvider
from tests.vault.providers import Program
from tests.vault.test_provider_contract import CONTEXT, KEY

GARBAGE = {
    "nothing": b"",
    "no JSON": b"Internal Server Error",
    "no text": bytes(range(256)),
    "half of it": b'{"data_key": "AAAA',
    "a list": b"[1]",
    "a number": b"7",
    "null": b"null",
    "brackets without end": b"[" * 15000,
    "too much": b'{"version": 1, "wrapped": "AAAA", "data_key": "AAAA", "padding": "%s"}' % (b"x" * 17000),
    "an error that is no text": b'{"error": ["revoked"]}',
    "an empty object": b"{}",
    "a key that is no text": b'{"data_key": 5, "wrapped": 5, "version": 1}',
    "a key that is no base64": b'{"data_key": "***", "wrapped": "***", "version": 1}',
}
BAD_WRAPS = {
    "no version that counts": b'{"version": 0, "wrapped": "AAAA"}',
    "a version that is text": b'{"version": "1", "wrapped": "AAAA"}',
    "a version that is a truth": b'{"version": true, "wrapped": "AAAA"}',
    "a version that is too large": b'{"version": 2147483648, "wrapped": "AAAA"}',
    "nothing wrapped": b'{"version": 1, "wrapped": ""}',
    "more than fits": b'{"version": 1, "wrapped": "%s"}' % (b"AAAA" * 1366),
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def provider(program: Program) -> CommandProvider:
    return CommandProvider("kms", program.path)


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_means_that_the_key_cannot_be_reached_just_now(
    program: Program, provider: CommandProvider, what: str
) -> None:
    """A broken program is no reason to let an event die: it may be repaired, and nothing says that the key is wrong."""
    program.answer(GARBAGE[what])
    with pytest.raises(KeyUnavailableError):
        provider.unwrap(CONTEXT, 1, b"wrapped")
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)


@pytest.mark.parametrize("what", BAD_WRAPS)
def test_a_wrapping_that_could_not_be_stored_is_refused(program: Program, provider: CommandProvider, what: str) -> None:
    program.answer(BAD_WRAPS[what])
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)


@pytest.mark.parametrize("length", [0, 31, 32, 33, 63, 64, 65])
def test_a_key_of_the_wrong_size_or_for_another_context_is_refused(
    program: Program, provider: CommandProvider, length: int
) -> None:
    """I am the key service, and return a key of mine to read along."""
    program.answer(json.dumps({"data_key": base64.b64encode(bytes(length)).decode()}).encode())
    with pytest.raises((DecryptError, KeyUnavailableError)):
        provider.unwrap(CONTEXT, 1, b"wrapped")


def test_a_program_that_takes_too_long_is_ended(
    program: Program, provider: CommandProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_provider, "TIMEOUT", 0.2)
    program.path.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(KeyUnavailableError):
        provider.unwrap(CONTEXT, 1, b"wrapped")


@pytest.mark.parametrize("spoil", ["missing", "not executable", "not a program"])
def test_a_program_that_cannot_be_started_means_that_the_key_cannot_be_reached(
    program: Program, provider: CommandProvider, spoil: str
) -> None:
    if spoil == "missing":
        program.path.unlink()
    else:
        program.path.write_bytes(b"\0\0\0\0")
        program.path.chmod(0o600 if spoil == "not executable" else 0o700)
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)


def test_an_error_counts_whatever_the_exit_status(program: Program, provider: CommandProvider) -> None:
    program.answer(b'{"error": "revoked"}', status=1)
    with pytest.raises(KeyRevokedError):
        provider.unwrap(CONTEXT, 1, b"wrapped")


def test_a_good_answer_of_a_program_that_failed_does_not_count(program: Program, provider: CommandProvider) -> None:
    program.answer(b'{"version": 1, "wrapped": "AAAA"}', status=3)
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)


def test_an_error_beside_a_key_is_an_error(program: Program, provider: CommandProvider) -> None:
    program.answer(b'{"error": "denied", "version": 1, "wrapped": "AAAA"}')
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)


def test_the_program_is_told_whose_key_it_is_so_that_its_owner_can_forbid_by_tenant(
    program: Program, provider: CommandProvider
) -> None:
    version, wrapped = provider.wrap(CONTEXT, KEY)
    provider.unwrap(CONTEXT, version, wrapped)
    questions = [json.loads(seen["stdin"]) for seen in program.seen]
    named = {"app_id": "A0LOCAL001", "tenant": "T0NORTH001", "purpose": "bot", "key_id": "12"}
    assert [(asked["operation"], asked["context"]) for asked in questions] == [("wrap", named), ("unwrap", named)]
    assert (questions[1]["version"], base64.b64decode(questions[1]["wrapped"])) == (7, wrapped)


def test_no_key_is_in_an_argument_or_the_environment(program: Program, provider: CommandProvider) -> None:
    """I am another user of the machine, and read /proc while the program runs."""
    version, wrapped = provider.wrap(CONTEXT, KEY)
    provider.unwrap(CONTEXT, version, wrapped)
    for seen in program.seen:
        assert seen["argv"] == []
        where = json.dumps(seen["environ"])
        asked = json.loads(seen["stdin"])
        for secret in (KEY.hex(), base64.b64encode(KEY).decode(), asked.get("data_key"), asked.get("wrapped")):
            assert secret is None or secret not in where


def test_the_program_does_not_get_the_secrets_of_the_app(
    program: Program, provider: CommandProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I am the program: I wrap keys, and am not meant to sign as Slack."""
    for name in ("SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET", "SLACKAPP_OPERATOR_TOKEN_FILE"):
        monkeypatch.setenv(name, "a-secret-of-the-service")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    provider.wrap(CONTEXT, KEY)
    (seen,) = program.seen
    assert "a-secret-of-the-service" not in json.dumps(seen["environ"])
    assert "eu-central-1" in json.dumps(seen["environ"]), "what the program itself needs does reach it"


# What it may hold


def runs(pid: int) -> bool:
    """Whether that process lives; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for_the_end(pid: int) -> bool:
    """A killed process is gone a moment later."""
    for _ in range(500):
        if not runs(pid):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.claim("C-95")
def test_a_program_that_says_too_much_is_ended_before_its_words_fill_the_memory(
    program: Program, provider: CommandProvider
) -> None:
    """I talk faster than they can throw away."""
    done = program.folder / "done"
    program.path.write_text(f"#!/bin/sh\nhead -c 1000000 /dev/zero\ntouch {done}\n")
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)
    assert not done.exists()


@pytest.mark.claim("C-95")
@pytest.mark.parametrize("ends", ["hangs", "answers", "fails"])
def test_what_the_program_has_started_ends_with_it(
    program: Program, provider: CommandProvider, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """I call other programs, and each of them would stay: one more for every event."""
    answer = json.dumps({"version": 1, "wrapped": "AAAA"})
    last = {"hangs": "wait", "answers": f"echo '{answer}'", "fails": "exit 1"}[ends]
    monkeypatch.setattr(command_provider, "TIMEOUT", 0.5 if ends == "hangs" else 10)
    pids = program.folder / "pid"
    program.path.write_text(f"#!/bin/sh\nsleep 600 >/dev/null </dev/null &\necho $! > {pids}\n{last}\n")
    if ends == "answers":
        assert provider.wrap(CONTEXT, KEY) == (1, bytes(3))
    else:
        with pytest.raises(KeyUnavailableError):
            provider.wrap(CONTEXT, KEY)
    assert wait_for_the_end(int(pids.read_text()))


def test_a_program_that_talks_slowly_and_closes_nothing_is_ended(
    program: Program, provider: CommandProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_provider, "TIMEOUT", 0.3)
    program.path.write_text("#!/bin/sh\nwhile :; do printf ' '; sleep 0.05; done\n")
    with pytest.raises(KeyUnavailableError):
        provider.wrap(CONTEXT, KEY)


def test_a_program_that_does_not_read_its_question_may_answer(program: Program, provider: CommandProvider) -> None:
    program.path.write_text('#!/bin/sh\nexec <&-\necho \'{"version": 3, "wrapped": "AAAA"}\'\n')
    assert provider.wrap(CONTEXT, KEY) == (3, bytes(3))
