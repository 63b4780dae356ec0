"""The transfer explorer without a browser: presets, runs, what is kept of them, downloads and own pictures."""

import base64
import html
import io
import itertools
import json
import re
import shlex
import tempfile
import threading
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest
from patience import HANG
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.explorers import transfer, transfer_board, transfer_run
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.methods.stepwise import ANNEX_RATE
from decoupling_lib.networks import weights
from decoupling_lib.transfers import setup
from decoupling_lib.transfers.options import AS_THESIS, Options
from decoupling_lib.transfers.references import REFERENCES


def final_status(explorer) -> str:
    assert explorer.worker.wait(HANG)
    return explorer.status.value


@pytest.fixture
def small(monkeypatch):
    """The transfer explorer on random weights, with one layer and few steps."""
    monkeypatch.setenv(weights.ENVIRONMENT, "random")
    monkeypatch.setattr(transfer, "FIRST", transfer.FIRST | {"layers": 1, "size": 32, "steps": 4, "iterations": 20})
    explorer = transfer.transfer_explorer()
    assert explorer.worker.wait(HANG)
    return explorer, explorer.buttons["Run"], explorer.buttons["Stop"]


def test_a_transfer_shows_its_estimate_runs_and_reports_its_result(small):
    explorer, run, stop = small
    assert "estimate:" in explorer.status.value and stop.disabled
    run.click()
    assert run.disabled and not stop.disabled and all(explorer.controls[name].disabled for name in transfer.FIRST)
    assert all(preset.disabled for preset in explorer.presets.values())
    before = shown(explorer)
    assert "not run yet" in before["result"] and "none yet" in before["last"]
    bundle = explorer._repr_mimebundle_()  # waits for the end of the run
    assert re.search(r"style gap left: block1_conv1 \d+\.\d%", explorer.status.value) and not explorer.worker.busy
    after = shown(explorer)
    assert {name for name in after if after[name] != before[name]} == {"step1", "step2", "result", "curves"}
    assert bundle["image/png"].startswith(b"\x89PNG") and not run.disabled and stop.disabled
    pixels = [
        explorer.exhibits[name].html.value.partition(" alt=")[0] for name in ("origin", "step1", "step2", "result")
    ]
    assert len(set(pixels)) == 4, "Steps 1 and 2 stay on screen"


def shown(explorer):
    """Return what the pictures show, by name."""
    return {name: exhibit.html.value for name, exhibit in explorer.exhibits.items()}


def test_the_last_run_is_kept_beside_the_new_one_with_its_numbers_and_what_differed(small):
    explorer, run, _ = small
    run.click()
    assert explorer.worker.wait(HANG)
    (first,) = set(re.findall(r"style gap left: \d+\.\d%", explorer.exhibits["result"].html.value))
    picture = shown(explorer)["result"].partition(" alt=")[0]
    explorer.controls["strength"].value = 0.5
    assert "press Run; estimate" in final_status(explorer)
    assert first in shown(explorer)["result"], "the run stays on screen while settings change"
    run.click()
    assert explorer.worker.wait(HANG)
    last = explorer.exhibits["last"].html.value
    assert first in last and "strength: 1" in last and last.partition(" alt=")[0] == picture
    assert shown(explorer)["result"].partition(" alt=")[0] != picture


def test_a_run_that_was_stopped_is_not_kept_as_the_last_one(small):
    explorer, run, stop = small
    explorer.controls["steps"].value = 48
    assert explorer.worker.wait(HANG)
    begun = threading.Event()
    explorer.status.observe(lambda change: begun.set() if "Step 1" in change["new"] else None, "value")
    run.click()
    assert begun.wait(HANG)
    stop.click()
    assert "stopped" in final_status(explorer)
    explorer.controls["target"].value = "grass"
    assert explorer.worker.wait(HANG)
    assert "none yet" in shown(explorer)["last"] and "grass" in shown(explorer)["target"]


@pytest.mark.parametrize("name", transfer.PRESETS)
def test_a_preset_sets_all_controls_and_runs(name, small, monkeypatch):
    explorer, run, _ = small
    requests = []
    monkeypatch.setattr(explorer.worker, "submit", requests.append)
    for control in ("origin", "method", "reference", "network"):
        *_, last = explorer.controls[control].options
        explorer.controls[control].value = last[1] if isinstance(last, tuple) else last
    explorer.choose({"strength": 0.3, "colors": True, "rate": 0.01, "layers": 3, "size": 96})
    requests.clear()
    explorer.presets[name].click()
    (request,) = requests
    assert request.run and run.disabled
    expected = transfer.FIRST | transfer.PRESETS[name]
    assert request.values == expected and request.options == transfer.options(expected)
    assert {key: explorer.controls[key].value for key in expected} == expected
    explorer.presets["midpoint"].click()  # while it runs
    assert len(requests) == 1


def test_the_presets_are_what_their_names_say():
    values = {name: transfer.FIRST | changes for name, changes in transfer.PRESETS.items()}
    chosen = {name: transfer.options(each) for name, each in values.items()}
    thesis = {name: getattr(chosen["the thesis"], name) for name in AS_THESIS}
    assert thesis == AS_THESIS and chosen["the thesis"].learning_rate == ANNEX_RATE
    assert values["self-transfer"]["origin"] == values["self-transfer"]["target"]
    assert chosen["too large a rate"].learning_rate > 100 * ANNEX_RATE
    assert chosen["midpoint"].reference == "midpoint" and chosen["midpoint"].method == "decoupled"


def test_reset_sets_all_back_and_forgets_the_runs(small):
    explorer, run, _ = small
    run.click()
    assert explorer.worker.wait(HANG)
    explorer.controls["colors"].value = True
    explorer.controls["view"].value = "smooth"
    explorer.buttons["Reset"].click()
    assert "press Run; estimate" in final_status(explorer)
    assert {name: explorer.controls[name].value for name in transfer.FIRST} == transfer.FIRST
    assert "not run yet" in shown(explorer)["result"] and "none yet" in shown(explorer)["last"]
    assert links(explorer).value == "" and explorer.controls["view"].value == "pixels"


def test_the_view_changes_how_images_are_enlarged_and_nothing_else(small, monkeypatch):
    explorer, _, _ = small
    requests = []
    monkeypatch.setattr(explorer.worker, "submit", requests.append)
    tiles = explorer.exhibits["origin"].box
    (board,) = [box for box in walk(explorer.box) if tiles in getattr(box, "children", ())]
    assert "dl-pixels" in board._dom_classes
    explorer.controls["view"].value = "smooth"
    assert "dl-pixels" not in board._dom_classes and not requests
    explorer.controls["view"].value = "pixels"
    assert "dl-pixels" in board._dom_classes and not requests


def walk(widget):
    """Yield a widget and all that it contains."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def links(explorer):
    """Return the widget that offers the files of a run."""
    (found,) = [each for each in walk(explorer.box) if "dl-links" in each._dom_classes]
    return found


def without_markup(page):
    """Return the text of a piece of a page."""
    return html.unescape(re.sub("<[^>]+>", "", page))


def test_the_pictures_and_settings_of_a_run_can_be_downloaded(small):
    explorer, run, _ = small
    run.click()
    assert explorer.worker.wait(HANG)
    offer = links(explorer).value
    (data,) = re.findall(r'href="data:application/zip;base64,([^"]+)" download="transfer.zip"', offer)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as files:
        assert {*files.namelist()} == {f"{name}.png" for name in ("origin", "target", "step1", "step2", "result")} | {
            "settings.txt"
        }
        assert files.read("settings.txt").decode().strip() in without_markup(offer)
        with Image.open(io.BytesIO(files.read("result.png"))) as image:
            result = np.asarray(image)
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', explorer.exhibits["result"].html.value)
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        np.testing.assert_array_equal(np.asarray(image), result)


def upload(explorer, name, content):
    """Upload a file, as a browser does."""
    date = datetime(2020, 1, 1, tzinfo=UTC)
    file = {"name": name, "type": "image/png", "size": len(content), "content": content, "last_modified": date}
    explorer.buttons["Own picture"].value = (file,)


def test_an_own_picture_becomes_the_target_and_can_be_chosen_as_the_origin(small, tmp_path):
    explorer, run, _ = small
    pixels = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "my photo.png")
    upload(explorer, "../my photo.png", (tmp_path / "my photo.png").read_bytes())
    assert "press Run; estimate" in final_status(explorer)
    assert explorer.controls["target"].value == "my photo.png" in explorer.controls["origin"].options
    assert explorer.controls["origin"].value == "coffee" and "my photo.png" in shown(explorer)["target"]
    run.click()
    assert "done; style gap left" in final_status(explorer)
    assert "coffee 'my photo.png'" in without_markup(links(explorer).value)
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', shown(explorer)["target"])
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        expected = load_picture(tmp_path / "my photo.png", (32, 32)).array
        np.testing.assert_allclose(np.asarray(image) / 255, expected, atol=0.5 / 255 + 1e-9)


@pytest.mark.parametrize("content", [b"no picture", b"", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_an_own_picture_that_cannot_be_read_is_refused_in_one_line(content, small):
    explorer, run, _ = small
    upload(explorer, "broken.png", content)
    assert "broken.png" in explorer.status.value and explorer.status.value.count("\n") == 0
    assert explorer.controls["target"].value == "china" and not run.disabled
    assert "broken.png" not in explorer.controls["target"].options


def test_no_file_of_an_own_picture_is_left(small, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    explorer, _, _ = small
    with io.BytesIO() as file:
        Image.fromarray(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)).save(file, "PNG")
        upload(explorer, "mine.png", file.getvalue())
    assert "estimate" in final_status(explorer)
    assert [*tmp_path.iterdir()] == []


def test_a_self_transfer_reports_its_psnr(small):
    explorer, run, _ = small
    explorer.controls["target"].value = explorer.controls["origin"].value
    assert explorer.worker.wait(HANG)
    run.click()
    (told,) = re.findall(r"PSNR\D*(\d+\.\d) dB", final_status(explorer))
    assert f"PSNR: {told} dB" in shown(explorer)["result"] and "style gap" not in shown(explorer)["result"]


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
    seen = threading.Event()
    explorer.exhibits["step1"].html.observe(
        lambda change: seen.set() if "data:image" in change["new"] else None, "value"
    )
    run.click()
    assert seen.wait(HANG)
    stop.click()
    assert "stopped in Step 1, block1_conv1; the latest images are shown" in final_status(explorer)
    assert "data:image" in shown(explorer)["step1"] and not run.disabled


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
    "steps": 9, "softness": 0.4, "size": 64, "reference": "", "strength": 0.7, "colors": True, "network": "smooth",
}  # fmt: skip
ACT = {"decoupled": {"steps"}, "descent": {"learning_rate", "iterations"}, "direct": {"iterations"}}
ACT["projected"] = ACT["descent"]


@pytest.mark.parametrize("method", [value for _, value in transfer.METHODS])
def test_the_values_of_the_controls_that_act_are_the_options_of_the_run(method):
    own = {"learning_rate": 0.02, "iterations": 70, "steps": 9}
    expected = {"layers": 3, "size": (64, 64), "method": method, "refinements": 0, "strength": 0.7}
    expected |= {"keep_colors": True} | {name: value for name, value in own.items() if name in ACT[method]}
    assert transfer.options(VALUES | {"method": method}) == Options(softness=0.4, **expected)
    kinks = {"activation": "relu", "pooling": "max"}
    assert transfer.options(VALUES | {"method": method, "network": "kinks"}) == Options(**kinks, **expected)


def test_every_reference_can_be_chosen_and_the_automatic_one_is_left_to_the_pair():
    chosen = [transfer.options(VALUES | {"method": "decoupled", "reference": value}).reference
              for _, value in transfer.REFERENCE_TEXTS]  # fmt: skip
    assert chosen[0] is None and sorted(chosen[1:]) == sorted(REFERENCES)


def test_an_automatic_rate_is_that_of_the_command_line_and_only_of_projected():
    assert transfer.options(VALUES | {"method": "projected", "automatic": True}).learning_rate is None
    assert transfer.options(VALUES | {"method": "descent", "automatic": True}).learning_rate == 0.02


@pytest.mark.parametrize("network", ["smooth", "kinks"])
@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("method", [value for _, value in transfer.METHODS])
def test_the_controls_that_do_not_act_are_hidden(method, automatic, network, small, monkeypatch):
    explorer = small[0]
    monkeypatch.setattr(explorer.worker, "submit", lambda request: None)
    controls = explorer.controls
    controls["automatic"].value, controls["method"].value, controls["network"].value = automatic, method, network
    shown = {name for name, row in explorer.rows.items() if row.layout.display != "none"}
    everywhere = {"origin", "target", "layers", "method", "reference", "strength", "colors", "network", "size", "view"}
    everywhere |= {"softness"} if network == "smooth" else set()
    own = {name.replace("learning_rate", "rate") for name in ACT[method]}
    if method == "projected":
        own = (own | {"automatic"}) - ({"rate"} if automatic else set())
    assert shown == everywhere | own


COMMANDS = [
    {"method": "decoupled"},
    {"method": "decoupled", "strength": 0.6, "colors": True, "reference": "photographs"},
    {"method": "descent", "network": "kinks", "rate": 1e-3},
    {"method": "projected"},
    {"method": "direct"},
]


@pytest.mark.parametrize("changes", COMMANDS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_the_command_that_is_shown_gives_the_numbers_and_the_picture_that_are_shown(
    changes, small, tmp_path, decoupling
):
    explorer, run, _ = small
    explorer.choose(changes)
    run.click()
    (shown_share,) = re.findall(r"style gap left: block1_conv1 (\S+)%", final_status(explorer))
    (words,) = re.findall("<code>(.*)</code>", links(explorer).value)
    command = without_markup(words).strip()
    program, *words = shlex.split(command)
    assert program == "decoupling" and words[-2:] == ["--out", "transfer"]
    found = decoupling(*words[:-1], tmp_path / "out")
    assert found.code == 0, found.err
    style = json.loads((tmp_path / "out" / "report.json").read_text())["style"]
    share = style["result"]["block1_conv1"] / style["untouched"]["block1_conv1"]
    assert f"{100 * share:.1f}" == shown_share
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', explorer.exhibits["result"].html.value)
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as here, Image.open(tmp_path / "out/result.png") as there:
        np.testing.assert_array_equal(np.asarray(here), np.asarray(there))


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
    original = transfer_board.Board.show

    def show(board, state):
        states.append((list(state.steps), dict(state.images)))
        original(board, state)

    monkeypatch.setattr(transfer_board.Board, "show", show)
    for name, value in {"layers": 2, "method": method, "iterations": 50}.items():
        explorer.controls[name].value = value
    explorer.worker.wait(HANG)
    explorer.bar.observe(lambda change: shares.append(change["new"]), "value")
    explorer.status.observe(lambda change: lines.append(change["new"]), "value")
    run.click()
    assert "style gap left" in final_status(explorer)
    lengths = {len(steps) for steps, _ in states}
    assert len(lengths) > 3, "the curves grow during the run"
    assert len({id(x) for _, images in states for x in images.values()}) > 3, "so do the images"
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


def test_a_browser_that_rounds_the_value_of_a_slider_changes_nothing(small):
    """JupyterLab reports its own rounding as soon as it draws a slider, which may be after a run has ended."""
    explorer, run, _ = small
    run.click()
    explorer.worker.wait(HANG)
    before, line = explorer.worker.started, explorer.status.value
    explorer.controls["rate"].value = 10**-3.3  # the step of the slider that is nearest to 5e-4
    explorer.controls["softness"].value = 0.02 + 27 * 0.01
    assert explorer.controls["softness"].value != transfer.FIRST["softness"]
    assert explorer.worker.wait(HANG)
    assert explorer.worker.started == before and explorer.status.value == line
    explorer.controls["softness"].value = 0.3
    assert "press Run; estimate" in final_status(explorer)


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


def test_the_two_numbers_that_count_follow_from_the_styles_and_the_images():
    """The share of the gap that is left is 0 at the style that was asked for, and 1 where nothing has happened."""
    x = np.full((4, 4, 3), 0.5)
    outcome = transfer_board.Outcome(x, {"a": 0.5, "b": 0.1}, None, {"method": "direct", "rate": "1"})
    assert outcome.describe() == ("style gap left: 30.0% on average",)
    one = transfer_board.Outcome(x, {"a": 0.5}, None, {})
    assert one.describe() == ("style gap left: 50.0%",)
    returned = transfer_board.Outcome(x, {}, 20.0, {"method": "direct", "rate": "2"})
    assert returned.describe() == ("PSNR: 20.0 dB",) and outcome.compare(returned) == "rate: 1"
    assert transfer_board.Outcome(x, {}, np.inf, {}).describe() == ("returned exactly",)


@pytest.mark.parametrize(
    ("name", "value"),
    [("layers", 5), ("size", 256), ("steps", 48), ("softness", 0.02), ("softness", 1.0), ("iterations", 2000)],
)
def test_the_transfer_explorer_shows_an_estimate_at_the_ends_of_its_sliders(name, value, small):
    explorer, run, _ = small
    assert value in (explorer.controls[name].min, explorer.controls[name].max)
    explorer.controls[name].value = value
    assert "estimate:" in final_status(explorer) and not run.disabled
