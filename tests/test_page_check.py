"""What `make pages` says where it cannot look: no browser, no npm, another script than the one that is named."""

import base64
import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.support import check_pages
from tests.support.check_pages import MissingError


def archive(folder: Path, script: bytes) -> Path:
    """An archive as npm has it."""
    file = folder / "some.tgz"
    with tarfile.open(file, "w:gz") as packed:
        entry = tarfile.TarInfo("package/axe.min.js")
        entry.size = len(script)
        packed.addfile(entry, io.BytesIO(script))
    return file


def test_without_a_browser_or_npm_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert check_pages.main(tmp_path) == 1
    assert "there is no Chromium or Chrome here to look at pages with" in capsys.readouterr().err
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "npm" else f"/usr/bin/{name}")
    assert check_pages.main(tmp_path) == 1
    assert "there is no npm here to fetch axe-core with" in capsys.readouterr().err


def test_only_the_script_that_is_named_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive(tmp_path, b"window.axe = 1")
    with pytest.raises(MissingError, match="is not the release that is named here"):
        check_pages.read_script(file)
    digest = hashlib.sha512(file.read_bytes()).digest()
    monkeypatch.setattr(check_pages, "INTEGRITY", base64.b64encode(digest).decode())
    assert check_pages.read_script(file) == "window.axe = 1"
