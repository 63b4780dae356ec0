"""The growth of small changes along the legs of a transfer, and what has none."""

from dataclasses import replace

import numpy as np
import pytest
from refusals import refusal

from decoupling_lib.engine.normalization import normalize
from decoupling_lib.transfers.leg_growth import TOLERANCE, check_growth, count_legs, measure_growth
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import gather_inputs, prepare

RNG = np.random.default_rng(4)
ORIGIN, TARGET = RNG.random((16, 18, 3)), RNG.random((20, 16, 3))
SMALL = Options(layers=1, network="vgg16", weights="random", damping=0.3, steps=4, tolerance=1e-8)


def test_each_leg_is_measured_and_its_growth_is_that_of_a_small_change():
    experiment = prepare(ORIGIN, TARGET, SMALL)
    before, names = experiment.run(), []
    rows = measure_growth(experiment, 12, names.append)
    assert [(row["step"], row["layer"]) for row in rows] == [(1, "block1_conv1"), (2, "block1_conv1")]
    assert len(names) == count_legs(experiment) == 2 and all(row["passes"] > 0 for row in rows)
    # No change of the target grows more along its leg, which goes at the rate of the unchanged target.
    context, growths = experiment.context(), []
    for seed in range(3):
        change = 1e-4 * np.random.default_rng(seed).standard_normal(TARGET.shape)
        ends = [normalize(context, TARGET + sign * change).x for sign in (1, -1)]
        growths.append(np.linalg.norm(ends[0] - ends[1]) / (2 * np.linalg.norm(change)))
    row = rows[1]
    assert max(growths) <= row["there"] * 1.05 + TOLERANCE
    assert 1 / row["back"] <= min(growths) * 1.05 + TOLERANCE
    assert row["there"] * row["back"] > 1
    after = experiment.run()
    np.testing.assert_array_equal(before.result, after.result)


def test_a_self_transfer_has_the_legs_of_one_image():
    experiment = prepare(ORIGIN, ORIGIN, SMALL)
    (row,) = measure_growth(experiment, 1)
    assert row["step"] == 1 and row["there"] == row["white_there"], "one product is that of the white noise itself"


@pytest.mark.parametrize(
    ("changes", "received"),
    [({"method": "direct"}, "direct"), ({"rule": "rk4"}, "rk4"), ({"activation": "relu"}, "rk4")],
)
def test_what_has_no_derivative_of_its_legs_is_refused(changes: dict[str, str], received: str):
    assert received in refusal(check_growth, gather_inputs(ORIGIN, TARGET, replace(SMALL, **changes)), 4)


@pytest.mark.parametrize("products", [0, -1, 1.5, True])
def test_a_wrong_number_of_products_is_refused(products: object):
    assert str(products) in refusal(check_growth, gather_inputs(ORIGIN, TARGET, SMALL), products)
