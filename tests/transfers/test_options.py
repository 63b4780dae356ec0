"""Every option is validated before anything is loaded."""

import subprocess
import sys
from dataclasses import asdict, fields

import pytest
from paths import ROOT

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import architectures
from decoupling_lib.runs import sweep_spec
from decoupling_lib.transfers.options import AS_THESIS, Options, resolve_options
from decoupling_lib.transfers.references import PAIR_DEPENDENT
from decoupling_lib.transfers.tuning import PAIR_DAMPING, PAIR_LAYERS, PAIR_SMOOTHING, TUNING

INVALID = {
    "layers": (0, 6, 1.5, True, "2", None),
    "layer_set": ("thesys", 1, None, ["thesis"]),
    "size": (24, (24,), (24, 15), (24, 4096), (24, 24.5), "24x24"),
    "max_side": (15, 4096, 24.5, True, "24"),
    "method": ("decouple", 1, None),
    "network": ("vgg99", "", 19, ["vgg16"], {}),
    "weights": ("", " ", "a\0b", 3, True, ["hed"], b"hed"),
    "activation": ("nonsense", "ReLU", "", 1, ["relu"]),
    "softness": (0, -1, 2.5, float("nan"), "1", True),
    "growth": (0, 11, float("inf"), "1"),
    "pooling": ("min", 3, None, ["max"]),
    "damping": (-1, 101, "0.1"),
    "smoothing": (-1, 101, "2", float("nan"), True),
    "rule": ("rk5", 4, ["rk4"]),
    "steps": (0, 1.5, "16", True),
    "tolerance": (0, 1, "1e-4"),
    "precision": ("double", 64, "", ["mixed", "double"]),
    "refinements": (-1, 1.5, "1"),
    "corrections": (-1, 101, 1.5, "1"),
    "reference": ("Noise", "", 1, ["noise"]),
    "threshold": (0, 2, "1"),
    "learning_rate": (0, -1, "1"),
    "optimizer": ("sgd", 1, None),
    "iterations": (0, 1.5, None),
    "annex_slips": ("no", "false", 0, 1, None, [False]),
    "noise_draws": (0, 1001, None),
    "strength": (-0.1, 1.1, "1", True, float("nan"), None),
    "mix": (None, "china", ["china"], (("china", 0.5, 1),), (("", 0.5),), ((3, 0.5),), (("a", 0),), (("a", 1.0),))
    + ((("a", 0.5), ("b", 0.5)), (("a", "x"),), (("a", 0.1),) * 8),
    "mask": ("", 1, True, ["a.png"], {}),
    "origin_mask": ("", 1, True, ["a.png"], {}),
    "keep_colors": ("yes", 1, None),
    "colors_only": ("yes", 0, None),
    "seed": (-1, 2**32, 1.5, None),
}


def test_every_option_has_invalid_values_to_try():
    assert INVALID.keys() == {field.name for field in fields(Options)}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in INVALID.items() for value in values])
def test_an_invalid_value_is_refused_in_one_line(name: str, value: object):
    # With the one method that has annex slips, so that they are not refused for lack of it.
    with pytest.raises(InputError) as caught:
        resolve_options(Options(**{"method": "descent"} | {name: value}))
    line = str(caught.value)
    assert line.isprintable() and len(line) < 400
    assert "; received " in line and "; accepted: " in line


def test_a_size_and_a_longest_side_together_are_refused():
    with pytest.raises(InputError, match=r"size and max_side .*; received '\(24, 32\) and 48'; accepted: .*; "):
        resolve_options(Options(size=(24, 32), max_side=48))


def test_the_targets_colors_kept_and_colors_alone_exclude_each_other():
    with pytest.raises(InputError, match="keep colors and colors only .*; received .*; accepted: .*; leave one"):
        resolve_options(Options(keep_colors=True, colors_only=True))


def test_resolved_options_are_complete_and_resolve_to_themselves():
    for layers in TUNING:
        resolved = resolve_options(Options(layers=layers))
        assert resolve_options(resolved) == resolved and resolved.max_side == 96
        unknown = {"size", "network", "weights", "rule", "steps", "threshold", "learning_rate", "mask", "origin_mask"}
        assert {name for name, value in asdict(resolved).items() if value is None} == unknown
    assert resolve_options(Options(size=(24, 32))).max_side is None
    assert resolve_options(Options(**AS_THESIS, annex_slips=True)).annex_slips


def test_no_number_of_layers_has_a_network_with_kinks_unless_that_is_asked_for():
    for layers in TUNING:
        assert not resolve_options(Options(layers=layers)).has_kinks
        for activation in architectures.ACTIVATIONS:
            asked = resolve_options(Options(layers=layers, activation=activation))
            assert (asked.activation, asked.has_kinks) == (activation, activation == "relu")


def test_the_way_back_of_a_self_transfer_is_solved_more_finely_than_that_of_two_images():
    for layers in TUNING:
        itself, pair = (resolve_options(Options(layers=layers), self_transfer=same) for same in (True, False))
        assert itself.tolerance < pair.tolerance <= 1e-6
    assert resolve_options(Options(tolerance=1e-3)).tolerance == 1e-3


def test_only_undamped_legs_are_corrected_unless_that_is_asked_for():
    assert resolve_options(Options()).corrections == 0 < resolve_options(Options(damping=0.0)).corrections
    assert resolve_options(Options(corrections=3)).corrections == 3
    assert resolve_options(Options(damping=0.0, corrections=0)).corrections == 0


@pytest.mark.parametrize(
    ("options", "self_transfer", "precision"),
    [
        ({}, False, "float32"),
        ({}, True, "mixed"),
        ({"damping": 0.0}, False, "mixed"),
        ({"method": "direct"}, False, "mixed"),
        ({"precision": "float64"}, False, "float64"),
        ({"precision": "float32"}, True, "float32"),
    ],
)
def test_only_damped_legs_between_two_images_are_in_single_precision(options, self_transfer, precision):
    assert resolve_options(Options(**options), self_transfer).precision == precision


def test_every_name_that_a_network_accepts_is_accepted():
    for activation in architectures.ACTIVATIONS:
        for pooling in architectures.POOLINGS:
            resolve_options(Options(activation=activation, pooling=pooling))
    for precision in architectures.PRECISIONS:
        resolve_options(Options(precision=precision))
    for network in architectures.ARCHITECTURES:
        for source in ("imagenet", "hed", "random", "any/file.h5"):
            resolve_options(Options(network=network, weights=source))


@pytest.mark.parametrize(
    "line",
    ['activation = "nonsense"', 'precision = "double"', 'network = "vgg99"', "pooling = 3", 'annex_slips = "no"']
    + ["size = 24\nmax_side = 32", "weights = 1"],
)
def test_a_sweep_with_an_invalid_option_is_refused_when_its_file_is_read(line: str, tmp_path):
    file = tmp_path / "sweep.toml"
    beginning = 'origins = ["coffee"]\ntargets = ["china"]\n[fixed]\nmethod = "descent"\n'
    file.write_text(beginning)
    assert len(sweep_spec.read_sweep(file)) == 1
    file.write_text(beginning + line)
    with pytest.raises(InputError):
        sweep_spec.read_sweep(file)


def test_options_are_resolved_without_loading_a_heavy_library():
    code = "import sys; from decoupling_lib import cli; from decoupling_lib.transfers import options; "
    code += "options.resolve_options(options.Options()); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    assert "decoupling_lib.transfers.options" in loaded
    assert not {"tensorflow", "keras", "h5py", "matplotlib", "distributed"} & set(loaded)


def test_only_transfers_between_two_images_have_more_damping_and_another_metric_by_default():
    assert 1 < PAIR_LAYERS < max(TUNING)
    few = range(1, PAIR_LAYERS + 1)
    pairs = [Options(layers=layers, reference=name) for layers in few for name in (None, *PAIR_DEPENDENT)]
    chosen = [(found.damping, found.smoothing) for found in map(resolve_options, pairs)]
    assert set(chosen) == {(PAIR_DAMPING, PAIR_SMOOTHING)} and min(PAIR_DAMPING, PAIR_SMOOTHING) > 0
    for layers in TUNING:
        more = {"layers": max(layers, PAIR_LAYERS + 1)}
        for others in ({"reference": "noise"}, {"method": "direct"}, AS_THESIS, more):
            tuned = TUNING[others.get("layers", layers)]
            found = resolve_options(Options(**{"layers": layers} | others))
            assert (found.damping, found.smoothing) == (tuned.damping, 0)
        itself = resolve_options(Options(layers=layers), self_transfer=True)
        assert (itself.damping, itself.smoothing) == (TUNING[layers].damping, 0)


@pytest.mark.parametrize("chosen", [{"refinements": 3}, {"smoothing": 0}])
def test_what_does_not_go_with_smoothing_has_the_metric_of_pixels(chosen):
    resolved = resolve_options(Options(**chosen))
    assert (resolved.damping, resolved.smoothing) == (PAIR_DAMPING, 0)
    assert resolved.refinements == chosen.get("refinements", 0)
    assert resolve_options(Options(damping=0.5)).smoothing == PAIR_SMOOTHING


def test_smoothing_is_for_the_decoupled_method_without_refinements():
    assert resolve_options(Options(method="direct", smoothing=0)).smoothing == 0
    resolved = resolve_options(Options(reference="noise", smoothing=2))
    assert resolved.smoothing == 2 and resolved.refinements == 0
    assert resolve_options(Options(reference="noise")).refinements > 0
    assert resolve_options(resolved) == resolved
    for others in ({"method": "direct"}, {"method": "projected"}, {"refinements": 3}):
        with pytest.raises(InputError, match="smoothing"):
            resolve_options(Options(smoothing=2, **others))
