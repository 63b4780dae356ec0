"""Sweeps: what their file means, failures that stay alone, and a cluster of which a worker is killed."""

import csv
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import dask
import numpy as np
import pytest
from command_line import start
from distributed import LocalCluster, Security
from patience import HANG
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.runs import contact_sheet, sweep, sweep_spec
from decoupling_lib.runs.sweep_spec import with_absolute_paths
from decoupling_lib.transfers import memory

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


def ran(*arguments: object) -> tuple[int, str, str]:
    """The command line in a process of its own: what Dask leaves open there when it fails is gone with it."""
    process = start(*arguments)
    out, err = process.communicate(timeout=HANG)
    return process.returncode, out, err


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
    jobs = sweep_spec.read(file(tmp_path, text))
    found = [(job.origin, job.target, job.options.steps, job.options.seed) for job in jobs]
    assert len(found) == len(set(found)) == 2 * 2 * 2 * 2
    assert found[:3] == [("coffee", "china", 4, 0), ("coffee", "china", 4, 1), ("coffee", "china", 8, 0)]
    assert len({job.name for job in jobs}) == len(jobs)
    again = sweep_spec.read(file(tmp_path, text))
    assert [job.name for job in again] == [job.name for job in jobs]


def test_pairs_and_sizes(tmp_path):
    text = 'pairs = [["coffee", "china"], ["china", "china"]]\n[grid]\nsize = [32, [32, 48]]\n'
    jobs = sweep_spec.read(file(tmp_path, text))
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
    jobs = sweep_spec.read(file(tmp_path, f'origins = {json.dumps(hostile)}\ntargets = ["china"]\n'))
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
    jobs = sweep_spec.read(file(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n"))
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
    job, other = sweep_spec.read(file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}[grid]\nsteps = [3, 4]\n'))
    (tmp_path / job.name).mkdir()
    for content in ("", "{", "[]", "{}", json.dumps({"sweep": other.key})):
        (tmp_path / job.name / "report.json").write_text(content)
        assert sweep.complete(job, tmp_path) is None


@pytest.mark.parametrize("changed", ["picture", "weights"])
def test_a_transfer_whose_picture_or_weights_have_changed_is_not_complete(changed, tmp_path):
    files = {"picture": tmp_path / "a.png", "weights": tmp_path / "w.h5"}
    for path in files.values():
        path.write_bytes(b"before")
    text = f'pairs = [["{files["picture"]}", "china"]]\n[fixed]\nnetwork = "vgg16"\nweights = "{files["weights"]}"\n'
    (job,) = sweep_spec.read(file(tmp_path, text))
    (tmp_path / job.name).mkdir()
    before = hashlib.sha256(b"before").hexdigest()
    used = {"inputs": [{"sha256": before}, {"sha256": "of a bundled picture"}], "network": {"sha256": before}}
    (tmp_path / job.name / "report.json").write_text(json.dumps(used | {"sweep": job.key}))
    assert sweep.complete(job, tmp_path) is not None
    files[changed].write_bytes(b"after")
    assert sweep.complete(job, tmp_path) is None
    files[changed].unlink()  # a cluster may have files that this machine has not
    assert sweep.complete(job, tmp_path) is not None


def test_the_weights_at_hand_are_part_of_a_transfer(tmp_path, monkeypatch):
    text, keys = 'pairs = [["coffee", "china"]]\n', set()
    for source in ("hed", "imagenet", str(tmp_path / "own.h5")):
        monkeypatch.setenv(sweep_spec.weights.ENVIRONMENT, source)
        (job,) = sweep_spec.read(file(tmp_path, text))
        assert job.options.weights == source and job.options.network in ("vgg16", "vgg19")
        keys.add(job.key)
    assert len(keys) == 3


def test_workers_elsewhere_are_given_whole_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "w.h5"):
        Path(name).write_bytes(b"x")
    text = 'pairs = [["a.png", "china"]]\n[fixed]\nnetwork = "vgg16"\nweights = "w.h5"\n'
    (job,) = sweep_spec.read(file(tmp_path, text))
    placed = with_absolute_paths(job)
    assert (placed.origin, placed.target, placed.options.weights) == (
        str(tmp_path / "a.png"), "china", str(tmp_path / "w.h5"),
    )  # fmt: skip
    assert (placed.name, placed.key, job.origin) == (job.name, job.key, "a.png")

    Path("coffee").mkdir()  # a folder is no picture, and a file is no source of weights
    Path("hed").write_bytes(b"x")
    (named,) = sweep_spec.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n[fixed]\nweights = "hed"\n'))
    assert with_absolute_paths(named) == named


def test_the_table_shows_what_differs(tmp_path):
    jobs = sweep_spec.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n[grid]\nsteps = [3, 4]\n'))
    rows = [
        sweep.Row(jobs[0], "done", "", {"passes": 7, "style a": 0.5}, True),
        sweep.Row(jobs[1], "failed", 'no, "really"', {}, True),
    ]
    sweep.write_table(tmp_path / sweep.TABLE, rows)
    first, second = table(tmp_path)
    assert (first["steps"], first["passes"], first["style a"]) == ("3", "7", "0.5") and "seed" not in first
    assert (second["status"], second["said"], second["passes"]) == ("failed", 'no, "really"', "")


@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        ("nonsense://127.0.0.1", "does not answer"),
        ("tls://127.0.0.1:8786", "does not answer"),  # no certificates are set here: Dask raises a TypeError
        ("ucx://127.0.0.1:1", "does not answer"),
        ("tcp://127.0.0.1:9", "does not answer"),
        ("tcp://192.0.2.1:8786", "not encrypted"),
        ("node1:8786", "not encrypted"),
        ("tcp://[nonsense", "not encrypted"),
        ("", "not encrypted"),
    ],
)
def test_a_scheduler_that_does_not_answer_or_listens_in_the_open_is_refused(scheduler, said, tmp_path):
    spec = file(tmp_path, 'pairs = [["coffee", "china"]]\n')
    code, _, err = ran("sweep", spec, "--out", tmp_path / "out", "--scheduler", scheduler)
    assert code == 2 and err.count("\n") == 1 and said in err and "--scheduler" in err


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
    until = time.monotonic() + HANG
    while not (address.exists() and address.stat().st_size) and time.monotonic() < until:
        time.sleep(0.1)
    yield json.loads(address.read_text())["address"], started[1:]
    for process in started[::-1]:
        process.terminate()
        process.wait(HANG)


@pytest.mark.slow
@pytest.mark.faults
def test_a_cluster_loses_a_worker_and_no_transfer(cluster, tmp_path, record_property):
    scheduler, workers = cluster
    spec = file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}[grid]\nseed = [0, 1]\nsteps = [20, 21]\n')
    root = tmp_path / "client"  # the workers' working directory is another
    root.mkdir()
    jobs, out, alone = sweep_spec.read(spec), root / "out", tmp_path / "alone"
    command = [sys.executable, "-m", "decoupling_lib.cli", "sweep", str(spec), "--quiet"]
    with subprocess.Popen(
        [*command, "--out", "out", "--scheduler", scheduler], cwd=root, stdout=subprocess.PIPE, text=True
    ) as run:
        until = time.monotonic() + HANG  # until the first is complete, while others run
        while not any(sweep.complete(job, out) for job in jobs) and time.monotonic() < until:
            time.sleep(0.1)
        before = {
            job.name: (out / job.name / "report.json").stat().st_mtime_ns for job in jobs if sweep.complete(job, out)
        }
        assert 0 < len(before) < len(jobs)
        workers[0].send_signal(signal.SIGKILL)
        said, _ = run.communicate(timeout=HANG)
    assert run.returncode == 0 and said.startswith("4 done, 0 failed; 4 run now")
    assert all((out / name / "report.json").stat().st_mtime_ns == written for name, written in before.items())
    assert len(table(out)) == 4 and (out / "contact.png").exists()

    again = subprocess.run([*command, "--out", str(out)], cwd=root, capture_output=True, text=True, timeout=HANG)
    assert again.returncode == 0 and "4 done, 0 failed; 0 run now" in again.stdout
    single = [*command, "--out", str(alone), "--workers", "1"]
    assert subprocess.run(single, cwd=root, capture_output=True, timeout=HANG).returncode == 0
    assert shas(alone) == shas(out) and len(shas(out)) == 4
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def stubbed(job: sweep_spec.Job, out: str) -> dict:
    """A worker's part, without a transfer: it writes what `complete` asks for."""
    report = {"sweep": job.key, "inputs": [{"sha256": ""}] * 2, "network": {"sha256": ""}}
    (Path(out) / job.name).mkdir(parents=True)
    (Path(out) / job.name / "report.json").write_text(json.dumps(report))
    return {"status": "done", "said": "", "numbers": {}}


def lost(job: sweep_spec.Job, out: str) -> dict:
    """A worker that writes where nobody else sees it."""
    return {"status": "done", "said": "", "numbers": {}}


@pytest.fixture
def shared():
    """A scheduler with two workers, which are threads of this process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://", host=sweep.LOOPBACK,
        dashboard_address=f"{sweep.LOOPBACK}:0", scheduler_kwargs={"dashboard": False},
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


def test_two_sweeps_on_one_scheduler_do_not_take_each_others_results(shared, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "perform", stubbed)
    jobs = sweep_spec.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n[grid]\nseed = [0, 1, 2]\n'))
    folders = [tmp_path / "one", tmp_path / "two"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda out: out.mkdir() or sweep.run(jobs, out, shared), folders))
    assert [[row.status for row in rows] for rows in found] == [["done"] * 3] * 2
    assert all(sweep.complete(job, out) for job in jobs for out in folders)


def test_what_a_worker_wrote_elsewhere_is_not_done(shared, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "perform", lost)
    monkeypatch.setattr(sweep.time, "sleep", lambda seconds: None)
    (row,) = sweep.run(sweep_spec.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n')), tmp_path, shared)
    assert row.status == "failed" and "one folder for all" in row.said and table(tmp_path)[0]["status"] == "failed"


def test_a_large_sweep_that_is_complete_writes_its_table_once_or_twice(tmp_path, monkeypatch):
    jobs = sweep_spec.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n[grid]\nseed = [0, 1, 2, 3]\n'))
    for job in jobs:
        stubbed(job, str(tmp_path))
    monkeypatch.setattr(sweep, "numbers", lambda report: {})
    written, real = [], sweep.write_table
    monkeypatch.setattr(sweep, "write_table", lambda path, rows: written.append(len(rows)) or real(path, rows))
    assert [row.fresh for row in sweep.run(jobs, tmp_path)] == [False] * 4
    assert written == [4, 4] and len(table(tmp_path)) == 4


def test_the_plan_counts_what_is_left_and_what_it_takes(tmp_path):
    jobs = sweep_spec.read(
        file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}[grid]\nseed = [0, 1, 2]\nsteps = [3]\n')
    )
    assert sweep.perform(jobs[1], str(tmp_path))["status"] == "done"
    said = sweep.plan(jobs, tmp_path, 2).said
    assert (
        said.startswith("3 transfers, 1 of them complete; estimate") and "2 workers" in said and "MiB on disk" in said
    )
    for job in jobs:
        sweep.perform(job, str(tmp_path))
    assert sweep.plan(jobs, tmp_path, 2).said == "3 transfers, 3 of them complete"


def test_no_more_workers_than_there_is_memory_for(tmp_path, monkeypatch):
    jobs = sweep_spec.read(file(tmp_path, f'pairs = [["coffee", "china"]]\n{SMALL}steps = 3\n'))
    first, _ = sweep._first(jobs)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for times, workers in ((3.5, 3), (0.5, 1), (100, 8)):
        monkeypatch.setattr(memory, "available", lambda times=times: int(times * first.memory_mib))
        monkeypatch.setattr(memory, "require", lambda needed, limit: None)
        assert sweep.plan(jobs, tmp_path).workers == workers
    monkeypatch.setattr(memory, "available", lambda: int(3.5 * first.memory_mib))
    assert sweep.plan(jobs, tmp_path, 3).workers == 3
    with pytest.raises(InputError, match="--workers would not fit; received 4; accepted: at most 3"):
        sweep.plan(jobs, tmp_path, 4)


def test_a_first_transfer_that_cannot_be_run_stops_neither_the_estimate_nor_the_others(tmp_path):
    pairs = [["missing.png", "china"], ["coffee", "china"]]
    spec = file(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n")
    with socket.socket() as taken:
        with suppress(OSError):  # where another sweep has Dask's usual port it is taken too
            taken.bind((sweep.LOOPBACK, 8787))
            taken.listen()
        code, out, err = ran("sweep", spec, "--out", tmp_path / "out", "--workers", "1")
    assert code == 1 and "estimate, all being like the first" in err and "8787" not in err
    assert "1 done, 1 failed; 2 run now" in out and "missing.png" in out and "does not exist" in out
    only = file(tmp_path, f"pairs = {json.dumps(pairs[:1])}\n{SMALL}steps = 3\n")
    assert "no estimate: image does not exist" in sweep.plan(sweep_spec.read(only), tmp_path).said


def test_names_with_dollar_signs_are_drawn(tmp_path):
    rows = []
    for name in ("cash$_$.png", "$$.png", "a$\\frac$b.png"):
        (job,) = sweep_spec.read(file(tmp_path, f'pairs = [[{json.dumps(name)}, "china"]]\n'))
        rows.append(sweep.Row(job, "failed", "", {}, True))
    assert contact_sheet.write(tmp_path / "contact.png", rows, tmp_path).exists()


@pytest.fixture
def certificates(tmp_path):
    """A certificate of its own authority for 127.0.0.1, made as docs/cluster.md says."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sweep"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return Security(
        tls_ca_file=str(certificate), require_encryption=True,
        **{f"tls_{part}_{kind}": str(path) for part in ("scheduler", "worker", "client") for kind, path in (
            ("cert", certificate), ("key", key),
        )},
    )  # fmt: skip


def test_a_scheduler_with_tls_is_spoken_to_by_its_certificates(certificates, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "perform", stubbed)
    jobs = sweep_spec.read(file(tmp_path, 'pairs = [["coffee", "china"]]\n'))
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tls://", host=sweep.LOOPBACK,
        dashboard_address=f"{sweep.LOOPBACK}:0", scheduler_kwargs={"dashboard": False}, security=certificates,
    ) as cluster:  # fmt: skip
        assert cluster.scheduler_address.startswith("tls://")
        settings = {
            "distributed.comm.tls.ca-file": certificates.tls_ca_file,
            "distributed.comm.tls.client.cert": certificates.tls_client_cert,
            "distributed.comm.tls.client.key": certificates.tls_client_key,
        }
        with dask.config.set(settings):
            assert [row.status for row in sweep.run(jobs, tmp_path, cluster.scheduler_address)] == ["done"]
