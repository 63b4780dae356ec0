"""Masks: which part of the target gets the style, and of which part of the origin the style is taken.

A mask is an image. Where it is white, channel means are taken with full weight, where it is black with none, and in
between with its luminance. Steps 2 and 3 and the judging of the result see the target through its mask, Step 1 sees the
origin through its own, if it has one. The black part of the target is left alone by the flows themselves, up to the
receptive field of the layers (a few pixels with two of them), so nothing has to be pasted over the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..common.arrays import Floats
from ..common.errors import input_error
from ..engine.features import Counted, FeatureMap
from ..engine.sobolev import Smoothed
from ..images.luminance import luminance
from ..images.pictures import Picture, load_picture, resize
from ..networks.channel_means import ChannelMeans
from ..networks.regions import Region, position_weights, seen_pixels
from ..networks.vgg import Network
from .options import Options

_LARGE = 1024
"""Longest side in pixels to which a mask is shrunk before its proportions are compared."""
_PLACES = {"target": "imposed", "origin": "taken from"}
"""What happens to the style where a mask is white."""


@dataclass(frozen=True, eq=False)
class MaskFile:
    """A mask that was read from a file.

    Parameters
    ----------
    picture : Picture
        The file, resized to the size of the image that it masks.
    region : Region or None
        What it selects; None if it is equal everywhere, and so selects the whole image.
    """

    picture: Picture
    region: Region | None

    def describe(self) -> dict[str, Any]:
        """Return the entry of a report, with the share of the image that is selected."""
        share = 1.0 if self.region is None else self.region.share
        return {"name": self.picture.name, "sha256": self.picture.sha256, "share": share}


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of a transfer.

    Parameters
    ----------
    target, origin : MaskFile, optional
        Default: none.
    """

    target: MaskFile | None = None
    origin: MaskFile | None = None

    @property
    def files(self) -> dict[str, MaskFile]:
        """The masks that there are, by the image that they mask."""
        return {name: mask for name, mask in vars(self).items() if mask is not None}

    def region(self, image: str) -> Region | None:
        """Return the region of an image.

        Parameters
        ----------
        image : {"target", "origin"}
            Which one.
        """
        return self.files[image].region if image in self.files else None

    @property
    def alike(self) -> bool:
        """Whether both images are seen through the same region, or whole."""
        first, second = (self.region(image) for image in ("origin", "target"))
        if first is None or second is None:
            return first is second
        return np.array_equal(first.weights, second.weights)


def load_masks(options: Options, network: Network, origin: Floats, target: Floats) -> Masks:
    """Read the masks that a user has chosen.

    Parameters
    ----------
    options : Options
        With the files `mask` and `origin_mask`, or one of them, or none.
    network : Network
        At each of its style layers, something white must be left of a mask.
    origin, target : ndarray, shape (H, W, 3)
        The images, resized. A mask is resized to its image.

    Returns
    -------
    Masks
        Their regions.

    Raises
    ------
    InputError
        For a file that is no image, has other proportions than its image or is black everywhere.
    """
    found = {}
    for image, file, array in (("target", options.mask, target), ("origin", options.origin_mask, origin)):
        if file is not None:
            found[image] = _load_mask(file, image, array.shape[:2], options.size is not None)
            position_weights(found[image].region, network, array.shape)
    return Masks(**found)


def see_through(features: Counted, region: Region | None) -> Counted:
    """Return channel means over a region, in the same metric and with the same counter of passes.

    Parameters
    ----------
    features : Counted
        Channel means over whatever region.
    region : Region or None
        None is the whole image.
    """
    means, length = features.map, 0.0
    if isinstance(means, Smoothed):
        length, means = means.length, means.map
    assert isinstance(means, ChannelMeans)
    return replace(features, map=smooth_within(replace(means, region=region), length))


def smooth_within(means: ChannelMeans, length: float) -> FeatureMap:
    """Return channel means with smoothed gradients, which move no more of an image than those that are not smoothed.

    Parameters
    ----------
    means : ChannelMeans
        Channel means of the whole image or over a region.
    length : float
        See `engine.sobolev`; 0 for the means as they are.

    Returns
    -------
    FeatureMap
        Gradients are smoothed, and cut off where no position of the region sees a pixel.
    """
    if length == 0:
        return means
    if means.region is None:
        return Smoothed(means, length)
    return Smoothed(means, length, seen_pixels(means.region, means.network))


def _load_mask(file: str, image: str, shape: tuple[int, int], stretched: bool) -> MaskFile:
    """Read a mask and resize it to the shape of its image, which may be stretched to a size that the user gave."""
    name = "mask" if image == "target" else "origin mask"
    if stretched:
        picture = load_picture(file, shape)
    else:
        picture = load_picture(file, max_side=max(_LARGE, *shape))
        height, width = picture.array.shape[:2]
        # The sides of both are rounded to whole pixels.
        if abs(height * shape[1] - width * shape[0]) > max(shape) + max(height, width):
            found, accepted = (f"width/height {w / h:.3g}" for h, w in ((height, width), shape))
            step = f"crop or pad it like the {image}"
            raise input_error(name, f"has other proportions than the {image}", found, accepted, step)
        picture = replace(picture, array=resize(picture.array, shape))
    weights = np.clip(luminance(picture.array), 0.0, 1.0)
    if not weights.any():
        accepted, step = "an image with some white", f"paint white where the style is to be {_PLACES[image]}"
        raise input_error(name, "is black everywhere", picture.name, accepted, step)
    return MaskFile(picture, None if np.ptp(weights) == 0 else Region(weights))
