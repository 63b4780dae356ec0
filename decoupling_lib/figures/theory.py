"""Figures 2.1 and 2.2: normalization in the plane, and nested in space, computed by flows."""

from __future__ import annotations

import numpy as np

from ..plotting.portraits import TOLERANCE, bowl, nested_portrait, portrait, show_nested, show_portrait
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure
from ..transfers.network_source import NetworkSource
from .spec import DrawnFigure, FigureSpec

STARTS = ((2.4, 1.6), (1.8, 1.7), (2.7, 0.6), (-2.5, 1.2), (-1.2, -1.7), (0.7, 0.25))
"""Starting points of figure 2.1."""
SAMPLE = (0.2, 4.4, 1.0)
"""The sample of figure 2.2."""
_PACKAGES = ("numpy", "scipy", "matplotlib")


@kit_settings
def _normalization_in_the_plane(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.1: points move along gradient curves to the reference manifold of one feature."""
    figure = new_figure(7.5, 5.2)
    ax = figure.add_subplot()
    show_portrait(ax, portrait(bowl(3.0), [np.array(start) for start in STARTS], 1.0, (-3, 3, -2, 2)))
    ax.set_title("Normalization: each point runs along its gradient curve to the reference")
    parameters = {"f =": "(x² + 3y²)/2", "v =": 1.0, "flow with error control, tolerance": TOLERANCE}
    return DrawnFigure(figure, parameters, _PACKAGES)


@kit_settings
def _nested_normalization(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.2: R_1 ⊃ R_2 ⊃ R_3 of the first three moments, and the legs of one sample of three values."""
    figure = new_figure(7.0, 6.4)
    ax = figure.add_subplot(projection="3d")
    show_nested(ax, nested_portrait(np.array(SAMPLE)))
    ax.view_init(elev=22, azim=8)
    ax.set_box_aspect(None, zoom=1.15)
    ax.set_title("Nested normalization: onto the plane, onto the circle, onto a point")
    parameters = {"moments of the sample": list(SAMPLE), "flow with error control, tolerance": TOLERANCE}
    return DrawnFigure(figure, parameters, _PACKAGES)


SPECS = (
    FigureSpec(
        "2.1",
        "Normalization along gradient curves to a reference manifold",
        "The thesis's figure is drawn by hand; here the curves are integrated and the level sets computed, for a "
        "feature of the plane that can be checked by hand.",
        _normalization_in_the_plane,
    ),
    FigureSpec(
        "2.2",
        "Nested manifolds, and the legs of one sample through them",
        "The thesis draws surfaces by hand; here they are those of the mean, variance and skewness of three numbers, "
        "and the legs are computed.",
        _nested_normalization,
    ),
)
"""The figures of this module."""
