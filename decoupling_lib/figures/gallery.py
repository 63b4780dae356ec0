"""Draws the thesis's figures into a folder, with a manifest of what made each and a page that shows them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ..common import validation
from ..common.atomic_files import write_text
from ..common.machine import describe_machine
from ..plotting.style import save_figure
from ..runs import digest
from ..transfers.network_source import NetworkSource, choose_source
from . import cnn, noise, textures, theory, transfers
from .spec import Entry, Made, sign

FIGURES: dict[str, Entry] = {
    entry.number: entry
    for entry in sorted(
        (*textures.ENTRIES, *theory.ENTRIES, *cnn.ENTRIES, *noise.ENTRIES, *transfers.ENTRIES),
        key=lambda entry: tuple(map(int, entry.number.split("."))),
    )
}
"""Every figure that the kit draws, by its number in the thesis, in order."""
MANIFEST = "manifest.json"
PAGE = "README.md"
_LISTED = {name: str for name in ("number", "title", "file", "differs", "command")} | {"seconds": (int, float)}
"""What the page shows of a figure, and of which type."""


def make(
    out: str | os.PathLike[str],
    numbers: Sequence[str] | None = None,
    source: NetworkSource | None = None,
    listen: Callable[[Entry], None] | None = None,
    resume: bool = False,
) -> list[Path]:
    """Draws figures into a folder, made if needed, as figure_2_1.png and so on, and returns their paths.

    After each figure the folder's manifest.json and its page README.md are brought up to date, so that a run that is
    stopped keeps what is done. A folder's earlier figures stay, and stay listed.

    Parameters
    ----------
    numbers : of the thesis; all if None.
    source : the network of the figures that show one; the best at hand if None.
    listen : hears each entry before it is drawn.
    resume : leave out figures that the manifest has, made by this source.

    Raises `InputError` for a number that the kit does not draw, before anything is drawn.
    """
    entries, source = chosen(numbers), source or choose_source()
    folder = validation.output_folder(out)
    listed, paths = _read(folder), []
    for entry in entries:
        path = folder / entry.file
        if not (resume and path.exists() and listed.get(entry.number, {}).get("source") == vars(source)):
            if listen is not None:
                listen(entry)
            began = time.perf_counter()
            made = draw(entry, source, path)
            listed[entry.number] = described(entry, made, source, path, time.perf_counter() - began)
            _write(folder, listed)
        paths.append(path)
    return paths


def chosen(numbers: Sequence[str] | None = None) -> list[Entry]:
    """The entries of these numbers, all if None; raises `InputError` for a number that the kit does not draw."""
    return [FIGURES[validation.choice(number, FIGURES, "figure")] for number in numbers or FIGURES]


def draw(entry: Entry, source: NetworkSource, path: Path) -> Made:
    """Draws a figure into a file, with its small print."""
    made = entry.draw(source)
    save_figure(sign(made), path)
    return made


def described(entry: Entry, made: Made, source: NetworkSource, path: Path, seconds: float) -> dict[str, Any]:
    """A figure's entry in the manifest, in types that JSON knows: its report, enough to draw and compare it again."""
    return {
        "number": entry.number,
        "title": entry.title,
        "file": entry.file,
        "differs": entry.differs,
        "command": f"decoupling figures --only {entry.number}",
        "source": vars(source),
        "parameters": dict(made.parameters),
        "network": None if made.network is None else made.network.describe(),
        "seed": made.seed,
        "versions": made.versions,
        "machine": describe_machine(),
        "sha256": pixels_sha256(path),
        "plotted": {name: digest.describe_plotted(*each) for name, each in plotted(made.figure).items()},
        "seconds": round(seconds, 1),
    }


def plotted(figure: Figure) -> dict[str, tuple[np.ndarray, int]]:
    """What a figure shows, by names: its lines' points (n, 2 or 3) and 1, its pictures (H, W[, C]) and 2.

    The second number is that of the axes along which `digest.outline` takes means. A legend's empty lines are left out.
    """
    found: dict[str, tuple[np.ndarray, int]] = {}
    for place, ax in enumerate(figure.axes):
        for number, image in enumerate(ax.images):
            found[f"axes {place} picture {number}"] = np.asarray(image.get_array(), np.float64), 2
        for number, line in enumerate(ax.lines):
            data = line.get_data_3d() if hasattr(line, "get_data_3d") else line.get_data()
            found[f"axes {place} line {number}"] = np.stack([np.asarray(values, np.float64) for values in data], 1), 1
    return {name: each for name, each in found.items() if each[0].size}


def pixels_sha256(path: Path) -> str:
    """The sha256 of a drawn figure's pixels: files may differ by how they were packed."""
    with Image.open(path) as drawn:
        return hashlib.sha256(np.asarray(drawn.convert("RGB")).tobytes()).hexdigest()


def page(listed: Sequence[dict[str, Any]]) -> str:
    """The gallery, figure by figure, in Markdown."""
    parts = [
        "# The thesis's figures, made anew\n",
        "Made by `decoupling figures` (`make figures`). Each figure's small print has its parameters; "
        f"`{MANIFEST}` has them in full, with versions and seconds. Pictures are credited in `data/README.md`; "
        "they are cropped, resized or restyled here.",
    ]
    for each in listed:
        parts.append(f"\n## {each['number']} {each['title']}\n")
        parts.append(f"![Figure {each['number']}]({each['file']})\n")
        parts.append(f"{each['differs']}\n")
        parts.append(f"`{each['command']}`, {each['seconds']:.0f} s")
    return "\n".join(parts) + "\n"


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of an earlier manifest; none where there is no manifest, or another file of its name."""
    try:
        file = validation.regular_file(folder / MANIFEST, "manifest")  # not a pipe, which would never end
        found = json.loads(file.read_text(encoding="utf-8"))["figures"]
        good = [each for each in found if all(isinstance(each[name], kind) for name, kind in _LISTED.items())]
        return {each["number"]: each for each in good if each["number"] in FIGURES and math.isfinite(each["seconds"])}
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return {}


def _write(folder: Path, listed: dict[str, dict[str, Any]]) -> None:
    ordered = [listed[number] for number in FIGURES if number in listed]
    reports = ",\n".join(json.dumps(each) for each in ordered)  # a line a figure
    manifest = f'{{"schema": 1, "command": "figures", "figures": [\n{reports}\n]}}\n'
    texts = {MANIFEST: manifest, PAGE: page(ordered)}
    for name, text in texts.items():
        write_text(folder / name, text)
