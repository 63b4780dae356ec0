"""The images of each reference, and what Step 0 makes of them."""

import numpy as np
import pytest
from refusals import refusal

from decoupling_lib.images.noise import noise_draws
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks.calibration import CALIBRATION_PICTURES
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.reference_images import gather_reference_images
from decoupling_lib.transfers.references import REFERENCES, check_reference
from decoupling_lib.transfers.setup import prepare

RNG = np.random.default_rng(1)
ORIGIN, TARGET = RNG.random((30, 26, 3)), RNG.random((24, 28, 3))
SMALL = {"layers": 2, "network": "vgg16", "weights": "random", "max_side": 32, "damping": 0.3, "precision": "mixed"}


@pytest.mark.parametrize("kind", REFERENCES)
def test_the_images_of_each_kind(kind: str):
    found = gather_reference_images(kind, ORIGIN, TARGET, seed=3, draws=2)
    assert found.kind == kind and 1 <= found.scaled <= len(found.images)
    wanted = {
        "noise": list(noise_draws((24, 28), 3, 2)),
        "midpoint": [ORIGIN, TARGET],
        "target": [TARGET],
    }.get(kind)
    if wanted is not None:
        assert len(found.images) == len(wanted)
        assert all(np.array_equal(one, two) for one, two in zip(found.images, wanted, strict=True))
    else:
        assert {image.shape for image in found.images} == {TARGET.shape}
    if kind == "photographs":
        assert len(found.images) == len(CALIBRATION_PICTURES)
        means = [load_picture(name).array.mean() for name in CALIBRATION_PICTURES]
        np.testing.assert_allclose([image.mean() for image in found.images], means, atol=0.01)
    if kind == "natural":  # neighbors are alike, as in photographs
        assert len(found.images) == 2
        rough = [np.std(np.diff(image, axis=0)) / np.std(image) for image in (found.images[0], RNG.random((24, 28, 3)))]
        assert rough[0] < 0.7 * rough[1]


@pytest.mark.parametrize("kind", ["midpoint", "target"])
def test_a_self_transfer_to_itself_is_refused(kind: str):
    line = refusal(check_reference, kind, True)
    assert kind in line and "noise" in line and "photographs" in line
    check_reference(kind, False)
    assert kind in refusal(prepare, TARGET, TARGET, Options(reference=kind, **SMALL))


@pytest.mark.parametrize("kind", REFERENCES)
def test_step_0_takes_the_mean_features_of_the_images(kind: str):
    experiment = prepare(ORIGIN, TARGET, Options(reference=kind, **SMALL))
    features = ChannelMeans(experiment.network)
    images = gather_reference_images(kind, ORIGIN, TARGET).images
    np.testing.assert_allclose(
        experiment.reference.values, np.mean([features.values(image) for image in images], axis=0), rtol=1e-6
    )
    assert experiment.settings.refinements == (0 if kind in ("midpoint", "target") else 16)


def test_with_the_target_as_reference_step_2_leaves_the_image_alone():
    result = prepare(ORIGIN, TARGET, Options(reference="target", **SMALL)).run()
    np.testing.assert_allclose(result.routes["step2"].x, TARGET, atol=1e-5)
    assert result.status == "done" and np.abs(result.result - TARGET).max() > 0.01


def test_halfway_between_the_two_images_each_has_half_of_the_way_to_go():
    experiment = prepare(ORIGIN, TARGET, Options(reference="midpoint", smoothing=0.0, **SMALL | {"layers": 1}))
    features, v = ChannelMeans(experiment.network), experiment.reference.values
    np.testing.assert_allclose(features.values(ORIGIN) - v, v - features.values(TARGET), atol=1e-9)
    result = experiment.run()
    gap, untouched = result.style_gaps["result"], result.style_gaps["untouched"]
    assert gap["block1_conv1"] < 0.25 * untouched["block1_conv1"]


def test_without_a_choice_two_images_meet_halfway_and_one_image_goes_to_noise():
    for target, kind in ((TARGET, "midpoint"), (ORIGIN, "noise")):
        experiment = prepare(ORIGIN, target, Options(**SMALL))
        assert experiment.options.reference == kind
        features = ChannelMeans(experiment.network)
        images = noise_draws((30, 26), 0, 1) if kind == "noise" else (ORIGIN, TARGET)
        mean = np.mean([features.values(image) for image in images], axis=0)
        np.testing.assert_allclose(experiment.reference.values, mean, rtol=1e-6)
