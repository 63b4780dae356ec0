"""How much a leg stretches small changes, where the leg is a filter with a closed form, and by dense algebra."""

import numpy as np
import pytest
from refusals import refusal
from scipy.optimize import root
from solved_legs import solve
from toys import FIRST, NOISE, TOY, reference

from decoupling_lib.engine.amplification import amplification
from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block
from decoupling_lib.engine.leg_derivative import SolvedLeg
from decoupling_lib.engine.leg_state import LegState
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.symmetric import follow_symmetric

N = 24
MODES = np.fft.rfftfreq(N)
LAPLACE = 4 * np.sin(np.pi * MODES) ** 2


def laplacian(x: np.ndarray) -> np.ndarray:
    return 2 * x - np.roll(x, 1, axis=0) - np.roll(x, -1, axis=0)


CONTRAST = ClosedForm(
    (Block("contrast", 2),),
    lambda x: np.array([x @ x, x @ laplacian(x)]) / N,
    lambda x: 2 * np.stack([x, laplacian(x)]) / N,
    lambda x, w: 2 * (w[0] * np.eye(N) + w[1] * laplacian(np.eye(N))) / N,
)


def signal() -> np.ndarray:
    """Return a periodic signal with waves 1 to 6; the faster ones are silent."""
    spectrum = np.zeros(len(MODES), complex)
    spectrum[1:7] = np.exp(2j * np.pi * np.random.default_rng(0).random(6)) / np.arange(1, 7)
    return np.fft.irfft(spectrum, N) * N / 2


@pytest.mark.parametrize("sharper", [1.5, 0.7])
def test_a_leg_of_contrast_and_sharpness_is_an_exponential_filter(sharper: float):
    """V = (λ₁ + λ₂L)x, so each wave is multiplied by exp(a + bλ); silent waves change no feature to first order."""
    x = signal()
    aim = CONTRAST.values(x) * np.array([1.1, sharper])
    spectrum = np.fft.rfft(x)

    def filtered(parameters: np.ndarray) -> np.ndarray:
        return np.fft.irfft(spectrum * np.exp(parameters[0] + parameters[1] * LAPLACE), N)

    a, b = root(lambda parameters: CONTRAST.values(filtered(parameters)) - aim, np.zeros(2), tol=1e-12).x
    assert (b > 0) == (sharper > 1.1)
    points, live, rate = [x], np.ones(2, bool), aim - CONTRAST.values(x)
    undamped, grid = Damping(0.0, np.ones(2)), np.linspace(0, 1, 65)
    flow = follow_symmetric(
        CONTRAST, LegState(x), rate, live, undamped, grid, 1e-13, on_step=lambda _, state: points.append(state.x)
    )
    np.testing.assert_allclose(flow.x, filtered([a, b]), atol=1e-4)
    leg = SolvedLeg(CONTRAST, tuple(points), flow.guide, slice(2), live, undamped, False, 1e-10)
    for k in range(7, 12):
        wave = np.cos(2 * np.pi * k * np.arange(N) / N)
        growth = np.exp(a + b * LAPLACE[k])
        np.testing.assert_allclose(leg.push(wave), growth * wave, atol=2e-4 * growth)
        np.testing.assert_allclose(leg.reversed().push(wave), wave / growth, atol=2e-4 / growth)
    found = amplification(leg, products=200)
    fastest = np.exp(a + b * LAPLACE[-1])
    assert max(found.there, found.back) >= 0.95 * max(fastest, 1 / fastest)


def test_it_is_the_largest_singular_value_there_and_back():
    aim = TOY.values(FIRST + 0.3 * (NOISE - FIRST))
    damping = reference(TOY, aim, 0.05, NOISE).damping
    _, rate = solve(TOY, FIRST, aim, slice(2, 5), damping)
    leg, _ = solve(TOY, FIRST, aim, slice(2, 5), damping, rate)
    matrix = np.stack([leg.push(dx) for dx in np.eye(14)], axis=1)
    largest, *_, smallest = np.linalg.svd(matrix, compute_uv=False)
    found = amplification(leg, products=400)
    assert 0.95 * largest < found.there <= largest * (1 + 1e-9)
    assert 0.95 / smallest < found.back <= (1 + 1e-9) / smallest
    few = amplification(leg, products=1)
    assert few.there == few.white_there <= found.there


def test_white_growth_is_the_root_mean_square_of_the_singular_values():
    aim = TOY.values(FIRST + 0.3 * (NOISE - FIRST))
    damping = reference(TOY, aim, 0.05, NOISE).damping
    leg, _ = solve(TOY, FIRST, aim, slice(2, 5), damping, solve(TOY, FIRST, aim, slice(2, 5), damping)[1])
    matrix = np.stack([leg.push(dx) for dx in np.eye(14)], axis=1)
    draws = [amplification(leg, 1, seed).white_there ** 2 for seed in range(400)]
    assert np.mean(draws) == pytest.approx(np.sum(matrix**2) / 14, rel=0.1)


def test_no_product_is_refused():
    aim = TOY.values(FIRST + 0.3 * (NOISE - FIRST))
    leg, _ = solve(TOY, FIRST, aim, slice(2, 5), Damping(0.1, np.ones(5)))
    assert "0" in refusal(amplification, leg, 0)
