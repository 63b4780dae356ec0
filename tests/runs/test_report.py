"""The fields of the report, which other tools read, and its numbers, computed again from the saved arrays."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outputs import arrays
from PIL import Image

from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.runs import outputs, report
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import prepare
from decoupling_lib.transfers.tuning import TUNING

LAYER = "block1_conv1"
OPTIONS = Options(
    layers=1, size=(24, 20), network="vgg16", weights="random", rule="rk4", steps=3, tolerance=1e-4, seed=3,
    reference="noise", precision="mixed",
)  # fmt: skip
NUMBER = (int, float)
PASSES = {"forward": int, "jvp": int, "vjp": int, "jacobian_rows": int}
STAGE = {"step": int, "layer": str, "relative_error": NUMBER, "held_relative_error": NUMBER}
STAGE |= {"remaining_fraction": NUMBER, "remaining_fraction_worst_channel": NUMBER, "mse": NUMBER, "passes": PASSES}
STAGE |= {"seconds": NUMBER, "live_channels": int, "status": str}
NETWORK = {"architecture": str, "weights": str, "sha256": str, "layers": [str], "activation": str}
NETWORK |= {"softness": NUMBER, "pooling": str, "temperatures": {LAYER: NUMBER}}
NETWORK |= {"fidelity": {LAYER: {"relative_difference": NUMBER, "correlation": NUMBER}}}
SCHEMA = {"schema": int, "command": str, "method": str, "seed": int, "size": [int], "network": NETWORK}
SCHEMA |= {"damping": NUMBER, "stages": [STAGE], "style_relative_error": {LAYER: NUMBER}, "passes": PASSES}
SCHEMA |= {"out_of_range_fraction": NUMBER, "wall_seconds": NUMBER, "peak_memory_mib": int}
SCHEMA |= {"versions": {"python": str, "decoupling": str, "tensorflow": str, "numpy": str}}
SCHEMA |= {"inputs": [{"name": str, "sha256": str}]}
SELF_TRANSFER = {"psnr_db": NUMBER, "ssim": NUMBER, "max_error": NUMBER}


def conform(value, schema, where="report"):
    if isinstance(schema, dict):
        for name, entry in schema.items():
            assert name in value, f"{where} lacks {name}"
            conform(value[name], entry, f"{where}.{name}")
    elif isinstance(schema, list):
        assert isinstance(value, list) and value, where
        for entry in value:
            conform(entry, schema[0], f"{where}[]")
    else:
        assert isinstance(value, schema) and not isinstance(value, bool), f"{where}: {value!r}"


def refuse_constant(name: str):
    raise AssertionError(f"{name} is not JSON")


def read(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text("utf-8"), parse_constant=refuse_constant)


@pytest.fixture(scope="module")
def runs(pictures, tmp_path_factory):
    """Return experiment, result and folder of a transfer and of a self-transfer."""
    outcome = {}
    for name, target in (("pair", pictures[1]), ("self", pictures[0])):
        experiment, folder = prepare(pictures[0], target, OPTIONS), tmp_path_factory.mktemp(name)
        result = experiment.run()
        assert result.status == "done"
        outputs.write_outputs(folder, experiment, result, report.create_report(experiment, result, 1.5))
        outcome[name] = (experiment, result, folder)
    return outcome


@pytest.mark.parametrize("name", ["pair", "self"])
def test_every_field_of_the_contract(runs, name: str):
    _, _, folder = runs[name]
    found = read(folder)
    conform(found, SCHEMA)
    assert (found["schema"], found["command"], found["method"], found["seed"]) == (1, "transfer", "decoupled", 3)
    assert found["size"] == [24, 20]
    assert (found["network"]["architecture"], found["network"]["weights"]) == ("vgg16", "random")
    assert found["network"]["layers"] == [LAYER]
    assert [(stage["step"], stage["layer"]) for stage in found["stages"]] == [(step, LAYER) for step in (1, 2, 3)]
    assert {stage["status"] for stage in found["stages"]} <= {"reached", "damped_end", "max_steps"}
    assert all(len(entry["sha256"]) == 64 for entry in found["inputs"]) and len(found["inputs"]) == 2
    for kind in PASSES:
        assert found["passes"][kind] == sum(stage["passes"][kind] for stage in found["stages"])
    assert found["wall_seconds"] == 1.5 and 50 < found["peak_memory_mib"] < 100_000


def test_a_report_has_plain_types_before_it_is_written(runs):
    experiment, result, _ = runs["pair"]
    stages = report.create_report(experiment, result, 1.0)["stages"]
    assert [type(stage["step"]) for stage in stages] == [int] * 3  # as other tools read it, and not an enumeration
    assert not any("curve" in stage for stage in stages)


def test_the_images_are_the_clipped_arrays(runs):
    _, _, folder = runs["pair"]
    saved, outside = arrays(folder), 0
    for name in ("origin", "target", "origin_noisified", "target_noisified", "result"):
        array = saved[name]
        assert array.dtype.kind == "f" and array.shape == (24, 20, 3)
        outside += np.count_nonzero((array < 0) | (array > 1))
        png = np.asarray(Image.open(folder / f"{name}.png"))
        np.testing.assert_allclose(png / 255, np.clip(array, 0, 1), rtol=0, atol=0.5 / 255 + 1e-9)
    assert outside > 0, "no image leaves [0, 1] here, so the test could not distinguish clipped from unclipped"
    for name in ("panel.png", "losses.png"):
        with Image.open(folder / name) as figure:
            assert min(figure.size) > 100


def test_the_out_of_range_fraction_is_that_of_the_result(runs):
    for _, _, folder in runs.values():
        result = arrays(folder)["result"]
        assert read(folder)["out_of_range_fraction"] == pytest.approx(np.mean((result < 0) | (result > 1)))


def test_the_quality_of_a_self_transfer_is_that_of_the_unclipped_arrays(runs):
    assert read(runs["pair"][2])["self_transfer"] is None
    folder = runs["self"][2]
    saved, found = arrays(folder), read(folder)["self_transfer"]
    conform(found, SELF_TRANSFER)
    difference = saved["result"] - saved["origin"]
    assert found["psnr_db"] == pytest.approx(-10 * math.log10(np.mean(difference**2)))
    assert found["max_error"] == pytest.approx(np.abs(difference).max())
    assert 0 < found["ssim"] <= 1


def test_the_errors_of_the_stages_follow_from_the_arrays(runs):
    _, _, folder = runs["pair"]
    saved, stages = arrays(folder), read(folder)["stages"]
    means = ChannelMeans(build_network("vgg16", "random", (LAYER,), "softplus", TUNING[1].softness, "smooth", 3))
    live = saved["live"]
    starts, ends = ("origin", "target", "target_noisified"), ("origin_noisified", "target_noisified", "result")
    for stage, start, end, aim in zip(stages, starts, ends, ("reference", "reference", "style"), strict=True):
        gap = (means.values(saved[end]) - saved[aim])[live]
        first = (means.values(saved[start]) - saved[aim])[live]
        norm = np.linalg.norm
        assert stage["relative_error"] == pytest.approx(norm(gap) / norm(saved[aim][live]), rel=1e-6)
        assert stage["remaining_fraction"] == pytest.approx(norm(gap) / norm(first), rel=1e-6)
        assert stage["mse"] == pytest.approx(np.mean(gap**2), rel=1e-6)
        assert stage["live_channels"] == np.count_nonzero(live)
        assert stage["held_relative_error"] == 0.0, "a single layer holds no other"
    np.testing.assert_allclose(saved["style"], means.values(saved["origin"]), rtol=1e-9)


def test_an_exact_self_transfer_has_null_for_the_infinite_psnr(runs):
    experiment, result, _ = runs["self"]
    exact = replace(result, routes={**result.routes, "step3": replace(result.routes["step3"], x=result.origin)})
    found = json.loads(json.dumps(report.create_report(experiment, exact, 1.0)), parse_constant=refuse_constant)
    assert found["self_transfer"]["psnr_db"] is None and found["self_transfer"]["max_error"] == 0
    assert "self-transfer exact" in report.compose_caption(found)


def test_the_caption_names_network_and_settings(runs):
    found = read(runs["self"][2])
    text = report.compose_caption(found)
    for part in ("decoupled", "vgg16 random", found["network"]["sha256"][:8], LAYER, "softplus", "20x24 px"):
        assert part in text
    for part in (f"damping {TUNING[1].damping:g}", f"softness {TUNING[1].softness:g}", "seed 3"):
        assert part in text
    assert f"self-transfer {found['self_transfer']['psnr_db']:.1f} dB" in text
