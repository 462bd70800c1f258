"""A form says which site it is from, and only one site may send it."""

import pytest

from slackapp.host.checks.page_origin import require_origin
from tests.host.checks.helpers import refusal_of

HOST = "https://product.example.com"


def test_the_expected_site_may_send_it() -> None:
    require_origin(HOST, HOST)


@pytest.mark.claim("C-145")
@pytest.mark.parametrize(
    "claimed",
    ["", "https://evil.example", f"{HOST}/", f"{HOST}:443", "http://product.example.com", "https://PRODUCT.example.com",
     "https://product.example.com.evil.example", "https://evil.example, https://product.example.com", f"{HOST} ",
     f"{HOST},{HOST}", "product.example.com", "NULL"],
)  # fmt: skip
def test_another_site_or_none_is_refused(claimed: str) -> None:
    """My page has your admin's browser send the form, with my ticket in it."""
    assert refusal_of(lambda: require_origin(claimed, HOST)) == ("OTHER_ORIGIN", None)


@pytest.mark.claim("C-145")
def test_a_site_that_hides_itself_is_told_what_its_page_needs() -> None:
    assert refusal_of(lambda: require_origin("null", HOST)) == ("HIDDEN_ORIGIN", None)
    assert refusal_of(lambda: require_origin("null", "null")) == ("HIDDEN_ORIGIN", None)
