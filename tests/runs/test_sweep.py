"""Sweeps on workers: a cluster in which a worker is killed, shared schedulers, and refused addresses."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import dask
import pytest
from command_line import run
from distributed import LocalCluster, Security
from patience import HANG
from sweeps import PAIR, SMALL, create_jobs, read_table, write_nothing, write_report_only, write_spec

from decoupling_lib.runs import sweep, sweep_table, sweep_workers
from decoupling_lib.runs.sweep import run_sweep
from decoupling_lib.runs.sweep_job import find_complete_report
from decoupling_lib.runs.workers import LOOPBACK

ONE_THREAD = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")


def result_hashes(out: Path) -> dict[str, str]:
    """Return the sha256 of the result of each complete transfer."""
    reports = {path.parent.name: json.loads(path.read_text()) for path in sorted(out.glob("*/report.json"))}
    return {name: report["arrays"]["result"]["sha256"] for name, report in reports.items()}


@pytest.mark.parametrize(
    ("scheduler", "fragment"),
    [
        pytest.param("nonsense://127.0.0.1", "does not answer", marks=pytest.mark.slow),
        ("tls://127.0.0.1:8786", "does not answer"),  # no certificates are set here: Dask raises a TypeError
        pytest.param("ucx://127.0.0.1:1", "does not answer", marks=pytest.mark.slow),
        pytest.param("tcp://127.0.0.1:9", "does not answer", marks=pytest.mark.slow),
        ("tcp://192.0.2.1:8786", "not encrypted"),
        pytest.param("node1:8786", "not encrypted", marks=pytest.mark.slow),
        pytest.param("tcp://[nonsense", "not encrypted", marks=pytest.mark.slow),
        ("", "not encrypted"),
    ],
)
def test_a_scheduler_that_does_not_answer_or_uses_no_encryption_is_refused(scheduler, fragment, tmp_path: Path):
    # In a process of its own: what a failed connection of Dask leaves open ends with it.
    outcome = run("sweep", write_spec(tmp_path, PAIR), "--out", tmp_path / "out", "--scheduler", scheduler)
    assert outcome.code == 2 and outcome.err.count("\n") == 1
    assert fragment in outcome.err and "--scheduler" in outcome.err and "tls://host:8786" in outcome.err


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """Return the address of a scheduler on the loopback interface, and its two workers, processes of one thread."""
    dask_command = [sys.executable, "-m", "dask"]
    address = tmp_path / "scheduler.json"
    environment = {**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    where = ["--host", "127.0.0.1", "--scheduler-file", str(address), "--no-dashboard"]
    processes = [subprocess.Popen([*dask_command, "scheduler", *where[:2], "--port", "0", *where[2:]], **quiet)]
    for _ in range(2):
        worker = [*dask_command, "worker", "--nworkers", "1", "--nthreads", "1", "--no-nanny", *where]
        processes.append(subprocess.Popen(worker, **quiet))
    until = time.monotonic() + HANG
    while not (address.exists() and address.stat().st_size) and time.monotonic() < until:
        time.sleep(0.1)
    yield json.loads(address.read_text())["address"], processes[1:]
    for process in processes[::-1]:
        process.terminate()
        process.wait(HANG)


@pytest.mark.slow
@pytest.mark.faults
def test_a_cluster_that_loses_a_worker_loses_no_transfer(cluster, tmp_path: Path, record_property):
    scheduler, workers = cluster
    text = f"{PAIR}{SMALL}[grid]\nseed = [0, 1]\nsteps = [20, 21]\n"
    spec, jobs = write_spec(tmp_path, text), create_jobs(tmp_path, text)
    root = tmp_path / "client"  # the workers have another working directory
    root.mkdir()
    out, alone = root / "out", tmp_path / "alone"
    command = [sys.executable, "-m", "decoupling_lib", "sweep", str(spec), "--quiet"]
    with subprocess.Popen(
        [*command, "--out", "out", "--scheduler", scheduler], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + HANG  # until the first is complete, while others run
        while not any(find_complete_report(job, out) for job in jobs) and time.monotonic() < until:
            time.sleep(0.1)
        reports = [out / job.name / "report.json" for job in jobs if find_complete_report(job, out)]
        before = {path: path.stat().st_mtime_ns for path in reports}
        assert 0 < len(before) < len(jobs)
        workers[0].send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0 and output.startswith("4 done, 0 failed; 4 run now")
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert len(read_table(out)) == 4 and (out / "contact.png").exists()

    again = subprocess.run([*command, "--out", str(out)], cwd=root, capture_output=True, text=True, timeout=HANG)
    assert again.returncode == 0 and "4 done, 0 failed; 0 run now" in again.stdout
    single = [*command, "--out", str(alone), "--workers", "1"]
    assert subprocess.run(single, cwd=root, capture_output=True, timeout=HANG).returncode == 0
    assert result_hashes(alone) == result_hashes(out) and len(result_hashes(out)) == 4
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


@pytest.fixture
def shared() -> Iterator[str]:
    """Return the address of a scheduler with two workers, which are threads of this process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://", host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0", scheduler_kwargs={"dashboard": False},
    ) as local:  # fmt: skip
        yield local.scheduler_address


def test_two_sweeps_on_one_scheduler_have_their_own_results(shared: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sweep_workers, "run_job", write_report_only)
    jobs = create_jobs(tmp_path, PAIR + "[grid]\nseed = [0, 1, 2]\n")
    folders = [tmp_path / "one", tmp_path / "two"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda out: out.mkdir() or run_sweep(jobs, out, shared), folders))
    assert [[row.result.status for row in rows] for rows in found] == [["done"] * 3] * 2
    assert all(find_complete_report(job, out) for job in jobs for out in folders)


def test_a_transfer_whose_outputs_are_not_visible_here_is_not_done(shared: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sweep_workers, "run_job", write_nothing)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    (row,) = run_sweep(create_jobs(tmp_path, PAIR), tmp_path, shared)
    assert row.result.status == "failed" and "--out" in row.result.message and str(tmp_path) in row.result.message
    assert read_table(tmp_path)[0]["status"] == "failed"


def test_a_large_sweep_that_is_complete_writes_its_table_at_most_twice(tmp_path: Path, monkeypatch):
    jobs = create_jobs(tmp_path, PAIR + "[grid]\nseed = [0, 1, 2, 3]\n")
    for job in jobs:
        write_report_only(job, str(tmp_path))
    monkeypatch.setattr(sweep, "summarize_report", lambda report: {})
    lengths, write_table = [], sweep_table.write_table
    monkeypatch.setattr(
        sweep_table, "write_table", lambda path, rows: lengths.append(len(rows)) or write_table(path, rows)
    )
    assert [row.fresh for row in run_sweep(jobs, tmp_path)] == [False] * 4
    assert lengths == [4, 4] and len(read_table(tmp_path)) == 4


def test_a_first_transfer_that_cannot_be_run_stops_neither_the_estimate_nor_the_others(tmp_path: Path):
    pairs = [["missing.png", "china"], ["coffee", "china"]]
    spec = write_spec(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n")
    with socket.socket() as occupied:
        with suppress(OSError):  # if another sweep has Dask's usual port, it is occupied too
            occupied.bind((LOOPBACK, 8787))
            occupied.listen()
        outcome = run("sweep", spec, "--out", tmp_path / "out", "--workers", "1")
    assert outcome.code == 1 and "estimate" in outcome.err and "MiB of memory" in outcome.err
    assert "8787" not in outcome.err
    assert "1 done, 1 failed; 2 run now" in outcome.out and "missing.png" in outcome.out


@pytest.fixture
def certificates(tmp_path: Path) -> Security:
    """Return a certificate for 127.0.0.1 of its own authority, created as docs/cluster.md describes."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sweep"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return Security(
        tls_ca_file=str(certificate), require_encryption=True,
        **{f"tls_{part}_{kind}": str(path) for part in ("scheduler", "worker", "client") for kind, path in (
            ("cert", certificate), ("key", key),
        )},
    )  # fmt: skip


def test_a_sweep_runs_on_a_scheduler_with_tls(certificates: Security, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sweep_workers, "run_job", write_report_only)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tls://", host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0", scheduler_kwargs={"dashboard": False}, security=certificates,
    ) as local:  # fmt: skip
        assert local.scheduler_address.startswith("tls://")
        settings = {
            "distributed.comm.tls.ca-file": certificates.tls_ca_file,
            "distributed.comm.tls.client.cert": certificates.tls_client_cert,
            "distributed.comm.tls.client.key": certificates.tls_client_key,
        }
        with dask.config.set(settings):
            (row,) = run_sweep(create_jobs(tmp_path, PAIR), tmp_path, local.scheduler_address)
    assert row.result.status == "done"
