"""HTML pages that need nothing but a browser: how they are put together, and the look that all of them share.

Every text that enters a page is escaped by the library that writes it. Pages load nothing, neither from the network nor
from other files, unless they say so; a Content-Security-Policy in each page makes the browser keep to that.
"""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Literal
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.errors import escape_unprintable

LARGE = 300
"""Longest side in pixels up to which a page has an image to the bit, if it does not say otherwise."""
SQUARES = 160
"""Longest side in pixels up to which enlarged pixels are shown as squares. Larger images are enlarged smoothly, since
by small factors some squares would be visibly wider than others."""
_QUALITY = 90

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1d21; --soft: #5b626d; --line: #d9dce1; --raised: #f4f5f7;
  --accent: #1f4fbf; --plot: none; --blend: multiply; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #e7e9ec; --soft: #a3abb6; --line: #363b43;
  --raised: #1e2126; --accent: #8fb4ff; --plot: invert(1) hue-rotate(180deg); --blend: screen; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 100rem; margin: 0 auto; padding: 1.25rem clamp(1rem, 3vw, 3rem) 3rem; }
h1 { font-size: clamp(1.35rem, 1rem + 1.6vw, 2rem); line-height: 1.2; margin: .25rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .6rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p, li, dd { max-width: 70ch; }
p { margin: .4rem 0; }
a { color: var(--accent); }
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible, .wide:focus-visible
  { outline: 3px solid var(--accent); outline-offset: 2px; }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; height: auto; border-radius: 3px; }
img.squares { image-rendering: pixelated; }
img.plot { filter: var(--plot); mix-blend-mode: var(--blend); }
figcaption { margin-top: .35rem; font-size: .9rem; color: var(--soft); overflow-wrap: anywhere; }
figcaption b { color: var(--ink); }
.soft { color: var(--soft); }
.wide { overflow-x: auto; } .wide table { white-space: nowrap; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
dl { display: grid; grid-template-columns: minmax(9rem, 16rem) 1fr; gap: .4rem 1.5rem; margin: .5rem 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
code { font-size: .9em; overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .6rem; } }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --plot: none; --blend: multiply; }
  .wide { overflow: visible; } .wide table { white-space: normal; }
  main { padding: 0; } h2 { break-after: avoid; } figure, tr, dd { break-inside: avoid; } a { color: inherit; } }
"""

Child = ElementTree.Element | str | None
"""What an element contains; None is left out."""


def element(tag: str, *children: Child, **attributes: str | None) -> ElementTree.Element:
    """Return an HTML element; texts are escaped when the page is written.

    Parameters
    ----------
    tag : str
        Its name.
    *children : Element, str or None
        What it contains. Unprintable characters of texts, which users' file names may have, become escape sequences.
    **attributes : str or None
        Its attributes. Names have underscores for hyphens, and one at the end where Python reserves the word
        (`class_`). None leaves an attribute out.

    Returns
    -------
    Element
        The element.

    Examples
    --------
    >>> from xml.etree import ElementTree
    >>> found = element("p", "a < b ", element("b", "& c"), class_="soft")
    >>> print(ElementTree.tostring(found, encoding="unicode", method="html"))
    <p class="soft">a &lt; b <b>&amp; c</b></p>
    """
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    made = ElementTree.Element(tag, {name: escape_unprintable(value) for name, value in given.items()})
    for child in children:
        if isinstance(child, str):
            text = escape_unprintable(child)
            if len(made):
                made[-1].tail = (made[-1].tail or "") + text
            else:
                made.text = (made.text or "") + text
        elif child is not None:
            made.append(child)
    return made


def write_page(
    title: str, *body: Child, style: str = "", script: str = "", images: Literal["data:", "*"] = "data:"
) -> str:
    """Return a page as text.

    Parameters
    ----------
    title : str
        Its title.
    *body : Element, str or None
        What it shows.
    style : str
        CSS after that of all pages.
    script : str
        JavaScript that runs at its end.
    images : "data:" or "*"
        Where its images are: all in the page, or also in files beside it.

    Returns
    -------
    str
        The page, complete.
    """
    run = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{run}'" if script else "script-src 'none'"
    policy = f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; {allowed}; base-uri 'none'"
    styles = ElementTree.Element("style")
    styles.text = STYLE + style
    code = ElementTree.Element("script")
    code.text = script
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        styles,
    )
    page = element("html", head, element("body", element("main", *body), code if script else None), lang="en")
    return "<!doctype html>\n" + ElementTree.tostring(page, encoding="unicode", method="html") + "\n"


def embed_image(
    pixels: NDArray[np.uint8], alt: str, exact: int = LARGE, **attributes: str | None
) -> ElementTree.Element:
    """Return an image that is part of the page.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        The image.
    alt : str
        What it shows, for those who cannot see it.
    exact : int
        Longest side in pixels up to which it is embedded to the bit, as PNG; larger ones are embedded as JPEG.
    **attributes : str or None
        As in `element`.

    Returns
    -------
    Element
        The `img` element, with the image's own size and, for a small image, the class `squares`.
    """
    height, width = pixels.shape[:2]
    file, picture = io.BytesIO(), Image.fromarray(pixels)
    kind = "png" if max(height, width) <= exact else "jpeg"
    if kind == "png":
        picture.save(file, format="PNG", optimize=True)
    else:
        # Not optimized: for that, Pillow reserves a buffer that the JPEG of a noisy image exceeds, and raises an error.
        picture.save(file, format="JPEG", quality=_QUALITY, subsampling=0)
    look = "squares" if max(height, width) <= SQUARES else None
    given: dict[str, str | None] = {"class_": look, "width": str(width), "height": str(height)}
    return element("img", src=data_address(file.getvalue(), f"image/{kind}"), alt=alt, **(given | attributes))


def data_address(content: bytes, kind: str) -> str:
    """Return a file as an address that contains it.

    Parameters
    ----------
    content : bytes
        The file.
    kind : str
        Its media type, such as "image/png".

    Returns
    -------
    str
        The address, which begins with "data:".
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def table(
    head: tuple[str, ...], rows: list[tuple[Child, ...]], numbers: frozenset[int], label: str
) -> ElementTree.Element:
    """Return a table that can be moved sideways on a narrow screen.

    Parameters
    ----------
    head : tuple of str
        The titles of the columns.
    rows : list of tuple
        The cells.
    numbers : frozenset of int
        The columns, counted from 0, that are aligned to the right.
    label : str
        What the table is about, for those who cannot see it.

    Returns
    -------
    Element
        The table, in a box of its own.
    """

    def cells(tag: str, row: tuple[Child, ...]) -> ElementTree.Element:
        look = ("number" if at in numbers else None for at in range(len(row)))
        scope = "col" if tag == "th" else None
        return element(
            "tr", *(element(tag, cell, class_=own, scope=scope) for cell, own in zip(row, look, strict=True))
        )

    body = element("tbody", *(cells("td", row) for row in rows))
    inner = element("table", element("thead", cells("th", head)), body)
    # A box that scrolls must be reachable by keyboard.
    return element("div", inner, class_="wide", tabindex="0", role="region", aria_label=label)


def definitions(entries: list[tuple[str, Child]]) -> ElementTree.Element:
    """Return a list of terms with what is said about each.

    Parameters
    ----------
    entries : list of tuple
        Pairs (term, text or element).

    Returns
    -------
    Element
        The list.
    """
    return element("dl", *(part for term, text in entries for part in (element("dt", term), element("dd", text))))
