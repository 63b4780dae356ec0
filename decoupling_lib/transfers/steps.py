"""The thesis's Steps 0 to 3 (section 2.6, chapter 3): one door for all methods.

0. `measure_reference`: the channel means of uniform noise, or of other images, are the reference values.
1. `measure_style`: move the origin to the reference layer by layer; what each layer has before it moves is the style c.
2. `remove_style`: move the target to the reference in the same way, and keep the image alone (the thesis's «desnudar»,
   to undress).
3. `impose_style`: move the target to c, deepest layer first, then close the gap that damping leaves (to dress).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..common.arrays import Floats, Mask
from ..engine.context import Context, Reference, Step
from ..engine.features import Counted
from ..engine.lift import Damping, gradient_scales, squared_gradient_norms
from ..engine.normalization import Route
from ..methods.decoupled import Decoupled
from ..methods.method import Method

DECOUPLED = Decoupled()


def measure_reference(
    features: Counted,
    images: Sequence[Floats],
    live: Mask,
    delta: float = 0.032,
    held: tuple[float, ...] = (1.0, 4.0),
    scaled: int = 1,
    maps: Sequence[Counted] | None = None,
    weights: Sequence[float] | None = None,
) -> Reference:
    """Take Step 0: determine reference values and damping (section 3.2 of the thesis).

    The thesis draws one image of noise, without a seed and of another size than the photographs. Here the noise has
    their size and a seed, the values may be the mean over several images, and the images need not be noise: see
    `references`.

    Parameters
    ----------
    features : Counted
        The feature map.
    images : sequence of ndarray, shape (H, W, 3) each
        At least one image in [0, 1]; sizes may differ.
    live : ndarray of bool, shape (n,)
        The channels that the images reach (`networks.dead_channels`, section 4.4 of the thesis).
    delta, held : float, tuple of float
        See `engine.lift.Damping`.
    scaled : int
        Number of images, from the first on, at which the scales of the damping are measured.
    maps : sequence of Counted, optional
        The feature map by which the values of each image are measured. Default: `features` for all.
    weights : sequence of float, optional
        Weights of the images in the mean, whose sum is 1. Default: equal.

    Returns
    -------
    Reference
        Values, live channels and damping for every leg of the run.
    """
    own = [features] * len(images) if maps is None else maps
    values = _average([each.values(image) for each, image in zip(own, images, strict=True)], weights)
    norms = _average([squared_gradient_norms(features.linearize(image), live) for image in images[:scaled]], weights)
    scales = gradient_scales(norms, features.blocks, live)
    return Reference(values, live, Damping(delta, scales, held))


def measure_style(context: Context, origin: Floats, method: Method = DECOUPLED) -> Route:
    """Take Step 1: measure the style of the origin and move it to the reference (section 3.3 of the thesis).

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    origin : ndarray, shape (H, W, 3)
        The image that gives the style.
    method : Method
        Default: the decoupled method.

    Returns
    -------
    Route
        `style` is c.
    """
    return method.normalize(replace(context.for_origin(), step=Step.ORIGIN), origin)


def remove_style(context: Context, target: Floats, method: Method = DECOUPLED) -> Route:
    """Take Step 2: remove the style of the target (section 3.4 of the thesis).

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    target : ndarray, shape (H, W, 3)
        The image that gives the content.
    method : Method
        Default: the decoupled method.

    Returns
    -------
    Route
        `x` is the image without its style.
    """
    return method.normalize(replace(context, step=Step.TARGET), target)


def mix_styles(own: Floats, other: Floats, strength: float) -> Floats:
    """Return a style between two.

    Parameters
    ----------
    own, other : ndarray, shape (n,)
        The styles of the target and of the origin.
    strength : float
        From 0, the target's own, to 1, that of the origin to the bit.

    Returns
    -------
    ndarray, shape (n,)
        (1 - strength) own + strength other.
    """
    return other if strength == 1 else (1 - strength) * own + strength * other


def is_self_transfer(context: Context, origin: Floats, target: Floats) -> bool:
    """Return whether Step 2 would repeat Step 1: the images are the same, and are seen in the same way.

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    origin, target : ndarray, shape (H, W, 3)
        The images.
    """
    return context.origin is None and np.array_equal(origin, target)


def impose_style(context: Context, bare_target: Floats, style: Floats, method: Method = DECOUPLED) -> Route:
    """Take Step 3: impose a style on an image without one (section 3.5 of the thesis).

    Nothing else of the origin is seen.

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    bare_target : ndarray, shape (H, W, 3)
        The image at the end of Step 2.
    style : ndarray, shape (n,)
        c, from Step 1.
    method : Method
        Default: the decoupled method.

    Returns
    -------
    Route
        `x` is the result.
    """
    return method.impose(replace(context, step=Step.TRANSFER), bare_target, style)


def _average(rows: Sequence[Floats], weights: Sequence[float] | None) -> Floats:
    """Return the mean of some arrays, weighted if there are weights."""
    average: Floats = np.mean(rows, axis=0) if weights is None else np.average(rows, axis=0, weights=weights)
    return average
