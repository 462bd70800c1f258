"""Slack's own consent page takes the address that a connect begins with; left out where there is no app to ask with."""

import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.connecting import ann, make_host_world

pytestmark = pytest.mark.long
CLIENT_ID = "SLACKAPP_TEST_CLIENT_ID"


def test_real_slack_flow(tmp_path: Path) -> None:
    """C188: skipped while nobody names an app of slack.com."""
    client_id = os.environ.get(CLIENT_ID)
    if not client_id:
        pytest.skip(f"Slack itself was not asked: set {CLIENT_ID} to the client id of an app of yours")
    with make_host_world(tmp_path, SLACK_CLIENT_ID=client_id) as world:
        address = ann(world).begin().authorize_url.replace(world.slack_url, "https://slack.com", 1)
    with urllib.request.urlopen(address, timeout=20) as page:  # noqa: S310  (https, as it stands above)
        shown = page.read().decode()
    assert "invalid_client_id" not in shown
