"""Private files, and the master keys in them."""

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from slackapp.crypto import keyfile
from slackapp.errors import ConfigError
from tests.support.disk_faults import chown_to_other_user

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
CONTENT = b"something private"


def private(path: Path, content: bytes = CONTENT, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refusal(path: Path, credentials: Path | None = None) -> str:
    """The sentence with which a file is refused; it names the file or a folder on the way."""
    with pytest.raises(ConfigError) as caught:
        keyfile.read_private(path, credentials)
    named = str(caught.value).partition(": ")[0]
    assert str(path).startswith(named) or named.startswith(str(path.parent)), "the file, or a folder on the way to it"
    assert CONTENT.decode() not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    assert keyfile.read_private(private(tmp_path / "key", mode=mode), None) == CONTENT


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o666, 0o440])
@pytest.mark.claim("C-22")
def test_a_file_that_others_may_touch_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    """I have an account on the machine and read the key."""
    path = private(tmp_path / "key", mode=mode)
    assert refusal(path).endswith(f"run: chmod 600 {path}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "key") == f"{tmp_path / 'key'}: there is no such file"


def mounted(tmp_path: Path) -> Path:
    """A secret as Kubernetes mounts it: `token -> ..data/token`, `..data -> ..2027_01_15`, in a sticky folder."""
    volume = tmp_path / "volume"
    (volume / "..2027_01_15").mkdir(parents=True, mode=0o755)
    private(volume / "..2027_01_15" / "token", mode=0o400)
    (volume / "..data").symlink_to("..2027_01_15")
    (volume / "token").symlink_to("..data/token")
    volume.chmod(0o1777)
    return volume / "token"


def test_a_secret_that_kubernetes_mounts_is_taken(tmp_path: Path) -> None:
    path = mounted(tmp_path)
    assert keyfile.read_private(path, None) == CONTENT
    assert keyfile.read_private(Path("/proc/self/cwd") / os.path.relpath(path), None) == CONTENT
    (tmp_path / "round").symlink_to(path)
    assert keyfile.read_private(tmp_path / "round", None) == CONTENT


def test_a_mounted_secret_that_a_group_can_read_is_taken_as_a_credential_only(tmp_path: Path) -> None:
    """A pod that does not run as root is given its secrets by way of a group."""
    path = mounted(tmp_path)
    path.resolve().chmod(0o440)
    assert "others can read it" in refusal(path)
    assert keyfile.read_private(path, path.parent) == CONTENT


UNSAFE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "the file": (
        lambda volume: volume / "..2027_01_15" / "token",
        "others can read it; in Kubernetes give the volume defaultMode: 0400",
    ),
    "the folder of the file": (
        lambda volume: volume / "..2027_01_15",
        "others can write to this folder; run: chmod go-w ",
    ),
    "the folder of the link": (lambda volume: volume, "others can write to this folder; run: chmod go-w "),
    "a folder above": (lambda volume: volume.parent, "others can write to this folder; run: chmod go-w "),
}


@pytest.mark.parametrize(("which", "why"), UNSAFE.values(), ids=UNSAFE)
@pytest.mark.claim("C-22", "C-101")
def test_where_others_can_change_anything_on_the_way_the_secret_is_refused_with_what_to_do(
    tmp_path: Path, which: Callable[[Path], Path], why: str
) -> None:
    """I may write somewhere on the way to your key, and lead you to a key of mine."""
    path = mounted(tmp_path)
    place = which(path.parent)
    place.chmod(0o777)
    assert why in refusal(path)
    place.chmod(0o700)
    assert keyfile.read_private(path, None) == CONTENT


@pytest.mark.parametrize("what", ["..data", "token", "..2027_01_15", "..2027_01_15/token", "."])
@pytest.mark.claim("C-22", "C-101")
def test_what_belongs_to_another_user_on_the_way_is_refused(tmp_path: Path, what: str) -> None:
    """I own a link or a folder on the way to your key, and turn it when I like."""
    path = mounted(tmp_path)
    chown_to_other_user(path.parent / what)
    assert "belongs to another user" in refusal(path)


def test_links_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to("other")
    (tmp_path / "other").symlink_to("key")
    assert "is a link of more than 40 links" in refusal(tmp_path / "key")


def test_a_folder_that_is_trusted_is_not_judged_and_what_lies_below_is(tmp_path: Path) -> None:
    """A developer's checkout, in a folder that a group may write to."""
    checkout, data = tmp_path / "checkout", tmp_path / "checkout" / "data"
    data.mkdir(parents=True)
    path = private(data / "key")
    checkout.chmod(0o775)
    assert "others can write to this folder" in refusal(path)
    assert keyfile.read_private(path, None, trusted=checkout) == CONTENT
    data.chmod(0o775)
    with pytest.raises(ConfigError, match="others can write to this folder"):
        keyfile.read_private(path, None, trusted=checkout)


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname", "/usr/bin/env", "/etc/ssl/openssl.cnf"])
def test_nobody_is_told_to_change_the_mode_of_a_file_of_the_systems(path: str) -> None:
    """Whoever does as the error says must not lock all others out of the machine."""
    if not Path(path).exists():
        pytest.skip(f"{path} is not here")
    line = refusal(Path(path))
    assert "others can read it; it does not look like this service's own; name a file" in line
    assert "chmod" not in line


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    """I put a pipe in the place of the key, so that the service hangs at start."""
    os.mkfifo(tmp_path / "key", 0o600)
    assert "is not a regular file" in refusal(tmp_path / "key")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir(mode=0o700)
    assert "is not a regular file" in refusal(tmp_path / "key")


def test_a_device_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not a regular file"):
        keyfile.read_private(Path("/dev/null"), None)


@pytest.mark.claim("C-22")
def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I own the file that you read your key from, and change it when I like."""
    path = private(tmp_path / "key")
    if os.geteuid() == 0:
        os.chown(path, 4711, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert "belongs to another user" in refusal(path)


@pytest.mark.parametrize("mode", [0o770, 0o720, 0o707, 0o702, 0o777])
@pytest.mark.claim("C-22")
def test_a_folder_that_others_can_write_to_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    """I may write to the folder of the key, and put a key of mine in its place."""
    folder = tmp_path / "keys"
    folder.mkdir()
    path = private(folder / "key")
    folder.chmod(mode)
    assert refusal(path).endswith(f"run: chmod go-w {folder}")


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o1777, 0o1770])
def test_a_folder_in_which_others_can_replace_nothing_is_good(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    path = private(folder / "key")
    folder.chmod(mode)
    assert keyfile.read_private(path, None) == CONTENT


def test_4096_bytes_are_read_and_4097_are_refused(tmp_path: Path) -> None:
    assert len(keyfile.read_private(private(tmp_path / "key", b"k" * 4096), None)) == 4096
    assert "is larger than 4096 bytes" in refusal(private(tmp_path / "key", b"k" * 4097))


def test_a_file_in_the_credentials_directory_may_have_any_mode(tmp_path: Path) -> None:
    path = private(tmp_path / "key", mode=0o440)
    assert keyfile.read_private(path, tmp_path) == CONTENT


@pytest.mark.parametrize("place", ["credentials/below/key", "credentials2/key", "key"])
def test_only_files_directly_in_the_credentials_directory_are_exempt(tmp_path: Path, place: str) -> None:
    credentials, path = tmp_path / "credentials", tmp_path / place
    credentials.mkdir()
    path.parent.mkdir(exist_ok=True)
    assert "others can read it" in refusal(private(path, mode=0o640), credentials)


def test_a_way_round_through_the_credentials_directory_is_not_exempt(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    private(tmp_path / "key", mode=0o640)
    assert "others can read it" in refusal(credentials / ".." / "key", credentials)


def test_link_type_and_size_rules_apply_in_the_credentials_directory(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "link").symlink_to(private(tmp_path / "elsewhere", mode=0o640))
    os.mkfifo(credentials / "pipe")
    private(credentials / "large", b"k" * 4097)
    assert "others can read it" in refusal(credentials / "link", credentials), "what is not in there is no credential"
    assert "is not a regular file" in refusal(credentials / "pipe", credentials)
    assert "is larger than" in refusal(credentials / "large", credentials)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_private_file_has_mode_600_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        keyfile.write_private(tmp_path / "key", CONTENT)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert keyfile.read_private(tmp_path / "key", None) == CONTENT


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_nothing_that_is_there_is_ever_overwritten(tmp_path: Path, kind: str) -> None:
    """I put a link where the key will be made, so that you write the key to a file of mine."""
    path, target = tmp_path / "key", tmp_path / "target"
    if kind == "file":
        path.write_bytes(b"old")
    else:
        path.symlink_to(target)
        if kind == "link":
            target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        keyfile.write_private(path, CONTENT)
    assert not target.exists() or target.read_bytes() == b"old"
    assert path.is_symlink() or path.read_bytes() == b"old"


def test_a_private_file_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    path = private(tmp_path / "key", b"old")
    (tmp_path / "key.new").write_bytes(b"of a process that was killed")
    before = os.umask(0)
    try:
        keyfile.replace_private(path, CONTENT)
    finally:
        os.umask(before)
    assert keyfile.read_private(path, None) == CONTENT
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_link_beside_a_private_file_is_not_written_through(tmp_path: Path) -> None:
    """I put a link where the new key file will be written."""
    path = private(tmp_path / "key", b"old")
    (tmp_path / "key.new").symlink_to(tmp_path / "target")
    keyfile.replace_private(path, CONTENT)
    assert not (tmp_path / "target").exists()
    assert not path.is_symlink()
    assert path.read_bytes() == CONTENT


LINE = keyfile.format_master_key(1, KEY).decode().strip()
SECRET = LINE.rpartition(":")[2]
GOOD = {
    "one key": (LINE, {1: KEY}),
    "line feed at the end": (LINE + "\n", {1: KEY}),
    "carriage return": (LINE + "\r\n", {1: KEY}),
    "white space around": (f"  {LINE} \t\n   \n", {1: KEY}),
    "comment and empty lines": (f"# made today\n\n{LINE}\n\n", {1: KEY}),
    "greatest version": (LINE.replace(":1:", ":999999999:"), {999999999: KEY}),
}
BAD = {
    "empty": "",
    "comments only": "# nothing\n\n",
    "no prefix": SECRET,
    "other prefix": LINE.replace("mk1", "mk2"),
    "prefix in capitals": LINE.replace("slackapp", "SLACKAPP"),
    "no version": LINE.replace(":1:", "::"),
    "version zero": LINE.replace(":1:", ":0:"),
    "version with a leading zero": LINE.replace(":1:", ":01:"),
    "version below zero": LINE.replace(":1:", ":-1:"),
    "version with a plus": LINE.replace(":1:", ":+1:"),
    "version of ten digits": LINE.replace(":1:", ":1000000000:"),
    "version in other digits": LINE.replace(":1:", ":\xb9:"),
    "31 bytes": f"slackapp-mk1:1:{base64.b64encode(KEY[:31]).decode()}",
    "33 bytes": f"slackapp-mk1:1:{base64.b64encode(KEY + b'x').decode()}",
    "no padding": LINE[:-1],
    "spelling that is not canonical": LINE[:-2] + "9=",
    "URL-safe alphabet": LINE[:-3] + "_w=",
    "space inside": LINE.replace(":1:", ":1: "),
    "something after it": LINE + " x",
    "two on one line": f"{LINE}{LINE}",
    "repeated version": f"{LINE}\n{LINE}\n",
    "repeated version, another key": f"{LINE}\n{keyfile.format_master_key(1, OTHER).decode()}",
    "a bad line after a good one": f"{LINE}\nrubbish",
}


@pytest.mark.parametrize(("text", "keys"), GOOD.values(), ids=GOOD)
def test_master_keys_are_read(text: str, keys: dict[int, bytes]) -> None:
    assert keyfile.parse_master_keys(Path("keys"), text.encode("latin-1")) == keys


def test_the_order_of_the_file_is_kept() -> None:
    content = keyfile.format_master_key(2, OTHER) + keyfile.format_master_key(1, KEY)
    assert list(keyfile.parse_master_keys(Path("keys"), content).items()) == [(2, OTHER), (1, KEY)]


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_malformed_key_file_is_refused_without_showing_its_content(text: str) -> None:
    """I read the log of the start that failed."""
    with pytest.raises(ConfigError) as caught:
        keyfile.parse_master_keys(Path("/etc/slackapp/master.key"), text.encode("latin-1"))
    sentence = str(caught.value)
    assert sentence.startswith("/etc/slackapp/master.key: ")
    assert not any(SECRET[start : start + 8] in sentence for start in range(len(SECRET) - 8))
    assert "rubbish" not in sentence
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_the_bad_line_is_named_by_its_number() -> None:
    with pytest.raises(ConfigError, match=r"line 3 is not of the form"):
        keyfile.parse_master_keys(Path("keys"), f"# first\n{LINE}\nrubbish".encode())
    with pytest.raises(ConfigError, match=r"line 2 repeats a version"):
        keyfile.parse_master_keys(Path("keys"), f"{LINE}\n{LINE}".encode())


def test_one_master_key_is_taken_out_and_everything_else_stays() -> None:
    lines = [b"# made today\n", *(keyfile.format_master_key(version, KEY) for version in (11, 1, 2))]
    content = b"".join(lines)
    assert keyfile.without_master_key(content, 1) == lines[0] + lines[1] + lines[3]
    assert keyfile.without_master_key(content, 3) == content
    assert keyfile.without_master_key(b"  " + lines[2], 1) == b""
    assert list(keyfile.parse_master_keys(Path("keys"), keyfile.without_master_key(content, 11))) == [1, 2]
