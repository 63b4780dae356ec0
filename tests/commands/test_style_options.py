"""Options of `decoupling transfer` about the style: what they leave in the output folder, reruns, sweeps, refusals."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from command_line import QUICK
from outputs import arrays, assert_same_arrays
from PIL import Image

from decoupling_lib.images.luminance import luminance
from decoupling_lib.runs.report import create_report
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import prepare


def read(folder):
    return json.loads((folder / "report.json").read_text("utf-8"))


@pytest.fixture
def transfer(decoupling, pictures):
    """Return a function that runs a small transfer into a folder, and returns the outcome."""

    def call(out, *options, quiet=True):
        return decoupling("transfer", *pictures, *QUICK, *options, "--out", out, *(["--quiet"] if quiet else []))

    return call


@pytest.fixture
def mask(tmp_path):
    """Return the file of a mask that is white on the left."""
    values = np.zeros((24, 24), np.uint8)
    values[:, :10] = 255
    Image.fromarray(values).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


@pytest.fixture(scope="module")
def recorded(pictures, tmp_path_factory):
    """Return the report of a transfer with a mask and a mixture."""
    options = Options(
        layers=1, size=(24, 24), network="vgg16", weights="random", rule="rk4", steps=3, tolerance=1e-4,
        mask="chelsea", mix=(("coffee", 0.5),),
    )  # fmt: skip
    experiment, folder = prepare(*pictures, options), tmp_path_factory.mktemp("recorded")
    result = experiment.run()
    content = create_report(experiment, result, 1.0)
    (folder / "report.json").write_text(json.dumps(content), "utf-8")
    return folder / "report.json"


def test_a_mask_is_told_resumed_and_computed_again_from_where_it_has_moved_to(
    transfer, decoupling, pictures, mask, tmp_path
):
    outcome = transfer(tmp_path / "out", "--mask", mask, "--origin-mask", mask, quiet=False)
    assert outcome.code == 0, outcome
    found, report = arrays(tmp_path / "out"), read(tmp_path / "out")
    np.testing.assert_array_equal(found["result"][:, 11:], found["target"][:, 11:])
    entry = {"name": "mask.png", "sha256": hashlib.sha256(mask.read_bytes()).hexdigest(), "share": 10 / 24}
    assert report["masks"] == {"target": pytest.approx(entry), "origin": pytest.approx(entry)}
    moved = mask.rename(tmp_path / "moved.png")
    rerun = ("rerun", tmp_path / "out" / "report.json", "--origin", pictures[0], "--target", pictures[1], "--quiet")
    rerun += ("--out", tmp_path / "again")
    missing = decoupling(*rerun)
    assert missing.code == 2 and "--mask" in missing.err and not (tmp_path / "again").exists()
    other = decoupling(*rerun, "--mask", moved, "--origin-mask", pictures[0])
    assert other.code == 2 and "sha256" in other.err and "--origin-mask" in other.err
    assert decoupling(*rerun, "--mask", moved, "--origin-mask", moved).out.endswith("the same\n")
    assert_same_arrays(tmp_path / "out", tmp_path / "again")


@pytest.mark.parametrize("field", ["masks", "mixture", "options"])
@pytest.mark.parametrize("value", [None, 3, "x", [], [[]], [1, 2], {"mask": [[]]}, {"mix": {}}, {"mix": [["a"]]}])
def test_damaged_reports_about_masks_and_mixtures_are_refused_in_one_line(
    field, value, recorded, decoupling, pictures, tmp_path
):
    changed = json.loads(recorded.read_text("utf-8"))
    changed[field] = value if field != "options" or not isinstance(value, dict) else changed["options"] | value
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(changed), "utf-8")
    rerun = ("rerun", file, "--out", tmp_path / "again", "--quiet", "--origin", pictures[0], "--target", pictures[1])
    outcome = decoupling(*rerun)
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and not (tmp_path / "again").exists()


def test_a_rerun_refuses_a_mask_that_the_run_did_not_have(transfer, decoupling, pictures, mask, tmp_path):
    assert transfer(tmp_path / "out").code == 0
    rerun = ("rerun", tmp_path / "out" / "report.json", "--origin", pictures[0], "--target", pictures[1], "--quiet")
    outcome = decoupling(*rerun, "--out", tmp_path / "again", "--mask", mask)
    assert outcome.code == 2 and "--mask" in outcome.err and "leave it out" in outcome.err


def test_a_bad_mask_is_refused_and_nothing_is_written(transfer, mask, tmp_path):
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(mask)
    outcome = transfer(tmp_path / "out", "--mask", mask)
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_strength_is_told_and_computed_again(transfer, decoupling, pictures, tmp_path):
    outcome = transfer(tmp_path / "half", "--strength", 0.5, quiet=False)
    assert outcome.code == 0 and "strength 0.5" in outcome.out
    assert transfer(tmp_path / "full", "--strength", 1).code == transfer(tmp_path / "plain").code == 0
    assert_same_arrays(tmp_path / "full", tmp_path / "plain")
    found, report = arrays(tmp_path / "half"), read(tmp_path / "half")
    assert "0.5, where 0 is the target's own style" in (tmp_path / "half" / "report.html").read_text("utf-8")
    assert report["strength"] == 0.5 and set(report["style"]["from_origin"]) == set(report["style"]["result"])
    assert read(tmp_path / "full")["style"]["from_origin"] == {} and "style_wanted" not in arrays(tmp_path / "full")
    assert np.linalg.norm(found["style_wanted"] - found["style"]) > 0
    rerun = ("rerun", tmp_path / "half" / "report.json", "--origin", pictures[0], "--target", pictures[1], "--quiet")
    assert decoupling(*rerun, "--out", tmp_path / "again").out.endswith("the same\n")
    assert_same_arrays(tmp_path / "half", tmp_path / "again")


def test_a_mixture_is_told_and_computed_again(transfer, decoupling, pictures, mask, tmp_path):
    further = shutil.copy(pictures[1], tmp_path / "further.png")
    options = ("--mix", f"{further}:0.2", "--mix", "coffee:0.3")
    outcome = transfer(tmp_path / "out", *options, quiet=False)
    assert outcome.code == 0 and "origin: 50% a.png, 20% further.png, 30% coffee" in outcome.out
    report = read(tmp_path / "out")
    assert [(each["name"], each["share"]) for each in report["mixture"]] == [
        ("a.png", 0.5), ("further.png", 0.2), ("coffee", 0.3),
    ]  # fmt: skip
    assert [stage["step"] for stage in report["stages"]] == [1, 1, 1, 2, 3]
    assert "50% a.png, 20% further.png, 30% coffee" in (tmp_path / "out" / "report.html").read_text("utf-8")
    rerun = ("rerun", tmp_path / "out" / "report.json", "--origin", pictures[0], "--target", pictures[1], "--quiet")
    assert decoupling(*rerun, "--out", tmp_path / "again").out.endswith("the same\n")
    assert_same_arrays(tmp_path / "out", tmp_path / "again")
    shutil.copy(mask, further)
    other = decoupling(*rerun, "--out", tmp_path / "other")
    assert other.code == 2 and "further.png" in other.err and not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        (("--mix", "coffee"), "PICTURE:SHARE"),
        (("--mix", "coffee:1.5"), "share of coffee"),
        (("--mix", "nowhere.png:0.5"), "nowhere.png"),
        (("--mix", "coffee:0.5", "--mix", "china:0.5"), "leave nothing"),
    ],
)
def test_a_bad_mixture_is_refused_and_nothing_is_written(options, fragment, transfer, tmp_path):
    outcome = transfer(tmp_path / "out", *options)
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and fragment in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--keep-colors", "--colors-only"])
def test_colors_are_told_saved_and_computed_again(option, transfer, decoupling, pictures, tmp_path):
    assert transfer(tmp_path / "plain").code == 0
    outcome = transfer(tmp_path / "out", option, quiet=False)
    assert outcome.code == 0 and "before recoloring" in outcome.out
    plain, found, report = arrays(tmp_path / "plain"), arrays(tmp_path / "out"), read(tmp_path / "out")
    np.testing.assert_array_equal(found["result_before_recoloring"], plain["result"])
    luminous, other = (plain["result"], plain["target"])[:: 1 if option == "--keep-colors" else -1]
    np.testing.assert_allclose(luminance(found["result"]), luminance(luminous), atol=1e-12)
    np.testing.assert_allclose((found["result"] - other).std(axis=-1), 0, atol=1e-12)  # they differ by gray alone
    assert set(report["recoloring"]) == {"luminance", "chrominance"} and read(tmp_path / "plain")["recoloring"] is None
    assert report["style"]["before_recoloring"] == read(tmp_path / "plain")["style"]["result"]
    rerun = ("rerun", tmp_path / "out" / "report.json", "--origin", pictures[0], "--target", pictures[1], "--quiet")
    assert decoupling(*rerun, "--out", tmp_path / "again").out.endswith("the same\n")
    assert_same_arrays(tmp_path / "out", tmp_path / "again")


def test_both_color_options_are_refused(transfer, tmp_path):
    outcome = transfer(tmp_path / "out", "--keep-colors", "--colors-only")
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and not (tmp_path / "out").exists()
