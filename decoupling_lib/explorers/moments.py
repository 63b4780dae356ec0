"""The moment explorer of lesson 2: one decoupled moment moves, the others stand still."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..moments.decoupling import NAMES, Decoupled, coupled, decouple, impose
from ..moments.samples import named
from .controls import choice, slider
from .explorer import Drawn, Explorer, live

ORDER = 4
SAMPLES = ("gamma", "ten", "china", "chelsea")
SIDE = 48
"""Longest side in pixels of a picture whose brightness is a sample."""


def explorer() -> Explorer:
    """A sample, and how far each of its first four decoupled moments is moved; shows histogram and moments."""
    controls = {
        "sample": choice("sample", SAMPLES, "gamma", "numbers, or the brightness of a picture's pixels"),
        "mean": slider("mean, shift", 0.0, -2, 2, 0.05, "added to the mean, in standard deviations of the sample"),
        "variance": slider("variance, ratio", 1.0, 0.1, 4, 0.05, "by what the variance is multiplied"),
        "skewness": slider("skewness, shift", -0.5, -2, 2, 0.05, "added to the skewness"),
        "kurtosis": slider("orthokurtosis, shift", 0.0, -0.75, 4, 0.05, "added to the kurtosis without skewness"),
    }
    return live("Moving one decoupled moment", controls, draw)


def draw(values: Mapping[str, Any]) -> Drawn:
    """Histograms before and after, and by how much decoupled and coupled moments have changed.

    Raises `InputError` where no sample of this size has such moments.
    """
    before, own = _sample(values["sample"])
    spread = np.sqrt(own.values[1])
    # A browser adds up a slider's steps: rounded, so that what was moved back is where it was.
    values = {name: value if isinstance(value, str) else round(value, 6) for name, value in values.items()}
    shifts = np.array([values["mean"] * spread, 0.0, values["skewness"], values["kurtosis"]])
    asked = own.values + shifts
    asked[1] *= values["variance"]
    after = impose(own.sample, asked) if np.any(asked != own.values) else before
    figure = Figure(figsize=(8, 5.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=(1.4, 1))
    edges = np.histogram_bin_edges(np.concatenate([before, after]), 40)
    above.hist(before, edges, color="0.75", label="before")
    above.hist(after, edges, histtype="step", color="black", linewidth=1.5, label="after")
    above.set(xlabel="value", ylabel="how many")
    above.legend(fontsize=9, frameon=False)
    places, scale = np.arange(ORDER), np.array([spread, own.values[1], 1, 1])
    moved = {
        "decoupled": (decouple(after, ORDER).values - own.values) / scale,
        "coupled": (coupled(after, ORDER) - coupled(before, ORDER)) / scale,
    }
    for shift, (name, change), color in zip((-0.2, 0.2), moved.items(), ("black", "0.6"), strict=True):
        below.bar(places + shift, change, 0.36, color=color, label=name)
    below.axhline(0, color="0.4", linewidth=0.8)
    below.set_xticks(places, [*NAMES[:3], "kurtosis"])
    below.set_ylabel("change")
    below.legend(fontsize=9, frameon=False)
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    pushed = [f"{name} by {shift:.2g}" for name, shift in zip(NAMES, asked - own.values, strict=False) if shift]
    rest = np.abs(moved["decoupled"][asked == own.values]).max(initial=0.0)
    said = f"moved: {', '.join(pushed) or 'nothing'}; the other decoupled moments stand still within {rest:.1g}"
    return Drawn(figure, f"histogram of {values['sample']} before and after, and the moments: {said}", said)


@lru_cache(maxsize=len(SAMPLES))
def _sample(name: str) -> tuple[np.ndarray, Decoupled]:
    x = named(name, SIDE).values
    return x, decouple(x, ORDER)
