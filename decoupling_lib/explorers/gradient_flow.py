"""The gradient-flow explorer of lesson 1: how a step rule follows a gradient curve to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.closed_form import ClosedForm
from ..engine.features import Block
from ..engine.ode import integrate
from ..plotting.portraits import Portrait, bowl, gradient_curve, portrait, show_portrait, unit_speed
from ..plotting.settings import kit_settings
from ..plotting.style import enlarge_text, new_figure
from .controls import dropdown, integer_slider, slider
from .exhibit import DPI, POINTS, WIDTH
from .explorer import Explorer, Texts, View, live_explorer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXTENT = (-3.0, 3.0, -2.0, 2.0)
"""The window: left, right, bottom, top."""
VALUE = 1.0
"""The reference value: every feature has it somewhere in the window."""
FLAT = 1e-9
"""A gradient shorter than this counts as zero."""
RULES = ("euler", "midpoint", "rk4")
"""Step rules to choose from."""


def waves() -> ClosedForm:
    """Return the feature f(x, y) = (x² + y² + sin(2x) cos(2y))/2 of the plane, with level sets that bend.

    Returns
    -------
    ClosedForm
        One block of one feature.
    """
    return ClosedForm(
        (Block("f", 1),),
        lambda p: np.array([p @ p / 2 + np.sin(2 * p[0]) * np.cos(2 * p[1]) / 2]),
        lambda p: np.array([[p[0] + np.cos(2 * p[0]) * np.cos(2 * p[1]), p[1] - np.sin(2 * p[0]) * np.sin(2 * p[1])]]),
    )


FEATURES = {
    "circles": ("(x² + y²)/2", lambda: bowl(1.0)),
    "ellipses": ("(x² + 3y²)/2", lambda: bowl(3.0)),
    "waves": ("(x² + y² + sin 2x cos 2y)/2", waves),
}
"""The features to choose from, by the shape of their level sets: formula, and function that builds the feature."""
TEXTS = Texts(
    "Following a gradient to its reference",
    "A point moves along the gradient of f, on the brown curve, until f has its reference value, on the thick blue "
    "one. A step rule replaces the curve by a few straight steps.",
    "How many steps does each rule need to end within 0.01 of the exact curve?",
)
PRESETS: dict[str, dict[str, Any]] = {
    "Euler, 4 steps": {},
    "RK4, 4 steps": {"rule": "rk4"},
    "a straight curve": {"feature": "circles"},
    "a winding curve": {"feature": "waves", "x": -2.6, "y": 0.4, "rule": "midpoint", "steps": 8},
    "no way": {"feature": "circles", "x": 0.0, "y": 0.0},
}
"""What each preset changes."""


def gradient_explorer() -> Explorer:
    """Build the explorer of starting point, step rule, number of steps and feature.

    Returns
    -------
    Explorer
        Shows the points of the step rule beside the exact curve.
    """
    controls = {
        "feature": dropdown("feature", list(FEATURES), "ellipses", "The function whose gradient the point follows."),
        "x": slider("start, x", 2.4, *EXTENT[:2], 0.1, "First coordinate of the starting point."),
        "y": slider("start, y", 1.6, *EXTENT[2:], 0.1, "Second coordinate of the starting point."),
        "rule": dropdown("step rule", RULES, "euler", "How a step approximates the curve."),
        "steps": integer_slider("steps", 4, 1, 40, "Number of equal steps; each has the size 1 / steps."),
    }
    return live_explorer(TEXTS, controls, draw, PRESETS)


@kit_settings
def draw(values: Mapping[str, Any]) -> View:
    """Draw the exact curve from the starting point, and the points of the step rule.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the explorer's controls, by name.

    Returns
    -------
    View
        The status says where the rule ends, and its distance from the end of the exact curve.
    """
    name, start, rule, steps = values["feature"], (values["x"], values["y"]), values["rule"], values["steps"]
    formula, build = FEATURES[name]
    features = build()
    figure = new_figure(WIDTH, 4.6, DPI)
    ax = figure.add_subplot(title=f"f = {formula}")
    gradient = features.linearize(np.array(start)).jacobian()
    if np.linalg.norm(gradient) < FLAT:
        show_portrait(ax, _background(name))
        ax.plot(*start, "kx", markersize=10, label="start")
        status = "The gradient is zero here, so there is no direction to follow. Move the starting point."
        return View(_finish(figure), f"level sets of {name}; the gradient at the starting point is zero", status)
    exact, points = gradient_curve(features, np.array(start), VALUE), [np.array(start)]
    change = VALUE - float(features.values(points[0])[0])
    integrate(unit_speed(features, change), points[0], rule, steps, on_step=lambda _, x: points.append(x))
    show_portrait(ax, replace(_background(name), curves=(exact,)))
    ax.plot(*np.stack(points).T, "k.--", linewidth=1, label=f"{rule}, {steps} steps")
    ax.set(xlim=EXTENT[:2], ylim=EXTENT[2:])
    reached = float(features.values(points[-1])[0])
    status = f"{rule}, {steps} steps of size {1 / steps:.3g}: ends at f = {reached:.4g}, asked for {VALUE:g}"
    if abs(float(features.values(exact[-1])[0]) - VALUE) < 1e-6:
        status += f"; {np.linalg.norm(points[-1] - exact[-1]):.2g} away from where the exact curve ends"
    else:
        status += "; the exact curve ends early, at a point where the gradient is zero"
    return View(_finish(figure), f"gradient curve of {name} from {start}: {status}", status)


def _finish(figure: Figure) -> Figure:
    """List all that is drawn below the axes, where it covers no curve."""
    (ax,) = figure.axes
    ax.set(xlabel="x", ylabel="y")  # as in the formula and beside the sliders
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False)
    enlarge_text(figure, POINTS)
    # Axes of equal scales find their place in two rounds; after one, title and legend would be cut off.
    figure.draw_without_rendering()
    return figure


@lru_cache(maxsize=len(FEATURES))
def _background(name: str) -> Portrait:
    return portrait(FEATURES[name][1](), [], VALUE, EXTENT)
