"""Form of a word in the audit: an id or a closed word, never a sentence or a secret.

Stops:   content in the audit, which outlives a purge: the text of an error, a name, a token that came where an id was.
How:     one pattern for every text column, which ids, words, routes and scopes match; what does not, is an address,
         or has in it, in any letter case, what the tokens of Slack and of other large providers begin with, is replaced
         by a word that says so. The row is written all the same: that a thing happened is not lost for a word that came
         with it.
Does not stop: a name of one plain word, or a secret of letters and digits that nothing tells from an id, where a flow
         gives it for an id.
Read:    docs.slack.dev/authentication/tokens (how tokens begin)
"""

import re

NOT_A_WORD = "not_a_word"
_WORD = re.compile(r"[A-Za-z0-9_.:/{}-]{1,128}")
_SECRET = re.compile(
    # An id at Slack is capitals and digits: XOX may be among them, but no hyphen follows.
    r"://|^xox|xox[a-z]?[-.]|xapp-|xwfp-|gh[opsru]_|github_pat_|ya29\.|eyj[a-z0-9_-]+\.",
    re.IGNORECASE,
)


def as_audit_word(text: str | None) -> str:
    """Returns the word itself, "" for none, and `NOT_A_WORD` for what has not its form."""
    if not text:
        return ""
    # claim: C-111
    return str(text) if _WORD.fullmatch(text) and not _SECRET.search(text) else NOT_A_WORD
