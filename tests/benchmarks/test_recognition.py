"""The experiment on recognition: patches, nuisances, classifier and tables, against independent derivations."""

import _patches as patches
import numpy as np
import pytest
import recognition as script

RNG = np.random.default_rng(7)
PICTURE = RNG.uniform(0.2, 0.8, (patches.SIDE, patches.SIDE, 3))


def make_table(spread, centers, train=6, tests=5):
    """Return a table of normal features around a center per picture; a condition "moved" leads them to the first."""
    table, first = {}, next(iter(centers.values()))
    for name, center in centers.items():
        trained, tested = (center + spread * RNG.normal(size=(count, len(center))) for count in (train, tests))
        table[name] = {"train": trained, script.CLEAN: tested, "moved": tested - center + first}
    return table


def test_patches_of_the_two_halves_never_overlap_and_flat_ones_are_left_out():
    picture = PICTURE.copy()
    picture[:, :32] = 0.5
    left, right = (patches.choose_places(picture, half, 12) for half in ("left", "right"))
    assert len(set(left)) == len(set(right)) == 12
    assert min(column for _, column in left) == 32  # the first column of patches is flat
    assert max(column for _, column in left) + patches.PATCH <= 128 <= min(column for _, column in right)
    assert len(patches.choose_places(picture, "left", 100)) == 24


@pytest.mark.parametrize("strength", patches.STRENGTHS["shift"])
def test_shifted_patches_stay_in_their_half(strength):
    numbers = np.zeros((patches.SIDE, patches.SIDE, 3))
    numbers += (np.arange(patches.SIDE)[:, None] * 1000 + np.arange(patches.SIDE))[..., None]
    for place in patches.choose_places(PICTURE, "right", 100) + patches.choose_places(PICTURE, "left", 100):
        top, left = divmod(int(patches.disturb(numbers, place, "shift", strength, 0)[0, 0, 0]), 1000)
        assert abs(top - place[0]) == abs(left - place[1]) == strength
        assert 0 <= top <= patches.SIDE - patches.PATCH
        assert (left >= 128) == (place[1] >= 128) and (left + patches.PATCH <= 128) == (place[1] < 128)


def test_nuisances_do_what_they_say():
    place = (32, 160)
    x = patches.cut(PICTURE, place)
    np.testing.assert_allclose(patches.disturb(PICTURE, place, "dimming", 0.3, 0), 0.3 * x)
    np.testing.assert_allclose(patches.disturb(PICTURE, place, "contrast", 0.3, 0), 0.35 + 0.3 * x)
    cast = patches.disturb(PICTURE, place, "color cast", 0.6, 0) / x
    np.testing.assert_allclose(cast.reshape(-1, 3), np.tile([1.0, 0.7, 0.4], (1024, 1)))
    noise = patches.disturb(PICTURE, place, "noise", 0.05, 3) - x
    assert abs(noise.std() - 0.05) < 0.003 and abs(noise.mean()) < 0.004
    assert not np.array_equal(noise, patches.disturb(PICTURE, place, "noise", 0.05, 4) - x)
    blurred = patches.disturb(PICTURE, place, "blur", 2.0, 0)
    assert blurred.std() < x.std() / 5 and abs(blurred.mean() - x.mean()) < 0.01
    with pytest.raises(ValueError, match="fog"):
        patches.disturb(PICTURE, place, "fog", 1.0, 0)


def test_standardized_patches_do_not_change_with_contrast_and_light():
    """Of a x + b, both versions are those of x; by color also if a and b differ from color to color."""
    x = patches.cut(PICTURE, (0, 0))
    for by_color, a, b in (
        (False, 0.3, 0.1),
        (True, 0.3, 0.1),
        (True, np.array([1, 0.7, 0.4]), np.array([0, 0.1, 0.2])),
    ):
        one, other = (patches.standardize(each, by_color) for each in (x, a * x + b))
        np.testing.assert_allclose(one, other, atol=0.03)  # the small number in the denominator
        assert abs(one.mean() - 0.5) < 1e-12 and abs(one.std() - 0.2) < 0.01


def test_clear_classes_are_recognized_and_moved_ones_are_not():
    centers = {name: 20.0 * np.eye(8)[k] for k, name in enumerate("abcd")}
    right = script.recognize(make_table(0.5, centers))
    assert right[script.CLEAN] == dict.fromkeys("abcd", 1.0)
    assert right["moved"] == {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0}


def test_a_patch_without_features_is_not_recognized():
    table = make_table(0.5, {name: 20.0 * np.eye(8)[k] for k, name in enumerate("abc")})
    table["b"][script.CLEAN][:2] = np.nan
    table["c"]["train"][0] = np.nan
    right = script.recognize(table)[script.CLEAN]
    assert right == {"a": 1.0, "b": pytest.approx(3 / 5), "c": 1.0}


def test_what_the_first_features_explain_is_taken_out():
    """Features 2 g + h of first features g and an independent h: what is left is h, up to its mean."""
    mix, table, rest = RNG.normal(size=(3, 4)), {}, {}
    for name in "abcdef":
        g, h = RNG.normal(size=(40, 3)), 0.01 * RNG.normal(size=(40, 4))
        table[name], rest[name] = {"train": np.hstack([g, g @ mix + h])}, h
    left = script.regress_out(table, first=3)
    for name, h in rest.items():
        np.testing.assert_allclose(left[name]["train"], h, atol=0.01)


def test_accuracies_are_means_over_seeds_and_conditions():
    def row(seed, **right):
        return {
            "features": "c2",
            "reference": "noise",
            "seed": seed,
            "right": {name: {"p": value, "q": 1.0} for name, value in right.items()},
        }

    rows = [row(0, one=1.0, two=0.0, three=0.5), row(1, one=0.5, two=0.5, three=0.5)]
    assert script.average(rows, "c2", "noise", ("one", "two")) == {"p": 0.5, "q": 1.0}


def test_the_tables_have_every_test_and_the_right_signs(capsys):
    pictures = ("p", "q", "r", "s")

    def row(features, reference, share):
        right = {each: dict.fromkeys(pictures, share) for each in script.CONDITIONS}
        return {"features": features, "reference": reference, "seed": 0, "right": right}

    rivals = {name for names in script.RIVALS.values() for name in names}
    rows = [row(name, "", 0.25) for name in rivals]
    rows += [row(name, "photographs", 0.75) for name in script.RIVALS] + [
        row(name, "noise", 0.125) for name in script.RIVALS
    ]
    cost = {"reference": "noise", "patches": 4, "passes": 1000, "end": 0.01, "halvings": 0, "broken": 1}
    script.print_tables(rows, [cost])
    printed = capsys.readouterr().out
    assert printed.count("+0.500 [+0.500, +0.500], 4 won, 0 lost") == 15
    assert printed.count("-0.125 [-0.125, -0.125], 0 won, 4 lost") == 15
    assert "1 broken off" in printed


def test_each_picture_is_measured_once_by_kind_and_seed():
    tasks = script.list_tasks()
    assert len(set(tasks.values())) == len(tasks) == 12 * (3 + 3 + 1)


@pytest.mark.slow
def test_features_are_measured_and_recognized(monkeypatch):
    """Coupled features of a patch as it is, and decoupled ones: c1 is f1, and c2 is another vector than f2."""
    monkeypatch.setattr(script, "TRAINED", 2)
    monkeypatch.setattr(script, "TESTED", 1)
    monkeypatch.setattr(script, "CONDITIONS", (script.CLEAN,))
    monkeypatch.setattr(script.experiments, "PICTURES", ("coffee", "chelsea"))
    monkeypatch.setattr(script, "STRENGTHS", {})
    rows = {
        f"{kind} {name}": script.measure(name, kind, 0) for kind in ("plain", "noise") for name in ("coffee", "chelsea")
    }
    plain, noise = (script.tabulate(rows, kind, 0)["coffee"]["train"] for kind in ("plain", "noise"))
    np.testing.assert_allclose(plain[:, :64], noise[:, :64], rtol=1e-5)
    assert np.linalg.norm(plain[:, 64:] - noise[:, 64:]) > 0.05 * np.linalg.norm(plain[:, 64:])
    found = {(row["features"], row["reference"]) for row in script.recognize_all(rows)}
    assert found == {("f2", ""), ("(f1, f2)", ""), ("f2 residual", ""), ("c2", "noise"), ("(f1, c2)", "noise")}
