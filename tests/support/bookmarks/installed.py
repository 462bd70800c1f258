"""The circle put beside the core, as `slackapp/app.py` would name it, its SQL as `sql/` would have it."""

import shutil
from pathlib import Path

import pytest

from slackapp.app import CIRCLES
from slackapp.routes import ROUTES
from slackapp.store.engine import statements
from tests.support.bookmarks import share
from tests.support.bookmarks.circle import BOOKMARKS
from tests.support.world import begun_database

SQL = Path(__file__).parent / "sql"


def install_bookmarks(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """From here on every service that is built has the circle. Its SQL is put into the folder once, and read once."""
    begun_database()  # which is made once for all tests, and has no table of this circle
    copy = folder / "sql-with-bookmarks"
    if not copy.exists():
        shutil.copytree(statements.sql_directory(), copy)
        shutil.copytree(SQL / "bookmarks", copy / "bookmarks")
        newest = max(int(file.name[:4]) for file in (copy / "migrations").glob("*.sql"))
        shutil.copyfile(SQL / "bookmarks.sql", copy / "migrations" / f"{newest + 1:04}_bookmarks.sql")
    patch.setattr(statements, "sql_directory", lambda: copy)
    patch.setattr("slackapp.app.CIRCLES", (*CIRCLES, BOOKMARKS))
    patch.setattr("slackapp.routes.ROUTES", (*ROUTES, *share.ROUTES))
