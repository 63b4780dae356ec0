"""How much faster a sweep is on two workers than on one.

    python benchmarks/sweep_speedup.py [--transfers 24] [--size 32] [--out FILE]

Three sweeps of the same transfers into new folders: on one worker with one thread, on two such workers, and on one
worker with as many threads as there are cores. The seconds are those of the whole command, including starting the
workers and drawing the contact sheet. Speedups are relative to one worker with one thread, and to one with all threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _common as common

CASES = {"one": (1, 1), "two": (2, 1), "one with all threads": (1, None)}
"""Number of workers, and threads per worker; None is one per core."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=24)
    parser.add_argument("--size", type=int, default=32, help="side of the images, in pixels")
    parser.add_argument("--weights", default="hed")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "sweep_speedup.json")
    arguments = parser.parse_args()
    options = {"transfers": arguments.transfers, "size": arguments.size}
    results = common.Results(arguments.out, "case", dict.fromkeys(CASES, options))
    seconds = {}
    for case, (workers, threads) in CASES.items():
        seconds[case] = _sweep(arguments, workers, threads or os.cpu_count() or 1)
        results.add({"case": case, "workers": workers, "seconds": seconds[case]})
        print(f"{case:22}{seconds[case]:8.1f} s", flush=True)
    print(f"two workers: {seconds['one'] / seconds['two']:.2f} times as fast as one, ", end="")
    print(f"{seconds['one with all threads'] / seconds['two']:.2f} times as fast as one with all threads")


def _sweep(arguments: argparse.Namespace, workers: int, threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "sweep.toml")
        seeds = json.dumps(list(range(arguments.transfers)))
        fixed = (
            f"size = {arguments.size}\nlayers = 2\nrefinements = 0\nnetwork = 'vgg16'\nweights = '{arguments.weights}'"
        )
        spec.write_text(f"pairs = [['coffee', 'china']]\n[fixed]\n{fixed}\n[grid]\nseed = {seeds}\n", "utf-8")
        command = [sys.executable, "-m", "decoupling_lib", "sweep", str(spec), "--out", str(Path(folder, "out"))]
        command += ["--quiet", "--workers", str(workers), "--threads", str(threads)]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


if __name__ == "__main__":
    common.run(main)
