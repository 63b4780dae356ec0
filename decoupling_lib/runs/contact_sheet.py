"""The contact sheet of a sweep: origin, target and result of each transfer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..plotting.style import new_figure, save_figure, show_picture
from .sweep import Row

COLUMNS = 3
MOST = 60
"""Transfers on a sheet; of more, the first ones."""
NAMES = ("origin", "target", "result")


def write(path: Path, rows: Sequence[Row], folder: Path) -> Path:
    """Draws the finished transfers of a sweep in `folder`, in their order; a failed one is an empty frame."""
    shown = rows[:MOST]
    lines = math.ceil(len(shown) / COLUMNS)
    figure = new_figure(4.2 * COLUMNS, 1.9 * lines + 0.4, dpi=100)
    grid = figure.add_gridspec(lines, 3 * COLUMNS)
    for place, row in enumerate(shown):
        line, column = divmod(place, COLUMNS)
        for at, name in enumerate(NAMES):
            ax = figure.add_subplot(grid[line, 3 * column + at], label=f"{place} {name}")
            title = (row.job.origin, row.job.target, row.job.name[-12:])[at]
            show_picture(ax, _read(folder / row.job.name / f"{name}.png"), Path(title).stem[:16])
    left = f"; {len(rows) - len(shown)} more are not shown" if len(rows) > len(shown) else ""
    figure.suptitle(f"{len(rows)} transfers: origin, target, result{left}", fontsize=11)
    return save_figure(figure, path)


def _read(file: Path) -> np.ndarray | None:
    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("RGB")) / 255
    except OSError:
        return None
