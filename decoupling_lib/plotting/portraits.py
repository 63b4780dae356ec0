"""Drawings of normalization: in the plane, and nested in space (figures 2.1 and 2.2 of the thesis)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from mpl_toolkits.mplot3d import Axes3D
from scipy.optimize import brentq

from ..engine.closed_form import ClosedForm
from ..engine.context import Context, Reference, Settings
from ..engine.features import Block, Counted, FeatureMap
from ..engine.lift import Damping
from ..engine.normalization import normalize
from ..engine.ode import integrate
from ..moments.coupled import MOMENT_REFERENCE, moment_feature_map
from .style import COLORS

RESOLUTION = 201
"""Points of the grid along each axis."""
TOLERANCE = 1e-11
"""Tolerance of the flows with error control."""


@dataclass(frozen=True)
class Portrait:
    """What normalization by one feature does to points of the plane.

    Parameters
    ----------
    across, up : ndarray, shape (RESOLUTION,)
        Coordinates of the grid.
    levels : ndarray, shape (RESOLUTION, RESOLUTION)
        The feature on the grid; rows go up.
    value : float
        v: the feature has this value on the reference manifold R(v).
    curves : tuple of ndarray, shape (n, 2) each
        Per starting point, the accepted points of its gradient curve; the last is on R(v).
    """

    across: np.ndarray
    up: np.ndarray
    levels: np.ndarray
    value: float
    curves: tuple[np.ndarray, ...]


def bowl(steepness: float = 3.0) -> ClosedForm:
    """Return the feature f(x, y) = (x² + a y²)/2 of the plane.

    Its level sets are ellipses.

    Parameters
    ----------
    steepness : float
        a, above 0.

    Returns
    -------
    ClosedForm
        One block of one feature.
    """
    stretch = np.array([1.0, steepness])
    return ClosedForm((Block("f", 1),), lambda x: np.array([x @ (stretch * x) / 2]), lambda x: (stretch * x)[None])


def portrait(
    features: FeatureMap, starts: Sequence[np.ndarray], value: float, extent: tuple[float, float, float, float]
) -> Portrait:
    """Follow each point's gradient curve until the feature has the reference value.

    Parameters
    ----------
    features : FeatureMap
        One feature of the plane.
    starts : sequence of ndarray, shape (2,) each
        Starting points.
    value : float
        The reference value v.
    extent : tuple of four float
        The window: left, right, bottom, top.

    Returns
    -------
    Portrait
        The feature on a grid, and the curves.
    """
    across, up = np.linspace(*extent[:2], RESOLUTION), np.linspace(*extent[2:], RESOLUTION)
    levels = np.array([[features.values(np.array([x, y]))[0] for x in across] for y in up])
    return Portrait(across, up, levels, value, tuple(gradient_curve(features, start, value) for start in starts))


def gradient_curve(features: FeatureMap, start: np.ndarray, value: float) -> np.ndarray:
    """Follow the gradient curve of one feature from a point to its reference manifold.

    The curve ends early where the gradient vanishes on the way.

    Parameters
    ----------
    features : FeatureMap
        One feature of the plane.
    start : ndarray, shape (2,)
        Starting point.
    value : float
        The reference value v.

    Returns
    -------
    ndarray, shape (n, 2)
        The accepted points of the flow; the first is `start`.
    """
    points = [np.asarray(start, dtype=float)]
    change = value - float(features.values(points[0])[0])
    integrate(unit_speed(features, change), points[0], "adaptive", 400, TOLERANCE, lambda _, x: points.append(x))
    return np.stack(points)


def unit_speed(features: FeatureMap, change: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the vector field (change) ∇f/‖∇f‖², along which the first feature changes by `change` in unit time.

    Parameters
    ----------
    features : FeatureMap
        Features of the plane; the first is f.
    change : float
        The change of f along the flow from time 0 to time 1.

    Returns
    -------
    callable
        Maps a point, shape (2,), to the velocity there, shape (2,); not a number where the gradient is 0.
    """

    def field(x: np.ndarray) -> np.ndarray:
        gradient: np.ndarray = features.linearize(x).jacobian()[0]
        velocity: np.ndarray = change * gradient / (gradient @ gradient)
        return velocity

    return field


def show_portrait(ax: Axes, plane: Portrait) -> None:
    """Show level sets in gray, the reference manifold in blue, and each point's gradient curve with its end.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    plane : Portrait
        What to show.
    """
    ax.contour(plane.across, plane.up, plane.levels, levels=10, colors="0.75", linewidths=0.8)
    ax.contour(plane.across, plane.up, plane.levels, levels=[plane.value], colors=COLORS[1], linewidths=2.5)
    for curve in plane.curves:
        ax.plot(*curve.T, color=COLORS[3], linewidth=1.2)
        ax.plot(*curve[0], "o", color=COLORS[3], markersize=5)
        ax.plot(*curve[-1], "s", color=COLORS[2], markersize=6)
    ax.plot([], [], color="0.75", label="level sets of f")
    ax.plot([], [], color=COLORS[1], linewidth=2.5, label="reference manifold f = v")
    ax.plot([], [], "o-", color=COLORS[3], label="a point and its gradient curve")
    ax.plot([], [], "s", color=COLORS[2], label="the point, normalized")
    ax.set(xlabel="first coordinate", ylabel="second coordinate", aspect="equal")
    ax.legend(fontsize=8, loc="lower right")


@dataclass(frozen=True)
class NestedPortrait:
    """Nested normalization of samples of three values: R_1 ⊃ R_2 ⊃ R_3 in space, and the legs of one sample.

    Parameters
    ----------
    plane : ndarray, shape (4, 3)
        Corners of a piece of R_1, where the mean is 0.
    circle : ndarray, shape (n, 3)
        R_2, the part of R_1 where the variance is 1.
    points : ndarray, shape (6, 3)
        R_3, the part of R_2 where the skewness is 0.
    legs : tuple of ndarray, shape (n, 3) each
        Per leg, the accepted points of the flow; each leg begins where the one before it ended.
    """

    plane: np.ndarray
    circle: np.ndarray
    points: np.ndarray
    legs: tuple[np.ndarray, ...]


def nested_portrait(start: np.ndarray, reach: float = 3.4) -> NestedPortrait:
    """Compute the nested manifolds from their features, and the engine's legs from a sample to R_3.

    Parameters
    ----------
    start : ndarray, shape (3,)
        The sample.
    reach : float
        Half the side of the piece of R_1.

    Returns
    -------
    NestedPortrait
        The manifolds and the legs.
    """
    features = moment_feature_map(3)
    first, second = np.linalg.svd(np.ones((1, 3)))[2][1:]  # an orthonormal basis of the plane of mean 0
    corners = reach * np.array([first + second, first - second, -first - second, second - first])

    def on_circle(angle: float) -> np.ndarray:
        ray = np.cos(angle) * first + np.sin(angle) * second
        point: np.ndarray = ray / np.sqrt(features.values(ray)[1])
        return point

    def skewness(angle: float) -> float:
        return float(features.values(on_circle(angle))[2])

    angles = np.linspace(0.01, 0.01 + 2 * np.pi, 361)
    signs = np.sign([skewness(angle) for angle in angles])
    changes = np.flatnonzero(np.diff(signs))
    points = [on_circle(brentq(skewness, angles[k], angles[k + 1])) for k in changes]
    legs: dict[str, list[np.ndarray]] = {}

    def listen(step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        if x is not None:  # the engine's own flows always have it
            legs.setdefault(layer, []).append(x)

    reference = Reference(MOMENT_REFERENCE[:3], np.ones(3, bool), Damping(0.0, np.ones(3)))
    settings = Settings(rule="adaptive", steps=2000, tolerance=TOLERANCE, threshold=1e-9)
    normalize(Context(Counted(features), reference, settings, listen=listen), np.asarray(start, dtype=float))
    circle = np.stack([on_circle(angle) for angle in angles])
    return NestedPortrait(corners, circle, np.stack(points), tuple(np.stack(leg) for leg in legs.values()))


def show_nested(ax: Axes3D, space: NestedPortrait) -> None:
    """Show the plane R_1, the circle R_2, the points R_3, and one sample's way through them, one color per leg.

    Parameters
    ----------
    ax : Axes3D
        Axes in space to draw on.
    space : NestedPortrait
        What to show.
    """
    ax.plot_trisurf(*space.plane.T, triangles=[[0, 1, 2], [0, 2, 3]], color=COLORS[1], alpha=0.18)
    ax.plot(*space.circle.T, color=COLORS[1], linewidth=2)
    ax.plot(*space.points.T, "D", color=COLORS[0], markersize=5)
    # The last leg lies on the circle: only a wider line than the circle's is seen.
    looks = zip(space.legs, (COLORS[3], COLORS[2], COLORS[0]), ("-", "--", "-"), (2.2, 2.2, 4), strict=True)
    for (leg, color, line, width), goal in zip(looks, ("mean 0", "variance 1", "skewness 0"), strict=True):
        ax.plot(*leg.T, line, color=color, linewidth=width, label=f"leg to {goal}")
    ax.plot(*space.legs[0][0], "o", color=COLORS[3], markersize=7)
    ax.text(*space.plane[1], "$R_1$: mean 0   ", color=COLORS[1], ha="right", va="bottom")
    ax.text(0, 0, 0, "$R_2$: variance 1", color=COLORS[1], ha="center")
    ax.text(*(1.12 * space.points[-1]), "$R_3$: skewness 0")
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    ax.zaxis.set_rotate_label(False)  # along the axis it would stand on its head
    ax.set_zlabel("$x_3$", rotation=0)
    ax.legend(fontsize=8, loc="upper left")


def show_cosines(ax: Axes, cosines: np.ndarray, names: Sequence[str], title: str) -> None:
    """Show the cosines between gradients as a table, shaded by size; two features are decoupled where it is 0.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    cosines : ndarray, shape (n, n)
        Cosines in [-1, 1].
    names : sequence of str, length n
        Names of the features.
    title : str
        Text above the table.
    """
    ax.imshow(np.abs(cosines), cmap="Blues", vmin=0, vmax=1.4, origin="upper")
    for (row, column), cosine in np.ndenumerate(cosines):
        text = "0" if abs(cosine) < 5e-4 else f"{cosine:.2f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=8)
    ax.set(xticks=range(len(names)), yticks=range(len(names)))
    ax.set_xticklabels(names, rotation=45, ha="right", fontsize=8)
    ax.set_yticklabels(names, fontsize=8)
    ax.set_title(title, fontsize=10)
