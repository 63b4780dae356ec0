"""Sliders from a function that draws: the function receives their values, and its text is shown."""

import pytest

import decoupling_lib as dl


@pytest.fixture
def drawn() -> list[dict]:
    """Collect the values that the function receives."""
    return []


@pytest.fixture
def explorer(drawn):
    def draw(ax, steps, rate):
        drawn.append({"steps": steps, "rate": rate})
        ax.plot(range(steps))
        return f"{steps} steps at rate {rate:g}"

    return dl.explore("Steps", draw, steps=(1, 40, 4), rate=(0.0, 1.0, 0.5, 0.1))


def test_the_first_values_are_drawn_and_shown_without_a_kernel(explorer, drawn):
    bundle = explorer._repr_mimebundle_()
    assert drawn == [{"steps": 4, "rate": 0.5}]
    assert "image/png" in bundle and bundle["text/plain"] == "explorer: Steps"
    assert "4 steps at rate 0.5" in explorer.status.value and "4 steps at rate 0.5" in explorer.picture.value


def test_a_moved_slider_is_drawn_again(explorer, drawn):
    explorer._repr_mimebundle_()
    explorer.controls["steps"].value = 7
    explorer._repr_mimebundle_()
    assert drawn[-1] == {"steps": 7, "rate": 0.5} and type(drawn[-1]["steps"]) is int
    assert "7 steps" in explorer.status.value


def test_a_function_may_return_nothing():
    explorer = dl.explore("Nothing", lambda ax, k: None, k=(0, 2, 1))
    explorer._repr_mimebundle_()
    assert "None" not in explorer.status.value + explorer.picture.value


def test_integers_with_a_distance_stay_integers():
    counts = []
    explorer = dl.explore("Counts", lambda ax, n: counts.append(n), n=(0, 100, 20, 10))
    explorer._repr_mimebundle_()
    assert counts == [20] and type(counts[0]) is int and explorer.controls["n"].step == 10


@pytest.mark.parametrize("values", [(1, 2), (1, 40, 50), (40, 1, 4), (), (0, 1, 0.5), (0.0, 1.0, 1.0)])
def test_a_range_of_another_form_is_refused(values):
    with pytest.raises(dl.InputError, match="steps"):
        dl.explore("Steps", lambda ax, steps: None, steps=values)
