"""Step 0's choice: the images whose channel means are the reference values.

The theory leaves the reference values free. The thesis takes those of uniform noise, which no photograph is near, so
legs are long; halfway between the two images they are short.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..common.arrays import Floats
from ..common.errors import input_error
from ..images.noise import make_noise, noise_draws
from ..images.pictures import load_picture, resize
from ..networks.calibration import CALIBRATION_PICTURES

REFERENCES = ("noise", "natural", "photographs", "midpoint", "target")
"""noise: uniform noise, as in the thesis. natural: noise whose amplitudes fall as 1/frequency. photographs: the bundled
pictures of `networks.calibration`. midpoint: the two images of the transfer, with equal weight. target: the target,
which then has no style to remove."""
DEFAULT = "noise"
PAIR_DEPENDENT = ("midpoint", "target")
"""References that are not the same for every pair of images."""
MAX_SCALED = 4
"""Number of images at which the scales of the damping are measured: all rows of the Jacobian are needed at each."""


@dataclass(frozen=True)
class ReferenceImages:
    """The images from which Step 0 measures the reference.

    Parameters
    ----------
    kind : str
        A name in `REFERENCES`.
    images : tuple of ndarray, shape (H, W, 3) each
        Their mean channel means are the reference values. Sizes may differ.
    scaled : int
        Number of images, from the first on, at which the scales of the damping are measured.
    """

    kind: str
    images: tuple[Floats, ...]
    scaled: int


def check_reference(kind: str, self_transfer: bool) -> None:
    """Refuse a reference that has no meaning for a transfer.

    Parameters
    ----------
    kind : str
        A name in `REFERENCES`.
    self_transfer : bool
        Whether origin and target are the same image.

    Raises
    ------
    InputError
        A self-transfer whose reference is the image itself: it would have nowhere to go, and prove nothing.
    """
    if self_transfer and kind in PAIR_DEPENDENT:
        accepted = ", ".join(name for name in REFERENCES if name not in PAIR_DEPENDENT)
        what = "is the image itself in a self-transfer"
        raise input_error("reference", what, kind, accepted, "choose another reference or another target")


def gather_reference_images(
    kind: str, origin: Floats, target: Floats, seed: int = 0, draws: int = 1
) -> ReferenceImages:
    """Return the images of a reference.

    Parameters
    ----------
    kind : str
        A name in `REFERENCES`.
    origin, target : ndarray, shape (H, W, 3)
        The images of the transfer. Noise and photographs get the size of the target.
    seed : int
        Seed of the noise.
    draws : int
        Number of noise images.

    Returns
    -------
    ReferenceImages
        At least one image of each kind.
    """
    shape = target.shape[:2]
    if kind == "noise":
        images = tuple(noise_draws(shape, seed, draws))
        return ReferenceImages(kind, images, 1)
    if kind == "natural":
        images = tuple(make_noise("natural", shape, (seed + k) % 2**32) for k in range(draws))
        return ReferenceImages(kind, images, 1)
    if kind == "photographs":
        images = tuple(resize(load_picture(name).array, shape) for name in CALIBRATION_PICTURES)
        return ReferenceImages(kind, images, MAX_SCALED)
    images = (origin, target) if kind == "midpoint" else (target,)
    return ReferenceImages(kind, images, len(images))
