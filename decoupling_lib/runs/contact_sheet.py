"""The contact sheet of a sweep: origin, target and result of each transfer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, save_figure, show_picture
from .sweep_table import Row

COLUMNS = 3
MAX_TRANSFERS = 60
"""Number of transfers on a sheet; if there are more, the first ones are shown."""
NAMES = ("origin", "target", "result")


@kit_settings
def write_contact_sheet(path: Path, rows: Sequence[Row], folder: Path) -> Path:
    """Draw the transfers of a sweep in their order; a failed one is an empty frame.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    rows : sequence of Row
        The transfers, at least one.
    folder : Path
        Output folder of the sweep.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError, OutputError
        If the file cannot be written.
    """
    shown = rows[:MAX_TRANSFERS]
    lines = math.ceil(len(shown) / COLUMNS)
    figure = new_figure(4.2 * COLUMNS, 1.9 * lines + 0.4, dpi=100)
    grid = figure.add_gridspec(lines, 3 * COLUMNS)
    for place, row in enumerate(shown):
        line, column = divmod(place, COLUMNS)
        for at, name in enumerate(NAMES):
            ax = figure.add_subplot(grid[line, 3 * column + at], label=f"{place} {name}")
            title = (row.job.origin, row.job.target, row.job.name[-12:])[at]
            show_picture(ax, _read(folder / row.job.name / f"{name}.png"), Path(title).stem[:16])
    rest = f"; {len(rows) - len(shown)} more are not shown" if len(rows) > len(shown) else ""
    figure.suptitle(f"{len(rows)} transfers: origin, target, result{rest}", fontsize=11)
    return save_figure(figure, path)


def _read(file: Path) -> np.ndarray | None:
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB")) / 255
    except OSError:
        return None
