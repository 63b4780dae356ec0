"""The figures of the thesis by number."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT
from patience import HANG
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.figures import gallery, textures, transfers
from decoupling_lib.figures.spec import DrawnFigure, FigureSpec, add_margin
from decoupling_lib.plotting.settings import kit_settings
from decoupling_lib.plotting.style import new_figure
from decoupling_lib.transfers.network_source import NetworkSource, choose_source

FOLDER = ROOT / "figures"
SOURCE = choose_source()
QUICK = ("2.1", "2.2")


@pytest.fixture(autouse=True, scope="module")
def small_runs():
    """Make the transfers of figures 1.2, 2.9 and 4.1 to 4.4 and the syntheses of 2.7 and 2.8 small enough for tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfers, "SIDE", 32)
        patch.setattr(transfers, "ANNEX_ITERATIONS", 20)
        patch.setattr(textures, "SIDE", 48)
        patch.setattr(textures, "ITERATIONS", 10)
        yield
    transfers._run.cache_clear()
    transfers.run_annex.cache_clear()


def blank(number: str) -> FigureSpec:
    """Specify a figure that is drawn in no time."""

    @kit_settings
    def draw(source: NetworkSource) -> DrawnFigure:
        return DrawnFigure(new_figure(2, 1), {"side in pixels": 7})

    return FigureSpec(number, "a title", "nothing differs", draw)


@pytest.mark.parametrize("number", gallery.FIGURES)
def test_a_figure_is_not_blank_and_lists_what_it_was_made_from(number, tmp_path):
    drawn = gallery.FIGURES[number].draw(SOURCE)
    figure = add_margin(drawn)
    margin = figure.get_supxlabel()
    figure.savefig(tmp_path / "drawn.png")
    pixels = np.asarray(Image.open(tmp_path / "drawn.png").convert("L"))
    assert 0.005 < np.mean(pixels < 200) < 0.9
    assert all(f"{name} {version}" in margin for name, version in drawn.versions.items())
    assert all(name in margin.replace("\n", " ") for name in drawn.parameters)
    json.dumps(dict(drawn.parameters))
    assert (drawn.network is not None) == (recorded_figures()[number]["network"] is not None)
    if drawn.network is not None:
        assert drawn.network.weights.sha256[:8] in margin
        assert "without ImageNet VGG-19 weights" in margin.replace("\n", " ")


def test_numbers_are_in_order_and_file_names_differ():
    order = [tuple(map(int, number.split("."))) for number in gallery.FIGURES]
    assert order == sorted(order)
    assert len({spec.file for spec in gallery.FIGURES.values()}) == len(order)


def test_a_figure_drawn_twice_gives_the_same_file(tmp_path):
    first = [path.read_bytes() for path in gallery.draw_figures(tmp_path / "one", QUICK)]
    assert [path.read_bytes() for path in gallery.draw_figures(tmp_path / "two", QUICK)] == first


def test_the_manifest_and_the_page_list_the_figures_of_the_folder_in_the_order_of_the_thesis(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FIGURES", {number: blank(number) for number in ("1.1", "2.1", "4.5")})
    gallery.draw_figures(tmp_path, ["4.5"])
    gallery.draw_figures(tmp_path, ["1.1"])
    entries = json.loads((tmp_path / "manifest.json").read_text())["figures"]
    assert [each["number"] for each in entries] == ["1.1", "4.5"]
    assert entries[0]["parameters"] == {"side in pixels": 7} and "numpy" in entries[0]["versions"]
    page = (tmp_path / "README.md").read_text()
    assert page.index("## 1.1 a title") < page.index("## 4.5 a title") and "(figure_4_5.png)" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md", "figure_1_1.png", "figure_4_5.png", "manifest.json",
    ]  # fmt: skip


def test_resume_draws_what_is_missing_or_was_drawn_with_another_network(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FIGURES", {number: blank(number) for number in ("1.1", "2.1")})
    drawn = []

    def listen(spec):
        drawn.append(spec.number)

    gallery.draw_figures(tmp_path, ["1.1"], SOURCE, listen)
    gallery.draw_figures(tmp_path, None, SOURCE, listen, resume=True)
    assert drawn == ["1.1", "2.1"]
    gallery.draw_figures(tmp_path, ["2.1"], NetworkSource("vgg16", "random"), listen, resume=True)
    (tmp_path / "figure_1_1.png").unlink()
    gallery.draw_figures(tmp_path, ["1.1"], SOURCE, listen, resume=True)
    assert drawn == ["1.1", "2.1", "2.1", "1.1"]


def test_an_interrupted_run_keeps_the_figures_that_it_has_drawn(tmp_path, monkeypatch):
    def interrupt(source):
        raise KeyboardInterrupt

    figures = {"1.1": blank("1.1"), "2.1": FigureSpec("2.1", "a title", "", interrupt)}
    monkeypatch.setattr(gallery, "FIGURES", figures)
    with pytest.raises(KeyboardInterrupt):
        gallery.draw_figures(tmp_path)
    entries = json.loads((tmp_path / "manifest.json").read_text())["figures"]
    assert [each["number"] for each in entries] == ["1.1"] and (tmp_path / "figure_1_1.png").exists()


def recorded_figures() -> dict[str, dict]:
    """Return the entries of the committed manifest by number."""
    entries = json.loads((FOLDER / "manifest.json").read_text("utf-8"))["figures"]
    return {entry["number"]: entry for entry in entries}


def test_the_committed_manifest_and_page_describe_the_committed_figures():
    entries = recorded_figures()
    assert list(entries) == list(gallery.FIGURES)
    assert {path.name for path in FOLDER.glob("figure_*.png")} == {entry["file"] for entry in entries.values()}
    for number, entry in entries.items():
        spec = gallery.FIGURES[number]
        assert (entry["title"], entry["differs"]) == (spec.title, spec.differs)
        assert entry["sha256"] == gallery.hash_pixels(FOLDER / spec.file)
    assert (FOLDER / "README.md").read_text("utf-8") == gallery.render_page(list(entries.values()))


def test_an_unknown_number_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(InputError) as refusal:
        gallery.draw_figures(tmp_path, ["2.1", "9.9"])
    assert "9.9" in str(refusal.value) and ", ".join(gallery.FIGURES) in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_the_command_draws_the_requested_figures_and_refuses_unknown_ones(tmp_path):
    command = [sys.executable, "-m", "decoupling_lib", "figures", "--out", str(tmp_path / "drawn"), "--only"]
    done = subprocess.run([*command, "2.2"], capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0 and Path(done.stdout.strip()).name == "figure_2_2.png"
    refused = subprocess.run([*command, "2.2,7"], capture_output=True, text=True, timeout=HANG)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "7" in refused.stderr


def test_the_images_and_the_curves_of_a_transfer_come_from_one_run():
    one, other = (gallery.FIGURES[number].draw(SOURCE) for number in ("4.2", "4.4"))
    assert one.parameters == other.parameters and one.parameters["passes"] > 100
    images = [ax.images[0].get_array() for ax in one.figure.axes]
    np.testing.assert_allclose(images[0], images[2], atol=0.02)  # the way back returns to the picture
    assert np.abs(images[0] - images[1]).mean() > 0.05  # from a different image
    assert [line.get_label() for line in other.figure.axes[0].lines][:2] == [
        "Step 1 block1_conv1", "Step 1 block2_conv1",
    ]  # fmt: skip


def test_the_annex_is_shown_beside_the_kit_at_its_scale_with_its_iterations():
    one, other = (gallery.FIGURES[number].draw(SOURCE) for number in ("4.2", "4.4"))
    for drawn in (one, other):
        drawn.figure.draw_without_rendering()
    sizes = [ax.get_window_extent().size for ax in one.figure.axes]
    np.testing.assert_allclose(sizes, sizes[:1] * 5, rtol=0.02)
    assert len({ax.get_ylim() for ax in other.figure.axes}) == 1
    for texts in ([ax.get_xlabel() for ax in one.figure.axes], [ax.get_title() for ax in other.figure.axes]):
        assert sum("20 iterations" in text for text in texts) == 2
    annex = transfers.run_annex(SOURCE, transfers.PICTURES[1], transfers.SIDE, transfers.ANNEX_ITERATIONS)
    np.testing.assert_array_equal(one.figure.axes[4].images[0].get_array(), np.clip(annex.step3.x, 0, 1))


def test_the_curve_of_the_deepest_layer_is_told_apart_from_the_one_that_the_annex_plots():
    ax = gallery.FIGURES["4.4"].draw(SOURCE).figure.axes[3]
    deepest, first, slip = ax.lines
    assert [line.get_label() for line in (deepest, first)] == ["Step 3 block2_conv1", "Step 3 block1_conv1"]
    annex = transfers.run_annex(SOURCE, transfers.PICTURES[1], transfers.SIDE, transfers.ANNEX_ITERATIONS)
    np.testing.assert_array_equal(np.transpose(slip.get_data()), annex.plotted)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(legend) == 3 and "annex" in legend[2] and len({line.get_linestyle() for line in ax.lines}) == 3


def finest_power(image: np.ndarray) -> float:
    """Return the mean square of what an image has of checkerboards of one pixel."""
    diagonal = (image[:-1, :-1] - image[1:, :-1] - image[:-1, 1:] + image[1:, 1:]) / 4
    return float(np.mean(diagonal**2))


@pytest.mark.parametrize(("blur", "lowest", "highest"), [(textures.BLUR, 0, 1.5), (0.0, 4, np.inf)])
def test_a_synthesis_has_no_checkerboard_because_it_begins_at_smooth_noise(blur, lowest, highest, monkeypatch):
    monkeypatch.setattr(textures, "BLUR", blur)
    axes = gallery.FIGURES["2.8"].draw(SOURCE).figure.axes
    pictures = [ax.images[0].get_array() for ax in axes if np.ndim(ax.images[0].get_array()) == 3]
    assert lowest < finest_power(pictures[2]) / finest_power(pictures[0]) < highest
