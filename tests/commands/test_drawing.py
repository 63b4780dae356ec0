"""A command whose picture cannot be drawn keeps what it computed; repeated with --resume, it only draws."""

import json
from pathlib import Path

import pytest
from command_line import QUICK
from counted_passes import count_passes
from outputs import assert_same_arrays
from PIL import Image

from decoupling_lib.engine import legs
from decoupling_lib.figures import gallery
from decoupling_lib.figures import transfers as figure_transfers
from decoupling_lib.figures.annex import run_annex
from decoupling_lib.networks import dead_channels
from decoupling_lib.plotting import style, transfers
from decoupling_lib.runs import execute

ZEROS = ("zeros", "--layers", 1, "--size", 32, "--seeds", 2, "--network", "vgg16", "--weights", "random", "--quiet")


def fail(*_, **__):
    raise RuntimeError("Failed to process string with tex because latex could not be found\nand more lines")


def assert_one_line(outcome, *fragments: str) -> None:
    """Assert that a call ended with exit code 1 and one line on stderr, with these fragments in it."""
    assert (outcome.code, outcome.err.count("\n")) == (1, 1), outcome
    for fragment in fragments:
        assert fragment in outcome.err, outcome.err


def read(file: Path) -> dict:
    return json.loads(file.read_text("utf-8"))


@pytest.mark.parametrize("method", ["decoupled", "projected", "descent", "direct"])
def test_a_transfer_keeps_its_arrays_and_report_and_resume_takes_no_pass(
    method, decoupling, pictures, tmp_path, monkeypatch
):
    command = ("transfer", *pictures, *QUICK, "--method", method, "--iterations", 5, "--out")
    assert decoupling(*command, tmp_path / "whole", "--quiet") == (0, "", "")
    folder = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfers, "draw_losses", fail)
        assert_one_line(decoupling(*command, folder, "--quiet"), "losses.png", "latex", "report.json", "--resume")
    assert_same_arrays(folder, tmp_path / "whole")
    before = read(folder / "report.json")
    assert before["missing_pictures"] == ["losses.png"] and not (folder / "losses.png").exists()
    passes = count_passes(monkeypatch)
    monkeypatch.setattr(execute, "execute", fail)
    code, out, err = decoupling(*command, folder, "--resume")
    assert (code, err) == (0, "") and str(folder) in out and "Step 3" in out and passes == []
    assert read(folder / "report.json") == before | {"missing_pictures": []}
    for name in ("losses.png", "panel.png"):
        with Image.open(folder / name) as own, Image.open(tmp_path / "whole" / name) as other:
            assert own.size == other.size
    assert {file.name for file in folder.iterdir()} == {file.name for file in (tmp_path / "whole").iterdir()}


def test_resume_of_another_command_does_not_draw_from_this_one(decoupling, pictures, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    command = ("transfer", *pictures, *QUICK, "--quiet", "--out", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfers, "draw_panel", fail)
        assert_one_line(decoupling(*command), "panel.png")
    first = read(folder / "report.json")
    assert decoupling(*command, "--resume", "--seed", 1) == (0, "", "")
    second = read(folder / "report.json")
    assert second["seed"] == 1 and second["missing_pictures"] == [] and second["fingerprint"] != first["fingerprint"]


def test_zeros_keep_their_counts_and_resume_does_not_count_again(decoupling, tmp_path, monkeypatch):
    whole, folder = tmp_path / "whole", tmp_path / "out"
    assert decoupling(*ZEROS, "--out", whole) == (0, "", "")
    (folder / "zeros.png").mkdir(parents=True)
    assert_one_line(decoupling(*ZEROS, "--out", folder), "zeros.png", "zeros.json", "--resume")
    assert read(folder / "zeros.json") == read(whole / "zeros.json") and (folder / "zeros.png").is_dir()
    (folder / "zeros.png").rmdir()
    monkeypatch.setattr(dead_channels, "find_dead_channels", fail)
    assert decoupling(*ZEROS, "--out", folder, "--resume") == (0, "", "")
    assert (folder / "zeros.png").read_bytes() == (whole / "zeros.png").read_bytes()


def test_zeros_of_another_command_are_counted_again(decoupling, tmp_path):
    assert decoupling(*ZEROS, "--out", tmp_path) == (0, "", "")
    first = (tmp_path / "zeros.png").read_bytes()
    for spoil in (lambda content: content, lambda content: "{", lambda content: content.replace("[0]", "[[[")):
        file = tmp_path / "zeros.json"
        file.write_text(spoil(file.read_text()))
        assert decoupling(*ZEROS, "--seeds", 1, "--out", tmp_path, "--resume") == (0, "", "")
        assert read(file)["seeds"] == [0] and (tmp_path / "zeros.png").read_bytes() != first


def test_of_several_figures_one_that_cannot_be_drawn_does_not_stop_the_others(decoupling, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    (folder / "figure_2_1.png").mkdir(parents=True)
    command = ("figures", "--only", "2.1,2.3.2,3.1", "--quiet", "--out", folder)
    assert_one_line(decoupling(*command), "figure 2.1", "--resume")
    drawn = {each["number"] for each in read(folder / "manifest.json")["figures"]}
    assert drawn == {"2.3.2", "3.1"} and (folder / "figure_3_1.png").is_file()
    (folder / "figure_2_1.png").rmdir()
    numbers, real = [], gallery.draw_figure
    monkeypatch.setattr(gallery, "draw_figure", lambda spec, *rest: numbers.append(spec.number) or real(spec, *rest))
    code, _, err = decoupling(*command, "--resume")
    assert (code, err, numbers) == (0, "", ["2.1"])


def test_a_sweep_keeps_its_transfers_and_repeated_it_only_draws(decoupling, pictures, tmp_path, monkeypatch):
    spec, folder = tmp_path / "spec.toml", tmp_path / "out"
    fixed = 'network = "vgg16"\nweights = "random"\nsize = 24\nlayers = 1\nrule = "rk4"\nsteps = 3\n'
    spec.write_text(f"pairs = {json.dumps([list(pictures)])}\n[fixed]\n{fixed}")
    (folder / "contact.png").mkdir(parents=True)
    command = ("sweep", spec, "--out", folder, "--workers", 1, "--quiet")
    assert_one_line(decoupling(*command), "contact.png", "results.csv")
    (own,) = (path.parent for path in folder.glob("*/report.json"))
    before = (own / "arrays.npz").stat().st_mtime_ns
    (folder / "contact.png").rmdir()
    # A picture of the transfer is missing too, as after a failure in its worker.
    (own / "report.json").write_text(json.dumps(read(own / "report.json") | {"missing_pictures": ["panel.png"]}))
    (own / "panel.png").unlink()
    code, out, err = decoupling(*command)
    assert (code, err) == (0, "") and "1 done, 0 failed" in out
    assert (own / "arrays.npz").stat().st_mtime_ns == before and (own / "panel.png").is_file()
    assert read(own / "report.json")["missing_pictures"] == [] and (folder / "contact.png").is_file()


def test_a_rerun_compares_even_if_a_picture_cannot_be_drawn(decoupling, pictures, tmp_path, monkeypatch):
    assert decoupling("transfer", *pictures, *QUICK, "--quiet", "--out", tmp_path / "first") == (0, "", "")
    monkeypatch.setattr(transfers, "draw_panel", fail)
    images = ("--origin", pictures[0], "--target", pictures[1], "--quiet", "--out", tmp_path / "second")
    outcome = decoupling("rerun", tmp_path / "first" / "report.json", *images)
    assert_one_line(outcome, "panel.png")
    assert "result            equal to the bit" in outcome.out
    assert_same_arrays(tmp_path / "first", tmp_path / "second")


def test_a_rerun_that_could_not_draw_compares_and_draws_without_a_pass(decoupling, pictures, tmp_path, monkeypatch):
    assert decoupling("transfer", *pictures, *QUICK, "--quiet", "--out", tmp_path / "first") == (0, "", "")
    folder = tmp_path / "second"
    images = ("--origin", pictures[0], "--target", pictures[1], "--quiet", "--out", folder)
    command = ("rerun", tmp_path / "first" / "report.json", *images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfers, "draw_losses", fail)
        assert_one_line(decoupling(*command), "losses.png", "--resume")
    (folder / "comparison.json").unlink()
    passes = count_passes(monkeypatch)
    code, out, err = decoupling(*command, "--resume")
    assert (code, err, passes) == (0, "", []) and "result            equal to the bit" in out
    assert read(folder / "comparison.json")["same"] and read(folder / "report.json")["missing_pictures"] == []
    with Image.open(folder / "losses.png") as own, Image.open(tmp_path / "first" / "losses.png") as other:
        assert own.size == other.size


def test_an_interrupted_rerun_continues(decoupling, pictures, tmp_path):
    assert decoupling("transfer", *pictures, *QUICK, "--quiet", "--out", tmp_path / "first") == (0, "", "")
    folder = tmp_path / "second"
    images = ("--origin", pictures[0], "--target", pictures[1], "--quiet", "--out", folder)
    command = ("rerun", tmp_path / "first" / "report.json", *images)
    with pytest.MonkeyPatch.context() as patch:
        whole = count_passes(patch)
        assert decoupling(*command).code == 0
    with pytest.MonkeyPatch.context() as patch:
        count_passes(patch, most=len(whole) * 2 // 3)
        code, _, err = decoupling(*command)
    assert code == 130 and "--resume" in err and any((folder / "unfinished").iterdir())
    with pytest.MonkeyPatch.context() as patch:
        rest = count_passes(patch)
        code, out, _ = decoupling(*command, "--resume")
    assert code == 0 and "result            equal to the bit" in out and len(rest) < len(whole)
    assert not (folder / "unfinished").exists()


@pytest.fixture
def small_figures(monkeypatch):
    """Make the transfers of figures small, and forget those that were run in this process."""
    monkeypatch.setattr(figure_transfers, "SIDE", 32)
    monkeypatch.setattr(figure_transfers, "ANNEX_ITERATIONS", 20)

    def forget() -> None:
        figure_transfers._run.cache_clear()
        run_annex.cache_clear()

    forget()
    yield forget
    forget()


def draw_nothing_at_first(folder: Path, numbers: tuple[str, ...]) -> list[Path]:
    """Put a folder in the place of figures, which cannot be drawn then."""
    places = [folder / f"figure_{number.replace('.', '_')}.png" for number in numbers]
    for place in places:
        place.mkdir(parents=True)
    return places


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [("1.2",), ("4.1", "4.3"), ("4.2", "4.4"), ("2.9", "4.4")])
def test_figures_keep_their_transfers_and_resume_takes_no_leg_again(
    numbers, decoupling, tmp_path, monkeypatch, small_figures
):
    command = ("figures", "--only", ",".join(numbers), "--network", "vgg16", "--weights", "random", "--quiet", "--out")
    whole, folder = tmp_path / "whole", tmp_path / "out"
    run, real = [], legs.describe_leg  # for a leg that the journal has as finished, this is not called
    monkeypatch.setattr(legs, "describe_leg", lambda *a: run.append(a) or real(*a))
    assert decoupling(*command, whole).code == 0
    assert run
    small_figures()
    places = draw_nothing_at_first(folder, numbers)
    assert_one_line(decoupling(*command, folder), *numbers, "--resume")
    assert any((folder / "unfinished_transfers").glob("*/unfinished/*.npz"))
    for place in places:
        place.rmdir()
    small_figures()  # as in a new process
    run.clear()
    code, _, err = decoupling(*command, folder, "--resume")
    assert (code, err, run) == (0, "", [])
    for place in places:
        assert place.read_bytes() == (whole / place.name).read_bytes()
    assert {file.name for file in folder.iterdir()} == {file.name for file in whole.iterdir()}


@pytest.mark.slow
def test_a_rerun_of_figures_that_cannot_be_drawn_goes_on_and_resumes(decoupling, tmp_path, monkeypatch, small_figures):
    whole, folder = tmp_path / "whole", tmp_path / "out"
    options = ("--network", "vgg16", "--weights", "random", "--quiet")
    assert decoupling("figures", "--only", "2.1,4.2,3.1", *options, "--out", whole).code == 0
    small_figures()
    (place,) = draw_nothing_at_first(folder, ("4.2",))
    command = ("rerun", whole / "manifest.json", "--quiet", "--out", folder)
    outcome = decoupling(*command)
    assert_one_line(outcome, "4.2", "--resume")
    assert "2.1    the same" in outcome.out and "3.1    the same" in outcome.out
    place.rmdir()
    small_figures()
    monkeypatch.setattr(legs, "describe_leg", fail)
    code, out, err = decoupling(*command, "--resume")
    assert (code, err) == (0, "") and "3 figures are the same" in out
    assert not (folder / "unfinished_transfers").exists()


def test_an_error_while_a_picture_is_drawn_is_one_line():
    assert style.try_to_draw(lambda: None) == ""
    assert "\n" not in style.try_to_draw(fail) and len(style.try_to_draw(fail)) <= 300
    with pytest.raises(KeyboardInterrupt):
        style.try_to_draw(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
