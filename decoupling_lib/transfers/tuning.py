"""Defaults that depend on the number of layers, those of transfers between two images, and those of flows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Defaults that depend on the number of layers.

    Parameters
    ----------
    activation : str
        See `networks.primitives.activate`. With more than two layers the flatter bend of "gaussian" lets photographs
        come back more closely.
    softness, growth : float
        See `networks.vgg.build_network`. They are as soft as possible while the channel means of most photographs stay
        within about 10 % of those of the network with ReLU and maximum pooling. With five layers the first ones are
        softer, since their legs amplify the errors of the later ones.
    damping : float
        δ of `engine.lift.Damping`: as little as lets most photographs come back. On the way back each layer amplifies
        the errors of the legs behind it, so more layers need more damping and a finer tolerance.
    held : tuple of float
        See `engine.lift.Damping`; one value per leg.
    steps, tolerance, grading : int, float, tuple of float
        See `engine.context.Settings`; for the symmetric rule.
    refinements : int
        See `engine.refinement`; for references that do not depend on the pair of images, with which more of the gap
        is left. Each step measures the image through all layers, which takes minutes with five.
    """

    activation: str
    softness: float
    growth: float
    damping: float
    held: tuple[float, ...]
    steps: int
    tolerance: float
    grading: tuple[float, float]
    refinements: int


TUNING = {
    1: Tuning("softplus", 0.29, 1.0, 0.032, (1,), 16, 5e-8, (3.0, 1.0), 0),
    2: Tuning("softplus", 0.29, 2.0, 0.032, (1, 4), 16, 5e-8, (3.0, 1.0), 16),
    3: Tuning("gaussian", 0.29, 1.2, 0.07, (1, 4, 10), 18, 2e-8, (2.0, 1.5), 8),
    4: Tuning("gaussian", 0.35, 1.0, 0.1, (1, 10, 10, 3), 18, 2e-8, (2.0, 1.5), 4),
    5: Tuning("gaussian", 0.35, 0.92, 0.104, (1, 10, 10, 3, 3), 18, 2e-8, (2.0, 1.5), 3),
}
"""By the number of layers; measured by `frontier`, `growth`, `error_growth` and `way_back` in `benchmarks`."""

PAIR_LAYERS = 2
PAIR_DAMPING = 0.3
PAIR_SMOOTHING = 2.0
"""The defaults of transfers between two images, by at most so many layers and a reference that depends on the pair. The
dampings of `TUNING` are as little as lets a photograph come back, and between two images nothing has to. With these,
images keep more of their structure and get fewer ripples, for seven tenths of the passes; of block 1's gap 8 instead of
2 % is left (`benchmarks/sobolev.py`, two layers). With more layers nothing was measured."""

FLOW_REFERENCE = "noise"
FLOW_DAMPING = 1.0
"""The defaults of flows, milder than those of transfers, because nothing holds an image on the way of another one.
Measured by the parts `options` and `undo` of `benchmarks/style_flows.py`: with less damping, larger images keep less of
their structure, more steps have no solution, and some legs contract beyond what double precision can take back."""
