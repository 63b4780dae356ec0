"""Feature maps: blocks, closed-form maps and their derivatives, prefixes, and the count of passes."""

import numpy as np
import pytest

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Reference, Settings
from decoupling_lib.engine.features import Block, Counted, Passes, block_slices
from decoupling_lib.engine.lift import Damping, Lift
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

SHAPE = (2, 3)
BLOCKS = (Block("sines", 2), Block("cubes", 1), Block("exponentials", 3))
WEIGHTS = np.random.default_rng(2).standard_normal((6, 6))


def toy() -> ClosedForm:
    """Return six features of a 2x3 array: sines, a cube and exponentials of weighted sums, in three blocks."""

    def function(x: np.ndarray) -> np.ndarray:
        y = WEIGHTS @ x.ravel()
        return np.concatenate([np.sin(y[:2]), y[2:3] ** 3, np.exp(0.3 * y[3:])])

    def gradient(x: np.ndarray) -> np.ndarray:
        y = WEIGHTS @ x.ravel()
        return np.concatenate([np.cos(y[:2]), 3 * y[2:3] ** 2, 0.3 * np.exp(0.3 * y[3:])])[:, None] * WEIGHTS

    return ClosedForm(BLOCKS, function, gradient)


def random_point(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE)


def test_block_slices_follow_each_other_and_cover_all_features():
    assert block_slices(BLOCKS) == {"sines": slice(0, 2), "cubes": slice(2, 3), "exponentials": slice(3, 6)}
    assert list(block_slices(BLOCKS)) == [block.name for block in BLOCKS]


def test_derivatives_agree_with_differences_and_with_each_other():
    x, dx, w = random_point(3), random_point(4), np.random.default_rng(5).standard_normal(6)
    at, h = toy().linearize(x), 1e-5
    np.testing.assert_array_equal(at.values, toy().values(x))
    slope = (toy().values(x + h * dx) - toy().values(x - h * dx)) / (2 * h)
    np.testing.assert_allclose(at.jvp(dx), slope, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(at.jacobian() @ dx.ravel(), at.jvp(dx), rtol=1e-13)
    assert at.vjp(w).shape == SHAPE
    assert np.sum(at.vjp(w) * dx) == pytest.approx(w @ at.jvp(dx), rel=1e-12)


@pytest.mark.parametrize(("count", "size"), [(1, 2), (2, 3), (3, 6)])
def test_a_prefix_has_the_values_and_derivatives_of_the_first_blocks(count: int, size: int):
    whole, part, x = toy(), toy().prefix(count), random_point(6)
    assert part.blocks == BLOCKS[:count]
    np.testing.assert_array_equal(part.values(x), whole.values(x)[:size])
    np.testing.assert_array_equal(part.linearize(x).jacobian(), whole.linearize(x).jacobian()[:size])


def test_lists_of_integers_become_arrays_of_floats():
    counts = ClosedForm((Block("a", 2),), lambda x: [1, 2], lambda x: [[1, 0], [0, 1]])
    at = counts.linearize(np.zeros(2))
    assert counts.values(np.zeros(2)).dtype == at.values.dtype == at.jacobian().dtype == np.float64


def test_each_kind_of_pass_is_counted_and_no_value_changes():
    counted, plain, x, dx = Counted(toy()), toy(), random_point(7), random_point(8)
    w = np.arange(6.0)
    np.testing.assert_array_equal(counted.values(x), plain.values(x))
    at, uncounted = counted.linearize(x), plain.linearize(x)
    np.testing.assert_array_equal(at.values, uncounted.values)
    for _ in range(3):
        np.testing.assert_array_equal(at.jvp(dx), uncounted.jvp(dx))
    for _ in range(5):
        np.testing.assert_array_equal(at.vjp(w), uncounted.vjp(w))
    np.testing.assert_array_equal(at.jacobian(), uncounted.jacobian())
    wanted = np.arange(6) % 3 == 1
    np.testing.assert_array_equal(at.jacobian(wanted), uncounted.jacobian() * wanted[:, None])
    assert counted.passes == Passes(forward=2, jvp=3, vjp=5, jacobian_rows=6 + 2)
    assert counted.passes.total == 18
    assert counted.blocks == BLOCKS


def test_a_prefix_shares_the_counter_and_counts_its_own_rows_only():
    counted, x = Counted(toy()), random_point(9)
    first = counted.prefix(1)
    first.linearize(x).jacobian()
    first.prefix(1).values(x)
    assert first.blocks == BLOCKS[:1]
    assert counted.passes == Passes(forward=2, jacobian_rows=2)
    assert Counted(toy()).passes == Passes(), "another map has its own counter"


def test_since_returns_the_passes_made_after_a_copy():
    counted, x = Counted(toy()), random_point(10)
    counted.values(x)
    before = counted.passes.copy()
    counted.linearize(x).vjp(np.ones(6))
    assert before == Passes(forward=1)
    assert counted.passes.since(before) == Passes(forward=1, vjp=1)


@pytest.mark.parametrize("delta", [0.0, 0.1], ids=["exact", "damped"])
def test_the_first_velocity_costs_one_product_and_one_vjp_beyond_its_explicit_rows(delta: float):
    """A new gradient Gram matrix solves the system at once: one product checks that, and one VJP maps back."""
    counted = Counted(toy())
    lift = Lift(np.ones(6), np.ones(6, bool), Damping(delta, np.ones(6)))
    lift.velocity(counted.linearize(0.1 * random_point(11)))
    assert counted.passes == Passes(forward=1, jvp=1, vjp=2, jacobian_rows=6)


def test_a_normalization_counts_a_known_number_of_passes():
    """The legs are those of the mean and of the mean square; a step of Euler's rule takes one forward pass."""
    moments = ClosedForm(
        (Block("mean", 1), Block("square", 1)),
        lambda x: np.array([np.mean(x), np.mean(x * x)]),
        lambda x: np.stack([np.full(x.size, 1 / x.size), 2 * x / x.size]),
    )
    counted, steps = Counted(moments), 5
    reference = Reference(np.array([0.0, 1.0]), np.ones(2, bool), Damping(0.1, np.ones(2)))
    route = normalize(Context(counted, reference, Settings(rule="euler", steps=steps, tolerance=1e-3)), np.arange(6.0))
    assert counted.passes.forward == 2 * (1 + steps), "one to measure c_k, and one per step"
    assert route.legs[0].passes.jacobian_rows == 1, "the gradient of the mean is constant"
    assert route.legs[0].passes == Passes(forward=steps, jvp=steps, vjp=2 * steps, jacobian_rows=1)
    assert route.legs[1].passes.forward == steps
    total = sum(leg.passes.total for leg in route.legs)
    assert counted.passes.total == total + 2, "besides the legs, only the two measurements of c"


def test_a_network_counts_the_rows_of_a_prefix():
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"), seed=1)
    counted, x = Counted(ChannelMeans(network, "float64")), np.random.default_rng(12).random((20, 24, 3))
    counted.prefix(1).linearize(x).jacobian()
    assert counted.passes == Passes(forward=1, jacobian_rows=64)
    counted.linearize(x).jacobian()
    assert counted.passes == Passes(forward=2, jacobian_rows=64 + 192)
