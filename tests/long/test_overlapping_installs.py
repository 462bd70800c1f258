"""Users of one workspace install at the same moment, in several processes: what is stored at the end is alive."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.callback_world import live_tokens, opened
from tests.support.servers import serve
from tests.support.world import World, environment, make_world, north_tenant

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS, INSTALLS, ROUNDS = 3, 3, 2, 5


def storm(world: World, url: str, number: int) -> Counter[int]:
    """All processes begin together; the statuses of their callbacks."""
    changes = {"SLACKAPP_USER_SCOPES": "emoji:read"}
    given = {"PATH": "/usr/bin:/bin", **environment(world.folder, url, **changes)}
    command, pipe = [sys.executable, "-m", "tests.long.install_child"], subprocess.PIPE
    crews = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)]
    try:
        for process, crew in enumerate(crews):
            assert crew.stdin is not None
            order = {"environment": given, "threads": THREADS, "turns": INSTALLS, "seed": number * PROCESSES + process}
            crew.stdin.write(json.dumps(order) + "\n")
            crew.stdin.flush()
        for crew in crews:
            assert crew.stdout is not None
            assert crew.stdout.readline() == "ready\n"
        for crew in crews:
            assert crew.stdin is not None
            crew.stdin.write("\n")
            crew.stdin.flush()
        told = [crew.communicate(timeout=120)[0] for crew in crews]
    finally:
        for crew in crews:
            crew.kill()
            crew.communicate()
    return Counter(status for lines in told for status in json.loads(lines))


@pytest.mark.claim("C-87")
def test_what_is_stored_after_many_installs_at_once_is_what_slack_takes(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="emoji:read") as world, serve(world.slack, threads=16) as url:
        world.slack.probe = None  # it would be one more writer among many
        for number in range(ROUNDS):
            statuses = storm(world, url, number)
            print(f"\nround {number}: {dict(statuses)}; {dict(Counter(world.calls()))}")
            assert set(statuses) <= {303, 503}, "503 where the database was busy: that grant was given back"
            assert statuses[303] > PROCESSES * THREADS * INSTALLS // 2
            live = live_tokens(world)
            holders = [row["holder_id"] for row in world.rows("SELECT holder_id FROM tokens")]
            assert len(holders) == 4, "the bot's, and each person's"
            dead = [holder for holder in holders if opened(world, north_tenant(), holder)[0] not in live]
            assert dead == [], f"round {number}"
