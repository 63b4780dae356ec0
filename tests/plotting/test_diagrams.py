"""The drawings show their input."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from decoupling_lib.networks.keras_layers import LayerSummary
from decoupling_lib.plotting.diagrams import (
    FILLS,
    FLOW,
    show_flow,
    show_legs,
    show_numbers,
    show_parts,
    show_perceptron,
)

PARTS = (
    LayerSummary("input", "input", (32, 32, 3), 0),
    LayerSummary("convolution", "conv", (32, 32, 8), 224),
    LayerSummary("max-pooling", "pool", (16, 16, 8), 0),
    LayerSummary("dense", "out", (10,), 20490),
)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_a_perceptron_has_one_circle_per_neuron_and_one_line_per_weight(ax):
    first, second = np.array([[1.0, -0.5, 0.25], [0.1, 0.2, 0.3]]), np.array([[2.0], [-1.0], [0.0]])
    show_perceptron(ax, [first, second], ("a", "b"), ("y",))
    assert sum(len(each.get_offsets()) for each in ax.collections) == 2 + 3 + 1
    assert len(ax.lines) == first.size + second.size
    thick = [line.get_linewidth() for line in ax.lines[: first.size]]
    assert np.array_equal(np.argsort(thick), np.argsort(np.abs(first.ravel())))
    dashed = [line.get_linestyle() != "-" for line in ax.lines]
    assert dashed == [*(first.ravel() < 0), *(second.ravel() < 0)]
    assert {"a", "b", "y"} <= set(texts(ax))


def test_a_different_number_of_names_and_neurons_is_an_error(ax):
    with pytest.raises(ValueError, match="zip"):
        show_perceptron(ax, [np.ones((2, 1))], ("a",))


def test_a_network_has_one_box_per_layer_whose_size_grows_with_its_shape(ax):
    show_parts(ax, PARTS)
    boxes = ax.patches
    assert len(boxes) == len(PARTS)
    assert boxes[0].get_height() == boxes[1].get_height() > boxes[2].get_height()
    assert boxes[0].get_width() < boxes[1].get_width() == boxes[2].get_width()
    assert {"224", "20,490"} <= set(texts(ax)) and any("16×16×8" in text for text in texts(ax))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [part.kind for part in PARTS]


def test_kinds_of_layers_differ_without_color():
    assert len(set(FILLS.values())) == len(FILLS)


def test_numbers_are_in_their_cells_and_the_chosen_cells_are_shaded(ax):
    show_numbers(ax, np.array([[1.0, 2.5], [3.0, -4.0]]), "title", (slice(0, 1), slice(0, 2)))
    assert texts(ax) == ["1", "2.5", "3", "-4"]
    shades = [box.get_facecolor()[0] for box in ax.patches]
    assert shades[0] == shades[1] < shades[2] == shades[3] == 1


@pytest.mark.parametrize(("step", "order"), [(1, [0, 1, 2]), (2, [0, 1, 2]), (3, [2, 1, 0])])
def test_a_leg_moves_one_layer_holds_those_below_and_ignores_those_above(step, order, ax):
    show_legs(ax, step, ["a", "b", "c"])
    cells = np.array(texts(ax)).reshape(3, 3)
    for row, moving in zip(cells, order, strict=True):
        assert all("held" in text for text in row[:moving]) and all(text == "not asked" for text in row[moving + 1 :])
        assert f"moves to {'c' if step == 3 else 'v'}" in row[moving]
        assert ("record" in row[moving]) == (step == 1)


def test_the_flow_shows_every_image_in_its_place(ax):
    images = {name: np.full((4, 4, 3), k / 10) for k, name in enumerate(FLOW)}
    show_flow(ax, images)
    shown = [inset.images[0].get_array()[0, 0, 0] for inset in ax.child_axes]
    assert shown == pytest.approx([k / 10 for k in range(len(FLOW))])
    assert all(any(f"Step {k}" in text for text in texts(ax)) for k in range(4))
