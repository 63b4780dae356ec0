"""A rerun needs nothing but the report: it computes the run again and says whether the two are equal."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from command_line import QUICK
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_files import write_legacy
from outputs import assert_same_arrays
from paths import ROOT

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import weights
from decoupling_lib.runs import rerun
from decoupling_lib.transfers.tuning import PAIR_SMOOTHING


@pytest.fixture(scope="module")
def recorded(pictures, tmp_path_factory):
    """Return the output folder of a small transfer."""
    from decoupling_lib.runs import outputs, report
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    options = Options(layers=1, size=(24, 24), network="vgg16", weights="random", rule="rk4", steps=3, tolerance=1e-4)
    experiment, folder = prepare(*pictures, options), tmp_path_factory.mktemp("recorded")
    result = experiment.run()
    outputs.write_outputs(folder, experiment, result, report.create_report(experiment, result, 1.0))
    return folder


def change_report(recorded: Path, folder: Path, change) -> Path:
    """Write a changed report to a file of its own and return the file."""
    found = json.loads((recorded / "report.json").read_text())
    change(found)
    path = folder / "changed.json"
    path.write_text(json.dumps(found))
    return path


@pytest.fixture(scope="module")
def random_file(tmp_path_factory) -> Path:
    """Return a file of the weights that the recorded transfer drew at random; it gives the same features."""
    return write_legacy(tmp_path_factory.mktemp("weights") / "own.h5", weights.read("vgg16", "random"))


def rerun_transfer(decoupling, report, pictures, out, *more):
    """Call the command with the image files, and return its outcome."""
    return decoupling("rerun", report, "--origin", pictures[0], "--target", pictures[1], "--out", out, "--quiet", *more)


def test_a_rerun_is_equal_to_the_bit(recorded, pictures, decoupling, tmp_path):
    outcome = rerun_transfer(decoupling, recorded / "report.json", pictures, tmp_path / "again")
    assert outcome.code == 0 and outcome.out.endswith("the same\n") and outcome.out.count("equal to the bit") == 6
    assert_same_arrays(recorded, tmp_path / "again")
    found = json.loads((tmp_path / "again" / "comparison.json").read_text())
    assert found["same"] and found["alike"] and set(found["off"].values()) == {0.0}


def test_a_rerun_has_the_options_of_the_command_line(pictures, decoupling, tmp_path):
    arguments = (*QUICK, "--method", "descent", "--iterations", "3", "--optimizer", "Adam", "--seed", "4")
    assert decoupling("transfer", *pictures, "--out", tmp_path / "one", *arguments, "--quiet").code == 0
    outcome = rerun_transfer(decoupling, tmp_path / "one" / "report.json", pictures, tmp_path / "two")
    assert outcome.code == 0 and outcome.out.endswith("the same\n")


def test_a_different_result_is_reported(recorded, pictures, decoupling, tmp_path):
    def tamper(report):
        report["arrays"]["result"]["sha256"] = "0" * 64
        report["arrays"]["result"]["downsample"][3][5][1] += 0.01

    outcome = rerun_transfer(decoupling, change_report(recorded, tmp_path, tamper), pictures, tmp_path / "again")
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and "differs" in outcome.err
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("result ")]
    assert line.endswith("0.01")


@pytest.mark.parametrize(("difference", "code"), [(5e-4, 0), (2e-3, 1)])
def test_on_another_machine_images_may_differ_slightly(difference, code, recorded, pictures, decoupling, tmp_path):
    def elsewhere(report):
        report["machine"]["processor"] = "another one"
        report["arrays"]["result"]["sha256"] = report["arrays"]["style"]["sha256"] = "0" * 64
        report["arrays"]["result"]["downsample"][0][0][0] += difference

    outcome = rerun_transfer(decoupling, change_report(recorded, tmp_path, elsewhere), pictures, tmp_path / "again")
    assert outcome.code == code and "another machine or other versions" in outcome.out + outcome.err


def test_other_images_and_missing_ones_are_refused(recorded, pictures, decoupling, tmp_path):
    swapped = rerun_transfer(decoupling, recorded / "report.json", pictures[::-1], tmp_path / "again")
    assert swapped.code == 2 and "sha256" in swapped.err and "--origin" in swapped.err
    for option, lacking in (("--origin", "--target"), ("--target", "--origin")):
        one = pictures[option == "--target"]
        missing = decoupling("rerun", recorded / "report.json", option, one, "--out", tmp_path / "again")
        assert missing.code == 2 and missing.err.count("\n") == 1 and "not available" in missing.err
        assert missing.err.endswith(f" {lacking}\n")
    nameless = decoupling("rerun", recorded / "report.json", "--origin", "", "--out", tmp_path / "again")
    assert nameless.code == 2 and nameless.err.count("\n") == 1
    assert not (tmp_path / "again").exists()


def test_a_file_of_weights_that_has_moved_is_given_by_its_option(random_file, recorded, pictures, decoupling, tmp_path):
    sha256 = hashlib.sha256(random_file.read_bytes()).hexdigest()

    def moved(report):
        report["network"] |= {"weights": "nosuch/own.h5", "sha256": sha256}

    report = change_report(recorded, tmp_path, moved)
    missing = rerun_transfer(decoupling, report, pictures, tmp_path / "again")
    assert missing.code == 2 and missing.err.count("\n") == 1 and not (tmp_path / "again").exists()
    assert sha256 in missing.err and missing.err.endswith(" --weights\n")
    found = rerun_transfer(decoupling, report, pictures, tmp_path / "again", "--weights", random_file)
    assert found.code == 0 and found.out.endswith("the same\n")
    other = rerun_transfer(decoupling, report, pictures, tmp_path / "other", "--weights", "random")
    assert other.code == 2 and "weights differ" in other.err and other.err.endswith(" --weights\n")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("schema", [None, 2, 0, True, 1.0, "1"])
def test_a_report_of_another_schema_is_refused(schema, recorded, manifest, decoupling, tmp_path):
    for report in (recorded / "report.json", manifest):
        found = json.loads(report.read_text()) | {"schema": schema}
        (tmp_path / "changed.json").write_text(json.dumps(found))
        outcome = decoupling("rerun", tmp_path / "changed.json", "--out", tmp_path / "again")
        assert outcome.code == 2 and outcome.err.count("\n") == 1 and "schema" in outcome.err


def test_the_folder_of_the_report_is_refused_as_output_folder(recorded, manifest, pictures, decoupling, tmp_path):
    for report in (recorded / "report.json", manifest):
        folder = tmp_path / report.stem
        shutil.copytree(report.parent, folder)
        (tmp_path / "links").mkdir(exist_ok=True)
        (tmp_path / "links" / report.name).symlink_to(folder / report.name)
        (tmp_path / f"to {report.stem}").symlink_to(folder)
        before = {path: path.read_bytes() for path in folder.iterdir()}
        for named, out in (
            (folder / report.name, folder),
            (folder / report.name, folder / ".." / report.stem),
            (folder / report.name, tmp_path / f"to {report.stem}"),
            (tmp_path / "links" / report.name, folder),
            (tmp_path / "links" / report.name, tmp_path / "links"),
        ):
            more = () if report == manifest else ("--origin", pictures[0], "--target", pictures[1])
            outcome = decoupling("rerun", named, "--out", out, "--quiet", *more)
            assert outcome.code == 2 and outcome.err.count("\n") == 1 and "output folder" in outcome.err
        assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_other_weights_are_refused(recorded, pictures, decoupling, tmp_path):
    path = change_report(recorded, tmp_path, lambda report: report["network"].update(sha256="0" * 64))
    outcome = rerun_transfer(decoupling, path, pictures, tmp_path / "again")
    assert outcome.code == 2 and "weights differ" in outcome.err and "0" * 64 in outcome.err


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"transfer"', "[" * 100_000, "{}", '{"command": "transfer"}', "\x00", "1e999", "NaN"],
)
def test_a_file_that_is_not_a_report_is_refused_in_one_line(text, decoupling, tmp_path):
    (tmp_path / "report.json").write_text(text)
    outcome = decoupling("rerun", tmp_path / "report.json", "--out", tmp_path / "again")
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and not (tmp_path / "again").exists()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from(["options", "network", "inputs", "arrays", "command", "schema"]),
    value=_JSON,
    inner=st.none() | st.integers(0, 99),
)
def test_a_report_with_anything_in_a_field_can_be_run_or_is_refused(field, value, inner, recorded, pictures):
    """Nothing but `InputError` may be raised; well-formed values may be accepted."""
    found = json.loads((recorded / "report.json").read_text())
    if inner is not None and isinstance(found[field], dict):
        found[field][sorted(found[field])[inner % len(found[field])]] = value
    else:
        found[field] = value
    path = recorded.parent / "hostile.json"
    path.write_text(json.dumps(found))
    try:
        rerun.gather_recorded_inputs(rerun.read_report(path), *pictures)
    except InputError as error:
        assert str(error).isprintable() and len(str(error)) < 2000


# Figures


def test_a_report_of_before_there_were_metrics_is_run_in_that_of_pixels(recorded, pictures, tmp_path):
    silent = change_report(recorded, tmp_path, lambda report: report["options"].pop("smoothing"))
    found = [
        rerun.gather_recorded_inputs(rerun.read_report(path), *pictures) for path in (recorded / "report.json", silent)
    ]
    assert [inputs.options.smoothing for inputs in found] == [PAIR_SMOOTHING, 0]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Return the manifest of figures that take a moment: flows in the plane and in space, and images."""
    from decoupling_lib.figures import gallery

    folder = tmp_path_factory.mktemp("figures")
    gallery.draw_figures(folder, ["1.1", "2.1", "2.2"])
    return folder / "manifest.json"


def change_manifest(manifest: Path, folder: Path, change) -> Path:
    """Write a manifest with a changed second figure to a file of its own and return the file."""
    found = json.loads(manifest.read_text())
    change(found["figures"][1])
    (folder / "manifest.json").write_text(json.dumps(found))
    return folder / "manifest.json"


def test_a_rerun_of_figures_is_equal_to_the_bit(manifest, decoupling, tmp_path):
    outcome = decoupling("rerun", manifest, "--out", tmp_path / "again", "--quiet")
    assert outcome.code == 0 and outcome.out.count("the same: equal to the bit") == 3
    for file in manifest.parent.glob("*.png"):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()
    assert all(each["same"] for each in json.loads((tmp_path / "again" / "comparison.json").read_text()).values())


def test_a_figure_with_other_data_is_reported(manifest, decoupling, tmp_path):
    def tamper(figure):
        line = figure["plotted"]["axes 0 line 0"]
        line["sha256"] = "0" * 64
        line["outline"][0][0] += 0.3

    outcome = decoupling("rerun", change_manifest(manifest, tmp_path, tamper), "--out", tmp_path / "again", "--quiet")
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and "1 of 3 figures differ: 2.1" in outcome.err
    only = decoupling("rerun", tmp_path / "manifest.json", "--out", tmp_path / "again", "--only", "2.2", "--quiet")
    assert only.code == 0 and only.out.startswith("2.2") and only.out.count("\n") == 2


@pytest.mark.parametrize(("difference", "code"), [(1e-4, 0), (0.1, 1)])
def test_on_another_machine_a_plot_may_differ_slightly(difference, code, manifest, decoupling, tmp_path):
    def elsewhere(figure):
        figure["machine"]["capabilities"] = figure["sha256"] = "another"
        line = figure["plotted"]["axes 0 line 0"]
        line["sha256"] = "0" * 64
        line["outline"][0][0] += difference

    outcome = decoupling(
        "rerun", change_manifest(manifest, tmp_path, elsewhere), "--out", tmp_path / "again", "--quiet"
    )
    assert outcome.code == code and "another machine or other versions" in outcome.out


def test_figures_of_other_weights_and_unknown_numbers_are_refused(manifest, decoupling, tmp_path):
    def other(figure):
        figure["network"] = {"sha256": "0" * 64}

    outcome = decoupling("rerun", change_manifest(manifest, tmp_path, other), "--out", tmp_path / "again", "--quiet")
    assert outcome.code == 2 and "weights of figure 2.1" in outcome.err
    outcome = decoupling("rerun", manifest, "--out", tmp_path / "again", "--only", "4.1", "--quiet")
    assert outcome.code == 2 and "'4.1'" in outcome.err
    outcome = decoupling("rerun", manifest, "--out", tmp_path / "again", "--only", "", "--quiet")
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and "received ''" in outcome.err
    for option, value in (("--origin", "coffee"), ("--weights", "nosuch.h5")):
        outcome = decoupling("rerun", manifest, "--out", tmp_path / "again", option, value, "--quiet")
        assert outcome.code == 2 and outcome.err.count("\n") == 1 and option in outcome.err
    assert not (tmp_path / "again").exists()


def test_a_file_of_weights_of_figures_that_has_moved_is_given_by_its_option(
    random_file, manifest, decoupling, tmp_path
):
    sha256 = hashlib.sha256(random_file.read_bytes()).hexdigest()

    def moved(figure):
        figure |= {"source": {"architecture": "vgg16", "weights": "nosuch/own.h5"}, "network": {"sha256": sha256}}

    call = ("rerun", change_manifest(manifest, tmp_path, moved), "--out", tmp_path / "again", "--quiet")
    missing = decoupling(*call)
    assert missing.code == 2 and missing.err.count("\n") == 1 and not (tmp_path / "again").exists()
    assert sha256 in missing.err and missing.err.endswith(" --weights\n")
    others = decoupling(*call, "--only", "1.1")
    assert others.code == 0 and others.out.count("the same: equal to the bit") == 1
    found = decoupling(*call, "--weights", random_file)
    assert found.code == 0 and found.out.count("the same: equal to the bit") == 3


@pytest.mark.parametrize(
    ("numbers", "tolerance"),
    [
        ("1.1,2.1,2.3.2,2.4,2.5,2.6,3.1,4.5,4.6", 1e-3),
        # Error control chooses its steps: other kernels of OpenBLAS move the second of five points by 0.6 %.
        ("2.2", 1e-2),
    ],
)
def test_a_rerun_of_the_committed_figures_that_take_a_moment_is_the_same(numbers, tolerance, decoupling, tmp_path):
    """The others take minutes: `make rerun`."""
    arguments = ("--out", tmp_path / "again", "--only", numbers, "--tolerance", tolerance, "--quiet")
    outcome = decoupling("rerun", ROOT / "figures" / "manifest.json", *arguments)
    assert outcome.code == 0, outcome
