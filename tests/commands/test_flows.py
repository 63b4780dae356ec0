"""`decoupling flow` and `decoupling apply` in processes of their own: good input, bad input, resuming, interrupting."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import finish, run, start
from flows import random_flow
from paths import ROOT

from decoupling_lib.images.pictures import load_picture, save_png
from decoupling_lib.images.quality import psnr
from decoupling_lib.transfers.flow_file import checksum, load_flow, save_flow

SMALL = ("--network", "vgg16", "--weights", "hed", "--size", "24", "--layers", "1", "--quiet")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = tmp_path_factory.mktemp("flow") / "style.npz"
    outcome = run("flow", "coffee", "chelsea", *SMALL, "--out", file)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    return file


@pytest.fixture
def picture(tmp_path):
    return save_png(tmp_path / "picture.png", np.random.default_rng(1).random((21, 26, 3)))


@pytest.fixture
def ready(tmp_path):
    return save_flow(random_flow(1), tmp_path / "ready.npz")


def assert_refused(outcome, *words):
    assert outcome.code == 2 and outcome.out == "" and outcome.err.count("\n") == 1, outcome
    assert all(word in outcome.err for word in words), outcome.err


def test_a_flow_is_made_and_names_its_images(made):
    flow = load_flow(made)
    assert (flow.origin.name, flow.target.name) == ("coffee", "chelsea")
    assert (flow.target.height, flow.target.width) == (24, 24)
    assert flow.network["layers"] == ["block1_conv1"] and flow.reference == "noise"
    assert [path.name for path in made.parent.iterdir()] == ["style.npz"]


def test_it_is_applied_and_undone(made, picture, tmp_path):
    there = run("apply", made, picture, "--exact", "--out", tmp_path / "there")
    assert there.code == 0 and "--undo" not in there.err, there.err
    assert "picture.png: 26x21 px" in there.out and "s per megapixel" in there.out
    back = run("apply", made, tmp_path / "there" / "picture.npy", "--undo", "--out", tmp_path / "back", "--quiet")
    assert (back.code, back.out) == (0, ""), back.err
    x = load_picture(picture).array
    assert psnr(np.load(tmp_path / "back" / "picture.npy"), x) > 60
    assert load_picture(tmp_path / "there" / "picture.png").array.shape == (21, 26, 3)


@pytest.mark.slow
def test_a_flow_that_may_not_return_is_applied_exactly_with_a_warning(picture, tmp_path):
    file = tmp_path / "near.npz"
    assert run("flow", "coffee", "chelsea", *SMALL, "--reference", "midpoint", "--out", file).code == 0
    assert load_flow(file).reference == "midpoint"
    there = run("apply", file, picture, "--exact", "--out", tmp_path / "there")
    assert there.code == 0 and "--undo may not return the picture" in there.err, there.err


@pytest.mark.slow
def test_resuming_keeps_what_is_finished(ready, picture, tmp_path):
    arguments = ("apply", ready, picture, "--out", tmp_path / "out", "--resume")
    assert run(*arguments).code == 0
    before = (tmp_path / "out" / "picture.png").stat().st_mtime_ns
    assert run(*arguments).code == 0
    assert (tmp_path / "out" / "picture.png").stat().st_mtime_ns == before
    assert run(*arguments, "--strength", "0.5").code == 0
    assert (tmp_path / "out" / "picture.png").stat().st_mtime_ns != before


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "words"), [
    (["--strength", "2"], ["strength", "2.0", "at most 1"]),
    (["--corrections", "-1"], ["corrections", "-1"]),
    (["--undo", "--corrections", "2"], ["corrections", "undone"]),
    (["--tile", "3"], ["tile", "3"]),
    (["--workers", "0"], ["--workers", "0"]),
    (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], ["--workers", "scheduler"]),
    (["--scheduler", "tcp://example.org:1"], ["--scheduler", "encrypted"]),
    (["--weights", "/no/such.h5"], ["weights", "/no/such.h5"]),
    (["--weights", "hed"], ["weights", "sha256"]),
    (["no_such_picture.png"], ["no_such_picture.png"]),
    (["picture.png"], ["picture.png"]),
])  # fmt: skip
def test_bad_input_of_apply_is_one_line_and_nothing_is_written(ready, picture, tmp_path, arguments, words):
    outcome = run("apply", ready, picture, *arguments, "--out", tmp_path / "new", cwd=tmp_path)
    assert_refused(outcome, *words)
    assert not any(tmp_path.glob("new/*"))


def test_files_that_are_no_flow_are_refused(picture, tmp_path):
    for file in (picture, tmp_path / "none.npz", tmp_path):
        assert_refused(run("apply", file, picture, "--out", tmp_path / "new"), "file of the flow")
    assert not (tmp_path / "new").exists()


def test_an_output_folder_that_has_the_input_is_refused(ready, picture, tmp_path):
    before = picture.read_bytes()
    assert_refused(run("apply", ready, picture, "--out", tmp_path), "--out")
    assert picture.read_bytes() == before


@pytest.mark.parametrize(("arguments", "words"), [
    (["--out", "style.json"], ["style.json", ".npz"]),
    (["--out", "style.npz", "--layers", "9"], ["layers", "9"]),
    (["--out", "style.npz", "--reference", "moon"], ["reference", "moon"]),
    (["--out", "style.npz", "--size", "x"], ["size", "x"]),
])  # fmt: skip
def test_bad_input_of_flow_is_one_line_and_nothing_is_written(tmp_path, arguments, words):
    assert_refused(run("flow", "coffee", "chelsea", *arguments, cwd=tmp_path), *words)
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_fails_is_named_and_the_others_are_done(ready, picture, tmp_path):
    (tmp_path / "broken.png").write_bytes(picture.read_bytes()[:60])
    outcome = run("apply", ready, tmp_path / "broken.png", picture, "--workers", "1", "--out", tmp_path / "out")
    assert outcome.code == 1 and "broken.png" in outcome.err and "1 of 2 images failed" in outcome.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [entry["status"] for entry in report["images"]] == ["failed", "done"]


@pytest.mark.slow
def test_an_interrupted_flow_is_continued_to_the_same_file(tmp_path_factory):
    options = (
        "flow",
        "coffee",
        "chelsea",
        "--network",
        "vgg16",
        "--weights",
        "hed",
        "--size",
        "64",
        "--quiet",
        "--out",
    )
    whole, tmp_path = (tmp_path_factory.mktemp(name) for name in ("whole", "interrupted"))
    assert run(*options, whole / "style.npz").code == 0
    arguments = (*options, tmp_path / "style.npz")
    process, work = start(*arguments), tmp_path / "style.npz.unfinished"
    while process.poll() is None and not list(work.glob("unfinished/*.npz")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    outcome = finish(process)
    assert outcome.code == 130 and "--resume" in outcome.err, outcome
    assert list(tmp_path.iterdir()) == [work]
    outcome = run(*arguments, "--resume")
    assert (outcome.code, outcome.err) == (0, "") and list(tmp_path.iterdir()) == [tmp_path / "style.npz"]
    assert checksum(load_flow(tmp_path / "style.npz")) == checksum(load_flow(whole / "style.npz"))


@pytest.mark.slow
def test_ctrl_c_keeps_finished_images_and_resume_does_the_rest(ready, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        save_png(tmp_path / "in" / f"f{number}.png", np.random.default_rng(number).random((200, 200, 3)))
    arguments = ("apply", ready, tmp_path / "in", "--exact", "--workers", "1", "--out", tmp_path / "out", "--resume")
    process = start(*arguments)
    while process.poll() is None and not (tmp_path / "out" / "f0.npy").exists():
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    outcome = finish(process)
    assert outcome.code == 130 and "--resume" in outcome.err
    before = (tmp_path / "out" / "f0.png").stat().st_mtime_ns
    assert run(*arguments).code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [entry["status"] for entry in report["images"]] == ["done"] * 3
    assert (tmp_path / "out" / "f0.png").stat().st_mtime_ns == before


def test_the_process_that_hands_out_the_images_does_not_load_tensorflow(ready, picture, tmp_path):
    """It would take as long as each worker does to begin. Nothing is handed out here, to no worker."""
    code = (
        "import sys; from decoupling_lib.runs import flow_run\n"
        "from decoupling_lib.commands.apply import apply_command\n"
        "flow_run.usable_threads = lambda: 2; flow_run.run_tasks = lambda *rest: iter(())\n"
        "apply_command(sys.argv[1], sys.argv[2:4], out=sys.argv[4], tile=64)\n"
        "print('tensorflow' in sys.modules)"
    )
    names = [ready, picture, save_png(tmp_path / "other.png", load_picture(picture).array), tmp_path / "out"]
    found = subprocess.run([sys.executable, "-c", code, *names], cwd=ROOT, check=True, capture_output=True, text=True)
    assert found.stdout.split()[-1] == "False"
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["images"] == []
