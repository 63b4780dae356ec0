"""The model of the peak: what it grows with, what it is compared with, and against a run in a fresh process."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
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


def peak(means, layers: int = 2, side: int = 256, method: str = "decoupled", **changes) -> int:
    return memory.peak(means.prefix(layers), (side, side), replace(Settings(), **changes), MethodSettings(method))


def test_it_grows_with_pixels_and_layers_and_what_is_asked_for(means, monkeypatch):
    monkeypatch.setattr(memory, "resident", lambda: 0)
    assert peak(means, side=256) < peak(means, side=512) < 4 * peak(means, side=256)
    by_layers = [peak(means, layers, 256) for layers in range(1, 6)]
    assert by_layers == sorted(by_layers)
    # At two layers of 64 and 128 channels the Jacobian and its squares weigh 192 x 3 x 256² x (4 + 8) bytes.
    assert peak(means) > 192 * 3 * 256**2 * 12 / 2**20
    assert peak(means, 5, refinements=0) <= peak(means, 5, refinements=1)
    with_memory = [None] * 2
    for place, held in enumerate((0, 2**30)):
        monkeypatch.setattr(memory, "resident", lambda held=held: held)
        with_memory[place] = peak(means)
    assert with_memory[1] - with_memory[0] == 1024


def test_two_layers_at_512_pixels_fit_into_8_gib(means):
    for method in ("decoupled", "projected", "descent", "direct"):
        assert peak(means, 2, 512, method) < 8192


def test_what_does_not_fit_is_refused_with_estimate_limit_and_next_step(monkeypatch):
    memory.require(100, 100)
    with pytest.raises(InputError, match=r"received 101; accepted: at most 100, --memory-limit; use a smaller --size"):
        memory.require(101, 100)
    monkeypatch.setattr(memory, "available", lambda: 50)
    with pytest.raises(InputError, match="at most 50, what this machine has left"):
        memory.require(51, None)
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.require(2**40, None)


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="reads what Linux tells")
def test_available_is_bounded_by_the_machine_and_its_control_group(monkeypatch):
    least, found = memory.resident() // memory.MIB, memory.available()
    assert 10 < least <= found
    total = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    assert found <= total / 1024
    monkeypatch.setattr(memory, "_group_limits", lambda: iter([2**28]))
    assert memory.available() == 256


def test_a_childs_peak_is_its_own_and_not_its_parents():
    held = np.ones(2**26)  # 512 MiB
    code = "from decoupling_lib.transfers import memory; print(memory.peak_resident())"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(child.stdout.split()[-1]) < memory.peak_resident() + 1 - held.nbytes // 2


def test_the_estimate_is_near_the_peak_that_a_run_has(pictures, tmp_path: Path):
    """Within a quarter: below, and above; of the process itself most is TensorFlow."""
    command = ["transfer", *pictures, "--size", "96", "--network", "vgg16", "--weights", "random", "--steps", "1"]
    command += ["--tolerance", "1e-1", "--method", "direct", "--iterations", "2", "--quiet", "--out", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "decoupling_lib", *command], cwd=ROOT, check=True, timeout=HANG)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert 0.8 < report["estimated_memory_mib"] / report["peak_memory_mib"] < 1.25
