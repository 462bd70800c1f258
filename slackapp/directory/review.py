"""Requirements of Slack's reviewers, each checked by a program or left to a human.

Read:    docs.slack.dev/slack-marketplace/slack-marketplace-app-guidelines-and-requirements,
         docs.slack.dev/slack-marketplace/slack-marketplace-review-guide, docs.slack.dev/security
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from slackapp.directory import app_checks as app
from slackapp.directory import manifest_checks as manifest
from slackapp.directory.findings import Check, ReviewInput


class Verdict(StrEnum):
    """Verdict on one requirement; `PERSON` where only a person can tell."""

    PASS = "pass"  # noqa: S105  (a word, no secret)
    FAIL = "fail"
    PERSON = "person"


_NO_ADDRESS = "say where the app runs: --url URL"
_AWAY = "run this again when the app answers"


@dataclass(frozen=True)
class Requirement:
    """Requirement of Slack's reviewers, and how it is checked.

    `manual_step` gives what this manifest leaves to a person, "" for nothing. `evidence` are the tests and pages that
    prove what no look from outside can; `person` is left to do in any case.
    """

    number: int
    item: str
    by_manifest: tuple[Check, ...] = ()
    by_app: tuple[Check, ...] = ()
    manual_step: Callable[[ReviewInput], str] | None = None
    evidence: tuple[str, ...] = ()
    person: str = ""


@dataclass(frozen=True)
class RequirementResult:
    """Result of one requirement. `local` marks a fail that is only about the address being one of this machine."""

    row: Requirement
    result: Verdict
    local: bool
    wrong: tuple[str, ...]
    person: tuple[str, ...]


def review(look: ReviewInput) -> Iterator[RequirementResult]:
    """Runs every row of the table, in order."""
    return (review_requirement(row, look) for row in REQUIREMENTS)


def review_requirement(row: Requirement, look: ReviewInput) -> RequirementResult:
    """Runs one row of the table."""
    findings = [finding for check in row.by_manifest for finding in check(look)]
    if look.probe is not None:
        findings += [finding for check in row.by_app for finding in check(look)]
    wrong = [finding for finding in findings if not finding.ok]
    flag = row.manual_step(look) if row.manual_step is not None else ""
    unasked = (_AWAY if look.url else _NO_ADDRESS) if row.by_app and look.probe is None else ""
    person = tuple(note for note in (unasked, flag, row.person) if note)
    if wrong:
        return RequirementResult(
            row, Verdict.FAIL, all(one.local for one in wrong), tuple(one.wrong for one in wrong), person=person
        )
    nothing_to_flag = row.manual_step is not None and not flag
    passed = not unasked and (findings or nothing_to_flag)
    return RequirementResult(row, Verdict.PASS if passed else Verdict.PERSON, False, (), person=person)


def _tests(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/{name}.py" for name in names)


REQUIREMENTS = (
    Requirement(
        1, "state is used and verified in OAuth",
        by_app=(app.state_used,), evidence=_tests("attacks/test_state"),
    ),
    Requirement(
        2, "every endpoint checks Slack's signature; verification tokens are not used", by_app=(app.unsigned_refused,),
        evidence=_tests("attacks/test_requests", "checks/test_slack_signature"),
    ),
    Requirement(3, "TLS 1.2 or newer, and every address https", (manifest.only_https,), (app.tls_spoken,)),
    Requirement(
        4, "tokens are never logged, in client code, in the repository or shown", by_app=(app.no_token_seen,),
        evidence=_tests("attacks/test_leaks", "flows/backup/test_canaries", "meta/test_words"),
    ),
    Requirement(
        5, "tokens are deleted on removal, in backups too; all are revoked when the app ends",
        (manifest.lifecycle_subscribed,),
        evidence=_tests(
            "flows/removal/test_uninstall_tenant", "flows/removal/test_purge_tenant", "flows/backup/test_key_backup"
        ),
        person="when the app ends, run slackapp uninstall for every tenant that slackapp tenants lists",
    ),
    Requirement(
        6, "no token in an address; secrets go by POST", by_app=(app.no_secret_in_address,),
        evidence=_tests("attacks/test_operator", "slack/test_transport"),
    ),
    Requirement(
        7, "redirect addresses are on domains you control, https, without #",
        (manifest.ours_only, manifest.host_redirect),
    ),
    Requirement(
        8, "least scopes, each with a written reason, none for later", (manifest.reasons_given, manifest.bot_declared),
        evidence=("docs/scopes.md",), person="read the reasons as a customer would",
    ),
    Requirement(9, "none of the scopes that the directory does not accept", (manifest.accepted_scopes,)),
    Requirement(10, "scopes that are reviewed closely are known", manual_step=manifest.reviewed_closely),
    Requirement(11, "scopes of a person only where the app acts as that person", manual_step=manifest.acts_as_user),
    Requirement(
        12, "the app works without its optional scopes", (manifest.optional_are_declared,),
        manual_step=manifest.has_optional,
    ),
    Requirement(
        13, "token rotation is on",
        (manifest.rotation_on,), evidence=_tests("flows/tokens/test_refresh_token"),
    ),
    Requirement(
        14, "app_uninstalled and tokens_revoked are subscribed to", (manifest.lifecycle_subscribed,),
        evidence=_tests("attacks/test_lifecycle_orders"),
    ),
    Requirement(
        15, "org-wide installs only where Slack Connect is understood", manual_step=manifest.enterprise_installs,
        evidence=_tests("checks/test_tenant_of", "attacks/test_tenants"),
    ),
    Requirement(
        16, "commands and shortcuts are acknowledged within three seconds", by_app=(app.acknowledged_in_time,),
        manual_step=app.not_measured,
        evidence=_tests("flows/events/test_receive_interaction"),
    ),
    Requirement(
        17, "commands have a name of their own, a hint, a description, and answer help", (manifest.commands_described,),
        evidence=_tests("test_example"),
    ),
    Requirement(
        18, "shortcuts begin with a verb and open a modal", (manifest.shortcuts_described,),
        manual_step=manifest.has_shortcuts,
    ),
    Requirement(19, "no tab that is not used", (manifest.tabs_used,), evidence=_tests("test_example")),
    Requirement(
        20, "no posts to #general by default, no @channel", (manifest.no_uninvited_posts,),
        evidence=_tests("test_example"),
    ),
    Requirement(
        21, "nothing of private channels is shown to others", manual_step=manifest.sees_private,
        evidence=_tests("flows/events/test_event_context"),
    ),
    Requirement(
        22, "a greeting for the installer; pages after success and refusal", by_app=(app.outcome_pages,),
        evidence=_tests("flows/install/test_store_grant", "handlers/slack/test_install"),
    ),
    Requirement(23, "a public landing page: what, how, privacy", by_app=(app.landing_page,)),
    Requirement(
        24, "a privacy policy with its five topics", by_app=(app.privacy_page,),
        evidence=_tests("handlers/pages/test_site"),
        person="have the page read by whoever answers for it",
    ),
    Requirement(
        25, "public help, without another account, answered within two business days", by_app=(app.support_page,),
        person="see that somebody reads that mailbox",
    ),
    Requirement(26, "short description of at most ten words, and a long one", (manifest.texts_fit,)),
    Requirement(
        27, "screenshots of 1600 by 1000, and an icon", evidence=("docs/directory-submission.md",),
        person="run make screenshots, look at the pictures, and add an icon",
    ),
    Requirement(28, "the direct install address works", by_app=(app.install_works,)),
    Requirement(29, "consent before e-mail addresses are used", (manifest.no_email,)),
    Requirement(
        30, "no export of messages, training on data, payments or mass deletion",
        person="see that the behaviour has none of it",
    ),
    Requirement(
        31, "disclosures, if the app uses AI",
        person="disclose model, retention, tenancy and residency, if it does",
    ),
    Requirement(
        32, "complete, and used in enough workspaces",
        person="look up how many active workspaces Slack wants now",
    ),
    Requirement(33, "a collaborator, and contacts that are current", person="add both in the app's settings at Slack"),
    Requirement(
        34, "Slack is told of an incident at once", evidence=("docs/threat-model.md",),
        person="put Slack's security contact on the list of whom to tell",
    ),
    Requirement(
        35, "architecture, data flow, and accounts for the reviewers",
        evidence=("docs/threat-model.md", "docs/data-model.md", "docs/flows/install.md"),
        person="make test accounts, and send docs/ with the submission",
    ),
    Requirement(
        36, "ready to be scanned: no version, no listing, headers", by_app=(app.nothing_to_scan,),
        evidence=_tests("web/test_response", "cli/service/test_server"),
    ),
    Requirement(
        37, "a list of addresses that may use the tokens",
        person="name the machine's IPv4 address in the app's settings at Slack",
    ),
    Requirement(
        38, "submitted again when scopes or features change", (manifest.as_submitted,),
        manual_step=manifest.never_submitted,
    ),
)  # fmt: skip
