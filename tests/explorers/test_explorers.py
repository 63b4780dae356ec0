"""The explorers without a browser: what their sliders compute, and that requests do not pile up."""

import html
import io
import itertools
import json
import threading

import numpy as np
import pytest
from matplotlib.text import Text
from patience import HANG
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.explorers import gradient_flow, moments, noise_zeros, server
from decoupling_lib.explorers.explorer import Texts, live_explorer
from decoupling_lib.explorers.worker import Worker
from decoupling_lib.moments import samples
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.networks import weights


def final_status(explorer) -> str:
    assert explorer.worker.wait(HANG)
    return explorer.status.value


def extremes(explorer):
    """Return every combination of the controls' lowest and highest values and of all entries of their lists."""
    ends = []
    for control in explorer.controls.values():
        if hasattr(control, "options"):
            ends.append([option[1] if isinstance(option, tuple) else option for option in control.options])
        else:
            low, high = control.min, control.max
            ends.append([10**low, 10**high] if hasattr(control, "base") else [low, high])
    return [dict(zip(explorer.controls, each, strict=True)) for each in itertools.product(*ends)]


def test_of_many_requests_the_first_and_the_last_are_handled():
    begun, gate, seen = threading.Event(), threading.Event(), []

    def work(request, stop):
        seen.append(request)
        begun.set()
        gate.wait(HANG)

    worker = Worker(work, pytest.fail)
    worker.submit(0)
    assert begun.wait(HANG)
    for request in range(1, 51):
        worker.submit(request)
    assert seen == [0] and worker.busy
    gate.set()
    assert worker.wait(HANG) and not worker.busy
    assert seen == [0, 50] and worker.started == 2


def test_a_newer_request_ends_the_current_one_and_stop_drops_the_waiting_one():
    seen, begun = [], threading.Event()

    def work(request, stop):
        begun.set()
        seen.append((request, stop.wait(HANG)))

    worker = Worker(work, pytest.fail)
    worker.submit("old")
    assert begun.wait(HANG)
    begun.clear()
    worker.submit("new")
    assert begun.wait(HANG)
    worker.submit("never")
    assert worker.stop() and not worker.stop()
    assert worker.wait(HANG)
    assert seen == [("old", True), ("new", True)]


def test_an_error_is_reported_and_the_next_request_is_handled():
    errors, done = [], []

    def work(request, stop):
        if request == "bad":
            raise ValueError("broken")
        done.append(request)

    worker = Worker(work, errors.append)
    worker.submit("bad")
    assert worker.wait(HANG)
    worker.submit("good")
    assert worker.wait(HANG)
    assert [str(error) for error in errors] == ["broken"] and done == ["good"]


def test_a_slider_moved_fifty_times_shows_its_last_value():
    drawn, gate = [], threading.Event()
    gate.set()

    def draw(values):
        drawn.append(values["steps"])
        assert gate.wait(HANG)
        return gradient_flow.draw(values)

    explorer = live_explorer(Texts("title"), gradient_flow.gradient_explorer().controls, draw)
    explorer.worker.wait(HANG)
    drawn.clear()
    gate.clear()  # the first of the moves is drawn while the others are made
    for steps in [*range(1, 41), *range(30, 40)]:
        explorer.controls["steps"].value = steps
    gate.set()
    assert explorer.worker.wait(HANG)
    assert drawn[-1] == 39 and len(drawn) <= 2


def test_bad_input_and_bugs_are_reported_in_one_line():
    def draw(values):
        raise InputError("the size is <too> large") if values["x"] > 0 else ZeroDivisionError("what")

    explorer = live_explorer(Texts("title"), {"x": gradient_flow.gradient_explorer().controls["x"]}, draw)
    assert "the size is &lt;too&gt; large" in final_status(explorer)
    explorer.controls["x"].value = -1
    assert "ZeroDivisionError: what" in final_status(explorer)


def test_every_control_has_a_label_and_every_picture_a_description():
    for make in (gradient_flow.gradient_explorer, moments.moment_explorer):
        explorer = make()
        for name, control in explorer.controls.items():
            (_, mark) = explorer.rows[name].children
            assert control.description and control.tooltip != control.description
            assert f'data-tip="{html.escape(control.tooltip, quote=False)}"' in mark.value
        assert explorer.worker.wait(HANG)
        assert explorer.picture.value.startswith('<img alt="') and 'alt=""' not in explorer.picture.value
        assert 'aria-live="polite"' in explorer.status.value


def test_an_explorer_is_displayed_once_as_a_widget_or_as_its_final_picture():
    """A frontend shows the richest of these: the widget, or for readers without a kernel the picture."""
    bundle = gradient_flow.gradient_explorer()._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    with Image.open(io.BytesIO(bundle["image/png"])) as still:
        assert still.format == "PNG" and still.width > still.height > 300


LIVE = {
    gradient_flow.gradient_explorer: gradient_flow.PRESETS,
    moments.moment_explorer: moments.PRESETS,
    noise_zeros.noise_explorer: noise_zeros.PRESETS,
}


@pytest.mark.parametrize("make", LIVE)
def test_a_preset_sets_every_control_and_reset_sets_them_back(make, monkeypatch):
    monkeypatch.setattr(noise_zeros, "draw", lambda values: gradient_flow.draw(FLOW))  # a network takes seconds
    explorer = make()
    first = {name: control.value for name, control in explorer.controls.items()}
    assert len(LIVE[make]) >= 3 and [*explorer.presets] == [*LIVE[make], "Reset"]
    for changes in LIVE[make].values():
        assert set(changes) <= set(first)
    for name, changes in LIVE[make].items():
        for control in explorer.controls.values():  # as far from anywhere as can be
            control.value = control.options[-1] if hasattr(control, "options") else control.max
        explorer.presets[name].click()
        assert {name: control.value for name, control in explorer.controls.items()} == first | changes
    explorer.presets["Reset"].click()
    assert {name: control.value for name, control in explorer.controls.items()} == first


def test_a_preset_is_drawn_once():
    drawn, gate = [], threading.Event()

    def draw(values):
        drawn.append(dict(values))
        assert gate.wait(HANG)
        return gradient_flow.draw(values)

    controls = gradient_flow.gradient_explorer().controls
    explorer = live_explorer(Texts("title"), controls, draw, {"far": {"x": -1.0, "y": -1.0, "steps": 9, "rule": "rk4"}})
    gate.set()
    assert explorer.worker.wait(HANG)
    drawn.clear()
    explorer.presets["far"].click()
    assert "rk4, 9 steps" in final_status(explorer)
    assert [(each["x"], each["steps"]) for each in drawn] == [(-1.0, 9)]


@pytest.mark.parametrize("name", moments.PRESETS)
def test_every_preset_of_moments_can_be_reached(name):
    assert "cannot" not in moments.draw(MOMENTS | {"skewness": -0.5} | moments.PRESETS[name]).status


def test_before_and_after_and_coupled_and_decoupled_differ_without_their_colors():
    """As a reader who sees no colors tells them apart: filled or outlined, plain or hatched."""
    view = moments.draw(MOMENTS | {"mean": 0.5, "variance": 1.5, "skewness": 0.2, "kurtosis": 0.2})
    above, below = view.figure.axes
    before, after = above.patches[0], above.patches[-1]
    assert before.get_fill() and not after.get_fill()
    decoupled, coupled = (bars.patches[0] for bars in below.containers)
    assert not decoupled.get_hatch() and coupled.get_hatch()


def test_the_type_of_plots_can_be_read_on_a_projector():
    """A plot that is 690 pixels wide, as on a projector of 1024 pixels, has type of at least 18."""
    for view in (gradient_flow.draw(FLOW), moments.draw(MOMENTS)):
        inches = view.figure.get_figwidth()
        view.figure.draw_without_rendering()
        sizes = [text.get_fontsize() for text in view.figure.findobj(Text) if text.get_text().strip()]
        assert len(sizes) > 10 and min(sizes) / 72 / inches * 690 > 18


def test_gradients_at_every_extreme_are_drawn_or_reported_to_be_zero():
    for values in extremes(gradient_flow.gradient_explorer()):
        status = gradient_flow.draw(values).status
        assert status and "nan" not in status
    assert "gradient is zero" in gradient_flow.draw(values | {"x": 0.0, "y": 0.0, "feature": FIRST}).status


FIRST = next(iter(gradient_flow.FEATURES))
FLOW = {"feature": FIRST, "x": 2.0, "y": 0.0, "rule": "euler", "steps": 1}
MOMENTS = {"sample": "gamma", "mean": 0.0, "variance": 1.0, "skewness": 0.0, "kurtosis": 0.0}


def test_euler_on_circles_ends_where_one_step_along_the_ray_does():
    # On circles the gradient curve is a ray, and every rule stays on it; unit speed in f makes Euler stop short.
    x = 2.0 + (gradient_flow.VALUE - 2.0) / 2.0  # one step: x + (v - f) ∇f/|∇f|², with f = x²/2 = 2 and ∇f = x
    assert f"f = {x * x / 2:.4g}" in gradient_flow.draw(FLOW).status


def test_the_waves_gradient_is_that_of_its_function():
    features, at, h = gradient_flow.waves(), np.array([0.7, -0.4]), 1e-6
    numeric = [(features.values(at + h * e) - features.values(at - h * e))[0] / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(features.gradient(at)[0], numeric, atol=1e-8)


@pytest.mark.parametrize("name", ["mean", "variance", "skewness", "kurtosis"])
def test_a_moved_moment_leaves_the_others_unchanged(name, monkeypatch):
    x = samples.load_sample("gamma").values
    values = MOMENTS | {name: 1.3}
    imposed = []
    original = moments.impose_moments
    monkeypatch.setattr(moments, "impose_moments", lambda *given: imposed.append(original(*given)) or imposed[-1])
    view = moments.draw(values)
    place = ["mean", "variance", "skewness", "kurtosis"].index(name)
    change = decouple_moments(imposed[0], 4).values - decouple_moments(x, 4).values
    own = decouple_moments(x, 4).values
    expected = (1.3 * np.sqrt(own[1]), 0.3 * own[1], 1.3, 1.3)[place]
    np.testing.assert_allclose(change, np.where(np.arange(4) == place, expected, 0), atol=1e-9 * max(1, *own))
    assert f"{moments.MOMENT_NAMES[place]} by {expected:.2g}" in view.status
    others = [each for each in moments.MOMENT_NAMES if each != moments.MOMENT_NAMES[place]]
    assert not any(f"{each} by" in view.status for each in others)


def test_moments_at_every_extreme_are_drawn_or_refused_in_one_line_beside_the_sample_itself():
    refused = 0
    for values in extremes(moments.moment_explorer()):
        view = moments.draw(values)
        above, below = view.figure.axes
        labels, changes = above.get_legend_handles_labels()[1], [bar.get_height() for bar in below.patches]
        assert view.status.isprintable() and values["sample"] in view.alt_text
        if "cannot" in view.status:
            refused += 1
            assert labels == ["before"] and not any(changes)
        else:
            assert labels == ["before", "after"] and any(changes)
    assert 0 < refused < len(extremes(moments.moment_explorer())) / 2


def test_the_status_of_moments_lists_what_moved_and_names_no_others_if_all_did():
    assert moments.draw(MOMENTS).status.startswith("moved: nothing; the other decoupled moments stand still")
    status = moments.draw(MOMENTS | {"mean": 0.1, "variance": 1.1, "skewness": 0.1, "kurtosis": 0.1}).status
    assert status.count(" by ") == 4 and "orthokurtosis by 0.1" in status and "other" not in status


@pytest.mark.parametrize("layer", [1, 2])
def test_the_noise_explorer_counts_the_dead_channels_that_the_library_counts(layer, monkeypatch):
    monkeypatch.setenv(weights.ENVIRONMENT, "random")
    noise_zeros._network.cache_clear()
    view = noise_zeros.draw({"layer": layer, "kind": "gray", "seed": 3})
    noise_zeros._network.cache_clear()
    from decoupling_lib.images.noise import make_noise
    from decoupling_lib.networks.dead_channels import find_dead_channels
    from decoupling_lib.networks.vgg import build_network

    network = build_network("vgg19", "random", (f"block{layer}_conv1",), activation="relu", pooling="max")
    dead = find_dead_channels(network, make_noise("gray", (noise_zeros.SIDE,) * 2, 3)[None])
    (count,) = (each.sum() for each in dead.values())
    assert f"{count} of" in view.status


def test_the_page_is_a_notebook_of_one_cell_that_runs():
    import nbformat

    page = nbformat.from_dict(json.loads(json.dumps(server.page_notebook())))
    nbformat.validate(page)
    names = {}
    exec(compile(page.cells[0].source.replace("\npage()", "\nresult = page()"), "page", "exec"), names)
    tabs, projector, arrived = names["result"].children
    assert len(tabs.children) == 4 == len(tabs.titles)
    assert projector.description == "Projector" and projector.value is False
    assert arrived.layout.display == "none"


@pytest.mark.parametrize(("port", "accepted"), [(80, "1024"), (70000, "65535")])
def test_a_port_out_of_range_is_refused(port, accepted, decoupling):
    found = decoupling("classroom", "--port", port)
    assert found.code == 2 and found.err.count("\n") == 1
    assert "--port" in found.err and str(port) in found.err and accepted in found.err


def test_a_port_in_use_is_refused(decoupling):
    import socket

    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = decoupling("classroom", "--port", port, "--no-browser")
    assert found.code == 2 and str(port) in found.err and "--port" in found.err
