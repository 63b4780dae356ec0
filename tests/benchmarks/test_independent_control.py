"""The experiment on independent control: effects in a square of four results, against closed forms."""

import _parts as parts
import independent_control as script
import numpy as np
import pytest

P, Q, T = np.array([1.0, 0.0, 0.0]), np.array([0.0, 3.0, 0.0]), np.array([0.0, 0.0, 4.0])


def make_square(own, other, part):
    """Return the square of P, Q with weights: own * (its own giver) + other * (the other part's giver)."""
    givers = (P, Q)
    return {key: [own * givers[key[part]] + other * givers[key[1 - part]]] for key in parts.KEYS}


@pytest.mark.parametrize("part", [0, 1])
def test_selectivity_is_the_logarithm_of_the_ratio_of_effects(part):
    """A result moves by own (P - Q) with its own giver, and by other (P - Q) with the other one."""
    square = make_square(0.9, 0.3, part)
    assert parts.selectivity(square, part) == pytest.approx(np.log(3))
    assert parts.selectivity(square, 1 - part) == pytest.approx(-np.log(3))


@pytest.mark.parametrize("part", [0, 1])
def test_cross_talk_is_the_effect_of_the_wrong_giver(part):
    square, both = make_square(0.9, 0.3, part), ([P], [Q])
    assert parts.cross_talk(square, part, both) == pytest.approx(0.3)
    assert parts.cross_talk(make_square(1.0, 0.0, part), part, both) == pytest.approx(0, abs=1e-8)
    assert parts.cross_talk(make_square(1.0, 1.0, part), part, both) == pytest.approx(1)


@pytest.mark.parametrize("part", [0, 1])
def test_what_is_left_is_a_share_of_the_untouched_distance(part):
    """For results (1 - s) own giver + s T, the distance to the giver is s times that of T, whichever result it is."""
    square = {key: [0.75 * (P, Q)[key[part]] + 0.25 * T] for key in parts.KEYS}
    left = parts.share_left(square, part, ([P], [Q]), [T])
    assert left == {"mixed": pytest.approx(0.25), "whole": pytest.approx(0.25)}
    # Where the giver of the other part decides, only the whole results are right.
    wrong = parts.share_left(make_square(0.0, 1.0, part), part, ([P], [Q]), [T])
    assert wrong["whole"] < 1e-8
    distance = np.sqrt(10)  # of P and Q; T is sqrt(17) and 5 away from them
    assert wrong["mixed"] == pytest.approx((distance / np.sqrt(17) + distance / 5) / 2)


def test_a_part_is_nearer_to_the_giver_that_decides():
    for part in (0, 1):
        assert parts.nearer(make_square(0.8, 0.2, part), part, ([P], [Q])) == 1
        assert parts.nearer(make_square(0.1, 0.9, part), part, ([P], [Q])) == 0


def test_distances_of_several_vectors_are_averaged_as_logarithms():
    zero = np.zeros(2)
    assert parts.log_distance([zero, zero], [np.array([2.0, 0]), np.array([0, 8.0])]) == pytest.approx(np.log(4))


def test_the_texture_judge_does_not_see_contrast_and_color_and_the_raw_one_does(random_network):
    x = np.random.default_rng(0).uniform(0.3, 0.7, (24, 24, 3))
    changed = 0.1 + x * np.array([1.0, 0.7, 0.5])
    judges = parts.make_judges(random_network)

    def relative(name):
        one, other = (judges[name](each) for each in (x, changed))
        return [np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in zip(one, other, strict=True)]

    assert max(relative("texture")) < 0.02 < min(relative("raw texture"))
    assert set(judges) == set(parts.JUDGES)
    shuffled = np.random.default_rng(1).permutation(x.reshape(-1, 3)).reshape(x.shape)
    np.testing.assert_allclose(judges["colors"](x), judges["colors"](shuffled))


@pytest.fixture
def random_network():
    from decoupling_lib.networks.vgg import build_network
    from decoupling_lib.transfers.evaluation import observer_network

    return observer_network(build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1")))


def test_triples_are_balanced_and_every_square_is_run_with_each_method():
    triples = script.list_triples()
    assert len(set(triples)) == 24 and all(len(set(triple)) == 3 for triple in triples)
    for place in range(3):
        assert {name: [t[place] for t in triples].count(name) for name in script.experiments.PICTURES} == dict.fromkeys(
            script.experiments.PICTURES, 2
        )
    tasks = script.list_tasks().values()
    assert [sum(task[0] == method for task in tasks) for method in ("direct", "midpoint")] == [24, 24]
    noise = [task for task in tasks if task[0] == "noise"]
    assert len(noise) == len(set(noise)) and {task[1:4] for task in noise} == set(triples)
    assert sorted({task[5] for task in noise}) == [0, 1, 2] and len(noise) == 12 * 3 + 12


def make_row(method, triple, colors, texture, ssim, seed=0):
    values = {"selectivity": dict.fromkeys(parts.JUDGES, 0.0) | {"colors": colors, "texture": texture}}
    names = dict(zip(("target", "first", "second"), triple, strict=True))
    row = {"method": method, **names, "seed": seed, "status": "done", "passes": 10, "clipped": 0.0, "cross_talk": {}}
    row |= values | {"ssim": ssim, "edges": 0.5, "nearer": dict.fromkeys(parts.JUDGES, 1.0)}
    return row | {"left": {name: {"mixed": 0.5, "whole": 0.25} for name in parts.JUDGES}}


def test_gains_are_differences_to_direct_by_the_weaker_part_and_averaged_over_seeds(capsys):
    triple = ("a", "b", "c")
    direct = make_row("direct", triple, 0.5, 0.1, 0.2)
    half = make_row("direct", triple, 0.9, 0.5, 0.6)
    direct["shares"] = {"0.5": half, "1.0": dict(direct)}
    rows = [direct, make_row("noise", triple, 1.0, 0.7, 0.4), make_row("noise", triple, 0.3, 2.0, 0.4, seed=1)]
    gains = script.list_gains(rows, "noise")[triple]
    assert gains[script.PRIMARY] == pytest.approx((0.7 + 0.3) / 2 - 0.1)
    assert gains["texture"] == pytest.approx(1.35 - 0.1) and gains["ssim"] == pytest.approx(0.2)
    assert gains["equal SSIM"] == pytest.approx(0.5 - 0.3)  # direct's curve at SSIM 0.4, halfway between its points
    assert script.read_at_equal_ssim(direct, 0.1) == pytest.approx(0.1)
    assert script.read_at_equal_ssim(direct, 0.9) == pytest.approx(0.5)
    broken = make_row("noise", ("c", "b", "a"), 1, 1, 1) | {"status": "target: stalled"}
    script.print_tables([*rows, broken])
    printed = capsys.readouterr().out
    assert "c (target: stalled)" in printed and "left of the way, whole: texture" in printed
