"""What is in the tree is in the package: nothing is listed that does not exist, nothing exists unlisted."""

import tomllib
from typing import Any

from tests.meta.source import PACKAGE, ROOT


def setuptools_table() -> Any:
    """The [tool.setuptools] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def test_every_directory_with_python_files_is_listed_and_every_listed_one_exists() -> None:
    """Stops a wheel that lacks a package which a checkout has."""
    directories = {file.parent for file in PACKAGE.rglob("*.py")}
    found = {".".join(directory.relative_to(ROOT).parts) for directory in directories}
    elsewhere = set(setuptools_table()["package-dir"])
    assert set(setuptools_table()["packages"]) - elsewhere == found


def test_every_package_has_an_init() -> None:
    """Stops namespace packages, into which any other distribution could put a module."""
    directories = {file.parent for file in PACKAGE.rglob("*.py")}
    assert not [str(directory) for directory in directories if not (directory / "__init__.py").is_file()]


def test_every_sql_directory_is_mapped_into_the_package() -> None:
    """Stops a directory of statements that exists in a checkout only."""
    found = {file.parent.relative_to(ROOT).as_posix() for file in (ROOT / "sql").rglob("*") if file.is_file()}
    assert found <= set(setuptools_table()["package-dir"].values())


def test_only_python_files_lie_inside_the_package() -> None:
    """Stops data files that a checkout has and the wheel has not: package-data names SQL only."""
    files = [file for file in PACKAGE.rglob("*") if file.is_file() and file.parent.name != "__pycache__"]
    others = [file for file in files if file.suffix != ".py"]
    assert not others
