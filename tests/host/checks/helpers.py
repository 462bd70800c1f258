"""What the tests of these checks share."""

from collections.abc import Callable
from typing import Any

import pytest

from slackapp.host.errors import HostRefused


def refusal_of(call: Callable[[], Any]) -> tuple[str, str | None]:
    """How a call is refused, and which field it names; fails the test when it is not, or anything else is raised."""
    with pytest.raises(HostRefused) as caught:
        call()
    return caught.value.refusal.name, caught.value.field
