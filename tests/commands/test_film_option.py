"""`--film`: a run that is interrupted and resumed has the film of an undisturbed one; films can be drawn later."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import QUICK
from counted_passes import count_passes
from html_files import assert_complete
from PIL import Image, ImageSequence

from decoupling_lib.runs import execute, outputs
from decoupling_lib.runs.film_folder import FrameFolder

SYMMETRIC = (*QUICK[:-6], "--rule", "symmetric", "--steps", 4, "--tolerance", "1e-4")


def read(file: Path) -> dict:
    return json.loads(file.read_text("utf-8"))


def read_film(folder: Path) -> list[tuple[int, np.ndarray]]:
    """Return durations and images of a GIF."""
    with Image.open(folder / "film.gif") as image:
        return [(each.info["duration"], np.asarray(each.convert("RGB"))) for each in ImageSequence.Iterator(image)]


def assert_same_film(first: Path, second: Path) -> None:
    assert (first / "film.gif").read_bytes() == (second / "film.gif").read_bytes()
    one, two = assert_complete(first / "film.html"), assert_complete(second / "film.html")
    moving = [[each.attributes for each in page.find("img") if "data-ms" in each.attributes] for page in (one, two)]
    assert moving[0] == moving[1] and len(moving[0]) == len(read_film(first))


def fail(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.fixture(scope="module", params=["rk4", pytest.param("symmetric", marks=pytest.mark.slow)])
def command(request, pictures):
    return ("transfer", *pictures, *(QUICK if request.param == "rk4" else SYMMETRIC), "--quiet")


@pytest.fixture(scope="module")
def known() -> dict:
    return {}


@pytest.fixture
def whole(command, known, decoupling, tmp_path_factory) -> tuple[Path, int]:
    """Return the folder of an undisturbed run with a film, and the number of its passes."""
    if command not in known:
        folder = tmp_path_factory.mktemp("whole")
        with pytest.MonkeyPatch.context() as patch:
            passes = count_passes(patch)
            assert decoupling(*command, "--film", "--out", folder) == (0, "", "")
        known[command] = folder, len(passes)
    return known[command]


def test_without_the_option_there_is_no_film_and_the_same_numbers(command, whole, decoupling, tmp_path):
    assert decoupling(*command, "--out", tmp_path) == (0, "", "")
    assert not list(tmp_path.glob("film*")) and read(tmp_path / "report.json")["film"] is False
    assert_complete(tmp_path / "report.html")
    one, two = read(whole[0] / "report.json"), read(tmp_path / "report.json")
    assert one["arrays"] == two["arrays"] and one["passes"] == two["passes"]
    assert one["fingerprint"] == two["fingerprint"]


def test_a_film_shows_the_way_and_leaves_no_frames(whole):
    folder, _ = whole
    assert not (folder / "unfinished").exists() and read(folder / "report.json")["film"] is True
    film = read_film(folder)
    assert len(film) >= 3 + 2 * 3  # at least three steps in each leg of Steps 2 and 3
    height, width = film[0][1].shape[:2]
    for at, name in ((0, "target"), (-1, "result")):
        with Image.open(folder / f"{name}.png") as image:
            still = np.asarray(image).astype(int)
        factor = 320 // max(still.shape)
        inside = film[at][1][: factor * still.shape[0]].astype(int)
        left = (width - factor * still.shape[1]) // 2
        seen = inside[factor // 2 :: factor, left + factor // 2 : left + factor * still.shape[1] : factor]
        assert np.abs(seen - still).mean() < 8 and height > factor * still.shape[0]
    assert_complete(folder / "report.html")
    assert_complete(folder / "film.html")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_an_interrupted_run_that_is_resumed_has_the_same_film(share, command, whole, decoupling, tmp_path):
    undisturbed, passes = whole
    folder = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        count_passes(patch, most=share * passes)
        assert decoupling(*command, "--film", "--out", folder).code == 130
    assert any((folder / "unfinished").glob("film.*.png")) and not (folder / "film.gif").exists()
    again = () if share == 0.5 else ("--film",)  # a film that was begun goes on without being asked for again
    assert decoupling(*command, *again, "--resume", "--out", folder) == (0, "", "")
    assert_same_film(undisturbed, folder)
    assert {file.name for file in folder.iterdir()} == {file.name for file in undisturbed.iterdir()}


def test_the_film_of_a_run_that_was_interrupted_without_one_is_refused(command, whole, decoupling, tmp_path):
    folder = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        count_passes(patch, most=0.7 * whole[1])
        assert decoupling(*command, "--out", folder).code == 130
    code, out, err = decoupling(*command, "--film", "--resume", "--out", folder)
    assert (code, out, err.count("\n")) == (2, "", 1) and "--film" in err and "--resume" in err
    assert decoupling(*command, "--resume", "--out", folder) == (0, "", "")
    assert not (folder / "film.gif").exists()


def test_damaged_frames_are_refused_and_a_new_run_does_not_use_them(command, whole, decoupling, tmp_path):
    folder = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        count_passes(patch, most=0.7 * whole[1])
        assert decoupling(*command, "--film", "--out", folder).code == 130
    frame = next((folder / "unfinished").glob("film.*.png"))
    frame.write_bytes(frame.read_bytes()[:-30])
    code, _, err = decoupling(*command, "--film", "--resume", "--out", folder)
    assert (code, err.count("\n")) == (2, 1) and "damaged" in err and "without --resume" in err
    assert decoupling(*command, "--film", "--out", folder) == (0, "", "")  # begins again, without the old frames
    assert_same_film(whole[0], folder)
    assert not (folder / "unfinished").exists()


@pytest.mark.parametrize("missing", ["write_gif", "write_film_page"])
def test_a_film_that_could_not_be_drawn_is_drawn_later_without_a_pass(
    missing, command, whole, decoupling, tmp_path, monkeypatch
):
    folder = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, missing, fail)
        code, _, err = decoupling(*command, "--film", "--out", folder)
    name = {"write_gif": "film.gif", "write_film_page": "film.html"}[missing]
    assert (code, err.count("\n")) == (1, 1) and name in err
    assert read(folder / "report.json")["missing_pictures"] == [name]
    monkeypatch.setattr(execute, "execute", fail)
    assert decoupling(*command, "--film", "--resume", "--out", folder) == (0, "", "")
    assert_same_film(whole[0], folder)
    assert {file.name for file in folder.iterdir()} == {file.name for file in whole[0].iterdir()}


def test_a_missing_picture_of_a_run_without_a_film_does_not_stand_for_a_film(command, decoupling, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outputs, "write_report_page", fail)
        assert decoupling(*command, "--out", tmp_path).code == 1
    assert decoupling(*command, "--film", "--resume", "--out", tmp_path) == (0, "", "")
    assert (tmp_path / "film.gif").is_file() and read(tmp_path / "report.json")["missing_pictures"] == []


def test_a_run_without_a_film_leaves_no_film_of_an_earlier_run(command, decoupling, tmp_path):
    assert decoupling(*command, "--film", "--out", tmp_path) == (0, "", "")
    assert decoupling(*command, "--out", tmp_path, "--seed", 1) == (0, "", "")
    assert not list(tmp_path.glob("film*"))


def test_the_rerun_of_a_filmed_transfer_is_filmed(whole, decoupling, pictures, tmp_path):
    images = ("--origin", pictures[0], "--target", pictures[1], "--quiet", "--out", tmp_path)
    assert decoupling("rerun", whole[0] / "report.json", *images).code == 0
    assert_same_film(whole[0], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["projected", "descent", "direct"])
def test_every_method_has_a_film(method, decoupling, pictures, tmp_path):
    command = ("transfer", *pictures, *QUICK, "--quiet", "--method", method, "--iterations", 5, "--film")
    assert decoupling(*command, "--out", tmp_path) == (0, "", "")
    assert len(read_film(tmp_path)) > 3 and assert_complete(tmp_path / "film.html")
    assert_complete(tmp_path / "report.html")


def test_a_self_transfer_shows_its_first_step_as_the_second(decoupling, pictures, tmp_path):
    assert decoupling("transfer", pictures[0], pictures[0], *QUICK, "--quiet", "--film", "--out", tmp_path).code == 0
    captions = [each.attributes["alt"] for each in assert_complete(tmp_path / "film.html").find("img")]
    assert sum("Step 2 removes" in each for each in captions) >= 3


def test_frames_are_files_that_appear_whole(tmp_path, monkeypatch):
    frames = FrameFolder(tmp_path, "k" * 64)
    frames["2-a-05-256-0.250000"] = b"first"
    (tmp_path / "unfinished" / "mine.txt").write_text("of the user")
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space"):
        frames["2-a-05-256-0.250000"] = b"second"
    monkeypatch.undo()
    assert dict(frames) == {"2-a-05-256-0.250000": b"first"} and len(FrameFolder(tmp_path, "other")) == 0
    with pytest.raises(KeyError):
        frames["2-a-06-256-0.300000"]
    frames.clear()
    assert dict(frames) == {} and [file.name for file in (tmp_path / "unfinished").iterdir()] == ["mine.txt"]
