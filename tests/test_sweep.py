"""Sweeps: what their file means, failures that stay alone, and a cluster of which a worker is killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoupling_lib import sweep
from decoupling_lib.checks import InputError

ONE_THREAD = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
SMALL = """
[fixed]
size = 24
layers = 1
network = "vgg16"
weights = "random"
rule = "rk4"
tolerance = 1e-4
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "sweep.toml"
    path.write_text(text, "utf-8")
    return path


def shas(out: Path) -> dict[str, str]:
    """The result's sha256 of each complete transfer."""
    reports = (json.loads(path.read_text()) for path in sorted(out.glob("*/report.json")))
    return {path.parent.name: found["arrays"]["result"]["sha256"] for path, found in zip(
        sorted(out.glob("*/report.json")), reports, strict=True
    )}  # fmt: skip


def table(out: Path) -> list[dict[str, str]]:
    with open(out / sweep.TABLE, encoding="utf-8") as read:
        return list(csv.DictReader(read))


def test_a_file_means_every_pair_with_every_combination_once(tmp_path):
    text = 'origins = ["coffee", "flower"]\ntargets = ["china", "chelsea"]\n[grid]\nsteps = [4, 8, 4]\nseed = [0, 1]\n'
    jobs = sweep.read(file(tmp_path, text))
    found = [(job.origin, job.target, job.options.steps, job.options.seed) for job in jobs]
    assert len(found) == len(set(found)) == 2 * 2 * 2 * 2
    assert found[:3] == [("coffee", "china", 4, 0), ("coffee", "china", 4, 1), ("coffee", "china", 8, 0)]
    assert len({job.name for job in jobs}) == len(jobs)
    again = sweep.read(file(tmp_path, text))
    assert [job.name for job in again] == [job.name for job in jobs]


def test_pairs_and_sizes(tmp_path):
    text = 'pairs = [["coffee", "china"], ["china", "china"]]\n[grid]\nsize = [32, [32, 48]]\n'
    jobs = sweep.read(file(tmp_path, text))
    assert [(job.origin, job.options.size) for job in jobs] == [
        ("coffee", (32, 32)), ("coffee", (32, 48)), ("china", (32, 32)), ("china", (32, 48)),
    ]  # fmt: skip


def test_names_of_folders_stay_inside(tmp_path):
    hostile = [
        "../../etc/passwd",
        "/etc/passwd",
        "a\\\\..\\\\b",
        "\u0000".replace("\u0000", "nul"),
        "x" * 500,
        "ñandú.png",
        ".",
    ]
    jobs = sweep.read(file(tmp_path, f'origins = {json.dumps(hostile)}\ntargets = ["china"]\n'))
    for job in jobs:
        assert (tmp_path / job.name).resolve().parent == tmp_path.resolve()
        assert job.name.replace("-", "").replace("_", "").isalnum() and len(job.name) < 100


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing", "names no pictures"),
        ("origins = [", "no TOML"),
        ("a = " + "[" * 5000, "no TOML"),
        ('origins = ["coffee"]', "names no pictures"),
        ('pairs = [["coffee"]]', "names no pictures"),
        ('pairs = [["coffee", 3]]', "names no pictures"),
        ('origin = ["coffee"]', "origin"),
        ('pairs = [["a", "b"]]\nfixed = 3', "fixed"),
        ('pairs = [["a", "b"]]\n[fixed]\nstep = 3', "steps"),
        ('pairs = [["a", "b"]]\n[fixed]\nsteps = "many"', "many"),
        ('pairs = [["a", "b"]]\n[fixed]\nsteps = nan', "nan"),
        ('pairs = [["a", "b"]]\n[fixed]\nsize = "big"', "big"),
        ('pairs = [["a", "b"]]\n[grid]\nsteps = 3', "brackets"),
        ('pairs = [["a", "b"]]\n[grid]\nsteps = []', "at least one"),
        ('pairs = [["a", "b"]]\n[fixed]\nsteps = 3\n[grid]\nsteps = [4]', "fixed and in grid"),
        ('pairs = [["a", "b"]]\n[grid]\nseed = [' + "0," * 20_000 + "]", "10,000"),
        ('pairs = [["a", "b"]]\n[grid]\nlayers = [[[1]]]', "layers"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line_and_nothing_is_written(text, said, decoupling, tmp_path):
    found = decoupling("sweep", file(tmp_path, text), "--out", tmp_path / "out")
    assert found.code == 2 and found.err.count("\n") == 1 and said in found.err
    assert not (tmp_path / "out").exists()


def test_a_failure_stays_alone_and_only_it_is_run_again(tmp_path):
    picture = tmp_path / "later.png"
    pairs = [["coffee", "china"], [str(picture), "china"]]
    jobs = sweep.read(file(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n"))
    out = tmp_path / "out"
    out.mkdir()
    outcomes = [sweep.perform(job, str(out)) for job in jobs]
    assert [outcome["status"] for outcome in outcomes] == ["done", "failed"]
    assert "does not exist" in outcomes[1]["said"]
    assert "does not exist" in json.loads((out / jobs[1].name / sweep.FAILED).read_text())["said"]
    written = (out / jobs[0].name / "report.json").stat().st_mtime_ns
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)).save(picture)
    assert [sweep.perform(job, str(out))["status"] for job in jobs] == ["done", "done"]
    assert (out / jobs[0].name / "report.json").stat().st_mtime_ns == written
    assert not (out / jobs[1].name / sweep.FAILED).exists()


def test_a_folder_of_another_transfer_is_not_taken_for_complete(tmp_path):
    job, other = sweep.read(file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}[grid]\nsteps = [3, 4]\n'))
    (tmp_path / job.name).mkdir()
    for content in ("", "{", "[]", "{}", json.dumps({"sweep": sweep._key(other)})):
        (tmp_path / job.name / "report.json").write_text(content)
        assert sweep.complete(job, tmp_path) is None


def test_the_table_shows_what_differs(tmp_path):
    jobs = sweep.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n[grid]\nsteps = [3, 4]\n'))
    rows = [
        sweep.Row(jobs[0], "done", "", {"passes": 7, "style a": 0.5}, True),
        sweep.Row(jobs[1], "failed", 'no, "really"', {}, True),
    ]
    sweep.write_table(tmp_path / sweep.TABLE, rows)
    first, second = table(tmp_path)
    assert (first["steps"], first["passes"], first["style a"]) == ("3", "7", "0.5") and "seed" not in first
    assert (second["status"], second["said"], second["passes"]) == ("failed", 'no, "really"', "")


def test_a_scheduler_that_is_not_there_is_told(tmp_path):
    job = sweep.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n'))
    with pytest.raises(InputError, match="--scheduler"):
        sweep.run(job, tmp_path, scheduler="nonsense://x")


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, each with its process of one thread, on the loopback interface."""
    dask = [sys.executable, "-m", "dask"]
    address = tmp_path / "scheduler.json"
    environment = {**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    where = ["--host", "127.0.0.1", "--scheduler-file", str(address), "--no-dashboard"]
    started = [subprocess.Popen([*dask, "scheduler", *where[:2], "--port", "0", *where[2:]], **quiet)]
    for _ in range(2):
        worker = [*dask, "worker", "--nworkers", "1", "--nthreads", "1", "--no-nanny", *where]
        started.append(subprocess.Popen(worker, **quiet))
    for _ in range(600):
        if address.exists() and address.stat().st_size:
            break
        time.sleep(0.1)
    yield json.loads(address.read_text())["address"], started[1:]
    for process in started[::-1]:
        process.terminate()
        process.wait(60)


@pytest.mark.faults
def test_a_cluster_loses_a_worker_and_no_transfer(cluster, tmp_path, record_property):
    scheduler, workers = cluster
    spec = file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}[grid]\nseed = [0, 1]\nsteps = [20, 21]\n')
    jobs, out, alone = sweep.read(spec), tmp_path / "out", tmp_path / "alone"
    command = [sys.executable, "-m", "decoupling_lib.cli", "sweep", str(spec), "--quiet"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [*command, "--out", str(out), "--scheduler", scheduler], cwd=root, stdout=subprocess.PIPE, text=True
    ) as run:
        for _ in range(1200):  # until the first is complete, while others run
            if any(sweep.complete(job, out) for job in jobs):
                break
            time.sleep(0.1)
        before = {
            job.name: (out / job.name / "report.json").stat().st_mtime_ns for job in jobs if sweep.complete(job, out)
        }
        assert 0 < len(before) < len(jobs)
        workers[0].send_signal(signal.SIGKILL)
        said, _ = run.communicate(timeout=300)
    assert run.returncode == 0 and said.startswith("4 done, 0 failed; 4 run now")
    assert all((out / name / "report.json").stat().st_mtime_ns == written for name, written in before.items())
    assert len(table(out)) == 4 and (out / "contact.png").exists()

    again = subprocess.run([*command, "--out", str(out)], cwd=root, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0 and "4 done, 0 failed; 0 run now" in again.stdout
    single = [*command, "--out", str(alone), "--workers", "1"]
    assert subprocess.run(single, cwd=root, capture_output=True, timeout=300).returncode == 0
    assert shas(alone) == shas(out) and len(shas(out)) == 4
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_the_outlook_counts_what_is_left_and_what_it_takes(tmp_path):
    jobs = sweep.read(file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}[grid]\nseed = [0, 1, 2]\nsteps = [3]\n'))
    assert sweep.perform(jobs[1], str(tmp_path))["status"] == "done"
    said = sweep.outlook(jobs, tmp_path, 2)
    assert (
        said.startswith("3 transfers, 1 of them complete; estimate") and "2 workers" in said and "MiB on disk" in said
    )
    for job in jobs:
        sweep.perform(job, str(tmp_path))
    assert sweep.outlook(jobs, tmp_path, 2) == "3 transfers, 3 of them complete"
