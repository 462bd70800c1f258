"""`slackapp demo`: it goes through, tells the flows' own words, and fails when something is not as told."""

import argparse

import pytest

from slackapp.demo import scenario
from slackapp.demo.harness import Harness
from slackapp.demo.steps import steps_of


def test_the_demo_goes_through_and_tells_every_step_of_the_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert scenario.run(argparse.Namespace(explain=False)) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    said = " ".join(printed.split())
    assert "in none: the key is another, and under its own key the context is another" in said
    assert "Slack itself is asked, and the token was dead; the workspace is erased" in said
    assert "asked twice under one Idempotency-Key, Slack has it once" in said
    assert "the product disconnects: uninstalled at Slack, and erased here" in said
    assert "Every step went as told." in said
    for words in (steps_of("begin_install") | steps_of("finish_install")).values():
        assert words in said
    assert "xox" not in said


@pytest.mark.long
def test_a_step_that_does_not_go_as_told_ends_the_demo_with_its_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(play: Harness, told: scenario.Narrator) -> None:
        play.check(play.browser.get("/").status == 404, "the landing page is there")

    monkeypatch.setattr(scenario, "STEPS", (("A broken act", broken), ("Never reached", broken)))
    assert scenario.run(argparse.Namespace(explain=False)) == 1
    said = capsys.readouterr().out
    assert "FAILED: the landing page is there" in said
    assert "Never reached" not in said
