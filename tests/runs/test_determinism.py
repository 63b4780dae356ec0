"""What the bits of a run depend on: not the process; threads and kernels change them only slightly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from outputs import arrays
from paths import ROOT
from patience import HANG

from decoupling_lib.runs.comparison import IMAGES, TOLERANCE

pytestmark = pytest.mark.slow
RUN = ("--network", "vgg16", "--weights", "hed", "--size", "32", "--layers", "1", "--quiet", "--out")
OTHERS = {
    "one thread": dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"),
    "kernels of another library": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "sums in another order, of an older processor": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
}


def run(folder: Path, **environment: str) -> dict:
    """Return the report of a transfer in a process of its own, with as many threads as it chooses by default."""
    threads = (*OTHERS["one thread"], "OPENBLAS_NUM_THREADS")
    usual = {name: value for name, value in os.environ.items() if name not in threads}
    command = [sys.executable, "-m", "decoupling_lib", "transfer", "coffee", "china", *RUN, str(folder)]
    subprocess.run(command, cwd=ROOT, env={**usual, **environment}, check=True, timeout=HANG)
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("usual")
    return run(folder), folder


def test_another_process_gives_the_same_bits(usual, tmp_path):
    again = run(tmp_path)
    assert {name: each["sha256"] for name, each in again["arrays"].items()} == {
        name: each["sha256"] for name, each in usual[0]["arrays"].items()
    }
    assert again["passes"] == usual[0]["passes"]


@pytest.mark.parametrize("other", OTHERS)
def test_threads_and_kernels_change_no_image_by_more_than_a_rerun_allows(other, usual, tmp_path):
    report, folder = usual
    found = run(tmp_path, **OTHERS[other])
    for name in IMAGES:
        before, now = (np.array(each["arrays"][name]["downsample"]) for each in (report, found))
        assert np.abs(before - now).max() <= TOLERANCE, name
    one, two = arrays(folder), arrays(tmp_path)
    assert np.array_equal(one["origin"], two["origin"]) and np.array_equal(one["live"], two["live"])
