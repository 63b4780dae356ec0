"""Draws the figures of the thesis into a folder, with a manifest of what made each and a page that shows them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..common import validation
from ..common.atomic_files import write_text
from ..common.errors import DrawingError
from ..common.machine import describe_machine
from ..networks.keras_settings import require_keras
from ..plotting.style import save_figure, try_to_draw
from ..runs import digest
from ..transfers.network_source import NetworkSource, choose_source
from . import cnn, noise, textures, theory, transfers
from .kept_transfers import describe_failures, keep_transfers
from .spec import DrawnFigure, FigureSpec, add_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES: dict[str, FigureSpec] = {
    spec.number: spec
    for spec in sorted(
        (*textures.SPECS, *theory.SPECS, *cnn.SPECS, *noise.SPECS, *transfers.SPECS),
        key=lambda spec: tuple(map(int, spec.number.split("."))),
    )
}
"""Every figure that the kit draws, by its number in the thesis, in order."""
MANIFEST = "manifest.json"
PAGE = "README.md"
_PAGE_FIELDS = {name: str for name in ("number", "title", "file", "differs", "command")} | {"seconds": (int, float)}
"""The fields of the manifest that the page shows, with their types."""


def draw_figures(
    out: str | os.PathLike[str],
    numbers: Sequence[str] | None = None,
    source: NetworkSource | None = None,
    listen: Callable[[FigureSpec], None] | None = None,
    resume: bool = False,
) -> list[Path]:
    """Draw figures into a folder as figure_2_1.png and so on.

    After each figure the folder's manifest.json and its page README.md are updated, so that an interrupted run keeps
    the figures that it has drawn. Figures drawn into the folder earlier are kept, and stay listed.

    Parameters
    ----------
    out : str or path-like
        The folder; it is created if it does not exist.
    numbers : sequence of str, optional
        Numbers of the figures in the thesis; by default, all.
    source : NetworkSource, optional
        The network of the figures that show one; by default, the best available.
    listen : callable, optional
        Callback that receives each specification before its figure is drawn.
    resume : bool
        Skip figures that the folder already has, drawn with the same source, and use what an earlier run has computed
        for the transfers of figures that it could not draw.

    Returns
    -------
    list of Path
        The files of the figures.

    Raises
    ------
    InputError
        For a number that the kit does not draw, before anything is drawn, and for a folder that cannot be written to.
    DrawingError
        For figures that could not be drawn; all others were drawn before.
    """
    specs, source = select_figures(numbers), source or choose_source()
    folder = validation.output_folder(out)
    manifest, paths, reasons = _read_manifest(folder), [], {}
    with keep_transfers(folder, resume):
        for spec in specs:
            path = folder / spec.file
            if not (resume and path.exists() and manifest.get(spec.number, {}).get("source") == vars(source)):
                if listen is not None:
                    listen(spec)
                reason = try_to_draw(partial(_draw_and_list, spec, source, folder, manifest))
                if reason:
                    if not folder.is_dir():
                        raise DrawingError(f"could not draw figure {spec.number} ({reason})")
                    reasons[spec.number] = reason
                    continue
            paths.append(path)
        if reasons:
            raise DrawingError(describe_failures(reasons))
    return paths


def _draw_and_list(spec: FigureSpec, source: NetworkSource, folder: Path, manifest: dict[str, dict[str, Any]]) -> None:
    """Draw a figure into a folder, and put it into the folder's manifest and page."""
    began, path = time.perf_counter(), folder / spec.file
    drawn = draw_figure(spec, source, path)
    manifest[spec.number] = describe_figure(spec, drawn, source, path, time.perf_counter() - began)
    _write_manifest(folder, manifest)


def select_figures(numbers: Sequence[str] | None = None) -> list[FigureSpec]:
    """Return the specifications of figures.

    Parameters
    ----------
    numbers : sequence of str, optional
        Numbers of the figures in the thesis; by default, all.

    Returns
    -------
    list of FigureSpec
        In the order of `numbers`.

    Raises
    ------
    InputError
        For a number that the kit does not draw, and for a figure that needs Keras where Keras cannot be used.
    """
    specs = [FIGURES[validation.choice(number, FIGURES, "figure")] for number in numbers or FIGURES]
    if any(spec.needs_keras for spec in specs):
        require_keras()
    return specs


def draw_figure(spec: FigureSpec, source: NetworkSource, path: Path) -> DrawnFigure:
    """Draw a figure, add its margin, and save it.

    Parameters
    ----------
    spec : FigureSpec
        The figure.
    source : NetworkSource
        The network of a figure that shows one.
    path : Path
        The file to write.

    Returns
    -------
    DrawnFigure
        The figure and what it was made from.

    Raises
    ------
    InputError
        For weights that cannot be read, or a file that cannot be written.
    """
    drawn = spec.draw(source)
    save_figure(add_margin(drawn), path)
    return drawn


def describe_figure(
    spec: FigureSpec, drawn: DrawnFigure, source: NetworkSource, path: Path, seconds: float
) -> dict[str, Any]:
    """Return a figure's entry in the manifest: enough to draw it again and to compare the two.

    Parameters
    ----------
    spec : FigureSpec
        The figure.
    drawn : DrawnFigure
        The figure as drawn.
    source : NetworkSource
        The network with which it was drawn.
    path : Path
        Its file.
    seconds : float
        Time that the drawing took.

    Returns
    -------
    dict of str to Any
        The entry, in types that JSON knows.
    """
    return {
        "number": spec.number,
        "title": spec.title,
        "file": spec.file,
        "differs": spec.differs,
        "command": f"decoupling figures --only {spec.number}",
        "source": vars(source),
        "parameters": dict(drawn.parameters),
        "network": None if drawn.network is None else drawn.network.describe(),
        "seed": drawn.seed,
        "versions": drawn.versions,
        "machine": describe_machine(),
        "sha256": hash_pixels(path),
        "plotted": {name: digest.describe_plotted(*each) for name, each in collect_data(drawn.figure).items()},
        "seconds": round(seconds, 1),
    }


def collect_data(figure: Figure) -> dict[str, tuple[np.ndarray, int]]:
    """Return the data that a figure shows, by names.

    Parameters
    ----------
    figure : Figure
        The figure.

    Returns
    -------
    dict of str to (ndarray, int)
        Points of the lines, shape (n, 2) or (n, 3), with 1; images, shape (H, W) or (H, W, C), with 2. The number is
        that of the axes along which `digest.outline` takes means. The empty lines of legends are left out.
    """
    data: dict[str, tuple[np.ndarray, int]] = {}
    for place, ax in enumerate(figure.axes):
        for number, image in enumerate(ax.images):
            data[f"axes {place} picture {number}"] = np.asarray(image.get_array(), np.float64), 2
        for number, line in enumerate(ax.lines):
            points = line.get_data_3d() if hasattr(line, "get_data_3d") else line.get_data()
            data[f"axes {place} line {number}"] = np.stack([np.asarray(each, np.float64) for each in points], 1), 1
    return {name: each for name, each in data.items() if each[0].size}


def hash_pixels(path: Path) -> str:
    """Return the sha256 of an image file's RGB pixels: files of the same pixels may differ by their compression.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with Image.open(path) as image:
        return hashlib.sha256(np.asarray(image.convert("RGB")).tobytes()).hexdigest()


def render_page(entries: Sequence[dict[str, Any]]) -> str:
    """Return the gallery's page in Markdown.

    Parameters
    ----------
    entries : sequence of dict
        Entries of the manifest, in order.

    Returns
    -------
    str
        The text of README.md.
    """
    parts = [
        "# The figures of the thesis, drawn again\n",
        "Drawn by `decoupling figures` (`make figures`). The small print of each figure lists its parameters; "
        f"`{MANIFEST}` has all of them, with versions and times. Pictures are credited in `data/README.md`; "
        "here they are cropped, resized or restyled.",
    ]
    for entry in entries:
        parts.append(f"\n## {entry['number']} {entry['title']}\n")
        parts.append(f"![Figure {entry['number']}]({entry['file']})\n")
        parts.append(f"{entry['differs']}\n")
        parts.append(f"`{entry['command']}`, {entry['seconds']:.0f} s")
    return "\n".join(parts) + "\n"


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a folder's manifest by number; none if there is no manifest, or a file of another kind."""
    try:
        file = validation.regular_file(folder / MANIFEST, "manifest")  # not a pipe, which would never end
        entries = json.loads(file.read_text(encoding="utf-8"))["figures"]
        good = [each for each in entries if all(isinstance(each[name], kind) for name, kind in _PAGE_FIELDS.items())]
        return {each["number"]: each for each in good if each["number"] in FIGURES and math.isfinite(each["seconds"])}
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return {}


def _write_manifest(folder: Path, entries: dict[str, dict[str, Any]]) -> None:
    ordered = [entries[number] for number in FIGURES if number in entries]
    lines = ",\n".join(json.dumps(each) for each in ordered)  # one line per figure
    manifest = f'{{"schema": 1, "command": "figures", "figures": [\n{lines}\n]}}\n'
    for name, text in {MANIFEST: manifest, PAGE: render_page(ordered)}.items():
        write_text(folder / name, text)
