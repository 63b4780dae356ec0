"""The method of Gatys et al. on small random networks: gradients against finite differences, and known minima."""

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.methods.gatys import Statistics, objective, synthesize
from decoupling_lib.networks.activation_maps import linearize_maps
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.gram import gram_matrices
from decoupling_lib.networks.vgg import build_network

LAYERS = ("block1_conv1", "block2_conv1")
CONTENT = "block1_conv2"
RNG = np.random.default_rng(2)
ODD = RNG.random((17, 22, 3))
ROWS, COLUMNS = np.mgrid[:20, :24]
WAVES = np.stack([0.5 + 0.4 * np.sin(COLUMNS / 3), 0.5 + 0.3 * np.cos(ROWS / 2), 0.3 + 0.01 * COLUMNS], axis=-1)
NOISE, SIZE = RNG.random(WAVES.shape), WAVES.shape[:2]
NETWORK = build_network("vgg16", "random", layers=LAYERS, seed=1)
WITH_CONTENT = build_network("vgg16", "random", layers=(LAYERS[0], CONTENT, LAYERS[1]), seed=1)


def test_the_vjp_of_the_maps_is_the_central_difference():
    layers = ("image", *LAYERS)
    network = build_network("vgg16", "random", layers=layers, seed=1)
    at, dx = linearize_maps(network, ODD, "float64"), RNG.standard_normal(ODD.shape)
    cotangents = {layer: RNG.standard_normal(found.shape) for layer, found in at.maps.items()}

    def score(x):
        maps = linearize_maps(network, x, "float64").maps
        return sum(np.sum(cotangents[layer] * maps[layer]) for layer in layers)

    slope = (score(ODD + 1e-6 * dx) - score(ODD - 1e-6 * dx)) / 2e-6
    assert np.sum(at.vjp(cotangents) * dx) == pytest.approx(slope, rel=1e-6)


def test_equal_cotangents_at_all_positions_give_the_vjp_of_the_channel_means():
    means, at = ChannelMeans(NETWORK, "float64").linearize(ODD), linearize_maps(NETWORK, ODD, "float64")
    w = RNG.standard_normal(192)
    spread = {
        layer: np.broadcast_to(part / np.prod(at.maps[layer].shape[:2]), at.maps[layer].shape)
        for layer, part in zip(LAYERS, np.split(w, [64]), strict=True)
    }
    np.testing.assert_allclose(at.vjp(spread), means.vjp(w), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("content", [None, CONTENT, LAYERS[1], "image"])
def test_the_vjp_of_the_statistics_is_the_central_difference(content):
    network = build_network("vgg16", "random", layers=("image", LAYERS[0], CONTENT, LAYERS[1]), seed=1)
    statistics = Statistics(network, LAYERS, content, ODD.shape[:2], "float64")
    at, dx = statistics.linearize(ODD), RNG.standard_normal(ODD.shape)
    assert at.values.shape == (sum(block.size for block in statistics.blocks),)
    w = RNG.standard_normal(at.values.shape)
    slope = w @ (statistics.values(ODD + 1e-6 * dx) - statistics.values(ODD - 1e-6 * dx)) / 2e-6
    assert np.sum(at.vjp(w) * dx) == pytest.approx(slope, rel=1e-5)


def test_the_loss_is_that_of_the_papers():
    """The sums are written out, with the factors 1/(4 n² M²), for images that all have M positions, and 1/2."""
    choices = {"style": LAYERS, "content": CONTENT, "alpha": 0.3, "beta": 7, "dtype": "float64"}
    aim = objective(WITH_CONTENT, SIZE, WAVES, WAVES, **choices)
    found = aim.weights @ (aim.features.values(NOISE) - aim.targets) ** 2
    maps, wanted = (linearize_maps(WITH_CONTENT, x, "float64").maps for x in (NOISE, WAVES))
    loss = 0.3 / 2 * np.sum((maps[CONTENT] - wanted[CONTENT]) ** 2)
    for layer in LAYERS:
        height, width, n = maps[layer].shape
        grams = [np.einsum("ijk,ijl->kl", found[layer], found[layer]) for found in (maps, wanted)]
        loss += 7 / 2 * np.sum((grams[0] - grams[1]) ** 2) / (4 * n**2 * (height * width) ** 2)
    assert found == pytest.approx(loss, rel=1e-10)


def test_a_texture_is_synthesized_from_noise():
    """Its Gram matrices approach those of an origin of another size; the passes are those of the documentation."""
    origin, calls = np.tile(WAVES, (1, 2, 1)), []
    aim = objective(NETWORK, SIZE, origin)
    result = synthesize(aim, NOISE, threshold=0.05, on_step=lambda *values: calls.append(values))
    passes = aim.features.passes
    assert result.status == "reached" and result.x.shape == NOISE.shape
    assert passes.forward == passes.vjp + 2 and passes.jvp == passes.jacobian_rows == 0
    wanted, begin, end = (gram_matrices(NETWORK, x) for x in (origin, NOISE, result.x))
    errors = [np.linalg.norm(end[layer] - wanted[layer]) / np.linalg.norm(wanted[layer]) for layer in LAYERS]
    first = [np.linalg.norm(begin[layer] - wanted[layer]) / np.linalg.norm(wanted[layer]) for layer in LAYERS]
    assert max(errors) <= 0.0501 and calls[0][:2] == (0, pytest.approx(max(first), rel=1e-4))
    assert calls[-1][:2] == (result.steps, pytest.approx(max(errors), rel=1e-3))
    assert np.array_equal(calls[-1][2], result.x)


def test_the_loss_of_an_image_with_its_own_style_and_content_is_zero():
    result = synthesize(objective(WITH_CONTENT, SIZE, WAVES, WAVES, content=CONTENT), WAVES, threshold=0.0)
    assert (result.status, result.steps) == ("reached", 0) and np.array_equal(result.x, WAVES)


def test_content_alone_restores_the_image():
    """The maps of 64 smooth channels determine three colors."""
    network = build_network("vgg16", "random", layers=LAYERS[:1], seed=1)
    near = WAVES + 0.2 * (NOISE - 0.5)
    aim = objective(network, SIZE, None, WAVES, style=(), content=LAYERS[0])
    result = synthesize(aim, near, threshold=1e-5, iterations=300)
    assert result.status == "reached"
    assert np.abs(result.x - WAVES).max() < 1e-2 < np.abs(near - WAVES).max() / 5


def test_a_larger_weight_of_the_style_improves_the_style_at_the_expense_of_the_content():
    def errors(beta):
        aim = objective(WITH_CONTENT, SIZE, ODD, WAVES, style=LAYERS, content=CONTENT, beta=beta)
        result = synthesize(aim, NOISE, iterations=40, threshold=0.0)
        grams, wanted = gram_matrices(WITH_CONTENT, result.x), gram_matrices(WITH_CONTENT, ODD)
        maps = [linearize_maps(WITH_CONTENT, x).maps[CONTENT] for x in (result.x, WAVES)]
        return sum(np.linalg.norm(grams[layer] - wanted[layer]) for layer in LAYERS), np.linalg.norm(maps[0] - maps[1])

    (style, content), (more_style, less_content) = errors(1e-3), errors(1e3)
    assert more_style < style and less_content > content


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"style": ("block3_conv1",)}, "layer of Gatys"),
        ({"content": "block4_conv2", "target": WAVES}, "layer of Gatys"),
        ({"content": CONTENT}, "lacks an image"),
        ({"target": WAVES}, "lacks an image"),
        ({"origin": None}, "lacks an image"),
        ({"style": (), "origin": None}, "nothing to match"),
        ({"alpha": -1.0}, "alpha"),
        ({"beta": 0.0}, "beta"),
        ({"size": (8, 8)}, "size"),
        ({"origin": np.full((20, 24, 3), np.nan)}, "origin"),
        ({"content": CONTENT, "target": ODD}, "target"),
    ],
)
def test_an_objective_that_cannot_be_used_is_refused(changes, named):
    arguments = {"network": WITH_CONTENT, "size": SIZE, "origin": WAVES} | changes
    with pytest.raises(InputError, match=f"{named}.*received .*; accepted: "):
        objective(**arguments)


@pytest.mark.parametrize(
    "changes", [{"iterations": -1}, {"threshold": float("nan")}, {"x": ODD}, {"x": np.zeros((8, 8, 3))}]
)
def test_a_start_or_stop_that_cannot_be_used_is_refused(changes):
    with pytest.raises(InputError, match="(iterations|threshold|start).*received .*; accepted: "):
        synthesize(**({"aim": objective(NETWORK, SIZE, WAVES), "x": NOISE} | changes))
