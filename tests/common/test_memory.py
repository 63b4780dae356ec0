"""What a process holds and can have: against the files of the system, and in a new process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT

from decoupling_lib.common import memory


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="reads a file of Linux")
def test_the_available_memory_is_limited_by_the_machine_and_its_control_group(monkeypatch):
    least, found = memory.resident_bytes() // memory.MIB, memory.available_mib()
    assert 10 < least <= found
    total = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    assert found <= total / 1024
    monkeypatch.setattr(memory, "_group_limits", lambda: iter([2**28]))
    assert memory.available_mib() == 256


def test_the_peak_of_a_child_is_its_own_and_not_that_of_its_parent():
    large = np.ones(2**26)  # 512 MiB
    code = "from decoupling_lib.common import memory; print(memory.peak_resident_bytes())"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(child.stdout.split()[-1]) < memory.peak_resident_bytes() + 1 - large.nbytes // 2
