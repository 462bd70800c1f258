"""What Slack's reviewers ask of an app, row by row: what a program can check is checked, the rest is for a person.

Read:    docs.slack.dev/slack-marketplace/slack-marketplace-app-guidelines-and-requirements,
         docs.slack.dev/slack-marketplace/slack-marketplace-review-guide, docs.slack.dev/security
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slackapp.directory import app_checks as app
from slackapp.directory import manifest_checks as manifest
from slackapp.directory.findings import Check, Look

PASS, FAIL, PERSON = "pass", "fail", "person"
_NO_ADDRESS = "say where the app runs: --url URL"
_AWAY = "run this again when the app answers"


@dataclass(frozen=True)
class Row:
    """One item, and how it is looked at. `flag` gives what this manifest leaves to a person, "" for nothing.

    `shown` are the tests and pages that prove what no look from outside can; `person` is left to do in any case.
    """

    number: int
    item: str
    by_manifest: tuple[Check, ...] = ()
    by_app: tuple[Check, ...] = ()
    flag: Callable[[Look], str] | None = None
    shown: tuple[str, ...] = ()
    person: str = ""


@dataclass(frozen=True)
class Verdict:
    """A row as it stands. `local` marks a fail that is only about the address being one of this machine."""

    row: Row
    result: str
    local: bool
    wrong: tuple[str, ...]
    person: tuple[str, ...]


def examine(look: Look) -> Iterator[Verdict]:
    """Every row, in order."""
    return (judge(row, look) for row in ROWS)


def judge(row: Row, look: Look) -> Verdict:
    """One row."""
    findings = [finding for check in row.by_manifest for finding in check(look)]
    if look.probe is not None:
        findings += [finding for check in row.by_app for finding in check(look)]
    wrong = [finding for finding in findings if not finding.ok]
    flag = row.flag(look) if row.flag is not None else ""
    unasked = (_AWAY if look.url else _NO_ADDRESS) if row.by_app and look.probe is None else ""
    person = tuple(note for note in (unasked, flag, row.person) if note)
    if wrong:
        return Verdict(row, FAIL, all(one.local for one in wrong), tuple(one.wrong for one in wrong), person)
    nothing_to_flag = row.flag is not None and not flag
    passed = not unasked and (findings or nothing_to_flag)
    return Verdict(row, PASS if passed else PERSON, False, (), person)


def _tests(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/{name}.py" for name in names)


ROWS = (
    Row(1, "state is used and verified in OAuth", by_app=(app.state_used,), shown=_tests("attacks/test_state")),
    Row(
        2, "every endpoint checks Slack's signature; verification tokens are not used", by_app=(app.unsigned_refused,),
        shown=_tests("attacks/test_requests", "checks/test_slack_signature"),
    ),
    Row(3, "TLS 1.2 or newer, and every address https", (manifest.only_https,), (app.tls_spoken,)),
    Row(
        4, "tokens are never logged, in client code, in the repository or shown", by_app=(app.no_token_seen,),
        shown=_tests("attacks/test_leaks", "flows/backup/test_canaries", "meta/test_words"),
    ),
    Row(
        5, "tokens are deleted on removal, in backups too; all are revoked when the app ends",
        (manifest.lifecycle_subscribed,),
        shown=_tests(
            "flows/removal/test_uninstall_tenant", "flows/removal/test_purge_tenant", "flows/backup/test_key_backup"
        ),
        person="when the app ends, run slackapp uninstall for every tenant that slackapp tenants lists",
    ),
    Row(
        6, "no token in an address; secrets go by POST", by_app=(app.no_secret_in_address,),
        shown=_tests("attacks/test_operator", "slack/test_transport"),
    ),
    Row(7, "redirect addresses are on domains you control, https, without #", (manifest.ours_only,)),
    Row(
        8, "least scopes, each with a written reason, none for later", (manifest.reasons_given, manifest.bot_declared),
        shown=("docs/scopes.md",), person="read the reasons as a customer would",
    ),
    Row(9, "none of the scopes that the directory does not accept", (manifest.accepted_scopes,)),
    Row(10, "scopes that are reviewed closely are known", flag=manifest.reviewed_closely),
    Row(11, "scopes of a person only where the app acts as that person", flag=manifest.acts_as_person),
    Row(
        12, "the app works without its optional scopes", (manifest.optional_are_declared,), flag=manifest.has_optional,
    ),
    Row(13, "token rotation is on", (manifest.rotation_on,), shown=_tests("flows/tokens/test_refresh_token")),
    Row(
        14, "app_uninstalled and tokens_revoked are subscribed to", (manifest.lifecycle_subscribed,),
        shown=_tests("attacks/test_lifecycle_orders"),
    ),
    Row(
        15, "org-wide installs only where Slack Connect is understood", flag=manifest.org_wide,
        shown=_tests("checks/test_tenant_of", "attacks/test_tenants"),
    ),
    Row(
        16, "commands and shortcuts are acknowledged within three seconds", by_app=(app.acknowledged_in_time,),
        flag=app.not_measured,
        shown=_tests("flows/events/test_receive_interaction"),
    ),
    Row(
        17, "commands have a name of their own, a hint, a description, and answer help", (manifest.commands_described,),
        shown=_tests("test_example"),
    ),
    Row(
        18, "shortcuts begin with a verb and open a modal", (manifest.shortcuts_described,),
        flag=manifest.has_shortcuts,
    ),
    Row(19, "no tab that is not used", (manifest.tabs_used,), shown=_tests("test_example")),
    Row(
        20, "no posts to #general by default, no @channel", (manifest.no_uninvited_posts,),
        shown=_tests("test_example"),
    ),
    Row(
        21, "nothing of private channels is shown to others", flag=manifest.sees_private,
        shown=_tests("flows/events/test_event_context"),
    ),
    Row(
        22, "a greeting for the installer; pages after success and refusal", by_app=(app.outcome_pages,),
        shown=_tests("flows/install/test_store_grant", "handlers/test_pages"),
    ),
    Row(23, "a public landing page: what, how, privacy", by_app=(app.landing_page,)),
    Row(
        24, "a privacy policy with its five topics", by_app=(app.privacy_page,),
        shown=_tests("handlers/test_site_pages"),
        person="have the page read by whoever answers for it",
    ),
    Row(
        25, "public help, without another account, answered within two business days", by_app=(app.support_page,),
        person="see that somebody reads that mailbox",
    ),
    Row(26, "short description of at most ten words, and a long one", (manifest.texts_fit,)),
    Row(
        27, "screenshots of 1600 by 1000, and an icon", shown=("docs/directory-submission.md",),
        person="run make screenshots, look at the pictures, and add an icon",
    ),
    Row(28, "the direct install address works", by_app=(app.install_works,)),
    Row(29, "consent before e-mail addresses are used", (manifest.no_email,)),
    Row(
        30, "no export of messages, training on data, payments or mass deletion",
        person="see that the behaviour has none of it",
    ),
    Row(31, "disclosures, if the app uses AI", person="disclose model, retention, tenancy and residency, if it does"),
    Row(32, "complete, and used in enough workspaces", person="look up how many active workspaces Slack wants now"),
    Row(33, "a collaborator, and contacts that are current", person="add both in the app's settings at Slack"),
    Row(
        34, "Slack is told of an incident at once", shown=("docs/threat-model.md",),
        person="put Slack's security contact on the list of whom to tell",
    ),
    Row(
        35, "architecture, data flow, and accounts for the reviewers",
        shown=("docs/threat-model.md", "docs/data-model.md", "docs/flows/install.md"),
        person="make test accounts, and send docs/ with the submission",
    ),
    Row(
        36, "ready to be scanned: no version, no listing, headers", by_app=(app.nothing_to_scan,),
        shown=_tests("web/test_response", "cli/test_waitress_settings"),
    ),
    Row(
        37, "a list of addresses that may use the tokens",
        person="name the machine's IPv4 address in the app's settings at Slack",
    ),
    Row(
        38, "submitted again when scopes or features change", (manifest.as_submitted,),
        flag=manifest.never_submitted,
    ),
)  # fmt: skip
