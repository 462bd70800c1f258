"""Controls of public catalogues, and the claims and pages that answer them: `python -m tests.support.controls`.

Writes docs/controls.md. The words for each control are ours; the catalogue's own stand where the page links to.
"""

import re
from pathlib import Path
from typing import NamedTuple

from tests.claims.sources import ROOT, claims, shown

PAGE = ROOT / "docs" / "controls.md"
OPERATOR = "the operator's"
"""What no code can do: the page says so, and what this service gives to whoever does it."""


class Control(NamedTuple):
    """Control: its id, what it asks, how it is met, the claims that keep that, and a page that tells more."""

    id: str
    asks: str
    met: str
    claims: str = ""
    page: str = ""


CATALOGUES: dict[str, tuple[str, tuple[Control, ...]]] = {
    "OWASP Non-Human Identities Top 10 (2025)": (
        "https://owasp.org/www-project-non-human-identities-top-10/2025/",
        (
            Control(
                "NHI1", "An identity that nobody needs any more is taken away.",
                "Uninstall, disconnect, offboarding and a review that nobody answers end a token at Slack and destroy "
                "its key; what is left is counted.",
                "C-56 C-57 C-152 C-156 C-174 C-297", "flows/uninstall.md",
            ),
            Control(
                "NHI2", "Secrets do not leak.",
                "Sealed under a key per tenant; masked in the log; no secret in a plain variable where that is asked "
                "for; a scan of every file of the repository; a leaked token is found by its fingerprint and ended.",
                "C-18 C-19 C-23 C-110 C-400 C-401 C-402", "threat-model.md#when-something-leaked",
            ),
            Control(
                "NHI3", "A third party's identity is no way in.",
                "Five packages, by hash; a token is shown to Slack alone, and to no redirect or proxy; a frozen tenant "
                "opens none.",
                "C-24 C-119 C-120", "deployment.md",
            ),
            Control(
                "NHI4", "Who calls has proved it, by a method that holds.",
                "Slack by its signature, a host by a signed token of fifteen minutes, a browser by a state that works "
                "once; nothing is read before that.",
                "C-01 C-03 C-04 C-15 C-17 C-140 C-141 C-165", "host-api.md",
            ),
            Control(
                "NHI5", "An identity may do what it is for, and no more.",
                "Each part has its capability, a table of methods, which is asked before a token opens; each scope has "
                "its reason; a message goes to allowed channels only.",
                "C-108 C-142 C-256 C-259 C-260", "scopes.md",
            ),
            Control(
                "NHI6", "The way it is deployed gives nothing away.",
                "Private files that nobody else can read or change, a unit without rights, no core files; the start "
                "refuses what is open.",
                "C-21 C-22 C-101 C-400", "deployment.md",
            ),
            Control(
                "NHI7", "Secrets live briefly.",
                "Tokens of twelve hours where Slack rotates them, refreshed one at a time; keys rotate while the "
                "service runs; long-lived tokens are named in the inventory, and exchanged by one command.",
                "C-39 C-41 C-43 C-78 C-92", "token-lifecycle.md",
            ),
            Control(
                "NHI8", "Test and production are apart.",
                "One database, one master key and one app at Slack for each deployment; a record names its app, and "
                "opens nowhere else.",
                "C-08 C-29 C-30 C-70", "settings.md",
            ),
            Control(
                "NHI9", "An identity is not shared by several uses.",
                "A tenant is one organization's; a connection's token opens for that connection alone; each message "
                "and each use of a token names its purpose.",
                "C-109 C-151 C-260", "data-model.md",
            ),
            Control(
                "NHI10", "No person uses a machine's identity.",
                "Nobody is shown a token: people have sessions and roles, and every use names who asked.",
                "C-25 C-116 C-142 C-236", "audit-events.md",
            ),
        ),
    ),
    "NIST Cybersecurity Framework 1.1, PR.AC, with PR.AA of 2.0": (
        "https://www.nist.gov/cyberframework",
        (
            Control(
                "PR.AC-1 / PR.AA-01", "Identities and credentials are issued, managed, verified, revoked and audited.",
                "One row per credential, from the grant to the tombstone; each step is in a chained audit.",
                "C-25 C-27 C-28 C-55 C-110 C-147", "token-lifecycle.md",
            ),
            Control(
                "PR.AC-2 / PR.AA-06", "Physical access is managed.", OPERATOR, "", "deployment.md",
            ),
            Control(
                "PR.AC-3", "Remote access is managed.",
                "The operator's addresses take a bearer token of 32 characters or more; the rest is the host's, by "
                "signed tokens, and Slack's.",
                "C-73 C-102 C-140",
            ),
            Control(
                "PR.AC-4 / PR.AA-05", "Permissions follow least privilege and separation of duties.",
                "One table of roles, one of capabilities; asked by one and decided by another; an auditor changes "
                "nothing; every access is reviewed.",
                "C-108 C-142 C-162 C-202", "scopes.md",
            ),
            Control(
                "PR.AC-5", "The network's integrity is protected.",
                "Outgoing calls go to one address, by TLS, and follow no redirect. Segments and filters are "
                "the operator's.",
                "C-24 C-53 C-68", "deployment.md",
            ),
            Control(
                "PR.AC-6 / PR.AA-02", "Identities are proofed and bound to credentials.",
                "A tenant is named by Slack's own answer; whoever grants for a workspace is an admin of it, by Slack's "
                "word; a connect is confirmed in the login of the member who began.",
                "C-09 C-12 C-167 C-170 C-171",
            ),
            Control(
                "PR.AC-7 / PR.AA-03", "Users, devices and services are authenticated by the risk of what they do.",
                "What begins, opens or shows something takes a token that works once, at a lower rate.",
                "C-03 C-148 C-155 C-165",
            ),
            Control(
                "PR.AA-04", "What is said of an identity is protected on its way, and verified.",
                "Signed states, host tokens and webhooks; one algorithm each; age and audience are checked.",
                "C-01 C-02 C-16 C-141 C-277",
            ),
        ),
    ),
    "NIST SP 800-207, tenets of zero trust (section 2.1)": (
        "https://csrc.nist.gov/pubs/sp/800/207/final",
        (
            Control(
                "Tenet 1", "All data and services are resources.",
                "Every table and column has its class and its keeper; each address is a row of one table.",
                "C-34 C-68", "data-model.md",
            ),
            Control(
                "Tenet 2", "All communication is secured, wherever it comes from.",
                "https but on loopback; a request from the same machine is signed, too.",
                "C-15 C-24 C-140",
            ),
            Control(
                "Tenet 3", "Access is granted for one session.",
                "A state, a ticket and a host token work for one thing; a token is opened for one call, and no copy "
                "stays.",
                "C-03 C-25 C-155 C-165",
            ),
            Control(
                "Tenet 4", "Access follows from what is so at this moment.",
                "Status, generation, freeze, switch, role and the list of channels are asked in the transaction that "
                "opens the token, or sends.",
                "C-40 C-114 C-119 C-153 C-161 C-167 C-256",
            ),
            Control(
                "Tenet 5", "The state of what one owns is watched.",
                "Each token is tried at Slack daily; scopes that are missing or too many, tokens that are paused or "
                "dead are told.",
                "C-37 C-79 C-80 C-81", "operations.md",
            ),
            Control(
                "Tenet 6", "Who asks is authenticated and authorised before, each time.",
                "The caller is established before the handler runs; the audit's row is on the disk before a token "
                "opens.",
                "C-17 C-25 C-26 C-142",
            ),
            Control(
                "Tenet 7", "What happens is collected, and used.",
                "A chained audit of every use of a token, with columns to ask by; metrics and alerts.",
                "C-27 C-28 C-111 C-116", "audit-events.md",
            ),
        ),
    ),
}  # fmt: skip

HEAD = """# Controls

What three public catalogues ask of a service that holds other people's access, and what answers it here. The words
for each control are ours; the catalogue's own are where its title leads. A claim leads to the lines that keep it, and
to the tests that fail without them. Software is not certified, and this is no certificate: it is where an assessor
begins.
"""


def page() -> str:
    """The page as it must be now."""
    sentences = {claim.id: claim.sentence for claim in claims()}
    parts = [HEAD]
    for title, (link, rows) in CATALOGUES.items():
        parts += [f"\n## [{title}]({link})\n", "| control | asks | met by | claims |", "| --- | --- | --- | --- |"]
        for row in rows:
            more = f" [{row.page.partition('#')[0]}]({row.page})" if row.page else ""
            ids = row.claims.split()
            assert sentences.keys() >= set(ids), f"{row.id}: names a claim that is not there"
            told = "<br>".join(f"[{each}](claims.md) {sentences[each]}" for each in ids)
            parts.append(f"| {row.id} | {row.asks} | {row.met}{more} | {told or OPERATOR} |")
    return "\n".join(parts) + "\n"


def unshown() -> list[str]:
    """Claims that a control leans on and that no test shows; and controls that lean on none."""
    tested = {each for test in shown() for each in test.claims}
    found = []
    for _, rows in CATALOGUES.values():
        for row in rows:
            found += [f"{row.id}: {each}" for each in row.claims.split() if each not in tested]
            found += [row.id] if not row.claims and row.met != OPERATOR else []
            place, _, anchor = row.page.partition("#")
            text = Path(PAGE.parent / place).read_text("utf-8") if place else ""
            heads = {
                re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
                for head in re.findall(r"^#+ (.*)$", text, re.M)
            }
            found += [f"{row.id}: {row.page}"] if anchor and anchor not in heads else []
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
