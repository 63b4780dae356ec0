"""Random weights for tests, drawn once per process: drawing VGG's 15 million numbers takes longer than most tests."""

from functools import cache

from decoupling_lib.networks import weights


@cache
def random_weights(architecture: str = "vgg16", seed: int = 1) -> weights.Weights:
    return weights.read(architecture, "random", seed)
