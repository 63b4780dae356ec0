"""Steps 0 to 3 on toys and on a small random network, in this process and in new ones."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from patience import HANG

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Reference, Settings
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.engine.lift import Damping, gradient_scales, squared_gradient_norms
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.steps import impose_style, measure_reference, measure_style, remove_style

HERE = Path(__file__).parent
SHAPE = (20, 24, 3)
DELTA = 0.1
QUICK = Settings("rk4", 2, 1e-5, 1e-3, refinements=4)
CAREFUL = Settings("adaptive", 400, 1e-7, 1e-3)


def toy() -> ClosedForm:
    """Return a map of the mean, and then of the means of squares and sines."""
    return ClosedForm(
        (Block("mean", 1), Block("others", 2)),
        lambda x: np.array([np.mean(x), np.mean(x * x), np.mean(np.sin(3 * x))]),
        lambda x: np.stack([np.ones(x.size), 2 * x.ravel(), 3 * np.cos(3 * x.ravel())]) / x.size,
    )


def network_means() -> ChannelMeans:
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"), seed=1)
    return ChannelMeans(network, "float64")


def noise(draws: int = 1) -> np.ndarray:
    return np.random.default_rng(0).random((draws, *SHAPE))


def smooth_image(kind: str) -> np.ndarray:
    """Return a smooth image: "waves" or "ramp"."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    if kind == "waves":
        channels = [0.5 + 0.4 * np.sin(columns / 3), 0.5 + 0.3 * np.cos(rows / 2), 0.3 + 0.01 * columns]
    else:
        channels = [rows / 25, 0.2 + 0.02 * columns + 0.1 * np.sin(rows * columns / 9), 0.6 - rows / 50]
    return np.stack(channels, axis=-1)


# Step 0


@pytest.mark.parametrize("draws", [1, 3])
def test_step_0_averages_over_the_draws_and_takes_its_scales_at_the_first(draws: int):
    images, live = np.random.default_rng(1).random((draws, 4, 5, 3)), np.array([True, True, False])
    counted = Counted(toy())
    step0 = measure_reference(counted, images, live, delta=0.2)
    np.testing.assert_allclose(step0.values, sum(toy().values(image) for image in images) / draws)
    assert step0.damping.delta == 0.2
    scales = gradient_scales(squared_gradient_norms(toy().linearize(images[0]), live), toy().blocks, live)
    np.testing.assert_array_equal(step0.damping.scales, scales)
    np.testing.assert_array_equal(step0.live, live)
    assert counted.passes.forward == draws + 1 and counted.passes.jacobian_rows == 2, "rows of the live features alone"


# Steps 1 to 3


def test_steps_1_and_2_are_the_same_procedure_and_step_3_leads_back():
    images = np.random.default_rng(1).random((2, 4, 5, 3))
    step0 = measure_reference(Counted(toy()), images[:1], np.ones(3, bool), delta=0.05)
    one = measure_style(Context(Counted(toy()), step0, CAREFUL), images[1])
    two = remove_style(Context(Counted(toy()), step0, CAREFUL), images[1])
    np.testing.assert_array_equal(one.x, two.x)
    np.testing.assert_array_equal(one.style, two.style)
    three = impose_style(Context(Counted(toy()), step0, CAREFUL), two.x, one.style)
    assert [[leg.step for leg in route.legs] for route in (one, two, three)] == [[1, 1], [2, 2], [3, 3, 3]]
    assert [leg.layer for leg in three.legs] == ["others", "mean", "mean+others"]
    np.testing.assert_allclose(three.x, images[1], atol=1e-5)


@pytest.fixture(scope="module")
def means() -> ChannelMeans:
    return network_means()


def test_the_self_transfer_of_a_network_leads_back(means: ChannelMeans):
    step0 = measure_reference(Counted(means), noise(), np.ones(192, bool), 0.3)
    one = measure_style(Context(Counted(means), step0, Settings()), smooth_image("waves"))
    three = impose_style(Context(Counted(means), step0, Settings()), one.x, one.style)
    assert np.sqrt(np.mean((one.x - smooth_image("waves")) ** 2)) > 0.05
    assert np.sqrt(np.mean((three.x - smooth_image("waves")) ** 2)) < 1e-3
    assert all(leg.remaining_fraction < 0.5 for leg in one.legs)


def test_the_transfer_of_a_network_imposes_the_style_and_keeps_the_target(means: ChannelMeans):
    step0 = measure_reference(Counted(means), noise(), np.ones(192, bool), DELTA)
    style = measure_style(Context(Counted(means), step0, QUICK), smooth_image("waves")).style
    target = remove_style(Context(Counted(means), step0, QUICK), smooth_image("ramp"))
    result = impose_style(Context(Counted(means), step0, QUICK), target.x, style)
    again = measure_style(Context(Counted(means), step0, QUICK), result.x).style
    distance = np.linalg.norm((target.style - style)[:64])
    assert np.linalg.norm((again - style)[:64]) < 0.1 * distance, "the block that moved last has its style"
    assert [leg.layer for leg in result.legs] == ["block2_conv1", "block1_conv1", "block1_conv1+block2_conv1"]
    *legs, last = result.legs
    assert all(leg.relative_error < 0.02 and leg.remaining_fraction < 0.1 for leg in legs)
    assert last.relative_error < 0.1 and last.remaining_fraction < 1
    correlations = [np.corrcoef(result.x.ravel(), smooth_image(kind).ravel())[0, 1] for kind in ("ramp", "waves")]
    assert correlations[0] > correlations[1] + 0.2


# New processes


def transfer(means: ChannelMeans, origin: str, target: str) -> dict[str, np.ndarray]:
    """Run Steps 0 to 3; return all that Step 3 receives, and its result."""
    counted = Counted(means)
    step0 = measure_reference(counted, noise(), np.ones(192, bool), DELTA)
    style = measure_style(Context(counted, step0, QUICK), smooth_image(origin)).style
    bare_target = remove_style(Context(counted, step0, QUICK), smooth_image(target)).x
    result = impose_style(Context(counted, step0, QUICK), bare_target, style)
    return {
        "bare_target": bare_target,
        "style": style,
        "values": step0.values,
        "live": step0.live,
        "scales": step0.damping.scales,
        "delta_held": np.array([step0.damping.delta, *step0.damping.held]),
        "settings": np.array(json.dumps(asdict(QUICK))),
        "result": result.x,
        "passes": np.array([sum(leg.passes.total for leg in result.legs), counted.passes.total]),
    }


def transfer_to_file(origin: str, target: str, path: str) -> None:
    np.savez(path, **transfer(network_means(), origin, target))


def step_3_from_file(source: str, path: str) -> None:
    """Run Step 3 from saved arrays, without an image of the origin and without noise."""
    with np.load(source) as saved:
        delta, *held = saved["delta_held"]
        step0 = Reference(saved["values"], saved["live"], Damping(delta, saved["scales"], tuple(held)))
        settings = Settings(**json.loads(str(saved["settings"])))
        bare_target, style = saved["bare_target"], saved["style"]
    result = impose_style(Context(Counted(network_means()), step0, settings), bare_target, style)
    np.savez(path, result=result.x, passes=sum(leg.passes.total for leg in result.legs))


def run_in_new_process(function: str, *arguments: str) -> None:
    """Call a function of this module in a new process, which also finds the helper modules of the tests."""
    code = f"import sys; sys.path[:0] = {[str(HERE), str(HERE.parent / 'support')]!r}; import test_steps; "
    code += f"test_steps.{function}(*sys.argv[1:])"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def two_runs(means: ChannelMeans) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """Return two transfers, run one after the other in this process, which has run others before."""
    return {pair: transfer(means, *pair) for pair in (("waves", "ramp"), ("ramp", "waves"))}


@pytest.mark.slow
@pytest.mark.parametrize("pair", [("waves", "ramp"), ("ramp", "waves")], ids=["first", "second"])
def test_each_of_two_runs_in_one_process_equals_a_run_in_a_new_process_to_the_bit(two_runs, pair, tmp_path: Path):
    run_in_new_process("transfer_to_file", *pair, str(tmp_path / "new.npz"))
    with np.load(tmp_path / "new.npz") as new:
        for name, array in two_runs[pair].items():
            np.testing.assert_array_equal(new[name], array, err_msg=name)


@pytest.mark.slow
def test_the_two_runs_differ(two_runs):
    first, second = two_runs.values()
    assert np.max(np.abs(first["result"] - second["result"])) > 0.1
    np.testing.assert_array_equal(first["values"], second["values"])


@pytest.mark.slow
def test_step_3_in_a_new_process_needs_nothing_but_its_arrays(two_runs, tmp_path: Path):
    saved = dict(two_runs["waves", "ramp"])
    result, passes = saved.pop("result"), saved.pop("passes")
    np.savez(tmp_path / "source.npz", **saved)
    run_in_new_process("step_3_from_file", str(tmp_path / "source.npz"), str(tmp_path / "result.npz"))
    with np.load(tmp_path / "result.npz") as new:
        np.testing.assert_array_equal(new["result"], result)
        assert new["passes"] == passes[0]
