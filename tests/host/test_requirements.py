"""The list of requirements names tests: each of its names, and the test that is it; neither goes without the other."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from slackapp.store.engine.sqlite import SqliteDatabase
from tests.host.requirements import LEFT_OUT, SHOWING
from tests.host.requirements_of_access import ACCESS, TEST_KIT

TESTS_FOLDER = Path(__file__).parents[1]
DOCS_FOLDER = TESTS_FOLDER.parent
NUMBERED = re.compile(r"\bC(\d{3})\b")
NAMES = {
    159: ("route registration", "host/api/test_api_routes.py::test_route_registration"),
    160: ("middleware", "host/api/test_api_routes.py::test_authorization"),
    161: ("parameters", "host/api/test_api_routes.py::test_parameters_validated"),
    162: ("auth context extracted", "host/api/test_api_routes.py::test_auth_context_extracted"),
    163: ("200 with URL", "host/api/test_begin.py::test_200_with_url"),
    164: ("service errors", "host/api/test_codes.py::test_error_statuses"),
    165: ("query validated", "host/api/test_api_routes.py::test_parameters_validated"),
    166: ("service called", "host/api/test_begin.py::test_service_called_once_by_each_token"),
    167: ("redirect", "host/flows/test_connect_by_name.py::test_redirect"),
    168: ("error statuses", "host/api/test_codes.py::test_error_statuses"),
    169: ("throws if exists", "host/api/test_begin.py::test_throws_if_exists"),
    170: ("valid URL", "host/api/test_begin.py::test_200_with_url"),
    171: ("pending with state", "host/api/test_begin.py::test_pending_with_state"),
    172: ("15-min expiry", "host/flows/test_connect_by_name.py::test_15_min_expiry"),
    173: ("state valid", "host/flows/test_connect_by_name.py::test_state_valid"),
    174: ("Slack called correctly", "host/flows/test_connect_by_name.py::test_slack_called_correctly"),
    175: ("stored in vault", "host/flows/test_connect_by_name.py::test_stored_in_vault"),
    176: ("active", "host/flows/test_connect_by_name.py::test_active"),
    177: ("state cleared", "host/flows/test_connect_by_name.py::test_state_cleared"),
    178: ("active for org", "host/api/test_integration.py::test_active_for_organization"),
    179: ("deleted excluded", "host/api/test_integration.py::test_deleted_excluded"),
    180: ("null if none", "host/api/test_integration.py::test_null_if_none"),
    181: ("pending status", "host/api/test_begin.py::test_pending_with_state"),
    182: ("expiry set", "host/api/test_begin.py::test_pending_with_state"),
    183: ("id returned", "host/api/test_begin.py::test_pending_with_state"),
    184: ("vault key", "host/flows/test_connect_by_name.py::test_stored_in_vault"),
    185: ("encrypted", "host/flows/test_connect_by_name.py::test_stored_in_vault"),
    186: ("key returned", "host/flows/test_connect_by_name.py::test_stored_in_vault"),
    187: ("disabled handled", "host/api/test_integration.py::test_disabled_handled"),
    188: ("real-Slack flow", "long/test_real_slack.py::test_real_slack_flow"),
    189: (
        "several workspaces per org",
        "host/flows/test_begin_connect.py::test_as_many_workspaces_as_the_organization_may",
    ),
    190: ("full flow with DB", "host/api/test_begin.py::test_full_flow"),
    191: ("state expiry", "host/flows/test_connect_by_name.py::test_expired_state"),
    192: ("org isolation", "host/api/test_isolation.py::test_org_isolation"),
    193: ("concurrency", "host/flows/test_begin_connect.py::test_two_connects_at_once_do_not_pass_the_limit"),
    194: ("own org/user per test", "host/test_worlds.py::test_own_org_and_user_per_test"),
    195: ("cleanup", "host/test_worlds.py::test_own_org_and_user_per_test"),
    196: ("no shared state", "host/test_worlds.py::test_own_org_and_user_per_test"),
    197: ("mocked Slack", "host/test_worlds.py::test_mocked_slack_vault_time_and_a_real_database"),
    198: ("mocked vault", "host/test_worlds.py::test_mocked_slack_vault_time_and_a_real_database"),
    199: ("real DB", "host/test_worlds.py::test_mocked_slack_vault_time_and_a_real_database"),
    200: ("mocked time", "host/test_worlds.py::test_mocked_slack_vault_time_and_a_real_database"),
    201: ("network failure", "host/api/test_integration.py::test_network_failure"),
    202: ("invalid code", "host/flows/test_connect_by_name.py::test_invalid_code"),
    203: ("expired state", "host/flows/test_connect_by_name.py::test_expired_state"),
    204: ("rate limit", "host/api/test_integration.py::test_rate_limit"),
    205: ("DB conflict", "host/api/test_codes.py::test_a_busy_database_is_a_code_too"),
    206: ("CSRF", "host/flows/test_connect_by_name.py::test_csrf"),
    207: ("authorization", "host/api/test_api_routes.py::test_authorization"),
    208: ("token exposure", "host/api/test_integration.py::test_token_exposure"),
    209: ("cross-org", "host/api/test_integration.py::test_cross_org"),
    225: ("curl: status", "host/api/test_page.py::test_the_commands_of_the_page_do_what_it_says"),
    226: ("curl: channels", "host/api/test_page.py::test_the_commands_of_the_page_do_what_it_says"),
    227: ("curl: test", "host/api/test_page.py::test_the_commands_of_the_page_do_what_it_says"),
}
"""Number and name in the list, and where the test is; others may show the same, too."""


@cache
def docstrings() -> dict[str, str]:
    """The docstring of each test, by where it is: of those that have one."""
    found = {}
    for file in TESTS_FOLDER.rglob("test_*.py"):
        source = file.read_text(encoding="utf-8")
        if not NUMBERED.search(source):
            continue
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[f"{file.relative_to(TESTS_FOLDER)}::{node.name}"] = ast.get_docstring(node) or ""
    return found


@pytest.mark.parametrize("number", NAMES)
def test_each_name_of_the_list_is_a_test_that_says_so(number: int) -> None:
    _, place = NAMES[number]
    assert place in docstrings(), "it is not there any more"
    assert str(number) in NUMBERED.findall(docstrings()[place])


def test_the_list_is_whole() -> None:
    assert {*range(159, 210), 225, 226, 227} == NAMES.keys()
    assert len({name for name, _ in NAMES.values()}) == len(NAMES)


# The rest of the list


@cache
def names_in(file: Path) -> set[str]:
    """The names of the tests of a file."""
    return {node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("table", [SHOWING, TEST_KIT, ACCESS], ids=["product", "tests", "access"])
def test_whatever_is_said_to_show_a_requirement_is_there(table: tuple[tuple[tuple[int, ...], str, str], ...]) -> None:
    """Follows each link of docs/prd.md."""
    for _, words, place in table:
        _follow(words, place)


def _follow(words: str, place: str) -> None:
    if place.startswith("docs/"):
        page, _, text = place.partition(": ")
        assert text in (DOCS_FOLDER / page).read_text("utf-8"), words
    else:
        file, _, name = place.partition("::")
        found = names_in(TESTS_FOLDER / file)
        assert name in found if name else found, words


def test_no_requirement_is_left_out_unsaid() -> None:
    shown = [number for numbers, _, _ in (*SHOWING, *TEST_KIT) for number in numbers]
    assert sorted([*shown, *LEFT_OUT, *NAMES]) == list(range(1, 274))
    governed = [number for numbers, _, _ in ACCESS for number in numbers]
    assert sorted(governed) == list(range(1, 50))


def test_the_columns_of_messages_are_those_of_the_list(db: SqliteDatabase) -> None:
    """C63 to C74: under our names where the words differ; content and sender are sealed, or an id."""
    columns = {row["name"] for row in db._connection().execute("PRAGMA table_info(messages)")}
    assert columns >= {
        "id", "connection_id", "internal_message_id", "channel_id", "tenant_id", "message_ts", "thread_ts", "type",
        "body", "sender_id", "sent_at", "created_at",
    }  # fmt: skip
    keys = {row["table"]: row["on_delete"] for row in db._connection().execute("PRAGMA foreign_key_list(messages)")}
    assert keys["organizations"] == "CASCADE"


def test_the_columns_have_the_names_of_the_list(db: SqliteDatabase) -> None:
    """C35 to C56: the columns and what they point to."""
    columns = {row["name"] for row in db._connection().execute("PRAGMA table_info(connections)")}
    assert columns >= {
        "id", "organization_id", "user_id", "oauth_state", "oauth_expires_at", "oauth_metadata", "team_id", "team_name",
        "team_domain", "enterprise_id", "bot_user_id", "scope", "token_vault_key", "installed_by_slack_user_id",
        "installed_at", "last_used_at", "status", "created_at", "updated_at", "deleted_at",
    }  # fmt: skip
    keys = {
        (row["table"], row["on_delete"]) for row in db._connection().execute("PRAGMA foreign_key_list(connections)")
    }
    assert keys == {("organizations", "CASCADE"), ("members", "CASCADE")}
    unique = {row["name"] for row in db._connection().execute("PRAGMA index_list(connections)") if row["unique"]}
    indexed = {row["name"] for name in unique for row in db._connection().execute(f"PRAGMA index_info({name})")}
    assert indexed >= {"oauth_state", "token_vault_key"}
