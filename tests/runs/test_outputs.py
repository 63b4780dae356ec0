"""What was computed is written before it is drawn: a picture that cannot be drawn loses nothing, and is drawn later."""

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from outputs import assert_same_arrays
from PIL import Image

from decoupling_lib.plotting import transfers
from decoupling_lib.runs import outputs, report
from decoupling_lib.runs.output_files import IMAGES, PAGE, PICTURES
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import prepare

OPTIONS = Options(layers=1, size=(24, 20), network="vgg16", weights="random", rule="rk4", steps=3, tolerance=1e-4)


@pytest.fixture(scope="module", params=["decoupled", "direct"])
def complete(request, pictures, tmp_path_factory):
    """Return experiment, result, content of the report and folder of a transfer with all its pictures."""
    experiment = prepare(*pictures, Options(**{**vars(OPTIONS), "method": request.param, "iterations": 20}))
    result, folder = experiment.run(), tmp_path_factory.mktemp("complete")
    content = report.create_report(experiment, result, 1.5) | {"fingerprint": "k"}
    assert outputs.write_outputs(folder, experiment, result, dict(content)) == {}
    return experiment, result, content, folder


def read(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text("utf-8"))


def fail(*_, **__):
    raise RuntimeError("latex was not found\nlog follows")


def spoil_panel(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transfers, "draw_panel", fail)


def spoil_losses(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transfers, "draw_losses", fail)


def spoil_all(folder: Path, patch: pytest.MonkeyPatch) -> None:
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("save_png", "save_figure", "write_report_page"):
        patch.setattr(outputs, name, full)


def occupy(folder: Path, name: str) -> None:
    (folder / name / "mine").mkdir(parents=True)


FAULTS = {
    "panel": (spoil_panel, ["panel.png"]),
    "losses": (spoil_losses, ["losses.png"]),
    "disk full": (spoil_all, list(PICTURES)),
    "no memory": (lambda folder, patch: patch.setattr(transfers, "draw_losses", raise_memory), ["losses.png"]),
    "a folder in an image's place": (lambda folder, patch: occupy(folder, "target.png"), ["target.png"]),
    "a folder in the panel's place": (lambda folder, patch: occupy(folder, "panel.png"), ["panel.png"]),
}


def raise_memory(*_, **__):
    raise MemoryError


@pytest.mark.parametrize("fault", FAULTS)
def test_arrays_and_report_stay_and_the_missing_pictures_are_drawn_from_them_alone(complete, fault, tmp_path):
    experiment, result, content, folder = complete
    spoil, expected = FAULTS[fault]
    with pytest.MonkeyPatch.context() as patch:
        spoil(tmp_path, patch)
        reasons = outputs.write_outputs(tmp_path, experiment, result, dict(content))
    assert list(reasons) == expected and all(reason and "\n" not in reason for reason in reasons.values())
    assert_same_arrays(tmp_path, folder)
    found = read(tmp_path)
    assert found.pop("missing_pictures") == expected
    assert found == {name: value for name, value in read(folder).items() if name != "missing_pictures"}
    for name in expected:
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    assert not any((tmp_path / name).exists() for name in expected)
    undrawn = outputs.find_undrawn(tmp_path, "fingerprint", "k")
    assert outputs.draw_pictures(tmp_path, undrawn) == {}
    assert read(tmp_path) == read(folder) and read(folder)["missing_pictures"] == []
    assert (tmp_path / PAGE).read_text("utf-8") == (folder / PAGE).read_text("utf-8")
    for name in set(PICTURES) - {PAGE}:  # to the pixel, as if they had been drawn at once
        with Image.open(tmp_path / name) as late, Image.open(folder / name) as early:
            np.testing.assert_array_equal(np.asarray(late), np.asarray(early))


def test_pictures_of_an_earlier_run_are_not_left_beside_the_report_of_this_one(complete, tmp_path, monkeypatch):
    experiment, result, content, _ = complete
    for name in PICTURES:
        (tmp_path / name).write_bytes(b"of an earlier run")
    monkeypatch.setattr(transfers, "draw_panel", fail)
    outputs.write_outputs(tmp_path, experiment, result, dict(content))
    assert not (tmp_path / "panel.png").exists() and (tmp_path / "losses.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "arrays.npz").unlink(),
        lambda folder: (folder / "arrays.npz").write_bytes(b"PK"),
        lambda folder: (folder / "arrays.npz").write_bytes((folder / "arrays.npz").read_bytes()[:-100]),
        lambda folder: change_an_array(folder),
        lambda folder: (folder / "report.json").write_text('{"missing_pictures": ["panel.png"]}'),
        lambda folder: (folder / "report.json").write_text("[]"),
        lambda folder: change_report(folder, missing_pictures=["../mine.png"]),
        lambda folder: change_report(folder, missing_pictures=[]),
        lambda folder: change_report(folder, fingerprint="of another run"),
    ],
)
def test_a_folder_that_is_not_that_of_the_report_is_not_drawn_from(complete, spoil, tmp_path):
    shutil.copytree(complete[3], tmp_path, dirs_exist_ok=True)
    change_report(tmp_path, missing_pictures=["panel.png"])
    assert outputs.find_undrawn(tmp_path, "fingerprint", "k") is not None
    spoil(tmp_path)
    assert outputs.find_undrawn(tmp_path, "fingerprint", "k") is None


def change_report(folder: Path, **changes) -> None:
    (folder / "report.json").write_text(json.dumps(read(folder) | changes))


def change_an_array(folder: Path) -> None:
    with np.load(folder / "arrays.npz") as data:
        arrays = dict(data)
    arrays["result"][0, 0, 0] += 1e-9
    np.savez(folder / "arrays.npz", **arrays)


def test_without_arrays_there_is_no_report_and_no_picture(complete, tmp_path, monkeypatch):
    experiment, result, content, _ = complete

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        outputs.write_outputs(tmp_path, experiment, result, dict(content))
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_between_report_and_pictures_leaves_a_report_that_lists_them(complete, tmp_path, monkeypatch):
    experiment, result, content, _ = complete

    def end(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(outputs, "save_png", end)
    with pytest.raises(KeyboardInterrupt):
        outputs.write_outputs(tmp_path, experiment, result, dict(content))
    assert read(tmp_path)["missing_pictures"] == list(PICTURES)
    assert len(IMAGES) + 3 == len(PICTURES)


def test_the_line_names_the_pictures_the_first_reason_and_the_next_step():
    line = outputs.describe_missing({"panel.png": "why", "losses.png": "also"}, "do this")
    assert line == "could not draw panel.png, losses.png (why); arrays.npz and report.json are complete; do this"
