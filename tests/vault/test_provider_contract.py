"""What every key provider keeps: what it wraps opens where it belongs and nowhere else, and its failures are three."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from slackapp.app import system_entropy
from slackapp.errors import ConfigError, DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.model import Tenant
from slackapp.vault.command_provider import WRAPPED_LIMIT, CommandProvider
from slackapp.vault.providers import KeyContext, KeyProvider, LocalProvider
from tests.vault.providers import FaultyProvider, Program

CONTEXT = KeyContext("A0LOCAL001", Tenant("T", "T0NORTH001"), "bot", 12)
KEY = bytes(range(100, 132))
ELSEWHERE = {
    "another tenant": CONTEXT._replace(tenant=Tenant("T", "T0SOUTH001")),
    "a tenant of another kind": CONTEXT._replace(tenant=Tenant("E", "T0NORTH001")),
    "another purpose": CONTEXT._replace(purpose="refresh"),
    "another key id": CONTEXT._replace(key_id=13),
    "another app": CONTEXT._replace(app_id="A0OTHER001"),
    "fields that run together": CONTEXT._replace(purpose="bot1", key_id=2),
}
SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "shorter": lambda blob: blob[:-1],
    "nothing": lambda blob: b"",
    "one bit": lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]),
}


def local(folder: Path) -> KeyProvider:
    return LocalProvider({1: bytes(32), 2: bytes(range(32))}, 2, system_entropy)


def moody(folder: Path) -> KeyProvider:
    return FaultyProvider("moody")


def command(folder: Path) -> KeyProvider:
    return CommandProvider("kms", Program(folder).path)


@pytest.fixture(scope="module", params=[local, moody, command])
def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KeyProvider:
    make: Callable[[Path], KeyProvider] = request.param
    return make(tmp_path_factory.mktemp("provider"))


def test_what_is_wrapped_unwraps_to_itself(provider: KeyProvider) -> None:
    version, wrapped = provider.wrap(CONTEXT, KEY)
    assert provider.unwrap(CONTEXT, version, wrapped) == KEY
    assert (version > 0, 0 < len(wrapped) <= WRAPPED_LIMIT, KEY in wrapped) == (True, True, False)


def test_the_provider_id_equals_the_configured_name(provider: KeyProvider) -> None:
    assert provider.provider_id in ("local", "moody", "kms")


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_wrapped_key_opens_nowhere_but_where_it_belongs(provider: KeyProvider, where: str) -> None:
    """I write to the database, and put a customer's wrapped key where I can have it opened for myself."""
    version, wrapped = provider.wrap(CONTEXT, KEY)
    with pytest.raises(DecryptError):
        provider.unwrap(ELSEWHERE[where], version, wrapped)


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_wrapped_key_that_was_changed_does_not_open(provider: KeyProvider, spoil: str) -> None:
    version, wrapped = provider.wrap(CONTEXT, KEY)
    with pytest.raises(DecryptError):
        provider.unwrap(CONTEXT, version, SPOILT[spoil](wrapped))


@pytest.mark.long
def test_several_threads_may_use_it_at_once(provider: KeyProvider) -> None:
    good: list[bool] = []

    def use(number: int) -> None:
        context, key = CONTEXT._replace(key_id=number), bytes([number]) * 32
        good.append(provider.unwrap(context, *provider.wrap(context, key)) == key)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert good == [True] * 4


@pytest.mark.parametrize(
    ("mood", "answer", "error"),
    [
        ("revoked", b'{"error": "revoked"}', KeyRevokedError),
        ("unavailable", b'{"error": "throttled"}', KeyUnavailableError),
        ("mismatch", b'{"error": "mismatch"}', DecryptError),
    ],
)
def test_its_failures_have_three_types_and_carry_nothing(
    tmp_path: Path, mood: str, answer: bytes, error: type[Exception]
) -> None:
    program, inside = Program(tmp_path), FaultyProvider("moody")
    program.answer(answer)
    inside.mood = mood
    for provider in (CommandProvider("kms", program.path), inside):
        with pytest.raises(error) as wrapping:
            provider.wrap(CONTEXT, KEY)
        with pytest.raises(error) as unwrapping:
            provider.unwrap(CONTEXT, 1, b"wrapped")
        for failed in (wrapping, unwrapping):
            assert failed.value.args in ((), ("the value does not open",))


def test_local_does_not_unwrap_what_another_version_wrapped() -> None:
    provider = LocalProvider({1: bytes(32), 2: bytes(32)}, 2, system_entropy)
    version, wrapped = provider.wrap(CONTEXT, KEY)
    assert version == 2
    for other in (1, 3):
        with pytest.raises(DecryptError):
            provider.unwrap(CONTEXT, other, wrapped)


def test_local_keeps_what_it_has_when_the_new_keys_lack_the_primary() -> None:
    provider = LocalProvider({1: bytes(32)}, 1, system_entropy)
    version, wrapped = provider.wrap(CONTEXT, KEY)
    with pytest.raises(ConfigError, match=r"master key 1 is missing"):
        provider.replace({2: bytes(32)}, 1)
    assert (provider.versions, provider.unwrap(CONTEXT, version, wrapped)) == ({1}, KEY)


def test_local_wraps_the_same_key_differently_each_time() -> None:
    provider = LocalProvider({1: bytes(32)}, 1, system_entropy)
    assert provider.wrap(CONTEXT, KEY) != provider.wrap(CONTEXT, KEY)
