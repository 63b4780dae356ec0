"""The annex's self-transfer of figures 4.2 and 4.4."""

import numpy as np
import pytest

from decoupling_lib.common.errors import RunEndedError
from decoupling_lib.figures import annex
from decoupling_lib.figures.kept_transfers import keep_transfers
from decoupling_lib.images.noise import uniform_noise
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.network_source import choose_source

SOURCE, PICTURE, SIDE, ITERATIONS = choose_source(), "china", 32, 12
CASE = (SOURCE, PICTURE, SIDE, ITERATIONS)


@pytest.fixture(autouse=True)
def forget():
    """Forget runs of other tests, as in a new process."""
    annex.run_annex.cache_clear()
    yield
    annex.run_annex.cache_clear()


def first_means(x: np.ndarray) -> np.ndarray:
    """Return the channel means of the thesis's first layer, with ReLU."""
    layers = SOURCE.layers(1)
    return ChannelMeans(build_network(*vars(SOURCE).values(), layers, activation="relu", pooling="max")).values(x)


def test_it_descends_for_all_iterations_in_both_steps():
    run = annex.run_annex(*CASE)
    assert [leg.layer for leg in run.step3.legs] == [leg.layer for leg in reversed(run.step1.legs)]
    assert {leg.steps for route in (run.step1, run.step3) for leg in route.legs} == {ITERATIONS}
    # One forward pass per iterate, the first one included, and one VJP per iteration.
    assert run.passes == 4 * (2 * ITERATIONS + 1)
    noise = first_means(uniform_noise((SIDE, SIDE), run.experiment.options.seed))
    picture = load_picture(PICTURE, (SIDE, SIDE)).array
    before, after = (np.linalg.norm(first_means(x) - noise) for x in (picture, run.step1.x))
    assert after < before


def test_the_plotted_curve_is_the_distance_of_the_first_layer_from_its_style_while_the_second_moves():
    run = annex.run_annex(*CASE)
    passes, errors = run.plotted.T
    style = first_means(load_picture(PICTURE, (SIDE, SIDE)).array)  # before its leg, the first layer's c is f
    start = np.linalg.norm(first_means(run.step1.x) - style) / np.linalg.norm(style)
    second, first = run.step3.legs
    assert errors[0] == pytest.approx(start, rel=1e-5)
    assert errors[-1] == pytest.approx(first.curve[0][1], rel=1e-5)  # where the first layer's own leg begins
    assert (passes[0], passes[-1]) == (0, second.passes.total) and np.all(np.diff(passes) >= 0)
    recorded = dict(second.curve)
    assert all(abs(error - recorded[count]) > 1e-3 for count, error in run.plotted)  # not the second layer's


def test_a_resumed_run_has_the_curve_of_a_leg_that_is_not_followed_again(tmp_path):
    with pytest.raises(RuntimeError, match="a full disk"), keep_transfers(tmp_path):
        whole = annex.run_annex(*CASE)
        raise RuntimeError("a full disk")
    annex.run_annex.cache_clear()
    (last,) = tmp_path.rglob("step3.block1_conv1.npz")
    last.unlink()  # as if the process had been killed in the last leg
    with keep_transfers(tmp_path, resume=True):
        resumed = annex.run_annex(*CASE)
    assert resumed is not whole and len(whole.plotted) > 3
    np.testing.assert_array_equal(resumed.plotted, whole.plotted)
    np.testing.assert_array_equal(resumed.step3.x, whole.step3.x)
    assert not any(tmp_path.iterdir())


def test_an_interrupted_run_ends_as_one(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(annex._FirstLayerWatch, "__call__", interrupt)
    with pytest.raises(RunEndedError, match="interrupted in step3"):
        annex.run_annex(*CASE)
