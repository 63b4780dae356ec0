"""How a test reads a refusal: every one has the same form."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from decoupling_lib.common.errors import InputError


def refusal(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the message of the `InputError` that a call must raise.

    It must be one short printable line with the value received, what is accepted and the next step.
    """
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    line = str(caught.value)
    assert line.isprintable() and len(line) < 900
    assert re.fullmatch(r"\S.*; received \S.*; accepted: \S.*; \S.*", line), line
    return line
