"""Plots of features: the axes show the data that they are given."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from decoupling_lib.plotting import features
from decoupling_lib.plotting.features import show_channel_means, show_leg_errors, show_matrix


@pytest.mark.parametrize("channels", [5, 512])
def test_channel_means_have_one_bar_per_channel_and_one_mark_per_dead_channel(channels: int):
    values = np.random.default_rng(0).random(channels)
    dead = np.arange(channels) % 3 == 1
    ax = Figure().subplots()
    bars = show_channel_means(ax, np.where(dead, 0.0, values), dead, "layer")
    np.testing.assert_allclose([bar.get_height() for bar in bars], np.where(dead, 0.0, values))
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], np.arange(channels))
    (marks,) = ax.lines
    np.testing.assert_array_equal(marks.get_xdata(), np.flatnonzero(dead))
    assert ax.get_legend().get_texts()[0].get_text() == f"dead: {dead.sum()} of {channels}"
    assert ax.get_title() == "layer" and ax.get_xlabel() == "channel"


def test_without_dead_channels_there_is_no_mark():
    ax = Figure().subplots()
    show_channel_means(ax, np.ones(4), np.zeros(4, bool))
    show_channel_means(ax, np.ones(4))
    assert not ax.lines and ax.get_legend() is None


def test_leg_errors_have_markers_where_a_layer_moves():
    ax = Figure().add_subplot()
    one, other = show_leg_errors(ax, {"a": [1, 0.1, 0.1, 0.1], "b": [1, 0.9, 0.5, 0.01]}, list("aabb"))
    assert one.get_markevery() == [0, 1] and other.get_markevery() == [2, 3]
    assert [text.get_text() for text in ax.texts] == ["a moves", "b moves"]
    assert [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2] == [1.5]


def test_every_layer_has_a_line_with_a_look_of_its_own():
    names = ["a", "b", "c", "d", "e"]
    lines = show_leg_errors(Figure().add_subplot(), {name: [1, 0.1] for name in names}, ["a", "a"])
    assert [line.get_label() for line in lines] == names
    assert len({(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines}) == 5


def test_a_matrix_has_a_legible_number_in_every_cell():
    ax = Figure().add_subplot()
    show_matrix(ax, np.array([[1.0, 0.25], [-0.001, 0.5]]), ("p", "q"), "title", "{:z.2f}")
    cells = {text.get_position(): (text.get_text(), text.get_color()) for text in ax.texts}
    assert cells == {
        (0, 0): ("1.00", "white"), (1, 0): ("0.25", "black"), (0, 1): ("0.00", "black"), (1, 1): ("0.50", "white"),
    }  # fmt: skip


def test_cells_that_are_all_white_have_borders():
    ax = (figure := Figure()).add_subplot()
    show_matrix(ax, np.zeros((2, 2)), ("p", "q"), "title", "{:.1f}", limits=(0, 10))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, 0]
    for place in (-0.3, 0.7):  # beside the numbers: from the upper cell to the lower one
        (column, low), (_, high) = np.rint(ax.transData.transform([(place, 1), (place, 0)])).astype(int)
        assert pixels[low:high, column].min() < 200
        assert pixels[low, column] == pixels[high, column] == 255


def test_matrices_that_are_compared_have_one_gray_scale():
    figure = Figure()
    images = [
        show_matrix(figure.add_subplot(), scale * np.eye(2), ("p", "q"), "title", "{:.1f}", limits=(0, 10))
        for scale in (1, 10)
    ]
    shades = [image.cmap(image.norm(image.get_array()))[0, 0, 0] for image in images]
    assert shades[0] > 0.8 and shades[1] == 0  # a tenth of the scale is light, the end of it black
    own = show_matrix(figure.add_subplot(), np.eye(2), ("p", "q"), "title", "{:.1f}")
    assert own.cmap(own.norm(1.0))[0] == 0


@pytest.mark.parametrize(
    ("places", "length", "rows"),
    [([0, 50], 100, [0, 0]), ([0, 2, 50], 100, [0, 1, 0]), ([0, 1, 2], 100, [0, 1, 2]), ([0, 5, 14], 100, [0, 1, 0])],
)
def test_labels_of_steps_that_are_close_stand_in_rows_of_their_own(places, length, rows):
    assert features._label_rows(places, length) == rows


@pytest.mark.parametrize("values", [[0.86, 0.861], [0.5, 0.5, 0.5], [3e-3, 1e-3], [1.0, 0.01], [0.9]])
def test_distances_that_hardly_change_are_shown_over_a_whole_decade(values):
    ax = Figure().add_subplot()
    features.show_distances(ax, {"a": values}, [3] * len(values))
    low, high = ax.get_ylim()
    assert low < min(values) <= max(values) < high and high / low > 9.999


def test_the_labels_of_steps_do_not_overlap():
    figure = Figure(figsize=(8, 3), dpi=100, layout="constrained")
    ax = figure.add_subplot()
    steps = [1] * 2 + [2] * 3 + [3] * 60
    features.show_distances(ax, {"a": np.linspace(1, 2, len(steps))}, steps)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
