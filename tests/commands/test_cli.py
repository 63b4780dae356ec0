"""The command line as a user meets it: outputs, refusals, interruptions, repeatability."""

import json
import re
import signal
import time
from pathlib import Path

import h5py
import numpy as np
import pooch
import pytest
from command_line import QUICK, Outcome, finish, run, start
from html_files import Page
from outputs import arrays, assert_same_arrays
from patience import HANG
from PIL import Image

from decoupling_lib.commands import bench
from decoupling_lib.networks import architectures, weights
from decoupling_lib.runs.progress import RunProgress

OUTPUTS = {
    *(f"{name}.png" for name in ("origin", "target", "origin_noisified", "target_noisified", "result")),
    *("panel.png", "losses.png", "arrays.npz", "report.json", "report.html"),
}
KEPT = "step1.block1_conv1.npz"


def assert_one_line(outcome: Outcome, code: int, *fragments: str) -> None:
    """Assert that a call printed nothing but one line on stderr, with these fragments in it."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    line, rest = outcome.err.split("\n")
    assert rest == "" and line.startswith("decoupling: "), outcome.err
    for fragment in fragments:
        assert fragment in line


# Runs


def test_fresh_processes_and_two_runs_in_one_process_agree_to_the_bit(decoupling, pictures, tmp_path: Path):
    command = ("transfer", *pictures, *QUICK, "--out")
    quiet = start(*command, tmp_path / "fresh1", "--quiet")
    code, out, err = run(*command, tmp_path / "fresh2")
    assert finish(quiet) == (0, "", "")
    assert code == 0 and re.fullmatch(r"estimate: .*, [\d,]+ MiB\n", err), err
    lines = out.splitlines()
    assert [line[:6] for line in lines[:3]] == ["Step 1", "Step 2", "Step 3"]
    assert str(tmp_path / "fresh2") in lines[-1]
    for name, more in (("here1", ()), ("here2", ()), ("other", ("--seed", 1))):
        assert decoupling(*command, tmp_path / name, "--quiet", *more) == (0, "", "")
        assert {file.name for file in (tmp_path / name).iterdir()} == OUTPUTS
    for name in ("fresh2", "here1", "here2"):
        assert_same_arrays(tmp_path / "fresh1", tmp_path / name)
    one, other = arrays(tmp_path / "here1"), arrays(tmp_path / "other")
    assert np.array_equal(one["origin"], other["origin"])
    assert not np.array_equal(one["reference"], other["reference"])
    assert not np.array_equal(one["result"], other["result"])


def test_one_line_names_the_network_that_was_chosen(decoupling, pictures, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    command = ("transfer", pictures[0], pictures[0], *QUICK[4:], "--out", tmp_path / "out")
    outcome = decoupling(*command)
    assert outcome.code == 0
    network, estimate, rest = outcome.err.split("\n")
    assert "vgg16" in network and "hed" in network and estimate.startswith("estimate: ") and rest == ""
    assert "self-transfer: " in outcome.out
    assert decoupling(*command, "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("decoupled", "--damping"),
        ("projected", "--softness"),
        ("descent", "--learning-rate"),
        ("direct", "--softness"),
    ],
)
def test_a_run_that_diverges_ends_with_one_line(method: str, step: str, decoupling, tmp_path: Path, monkeypatch):
    from decoupling_lib.engine.normalization import Route
    from decoupling_lib.transfers.run import Transfer

    def diverge(experiment, *_, **__):
        route = Route(experiment.origin.array, experiment.reference.values, (), "diverged")
        return Transfer(experiment.origin.array, experiment.target.array, {}, {"step1": route})

    monkeypatch.setattr("decoupling_lib.transfers.setup.Experiment.run", diverge)
    command = ("transfer", "chelsea", "china", *QUICK, "--method", method, "--quiet", "--out", tmp_path / "out")
    assert_one_line(decoupling(*command), 1, "diverged", "step1", step)


@pytest.mark.faults
def test_a_full_disk_ends_a_run_with_one_line_and_no_report(
    decoupling, pictures, tmp_path: Path, monkeypatch, record_property
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    outcome = decoupling("transfer", *pictures, *QUICK, "--quiet", "--out", tmp_path / "out")
    assert_one_line(outcome, 1, "No space left on device")
    assert not any((tmp_path / "out" / name).exists() for name in ("report.json", "arrays.npz"))
    record_property("faults injected", 1)


def test_as_thesis_runs_the_annexes_descent(decoupling, pictures, tmp_path: Path):
    command = ("transfer", *pictures, *QUICK, "--iterations", 2, "--as-thesis", "--quiet", "--out", tmp_path / "o")
    named = ("--activation", "relu", "--pooling", "max", "--method", "descent", "--reference", "noise")
    for given in ((), named):
        assert decoupling(*command, *given) == (0, "", "")
        text = (tmp_path / "o" / "report.json").read_text()
        for entry in ('"method": "descent"', '"activation": "relu"', '"pooling": "max"', '"kind": "noise"'):
            assert entry in text


def test_amplification_is_measured_after_the_run_and_changes_no_result(decoupling, pictures, tmp_path: Path):
    command = ("transfer", *pictures, "--layers", 1, "--network", "vgg16", "--weights", "random", "--size", 16)
    command += ("--steps", 4, "--damping", 0.3, "--tolerance", 1e-4, "--quiet", "--out")
    assert decoupling(*command, tmp_path / "plain") == (0, "", "")
    assert decoupling(*command, tmp_path / "measured", "--amplification", 1)[0] == 0
    plain, measured = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("plain", "measured"))
    assert "amplification" not in plain and measured["amplification"]["products"] == 1
    assert [leg["step"] for leg in measured["amplification"]["legs"]] == [1, 2]
    assert plain["arrays"] == measured["arrays"] and plain["passes"] == measured["passes"]
    pages = [Page(tmp_path / name / "report.html").text() for name in ("plain", "measured")]
    assert [page.count("white noise") for page in pages] == [0, 2]
    assert all(f"{leg['there']:.2g}" in pages[1] for leg in measured["amplification"]["legs"])


# Refusals


def make_bad_files(folder: Path) -> None:
    random = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    (folder / "text.png").write_text("no picture\n")
    Image.fromarray(random[:1, :1]).save(folder / "dot.png")
    Image.fromarray(random).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:1500])
    Image.fromarray(np.full((32, 32, 3), 90, np.uint8)).save(folder / "flat.png")
    values = random / 255
    values[3, 4, 1] = np.nan
    np.save(folder / "nan.npy", values)
    with h5py.File(folder / "nineteen.h5", "w") as file:
        for layer in architectures.ARCHITECTURES["vgg19"]:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = ["kernel", "bias"]
            group["kernel"], group["bias"] = np.zeros((3, 3, 1, 1), "f4"), np.zeros(1, "f4")
    whole = (folder / "nineteen.h5").read_bytes()
    (folder / "damaged.h5").write_bytes(whole[: len(whole) // 2])
    (folder / "in_the_way").write_text("a file\n")


BAD = {  # what replaces or is added to the arguments of a good call, and what the line must name
    "missing file": ({"origin": "{0}/nosuch.png"}, "nosuch.png"),
    "missing target": ({"target": "{0}/nosuch.png"}, "nosuch.png"),
    "misspelled bundled picture": ({"target": "chelsae"}, 'did you mean "chelsea"'),
    "text": ({"origin": "{0}/text.png"}, "text.png"),
    "one pixel": ({"target": "{0}/dot.png", "--size": None}, "dot.png"),
    "cut JPEG": ({"origin": "{0}/cut.jpg"}, "cut.jpg"),
    "constant": ({"target": "{0}/flat.png"}, "flat.png"),
    "NaN": ({"origin": "{0}/nan.npy"}, "nan.npy"),
    "no layer": ({"--layers": "0"}, "received 0;"),
    "six layers": ({"--layers": "6"}, "received 6;"),
    "layers x": ({"--layers": "x"}, "received 'x'"),
    "small": ({"--size": "8"}, "received '8'"),
    "half a size": ({"--size": "64x"}, "received '64x'"),
    "softness": ({"--softness": "nan"}, "received nan"),
    "damping": ({"--damping": "-1"}, "received -1"),
    "smoothing": ({"--smoothing": "-1"}, "received -1"),
    "smoothing of another method": ({"--smoothing": "2", "--method": "direct"}, "received 'direct'"),
    "tolerance": ({"--tolerance": "inf"}, "received inf"),
    "precision": ({"--precision": "float16"}, "'float16'"),
    "steps": ({"--steps": "0"}, "received 0;"),
    "seed": ({"--seed": "-1"}, "received -1"),
    "method": ({"--method": "decopled"}, 'did you mean "decoupled"'),
    "rule": ({"--rule": "rk5"}, "'rk5'"),
    "optimizer": ({"--optimizer": "Newton"}, "'Newton'"),
    "layer set": ({"--layer-set": "thesys"}, "'thesys'"),
    "network": ({"--network": "vgg11"}, "'vgg11'"),
    "activation": ({"--activation": "tanh"}, "'tanh'"),
    "pooling": ({"--pooling": "median"}, "'median'"),
    "missing weights": ({"--weights": "{0}/nosuch.h5"}, "nosuch.h5"),
    "hed is VGG-16": ({"--network": "vgg19", "--weights": "hed"}, "'vgg19'"),
    "other network's file": ({"--weights": "{0}/nineteen.h5"}, "nineteen.h5"),
    "damaged weights": ({"--weights": "{0}/damaged.h5"}, "damaged.h5"),
    "a picture as weights": ({"--weights": "{0}/flat.png"}, "flat.png"),
    "not cached": ({"--weights": "imagenet"}, "decoupling weights --network vgg16"),
    "conflict": ({"--as-thesis": "", "--activation": "softplus"}, "received 'softplus'"),
    "reference": ({"--as-thesis": "", "--reference": "midpoint"}, "received 'midpoint'"),
    "growth of what has none": ({"--amplification": "2", "--method": "direct"}, "received 'direct'"),
    "slips without descent": ({"--annex-slips": ""}, "--method descent"),
    "missing argument": ({"target": None}, "target"),
    "one too many": ({"third": "flower"}, "flower"),
    "unknown option": ({"--colour": "red"}, "--colour"),
    "memory": ({"--memory-limit": "300"}, "--size"),
    "no memory": ({"--memory-limit": "0"}, "received 0;"),
    "file as folder": ({"--out": "{0}/in_the_way"}, "in_the_way"),
    "under a file": ({"--out": "{0}/in_the_way/out"}, "in_the_way"),
    "no output folder": ({"--out": None}, "--out"),
}


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    make_bad_files(folder)
    return folder


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_nothing_is_written(case: str, decoupling, bad_files, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    changes, fragment = BAD[case]
    good = {"origin": "chelsea", "target": "china", "--out": f"{tmp_path}/out"}
    good |= dict(zip(QUICK[::2], QUICK[1::2], strict=True))
    used = [{"report.json"}] if case in ("no layer", "other network's file", "constant") else []
    for before in (set(), *used):
        for name in before:
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / name).write_text("old")
        arguments = ["transfer"]
        for name, value in (good | changes).items():
            if value is None:
                continue
            arguments += [name] if name.startswith("--") else []
            arguments += [value.format(bad_files)] if value else []
        assert_one_line(decoupling(*arguments), 2, fragment)
        assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == before
        assert (tmp_path / "out").exists() == bool(before)
    assert (bad_files / "in_the_way").read_text() == "a file\n"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which even root cannot write")
def test_a_folder_that_cannot_be_created_is_refused(decoupling, pictures):
    assert_one_line(decoupling("transfer", *pictures, *QUICK, "--out", "/proc/x"), 2, "/proc/x")


def test_bad_input_in_a_new_process_is_refused_in_one_line(tmp_path: Path):
    outcome = run("transfer", "chelsea", tmp_path / "nosuch.png", *QUICK, "--out", tmp_path / "out")
    assert_one_line(outcome, 2, "nosuch.png")
    assert not (tmp_path / "out").exists()


def test_no_command_unknown_command_and_help(decoupling):
    assert_one_line(decoupling(), 2, "command")
    assert_one_line(decoupling("transfre"), 2, "transfre")
    outcome = decoupling("transfer", "--help")
    assert outcome.code == 0 and outcome.err == "" and "--damping" in outcome.out


# Interruptions


@pytest.fixture
def interrupted(decoupling, pictures, tmp_path: Path, monkeypatch) -> tuple[Path, tuple]:
    """Return the folder of a run that was interrupted in Step 2, and its command."""
    folder = tmp_path / "broken"
    command = ("transfer", *pictures, *QUICK, "--quiet", "--out", folder)

    def listen(self, step, layer, share, x):
        if step == 2 and share > 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunProgress, "listen", listen)
        assert_one_line(decoupling(*command), 130, "--resume")
    assert [file.name for file in folder.rglob("*") if file.is_file()] == [KEPT]
    return folder, command


def test_only_the_same_undamaged_run_is_resumed(decoupling, pictures, interrupted):
    folder, command = interrupted
    kept = folder / "unfinished" / KEPT
    whole = kept.read_bytes()
    for more in (("--damping", "0.1"), ("--seed", "1"), ("--steps", "4")):
        assert_one_line(decoupling(*command, "--resume", *more), 2, KEPT[6:], "without --resume")
    swapped = ("transfer", *pictures[::-1], *command[3:])
    assert_one_line(decoupling(*swapped, "--resume"), 2, KEPT[6:])
    assert kept.read_bytes() == whole
    for damaged in (whole[: len(whole) // 2], b"", whole[:500] + bytes(64) + whole[564:]):
        kept.write_bytes(damaged)
        assert_one_line(decoupling(*command, "--resume"), 2, KEPT[6:], "without --resume")
        assert kept.read_bytes() == damaged
    assert not (folder / "report.json").exists()
    assert decoupling(*command).code == 0
    assert {file.name for file in folder.iterdir()} == OUTPUTS


@pytest.mark.slow
@pytest.mark.faults
def test_signals_end_the_run_and_resume_completes_it(decoupling, pictures, tmp_path: Path, record_property):
    command = ("transfer", *pictures, *QUICK, "--steps", "8", "--quiet", "--out")
    undisturbed = tmp_path / "whole"
    assert decoupling(*command, undisturbed) == (0, "", "")
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        folder = tmp_path / f"broken{code}"
        process = start(*command, folder)
        kept = folder / "unfinished" / KEPT
        until = time.monotonic() + HANG
        while not kept.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(number)
        assert_one_line(finish(process), code, "interrupted", "--resume", str(folder))
        names = {file.name for file in folder.rglob("*") if file.is_file()}
        assert KEPT in names and names <= {KEPT, KEPT.replace("1", "2", 1)}
        assert decoupling(*command, folder, "--resume") == (0, "", "")
        assert_same_arrays(folder, undisturbed)
        assert {file.name for file in folder.iterdir()} == OUTPUTS
        record_property("faults injected", 1)
        record_property("runs resumed", 1)


LONG = ("--network", "vgg16", "--weights", "random", "--size", "24", "--layers", "2", "--steps", "4")
LONG += ("--refinements", "2", "--tolerance", "1e-5", "--quiet", "--out")


def passes(folder: Path) -> tuple:
    report = json.loads((folder / "report.json").read_text("utf-8"))
    return report["passes"], report["judging_passes"], [{**stage, "seconds": 0} for stage in report["stages"]]


@pytest.mark.slow
@pytest.mark.faults
def test_killed_at_random_moments_and_resumed_it_ends_as_an_undisturbed_run(
    decoupling, pictures, tmp_path: Path, record_property
):
    command, generator = ("transfer", *pictures, *LONG), np.random.default_rng(3)
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    began = time.monotonic()
    assert decoupling(*command, whole) == (0, "", "")
    duration = time.monotonic() - began
    killed = states = attempts = 0
    # Three random moments; they may all fall between legs, and then others are tried.
    while attempts < 3 or (states == 0 and attempts < 12):
        attempts += 1
        process = start(*command, folder, "--resume")
        before = newest(folder)
        until = time.monotonic() + HANG
        while newest(folder) == before and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.2) * duration if attempts <= 3 else 0)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        for file in (folder / "unfinished").glob("*.npz"):
            with np.load(file) as data:
                states += "leg" not in data
    assert killed >= 2 and states >= 1, "no run was killed within a leg"
    assert decoupling(*command, folder, "--resume") == (0, "", "")
    assert_same_arrays(folder, whole)
    assert passes(folder) == passes(whole)
    assert {file.name for file in folder.iterdir()} == OUTPUTS
    record_property("faults injected", killed)
    record_property("runs resumed", killed)


def newest(folder: Path) -> int:
    """Return when the last state was written, in nanoseconds."""
    return max((file.stat().st_mtime_ns for file in (folder / "unfinished").glob("*.npz")), default=0)


# Downloading weights


@pytest.mark.parametrize("failure", ["unreachable", "cut short", "another file"])
def test_a_failed_download_ends_in_one_line_and_leaves_no_file(failure: str, decoupling, tmp_path, monkeypatch):
    def download(self, url, output_file, pooch_, check_only=False):
        if failure != "unreachable":
            Path(output_file).write_bytes(b"half")
        if failure != "another file":
            raise OSError("Network is unreachable")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    outcome = decoupling("weights", "--network", "vgg16")
    assert_one_line(outcome, 2, "vgg16", str(weights.keras_path("vgg16")))
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_weights_of_an_unknown_network(decoupling):
    assert_one_line(decoupling("weights", "--network", "vgg11"), 2, "'vgg11'", "vgg16, vgg19")


# Benchmarks


def test_bench_passes_its_arguments_on_and_ends_as_the_script_does(decoupling):
    outcome = decoupling("bench", "growth", "--help")
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out.startswith("usage: growth.py") and "--steps" in outcome.out
    outcome = decoupling("bench", "growth", "--stesp", "3")
    assert outcome.code == 2 and "--stesp" in outcome.err
    assert "NAME" in decoupling("bench", "--help").out


def test_bench_refuses_an_unknown_name_and_an_install_without_source_checkout(decoupling, monkeypatch):
    names = sorted(path.stem for path in bench.BENCHMARKS.glob("[a-z]*.py"))
    assert {"growth", "way_back"} <= set(names)
    assert_one_line(decoupling("bench", "growht"), 2, "'growht'", ", ".join(names), 'did you mean "growth"')
    assert_one_line(decoupling("bench", "_common"), 2, "'_common'")
    monkeypatch.setattr(bench, "BENCHMARKS", Path("nowhere"))
    assert_one_line(decoupling("bench", "growth"), 2, "nowhere", "source checkout")
