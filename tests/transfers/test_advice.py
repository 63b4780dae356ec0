"""The next step after a run that failed: options that act for its method, and that exist where it is read."""

import re

import pytest

from decoupling_lib.commands.transfer import transfer_command
from decoupling_lib.explorers.transfer_run import NAMES
from decoupling_lib.methods.choice import METHODS
from decoupling_lib.transfers.advice import ADVICE, FLAGS, advise
from decoupling_lib.transfers.options import Options, resolve_options

ACT = {
    "decoupled": {"steps", "softness", "damping", "activation", "pooling"},
    "projected": {"learning_rate", "softness", "threshold", "activation", "pooling"},
    "descent": {"learning_rate"},
    "direct": {"softness", "activation", "pooling"},
}
"""The options that change a run of a method, of those that advice may name."""


def options(method, **changes):
    return resolve_options(Options(method=method, **changes))


def test_every_method_has_advice():
    assert set(ADVICE) == set(METHODS)


def test_the_flags_are_options_of_the_command_line():
    assert set(FLAGS) <= set(transfer_command.__annotations__)


@pytest.mark.parametrize("status", ["diverged", "stalled"])
@pytest.mark.parametrize("network", [{}, {"activation": "relu", "pooling": "max"}])
@pytest.mark.parametrize("rate", [None, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_advice_names_only_what_acts(method, rate, network, status):
    line = advise(options(method, learning_rate=rate, **network), status)
    named = {flag[2:].replace("-", "_") for flag in re.findall(r"--[a-z-]+", line)}
    assert line.startswith("try ") and named <= ACT[method] - ({"softness"} if network else set())
    assert re.search(r"\w", line[4:])


@pytest.mark.parametrize("rate", [1.0, 0.3, 5e-3])
@pytest.mark.parametrize("method", ["descent", "projected"])
def test_a_rate_at_which_a_run_diverged_is_to_be_smaller(method, rate):
    assert f"a smaller --learning-rate than {rate:g}" in advise(options(method, learning_rate=rate), "diverged")
    assert f"a smaller learning rate than {rate:g}" in advise(options(method, learning_rate=rate), "diverged", NAMES)


def test_the_annexs_own_rate_is_named_where_none_was_given():
    assert "than 0.0005" in advise(options("descent"), "diverged")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", ["diverged", "stalled"])
def test_an_explorer_is_not_advised_to_use_options_that_it_lacks(method, status):
    line = advise(options(method), status, NAMES)
    assert "--" not in line and not any(word in line for word in ("damping", "threshold", "{", "}"))
    assert len(line) > len("try ")
