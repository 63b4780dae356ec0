"""What the experiments on undoing, ablation and amplification compute from their rows, on rows with known answers."""

from itertools import pairwise, product

import _steps
import ablation
import amplification
import answers
import milder
import numpy as np
import pytest
import sobolev
import undo
from _direct import best_at, match_directly
from _ranks import mean_rank_correlation, rank_correlation
from _steps import Transfers, gap_left, run_chain, save
from scipy.stats import spearmanr
from toys import FIRST, LINEAR, NOISE, SECOND, TOY, A, X, reference

from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.features import Counted
from decoupling_lib.images.pictures import to_uint8

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("untouched", [1.0, 0.0])
def test_a_curve_is_read_at_its_best_crossing(untouched):
    style, content = [0.6, 0.8, 0.3, 0.5], [0.7, 0.2, 0.4, 0.9]
    corners = list(zip([1.0, *style], [untouched, *content], strict=True))
    fine = np.linspace(0, 1, 20_001)
    walk = np.concatenate([np.outer(1 - fine, a) + np.outer(fine, b) for a, b in pairwise(corners)])
    for wanted in (0.35, 0.5, 0.55, 0.7, 0.9):
        near = walk[np.abs(walk[:, 0] - wanted) < 1e-4]
        assert best_at(style, content, wanted, untouched) == pytest.approx(near[:, 1].max(), abs=1e-3)
    assert best_at(style, content, 0.1, untouched) == 0.4
    assert best_at(style, content, 1.2, untouched) == untouched


def test_direct_matching_goes_a_share_of_the_way():
    end = RNG.normal(size=X.shape)
    counted = Counted(LINEAR)
    found = match_directly(counted, X, end, 0.4, np.ones(5, bool))
    wanted = 0.6 * A @ X.ravel() + 0.4 * A @ end.ravel()
    for block in (slice(0, 2), slice(2, 5)):
        left = np.linalg.norm((A @ found.ravel() - wanted)[block])
        assert left <= 1e-3 * np.linalg.norm(wanted[block])
    assert counted.passes.vjp >= 1


def test_milder_transfers_are_compared_with_the_default_pair_by_pair():
    """What the pairs have in common drops out; a pair without a default is left out."""
    pairs = [("a", "b"), ("b", "c"), ("c", "a")]
    common, more = dict(zip(pairs, (0.5, -0.25, 0.125), strict=True)), {"gram": 0.25, "bands": -0.125, "colors": 0.0}
    gains = {
        (variant, *pair, style, content): common[pair] + more[style] * (variant != milder.DEFAULT)
        for variant, pair, style, content in product(milder.VARIANTS, pairs, milder.STYLE, milder.CONTENT)
    }
    del gains[milder.DEFAULT, "c", "a", "gram", "ssim"]
    found = milder.compare_with_default(gains)
    assert set(found) == set(product(list(milder.VARIANTS)[1:], milder.STYLE, milder.CONTENT))
    for (_, style, content), (interval, won) in found.items():
        count = 2 if (style, content) == ("gram", "ssim") else 3
        assert interval.count == count and interval.mean == more[style]
        assert won == f"{count if more[style] > 0 else 0}/{count}"


def test_a_joint_leg_moves_all_means_at_once_and_its_best_share_is_the_rival():
    context = Context(Counted(TOY), reference(TOY, TOY.values(NOISE)), Settings(steps=8))
    x, passes, status = milder.move_jointly(context, FIRST, SECOND, 0.4)
    assert status == "done" and passes > 8
    np.testing.assert_allclose(TOY.values(x), 0.6 * TOY.values(SECOND) + 0.4 * TOY.values(FIRST), rtol=1e-2)
    judges = ("gram", "ssim")
    gains = {(name, "a", "b", *judges): value for name, value in zip(milder.JOINT, (0.1, 0.4, 0.2), strict=True)}
    interval, won = milder.compare_with_joint(gains | {("midpoint", "a", "b", *judges): 0.5}, "midpoint")
    assert interval.mean == pytest.approx(0.1) and won == "1/1"


def test_metrics_are_compared_on_the_pairs_that_both_have():
    judges = ("gram", "ssim")
    gains = {("new", "a", "b", *judges): 0.5, ("new", "b", "c", *judges): 0.25, ("new", "a", "b", "gram", "edges"): 9.0}
    gains |= {("old", "a", "b", *judges): 0.125, ("old", "c", "a", *judges): 1.0}
    interval, won = milder.subtract_gains(gains, "new", "old", judges)
    assert interval.count == 1 and interval.mean == 0.375 and won == "1/1"


def test_ripples_count_where_the_target_is_smooth():
    target = np.full((48, 48, 3), 0.5)
    target[:, 12:] += 0.1 * RNG.standard_normal((48, 36, 1))
    left, right = target.copy(), target.copy()
    columns = np.arange(48)
    wave = 0.1 * (-1.0) ** columns[:, None, None]
    left[:, :6] += wave
    right[:, 30:] += wave
    own = sobolev.measure_ripple(target, target)
    assert own < 4  # from the noise beside the smooth part
    assert sobolev.measure_ripple(right, target) == own
    # Half of the smooth part gets a wave of 25.5 levels, of which the Gaussian keeps nearly nothing.
    assert sobolev.measure_ripple(left, target) == pytest.approx(np.hypot(own, 25.5 * np.sqrt(0.5)), rel=0.1)


def test_rank_correlations_are_spearmans_and_groups_are_not_compared():
    x, y = RNG.integers(0, 6, 30), RNG.integers(0, 6, 30)
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(rank_correlation(x, np.ones(30)))
    growth = np.arange(20.0)
    error = np.concatenate([100 + growth[:10] ** 2, np.exp(growth[10:] / 10)])  # rises in each group, falls between
    groups, pictures = ["a"] * 10 + ["b"] * 10, [(f"p{k % 10}",) for k in range(20)]
    found = mean_rank_correlation(growth, error, groups, pictures, resamples=200)
    assert found.mean == found.low == found.high == 1 and found.p == pytest.approx(1 / 200, rel=0.2)
    assert rank_correlation(growth, error) < 0
    opposite = mean_rank_correlation(growth, np.r_[error[:10], -error[10:]], groups, pictures, resamples=200)
    assert opposite.mean == 0 and opposite.p == 1
    noise = mean_rank_correlation(RNG.random(20), RNG.random(20), groups, pictures)
    assert noise.low < noise.mean < noise.high


def test_an_image_is_saved_as_a_file_saves_it_and_gaps_are_shares_of_the_way():
    x = RNG.uniform(-0.3, 1.3, (18, 16, 3))
    np.testing.assert_array_equal(save(x) * 255, to_uint8(x))
    np.testing.assert_array_equal(save(save(x)), save(x))
    wanted, untouched = RNG.normal(size=(2, 5))
    context = Context(Counted(TOY), reference(TOY, wanted))
    style = wanted + np.array([0.25, 0.25, -0.5, -0.5, -0.5]) * (untouched - wanted)
    assert gap_left(context, style, untouched, wanted) == pytest.approx([0.25, 0.5])


@pytest.fixture
def toy(monkeypatch):
    """Return a function that makes undamped transfers of a toy whose values are not rounded."""
    origin, target = 0.3 * FIRST, 0.3 * FIRST + 0.2 * SECOND

    def set_up(kind, first, second):
        values = 0.5 * (TOY.values(first) + TOY.values(second)) if kind == "midpoint" else TOY.values(0.2 * NOISE)
        settings = Settings(steps=8, tolerance=1e-12)
        return Context(counted, reference(TOY, values), settings)

    counted = Counted(TOY)
    monkeypatch.setattr(_steps, "set_up", set_up)
    monkeypatch.setattr(_steps, "save", lambda x: x)
    return lambda kind, knows=False: (Transfers(kind, knows), [target, origin])


def test_undamped_and_unrounded_an_imposed_style_is_undone(toy):
    """Both legs reach their aims on symmetric steps, so the way back is the mirror image of the way there."""
    transfers, images = toy("noise")
    (first, undone), rows = run_chain(transfers, images, corrections=0)
    assert [row["status"] for row in rows] == ["done", "done"]
    assert max(rows[0]["left"] + rows[1]["left"]) < 1e-6
    np.testing.assert_allclose(undone, images[0], atol=1e-8)
    assert np.abs(first - images[0]).max() > 0.02
    np.testing.assert_allclose(TOY.values(first)[:2], TOY.values(images[1])[:2], rtol=1e-8)


def test_with_midpoint_the_way_back_has_another_reference(toy):
    """The result has the origin's f of block 1 and its c of block 2, not its f of block 2: the midpoint is another."""
    transfers, images = toy("midpoint")
    (first, undone), _ = run_chain(transfers, images, corrections=0)
    there, back = (_steps.set_up("midpoint", each, images[0]).reference.values for each in (images[1], first))
    np.testing.assert_allclose(there[:2], back[:2], rtol=1e-8)
    assert np.abs(there - back)[2:].max() > 1e-6
    error = np.abs(undone - images[0]).max()
    assert 1e-7 < error < 0.01 * np.abs(first - images[0]).max()


def test_what_was_measured_before_is_not_taken_again(toy):
    transfers, images = toy("noise")
    knowing, _ = toy("noise", knows=True)
    (_, rows), (_, known) = run_chain(transfers, images, 0), run_chain(knowing, images, 0)
    assert rows[0]["passes"] == known[0]["passes"] and rows[1]["passes"] > known[1]["passes"]
    spent = _steps.set_up("noise", *images).features.passes
    before = spent.total
    again, rows_again = run_chain(transfers, images, 0)
    assert [row["passes"] for row in rows_again] == [row["passes"] for row in rows]
    assert 0 < spent.total - before < sum(row["passes"] for row in rows)
    assert len(again) == 2


def test_each_picture_is_undone_once_and_chains_have_three_pictures():
    tasks = [task for task in undo.list_tasks().values() if task[0] == "direct"]
    pairs = [task[1] for task in tasks if len(task[1]) == 2]
    assert sorted(target for target, _ in pairs) == sorted(origin for _, origin in pairs)
    assert len({target for target, _ in pairs}) == len(pairs) == 12
    triples = [task[1] for task in tasks if len(task[1]) == 3]
    assert len(triples) == 6 and all(len(set(each)) == 3 for each in triples)


def test_gains_of_undoing_are_read_at_equal_style():
    shares = [{"gram": 0.5, "ssim": 0.4, "negative_rmse": -0.1}, {"gram": 0.25, "ssim": 0.2, "negative_rmse": -0.2}]
    row = {"gram": 0.375, "ssim": 0.5, "negative_rmse": -0.075}
    assert undo.gain(row, shares, "gram", "ssim") == pytest.approx(0.2)
    assert undo.gain(row, shares, "gram", "negative_rmse") == pytest.approx(20 * np.log10(2))
    nothing = {"gram": 1.0, "ssim": 1.0, "negative_rmse": -1e-9}  # nothing was imposed, nothing had to be undone
    assert undo.gain(nothing, shares, "gram", "ssim") == 0 == undo.gain(nothing, shares, "gram", "negative_rmse")


def cell(value):
    return dict.fromkeys((*ablation.MEASURES, "colors", "edges"), value) | {"passes": 1000}


def test_contrasts_are_differences_of_the_cells_that_both_rows_have(capsys):
    names, rows = [f"p{k}" for k in range(6)], []
    for k, name in enumerate(names):
        cells = {
            start: {
                "status": "reached",
                "steps": 3,
                "unrefined": cell(10 * s + k),
                "refined": cell(10 * s + k + 100 * (s + 1)),
            }
            for s, start in enumerate(ablation.STARTS)
        }
        row = {"origin": name, "target": names[k - 1], "reference": "noise", "status": "done", "cells": cells}
        rows.append(row)
    rows[0]["cells"]["direct"] = {"status": "stalled"}
    rows[1]["cells"]["legs on"]["refined"] = cell(None)
    rows.append({"origin": "p0", "target": "p1", "reference": "noise", "status": "stalled, done"})
    found = ablation.contrasts(rows)
    on, off, direct = range(3)
    wanted = {
        "refinement, after legs": (100, 5),
        "refinement, after direct": (300, 5),
        "corrections, unrefined": (10 * (on - off), 6),
        "corrections, refined": (110 * (on - off), 5),
        "legs, unrefined": (10 * (on - direct), 5),
        "legs, refined": (110 * (on - direct), 4),
    }
    assert {title.split(":")[0] for title in found} == set(wanted)
    for name, (difference, count) in wanted.items():
        assert list(found[f"{name}: ssim"].values()) == [difference] * count
    ablation.print_tables(rows)
    printed = capsys.readouterr().out
    assert printed.count("   claim ") == len(ablation.PRIMARY)
    assert f"{wanted['legs, refined'][0]:+.3f}" in printed and "reached 2 % on 6 of 7" in printed


def synthetic_rows(seed):
    """Return rows in which gaps rise with the growth of leg 1 there and self-transfers with growth back."""
    rng, rows = np.random.default_rng(seed), []
    for target, origins, *_, reference_name, _ in amplification.list_tasks().values():
        legs = [dict(zip(("there", "back", "white_there", "white_back"), rng.lognormal(3, 1, 4), strict=True))]
        legs.append({name: value**1.5 for name, value in legs[0].items()})
        transfers = [
            {"origin": each, "status": "done", "left": [0.0, 1e-3 * legs[0]["there"]], "leg 1": legs[0], "passes": 9}
            for each in origins
        ]
        error = 1e-6 * legs[0]["back"] * legs[1]["back"]
        row = {"target": target, "reference": reference_name, "status": "done", "legs": legs, "transfers": transfers}
        rows.append(row | {"self": [1e-6 * legs[0]["back"], error]})
    return rows


def test_amplification_correlates_what_its_theory_names(monkeypatch, capsys):
    rows = synthetic_rows(0)
    pairs = {(each["reference"], *each["pictures"]) for each in amplification.list_transfers(rows)}
    assert len(pairs) == 3 * 12
    assert sum(each["reference"] == "midpoint" for each in amplification.list_self_transfers(rows)) == 12
    rows[0]["transfers"][0] = {"origin": "x", "status": "stalled"}
    rows.append({"target": "x", "reference": "noise", "status": "stalled"})
    assert len(amplification.list_transfers(rows)) == 35
    assert len(amplification.list_self_transfers(rows)) == 36
    monkeypatch.setattr(amplification, "mean_rank_correlation", lambda *given: mean_rank_correlation(*given, 0, 50))
    amplification.print_tables(rows)
    lines = capsys.readouterr().out.splitlines()
    for mark in ("primary 1", "primary 2"):
        own = [line for line in lines if line.endswith(mark)]
        assert len(own) == 4 and all("+1.000 [+1.000, +1.000]" in line for line in own)
    controls = [line for line in lines if line.endswith("control")]
    assert len(controls) == 12 and not any("+1.000 [" in line for line in controls)
    medians = next(line for line in lines if line.startswith("noise "))
    assert medians.split()[-2:] == ["0/24", "2"]  # large growths, and broken transfers


@pytest.mark.slow
@pytest.mark.parametrize("script", [undo, ablation, amplification])
def test_a_task_of_each_runs_to_the_end(monkeypatch, script):
    monkeypatch.setattr(ablation, "REFINEMENTS", 1)
    monkeypatch.setattr(amplification, "PRODUCTS", 1)
    monkeypatch.setattr(undo, "CORRECTIONS", {"on": 16})
    for name in ("undo", "ablation"):
        monkeypatch.setattr(f"{name}.SHARES", (0.5, 1.0))
    tasks = script.list_tasks(24, "random")
    row = script.measure(*next(task for task in tasks.values() if "midpoint" in task))
    assert row["status"] == "done"
    if script is undo:
        for name in undo.CORRECTIONS:
            assert 0 < row[name]["ssim"] <= 1 and row[name]["passes"] > 0 and len(row[name]["transfers"]) == 2
    elif script is ablation:
        for start in ablation.STARTS:
            assert row["cells"][start]["refined"]["worst"] <= row["cells"][start]["unrefined"]["worst"] + 1e-9
            assert row["cells"][start]["refined"]["passes"] > row["cells"][start]["unrefined"]["passes"]
    else:
        (entry,) = amplification.list_transfers([row])
        assert entry["gap"] > 0 and entry["there 1"] > 0 and row["self"][1] < 0.1


def test_the_figure_of_answers_shows_every_interval_and_marks_the_primary_ones():
    figure = answers.draw()
    panels = (answers.list_equal_style, answers.list_undone, answers.list_parts, answers.list_recognized)
    for ax, listed in zip(figure.axes, panels, strict=True):
        lines = listed()
        drawn = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
        assert drawn == [interval.mean for interval, _ in lines.values()]
        assert [label.get_text() for label in ax.get_yticklabels()] == list(lines)
        assert any(primary for _, primary in lines.values())
        for interval, _ in lines.values():
            assert interval.low < interval.mean < interval.high


def test_the_figure_of_answers_counts_each_pair_once():
    lines = answers.list_equal_style()
    assert {interval.count for interval, _ in lines.values()} == {36}
    assert {interval.count for interval, _ in answers.list_undone().values()} == {12}
    assert {interval.count for interval, _ in answers.list_parts().values()} == {24}
