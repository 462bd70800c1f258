"""Every page in a browser, judged by axe-core; without a browser or npm it says so, and is skipped."""

from pathlib import Path

import pytest

from tests.support import check_pages
from tests.support.browser import open_page
from tests.support.screenshots import find_browser

pytestmark = pytest.mark.long
BROKEN = """<!doctype html><title>x</title><style>p { color: #777; background: #666; width: 2000px; }</style>
<img src="x.png"><p>Hardly to be read</p>"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not find_browser():
        pytest.skip("there is no browser here to look at pages with")
    try:
        return check_pages.fetch_axe(tmp_path_factory.mktemp("axe"))
    except check_pages.MissingError as error:
        pytest.skip(str(error))


def test_nothing_is_found_on_any_page(axe: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert check_pages.main(tmp_path) == 0, capsys.readouterr().out


def test_what_is_wrong_with_a_page_is_found(axe: str, tmp_path: Path) -> None:
    """Negative control."""
    (tmp_path / "broken.html").write_text(BROKEN, "utf-8")
    with open_page(find_browser(), tmp_path / "profile") as page:
        page.open((tmp_path / "broken.html").as_uri())
        found = "\n".join(check_pages.judge(page, axe))
    for rule in ("image-alt", "html-has-lang", "color-contrast", "landmark-one-main", "it scrolls sideways"):
        assert rule in found
    assert all(where in found for where in ("320 px, dark", "320 px, light", "1280 px, dark", "1280 px, light"))
