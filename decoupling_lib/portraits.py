"""Normalization drawn: gradient curves in the plane that end on a reference manifold (figure 2.1 of the thesis)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from .features import Block, ClosedForm, FeatureMap
from .flow import integrate
from .plots import COLORS

RESOLUTION = 201


@dataclass(frozen=True)
class Portrait:
    """What normalization by one feature does to points of the plane.

    Parameters
    ----------
    across, up : (RESOLUTION,), coordinates of the grid.
    levels : (RESOLUTION, RESOLUTION), the feature on the grid; rows go up.
    value : v; the reference manifold R(v) is where the feature has it.
    curves : one (n, 2) a point: the accepted points of its gradient curve, the last on R(v).
    """

    across: np.ndarray
    up: np.ndarray
    levels: np.ndarray
    value: float
    curves: tuple[np.ndarray, ...]


def bowl(steepness: float = 3.0) -> ClosedForm:
    """f(x, y) = (x² + a y²)/2 on the plane; its gradient curves are y = c x^a, its level sets ellipses."""
    stretch = np.array([1.0, steepness])
    return ClosedForm((Block("f", 1),), lambda x: np.array([x @ (stretch * x) / 2]), lambda x: (stretch * x)[None])


def portrait(
    features: FeatureMap, starts: Sequence[np.ndarray], value: float, extent: tuple[float, float, float, float]
) -> Portrait:
    """Follows each point's gradient curve until the feature is `value`.

    Parameters
    ----------
    features : one feature on the plane. starts : points, (2,) each. extent : (left, right, bottom, top).
    """
    across, up = np.linspace(*extent[:2], RESOLUTION), np.linspace(*extent[2:], RESOLUTION)
    levels = np.array([[features.values(np.array([x, y]))[0] for x in across] for y in up])
    curves = []
    for start in starts:
        points = [np.asarray(start, dtype=float)]
        integrate(
            unit_speed(features, value - features.values(points[0])[0]),
            points[0],
            "adaptive",
            400,
            1e-10,
            lambda _, x, points=points: points.append(x),
        )
        curves.append(np.stack(points))
    return Portrait(across, up, levels, value, tuple(curves))


def unit_speed(features: FeatureMap, change: float):
    """The field change ∇f/|∇f|², along which the first feature changes by `change` in unit time."""

    def field(x: np.ndarray) -> np.ndarray:
        gradient = features.linearize(x).jacobian()[0]
        return change * gradient / (gradient @ gradient)

    return field


def show_portrait(ax: Axes, drawn: Portrait) -> None:
    """Level sets in gray, the reference manifold in blue, each point's gradient curve and where it ends."""
    ax.contour(drawn.across, drawn.up, drawn.levels, levels=10, colors="0.75", linewidths=0.8)
    ax.contour(drawn.across, drawn.up, drawn.levels, levels=[drawn.value], colors=COLORS[1], linewidths=2.5)
    for curve in drawn.curves:
        ax.plot(*curve.T, color=COLORS[3], linewidth=1.2)
        ax.plot(*curve[0], "o", color=COLORS[3], markersize=5)
        ax.plot(*curve[-1], "s", color=COLORS[2], markersize=6)
    ax.plot([], [], color="0.75", label="level sets of f")
    ax.plot([], [], color=COLORS[1], linewidth=2.5, label="reference manifold f = v")
    ax.plot([], [], "o-", color=COLORS[3], label="a point and its gradient curve")
    ax.plot([], [], "s", color=COLORS[2], label="the point, normalized")
    ax.set(xlabel="first coordinate", ylabel="second coordinate", aspect="equal")
    ax.legend(fontsize=8, loc="lower right")
