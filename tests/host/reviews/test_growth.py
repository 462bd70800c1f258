"""What was opened and has ended, month by month: for the operator, and on the page of its organization."""

import json
from datetime import UTC, datetime
from pathlib import Path

from slackapp.host.flows import change_connection
from slackapp.host.flows.reviews import report_growth
from slackapp.host.flows.reviews.report_growth import MonthCount
from slackapp.host.rows import StatusReason
from slackapp.model import SCHEDULER, Tenant, TenantKind
from tests.host.keys import host_settings
from tests.support.connected import ACME, GLOBEX, add_member, begin, connect, held, read
from tests.support.operator import open_shell


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_months_tell_what_was_opened_ended_and_held(tmp_path: Path) -> None:
    """C257, C258, E36: the report, of everybody and of one."""
    with open_shell(tmp_path, (), **host_settings(tmp_path)) as shell:
        app, db = shell.world.service.app, shell.world.service.app.db
        with db.transaction():
            for organization in (ACME, GLOBEX):
                add_member(db, organization, issued_at=at("2026-10-01"))
        for number, (day, organization) in enumerate(
            (("2026-10-05", ACME), ("2026-12-31", ACME), ("2026-12-01", GLOBEX), ("2027-01-01", ACME)), start=1
        ):
            connect(db, Tenant(TenantKind.WORKSPACE, f"T0MONTH00{number}"), number, organization, now=at(day))
        with db.transaction():
            for number, organization in ((1, ACME), (3, GLOBEX)):
                key = read(db, organization, f"{number:024}").key
                assert change_connection.revoke(db, key, StatusReason.DISCONNECTED, at("2027-01-02"))
        again = begin(db, 9, GLOBEX, reconnects=f"{3:024}", now=at("2027-01-03"))
        with db.transaction():
            back = held(Tenant(TenantKind.WORKSPACE, "T0MONTH003"))
            assert change_connection.activate(db, again, back, SCHEDULER, at("2027-01-03"))
        assert report_growth.run(app, ACME, app.clock()) == [
            MonthCount("2026-10", 1, 0, 1), MonthCount("2026-11", 0, 0, 1), MonthCount("2026-12", 1, 0, 2),
            MonthCount("2027-01", 1, 1, 2),
        ]  # fmt: skip
        assert report_growth.run(app, "nobody", app.clock()) == [MonthCount("2027-01", 0, 0, 0)]
        said = shell.good("host", "report", "--months", "2").splitlines()
        assert [line.split() for line in said[:3]] == [
            ["month", "opened", "ended", "held"], ["2026-12", "2", "0", "3"], ["2027-01", "1", "1", "3"],
        ]  # fmt: skip
        assert said[3] == "1 of 2 organizations have connected within 30 days"
        rows = list(map(json.loads, shell.good("host", "report", "--organization", ACME, "--json").splitlines()))
        assert (len(rows), rows[0]["month"], rows[-1]["organizations"]) == (5, "2026-10", 2)
        assert shell.run("host", "report", "--organization", "nobody").status == 2
