"""The estimate of the peak memory: what it depends on, what limits it, and the peak of a run in a new process."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from paths import ROOT
from patience import HANG

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.context import Settings
from decoupling_lib.methods.method import MethodSettings
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers import memory

FIVE = tuple(f"block{k}_conv1" for k in range(1, 6))


@pytest.fixture(scope="module")
def means():
    return ChannelMeans(build_network("vgg16", "random", layers=FIVE))


def estimate(means, layers: int = 2, side: int = 256, method: str = "decoupled", **changes) -> int:
    settings = replace(Settings(), **changes)
    return memory.estimate_peak(means.prefix(layers), (side, side), settings, MethodSettings(method))


def test_the_estimate_grows_with_pixels_layers_refinements_and_what_the_process_holds(means, monkeypatch):
    monkeypatch.setattr(memory, "resident_bytes", lambda: 0)
    assert estimate(means, side=256) < estimate(means, side=512) < 4 * estimate(means, side=256)
    by_layers = [estimate(means, layers, 256) for layers in range(1, 6)]
    assert by_layers == sorted(by_layers)
    # With two layers of 64 and 128 channels the Jacobian and its squares take 192 x 3 x 256² x (4 + 8) bytes.
    assert estimate(means) > 192 * 3 * 256**2 * 12 / 2**20
    assert estimate(means, 5, refinements=0) <= estimate(means, 5, refinements=1)
    less = estimate(means)
    monkeypatch.setattr(memory, "resident_bytes", lambda: 2**30)
    assert estimate(means) - less == 1024


def test_two_layers_at_512_pixels_fit_into_8_gib(means):
    for method in ("decoupled", "projected", "descent", "direct"):
        assert estimate(means, 2, 512, method) < 8192


def test_a_run_that_does_not_fit_is_refused_with_estimate_limit_and_next_step(monkeypatch):
    memory.require(100, 100)
    with pytest.raises(InputError, match="received 101; accepted: at most 100,.*--memory-limit; .*--size"):
        memory.require(101, 100)
    monkeypatch.setattr(memory, "available_mib", lambda: 50)
    with pytest.raises(InputError, match="received 51; accepted: at most 50,.*; .*--size"):
        memory.require(51, None)
    monkeypatch.setattr(memory, "available_mib", lambda: None)
    memory.require(2**40, None)


def test_the_estimate_is_within_a_quarter_of_the_peak_of_a_run(pictures, tmp_path: Path):
    """Most of the peak of so small a run is TensorFlow itself."""
    command = ["transfer", *pictures, "--size", "96", "--network", "vgg16", "--weights", "random", "--steps", "1"]
    command += ["--tolerance", "1e-1", "--method", "direct", "--iterations", "2", "--quiet", "--out", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "decoupling_lib", *command], cwd=ROOT, check=True, timeout=HANG)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert 0.8 < report["estimated_memory_mib"] / report["peak_memory_mib"] < 1.25
