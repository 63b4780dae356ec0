"""The benchmarks of transfers on tiny cases with random weights: what they count and what they write."""

import json
import mmap
import os
import sys
from types import SimpleNamespace

import _common as common
import frontier
import growth
import methods
import numpy as np
import optimizers
import pytest
import style_pairs
import sweep_speedup
import way_back
from PIL import Image

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block, Counted, Passes
from decoupling_lib.methods import baselines
from decoupling_lib.networks.vgg import build_network

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


def assert_counted(row):
    assert row["passes"]["total"] == sum(row["passes"][kind] for kind in vars(Passes())) > 0
    assert row["seconds"] > 0


def test_a_watch_counts_up_to_the_first_point_within_each_error():
    """The k-th iterate of a descent is known after k + 1 forward passes and k VJPs."""
    x, live = np.zeros((2, 2, 3)), np.ones(5, bool)
    watch = methods.Watch(Counted(LINEAR), SimpleNamespace(reference=SimpleNamespace(values=V, live=live)))
    watch.begin(x)
    with pytest.raises(methods._ArrivedError):
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
    assert growth.convolution_operations(network, (20, 30)) == by_hand


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


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        (way_back, ("--pictures", "chelsea", "--only", "annex", "--iterations", 2)),
        (style_pairs, ("--pictures", "chelsea:china", "--only", "direct", "--iterations", 2)),
    ],
)
def test_way_back_and_style_pairs_run_to_the_end(run, script, arguments):
    (row,) = run(script, *arguments)["rows"]
    assert row["status"] == "done" and sum(row["passes"].values()) > 0


def test_pairs_are_compared_with_the_untouched_target(run):
    (row,) = run(style_pairs, "--pictures", "chelsea:china", "--only", "direct", "--iterations", 2)["rows"]
    assert row["untouched"]["luminance_ssim"] == pytest.approx(1) and row["judged"]["luminance_ssim"] < 1


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
