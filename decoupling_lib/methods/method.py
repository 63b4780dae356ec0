"""What a transfer method is: how it takes Steps 1 to 3, and the settings of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..common.arrays import Floats
from ..engine.context import Context
from ..engine.normalization import Route


@dataclass(frozen=True)
class MethodSettings:
    """A method and its own settings; those of the decoupled method are in `engine.context.Settings`.

    Parameters
    ----------
    name : str
        A name in `choice.METHODS`.
    optimizer : str
        Keras optimizer of `descent`.
    learning_rate : float or None
        None is 5e-4 for `descent` (the annex's rate), and for `projected` Cauchy's step, halved where it is too long.
    iterations : int
        Maximum number of iterations per leg.
    threshold : float
        Relative error at which a leg of these methods ends.
    annex_slips : bool
        Reproduce two departures of the annex's code from the thesis's text in `descent`: legs end at a mean squared
        error of 1 in Step 1 and of 0.05 in Step 2, and run all iterations in Step 3 (`baselines.ANNEX_THRESHOLDS`;
        `threshold` is ignored), and a leg of Step 3 asks all layers up to the moving one for c.
    """

    name: str = "decoupled"
    optimizer: str = "SGD"
    learning_rate: float | None = None
    iterations: int = 2000
    threshold: float = 0.01
    annex_slips: bool = False


class Method(Protocol):
    """A way to take Steps 1 to 3."""

    @property
    def measures_decoupled_style(self) -> bool:
        """Whether Step 1 measures the style by which all methods are judged, that of the decoupled method."""
        ...

    def normalize(self, context: Context, x: Floats) -> Route:
        """Take Step 1 or Step 2: move an image to the reference and measure its style.

        Parameters
        ----------
        context : Context
            Feature map, reference, settings, and which step it is.
        x : ndarray, shape (H, W, 3)
            The image.
        """
        ...

    def impose(self, context: Context, x: Floats, style: Floats) -> Route:
        """Take Step 3: move a normalized image to the style c. Nothing else of the origin is seen.

        Parameters
        ----------
        context : Context
            Feature map, reference and settings.
        x : ndarray, shape (H, W, 3)
            The image at the end of Step 2.
        style : ndarray, shape (n,)
            c.
        """
        ...
