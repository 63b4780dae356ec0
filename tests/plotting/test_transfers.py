"""Figures of transfers: they show the results, images to the pixel, and are readable without color."""

import hashlib
import math
import os
import subprocess
import sys
import threading

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.features import Passes
from decoupling_lib.engine.legs import Leg
from decoupling_lib.engine.normalization import Route
from decoupling_lib.plotting import frontier, transfers
from decoupling_lib.plotting.frontier import show_frontier
from decoupling_lib.plotting.style import COLORS, save_figure, show_picture
from decoupling_lib.plotting.transfers import EDGE_LABELS
from decoupling_lib.transfers.run import Transfer

RANDOM = np.random.default_rng(0)
ROUTES = ("step1", "step2", "step3")


def leg(step, layer, errors=(1.0, 0.1), final=0.01, passes=30):
    curve = tuple((10 * at, error) for at, error in enumerate(errors))
    counted = Passes(forward=1, jvp=passes - 3, vjp=2)
    return Leg(step, layer, final, 0.0, 0.1, 0.2, 0.3, counted, 1.0, 64, "reached", 2, curve=curve)


def make_transfer(shape=(64, 64), layers=2, reached=ROUTES, status="done", normalizes=True):
    """Return a transfer of random images that leave [0, 1]; `status` is that of its last route."""
    names = [f"block{at}_conv1" for at in range(1, layers + 1)]
    paths = {}
    for name in reached:
        step = int(name[-1])
        legs = tuple(leg(step, layer) for layer in (names if step < 3 else names[::-1]))
        if not normalizes:
            legs = () if step < 3 else (leg(3, "+".join(names)),)
        ending = status if name == reached[-1] else "done"
        paths[name] = Route(RANDOM.uniform(-0.3, 1.3, (*shape, 3)), np.zeros(layers), legs, ending)
    origin, target = RANDOM.uniform(-0.3, 1.3, (2, *shape, 3))
    return Transfer(origin, target, {name: slice(at, at + 1) for at, name in enumerate(names)}, paths)


def axes():
    return Figure().subplots()


def pixels(figure, path):
    with Image.open(save_figure(figure, path)) as png:
        return np.asarray(png.convert("RGB"))


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def test_an_image_is_clipped_for_display_only():
    image = np.array([[[-1.0, 0.5, 2.0], [np.nan, np.inf, -np.inf]]])
    before = image.copy()
    ax = axes()
    shown = show_picture(ax, image, "a title")
    np.testing.assert_array_equal(shown.get_array(), [[[0, 0.5, 1], [0.5, 1, 0]]])
    np.testing.assert_array_equal(image, before)
    assert shown.get_interpolation() == "nearest"
    assert ax.get_title() == "a title"
    assert ax.get_xticks().size == ax.get_yticks().size == 0


def test_the_panel_shows_origin_target_and_result_above_the_normalized_images():
    result = make_transfer()
    figure = transfers.draw_panel(result, "small print", {"psnr_db": 44.04, "ssim": 0.99})
    one, two, three = (result.routes[name].x for name in ROUTES)
    expected = [result.origin, one, result.target, two, three]
    for ax, image in zip(figure.axes, expected, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image.clip(0, 1))
    boxes = [ax.get_window_extent() for ax in figure.axes]
    columns, rows = ({round(getattr(box, side)) for box in boxes} for side in ("x0", "y0"))
    assert (len(columns), len(rows)) == (3, 2)
    first = [at for at, box in enumerate(boxes) if round(box.y0) == max(rows)]
    assert sorted(first, key=lambda at: boxes[at].x0) == [0, 2, 4]  # origin, target, result
    assert [round(boxes[at].x0) for at in (1, 3)] == [round(boxes[at].x0) for at in (0, 2)]
    assert titles(figure) == [
        "Origin\ngives the style",
        "Origin normalized\nStep 1",
        "Target\ngives the content",
        "Target normalized\nStep 2",
        "Result\nself-transfer, PSNR 44.0 dB",
    ]
    (text,) = figure.texts
    assert (
        text.get_text().startswith("small print\n") and "9\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}9" in text.get_text()
    )  # 9 * 64 = 576


@pytest.mark.parametrize(
    ("self_transfer", "note"),
    [
        (None, "Step 3"),
        ({"psnr_db": math.inf}, "self-transfer, PSNR ∞ dB"),
        ({"psnr_db": None, "max_error": 0.0}, "self-transfer, PSNR ∞ dB"),
        ({"psnr_db": None, "max_error": None}, "self-transfer, PSNR unknown"),
        ({"psnr_db": math.nan}, "self-transfer, PSNR unknown"),
    ],
)
def test_title_of_the_result(self_transfer, note):
    assert titles(transfers.draw_panel(make_transfer((16, 16)), "", self_transfer))[4] == f"Result\n{note}"


@pytest.mark.parametrize("shape", [(64, 64), (48, 96), (96, 48), (150, 150), (16, 300), (336, 336), (600, 590)])
def test_each_pixel_of_an_image_is_a_square_of_whole_pixels(shape, tmp_path):
    result = make_transfer(shape)
    figure = transfers.draw_panel(result, "small print")
    seen = pixels(figure, tmp_path / "panel.png")
    scale = max(1, 576 // max(shape))
    for ax, image in zip(figure.axes, [result.origin, result.routes["step1"].x], strict=False):
        box = ax.get_window_extent()
        left, top = round(box.x0), seen.shape[0] - round(box.y1)
        block = seen[top : top + scale * shape[0], left : left + scale * shape[1]]
        expected = image.clip(0, 1).repeat(scale, 0).repeat(scale, 1) * 255
        assert np.abs(block - expected).max() <= 1  # an 8-bit level: Matplotlib's own rounding
        around = seen[top - 1 : top + scale * shape[0] + 1, left - 1 : left + scale * shape[1] + 1].copy()
        around[1:-1, 1:-1] = 255
        assert (around == 255).all()


@pytest.mark.parametrize("shape", [(1400, 1000), (16, 2000), (2000, 16)])
def test_large_images_are_shrunk_smoothly_and_keep_their_shape(shape, tmp_path):
    result = make_transfer(shape)
    figure = transfers.draw_panel(result, "small print")
    boxes = [ax.get_window_extent() for ax in figure.axes]
    for box in boxes:
        assert max(box.width, box.height) == pytest.approx(1024, abs=1)
        assert (box.height, box.width) == pytest.approx(1024 / max(shape) * np.array(shape), abs=0.51)
    if min(shape) > 100:
        seen = pixels(figure, tmp_path / "panel.png")
        box, middle = boxes[0], seen.shape[0] - round((boxes[0].y0 + boxes[0].y1) / 2)
        block = seen[middle - 100 : middle + 100, round(box.x0) + 20 : round(box.x1) - 20]
        assert f"{1024 / max(shape):.0%}" in figure.texts[0].get_text()
        # Nearest neighbors would preserve the standard deviation of the clipped noise.
        assert block.std() < 0.8 * 255 * result.origin.clip(0, 1).std()


def test_images_of_different_shapes_keep_theirs_on_one_scale():
    target = make_transfer((40, 80))
    mixed = Transfer(RANDOM.uniform(size=(96, 60, 3)), target.target, target.layers, target.routes)
    boxes = [ax.get_window_extent() for ax in transfers.draw_panel(mixed, "").axes]
    shapes = [(round(box.height), round(box.width)) for box in boxes]
    assert shapes == [(6 * 96, 6 * 60)] * 2 + [(6 * 40, 6 * 80)] * 3


def test_the_curves_of_one_step_have_the_limits_that_are_asked_for():
    legs = make_transfer().routes["step2"].legs
    (ax,) = transfers.draw_step_curve(legs, ["block1_conv1", "block2_conv1"], (1e-5, 2.0)).axes
    assert ax.get_ylim() == (1e-5, 2.0) and len(ax.lines) == 2


@pytest.mark.parametrize("reached", [(), ("step1",), ("step1", "step2"), ROUTES])
def test_an_interrupted_transfer_shows_the_images_that_it_reached(reached, tmp_path):
    result = make_transfer((20, 20), reached=reached, status="interrupted")
    figure = transfers.draw_panel(result, "small print")
    frames = dict(zip(ROUTES, [figure.axes[at] for at in (1, 3, 4)], strict=True))
    for name, ax in frames.items():
        assert len(ax.images) == (name in reached)
        ending = "interrupted" if reached and name == reached[-1] else f"Step {name[-1]}"
        assert ax.get_title().endswith(ending if name in reached else "not reached")
    curves = transfers.draw_losses(result, "small print")
    for name, ax in zip(ROUTES, curves.axes, strict=True):
        assert len(ax.lines) == 2 * (name in reached)
        assert [text.get_text() for text in ax.texts] == ([] if name in reached else ["not reached"])
        assert ax.get_title().endswith("(interrupted)") == (reached[-1:] == (name,))
    save_figure(figure, tmp_path / "panel.png")
    save_figure(curves, tmp_path / "losses.png")
    if reached:
        assert len(curves.axes[0].get_yticks()) > 1


def test_the_direct_method_has_no_noisified_images():
    result = make_transfer(layers=5, normalizes=False)
    figure = transfers.draw_panel(result, "small print")
    for at in (1, 3):
        assert not figure.axes[at].images
        assert figure.axes[at].get_title().endswith("\nnot normalized by this method")
    assert figure.axes[4].images
    curves = transfers.draw_losses(result, "small print")
    assert [[text.get_text() for text in ax.texts] for ax in curves.axes] == [["not normalized by this method"]] * 2 + [
        []
    ]
    (label,) = legend(curves.axes[2])
    assert label.replace("\n", "") == "Step 3 " + "+".join(result.layers)


def test_curves_continue_from_leg_to_leg_and_end_at_the_final_error():
    ax = axes()
    legs = [leg(1, "a", (1.0, 0.5), 0.2, 15), leg(1, "b", (0.9, 0.3), 0.1, 25), leg(2, "a", (0.8,), 0.05, 5)]
    lines = transfers.show_curve(ax, legs)
    drawn = [line.get_xydata().tolist() for line in lines]
    assert drawn == [
        [[0, 1.0], [10, 0.5], [15, 0.2]],
        [[15, 0.9], [25, 0.3], [40, 0.1]],
        [[40, 0.8], [45, 0.05]],
    ]
    assert legend(ax) == ["Step 1 a", "Step 1 b", "Step 2 a"]
    assert ax.get_yscale() == "log"
    boundaries = [line for line in ax.lines if line not in lines]
    assert [list(line.get_xdata()) for line in boundaries] == [[40, 40]]
    assert [(text.get_text(), text.xy[0]) for text in ax.texts] == [("Step 1", 0), ("Step 2", 40)]


def test_losses_have_one_axes_per_step_with_common_errors_and_one_look_per_layer():
    figure = transfers.draw_losses(make_transfer(layers=5), "small print")
    assert [ax.get_title().split(":")[0] for ax in figure.axes] == ["Step 1", "Step 2", "Step 3"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    looks = [
        {line.get_label()[7:]: (line.get_color(), line.get_linestyle(), line.get_marker()) for line in ax.lines}
        for ax in figure.axes
    ]
    assert looks[0] == looks[1] == looks[2]
    assert legend(figure.axes[2])[0] == "Step 3 block5_conv1"
    assert figure.get_supxlabel() == "small print"


def test_the_label_of_a_refinement_differs_from_that_of_a_leg_of_all_layers():
    legs = [leg(3, "b", (1.0,), 0.5, 10), leg(3, "a", (1.0,), 0.5, 10), leg(3, "a+b", (0.2,), 0.1, 10)]
    alone, after = axes(), axes()
    transfers.show_curve(alone, legs[2:])
    transfers.show_curve(after, legs)
    assert legend(alone) == ["Step 3 a+b"]
    assert legend(after)[2].replace("\n", " ") == "Step 3 closing the gap: decoupled style of a+b"


@pytest.mark.parametrize("count", range(1, 11))
def test_up_to_ten_legs_differ_without_color(count, tmp_path):
    figure = Figure(layout="constrained")
    ax = figure.subplots()
    lines = transfers.show_curve(ax, [leg(1 + at // 5, f"layer{at}") for at in range(count)])
    assert len(lines) == len(legend(ax)) == count
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == count
    save_figure(figure, tmp_path / "curve.png")


def test_the_colors_differ_in_gray_and_are_dark_on_white_paper():
    def lightness(color):  # CIE 1976 L* of sRGB
        red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        y = np.dot(linear, [0.2126, 0.7152, 0.0722])
        return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y

    found = sorted(map(lightness, COLORS))
    assert min(np.diff(found)) > 10
    assert found[-1] < 60  # contrast with white of 3:1 and more


@pytest.mark.parametrize(
    ("errors", "final"),
    [
        ((1.0, 0.0, 0.5), 0.0),
        ((0.0, 0.0), 0.0),
        ((math.inf, 1.0), math.nan),
        ((math.nan,), math.inf),
        ((), 0.1),
        ((), 0.0),
        ((1e300, 5e-324), 1.0),
        ((1.0, 1.0), 1.0),
    ],
)
def test_errors_that_a_log_axis_cannot_show_are_marked_on_its_edges(errors, final, tmp_path):
    result = make_transfer((16, 16))
    odd = Route(result.origin, np.zeros(2), (leg(2, "block1_conv1", errors, final), leg(2, "b", errors, final)), "done")
    for others in (result.routes, {}):
        figure = transfers.draw_losses(
            Transfer(result.origin, result.target, result.layers, {**others, "step2": odd}), ""
        )
        ax = figure.axes[1]
        every = [*errors, final]
        shown = ax.lines[0].get_ydata()
        assert [value for value in shown if not math.isnan(value)] == [e for e in every if 1e-20 <= e <= 1e20]
        low, high = ([line for line in ax.lines if line.get_label() == label] for label in EDGE_LABELS)
        assert sum(line.get_xdata().size for line in low) == 2 * sum(e < 1e-20 for e in every)
        assert sum(line.get_xdata().size for line in high) == 2 * sum(e > 1e20 or math.isnan(e) for e in every)
        assert legend(ax)[2:] == [label for label, marks in zip(EDGE_LABELS, (low, high), strict=True) if marks]
        save_figure(figure, tmp_path / "losses.png")


def test_no_legs_and_legs_without_passes_can_be_drawn(tmp_path):
    figure = Figure()
    assert transfers.show_curve(figure.subplots(), []) == []
    save_figure(figure, tmp_path / "none.png")
    figure = Figure()
    (line,) = transfers.show_curve(figure.subplots(), [leg(1, "a", (), 0.5, 0)])
    assert line.get_xydata().tolist() == [[0, 0.5]]
    save_figure(figure, tmp_path / "one.png")


@pytest.mark.parametrize(
    "caption", ["word " * 300, "W" * 900, "a $5 and $x^2$ b_c \\frac", "two\nlines", "雪山.png \U0001fae0 τ δ ∞", ""]
)
@pytest.mark.parametrize("shape", [(48, 96), (16, 300)])
def test_small_print_stays_inside_the_figure_and_apart_from_the_images(shape, caption, tmp_path):
    figure = transfers.draw_panel(make_transfer(shape), caption)
    (text,) = figure.texts
    box = text.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert 0 <= box.y0 < box.y1 <= figure.bbox.height
    assert not any(box.overlaps(ax.get_tightbbox()) for ax in figure.axes)
    letters = "".join(c if c.isascii() or c in "τδ∞" else "?" for c in caption)
    assert "".join(text.get_text().split()).startswith("".join(letters.split()))
    save_figure(figure, tmp_path / "panel.png")
    save_figure(transfers.draw_losses(make_transfer(), caption), tmp_path / "losses.png")


def test_a_number_in_small_print_stays_on_the_line_of_its_unit():
    for words in range(10, 16):
        figure = transfers.draw_panel(make_transfer((16, 300)), "word " * words + "83 s")
        lines = figure.texts[0].get_text().split("\n")
        assert any(line.endswith("83\N{NO-BREAK SPACE}s") for line in lines)


@pytest.mark.parametrize("layers", [1, 5])
def test_the_parts_of_the_losses_neither_overlap_nor_leave_the_figure(layers):
    figure = transfers.draw_losses(make_transfer(layers=layers), "small print " * 40)
    figure.draw_without_rendering()
    legends = [ax.get_legend().get_window_extent() for ax in figure.axes]
    boxes = [ax.get_window_extent() for ax in figure.axes]
    for box in [*legends, *boxes]:
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height
    assert all(one.x1 <= two.x0 for found in (legends, boxes) for one, two in zip(found, found[1:], strict=False))
    assert all(found.y1 <= box.y0 for found, box in zip(legends, boxes, strict=True))
    assert len({round(box.width) for box in boxes}) == 1


def test_equal_figures_give_equal_bytes_without_a_date(tmp_path):
    result, other = make_transfer((48, 96)), make_transfer((48, 96))

    def digests(shown, name):
        files = [
            save_figure(transfers.draw_panel(shown, "small print"), tmp_path / f"{name}_panel.png"),
            save_figure(transfers.draw_losses(shown, "small print"), tmp_path / f"{name}_losses.png"),
        ]
        return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]

    first = digests(result, "first")
    assert digests(result, "second") == first
    with matplotlib.rc_context({"savefig.bbox": "tight", "savefig.dpi": 50}):
        assert digests(result, "third") == first
    assert digests(other, "fourth")[0] != first[0]
    with Image.open(tmp_path / "first_panel.png") as png:
        assert set(png.info) == {"dpi"}
    assert len(list(tmp_path.iterdir())) == 8


def test_a_failed_save_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    target = tmp_path / "panel.png"
    target.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="full") as refusal:
        save_figure(Figure(), target)
    assert target.name in str(refusal.value)
    assert [file.name for file in tmp_path.iterdir()] == ["panel.png"]
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["panel.jpg", "missing/panel.png"])
def test_unusable_names_are_refused(name, tmp_path):
    with pytest.raises(InputError, match=".png") as refusal:
        save_figure(Figure(), tmp_path / name)
    assert name in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_figures_drawn_in_threads_are_the_same(tmp_path):
    results = [make_transfer((20, 30)) for _ in range(4)]
    alone = [pixels(transfers.draw_panel(result, "small print"), tmp_path / "alone.png") for result in results]
    together = {}

    def work(at):
        together[at] = pixels(transfers.draw_panel(results[at], "small print"), tmp_path / f"{at}.png")

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at in range(4):
        np.testing.assert_array_equal(together[at], alone[at])


def test_neither_pyplot_nor_tensorflow_is_imported():
    unwanted = "{'matplotlib.pyplot', 'tensorflow'} & sys.modules.keys()"
    code = f"import sys, decoupling_lib.plotting.transfers; sys.exit(bool({unwanted}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_frontier_shows_its_rows_and_rings_the_default():
    def row(softness, growth, damping, error, psnr):
        names = ("softness", "growth", "damping", "relative_error", "psnr_db", "fidelity")
        return dict(zip(names, (softness, growth, damping, error, psnr, softness / 4), strict=True))

    rows = [row(0.2, 1.0, 0.1, 0.05, 90.0), row(0.2, 1.0, 0.0, 1e-6, 30.0), row(0.2, 1.0, 0.01, 0.01, None)]
    rows += [row(0.4, 2.0, 0.1, 0.04, 95.0)]
    ax = Figure().subplots()
    first, second = show_frontier(ax, rows, "psnr_db", (0.2, 1.0, 0.1))
    np.testing.assert_array_equal(first.get_xydata(), [[1e-6, 30], [0.05, 90]])  # sorted by damping, without None
    assert "softness 0.2, growth 1: 5.0%" in first.get_label()
    np.testing.assert_array_equal(second.get_xydata(), [[0.04, 95]])
    (ring,) = [line for line in ax.lines if line.get_label() == frontier.DEFAULT]
    np.testing.assert_array_equal(ring.get_xydata(), [[0.05, 90]])
    assert {text.get_text() for text in ax.texts} == {"0", "0.1"}
    looks = [(line.get_linestyle(), line.get_marker(), line.get_markerfacecolor()) for line in (first, second)]
    assert all(one != other for one, other in zip(*looks, strict=True))  # different without color
