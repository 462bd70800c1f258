"""The host's keys: which files are taken, and that what was retired is out of use at once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slackapp.config import settings as config
from slackapp.errors import ConfigError
from slackapp.host.keys import HostKeys, read_host_keys
from slackapp.host.model import HostCaller
from slackapp.model import ActorKind, Settings
from tests.host.checks.helpers import refusal_of
from tests.host.keys import KEY_ID, SECRET, host_settings, write_keys
from tests.support.world import environment

NEXT_ID, NEXT = "ffffffff", "n" * 43
BOTH = f"slackapp-hk1:{NEXT_ID}:{NEXT}\nslackapp-hk1:{KEY_ID}:{SECRET}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return config.load({**environment(tmp_path, "http://127.0.0.1:3001"), **host_settings(tmp_path)}, {})


def put(settings: Settings, text: str) -> None:
    """Other content in the same file."""
    assert settings.host_keys_file is not None
    settings.host_keys_file.write_text(text)


def caller(key_id: str) -> HostCaller:
    return HostCaller(ActorKind.HOST, "r-1", organization="acme", role=None, key_id=key_id)


def test_one_key_or_two_are_read_the_newest_first(settings: Settings) -> None:
    assert read_host_keys(settings) == {KEY_ID: SECRET.encode()}
    put(settings, f"# kept by the operations team\n\n{BOTH}")
    assert list(read_host_keys(settings).items()) == [(NEXT_ID, NEXT.encode()), (KEY_ID, SECRET.encode())]


WRONG = {
    "nothing": "",
    "a comment alone": "# later\n",
    "three keys": f"{BOTH}slackapp-hk1:00000000:{SECRET}\n",
    "an id twice": f"slackapp-hk1:{KEY_ID}:{SECRET}\nslackapp-hk1:{KEY_ID}:{NEXT}\n",
    "a short secret": f"slackapp-hk1:{KEY_ID}:{SECRET[1:]}\n",
    "a secret with a space": f"slackapp-hk1:{KEY_ID}:{SECRET} {SECRET}\n",
    "an id of another form": f"slackapp-hk1:key-1:{SECRET}\n",
    "a master key": "slackapp-mk1:1:" + "A" * 43 + "=\n",
    "a secret alone": f"{SECRET}\n",
}


@pytest.mark.parametrize("what", WRONG)
def test_another_file_is_refused_by_its_setting_and_not_shown(settings: Settings, what: str) -> None:
    put(settings, WRONG[what])
    with pytest.raises(ConfigError, match=r"^SLACKAPP_HOST_KEYS_FILE: ") as caught:
        HostKeys(settings)
    assert SECRET[1:] not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(settings: Settings, mode: int) -> None:
    assert settings.host_keys_file is not None
    settings.host_keys_file.chmod(mode)
    with pytest.raises(ConfigError, match=r"^SLACKAPP_HOST_KEYS_FILE: .*others can read it; run: chmod 600"):
        HostKeys(settings)


def test_a_file_that_is_not_there_is_named(settings: Settings) -> None:
    assert settings.host_keys_file is not None
    settings.host_keys_file.unlink()
    with pytest.raises(ConfigError, match=r"^SLACKAPP_HOST_KEYS_FILE: .*there is no such file"):
        HostKeys(settings)


@pytest.mark.claim("C-147")
def test_a_key_that_was_retired_signs_nothing_from_then_on(settings: Settings, tmp_path: Path) -> None:
    """I have copied your key; you have noticed, and take it out."""
    keys = HostKeys(settings)
    assert keys.find(KEY_ID) == SECRET.encode()
    put(settings, BOTH)
    assert (keys.find(KEY_ID), keys.find(NEXT_ID)) == (SECRET.encode(), NEXT.encode()), "while they change"
    write_keys(tmp_path, **{NEXT_ID: NEXT})
    assert (keys.find(KEY_ID), keys.find(NEXT_ID)) == (None, NEXT.encode())


@pytest.mark.claim("C-147")
def test_what_was_opened_under_a_key_ends_with_it(settings: Settings, tmp_path: Path) -> None:
    """I opened a session with the key that I had copied, and stay."""
    keys = HostKeys(settings)
    keys.require_live(caller(KEY_ID))
    write_keys(tmp_path, **{NEXT_ID: NEXT})
    assert refusal_of(lambda: keys.require_live(caller(KEY_ID))) == ("KEY_RETIRED", None)


@pytest.mark.parametrize("spoil", [
    lambda file: file.unlink(), lambda file: file.write_text("x"), lambda file: file.chmod(0o644),
    lambda file: os.truncate(file, 0),
])  # fmt: skip
def test_while_the_file_cannot_be_read_there_is_no_key(
    settings: Settings, tmp_path: Path, spoil: Callable[[Path], Any]
) -> None:
    keys = HostKeys(settings)
    assert settings.host_keys_file is not None
    spoil(settings.host_keys_file)
    assert keys.find(KEY_ID) is None
    write_keys(tmp_path)
    assert keys.find(KEY_ID) == SECRET.encode()


def test_a_file_that_has_not_changed_is_not_read_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = HostKeys(settings)
    monkeypatch.setattr("slackapp.host.keys.read_host_keys", lambda settings: {})
    assert keys.find(KEY_ID) == SECRET.encode()
