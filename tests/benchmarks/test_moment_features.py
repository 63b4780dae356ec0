"""The experiments with moments as features: the committed results, and the script on a small case."""

import json

import moment_features as script
import numpy as np
import pytest
from paths import ROOT

REPORT = json.loads((ROOT / "benchmarks" / "results" / "moment_features.json").read_text("utf-8"))
ROWS = {(row["case"], row["model"], row["features"], row["against"]): row for row in REPORT["rows"]}


def test_the_committed_results_are_complete():
    textures = [f"texture{halves}, {fineness} bands" for halves in ("", " halves") for fineness in script.BANDS]
    cases = [(case, model) for case in textures for model in ("lda", "knn")]
    cases += [(f"tail, {strength} skewness", model) for strength in script.SKEWNESS for model in ("linear", "knn")]
    features = [(name, None) for name in script.FEATURES] + list(script.GAINS)
    assert set(ROWS) == {case + pair for case in cases for pair in features}
    for row in ROWS.values():
        assert row["low"] <= row["mean"] <= row["high"] and row["n"] >= 20
    assert REPORT["not_decoupled"]["of_patches"] == 2 * 768


def test_a_gain_is_the_difference_of_its_two_features():
    for (case, model, features, against), row in ROWS.items():
        if against is not None:
            sign = 1 if case.startswith("tail") else -1
            difference = ROWS[case, model, features, None]["mean"] - ROWS[case, model, against, None]["mean"]
            assert row["mean"] == pytest.approx(sign * difference, abs=1e-12)


def test_the_interval_is_that_of_a_t_test():
    """For 1, 2, 3: mean 2, standard error 1/sqrt(3), and 4.3027 is the t quantile for two degrees of freedom."""
    found = script.interval(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose([found["low"], found["mean"], found["high"]], [-0.48414, 2, 4.48414], rtol=1e-5)


def test_a_seed_repeats_its_scores_and_another_gives_others():
    options = script.OPTIONS | {"samples": 40, "values": 50}
    linear = script.regressors(5)["linear"]
    first, again, other = (script.tail_scores(options, 0.3, linear, seed) for seed in (3, 3, 4))
    assert first == again != other
    features, labels, places, lost = script.textures(128, 32, script.BANDS["fine"])
    assert len(labels) + lost == 3 * 16 and len(places) == len(labels)
    assert {x.shape for x in features.values()} == {(len(labels), 6)}


def test_sinh_arcsinh_is_normal_when_its_parameters_are_neutral():
    x = script.sinh_arcsinh(np.random.default_rng(0), 0.0, 1.0, 1000)
    np.testing.assert_allclose(x, np.random.default_rng(0).standard_normal(1000), rtol=1e-12)
