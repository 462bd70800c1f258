"""The wheel is the product: it is built here, offline, unpacked, and made to read its SQL far from the repository."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.meta.source import PACKAGE, ROOT

READ_SQL = """
import sys
from pathlib import Path

import slackapp

assert Path(slackapp.__file__).is_relative_to(sys.argv[1]), slackapp.__file__
if sys.argv[2] == "queries":
    from slackapp.store.engine import statements

    assert statements.load()
    assert "bolt_bots" in statements.load("foreign")
"""


def copy_of_the_repository(target: Path) -> Path:
    """What a build needs, elsewhere, so that it leaves nothing behind here."""
    target.mkdir()
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy2(ROOT / name, target)
    for name in ("slackapp", "sql"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target


pytestmark = pytest.mark.long  # building a wheel takes seconds, and .ci/run installs one from elsewhere


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network and unpacked."""
    place = tmp_path_factory.mktemp("wheel")
    source = copy_of_the_repository(place / "source")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", str(source), "--no-deps"]
    command += ["--no-index", "--no-build-isolation", "--wheel-dir", str(place)]
    built = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = place.glob("slackapp-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "unpacked")
    return place / "unpacked"


def test_the_wheel_has_the_sql_inside_the_package(unpacked: Path) -> None:
    """Stops an installed service that has no statements, or only some of them."""
    wanted = {f"slackapp/{path.relative_to(ROOT)}" for path in (ROOT / "sql").rglob("*.sql")}
    packed = {path.relative_to(unpacked).as_posix() for path in (unpacked / "slackapp" / "sql").rglob("*.sql")}
    assert wanted, "sql/ holds no statements"
    assert packed == wanted
    for folder in ("migrations", "foreign"):
        assert any(name.startswith(f"slackapp/sql/{folder}/") for name in packed), f"sql/{folder}/ holds no statement"


def test_the_wheel_has_every_module_and_nothing_else(unpacked: Path) -> None:
    """Stops a module that only a checkout has, and tests or data that slip into the product."""
    wanted = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py")}
    packed = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    code = {name for name in packed if ".dist-info/" not in name and not name.endswith(".sql")}
    assert code == wanted


def test_the_wheel_has_the_command(unpacked: Path) -> None:
    """Stops an installation without `slackapp`."""
    (entries,) = unpacked.glob("slackapp-*.dist-info/entry_points.txt")
    assert "slackapp = slackapp.__main__:main" in entries.read_text("utf-8")


def test_the_wheel_reads_its_statements_away_from_the_repository(unpacked: Path, tmp_path: Path) -> None:
    """Stops a package that finds its SQL only because the repository is near."""
    has_queries = (PACKAGE / "store" / "statements.py").is_file()
    command = [sys.executable, "-c", READ_SQL, str(unpacked), "queries" if has_queries else "package only"]
    environment = {"PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
