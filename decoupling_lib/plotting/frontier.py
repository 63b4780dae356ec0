"""The frontier of fidelity, exactness and the way back, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from .style import COLORS, LINES, MARKERS

DEFAULT = "default; beside its line, the dampings"


def show_frontier(
    ax: Axes,
    rows: Sequence[Mapping[str, Any]],
    value: str,
    default: tuple[float, float, float],
    together: Sequence[Mapping[str, Any]] | None = None,
) -> list[Line2D]:
    """Shows what self-transfers reach or cost against the error at which their legs end, a line along the dampings.

    Parameters
    ----------
    rows : with `softness`, `growth`, `fidelity`, `damping`, `relative_error` and the value, None where there is none.
    value : `psnr_db`, or `passes` in all.
    default : (softness, growth, damping) of the settings that are ringed, labeled `DEFAULT`; where PSNR is shown the
        dampings stand beside its line.
    together : the rows of all plots that share a legend, so that a line looks alike in each; None is these rows.

    Returns
    -------
    one line for each growth and softness, its label with the fidelity; growths differ by filled and open markers.
    """
    ax.set_xscale("log", nonpositive="mask")
    ax.set_yscale("linear" if value == "psnr_db" else "log")
    ax.set_xlabel("worst relative error at the end of a leg", fontsize=9)
    ax.set_ylabel({"psnr_db": "self-transfer, PSNR in dB", "passes": "network passes"}[value], fontsize=9)
    ax.tick_params(labelsize=8, which="both")
    ax.spines[["top", "right"]].set_visible(False)
    looks, growths = (sorted({row[name] for row in together or rows}) for name in ("softness", "growth"))
    lines = []
    for growth, softness in sorted({(row["growth"], row["softness"]) for row in rows}):
        own = [row for row in rows if (row["softness"], row["growth"]) == (softness, growth)]
        fidelity = max(row["fidelity"] for row in own)
        own = sorted((row for row in own if row[value] is not None), key=lambda row: row["damping"])
        look, color = looks.index(softness), COLORS[looks.index(softness) % len(COLORS)]
        (line,) = ax.plot(
            [row["relative_error"] for row in own], [row[value] for row in own], color=color,
            linestyle=LINES[look % len(LINES)], linewidth=1.2, marker=MARKERS[look % len(MARKERS)], markersize=5,
            markerfacecolor="white" if growths.index(growth) else color,
            label=f"softness {softness:g}, growth {growth:g}: {fidelity:.1%} off the thesis's network",
        )  # fmt: skip
        lines.append(line)
        for row in own if (softness, growth) == default[:2] else ():
            at = (row["relative_error"], row[value])
            if value == "psnr_db":  # the costs of neighbors lie too near to one another for words between them
                halo = [withStroke(linewidth=2.5, foreground="white")]
                beside = {"textcoords": "offset points", "fontsize": 7, "path_effects": halo, "zorder": 5}
                ax.annotate(f"{row['damping']:g}", at, (7, -9), **beside)
            if row["damping"] == default[2]:
                ax.plot(*at, "o", markersize=13, markerfacecolor="none", markeredgecolor="black", label=DEFAULT)
    return lines
