"""What the tests of the checks share."""

from collections.abc import Callable
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused


def refusal_of(call: Callable[[], Any]) -> Refusal:
    """How a call is refused; fails the test when it is not, or when anything else is raised."""
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.refusal


def accepts(call: Callable[[], Any]) -> bool:
    """False when the call is refused; anything else that it raises goes on."""
    try:
        call()
    except Refused:
        return False
    return True
