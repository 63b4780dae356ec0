"""The moment explorer of lesson 2: one decoupled moment moves while the others stand still."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..common.errors import InputError
from ..moments.coupled import MOMENT_NAMES, coupled_moments
from ..moments.decoupling import DecoupledMoments, decouple_moments, impose_moments
from ..moments.samples import load_sample
from ..plotting.settings import kit_settings
from ..plotting.style import COLORS, enlarge_text, new_figure
from .controls import dropdown, slider
from .exhibit import DPI, POINTS, WIDTH
from .explorer import Explorer, Texts, View, live_explorer

ORDER = 4
"""Number of moments."""
SAMPLES = ("gamma", "ten", "china", "chelsea")
"""Samples to choose from."""
SIDE = 48
"""Longest side, in pixels, of a picture whose brightness is a sample."""
TEXTS = Texts(
    "Moving one decoupled moment",
    "Each slider moves one decoupled moment of the sample. Blue bars show by how much the decoupled moments changed, "
    "and hatched brown bars the same for the usual, coupled ones.",
    "Which coupled moments move although nobody asked them to?",
)
_STILL = {"skewness": 0.0}
PRESETS: dict[str, dict[str, Any]] = {
    "another mean": _STILL | {"mean": 1.0},
    "more spread": _STILL | {"variance": 2.0},
    "more skewed": {"skewness": 0.5},
    "heavier tails": _STILL | {"kurtosis": 1.5},
    "a photograph": {"sample": "china"},
}
"""What each preset changes."""
BEFORE: dict[str, Any] = {"color": "0.8", "label": "before"}
AFTER: dict[str, Any] = {"histtype": "step", "color": COLORS[2], "linewidth": 2.0, "label": "after"}
"""How histograms are drawn: told apart by their shape, whatever colors a reader sees."""
BARS: dict[str, dict[str, Any]] = {
    "decoupled": {"color": COLORS[1]},
    "coupled": {"facecolor": "white", "edgecolor": COLORS[3], "hatch": "////"},
}
"""How the changes of moments are drawn: told apart by their hatching."""


def moment_explorer() -> Explorer:
    """Build the explorer of a sample and of the change of each of its first four decoupled moments.

    Returns
    -------
    Explorer
        Shows the histogram and the moments, before and after.
    """
    controls = {
        "sample": dropdown("sample", SAMPLES, "gamma", "Numbers, or the brightness of a picture's pixels."),
        "mean": slider("mean shift", 0.0, -2, 2, 0.05, "Added to the mean, in standard deviations of the sample."),
        "variance": slider("variance ratio", 1.0, 0.1, 4, 0.05, "Factor that multiplies the variance."),
        "skewness": slider("skewness shift", -0.5, -2, 2, 0.05, "Added to the skewness."),
        "kurtosis": slider("orthokurtosis shift", 0.0, -0.75, 4, 0.05, "Added to the decoupled kurtosis."),
    }
    return live_explorer(TEXTS, controls, draw, PRESETS)


@kit_settings
def draw(values: Mapping[str, Any]) -> View:
    """Draw the histograms before and after, and the changes of the decoupled and of the coupled moments.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the explorer's controls, by name.

    Returns
    -------
    View
        The status lists the moments that moved, and says how still the others stood. If the sample cannot be moved to
        such moments, the view shows it as it is, and the status says which leg does not arrive.
    """
    before, own = _sample(values["sample"])
    spread = np.sqrt(own.values[1])
    # A browser adds up the steps of a slider: rounding brings a slider that was moved back to exactly where it was.
    values = {name: value if isinstance(value, str) else round(value, 6) for name, value in values.items()}
    shifts = np.array([values["mean"] * spread, 0.0, values["skewness"], values["kurtosis"]])
    target = own.values + shifts
    target[1] *= values["variance"]
    moved, refusal = target != own.values, ""
    try:
        after = impose_moments(own.sample, target) if np.any(moved) else before
    except InputError as error:
        after, refusal = before, str(error).partition("; received")[0]
    figure = new_figure(WIDTH, 4.7, DPI)
    above, below = figure.subplots(2, 1, height_ratios=(1.4, 1))
    edges = np.histogram_bin_edges(np.concatenate([before, after]), 40)
    above.hist(before, edges, **BEFORE)
    if not refusal:
        above.hist(after, edges, **AFTER)
    above.set(xlabel="value", ylabel="number of values")
    above.legend(fontsize=9, frameon=False)
    places, scale = np.arange(ORDER), np.array([spread, own.values[1], 1, 1])
    changes = {
        "decoupled": (decouple_moments(after, ORDER).values - own.values) / scale,
        "coupled": (coupled_moments(after, ORDER) - coupled_moments(before, ORDER)) / scale,
    }
    for shift, (name, change) in zip((-0.2, 0.2), changes.items(), strict=True):
        below.bar(places + shift, change, 0.36, **BARS[name], label=name)
    below.axhline(0, color="0.4", linewidth=0.8)
    below.set_xticks(places, ["mean\n(per std. dev.)", "variance\n(relative)", *MOMENT_NAMES[2:ORDER]])
    below.set_ylabel("change")
    below.legend(fontsize=9, frameon=False)
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    names = (*MOMENT_NAMES[: ORDER - 1], "orthokurtosis")
    moves = [f"{name} by {shift:.2g}" for name, shift in zip(names, target - own.values, strict=True) if shift]
    if refusal:
        status = f"{refusal}. Move a slider back."
    elif np.all(moved):
        status = f"moved: {', '.join(moves)}"
    else:
        rest = np.abs(changes["decoupled"][~moved]).max()
        status = f"moved: {', '.join(moves) or 'nothing'}; the other decoupled moments stand still within {rest:.1g}"
    return View(
        enlarge_text(figure, POINTS),
        f"histogram of {values['sample']} before and after, and the moments: {status}",
        status,
    )


@lru_cache(maxsize=len(SAMPLES))
def _sample(name: str) -> tuple[np.ndarray, DecoupledMoments]:
    x = load_sample(name, SIDE).values
    return x, decouple_moments(x, ORDER)
