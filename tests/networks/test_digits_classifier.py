"""The digit classifier: its weights, its maps and its figure, against a forward pass in numpy and scipy."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from paths import ROOT
from scipy.signal import correlate
from sklearn.datasets import load_digits

from decoupling_lib.common.errors import InputError
from decoupling_lib.figures import noise as noise_figures
from decoupling_lib.images.noise import uniform_noise
from decoupling_lib.networks import digits_classifier
from decoupling_lib.plotting.style import show_map
from decoupling_lib.transfers.network_source import choose_source

NAMES = ("conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2")


def packaged() -> dict[str, np.ndarray]:
    with np.load(ROOT / "decoupling_lib/networks/digits_classifier.npz", allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float64) for name in archive}


def forward(picture: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The convolutions' maps before ReLU, and the logits, in double precision."""
    weights, maps, h = packaged(), {}, picture.astype(np.float64)[..., None]
    for name in NAMES:
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        channels = [correlate(h, kernel[..., k], mode="valid")[..., 0] + bias[k] for k in range(10)]
        maps[name] = np.stack(channels, axis=-1)
        h = np.maximum(maps[name], 0)
        if name.endswith("_2"):
            height, width, _ = h.shape
            h = h.reshape(height // 2, 2, width // 2, 2, 10).max(axis=(1, 3))
    return maps, h.ravel() @ weights["output/kernel"] + weights["output/bias"]


def test_the_packaged_weights_know_the_held_out_digits():
    data = digits_classifier.digits("held-out")
    known = [np.argmax(forward(picture)[1]) == label for picture, label in zip(data.images, data.labels, strict=True)]
    assert np.mean(known) >= 0.97
    assert digits_classifier.accuracy(digits_classifier.load()) == pytest.approx(np.mean(known), abs=1 / len(known))
    assert digits_classifier.PACKAGED.stat().st_size < 100_000
    assert f"{np.mean(known):.1%}".replace("%", " %") in (ROOT / "data/README.md").read_text("utf-8")


def test_activations_are_those_of_a_forward_pass_by_correlation():
    pictures = np.random.default_rng(8).random((2, 32, 32))
    found = digits_classifier.activations(digits_classifier.load(), pictures)
    assert list(found) == [f"{kind}_{name[5:]}" for name in NAMES for kind in ("conv", "relu")]
    for at, picture in enumerate(pictures):
        for name, wanted in forward(picture)[0].items():
            np.testing.assert_allclose(found[name][at], wanted, rtol=1e-4, atol=1e-4)
            relu = found[name.replace("conv", "relu")][at]
            np.testing.assert_array_equal(relu, np.maximum(found[name][at], 0))


@pytest.mark.parametrize("shape", [(32, 32), (1, 31, 32), (1, 32, 32, 1)])
def test_pictures_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="pictures") as caught:
        digits_classifier.activations(digits_classifier.load(), np.zeros(shape))
    assert str(caught.value).isprintable()


def test_the_parts_share_no_digit_and_together_are_all_of_them():
    training, held_out = (digits_classifier.digits(part) for part in ("training", "held-out"))
    assert (len(training.labels), len(held_out.labels)) == (1442, 355)
    ours = [picture.tobytes() for part in (training, held_out) for picture in part.images]
    theirs = [picture.tobytes() for picture in load_digits().images]
    assert len(set(theirs)) == len(theirs) == len(set(ours))  # no two digits are alike: a shared one would show
    np.testing.assert_array_equal(held_out.images, digits_classifier.digits("held-out").images)
    counts = [np.bincount(part.labels, minlength=10) for part in (training, held_out)]
    np.testing.assert_array_equal(counts[1], sum(counts) // 5)
    with pytest.raises(InputError, match="held-out"):
        digits_classifier.digits("test")


def test_enlarging_keeps_each_digit():
    data, original = digits_classifier.digits("held-out"), load_digits()
    assert data.images.dtype == np.float32 and data.images.min() >= 0 and data.images.max() <= 1
    # The mean of each 4x4 block is near the pixel it came from: nearest of all digits is the digit itself.
    small = data.images.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64)
    flat = original.images.reshape(-1, 64) / 16
    nearest = np.argmin(((small[:, None] - flat[None]) ** 2).sum(axis=-1), axis=1)
    np.testing.assert_array_equal(original.target[nearest], data.labels)
    assert len(set(nearest)) == len(nearest)


def test_training_is_decided_by_the_seed_alone_whatever_the_global_random_state():
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
    assert not any(np.array_equal(a, b) for a, b in zip(once, untrained, strict=True))


def test_saved_weights_come_back_to_the_bit(tmp_path):
    model = digits_classifier.build(4)
    first, second = (digits_classifier.save(model, tmp_path / name) for name in ("a.npz", "b.npz"))
    assert first.read_bytes() == second.read_bytes() and sorted(tmp_path.iterdir()) == [first, second]
    for wanted, found in zip(model.get_weights(), digits_classifier.load(first).get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(InputError, match="no such file"):
        digits_classifier.save(model, tmp_path / "missing" / "a.npz")


def refusal(path: Path) -> str:
    with pytest.raises(InputError, match="classifier weights") as caught:
        digits_classifier.load(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_wrong_file_is_refused_in_one_line(tmp_path):
    file, good = tmp_path / "weights.npz", packaged()
    single = {name: values.astype(np.float32) for name, values in good.items()}
    name = "conv_1_2/kernel"
    wrong = {
        "lack a layer": {key: values for key, values in single.items() if key != name},
        "unknown one": {**single, "conv_3_1/kernel": single[name]},
        "shape (3, 3, 9, 10)": {**single, name: single[name][:, :, :9]},
        "float64": good,
        "not finite": {**single, name: np.full_like(single[name], np.nan)},
        "damaged": {**single, name: np.array([{}], dtype=object)},
    }
    for said, arrays in wrong.items():
        np.savez(file, **arrays)
        assert said in refusal(file)
    np.save(tmp_path / "one.npy", single[name])
    assert "another kind" in refusal(tmp_path / "one.npy")
    assert "does not exist" in refusal(tmp_path / "absent.npz")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conv_1_1/kernel.npy", "text")
    refusal(file)


def test_a_damaged_file_is_refused_or_gives_the_same_weights(tmp_path):
    data, file, wanted = digits_classifier.PACKAGED.read_bytes(), tmp_path / "weights.npz", packaged()
    for length in (0, 1, 100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        refusal(file)
    refused = 0
    for at in np.linspace(0, len(data) - 1, 40).astype(int):
        file.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            variables = digits_classifier.load(file).weights
        except InputError:
            refused += 1
            continue
        for variable in variables:
            np.testing.assert_array_equal(variable.numpy(), wanted[variable.path])
    assert refused >= 30  # most of the file is numbers, which a checksum guards


def test_silent_is_zero_at_every_position_of_every_picture():
    maps = np.zeros((2, 3, 4, 3))
    maps[1, 2, 3, 1] = 1e-30
    assert digits_classifier.silent_channels(maps).tolist() == [True, False, True]
    assert digits_classifier.silent_channels(maps[:1]).tolist() == [True, True, True]


def test_the_figure_has_a_panel_for_each_channel_and_marks_exactly_the_silent_ones():
    noise = uniform_noise((32, 32), noise_figures.NOISE_SEED)[..., 0]
    maps = {name: np.maximum(found, 0) for name, found in forward(noise)[0].items()}
    for_digits = [forward(picture)[0] for picture in digits_classifier.digits("held-out").images]
    panels = {ax.get_label(): ax for ax in noise_figures.noise_in_a_classifier(choose_source()).figure.axes}
    assert len(panels) == 4 * 10 + 2 and {"noise", "legend"} < set(panels)
    marked = 0
    for name, found in maps.items():
        for channel in range(10):
            ax = panels[f"{name.replace('conv', 'relu')} {channel}"]
            said = [text.get_text() for text in ax.texts]
            if found[..., channel].any():
                (shown,) = ax.images
                np.testing.assert_allclose(shown.get_array(), found[..., channel], rtol=1e-4, atol=1e-4)
                assert said == [] and shown.get_clim() == pytest.approx((0, found.max()), rel=1e-5)
                continue
            marked += 1
            lost = all(np.all(each[name][..., channel] <= 0) for each in for_digits)
            assert not ax.images and said == ["silent,\ndigits too" if lost else "silent"]
    assert 0 < marked < 40
    np.testing.assert_allclose(panels["noise"].images[0].get_array()[..., 0], noise)


def test_a_map_is_shown_from_white_to_black_and_a_silent_one_as_an_empty_frame():
    one, other = Figure().subplots(1, 2)
    shown = show_map(one, np.array([[0.0, 2.0]]), 2.0, "")
    gray = shown.to_rgba(shown.get_array())[..., :3]
    assert gray[0, 0] == pytest.approx(1) and gray[0, 1] == pytest.approx(0)
    assert show_map(other, np.zeros((1, 2)), 2.0, "silent") is None
    assert not other.images and other.spines["left"].get_linestyle() != one.spines["left"].get_linestyle()


def test_the_other_figures_do_without_tensorflow():
    drawn = "from decoupling_lib.figures import gallery; gallery.FIGURES['2.2'].draw(gallery.choose_source())"
    code = f"import sys; {drawn}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
