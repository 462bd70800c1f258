"""The statement sweep at every seventh step of three scenarios; `pytest -m long` takes all steps of all."""

from pathlib import Path

import pytest

from tests.long.scenarios import by_name
from tests.long.sweep import sweep

EVERY = 7


@pytest.mark.long
@pytest.mark.parametrize("name", ["install"])  # every scenario, at every step, is in the long suite
def test_a_flow_killed_at_a_sampled_statement_recovers(name: str, tmp_path: Path) -> None:
    """The process dies, as by SIGKILL, at an SQL statement, a call to Slack or a change of a file."""
    counts = sweep(tmp_path, by_name(name), EVERY)
    assert counts.total() >= 2 * EVERY


@pytest.mark.long
def test_a_planted_half_install_is_found(tmp_path: Path) -> None:
    """Negative control: stops a sweep that kills nothing, or looks at nothing."""
    with pytest.raises(AssertionError, match="half an install"):
        sweep(tmp_path, by_name("planted"), EVERY)
