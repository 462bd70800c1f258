"""Form of a word in the audit: an id or a closed word, never a sentence or a secret.

Stops:   content in the audit, which outlives a purge: the text of an error, a name, a token that came where an id was.
How:     one pattern for every text column, which ids, words, routes and scopes match; what does not, or begins as
         Slack's tokens do, is replaced by a word that says so. The row is written all the same: that a thing happened
         is not lost for a word that came with it.
Does not stop: a name of one plain word, where a flow gives it for an id.
Read:    docs.slack.dev/authentication/tokens (how tokens begin)
"""

import re

NOT_A_WORD = "not_a_word"
_WORD = re.compile(r"(?!xox|xapp-|xwfp-)[A-Za-z0-9_.:/{}-]{1,128}")


def as_audit_word(text: str | None) -> str:
    """Returns the word itself, "" for none, and `NOT_A_WORD` for what has not its form."""
    if not text:
        return ""
    return str(text) if _WORD.fullmatch(text) else NOT_A_WORD
