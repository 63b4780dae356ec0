"""What workers must share with the machine of the sweep, on real clusters whose workers find something else.

A worker process is stopped until the client has sent all transfers, and the client while the worker runs. In between
files are removed, replaced or made unreadable, so that the worker finds what it would find on another machine.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from clusters import Cluster, create_cluster, wait_for
from command_line import finish, start
from permissions import obey_permissions
from PIL import Image
from refusals import refusal
from sweeps import SMALL, create_jobs, read_table, write_spec

from decoupling_lib.runs import sweep_shares
from decoupling_lib.runs.sweep_shares import (
    Shares,
    find_sha256,
    list_shares,
    mark_folder,
    require_files,
    require_folder,
)

WORKER = "the worker w7 (tcp://10.0.0.7:40123 on node7)"


def write_picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 24, 3), np.uint8)).save(path)
    return path


def test_only_files_that_exist_here_are_to_be_shared(tmp_path: Path):
    image, weights = write_picture(tmp_path / "a.png"), tmp_path / "w.h5"
    weights.write_bytes(b"w")
    text = f'pairs = [["{image}", "china"], ["missing.png", "{image}"]]\n[fixed]\nnetwork = "vgg16"\nweights = '
    for own, expected in ((f'"{weights}"', {str(image), str(weights)}), ('"random"', {str(image)})):
        for job in create_jobs(tmp_path, text + own):
            shares = list_shares(job, "mark")
            assert {path for path, _ in shares.files} == expected
            assert all(sha256 == find_sha256(path) for path, sha256 in shares.files)


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (lambda path: path.unlink(), ["does not exist on", "share its folder", "copy the file"]),
        (lambda path: shutil.rmtree(path.parent), ["does not exist on", "share its folder"]),
        (lambda path: path.parent.rename(path.parent.with_name("x")), ["does not exist on", "copy the file"]),
        (lambda path: path.unlink() or path.symlink_to("nowhere"), ["does not exist on", "copy the file"]),
        (lambda path: path.unlink() or path.mkdir(), ["is not a file on", "share its folder"]),
        (lambda path: path.unlink() or os.mkfifo(path), ["is not a file on", "share its folder"]),
        (lambda path: path.write_bytes(b"other"), ["differs", "share its folder", "copy the file", "repeat"]),
        (lambda path: path.write_bytes(b""), ["differs", "share its folder", "repeat"]),
        (lambda path: shutil.rmtree(path.parent) or path.parent.write_bytes(b"x"), ["does not exist on"]),
        (lambda path: path.unlink() or path.symlink_to(path), ["cannot be read on"]),
    ],
)
def test_a_file_that_a_machine_lacks_is_named_with_the_worker_and_the_next_step(change, fragments, tmp_path: Path):
    path = write_picture(tmp_path / "with a very long name that is not cut in the message" / "é" / "a.png")
    shares = Shares("mark", ((str(path), find_sha256(path)),))
    require_files(shares, WORKER)
    change(path)
    line = refusal(require_files, shares, WORKER)
    for fragment in (str(path), WORKER, *fragments):
        assert fragment in line, line
    assert "spelling" not in line


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda out: shutil.rmtree(out), "does not exist on"),
        (lambda out: shutil.rmtree(out.parent), "does not exist on"),
        (lambda out: shutil.rmtree(out) or out.mkdir(), "is not that of this sweep on"),
        (lambda out: shutil.rmtree(out) or out.write_bytes(b"x"), "is not that of this sweep on"),
        (lambda out: (out / "w.csv").rename(out / f"{sweep_shares.MARK}0"), "is not that of this sweep on"),
    ],
)
def test_an_output_folder_that_a_machine_lacks_is_named(change, what, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    out = tmp_path / "shared" / "out"
    out.mkdir(parents=True)
    (out / "w.csv").touch()
    with mark_folder(out) as mark:
        require_folder(mark, out, WORKER)
        sweep_shares._find_fault.cache_clear()  # what another process knows
        (out / mark).unlink()
        change(out)
        line = refusal(require_folder, mark, out, WORKER)
    for fragment in (str(out), WORKER, what, "share it with all workers"):
        assert fragment in line, line


def test_the_mark_of_a_folder_is_removed_with_that_of_a_sweep_that_was_killed(tmp_path: Path):
    (tmp_path / f"{sweep_shares.MARK}0").touch()
    (tmp_path / "results.csv").touch()
    with mark_folder(tmp_path) as mark:
        assert {path.name for path in tmp_path.iterdir()} == {mark, "results.csv"}
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_a_mark_that_appears_late_is_waited_for(tmp_path: Path, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(
        time, "sleep", lambda seconds: pauses.append(seconds) or seconds and (tmp_path / "late").touch()
    )
    require_folder("late", tmp_path, WORKER)
    assert len(pauses) == 2


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with create_cluster(tmp_path_factory.mktemp("workers")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def worker(cluster: Cluster):
    """Return a worker process that finds what its machine has; it does not override permission bits."""
    return cluster.add_worker("w1", preexec_fn=obey_permissions)


def assert_refused(row: dict[str, str], out: Path, path: Path, address: str) -> None:
    """Assert that a transfer failed in one line that names its worker and a path, in table and folder alike."""
    line = row["said"]
    assert row["status"] == "failed" and "\n" not in line and "Traceback" not in line
    for fragment in (str(path), "w1", address):
        assert fragment in line, line
    if out not in (path, *path.parents):
        assert json.loads((out / row["name"] / "failure.json").read_text()) == {"said": line}


HIDE: dict[str, tuple[Callable[[Path], object], str]] = {
    "lost": (lambda path: path.unlink(), "copy the file"),
    "unreadable": (lambda path: path.chmod(0), "let the worker's user read it"),
    "folder": (lambda path: path.unlink() or path.mkdir(), "share its folder"),
    "elsewhere": (lambda path: path.parent.rename(path.parent.with_name("not shared")), "share its folder"),
    "changed": (lambda path: write_picture(path, seed=99), "copy the file"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "copy the file"),
}


@pytest.mark.slow
@pytest.mark.faults
def test_pictures_that_a_worker_lacks_stop_no_other_transfer(cluster, worker, tmp_path: Path, record_property):
    paths = {name: write_picture(tmp_path / name / "a.png", seed) for seed, name in enumerate(HIDE)}
    pairs = [[str(path), "china"] for path in paths.values()]
    pairs += [
        ["coffee", str(paths["lost"])],
        ["coffee", str(paths["changed"])],
        ["coffee", "china"],
        ["no.png", "china"],
    ]
    spec, out = write_spec(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n"), tmp_path / "out"

    def hide() -> None:
        for name, path in paths.items():
            HIDE[name][0](path)

    outcome = cluster.sweep(worker, len(pairs), hide, lambda: None, spec, "--out", out)
    assert outcome.code == 1 and "1 done, 9 failed; 10 run now" in outcome.out and outcome.err.count("\n") == 1
    rows = {(row["origin"], row["target"]): row for row in read_table(out)}
    assert len(rows) == len(pairs) and rows["coffee", "china"]["status"] == "done"
    address = cluster.address_of("w1")
    for name, path in paths.items():
        assert_refused(rows[str(path), "china"], out, path, address)
        assert HIDE[name][1] in rows[str(path), "china"]["said"]
    for name in ("lost", "changed"):
        assert_refused(rows["coffee", str(paths[name])], out, paths[name], address)
    # What exists nowhere is nothing to share.
    assert "check the spelling" in rows["no.png", "china"]["said"] and address in rows["no.png", "china"]["said"]
    for row in rows.values():
        assert row["said"] in outcome.out
    record_property("faults injected", 9)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("way", ["--weights", "DECOUPLING_WEIGHTS"])
def test_weights_that_a_worker_lacks(way: str, cluster, worker, tmp_path: Path, record_property):
    lost, changed = tmp_path / "lost.h5", tmp_path / "changed.h5"
    for path in (lost, changed):
        path.write_bytes(b"weights")
    text, out = 'pairs = [["coffee", "china"]]\n' + SMALL, tmp_path / "out"
    options = {"cwd": tmp_path, "env": os.environ | {"DECOUPLING_WEIGHTS": "lost.h5"}}  # in the client's folder
    if way == "--weights":
        text = text.replace('weights = "random"\n', "") + '[grid]\nweights = ["lost.h5", "changed.h5", "random"]\n'
    else:
        text = text.replace('weights = "random"\n', "") + "[grid]\nseed = [0, 1]\n"
    count = 3 if way == "--weights" else 2
    outcome = cluster.sweep(
        worker, count, lambda: lost.unlink() or changed.write_bytes(b"others"), lambda: None,
        write_spec(tmp_path, text), "--out", out, **options,
    )  # fmt: skip
    assert outcome.code == 1 and outcome.err.count("\n") == 1
    rows = read_table(out)
    assert len(rows) == count
    if way == "--weights":
        found = {row["weights"]: row for row in rows}
        assert found["random"]["status"] == "done"
        assert_refused(found["changed.h5"], out, changed, cluster.address_of("w1"))
        assert "differs" in found["changed.h5"]["said"]
        rows = [found["lost.h5"]]
    for row in rows:
        assert_refused(row, out, lost, cluster.address_of("w1"))
        assert "copy the file" in row["said"]
    record_property("faults injected", 2)


OUTPUT: dict[str, tuple[Callable[[Path], object], Callable[[Path], object], str]] = {
    "not there": (
        lambda out: out.rename(out.with_name("kept")),
        lambda out: out.with_name("kept").rename(out),
        "does not exist",
    ),
    "its parent is not there": (
        lambda out: out.parent.rename(out.parent.with_name("kept")),
        lambda out: out.parent.with_name("kept").rename(out.parent),
        "does not exist",
    ),
    "another one": (
        lambda out: out.rename(out.with_name("kept")) and out.mkdir(),
        lambda out: out.rmdir() or out.with_name("kept").rename(out),  # which fails if anything was written there
        "not that of this sweep",
    ),
    "a file": (
        lambda out: out.rename(out.with_name("kept")) and out.write_bytes(b"x"),
        lambda out: out.unlink() or out.with_name("kept").rename(out),
        "not that of this sweep",
    ),
    "read-only": (lambda out: out.chmod(0o555), lambda out: out.chmod(0o755), "permission denied"),
    "its parent is private": (
        lambda out: out.parent.chmod(0),
        lambda out: out.parent.chmod(0o755),
        "permission denied",
    ),
}


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("case", OUTPUT)
def test_an_output_folder_that_a_worker_does_not_share(case: str, cluster, worker, tmp_path: Path, record_property):
    hide, reveal, fragment = OUTPUT[case]
    spec = write_spec(tmp_path, f'pairs = [["coffee", "china"], ["china", "coffee"]]\n{SMALL}steps = 3\n')
    out = tmp_path / "shared" / "out"
    outcome = cluster.sweep(worker, 2, lambda: hide(out), lambda: reveal(out), spec, "--out", out)
    assert outcome.code == 1 and "0 done, 2 failed" in outcome.out and outcome.err.count("\n") == 1
    for row in read_table(out):
        assert_refused(row, out, out, cluster.address_of("w1"))
        assert fragment in row["said"]
    assert {path.name for path in out.iterdir()} <= {"results.csv", "contact.html", "contact.png"}
    if case == "another one":  # once it is shared, the same command runs both
        again = cluster.sweep(worker, 2, lambda: None, lambda: None, spec, "--out", out)
        assert again.code == 0 and "2 done, 0 failed; 2 run now" in again.out
    record_property("faults injected", 1)


def write_descents(folder: Path) -> Path:
    """Write the file of a sweep of four transfers that a worker with another backend of Keras refuses."""
    text = SMALL.replace('rule = "rk4"\n', "").replace("tolerance = 1e-4\n", "")
    text += 'method = "descent"\niterations = 3\n[grid]\nseed = [0, 1, 2, 3]\n'
    return write_spec(folder, 'pairs = [["coffee", "china"]]\n' + text)


@pytest.mark.slow
def test_what_one_worker_refuses_another_one_runs(tmp_path: Path):
    spec, out = write_descents(tmp_path), tmp_path / "out"
    with create_cluster(tmp_path / "workers") as cluster:
        first = cluster.add_worker("torch", {"KERAS_BACKEND": "torch"})
        first.send_signal(signal.SIGSTOP)  # it has two transfers or more, and does not run them yet
        client = start("sweep", spec, "--out", out, "--scheduler", cluster.address, "--quiet")
        wait_for(lambda: cluster.count_tasks() == 4)
        cluster.add_worker("tensorflow")
        first.send_signal(signal.SIGCONT)
        outcome = finish(client)
        address = cluster.address_of("torch")
    assert outcome.code == 0 and "4 done, 0 failed; 4 run now" in outcome.out
    assert "KERAS_BACKEND" in outcome.err and address in outcome.err and "another worker" in outcome.err
    assert [row["status"] for row in read_table(out)] == ["done"] * 4


@pytest.mark.slow
def test_a_refused_transfer_does_not_wait_for_workers_that_have_ended(tmp_path: Path):
    spec, out = write_descents(tmp_path), tmp_path / "out"
    with create_cluster(tmp_path / "workers") as cluster:
        first = cluster.add_worker("torch", {"KERAS_BACKEND": "torch"})
        first.send_signal(signal.SIGSTOP)
        client = start("sweep", spec, "--out", out, "--scheduler", cluster.address, "--quiet")
        wait_for(lambda: cluster.count_tasks() == 4)
        second = cluster.add_worker("tensorflow")
        second.send_signal(signal.SIGSTOP)
        first.send_signal(signal.SIGCONT)
        wait_for(lambda: cluster.count_restricted() > 0)
        second.kill()
        outcome = finish(client)
    assert outcome.code == 1 and "KERAS_BACKEND" in outcome.out
    assert [row["status"] for row in read_table(out)] == ["failed"] * 4
