"""A behaviour that cannot be loaded: the start says what is wrong, and in which file and line."""

from pathlib import Path

import pytest

from slackapp.app import load_behaviour
from slackapp.errors import ConfigError

BROKEN = {
    "a_typo": ("EVENTS = {\n", "SyntaxError in {file}, line 1"),
    "a_mistake": ("\nEVENTS = {'a': 1 / 0}\n", "ZeroDivisionError in {file}, line 2"),
    "a_deep_mistake": ("def make():\n    return {}['canary']\nEVENTS = make()\n", "KeyError in {file}, line 2"),
    "an_import": ("\n\nimport nothing_of_this_name\n", "ModuleNotFoundError of nothing_of_this_name in {file}, line 3"),
    "an_exit": ("raise SystemExit(0)\n", "SystemExit in {file}, line 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_cannot_be_loaded_names_its_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text, why = BROKEN[name]
    file = tmp_path / f"behaviour_with_{name}.py"
    file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as error:
        load_behaviour(f"{file.stem}:EVENTS")
    wrong = why.format(file=file)
    assert str(error.value) == f"SLACKAPP_BEHAVIOUR: {file.stem}:EVENTS cannot be loaded ({wrong})"


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"cannot be loaded \(ModuleNotFoundError of mybto\)$"):
        load_behaviour("mybto:EVENTS")
