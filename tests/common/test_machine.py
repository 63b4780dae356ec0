"""The machine's description: equal where bits are equal, different where threads or kernels are."""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys

from paths import ROOT

from decoupling_lib.common import machine
from decoupling_lib.common.machine import PACKAGES, SETTINGS, describe_machine, package_versions, usable_threads


def test_only_variables_that_choose_threads_or_kernels_change_the_description(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    plain = describe_machine()
    assert plain.keys() == {"processor", "capabilities", "threads", "system"}
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert describe_machine() == plain
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    monkeypatch.setenv("DECOUPLING_UNRELATED", "1")
    assert describe_machine() == plain | {"settings": {"OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"}}


def test_sums_have_equal_bits_where_descriptions_are_equal():
    """The kernels of an older processor stand for another machine, and the description shows it."""
    code = """
import hashlib, json
import numpy as np
from decoupling_lib.common.machine import describe_machine
a = np.random.default_rng(0).random((300, 500))
print(json.dumps([hashlib.sha256((a @ a.T).tobytes()).hexdigest(), describe_machine()]))
"""
    bare = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    found = [
        json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=bare | more))
        for more in ({}, {}, {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem"})
    ]
    assert found[0] == found[1]
    assert found[0][1] != found[2][1]


def test_processors_of_one_name_with_other_capabilities_differ(monkeypatch, tmp_path):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "Path", lambda name: file)
    found = []
    for flags in ("sse4_2 avx2", "avx2 sse4_2", "sse4_2"):
        file.write_text(f"processor\t: 0\nmodel name\t: A processor\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
        found.append(describe_machine())
    assert {each["processor"] for each in found} == {"A processor"}
    assert found[0] == found[1] and found[0]["capabilities"] != found[2]["capabilities"]


def test_a_system_that_lists_no_capabilities_is_described_by_its_architecture(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "Path", lambda name: tmp_path / "missing")
    expected = hashlib.sha256(platform.machine().encode()).hexdigest()
    assert expected.startswith(describe_machine()["capabilities"])


def test_usable_threads_are_the_cores_of_this_process():
    cores = os.sched_getaffinity(0)
    assert usable_threads() == len(cores)
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from decoupling_lib.common.machine import usable_threads; print(usable_threads())"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "1\n"


def test_package_versions_are_those_installed(monkeypatch):
    found = package_versions()
    assert list(found) == ["python", *PACKAGES]
    assert found["numpy"] == importlib.metadata.version("numpy") and found["python"] == platform.python_version()
    monkeypatch.setattr(machine, "PACKAGES", ("no-such-package-here",))
    assert package_versions()["no-such-package-here"] == "not installed"
