"""The contact sheets of a sweep, as a picture and as a page: origin, target and result of each transfer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from ..common.atomic_files import write_text
from ..plotting.pages import SQUARES, element, write_page
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, save_figure, show_picture
from .output_files import FILMS, PAGE
from .report_words import format_share
from .sweep_table import TABLE, Row, find_varied_options

COLUMNS = 2
MAX_TRANSFERS = 60
"""Number of transfers on a picture; if there are more, the first ones are shown. The page shows all."""
NAMES = ("origin", "target", "result")
SHEET, SHEET_PAGE = "contact.png", "contact.html"
_SLOT, _GAP, _TITLE, _HEAD, _DPI = 288, 12, 26, 40, 100  # pixels, and pixels per inch
_STYLE = """
.transfer { border-top: 1px solid var(--line); padding: 1rem 0 1.25rem; }
.transfer h2 { border: 0; padding: 0; margin: 0 0 .4rem; font-size: 1.1rem; overflow-wrap: anywhere; }
.images { display: grid; grid-template-columns: repeat(3, minmax(0, 26rem)); gap: .75rem; margin-top: .6rem; }
@media (max-width: 40rem) { .images { grid-template-columns: 1fr 1fr; }
  .images figure:last-child { grid-column: 1 / 3; } }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; margin: .2rem 0; max-width: none; }
@media print { .transfer { break-inside: avoid; } }
"""


@kit_settings
def write_contact_sheet(path: Path, rows: Sequence[Row], folder: Path) -> Path:
    """Draw the transfers of a sweep in their order; a failed one is an empty frame.

    Small images are enlarged by a whole number, each pixel a square; large ones are shrunk smoothly.

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
    width = 3 * COLUMNS * (_SLOT + _GAP) + COLUMNS * _GAP
    height = _HEAD + lines * (_TITLE + _SLOT + _GAP)
    figure = new_figure(width / _DPI, height / _DPI, dpi=_DPI, layout=None)
    for place, row in enumerate(shown):
        line, column = divmod(place, COLUMNS)
        for at, name in enumerate(NAMES):
            image = _read(folder / row.job.name / f"{name}.png")
            high, wide = _fit((_SLOT, _SLOT) if image is None else (image.shape[0], image.shape[1]))
            left = _GAP + (3 * column + at) * (_SLOT + _GAP) + column * _GAP + (_SLOT - wide) // 2
            top = _HEAD + line * (_TITLE + _SLOT + _GAP) + _TITLE
            ax = figure.add_axes(
                (left / width, 1 - (top + high) / height, wide / width, high / height), label=f"{place} {name}"
            )
            title = (row.job.origin, row.job.target, row.job.name[-12:])[at]
            drawn = show_picture(ax, image, Path(title).stem[:24])
            if drawn is not None and image is not None:
                ax.set_aspect("auto")  # the axes have the image's shape to the pixel
                drawn.set_interpolation("nearest" if max(image.shape) <= _SLOT else "hanning")
    rest = f"; {len(rows) - len(shown)} more are not shown" if len(rows) > len(shown) else ""
    text = f"{len(rows)} transfers: origin, target, result{rest}"
    figure.text(_GAP / width, 1 - 0.5 * _HEAD / height, text, fontsize=11, va="center")
    return save_figure(figure, path)


def _fit(shape: tuple[int, int]) -> tuple[int, int]:
    """Return height and width at which an image is shown in its slot."""
    side = max(shape)
    scale = _SLOT // side if side <= _SLOT else _SLOT / side
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _read(file: Path) -> np.ndarray | None:
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB")) / 255
    except OSError:
        return None


def write_contact_page(path: Path, rows: Sequence[Row], folder: Path) -> Path:
    """Write the same as a page, with the settings that differ and links to the transfers' reports.

    Its images are those in the folders of the transfers, so it belongs into the output folder of the sweep.

    Parameters
    ----------
    path : Path
        The HTML file to write, in `folder`.
    rows : sequence of Row
        The transfers.
    folder : Path
        Output folder of the sweep.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    varied = find_varied_options(rows)
    failed = sum(row.result.status == "failed" for row in rows)
    count = f"{len(rows)} transfer{'' if len(rows) == 1 else 's'}" + (f", of which {failed} failed" if failed else "")
    table = element("p", f"{count}. All numbers: ", element("a", TABLE, href=TABLE), ".", class_="soft")
    sections = (_show_transfer(row, varied, folder) for row in rows)
    return write_text(path, write_page("Sweep", element("h1", "Sweep"), table, *sections, style=_STYLE, images="*"))


def _show_transfer(row: Row, varied: Sequence[str], folder: Path) -> ElementTree.Element:
    job, summary, options = row.job, row.result.summary, asdict(row.job.options)
    origin, target = Path(job.origin).name, Path(job.target).name
    facts = [f"{name} {options[name]}" for name in varied]
    if row.result.status == "failed":
        said = element("p", f"Failed: {row.result.message}")
        return element("section", _head(row), _list_facts(facts), said, class_="transfer")
    facts += [f"{summary['passes']:,} passes", f"{summary['seconds']:,.0f} s"]
    if summary.get("psnr_db") is not None:
        facts.append(f"returns at {summary['psnr_db']:.1f} dB")
    for name, value in summary.items():
        if name.startswith("style "):
            facts.append(f"style gap of {name.removeprefix('style ')} {format_share(value)}")
    place = quote(job.name)
    links: list[ElementTree.Element | str | None] = [element("a", "report", href=f"{place}/{PAGE}")]
    if (folder / job.name / FILMS[1]).is_file():
        links += [", ", element("a", "film", href=f"{place}/{FILMS[1]}")]
    texts = (f"origin: {origin}", f"target: {target}", f"result: {target} with the style of {origin}")
    images = (_show_image(folder, f"{job.name}/{name}.png", text) for name, text in zip(NAMES, texts, strict=True))
    return element(
        "section", _head(row), _list_facts(facts), element("p", *links), element("div", *images, class_="images"),
        class_="transfer",
    )  # fmt: skip


def _head(row: Row) -> ElementTree.Element:
    origin, target = Path(row.job.origin).name, Path(row.job.target).name
    own = row.job.origin == row.job.target
    return element("h2", f"{target}: to the reference and back" if own else f"{target} with the style of {origin}")


def _list_facts(facts: Sequence[str]) -> ElementTree.Element:
    return element("p", *(element("span", fact) for fact in facts), class_="soft facts")


def _show_image(folder: Path, name: str, text: str) -> ElementTree.Element:
    try:
        with Image.open(folder / name) as image:
            width, height = image.size
    except OSError:
        return element("figure", element("figcaption", f"{text} (no picture)"))
    look = "squares" if max(width, height) <= SQUARES else None
    size = {"width": str(width), "height": str(height), "loading": "lazy"}
    image_element = element("img", src=quote(name), alt=text, class_=look, **size)
    return element("figure", image_element, element("figcaption", text))
