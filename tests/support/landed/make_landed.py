"""Makes `landed.tar.xz`: what a service of schema 10 leaves behind, for the tests that bring it up to today's schema.

Run once, by the code of commit 3ef9495, and kept: today's code cannot make what it must be able to read.

    git worktree add /tmp/landed 3ef9495 && make -C /tmp/landed .venv/.test
    cd /tmp/landed && .venv/bin/python …/tests/support/landed/make_landed.py …/tests/support/landed/landed.tar.xz
"""

import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from slackapp.crypto import records
from slackapp.flows.removal import purge_tenant
from slackapp.localslack import state
from slackapp.model import BOT, Actor, ActorKind, Tenant
from slackapp.store import installers, tenant_outcomes, tokens
from tests.support.operator import CommandLine, open_shell
from tests.support.world import NORTH, ORG, SOUTH

GONE = "T0EVERBB01"
"""Its purge is half done."""
STATES = ("ready", "running", "calling", "unclear", "dead")
"""Of an event that waits in the inbox; one more is done."""
PUT = """
    UPDATE inbox SET state = ?1, attempts = 1,
           lease_owner = CASE WHEN ?1 IN ('running', 'calling') THEN 'gone:1' ELSE '' END,
           lease_until = CASE WHEN ?1 IN ('running', 'calling') THEN ?2 ELSE 0 END,
           finished_at = CASE WHEN ?1 IN ('unclear', 'dead') THEN received_at END
     WHERE event_id = 'Ev-' || ?1
"""


def fill(shell: CommandLine) -> None:
    """Everything that a service of then may have."""
    world = shell.world
    app = world.service.app
    for tenant in ("T0EVERAA01", GONE):
        assert world.browser().install(tenant).status == 303
    world.work()
    north = Tenant("T", NORTH)
    (known,) = installers.list_by_tenant(app.db, north)
    place = (north, known.holder, known.generation)
    details = app.keyring.seal(records.installer_details_context(*place), b'{"custom": "kept"}')
    webhook = app.keyring.seal(records.installer_webhook_context(*place), b'{"url": "https://hooks.example/1"}')
    installers.save(app.db, north, known._replace(details=details, webhook=webhook))
    shell.good("keys", "rotate")
    shell.good("keys", "reencrypt", "--tenant", SOUTH)
    world.restart()
    app = world.service.app
    token = tokens.find(app.db, Tenant("T", SOUTH), BOT)
    tenant_outcomes.note_failing(app.db, token, world.clock())
    assert world.mention("Ev-done").status == 200
    world.work()
    for waiting in STATES:
        assert world.mention(f"Ev-{waiting}").status == 200
        shell.change(PUT, waiting, world.clock.steady() + 60)
    world.browser().begin()
    shell.good("backup", str(world.folder / "b0"))
    world.clock.advance(60)
    with app.db.transaction():
        purge_tenant.erase(app, Tenant("T", GONE), "operator", Actor(ActorKind.OPERATOR, "r1"), world.clock())
    world.service.stop()


def make(target: Path) -> None:
    """Plays it, and packs what is left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_shell(folder, tenants=(NORTH, SOUTH, ORG), SLACKAPP_COMPANY="Example") as shell:
            fill(shell)
            files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
            state.save(folder / "slack.json", shell.world.slack.state)
            slack, now = (folder / "slack.json").read_bytes(), shell.world.clock.now
    packed = {"slack.json": slack, "now.json": json.dumps(now).encode()}
    packed |= {f"files/{path}": content for path, content in files.items()}
    with tarfile.open(target, "w:xz") as archive:
        for path, content in sorted(packed.items()):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
