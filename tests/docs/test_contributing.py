"""Places that a new step rule, method or lesson has to be entered in, as CONTRIBUTING.md says: none is forgotten."""

import re
import typing

import pytest
from paths import ROOT

from decoupling_lib.commands import transfer as command
from decoupling_lib.engine.ode import RULES
from decoupling_lib.explorers import transfer as explorer
from decoupling_lib.methods.choice import METHODS
from decoupling_lib.transfers.advice import ADVICE

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.py"))


def help_of(option: str) -> str:
    """Return the help of an option of `decoupling transfer`."""
    hints = typing.get_type_hints(command.transfer_command, include_extras=True)
    return hints[option].__metadata__[0].help


def test_the_help_names_every_step_rule():
    assert [name for name in RULES if not re.search(rf"\b{name}\b", help_of("rule"))] == []


def test_the_help_names_every_method():
    assert [name for name in METHODS if not re.search(rf"\b{name}\b", help_of("method"))] == []


def test_every_method_has_a_next_step_for_a_run_that_breaks_off():
    assert set(ADVICE) == set(METHODS)


def test_the_explorer_offers_every_method():
    assert [value for _, value in explorer.METHODS] == list(METHODS)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_in_the_readme_and_in_the_teachers_guide(name):
    assert f"`{name}`" in (ROOT / "README.md").read_text("utf-8")
    assert re.search(rf"^## {int(name[:2])}\. ", (ROOT / "docs" / "teachers.md").read_text("utf-8"), re.MULTILINE)
