"""The thesis's Steps 0 to 3 (section 2.6, chapter 3), a few lines each over `normalization`.

0. `measure_reference` — the channel means of uniform noise are the reference values.
1. `measure_style` — noisify the origin layer by layer; what each layer shows before it moves is the style c.
2. `undress` — noisify the target the same way and keep nothing but the picture.
3. `dress` — impose c on the noisified target, deepest layer first, then close the gap that damping left.
"""

from __future__ import annotations

import numpy as np

from ..engine.features import Counted
from ..engine.journal import NOWHERE, Journal
from ..engine.legs import Listener, Reference, Settings
from ..engine.lift import Damping, gradient_scales
from ..engine.normalization import Route, impose, normalize
from ..engine.refinement import refine


def measure_reference(
    features: Counted, noise: np.ndarray, live: np.ndarray, delta: float = 0.032, held: tuple[float, ...] = (1.0, 4.0)
) -> Reference:
    """Step 0: reference values, live channels and damping, from noise alone (thesis section 3.2).

    The thesis draws one unseeded image of another size than the pictures; here noise has the pictures' size and a
    seed, and the values may be the mean over several draws.

    Parameters
    ----------
    noise : (draws, H, W, 3), in [0, 1].
    live : (n,) bool: which channels noise reaches (`zeros.dead_channels`, section 4.4).
    delta, held : see `lift.Damping`; the scales are taken at the first draw.
    """
    values = np.mean([features.values(image) for image in noise], axis=0)
    scales = gradient_scales(features.linearize(noise[0]), features.blocks, live)
    return Reference(values, live, Damping(delta, scales, held))


def measure_style(
    features: Counted,
    origin: np.ndarray,
    reference: Reference,
    settings: Settings,
    listen: Listener | None = None,
    journal: Journal = NOWHERE,
) -> Route:
    """Step 1: the origin's decoupled style and its noisified picture (thesis section 3.3)."""
    return normalize(features, origin, reference, settings, step=1, listen=listen, journal=journal)


def remove_style(
    features: Counted,
    target: np.ndarray,
    reference: Reference,
    settings: Settings,
    listen: Listener | None = None,
    journal: Journal = NOWHERE,
) -> Route:
    """Step 2: the target without its style, «desnudar la imagen» (thesis section 3.4)."""
    return normalize(features, target, reference, settings, step=2, listen=listen, journal=journal)


def impose_style(
    features: Counted,
    noisified_target: np.ndarray,
    style: np.ndarray,
    reference: Reference,
    settings: Settings,
    listen: Listener | None = None,
    journal: Journal = NOWHERE,
) -> Route:
    """Step 3: the noisified target in the origin's style (thesis section 3.5). Nothing else of the origin is seen."""
    path = impose(features, noisified_target, style, reference, settings, step=3, listen=listen, journal=journal)
    if path.status != "done" or settings.refinements == 0 or len(features.blocks) == 1:
        return path
    return refine(features, path, reference, settings, listen, journal)
