"""Masks: how they are read, that flows respect them, and that without one nothing changes."""

import numpy as np
import pytest
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.quality import psnr
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.regions import Region
from decoupling_lib.transfers.masks import load_masks
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import complete_setup, gather_inputs, prepare

OPTIONS = {
    "layers": 1, "network": "vgg16", "weights": "random", "rule": "rk4", "steps": 3, "tolerance": 1e-4,
    "precision": "mixed",
}  # fmt: skip
ROWS, COLUMNS = np.mgrid[:24, :24]
LEFT = np.where(COLUMNS < 10, 255, 0).astype(np.uint8)


@pytest.fixture
def save(tmp_path):
    """Return a function that writes an array of 8-bit values as an image, and returns the name of the file."""

    def save(values, name="mask.png", mode=None):
        image = Image.fromarray(values)
        (image if mode is None else image.convert(mode)).save(tmp_path / name)
        return str(tmp_path / name)

    return save


def options(**more):
    return Options(**OPTIONS | {"size": (24, 24)} | more)


def read(pictures, file, **more):
    """Return the weights of a mask of the target, as a transfer reads it."""
    return gather_inputs(*pictures, Options(**OPTIONS | {"mask": file} | more)).masks.region("target").weights


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_black_and_white_of_every_kind_of_image_is_0_and_1(mode, save, pictures):
    np.testing.assert_allclose(read(pictures, save(LEFT, mode=mode)), LEFT / 255, atol=1e-12)


def test_gray_is_in_between_and_what_is_transparent_is_white(save, pictures):
    ramp = np.clip(11 * COLUMNS, 0, 255).astype(np.uint8)
    np.testing.assert_allclose(read(pictures, save(ramp)), ramp / 255, atol=1e-12)
    clear = np.stack([np.zeros_like(LEFT)] * 3 + [255 - LEFT], axis=-1)  # black, and transparent on the left
    np.testing.assert_allclose(read(pictures, save(clear)), LEFT / 255, atol=1e-12)


def test_arrays_are_masks_too(tmp_path, pictures):
    values = np.repeat((COLUMNS < 10).astype(float)[..., None], 3, axis=-1)
    np.save(tmp_path / "mask.npy", values)
    np.testing.assert_allclose(read(pictures, str(tmp_path / "mask.npy")), LEFT / 255, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 5])
def test_a_mask_of_another_size_is_resized_as_its_image(factor, save, pictures):
    large = save(np.kron(LEFT, np.ones((factor, factor), np.uint8)))
    for chosen in ({}, {"size": (24, 24)}, {"max_side": 24}):
        found = read(pictures, large, **chosen)
        assert found.shape == (24, 24) and found[:, :9].min() > 0.99 and found[:, 11:].max() < 0.01


def test_a_small_mask_is_enlarged(save, pictures):
    found = read(pictures, save(LEFT[::1, ::1][:16, 2:18]))  # 16 x 16, the left 8 columns white
    assert found.shape == (24, 24) and found[:, :10].min() > 0.9 and found[:, 14:].max() < 0.1


def test_a_size_stretches_a_mask_as_it_stretches_the_images(save, pictures):
    found = read(pictures, save(np.kron(LEFT, np.ones((1, 2), np.uint8))), size=(32, 48))
    assert found.shape == (32, 48) and found[:, :19].min() > 0.9 and found[:, 21:].max() < 0.1


@pytest.mark.parametrize(
    ("make", "fragments"),
    [
        (lambda save: save(np.zeros((24, 24), np.uint8)), ("mask is black everywhere", "mask.png", "white")),
        (
            lambda save: save(np.tile(LEFT, (1, 2))),
            ("proportions", "width/height 2'", "width/height 1;", "crop or pad"),
        ),
        (lambda save: save(LEFT[:, :20]), ("proportions", "0.833", "width/height 1;")),
        (lambda save: save(LEFT[:8, :8]), ("16",)),
        (lambda save: "nowhere.png", ("nowhere.png",)),
        (lambda save: __file__, ("image",)),
    ],
)
def test_bad_masks_are_refused_in_one_line(make, fragments, save, pictures):
    with pytest.raises(InputError) as refusal:
        read(pictures, make(save))
    line = str(refusal.value)
    assert line.isprintable() and all(fragment in line for fragment in fragments), line


def test_the_message_names_the_mask_that_is_wrong(save, pictures):
    with pytest.raises(InputError, match="origin mask is black everywhere.*taken from"):
        gather_inputs(*pictures, options(origin_mask=save(np.zeros((24, 24), np.uint8))))


def test_a_mask_of_which_pooling_leaves_nothing_is_refused_before_the_run(save, pictures):
    values = np.zeros((25, 25), np.uint8)
    values[24] = 255
    with pytest.raises(InputError, match="block2_conv1"):
        gather_inputs(*pictures, options(layers=2, size=(25, 25), mask=save(values)))


@pytest.mark.parametrize("level", [40, 255])
def test_a_uniform_mask_is_no_mask_to_the_bit(level, save, pictures):
    plain = prepare(*pictures, options()).run()
    uniform = prepare(*pictures, options(mask=save(np.full((24, 24), level, np.uint8))))
    found = uniform.run()
    assert uniform.masks.target.describe()["share"] == 1.0 and uniform.masks.alike
    for name, route in plain.routes.items():
        assert route.x.tobytes() == found.routes[name].x.tobytes() and np.array_equal(
            route.style, found.routes[name].style
        )


@pytest.fixture
def masked(save, pictures):
    """Return an experiment with a mask of the target, and its result."""
    experiment = prepare(*pictures, options(mask=save(LEFT)))
    return experiment, experiment.run()


def test_steps_2_and_3_change_the_target_only_within_the_receptive_field(masked):
    _, result = masked
    assert result.status == "done"
    for route in ("step2", "step3"):
        moved = np.abs(result.routes[route].x - result.target).max(axis=(0, 2))
        # One convolution of 3 x 3 sees one pixel beyond the mask.
        assert not moved[11:].any() and moved[:11].min() > 1e-3


@pytest.mark.parametrize("method", ["direct", "descent", "projected"])
def test_other_methods_respect_the_mask_too(method, save, pictures):
    result = prepare(*pictures, options(mask=save(LEFT), method=method, iterations=5)).run()
    assert result.status == "done"
    moved = np.abs(result.result - result.target).max(axis=(0, 2))
    assert not moved[11:].any() and moved[:11].max() > 1e-3


def test_the_style_is_judged_through_the_mask_and_that_of_the_origin_is_whole(masked):
    experiment, result = masked
    whole = ChannelMeans(experiment.network, "mixed")
    seen = ChannelMeans(experiment.network, "mixed", Region(LEFT / 255))
    c = whole.values(result.origin)  # with one layer, the decoupled style is the coupled means
    np.testing.assert_allclose(result.style, c, rtol=1e-12)
    for name, x in (("untouched", result.target), ("result", result.result)):
        gap = np.linalg.norm(seen.values(x) - c) / np.linalg.norm(c)
        assert result.style_gaps[name]["block1_conv1"] == pytest.approx(gap, rel=1e-9)
    assert result.style_gaps["result"]["block1_conv1"] < 0.3 * result.style_gaps["untouched"]["block1_conv1"]


def test_the_midpoint_is_halfway_between_both_images_as_they_are_seen(save, pictures):
    right = save(255 - LEFT, "origin.png")
    experiment = prepare(*pictures, options(mask=save(LEFT), origin_mask=right))
    one, two = (
        ChannelMeans(experiment.network, "mixed", Region(weights)).values(image.array)
        for weights, image in ((1 - LEFT / 255, experiment.origin), (LEFT / 255, experiment.target))
    )
    np.testing.assert_allclose(experiment.reference.values, (one + two) / 2, rtol=1e-9)
    np.testing.assert_array_equal(experiment.origin_reference.values, experiment.reference.values)


def test_a_region_keeps_the_metric(save, pictures):
    experiment = prepare(*pictures, options(mask=save(LEFT), smoothing=2.0))
    through, whole = experiment.features.map, experiment.origin_features.map
    assert through.length == whole.length == 2.0
    assert through.map.region is not None and whole.map.region is None
    assert whole.seen is None and not through.seen[:, 11:].any() and through.seen[:, :11].all()


def test_the_metric_within_a_region_is_one_of_its_own(save, pictures):
    """Derivatives along smoothed gradients are the products of rows, for cut-off gradients, too."""
    experiment = prepare(*pictures, options(mask=save(LEFT), smoothing=2.0))
    at = experiment.features.map.linearize(experiment.target.array)
    rows = at.jacobian().astype(float)
    weights = np.random.default_rng(0).normal(size=len(rows))
    np.testing.assert_allclose(at.jvp(at.vjp(weights)), rows @ (rows.T @ weights), rtol=1e-3, atol=1e-7)


def test_damping_has_the_scale_of_gradients_in_the_region(save, pictures):
    noise = options(reference="noise", mask=save(LEFT))
    experiment = prepare(*pictures, noise)
    whole = prepare(*pictures, options(reference="noise"))
    np.testing.assert_allclose(experiment.origin_reference.damping.scales, whole.reference.damping.scales)
    # A mean over the share a of independent positions has a gradient whose square is 1/a times as large.
    ratio = experiment.reference.damping.scales / whole.reference.damping.scales
    assert np.median(ratio) == pytest.approx(24 / 10, rel=0.1)


def test_the_same_image_is_a_self_transfer_only_if_it_is_seen_in_the_same_way(save, pictures):
    mask, image = save(LEFT), pictures[0]
    apart = gather_inputs(image, image, options(mask=mask))
    assert not apart.self_transfer and apart.options.reference == "midpoint"
    alike = gather_inputs(image, image, options(mask=mask, origin_mask=mask, steps=12))
    assert alike.self_transfer and alike.options.reference == "noise"
    result = complete_setup(alike).run()
    assert psnr(result.result, result.origin) > 40 and np.array_equal(result.result[:, 11:], result.origin[:, 11:])
    assert np.abs(result.routes["step2"].x - result.origin)[:, :10].max() > 0.05


def test_load_masks_without_masks_has_none():
    none = load_masks(Options(), None, np.zeros((16, 16, 3)), np.zeros((16, 16, 3)))
    assert none.files == {} and none.alike and none.region("target") is None
