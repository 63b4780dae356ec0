"""The frontier of fidelity, exactness and the way back, drawn from the rows of its benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from .style import line_look

DEFAULT = "default; beside its line, the dampings"
"""Legend label of the ring around the default settings."""


def show_frontier(
    ax: Axes,
    rows: Sequence[Mapping[str, Any]],
    value: str,
    default: tuple[float, float, float],
    all_rows: Sequence[Mapping[str, Any]] | None = None,
) -> list[Line2D]:
    """Show what self-transfers reach, or cost, against the error at the end of their legs.

    Each line joins the dampings of one network.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    rows : sequence of mapping
        Each has `softness`, `growth`, `fidelity`, `damping`, `relative_error` and the value; a value of None is left
        out.
    value : {"psnr_db", "passes"}
        What the vertical axis shows: the PSNR in dB, or the network passes of the whole transfer.
    default : tuple of three float
        (softness, growth, damping) of the settings to ring. Where PSNR is shown, the dampings stand beside its line.
    all_rows : sequence of mapping, optional
        The rows of all plots that share a legend, so that a network has the same look in each; by default, `rows`.

    Returns
    -------
    list of Line2D
        One line per growth and softness, labeled with the fidelity. Markers are filled for the smallest growth and
        open for the others.
    """
    ax.set_xscale("log", nonpositive="mask")
    ax.set_yscale("linear" if value == "psnr_db" else "log")
    ax.set_xlabel("worst relative error at the end of a leg", fontsize=9)
    ax.set_ylabel({"psnr_db": "self-transfer, PSNR in dB", "passes": "network passes"}[value], fontsize=9)
    ax.tick_params(labelsize=8, which="both")
    ax.spines[["top", "right"]].set_visible(False)
    looks, growths = (sorted({row[name] for row in all_rows or rows}) for name in ("softness", "growth"))
    lines = []
    for growth, softness in sorted({(row["growth"], row["softness"]) for row in rows}):
        own = [row for row in rows if (row["softness"], row["growth"]) == (softness, growth)]
        fidelity = max(row["fidelity"] for row in own)
        own = sorted((row for row in own if row[value] is not None), key=lambda row: row["damping"])
        look = line_look(looks.index(softness))
        (line,) = ax.plot(
            [row["relative_error"] for row in own], [row[value] for row in own], **look, linewidth=1.2, markersize=5,
            markerfacecolor="white" if growths.index(growth) else look["color"],
            label=f"softness {softness:g}, growth {growth:g}: {fidelity:.1%} off the thesis's network",
        )  # fmt: skip
        lines.append(line)
        for row in own if (softness, growth) == default[:2] else ():
            point = (row["relative_error"], row[value])
            if value == "psnr_db":  # the costs of neighbors are too close to one another for text between them
                halo = [withStroke(linewidth=2.5, foreground="white")]
                ax.annotate(
                    f"{row['damping']:g}", point, (7, -9), textcoords="offset points", fontsize=7, path_effects=halo,
                    zorder=5,
                )  # fmt: skip
            if row["damping"] == default[2]:
                ax.plot(*point, "o", markersize=13, markerfacecolor="none", markeredgecolor="black", label=DEFAULT)
    return lines
