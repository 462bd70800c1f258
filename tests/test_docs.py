"""What the pages in docs/ say is so: their commands parse, their drawing is the code's, their programs wrap keys."""

import base64
import json
import os
import py_compile
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from slackapp.checks.slack_errors import DEAD_REFRESH_ERRORS, ERROR_KINDS
from slackapp.cli.main import COMMANDS, parser
from slackapp.crypto import envelope
from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError, SlackErrorKind
from slackapp.flows.keys import rotate_keys
from slackapp.model import Tenant
from slackapp.vault import command_provider, keyring
from slackapp.vault.command_provider import CommandProvider
from slackapp.vault.providers import KeyContext

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("**/*.md"))]
KEYS = (ROOT / "docs" / "key-management.md").read_text(encoding="utf-8")
PROGRAMS = sorted((ROOT / "docs" / "key-commands").glob("*.py"))
COMMAND = re.compile(r"(?:`|^ {4})(slackapp(?: [^`\n]+)?)(?:`|$)", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
DIFF = re.compile(r"^```diff\n.*?^```", re.MULTILINE | re.DOTALL)
"""What a page shows as a change is not there yet."""
TYPED = re.compile(r"^slackapp .*$", re.MULTILINE)


def commands(page: str) -> list[str]:
    """The commands on a page: in backticks, or in a block of their own, up to a remark."""
    page = DIFF.sub("", page)
    typed = [line for block in BLOCK.findall(page) for line in TYPED.findall(block)]
    return [found.partition("#")[0].strip() for found in (*COMMAND.findall(BLOCK.sub("", page)), *typed)]


parser = cache(parser)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_command_on_the_page_is_one_that_the_program_takes(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line.replace("keys retire VERSION", "keys retire 1"))[1:]
        named_only = len(words) == 1 and words[0] in {entry.name for entry in COMMANDS}
        if words and "…" not in words and not named_only:
            try:
                parser(next(word for word in words if not word.startswith("-"))).parse_args(words)
            except SystemExit:
                pytest.fail(f"{page.name}: {line}: {capsys.readouterr().err}")


def test_the_search_for_commands_sees_both_kinds_and_the_parser_refuses_what_is_not_there() -> None:
    page = "Run `slackapp keys rotate`, and then:\n\n    slackapp keys destroy   # all\n"
    assert commands(page) == ["slackapp keys rotate", "slackapp keys destroy"]
    with pytest.raises(SystemExit):
        parser("keys").parse_args(["keys", "destroy"])
    assert len(commands(KEYS)) > 10


def test_the_picture_of_the_lifecycle_has_every_status_of_the_schema_and_no_other() -> None:
    """Stops a status that nobody can look up, and one that the picture invents."""
    page = (ROOT / "docs" / "token-lifecycle.md").read_text(encoding="utf-8")
    picture = page.partition("```mermaid")[2].partition("```")[0]
    schema = (ROOT / "sql" / "migrations" / "0001_start.sql").read_text(encoding="utf-8")
    for table, title in (("installations", "a tenant"), ("tokens", "each of its tokens")):
        columns = schema.partition(f"CREATE TABLE {table} (")[2].partition(") STRICT")[0]
        statuses = re.findall(r"'(\w+)'", re.search(r"CHECK \(status IN \(([^)]*)\)", columns)[1])  # type: ignore[index]
        edges = re.findall(r"(\S+) --> (\S+) : \S", picture.partition(f'"{title}"')[2].partition("    }\n")[0])
        named = {state for edge in edges for state in edge} - {"[*]"}
        assert named == set(statuses)
        assert {source for source, _ in edges} >= named, "every state can be left"
        assert {target for _, target in edges} >= named, "every state can be reached"


def test_the_page_of_a_token_s_life_has_the_errors_of_the_tables() -> None:
    """Stops an error that is sorted anew and told as before."""
    page = (ROOT / "docs" / "token-lifecycle.md").read_text(encoding="utf-8")

    def codes(begin: str, end: str) -> set[str]:
        return set(re.findall(r"`(\w+)`", page.partition(begin)[2].partition(end)[0]))

    of_kind = {kind: {code for code, found in ERROR_KINDS.items() if found is kind} for kind in SlackErrorKind}
    assert codes("- **live to refresh_refused.** Slack answers", "to a refresh") == DEAD_REFRESH_ERRORS
    assert codes("- **to dead.** Slack answers a call with", ".") == of_kind[SlackErrorKind.DEAD]
    assert codes("- **It pauses** after", ".") == of_kind[SlackErrorKind.UNCERTAIN]


def test_the_drawing_of_the_format_is_the_codes() -> None:
    block = KEYS.partition("offset  bytes  field\n")[2].partition("```")[0]
    drawn = [re.match(r"(\S+) +(\S+) +([a-z]+)", line) for line in block.splitlines()]
    found = [(row[3], row[1], row[2]) for row in drawn if row is not None]
    salt = 2 + 4
    commitment = salt + envelope.SALT_BYTES
    nonce = commitment + envelope.COMMITMENT_BYTES
    text = nonce + envelope.NONCE_BYTES
    assert found == [
        ("format", "0", "1"),
        ("suite", "1", "1"),
        ("key", "2", "4"),
        ("salt", str(salt), str(envelope.SALT_BYTES)),
        ("commitment", str(commitment), str(envelope.COMMITMENT_BYTES)),
        ("nonce", str(nonce), str(envelope.NONCE_BYTES)),
        ("ciphertext", str(text), "n"),
        ("tag", f"{text}+n", str(envelope.TAG_BYTES)),
    ]
    assert text == envelope.HEADER_BYTES
    assert f"the header ({envelope.HEADER_BYTES} bytes)" in KEYS


def test_the_drawing_is_what_a_sealed_value_looks_like() -> None:
    random = bytes(range(envelope.RANDOM_BYTES))
    blob = envelope.seal(bytes(32), 7, b"context", b"plaintext", random)
    assert (blob[0], blob[1], blob[2:6]) == (1, 1, (7).to_bytes(4, "big"))
    assert (blob[6:38], blob[70:82]) == (random[:32], random[32:])
    assert len(blob) == 82 + len(b"plaintext") + 16


def test_the_numbers_on_the_page_are_the_codes() -> None:
    assert f"at most {keyring.CACHE_SECONDS} seconds, and at most {keyring.CACHE_KEYS:,} of them" in KEYS
    assert f"in batches of {rotate_keys.BATCH}" in KEYS
    assert command_provider.TIMEOUT == 10
    assert "has ten seconds" in KEYS
    assert f"one per tenant and purpose: {', '.join(keyring.PURPOSES)}" in KEYS
    assert '"slackapp/v1/key+commit"' in KEYS


def test_the_steps_of_the_rotation_are_as_many_as_the_codes() -> None:
    listed = re.findall(r"^(\d)\. ", KEYS.partition("## Rotation")[2].partition("##")[0], re.MULTILINE)
    code = (ROOT / "slackapp" / "flows" / "keys" / "rotate_keys.py").read_text(encoding="utf-8")
    assert listed == re.findall(r"# (\d)\. ", code)


AWS = r'''#!{python} -IS
"""Plays `aws kms`: the calls, flags and answers that docs/key-commands/aws_kms.py uses."""
import base64, hashlib, json, os, sys
folder = os.path.dirname(os.path.abspath(sys.argv[0]))
flags = dict(zip(sys.argv[3::2], sys.argv[4::2]))
with open(folder + "/argv", "a") as file:
    file.write(json.dumps(sys.argv) + "\n")
fault = open(folder + "/fault").read() if os.path.exists(folder + "/fault") else ""
if fault:
    sys.exit("An error occurred (" + fault + ") when calling the operation: ...")
assert sys.argv[1] == "kms" and flags["--key-id"] == "alias/acme" and flags["--output"] == "json"
context = dict(pair.split("=") for pair in flags["--encryption-context"].split(","))
pad = hashlib.sha512(json.dumps(context, sort_keys=True).encode()).digest()
def mask(data):
    return bytes(one ^ other for one, other in zip(data, pad, strict=True))
if sys.argv[2] == "encrypt":
    assert flags["--plaintext"] == "fileb:///dev/stdin"
    plain = sys.stdin.buffer.read()
    blob = hashlib.sha256(pad + plain).digest() + mask(plain)
    print(json.dumps({{"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": "arn:..."}}))
else:
    assert sys.argv[2] == "decrypt" and flags["--ciphertext-blob"] == "fileb:///dev/stdin"
    blob = sys.stdin.buffer.read()
    plain = mask(blob[32:]) if len(blob) == 96 else b""
    if hashlib.sha256(pad + plain).digest() != blob[:32]:
        sys.exit("An error occurred (InvalidCiphertextException) when calling the Decrypt operation: None")
    print(json.dumps({{"Plaintext": base64.b64encode(plain).decode(), "KeyId": "arn:..."}}))
'''
VAULT = r'''#!{python} -IS
"""Plays `vault write`: the calls, values and answers that docs/key-commands/vault_transit.py uses."""
import base64, hashlib, json, os, sys
folder = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(folder + "/argv", "a") as file:
    file.write(json.dumps(sys.argv) + "\n")
fault = open(folder + "/fault").read() if os.path.exists(folder + "/fault") else ""
if fault:
    sys.exit("Error writing data to transit: Error making API request.\n\n" + fault)
assert sys.argv[1:3] == ["write", "-format=json"]
mount, operation, key = sys.argv[3].split("/")
values = dict(pair.split("=", 1) for pair in sys.argv[4:])
given = sys.stdin.read()
pad = hashlib.sha512(base64.b64decode(values["associated_data"])).digest()
def mask(data):
    return bytes(one ^ other for one, other in zip(data, pad, strict=True))
assert (mount, key) == ("transit", "slackapp")
if operation == "encrypt":
    assert values["plaintext"] == "-"
    plain = base64.b64decode(given, validate=True)
    blob = hashlib.sha256(pad + plain).digest() + mask(plain)
    data = {{"ciphertext": "vault:v3:" + base64.b64encode(blob).decode(), "key_version": 3}}
else:
    assert operation == "decrypt" and values["ciphertext"] == "-" and given.startswith("vault:v3:")
    blob = base64.b64decode(given[9:], validate=True)
    plain = mask(blob[32:]) if len(blob) == 96 else b""
    if hashlib.sha256(pad + plain).digest() != blob[:32]:
        sys.exit("Code: 400. Errors:\n\n* cipher: message authentication failed")
    data = {{"plaintext": base64.b64encode(plain).decode()}}
print(json.dumps({{"data": data}}))
'''
STUBS = {"aws_kms.py": ("aws", AWS), "vault_transit.py": ("vault", VAULT)}
FAULTS = {
    "aws_kms.py": {
        "AccessDeniedException": KeyRevokedError,
        "DisabledException": KeyRevokedError,
        "ThrottlingException": KeyUnavailableError,
        "InvalidCiphertextException": DecryptError,
    },
    "vault_transit.py": {
        "Code: 403. Errors:\n\n* permission denied": KeyRevokedError,
        "Code: 503. Errors:\n\n* Vault is sealed": KeyUnavailableError,
        "Code: 400. Errors:\n\n* invalid ciphertext: no prefix": DecryptError,
    },
}
CONTEXT = KeyContext("A0LOCAL001", Tenant("T", "T0NORTH001"), "bot", 12)
KEY = bytes(range(100, 132))


@pytest.fixture(params=STUBS)
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One of the programs, with a stub of its command line first in PATH."""
    name, text = STUBS[request.param]
    (tmp_path / name).write_text(text.format(python=sys.executable))
    (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KMS_KEY_ID", "alias/acme")
    monkeypatch.setenv("TRANSIT_KEY", "transit/slackapp")
    return request.param  # type: ignore[no-any-return]


def provider(program: str) -> CommandProvider:
    return CommandProvider("acme", ROOT / "docs" / "key-commands" / program)


def test_the_programs_on_the_page_are_there_compile_and_can_be_run(tmp_path: Path) -> None:
    assert {path.name for path in PROGRAMS} == set(STUBS)
    for path in PROGRAMS:
        py_compile.compile(str(path), cfile=str(tmp_path / "compiled"), doraise=True)
        assert path.stat().st_mode & 0o111
    assert "docs/key-commands/" in KEYS


@pytest.mark.long
def test_a_program_wraps_unwraps_and_binds_to_the_context(program: str, tmp_path: Path) -> None:
    version, wrapped = provider(program).wrap(CONTEXT, KEY)
    assert provider(program).unwrap(CONTEXT, version, wrapped) == KEY
    assert KEY not in wrapped
    spoilt = bytes([*wrapped[:-3], wrapped[-3] ^ 1, *wrapped[-2:]])
    changed: list[Callable[[], bytes]] = [
        lambda: provider(program).unwrap(CONTEXT._replace(tenant=Tenant("T", "T0SOUTH001")), version, wrapped),
        lambda: provider(program).unwrap(CONTEXT, version, spoilt),
    ]
    for act in changed:
        with pytest.raises(DecryptError):
            act()


@pytest.mark.long
def test_a_program_puts_no_key_into_an_argument(program: str, tmp_path: Path) -> None:
    """I am another user of the machine, and read /proc while `aws` or `vault` runs."""
    version, wrapped = provider(program).wrap(CONTEXT, KEY)
    provider(program).unwrap(CONTEXT, version, wrapped)
    for line in (tmp_path / "argv").read_text().splitlines():
        text = " ".join(json.loads(line)) + "".join(
            base64.b64decode(word.partition("=")[2] + "==").decode("latin-1")
            for word in json.loads(line)
            if word.startswith("associated_data=")
        )
        assert "T0NORTH001" in text
        for secret in (KEY, wrapped):
            assert base64.b64encode(secret).decode() not in text
            assert secret.hex() not in text


@pytest.mark.long
def test_a_program_tells_withdrawn_unreachable_and_wrong_apart(program: str, tmp_path: Path) -> None:
    for fault, error in FAULTS[program].items():
        (tmp_path / "fault").write_text(fault)
        with pytest.raises(error):
            provider(program).unwrap(CONTEXT, 1, b"vault:v3:wrapped")
