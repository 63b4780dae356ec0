"""Transfers whose frames are gray images: the level of a frame is the share of the film that has passed."""

import numpy as np

from decoupling_lib.engine.context import Step
from decoupling_lib.engine.features import Passes
from decoupling_lib.engine.legs import Leg
from decoupling_lib.engine.normalization import Route
from decoupling_lib.plotting.film_frames import FilmFrames
from decoupling_lib.transfers.run import Transfer

LAYERS = ("block1_conv1", "block2_conv1")
GRID = tuple(np.linspace(0, 1, 9))


def gray(level: float, shape=(16, 24)) -> np.ndarray:
    """Return an image of one gray level."""
    return np.full((*shape, 3), level)


def create_leg(step: int, layer: str, grid=GRID) -> Leg:
    """Return a leg whose error is halved between two places of its grid."""
    curve = tuple((10 * at, 0.5 * 0.5**at) for at in range(len(grid)))
    return Leg(Step(step), layer, 0.001, 0.0, 0.1, 0.2, 0.3, Passes(9), 1.0, 64, "reached", 8, grid=grid, curve=curve)


def create_film(layers=LAYERS, own=False, refined=False, direct=False, shape=(16, 24), grid=GRID):
    """Return a transfer and its frames: gray images whose level is the share of the film that has passed."""
    names = list(layers)
    legs = {1: names, 2: names, 3: names[::-1] + (["+".join(names)] if refined else [])}
    if direct:
        legs = {1: [], 2: [], 3: ["+".join(names)]}
    frames, count, at = FilmFrames(), len(legs[2] + legs[3]) * (len(grid) - 1), 0
    for step in (1,) if own else (2,):
        for layer in legs[2]:
            for place, progress in enumerate(grid):
                frames.listen(step, layer, progress, gray((at + place) / count, shape))
            at += len(grid) - 1
    middle = at / count
    for layer in legs[3]:
        for place, progress in enumerate(grid):
            frames.listen(3, layer, progress, gray((at + place) / count, shape))
        at += len(grid) - 1
    ends = {"step1": gray(0.3), "step2": gray(middle, shape), "step3": gray(1.0, shape)}
    routes = {
        f"step{step}": Route(
            ends[f"step{step}"], np.zeros(2), tuple(create_leg(step, each) for each in legs[step]), "done"
        )
        for step in (1, 2, 3)
    }
    target = gray(0.0, shape)
    origin = target if own else gray(0.7)
    return Transfer(origin, target, {name: slice(at, at + 1) for at, name in enumerate(layers)}, routes), frames
