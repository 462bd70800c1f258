"""Templates: which variables they have, and what a value becomes where it stands."""

import tracemalloc
from typing import Any

import pytest

from slackapp.host.checks.message_template import MAX_FILLED, MAX_VARIABLES, fill_in, find_variables
from tests.host.checks.helpers import refusal_of

EVIL = "<!channel> & <https://evil.example|x>|*b*"


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, **fields}]}


FILLED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "both spellings, and the character": ({"text": "$a ${a}s $$5"}, {"a": "x"}, {"text": "x xs $5"}),
    "a number": ({"text": "$a of ${b}"}, {"a": 3, "b": -1}, {"text": "3 of -1"}),
    "nothing to fill in": ({"text": "as it is $$a"}, {}, {"text": "as it is $a"}),
    "a value that looks like a variable": ({"text": "$a$b"}, {"a": "$b", "b": "y"}, {"text": "$by"}),
    "a text is escaped": (
        {"text": "*$a*"}, {"a": EVIL},
        {"text": "*&lt;!channel&gt; &amp; &lt;https://evil.example|x&gt;|*b**"},
    ),
    "a path, and a label": (
        {"text": "<https://ci.example:8080/b/$a?q=${a}|See $b>"}, {"a": "x/../|y>", "b": "<b>|c"},
        {"text": "<https://ci.example:8080/b/x%2F..%2F%7Cy%3E?q=x%2F..%2F%7Cy%3E|See &lt;b&gt;¦c>"},
    ),
    "mentions": (
        {"text": "<@$u> <#$c> <!subteam^$g> <!here>"}, {"u": "U0A", "c": "C0A|x", "g": "S0A"},
        {"text": "<@U0A> <#C0A%7Cx> <!subteam^S0A> <!here>"},
    ),
    "mrkdwn of a block, shown verbatim": (
        {"blocks": [section("by $a"), section("as it is")]}, {"a": "@here <x>"},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "by @here &lt;x&gt;", "verbatim": True}},
                    section("as it is")]},
    ),
    "plain text": (
        {"blocks": [section("$a", "plain_text")]}, {"a": EVIL}, {"blocks": [section(EVIL, "plain_text")]},
    ),
    "a button": (
        {"blocks": [button(url="https://ci.example/$a", value="$a")]}, {"a": "b c"},
        {"blocks": [button(url="https://ci.example/b%20c", value="b c")]},
    ),
}  # fmt: skip
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a character alone": ({"text": "costs 5 $"}, "/text"),
    "a number for a name": ({"text": "$5"}, "/text"),
    "a brace that is not closed": ({"text": "${a"}, "/text"),
    "nothing in braces": ({"text": "${}"}, "/text"),
    "another letter": ({"text": "$\u00e4"}, "/text"),
    "a long name": ({"text": f"${'a' * 33}"}, "/text"),
    "a whole address": ({"text": "<$a|x>"}, "/text"),
    "a scheme": ({"text": "<$a://ci.example/|x>"}, "/text"),
    "a site": ({"text": "<https://$a/|x>"}, "/text"),
    "the end of a site": ({"text": "<https://ci.example$a|x>"}, "/text"),
    "a login before a site": ({"text": "<https://ci.example:$a@evil.example/|x>"}, "/text"),
    "everybody": ({"text": "<!$a>"}, "/text"),
    "a site of a button": ({"blocks": [button(url="https://ci.example.$a")]}, "/blocks/0/elements/0/url"),
    "an id": ({"blocks": [{**section("x"), "block_id": "$a"}]}, "/blocks/0/block_id"),
    "markdown": ({"blocks": [{"type": "markdown", "text": "$a"}]}, "/blocks/0/text"),
    "what nobody knows": ({"blocks": [{"type": "x", "Odd <name>": {"y": "$a"}}]}, "/blocks/0/y"),
}
VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"a": "x"}, "/variables/b"),
    "unknown": ({"a": "x", "b": "y", "c": "z"}, "/variables/c"),
    "null": ({"a": "x", "b": None}, "/variables/b"),
    "a flag": ({"a": "x", "b": True}, "/variables/b"),
    "a fraction": ({"a": "x", "b": 1.5}, "/variables/b"),
    "an object": ({"a": "x", "b": {"c": "d"}}, "/variables/b"),
    "a name that is none": ({"a": "x", "b": "y", "c <script>": "z"}, "/variables"),
}


@pytest.mark.claim("C-320", "C-321")
@pytest.mark.parametrize("name", FILLED)
def test_a_value_is_text_wherever_it_stands(name: str) -> None:
    fields, values, filled = FILLED[name]
    assert fill_in(fields, values) == filled
    assert find_variables(fields) == tuple(sorted(values))


@pytest.mark.claim("C-320", "C-321")
@pytest.mark.parametrize("name", REFUSED)
def test_a_variable_stands_where_it_can_be_text_and_nowhere_else(name: str) -> None:
    fields, pointer = REFUSED[name]
    assert refusal_of(lambda: find_variables(fields)) == ("TEMPLATE", pointer)


@pytest.mark.claim("C-320")
@pytest.mark.parametrize("name", VALUES)
def test_a_variable_that_is_missing_or_unknown_is_named(name: str) -> None:
    values, pointer = VALUES[name]
    assert refusal_of(lambda: fill_in({"text": "$a $b"}, values)) == ("VARIABLE", pointer)


@pytest.mark.claim("C-322")
def test_a_template_has_so_many_variables() -> None:
    names = [f"v{number}" for number in range(MAX_VARIABLES + 1)]
    assert len(find_variables({"text": " ".join(f"${name}" for name in names[1:])})) == MAX_VARIABLES
    assert refusal_of(lambda: find_variables({"text": " ".join(f"${name}" for name in names)})) == ("TEMPLATE", None)


@pytest.mark.claim("C-289")
def test_a_value_that_stands_often_is_refused_before_it_is_written() -> None:
    """A template of 4,000 letters and a value of a hundred thousand would be a gigabyte."""
    template = {"text": "$a$b" * 1000}
    tracemalloc.start()
    refused = refusal_of(lambda: fill_in(template, {"a": "&" * 100_000, "b": ""}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused == ("CONTENT", "/variables/a")
    assert peak < 5_000_000
    assert fill_in({"text": "$a" * 2}, {"a": "x" * (MAX_FILLED // 2)})["text"] == "x" * MAX_FILLED
