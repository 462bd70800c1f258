"""Words of the command line that no database can be asked by: refused like every other, with status 2."""

import pytest

from slackapp.cli.main import main

NO_UTF8 = "\udcff"
WRONG = {
    "a tenant of the inbox": ("inbox", "list", "--tenant", NO_UTF8),
    "a row": ("inbox", "show", NO_UTF8),
    "whose row": ("inbox", "retry", "Ev1", "--tenant", NO_UTF8),
    "another row": ("inbox", "drop", f"Ev1{NO_UTF8}"),
    "a tenant of the audit": ("audit", "tail", "--tenant", NO_UTF8),
    "a name of an event": ("audit", "tail", "--event", NO_UTF8),
    **{
        f"{number!r} rows of the {noun}": (noun, verb, f"--number={number}")
        for noun, verb in (("inbox", "list"), ("audit", "tail"))
        for number in ("0", "-1", "1000001", "9" * 30, "", "1.5", "\u0661", " 1", "1_0")
    },
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_a_word_that_cannot_be_meant_is_refused_by_its_option(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith((": is not UTF-8", ": must be a number from 1 to 1000000"))
