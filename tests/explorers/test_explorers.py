"""The explorers without a browser: what their sliders compute, and that requests do not pile up."""

import base64
import io
import itertools
import json
import re
import threading

import numpy as np
import pytest
from patience import HANG
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.explorers import gradient_flow, moments, noise_zeros, server, transfer, transfer_run
from decoupling_lib.explorers.explorer import live_explorer
from decoupling_lib.explorers.worker import Worker
from decoupling_lib.moments import samples
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.networks import weights
from decoupling_lib.transfers import setup
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.references import REFERENCES


@pytest.fixture(autouse=True)
def _idle_workers():
    """Wait for the threads of explorers: one that draws while the interpreter ends would abort it."""
    yield
    for thread in threading.enumerate():
        if "(_run)" in thread.name:  # as Python names threads by their function
            thread.join(HANG)


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

    explorer = live_explorer("title", gradient_flow.gradient_explorer().controls, draw)
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

    explorer = live_explorer("title", {"x": gradient_flow.gradient_explorer().controls["x"]}, draw)
    assert "the size is &lt;too&gt; large" in final_status(explorer)
    explorer.controls["x"].value = -1
    assert "ZeroDivisionError: what" in final_status(explorer)


def test_every_control_has_a_label_and_every_picture_a_description():
    for make in (gradient_flow.gradient_explorer, moments.moment_explorer):
        explorer = make()
        assert all(control.description for control in explorer.controls.values())
        assert explorer.worker.wait(HANG)
        assert explorer.picture.value.startswith('<img alt="') and 'alt=""' not in explorer.picture.value
        assert 'aria-live="polite"' in explorer.status.value


def test_an_explorer_is_displayed_once_as_a_widget_or_as_its_final_picture():
    """A frontend shows the richest of these: the widget, or for readers without a kernel the picture."""
    bundle = gradient_flow.gradient_explorer()._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as still:
        assert still.size == (750, 500)


def test_gradients_at_every_extreme_are_drawn_or_reported_to_be_zero():
    for values in extremes(gradient_flow.gradient_explorer()):
        status = gradient_flow.draw(values).status
        assert status and "nan" not in status
    assert "gradient is zero" in gradient_flow.draw(values | {"x": 0.0, "y": 0.0, "feature": FIRST}).status


FIRST = next(iter(gradient_flow.FEATURES))


def test_euler_on_circles_ends_where_one_step_along_the_ray_does():
    # On circles the gradient curve is a ray, and every rule stays on it; unit speed in f makes Euler stop short.
    values = {"feature": FIRST, "x": 2.0, "y": 0.0, "rule": "euler", "steps": 1}
    x = 2.0 + (gradient_flow.VALUE - 2.0) / 2.0  # one step: x + (v - f) ∇f/|∇f|², with f = x²/2 = 2 and ∇f = x
    assert f"f = {x * x / 2:.4g}" in gradient_flow.draw(values).status


def test_the_waves_gradient_is_that_of_its_function():
    features, at, h = gradient_flow.waves(), np.array([0.7, -0.4]), 1e-6
    numeric = [(features.values(at + h * e) - features.values(at - h * e))[0] / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(features.gradient(at)[0], numeric, atol=1e-8)


@pytest.mark.parametrize("name", ["mean", "variance", "skewness", "kurtosis"])
def test_a_moved_moment_leaves_the_others_unchanged(name, monkeypatch):
    x = samples.load_sample("gamma").values
    values = {"sample": "gamma", "mean": 0.0, "variance": 1.0, "skewness": 0.0, "kurtosis": 0.0, name: 1.3}
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
    still = {"sample": "gamma", "mean": 0.0, "variance": 1.0, "skewness": 0.0, "kurtosis": 0.0}
    assert moments.draw(still).status.startswith("moved: nothing; the other decoupled moments stand still")
    status = moments.draw(still | {"mean": 0.1, "variance": 1.1, "skewness": 0.1, "kurtosis": 0.1}).status
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


@pytest.fixture
def small(monkeypatch):
    """The transfer explorer on random weights, with one layer and few steps."""
    monkeypatch.setenv(weights.ENVIRONMENT, "random")
    explorer = transfer.transfer_explorer()
    for name, value in {"layers": 1, "size": 32, "steps": 4}.items():
        explorer.controls[name].value = value
    assert explorer.worker.wait(HANG)
    return explorer, explorer.buttons["Run"], explorer.buttons["Stop"]


def test_a_transfer_shows_its_estimate_runs_and_reports_its_result(small):
    explorer, run, stop = small
    assert "estimate:" in explorer.status.value and stop.disabled
    run.click()
    assert run.disabled and not stop.disabled and all(c.disabled for c in explorer.controls.values())
    before = explorer.picture.value
    bundle = explorer._repr_mimebundle_()  # waits for the end of the run
    assert re.search(r"style error block1_conv1 \d+\.\d%", explorer.status.value) and not explorer.worker.busy
    assert explorer.picture.value != before and bundle["image/png"] in explorer.picture.value
    assert not run.disabled and stop.disabled


def test_a_self_transfer_reports_its_psnr(small):
    explorer, run, _ = small
    explorer.controls["target"].value = explorer.controls["origin"].value
    assert explorer.worker.wait(HANG)
    run.click()
    assert re.search(r"PSNR\D*\d+\.\d dB", final_status(explorer))


def test_a_self_transfer_that_has_nothing_to_do_is_reported_to_be_exact(small):
    explorer, run, _ = small
    explorer.controls["target"].value = explorer.controls["origin"].value
    explorer.controls["method"].value = "direct"
    assert explorer.worker.wait(HANG)
    run.click()
    assert "the self-transfer is exact; 1 network pass<" in final_status(explorer)


def test_stop_keeps_the_latest_image(small, monkeypatch):
    explorer, run, stop = small
    monkeypatch.setattr(transfer_run, "FRAME_SECONDS", 0.0)
    explorer.controls["steps"].value = 48
    assert explorer.worker.wait(HANG)
    before, shown = explorer.picture.value, threading.Event()
    explorer.picture.observe(lambda change: shown.set() if "Step 1, and" in change["new"] else None, "value")
    run.click()
    assert shown.wait(HANG)
    stop.click()
    assert "stopped in Step 1, block1_conv1; the latest image is shown" in final_status(explorer)
    assert explorer.picture.value != before and not run.disabled


def test_a_refused_run_gives_the_reason_and_run_can_be_pressed_again(small, monkeypatch):
    explorer, run, stop = small

    def refuse(*given):
        raise InputError("this run would take more memory than there is")

    monkeypatch.setattr(setup, "gather_inputs", refuse)
    run.click()
    assert "more memory than there is" in final_status(explorer)
    assert not run.disabled and stop.disabled and not explorer.controls["layers"].disabled


VALUES = {
    "origin": "coffee", "target": "china", "layers": 3, "automatic": False, "rate": 0.02, "iterations": 70,
    "steps": 9, "softness": 0.4, "size": 64, "reference": "",
}  # fmt: skip
ACT = {"decoupled": {"steps"}, "descent": {"learning_rate", "iterations"}, "direct": {"iterations"}}
ACT["projected"] = ACT["descent"]


@pytest.mark.parametrize("method", [value for _, value in transfer.METHODS])
def test_the_values_of_the_controls_that_act_are_the_options_of_the_run(method):
    own = {"learning_rate": 0.02, "iterations": 70, "steps": 9}
    expected = {"layers": 3, "size": (64, 64), "method": method, "softness": 0.4, "refinements": 0}
    expected |= {name: value for name, value in own.items() if name in ACT[method]}
    assert transfer.options(VALUES | {"method": method}) == Options(**expected)


def test_every_reference_can_be_chosen_and_the_automatic_one_is_left_to_the_pair():
    chosen = [transfer.options(VALUES | {"method": "decoupled", "reference": value}).reference
              for _, value in transfer.REFERENCE_TEXTS]  # fmt: skip
    assert chosen[0] is None and sorted(chosen[1:]) == sorted(REFERENCES)


def test_an_automatic_rate_is_that_of_the_command_line_and_only_of_projected():
    assert transfer.options(VALUES | {"method": "projected", "automatic": True}).learning_rate is None
    assert transfer.options(VALUES | {"method": "descent", "automatic": True}).learning_rate == 0.02


@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("method", [value for _, value in transfer.METHODS])
def test_the_controls_that_do_not_act_are_hidden(method, automatic, small):
    controls = small[0].controls
    controls["automatic"].value, controls["method"].value = automatic, method
    shown = {name for name, control in controls.items() if control.layout.display != "none"}
    everywhere = {"origin", "target", "layers", "method", "reference", "softness", "size"}
    own = {name.replace("learning_rate", "rate") for name in ACT[method]}
    if method == "projected":
        own = (own | {"automatic"}) - ({"rate"} if automatic else set())
    assert shown == everywhere | own


@pytest.mark.parametrize(("method", "changes"), [("decoupled", {}), ("projected", {}), ("direct", {}), ("descent", {})])
def test_the_explorer_shows_the_numbers_of_the_command_line(method, changes, small, tmp_path, decoupling):
    explorer, run, _ = small
    explorer.controls["method"].value = method
    explorer.controls["iterations"].value = 20
    explorer.worker.wait(HANG)
    run.click()
    (shown,) = re.findall(r"style error block1_conv1 (\S+)%", final_status(explorer))
    own = ["--steps", "4"] if method == "decoupled" else ["--iterations", "20"]
    command = ["transfer", "coffee", "china", "--layers", 1, "--size", 32, "--softness", 0.29, "--refinements", 0]
    found = decoupling(*command, *own, "--method", method, "--out", tmp_path / "out")
    assert found.code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert f"{100 * report['style_relative_error']['block1_conv1']:.1f}" == shown


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(value, marks=[pytest.mark.slow] if value in ("descent", "projected") else [])
        for _, value in transfer.METHODS
    ],
)
def test_every_method_moves_the_bar_within_its_legs_and_draws_its_curves(method, small, monkeypatch):
    explorer, run, _ = small
    monkeypatch.setattr(transfer_run, "FRAME_SECONDS", 0.0)
    monkeypatch.setattr(transfer_run, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(transfer_run, "DRAWING_SHARE", np.inf)
    states, shares, lines = [], [], []
    original = transfer_run.draw
    monkeypatch.setattr(
        transfer_run, "draw", lambda state, *line: states.append((list(state.steps), state.x)) or original(state, *line)
    )
    for name, value in {"layers": 2, "method": method, "iterations": 50}.items():
        explorer.controls[name].value = value
    explorer.worker.wait(HANG)
    explorer.bar.observe(lambda change: shares.append(change["new"]), "value")
    explorer.status.observe(lambda change: lines.append(change["new"]), "value")
    run.click()
    assert "style error" in final_status(explorer)
    lengths = {len(steps) for steps, _ in states}
    assert len(lengths) > 3, "the curves grow during the run"
    assert len({id(x) for _, x in states}) > 3, "so does the image"
    assert all(steps == sorted(steps) and max(steps, default=0) <= 3 for steps, _ in states)
    moving = shares[: np.argmax(shares) + 1]
    assert len(set(moving)) > 5 and max(shares) <= 1 and np.all(np.diff(moving) >= -1e-12)
    inside = {int(found) for line in lines for found in re.findall(r"Step [1-3], \S+: (\d+)%", line)}
    assert len(inside - {0, 100}) >= 2, "percentages move within a leg"
    assert any(line.count("Judging") and "measures the style of the result" in line for line in lines)
    assert explorer.bar.layout.visibility == "hidden"


def test_a_run_that_diverges_says_what_to_change(small):
    explorer, run, _ = small
    for name, value in {"method": "descent", "rate": 1.0}.items():
        explorer.controls[name].value = value
    explorer.worker.wait(HANG)
    run.click()
    assert "a smaller learning rate than 1" in final_status(explorer)
    assert "softness" not in explorer.status.value


def test_run_pressed_twice_runs_once_and_a_late_slider_goes_back(small):
    explorer, run, stop = small
    explorer.controls["steps"].value = 48
    explorer.worker.wait(HANG)
    before = explorer.worker.started
    run.click()
    run.click()
    explorer.controls["steps"].value = 30  # as if the message had been on its way
    explorer.controls["method"].value = "direct"
    assert explorer.controls["steps"].value == 48 and explorer.controls["method"].value == "decoupled"
    stop.click()
    assert "stopped" in final_status(explorer)
    assert explorer.worker.started <= before + 1 and not run.disabled


def test_a_run_that_is_stopped_before_it_begins_gives_the_controls_back(small, monkeypatch):
    explorer, run, stop = small
    gate, begun = threading.Event(), threading.Event()
    original = setup.gather_inputs
    monkeypatch.setattr(setup, "gather_inputs", lambda *given: begun.set() or gate.wait(HANG) and original(*given))
    explorer.controls["steps"].value = 5
    assert begun.wait(HANG)  # the estimate is being made
    run.click()
    stop.click()
    assert not run.disabled and stop.disabled and not explorer.controls["steps"].disabled
    gate.set()
    assert explorer.worker.wait(HANG)


@pytest.mark.parametrize("place", ["Step 0", "Step 1", "the judging"])
def test_stop_ends_a_run_at_its_next_network_pass(place, small, monkeypatch):
    """At most one pass is made between the click and the end, wherever the run is."""
    explorer, run, stop = small
    passes, stopped_at, clicked = itertools.count(), [], threading.Event()
    original = transfer_run._RunView.look

    def look(view):
        if view._state.place.startswith(place) and not clicked.is_set():
            clicked.set()
            stop.click()
            stopped_at.append(next(passes))
        else:
            next(passes)
        return original(view)

    monkeypatch.setattr(transfer_run._RunView, "look", look)
    explorer.controls["layers"].value = 2  # with one, there is nothing to judge
    explorer.worker.wait(HANG)
    run.click()
    assert f"stopped in {place}" in final_status(explorer)
    assert clicked.is_set() and not run.disabled and stop.disabled
    # Of a leg that is interrupted, the point that it has reached is measured, which asks again.
    assert next(passes) - stopped_at[0] <= 3


def test_the_page_is_a_notebook_of_one_cell_that_runs():
    import nbformat

    page = nbformat.from_dict(json.loads(json.dumps(server.page_notebook())))
    nbformat.validate(page)
    names = {}
    exec(compile(page.cells[0].source.replace("\npage()", "\nresult = page()"), "page", "exec"), names)
    assert len(names["result"].children) == 4 == len(names["result"].titles)


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


@pytest.mark.parametrize(
    ("name", "value"),
    [("layers", 5), ("size", 192), ("steps", 48), ("softness", 0.02), ("softness", 1.0), ("iterations", 2000)],
)
def test_the_transfer_explorer_shows_an_estimate_at_the_ends_of_its_sliders(name, value, small):
    explorer, run, _ = small
    assert value in (explorer.controls[name].min, explorer.controls[name].max)
    explorer.controls[name].value = value
    assert "estimate:" in final_status(explorer) and not run.disabled
