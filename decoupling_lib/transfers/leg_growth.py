"""How much the legs of a transfer stretch small changes of an image: what `--amplification` measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from ..common import validation
from ..common.errors import input_error
from ..engine.amplification import amplification
from ..engine.context import Step
from ..engine.decoupled_features import record_legs
from ..engine.leg_derivative import SolvedLeg
from ..engine.normalization import normalize
from .setup import Experiment, Inputs

TOLERANCE = 1e-2
"""Relative error of a leg's derivative: a growth is needed to two digits."""


def check_growth(inputs: Inputs, products: int) -> None:
    """Refuse a transfer whose legs have no derivative, and a wrong number of products.

    Parameters
    ----------
    inputs : Inputs
        The inputs of the transfer.
    products : int
        See `measure_growth`.

    Raises
    ------
    InputError
        Another method than `decoupled`, another rule than the symmetric one, or a number that is not at least 1.
    """
    validation.integer_in_range(products, "amplification", 1, 10_000)
    if inputs.method_settings.name != "decoupled":
        step = "leave out --amplification, or use the method decoupled"
        raise input_error("method", "has no amplification", inputs.method_settings.name, "decoupled", step)
    if inputs.settings.rule != "symmetric":
        step = "leave out --amplification, or use the symmetric rule"
        raise input_error("step rule", "has no amplification", inputs.settings.rule, "symmetric", step)


def count_legs(inputs: Inputs) -> int:
    """Return the number of legs that `measure_growth` looks at: those of Steps 1 and 2, which may be one and the same.

    Parameters
    ----------
    inputs : Inputs
        The inputs of the transfer.
    """
    return len(inputs.features.blocks) * (1 if inputs.self_transfer else 2)


def measure_growth(
    experiment: Experiment, products: int, on_leg: Callable[[str], None] = lambda name: None
) -> list[dict[str, Any]]:
    """Follow Steps 1 and 2 again, and measure by how much each leg stretches small changes, there and back.

    Parameters
    ----------
    experiment : Experiment
        A transfer that `check_growth` accepts. Its own record and results stay as they are.
    products : int
        Maximum number of products with the leg's derivative and its transpose, each way; at least 1.
    on_leg : callable
        Receives the name of each leg when it has been measured.

    Returns
    -------
    list of dict
        By leg, in the order of running: `step`, `layer`, the fields of `engine.amplification.Amplification`, and
        `passes`, the network passes of its measurement.

    Raises
    ------
    InputError
        A leg that did not reach its end.
    """
    check_growth(experiment, products)
    images = {Step.ORIGIN: experiment.origin.array}
    if not experiment.self_transfer:
        images[Step.TARGET] = experiment.target.array
    rows = []
    for step, image in images.items():
        legs: list[SolvedLeg] = []
        context = experiment.context().for_origin() if step == Step.ORIGIN else experiment.context()
        route = normalize(replace(record_legs(context, legs), step=step), image)
        if route.status != "done":
            accepted, advice = "legs that end", "use more damping or a softer network"
            raise input_error("amplification", "cannot be measured", route.status, accepted, advice)
        for solved, leg in zip(legs, route.legs, strict=True):
            before = experiment.features.passes.total
            found = amplification(replace(solved, tolerance=TOLERANCE), products)
            passes = experiment.features.passes.total - before
            rows.append({"step": int(step), "layer": leg.layer} | asdict(found) | {"passes": passes})
            on_leg(f"Step {int(step)} {leg.layer}")
    return rows
