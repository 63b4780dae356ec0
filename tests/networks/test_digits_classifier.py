"""The digits classifier: its weights, its maps and its figure, compared with a forward pass in NumPy and SciPy."""

import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from paths import ROOT
from scipy.signal import correlate

from decoupling_lib.common.errors import InputError
from decoupling_lib.figures import gallery
from decoupling_lib.figures import noise as noise_figures
from decoupling_lib.images.noise import uniform_noise
from decoupling_lib.networks import digits_classifier
from decoupling_lib.networks.digit_images import digits
from decoupling_lib.plotting.style import show_map
from decoupling_lib.transfers.network_source import choose_source

NAMES = ("conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2")


@cache
def packaged_arrays() -> dict[str, np.ndarray]:
    with np.load(ROOT / "decoupling_lib/networks/digits_classifier.npz", allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float64) for name in archive}


def forward(image: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The maps of the convolutions before ReLU, and the logits, in double precision."""
    weights, maps, h = packaged_arrays(), {}, image.astype(np.float64)[..., None]
    for name in NAMES:
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        channels = [correlate(h, kernel[..., k], mode="valid")[..., 0] + bias[k] for k in range(10)]
        maps[name] = np.stack(channels, axis=-1)
        h = np.maximum(maps[name], 0)
        if name.endswith("_2"):
            height, width, _ = h.shape
            h = h.reshape(height // 2, 2, width // 2, 2, 10).max(axis=(1, 3))
    return maps, h.ravel() @ weights["output/kernel"] + weights["output/bias"]


@pytest.fixture(scope="module")
def for_digits() -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """`forward` of every held-out digit."""
    return [forward(image) for image in digits("held-out").images]


def test_the_packaged_weights_recognize_the_held_out_digits(for_digits):
    labels = digits("held-out").labels
    correct = [np.argmax(logits) == label for (_, logits), label in zip(for_digits, labels, strict=True)]
    share = np.mean(correct)
    assert share >= 0.97
    assert digits_classifier.accuracy(digits_classifier.load()) == pytest.approx(share, abs=1 / len(correct))
    assert digits_classifier.PACKAGED.stat().st_size < 100_000
    assert f"{share:.1%}".replace("%", " %") in (ROOT / "data/README.md").read_text("utf-8")


def test_activations_are_those_of_a_forward_pass_by_correlation():
    images = np.random.default_rng(8).random((2, 32, 32))
    found = digits_classifier.activations(digits_classifier.load(), images)
    assert list(found) == [f"{kind}_{name[5:]}" for name in NAMES for kind in ("conv", "relu")]
    for place, image in enumerate(images):
        for name, expected in forward(image)[0].items():
            np.testing.assert_allclose(found[name][place], expected, rtol=1e-4, atol=1e-4)
            relu = found[name.replace("conv", "relu")][place]
            np.testing.assert_array_equal(relu, np.maximum(found[name][place], 0))


@pytest.mark.parametrize("shape", [(32, 32), (1, 31, 32), (1, 32, 32, 1)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match=r"images.*\(n, 32, 32\)") as caught:
        digits_classifier.activations(digits_classifier.load(), np.zeros(shape))
    assert str(caught.value).isprintable()


def test_the_seed_alone_decides_the_training():
    trained = []
    for state, seed in enumerate((5, 5, 6)):
        np.random.seed(state)
        tf.random.set_seed(state)
        before = np.random.get_state()[1].copy()
        trained.append(digits_classifier.train(seed, epochs=1).get_weights())
        np.testing.assert_array_equal(np.random.get_state()[1], before)
    once, again, other = trained
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(once, other, strict=True))
    untrained = digits_classifier.build(5).get_weights()
    assert len(once) == 10 and not any(np.array_equal(a, b) for a, b in zip(once, untrained, strict=True))


def test_saved_weights_load_to_the_same_bits(tmp_path):
    model = digits_classifier.build(4)
    first, second = (digits_classifier.save(model, tmp_path / name) for name in ("a.npz", "b.npz"))
    assert first.read_bytes() == second.read_bytes() and sorted(tmp_path.iterdir()) == [first, second]
    for expected, found in zip(model.get_weights(), digits_classifier.load(first).get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(InputError, match="missing"):
        digits_classifier.save(model, tmp_path / "missing" / "a.npz")


def refusal(path: Path) -> str:
    with pytest.raises(InputError, match="classifier weights") as caught:
        digits_classifier.load(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_wrong_file_is_refused_in_one_line(tmp_path):
    file, doubles = tmp_path / "weights.npz", packaged_arrays()
    single = {name: values.astype(np.float32) for name, values in doubles.items()}
    name = "conv_1_2/kernel"
    wrong = {
        "lack a layer": {key: values for key, values in single.items() if key != name},
        "unknown one": {**single, "conv_3_1/kernel": single[name]},
        "shape (3, 3, 9, 10)": {**single, name: single[name][:, :, :9]},
        "float64": doubles,
        "not finite": {**single, name: np.full_like(single[name], np.nan)},
        "damaged": {**single, name: np.array([{}], dtype=object)},
    }
    for reason, arrays in wrong.items():
        np.savez(file, **arrays)
        assert reason in refusal(file)
    np.save(tmp_path / "one.npy", single[name])
    assert "another kind" in refusal(tmp_path / "one.npy")
    assert "absent.npz" in refusal(tmp_path / "absent.npz")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conv_1_1/kernel.npy", "text")
    refusal(file)


def test_a_damaged_file_is_refused_or_gives_the_same_weights(tmp_path):
    data, file, expected = digits_classifier.PACKAGED.read_bytes(), tmp_path / "weights.npz", packaged_arrays()
    for length in (0, 1, 100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        refusal(file)
    refused = 0
    for place in np.linspace(0, len(data) - 1, 40).astype(int):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            variables = digits_classifier.load(file).weights
        except InputError:
            refused += 1
            continue
        for variable in variables:
            np.testing.assert_array_equal(variable.numpy(), expected[variable.path])
    assert refused >= 30, "most of the file is numbers, which a checksum guards"


def test_a_silent_channel_is_zero_at_every_position_of_every_image():
    maps = np.zeros((2, 3, 4, 3))
    maps[1, 2, 3, 1] = 1e-30
    assert digits_classifier.silent_channels(maps).tolist() == [True, False, True]
    assert digits_classifier.silent_channels(maps[:1]).tolist() == [True, True, True]


def test_the_figure_has_a_panel_per_channel_and_marks_exactly_the_silent_ones(for_digits):
    noise = uniform_noise((32, 32), noise_figures.NOISE_SEED)[..., 0]
    maps = {name: np.maximum(found, 0) for name, found in forward(noise)[0].items()}
    panels = {ax.get_label(): ax for ax in gallery.FIGURES["4.6"].draw(choose_source()).figure.axes}
    assert len([label for label in panels if label.startswith("relu")]) == 4 * 10
    marked = 0
    for name, found in maps.items():
        for channel in range(10):
            ax = panels[f"{name.replace('conv', 'relu')} {channel}"]
            texts = [text.get_text() for text in ax.texts]
            if found[..., channel].any():
                (shown,) = ax.images
                np.testing.assert_allclose(shown.get_array(), found[..., channel], rtol=1e-4, atol=1e-4)
                assert texts == [] and shown.get_clim() == pytest.approx((0, found.max()), rel=1e-5)
                continue
            marked += 1
            lost = all(np.all(each[name][..., channel] <= 0) for each, _ in for_digits)
            assert not ax.images and len(texts) == 1
            assert "silent" in texts[0] and ("digits" in texts[0]) == lost
    assert 0 < marked < 40
    np.testing.assert_allclose(panels["noise"].images[0].get_array()[..., 0], noise)


def test_a_map_is_shown_from_white_to_black_and_a_silent_one_as_an_empty_frame():
    one, other = Figure().subplots(1, 2)
    shown = show_map(one, np.array([[0.0, 2.0]]), 2.0, "")
    gray = shown.to_rgba(shown.get_array())[..., :3]
    assert gray[0, 0] == pytest.approx(1) and gray[0, 1] == pytest.approx(0)
    assert show_map(other, np.zeros((1, 2)), 2.0, "silent") is None
    assert not other.images and other.spines["left"].get_linestyle() != one.spines["left"].get_linestyle()


def test_figures_without_a_network_do_not_load_tensorflow():
    draw = "from decoupling_lib.figures import gallery; gallery.FIGURES['2.2'].draw(gallery.choose_source())"
    code = f"import sys; {draw}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
