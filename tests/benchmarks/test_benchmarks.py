"""The benchmarks of transfers on tiny cases with random weights: what they count and what they write."""

import json
import mmap
import os
import sys
from types import SimpleNamespace

import _common as common
import _convolutions
import _watch
import batches
import error_growth
import flow_sheet
import frontier
import growth
import methods
import numpy as np
import optimizers
import pyramid
import pytest
import sheet
import sizes
import style_flows
import sweep_speedup
import tolerances
import way_back
from PIL import Image

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block, Counted, Passes
from decoupling_lib.engine.leg_state import Guide
from decoupling_lib.engine.lift import Damping
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.methods import baselines
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import THESIS_LAYERS, build_network

TINY = ("--weights", "random", "--size", "24")
A = np.random.default_rng(0).normal(size=(5, 12))
V = np.array([1.0, -2.0, 3.0, 1.5, -1.0])
LINEAR = ClosedForm((Block("low", 2), Block("high", 3)), lambda x: A @ x.ravel(), lambda x: A)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs a benchmark in this process and returns the content of its JSON file."""
    monkeypatch.setattr(common, "run_in_new_process", lambda function, *arguments: function(*arguments))

    def run(script, *arguments):
        out = tmp_path / f"{script.__name__}.json"
        monkeypatch.setattr(sys, "argv", [script.__name__, *TINY, "--out", str(out), *map(str, arguments)])
        script.main()
        return json.loads(out.read_text("utf-8"))

    return run


@pytest.mark.parametrize(("script", "option"), [(pyramid, "--starts"), (pyramid, "--references"), (sheet, "--methods")])
def test_a_misspelled_name_in_a_list_is_refused_before_anything_is_measured(run, tmp_path, capsys, script, option):
    with pytest.raises(SystemExit) as end:
        run(script, option, "hlaf")
    assert end.value.code == 2 and not list(tmp_path.iterdir())
    message = capsys.readouterr().err.splitlines()[-1]
    assert option in message and "hlaf" in message and "expected" in message


def assert_counted(row):
    assert row["passes"]["total"] == sum(row["passes"][kind] for kind in vars(Passes())) > 0
    assert row["seconds"] > 0


def test_a_watch_counts_up_to_the_first_point_within_each_error():
    """The k-th iterate of a descent is known after k + 1 forward passes and k VJPs."""
    x, live = np.zeros((2, 2, 3)), np.ones(5, bool)
    watch = _watch.Watch(Counted(LINEAR), SimpleNamespace(reference=SimpleNamespace(values=V, live=live)))
    watch.begin(x)
    with pytest.raises(_watch.ArrivedError):
        baselines.descend(watch, x, V, learning_rate=0.02, threshold=None, iterations=10_000)
    blocks = (slice(0, 2), slice(2, 5))

    def worst(x):
        f = LINEAR.values(x)
        return max(np.linalg.norm(f[at] - V[at]) / np.linalg.norm(V[at]) for at in blocks)

    assert watch.first == {"low": 1.0, "high": 1.0}
    for level, reached in watch.reached.items():
        k = reached["passes"]["vjp"]
        assert reached["passes"]["forward"] == k + 1 and reached["passes"]["total"] == 2 * k + 1
        at, before = (
            baselines.descend(LINEAR, x, V, learning_rate=0.02, threshold=None, iterations=steps).x
            for steps in (k, k - 1)
        )
        assert worst(at) <= level < worst(before)
    assert set(watch.reached) == set(methods.LEVELS) and max(watch.errors.values()) <= 1e-3


def test_methods_compares_on_the_same_leg(run, capsys):
    limits = ("--iterations", 4, "--lbfgs-iterations", 60, "--self-iterations", 2, "--pictures", "chelsea")
    content = run(methods, *limits, "--legs", "block1,block2", "--only", "decoupled", "--only", "direct")
    lift, direct, lift2, direct2 = content["rows"]
    for row in content["rows"]:
        assert_counted(row)
        assert row["peak_memory_mib"] > 0 and list(row["to"]) == ["0.1", "0.01", "0.001"]
    for one, other in ((lift, direct), (lift2, direct2)):
        assert one["relative_error_at_start"] == other["relative_error_at_start"]
    # The second leg begins where the undamped lift of the first block ended.
    assert lift2["relative_error_at_start"]["block1_conv1"] < 1e-3 < lift2["relative_error_at_start"]["block2_conv1"]
    assert lift["to"]["0.1"]["passes"] == lift["passes"] and max(lift["relative_error"].values()) < 0.1
    assert direct["to"]["0.1"]["passes"]["total"] < direct["passes"]["total"]
    # Other methods are added; the rows of the first ones stay.
    more = run(methods, *limits, "--legs", "both,self", "--only", "sgd", "--only", "gatys")
    assert more["rows"][:4] == content["rows"]
    sgd, gatys, back = more["rows"][4:]
    assert (sgd["passes"]["forward"], sgd["passes"]["vjp"], sgd["status"]) == (5, 4, "max_steps")
    assert gatys["passes"]["forward"] == gatys["passes"]["vjp"] + 2  # the noise's Gram matrices, and the start
    assert set(gatys["relative_error"]) == {"block1_conv1", "block2_conv1"}
    assert back["leg"] == "self" and back["psnr_db"] > 0
    first = {f"{method} {leg}" for method in ("decoupled", "direct") for leg in ("block1", "block2")}
    second = {f"{method} {leg}" for method in ("sgd", "gatys") for leg in ("both", "self")}
    assert set(more["options"]) == set(more["machine"]) == first | second
    assert "chelsea    self    sgd" in capsys.readouterr().out


def test_comparisons_count_passes_and_say_when_sgd_did_not_reach_the_error():
    def row(method, passes, **reached):
        to = {level: {"passes": {"total": count}} for level, count in reached.items()}
        to = {"0.1": None, "0.01": None, "0.001": None} | {key.replace("e", "0."): each for key, each in to.items()}
        return {"picture": "p", "leg": "block1", "method": method, "passes": {"total": passes}, "to": to}

    rows = [row("sgd", 100_000), row("undamped", 1000, e1=1000, e01=1000, e001=1000), row("direct", 300, e001=250)]
    assert methods._comparisons(rows) == [
        "p block1: sgd to 0.1 takes more than 1e+02 times the passes of undamped to 0.01",
        "p block1: undamped to 0.001 takes 4 times the passes of direct",
    ]
    rows[0] = row("sgd", 100_000, e1=50_000)
    assert "takes 50 times" in methods._comparisons(rows)[0]


def test_growth_measures_each_leg_and_each_kind_of_pass(run):
    content = run(growth, "--only", "layers", "--layers", 1, "--pictures", "chelsea")
    (row,) = content["rows"]
    assert_counted(row)
    assert [leg["step"] for leg in row["legs"]] == [1, 2, 3]
    for kind in growth.KINDS:
        assert sum(leg["passes"][kind] for leg in row["legs"]) == row["passes"][kind]
        assert row["seconds_a_pass"][kind] > 0
    assert row["psnr_db"] > 20 and row["peak_memory_mib"] >= row["memory_before_mib"]
    height, width = row["size"]
    assert row["convolution_operations"] == height * width * 64 * 27 * 2
    assert row["matrix_product_operations_a_second"] > 1e8


def test_operations_are_counted_at_the_sizes_that_pooling_leaves():
    network = build_network("vgg16", "random", layers=("block3_conv1",))
    by_hand = 2 * 9 * (20 * 30 * (3 * 64 + 64 * 64) + 10 * 15 * (64 * 128 + 128 * 128) + 5 * 7 * 128 * 256)
    assert _convolutions.convolution_operations(network, (20, 30)) == by_hand


def test_a_start_from_half_the_size_saves_the_rows_and_changes_nothing_else(run):
    rows = run(pyramid, "--size", 48, "--pictures", "chelsea:china", "--references", "noise")["rows"]
    assert [row["start"] for row in rows] == list(pyramid.STARTS) and {row["status"] for row in rows} == {"done"}
    first, *others = rows
    assert first["passes"]["jacobian_rows"] > 0 and first["passes_below"] == 0
    for row in others:
        assert row["relative_error"] == pytest.approx(first["relative_error"], rel=0.05), row["start"]
    shrunk = rows[pyramid.STARTS.index("half rows")]
    assert shrunk["passes_below"] > 0 == shrunk["passes"]["jacobian_rows"]
    assert others[-1]["start"] == "own" and others[-1]["passes"]["total"] < first["passes"]["total"]


def test_multipliers_of_unscaled_features_per_pixel_do_not_depend_on_the_size():
    """A picture beside a copy of itself has twice the pixels and the same channel means."""
    sizes_of_features = [Block("low", 2), Block("high", 3)]
    for one, two in (((4, 3), (8, 3)), ((2, 3), (6, 3))):
        rows = np.random.default_rng(1).normal(size=(5, 3 * one[0] * one[1]))
        copies = two[0] // one[0]
        multipliers, gram = rows @ rows[0], rows @ rows.T
        grams = np.stack([gram, gram]).astype(np.float32)
        scales = (np.arange(1.0, 6.0), np.arange(1.0, 6.0) / copies)
        contexts = [
            SimpleNamespace(
                features=SimpleNamespace(blocks=sizes_of_features),
                reference=SimpleNamespace(damping=Damping(0.0, each)),
            )
            for each in scales
        ]
        root = np.sqrt(scales[0][:5])
        scaled = Guide(np.array([0.0, 1.0]), (root * multipliers)[None], grams / np.outer(root, root))
        route = SimpleNamespace(
            guides={
                "low": scaled._replace(multipliers=scaled.multipliers[:, :2], grams=scaled.grams[:, :2, :2]),
                "high": scaled,
            }
        )
        found = pyramid.adapt_guides(contexts[0], route, (*one, 3), contexts[1], (*two, 3))["high"]
        larger = np.sqrt(scales[1])
        assert found.multipliers[0] / larger / copies == pytest.approx(multipliers)
        tiled = np.tile(rows, copies) / copies  # the gradients of means over copies
        assert found.grams[0] == pytest.approx(tiled @ tiled.T / np.outer(larger, larger), rel=1e-5)


def test_a_batch_has_the_channel_means_of_its_images(run, monkeypatch):
    for name in batches.THREADS:
        monkeypatch.setenv(name, "1")  # so that it is put back
    rows = run(batches, "--sizes", "24", "--batches", "1,3", "--rounds", 2)["rows"]
    assert [(row["size"], row["batch"]) for row in rows] == [(24, 1), (24, 3)]
    assert rows[0]["ratio_quartiles"] == [1, 1, 1] and all(row["milliseconds_per_image"] > 0 for row in rows)
    network = build_network("vgg16", "random", THESIS_LAYERS)
    images = np.random.default_rng(1).random((3, 16, 24, 3)).astype("f4")
    means, residuals = batches.forward_pass(network)(images)
    one_by_one = [ChannelMeans(network, "float32").values(image) for image in images]
    np.testing.assert_allclose(means, one_by_one, rtol=1e-5, atol=1e-7)
    assert [len(residual) for residual in residuals] == [3] * len(network.operations)


def test_errors_are_followed_along_the_way_back(run):
    rows = run(error_growth, "--layers", "2", "--pictures", "china", "--only", "float64")["rows"]
    (row,) = rows
    assert (
        row["case"] == "float64" and row["status"] == "done" and list(row["errors"]) == [*reversed(THESIS_LAYERS[:2])]
    )
    first, second = row["errors"].values()
    assert first[0] == 0 < first[-1] == second[0]  # the second leg begins where the first one ends
    assert len(first) == len(second) == 17  # 16 steps
    assert second[-1] == pytest.approx(10 ** (-row["psnr_db"] / 20))  # of values from 0 to 1


def test_a_difference_in_one_pixel_is_all_in_the_worst():
    difference = np.zeros((10, 20, 3))
    difference[3, 4] = 1.0
    assert error_growth.share_of_the_worst(difference) == 1
    # Two of 200 pixels: one of energy 12, one of 3, like all others.
    assert error_growth.share_of_the_worst(difference + 1.0) == pytest.approx(15 / (12 + 199 * 3))
    assert error_growth.share_of_the_worst(np.ones((10, 20, 3))) == pytest.approx(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("method", sizes.METHODS)
def test_every_method_is_measured_at_each_size_within_the_limits(run, method, monkeypatch):
    monkeypatch.setattr(sizes, "ITERATIONS", 1)
    monkeypatch.setattr(sizes, "FLOW_SIDE", 24)
    rows = run(sizes, "--only", method, "--pictures", "chelsea:china", "--sizes", "24,32,4096", "--limit", 300)["rows"]
    for row in rows[:2]:
        assert row["status"] in ("done", "max_steps") and row["passes"]["total"] > 0 and row["seconds"] > 0
        assert ("convolution_seconds" in row) == (method in ("transfer", "self"))
    assert rows[2]["status"] == "left out" and "expected to take" in rows[2]["reason"]


@pytest.mark.slow
def test_flows_are_applied_to_larger_pictures_in_every_way(run, monkeypatch):
    monkeypatch.setattr(style_flows, "COPIES", 2)
    monkeypatch.setattr(style_flows, "MEDIUM", 32)
    arguments = ("--pictures", "chelsea:china", "--full", 48, "--large", "64,40", "--sides", "24,32")
    rows = {(row["part"], row["case"]): row for row in run(style_flows, *arguments)["rows"]}
    assert {part for part, _ in rows} == set(style_flows.PARTS)
    for case in ("shrunk", "shrunk, corrected", "cut", "cut, corrected"):
        row = rows["small", case]
        assert len(row["left"]) == len(row["reference_error"]) == 2 and min(row["left"]) > 0 and row["passes"] > 0
    assert rows["steps", "16 steps"]["ssim_to_finest"] == 1 > rows["steps", "4 steps"]["ssim_to_finest"]
    undone = {case: row for (part, case), row in rows.items() if part == "undo"}
    cases = ("24 px", "24 px, on gravel", "32 px")
    assert set(undone) == {f"{kind}, {case}" for kind in style_flows.FLOWS for case in cases}
    for case in cases:
        row = undone[f"{style_flows.OF_FLOW}, {case}"]
        assert row["psnr_db"] > 60 and 0 < row["left"][0] < 1 and row["passes_back"] > 0
    large = rows["large", "0.0 megapixels"]
    assert large["seconds_a_megapixel"] == pytest.approx(large["seconds"] / (64 * 40 / 1e6))
    assert min(rows["workers", case]["seconds"] for case in ("one thread", "all threads", "one worker per core")) > 0


@pytest.mark.slow
def test_a_sheet_of_flows_draws_the_pictures_and_says_what_is_left(run, tmp_path):
    places = ("--images", tmp_path / "images", "--full", 32)
    rows = run(style_flows, "--only", "options", "--pictures", "chelsea:china", *places)["rows"]
    assert [row["case"] for row in rows] == list(style_flows.FLOWS)
    assert min(row["passes"] for row in rows) > 0 and rows[0]["left"] != rows[1]["left"]
    found = {(row["pair"], row["case"]): row for row in rows}
    figure = flow_sheet.draw(found, ["chelsea:china"], 32, tmp_path / "images")
    titles = [ax.get_title() for ax in figure.axes]
    assert len(titles) == 4
    assert all(f"{row['left'][0]:.0%}" in title for row, title in zip(rows, titles[2:], strict=True))
    for ax, row in zip(figure.axes[2:], rows, strict=True):
        file = style_flows.picture_file(tmp_path / "images", "chelsea:china", row["case"])
        np.testing.assert_allclose(ax.images[0].get_array(), load_picture(str(file)).array, atol=1e-6)


def test_optimizers_run_their_whole_budget_at_the_best_rate_tried(run):
    grid = ("--iterations", 6, "--rates", "1e-5,1e-4,1e-3", "--pictures", "chelsea")
    content = run(optimizers, *grid, "--only", "Adam")
    (row,) = content["rows"]
    assert_counted(row)
    assert (row["passes"]["forward"], row["passes"]["vjp"]) == (7, 6)
    assert row["passes_of_all_trials"]["total"] == len(row["trials"]) * row["passes"]["total"]
    errors = {each["learning_rate"]: each["relative_error"] for each in row["trials"]}
    assert row["relative_error"] == errors[row["learning_rate"]] == min(errors.values()) == row["curve"][-1][1]
    assert [k for k, _ in row["curve"]] == list(range(7)) and row["moved"] > 0
    # The first step of Adam changes every color of every pixel that has a gradient by the learning rate.
    assert row["first_step"] == pytest.approx(row["learning_rate"], rel=0.01)
    assert max(errors) > 1e-3  # with so few steps the best rate is beyond the grid: decades were added
    more = run(optimizers, *grid, "--only", "SGD")
    assert more["rows"][0] == row and list(more["options"]) == ["Adam", "SGD"]


def test_rates_are_tried_beyond_the_grid_and_then_on_both_sides_of_the_best(monkeypatch):
    """The error is smallest at 3e-3, half a decade above 1e-3; every rate over 0.5 diverges."""
    tried = []

    def trial(leg, iterations, rate):
        tried.append(rate)
        return {"relative_error": np.inf if rate > 0.5 else abs(np.log10(rate) - np.log10(3e-3))}

    monkeypatch.setattr(optimizers, "trial", trial)
    for rates in ([1e-2, 1e-1, 1.0], [1e-5, 1e-4], [1e-3, 1e-2, 1e-4]):
        tried.clear()
        trials = optimizers.tune({}, 1, rates)
        assert set(trials) == set(tried) and len(tried) == len(trials)
        assert {1e-3, 1e-2, 3.16e-3} <= set(tried)
        assert min(trials, key=lambda rate: trials[rate]["relative_error"]) == 3.16e-3


def test_frontier_measures_the_grid_and_draws_it(run, tmp_path):
    figure = tmp_path / "frontier.png"
    grid = ("--softness", 0.29, "--growth", 2, "--damping", "0.1,1", "--pictures", "chelsea", "--figure", figure)
    content = run(frontier, *grid)
    assert [row["damping"] for row in content["rows"]] == [0.1, 1.0]
    errors = [row["relative_error"] for row in content["rows"]]
    assert errors[0] < errors[1] and content["rows"][0]["fidelity"] == content["rows"][1]["fidelity"] > 0
    for row in content["rows"]:
        assert_counted(row)
    first = figure.read_bytes()
    assert np.mean(np.asarray(Image.open(figure).convert("L")) < 200) > 0.005
    figure.unlink()
    run(frontier, "--draw-only", "--figure", figure)
    assert figure.read_bytes() == first


def test_way_back_runs_to_the_end(run):
    (row,) = run(way_back, "--pictures", "chelsea", "--only", "annex", "--iterations", 2)["rows"]
    assert row["status"] == "done" and sum(row["passes"].values()) > 0


def test_results_of_coarser_tolerances_are_compared_with_the_finest(run, monkeypatch):
    monkeypatch.setattr(tolerances, "CASES", ((1.0, "mixed"), (1e4, "float32")))
    finest, coarse = run(tolerances, "--pictures", "chelsea:china")["rows"]
    assert finest["max_levels"] == 0 < coarse["rms_levels"] <= coarse["max_levels"]
    assert coarse["passes"]["total"] < finest["passes"]["total"]


def test_a_part_is_measured_again_and_the_others_are_kept(tmp_path):
    path = tmp_path / "new" / "rows.json"
    first = common.Results(path, "method", {"a": {"n": 1}, "b": {"n": 1}})
    assert not path.exists()  # an existing file is replaced only once there is a new row
    assert first.add({"method": "a", "value": np.inf}) == {"method": "a", "value": None}
    first.add({"method": "b", "value": 2.0})
    again = common.Results(path, "method", {"a": {"n": 3}})
    again.add({"method": "a", "value": np.float64(0.5)})
    content = json.loads(path.read_text("utf-8"))
    assert content["rows"] == [{"method": "b", "value": 2.0}, {"method": "a", "value": 0.5}]
    assert content["options"] == {"a": {"n": 3}, "b": {"n": 1}}
    assert content["machine"]["a"]["threads"] >= 1 and "numpy" in content["machine"]["b"]["versions"]
    assert os.listdir(path.parent) == ["rows.json"]


def test_a_function_runs_in_a_new_process_and_its_value_is_returned():
    assert common.run_in_new_process(os.getpid) != os.getpid()


def test_memory_counts_from_its_start():
    memory = common.Memory()
    with mmap.mmap(-1, 256 * 2**20) as block:  # mapped for this test alone, whatever malloc keeps
        np.frombuffer(block, np.uint8)[::4096] = 1
        assert memory.row()["peak_memory_mib"] >= memory.row()["memory_before_mib"]
        peak = memory.peak
    if sys.platform == "linux":  # the threads of TensorFlow change their memory meanwhile
        assert peak - memory.before >= 150 and common.Memory().before < peak - 150


def test_bad_input_is_one_line_and_exit_code_2(run, capsys):
    with pytest.raises(SystemExit) as end:
        common.run(lambda: run(growth, "--size", 8, "--only", "layers"))
    assert end.value.code == 2 and capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_the_sweep_is_timed_on_one_and_two_workers(run, capsys):
    rows = run(sweep_speedup, "--transfers", 2)["rows"]
    assert [(row["case"], row["workers"]) for row in rows] == [("one", 1), ("two", 2), ("one with all threads", 1)]
    one, two, threads = (row["seconds"] for row in rows)
    printed = capsys.readouterr().out
    assert f"two workers: {one / two:.2f} times" in printed
    assert f"{threads / two:.2f} times as fast as one with" in printed


@pytest.mark.slow
def test_a_sheet_shows_every_pair_beside_what_each_method_leaves_of_its_distance_in_style(run, tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "ITERATIONS", 2)
    places = ("--images", tmp_path / "images", "--figure", tmp_path / "sheet.png")
    content = run(sheet, "--pairs", 1, "--processes", 1, *places)
    rows = {row["method"]: row for row in content["rows"].values()}
    assert set(rows) == set(sheet.METHODS) and len(content["rows"]) == len(rows)
    for method, row in rows.items():
        assert row["status"] == "done" and row["passes"] > 0, method
        with Image.open(tmp_path / "images" / f"24_{row['origin']}_{row['target']}_{method}.png") as image:
            assert image.size == (24, 24)
    assert max(row["gram"] for row in rows.values()) < 1
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > image.height  # five columns, one line
