"""The thesis's figures by number."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.figures import gallery, textures, transfers
from decoupling_lib.figures.spec import Entry, Made, canvas, sign
from decoupling_lib.transfers.network_source import NetworkSource, choose_source

FOLDER = ROOT / "figures"
SOURCE = choose_source()
QUICK = ("2.1", "2.2")


@pytest.fixture(autouse=True, scope="module")
def small_runs():
    """The transfers of figures 1.2, 2.9, 4.1 to 4.4 and the syntheses of 2.7 and 2.8, small enough for tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfers, "SIDE", 32)
        patch.setattr(transfers, "REFINEMENTS", 0)
        patch.setattr(textures, "SIDE", 48)
        patch.setattr(textures, "ITERATIONS", 10)
        yield
    transfers._run.cache_clear()


def blank(number: str) -> Entry:
    return Entry(number, "a title", "nothing differs", lambda source: Made(canvas(2, 1), {"side in pixels": 7}))


@pytest.mark.parametrize("number", gallery.FIGURES)
def test_a_figure_is_not_blank_and_says_what_made_it(number, tmp_path):
    made = gallery.FIGURES[number].draw(SOURCE)
    figure = sign(made)
    margin = figure.get_supxlabel()
    figure.savefig(tmp_path / "drawn.png")
    pixels = np.asarray(Image.open(tmp_path / "drawn.png").convert("L"))
    assert 0.005 < np.mean(pixels < 200) < 0.9
    assert all(f"{name} {version}" in margin for name, version in made.versions.items())
    assert all(name in margin.replace("\n", " ") for name in made.parameters)
    json.dumps(dict(made.parameters))
    if made.network is not None:
        assert "without ImageNet VGG-19 weights" in margin.replace("\n", " ")


def test_numbers_are_in_order_and_files_apart():
    places = [tuple(map(int, number.split("."))) for number in gallery.FIGURES]
    assert places == sorted(places)
    assert len({entry.file for entry in gallery.FIGURES.values()}) == len(places)


def test_the_same_figure_twice_is_the_same_file(tmp_path):
    first = [path.read_bytes() for path in gallery.make(tmp_path / "one", QUICK)]
    assert [path.read_bytes() for path in gallery.make(tmp_path / "two", QUICK)] == first


def test_the_manifest_and_the_page_list_what_is_there_in_the_thesis_order(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FIGURES", {number: blank(number) for number in ("1.1", "2.1", "4.5")})
    gallery.make(tmp_path, ["4.5"])
    gallery.make(tmp_path, ["1.1"])
    listed = json.loads((tmp_path / "manifest.json").read_text())["figures"]
    assert [each["number"] for each in listed] == ["1.1", "4.5"]
    assert listed[0]["parameters"] == {"side in pixels": 7} and "numpy" in listed[0]["versions"]
    page = (tmp_path / "README.md").read_text()
    assert page.index("## 1.1 a title") < page.index("## 4.5 a title") and "(figure_4_5.png)" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md", "figure_1_1.png", "figure_4_5.png", "manifest.json",
    ]  # fmt: skip


def test_resume_draws_what_is_missing_or_was_made_with_another_network(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FIGURES", {number: blank(number) for number in ("1.1", "2.1")})
    drawn = []

    def listen(entry):
        drawn.append(entry.number)

    gallery.make(tmp_path, ["1.1"], SOURCE, listen)
    gallery.make(tmp_path, None, SOURCE, listen, resume=True)
    assert drawn == ["1.1", "2.1"]
    gallery.make(tmp_path, ["2.1"], NetworkSource("vgg16", "random"), listen, resume=True)
    (tmp_path / "figure_1_1.png").unlink()
    gallery.make(tmp_path, ["1.1"], SOURCE, listen, resume=True)
    assert drawn == ["1.1", "2.1", "2.1", "1.1"]


def test_a_stopped_run_keeps_what_is_done(tmp_path, monkeypatch):
    def broken(source):
        raise KeyboardInterrupt

    figures = {"1.1": blank("1.1"), "2.1": Entry("2.1", "a title", "", broken)}
    monkeypatch.setattr(gallery, "FIGURES", figures)
    with pytest.raises(KeyboardInterrupt):
        gallery.make(tmp_path)
    listed = json.loads((tmp_path / "manifest.json").read_text())["figures"]
    assert [each["number"] for each in listed] == ["1.1"] and (tmp_path / "figure_1_1.png").exists()


def test_the_committed_manifest_and_page_are_those_of_the_committed_figures():
    listed = json.loads((FOLDER / "manifest.json").read_text("utf-8"))["figures"]
    assert [each["number"] for each in listed] == list(gallery.FIGURES)
    assert {path.name for path in FOLDER.glob("figure_*.png")} == {each["file"] for each in listed}
    for each in listed:
        entry = gallery.FIGURES[each["number"]]
        assert (each["title"], each["differs"]) == (entry.title, entry.differs)
    assert (FOLDER / "README.md").read_text("utf-8") == gallery.page(listed)


def test_an_unknown_number_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(InputError, match="2.1, 2.2"):
        gallery.make(tmp_path, ["2.1", "9.9"])
    assert not list(tmp_path.iterdir())


def test_the_command_draws_what_is_asked_for(tmp_path):
    command = [sys.executable, "-m", "decoupling_lib.cli", "figures", "--out", str(tmp_path / "drawn"), "--only"]
    done = subprocess.run([*command, "2.2"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and Path(done.stdout.strip()).name == "figure_2_2.png"
    refused = subprocess.run([*command, "2.2,7"], capture_output=True, text=True, timeout=120)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1


def test_a_transfer_and_its_curves_are_figures_of_one_run():
    one, other = (gallery.FIGURES[number].draw(SOURCE) for number in ("4.2", "4.4"))
    assert one.parameters == other.parameters and one.parameters["passes"] > 100
    pictures = [ax.images[0].get_array() for ax in one.figure.axes]
    np.testing.assert_allclose(pictures[0], pictures[2], atol=0.02)  # it comes back
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.05  # from elsewhere
    assert [line.get_label() for line in other.figure.axes[0].lines][:2] == [
        "Step 1 block1_conv1", "Step 1 block2_conv1",
    ]  # fmt: skip
