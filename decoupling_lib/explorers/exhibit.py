"""A picture of an explorer: an image or a plot with its caption, which a click enlarges to the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import ipywidgets
import numpy as np

from ..common.arrays import Floats
from ..images.pictures import to_uint8
from ..plotting.pages import data_address, element, embed_image
from ..plotting.style import encode_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 11.0
"""Smallest size of type in plots of explorers. Of a plot 5.8 inches wide, as theirs are, that is a 38th of the width:
18 pixels where a projector of 1024 pixels leaves it 690."""
WIDTH = 5.8
"""Width of such a plot, in inches."""
DPI = 100
"""Pixels per inch at which an explorer shows a plot unless it is enlarged."""


class Exhibit:
    """A place for one picture on the page.

    Parameters
    ----------
    name : str
        What the picture is, for the button that enlarges it.

    Attributes
    ----------
    html : ipywidgets.HTML
        The picture with its caption.
    zoom : ipywidgets.ToggleButton
        Pressed while the picture fills the window. It lies over the picture, unseen; `style_sheet` does the rest, so
        that a picture that changes during a run stays enlarged, and a page without a kernel can enlarge, too.
    box : ipywidgets.Box
        Both.
    """

    def __init__(self, name: str):
        self.html = ipywidgets.HTML()
        self.zoom = ipywidgets.ToggleButton(False, description=f"enlarge {name}", tooltip="enlarge or shrink")
        self.zoom.add_class("dl-zoom")
        self.box = ipywidgets.Box([self.html, self.zoom]).add_class("dl-exhibit")
        self._shown: tuple[Floats, str] | None = None

    def show_figure(self, figure: Figure, alt_text: str) -> None:
        """Show a plot.

        Parameters
        ----------
        figure : Figure
            The plot.
        alt_text : str
            What it shows, for those who cannot see it.
        """
        self._shown = None
        self.html.value = figure_html(figure, alt_text)

    def show_image(self, image: Floats, alt_text: str, *caption: str) -> None:
        """Show an image; one that is shown already is not encoded again.

        Parameters
        ----------
        image : ndarray of float, shape (H, W, 3)
            The image; values that are not in [0, 1] are clipped, and those that are no numbers are gray.
        alt_text : str
            What it shows.
        *caption : str
            Lines below it; the first is set in bold type.
        """
        if self._shown is not None and self._shown[0] is image and self._shown[1] == "\n".join(caption):
            return
        self._shown = (image, "\n".join(caption))
        pixels = to_uint8(np.nan_to_num(image, nan=0.5, posinf=1.0, neginf=0.0))
        picture = embed_image(pixels, alt_text, exact=max(pixels.shape), class_="dl-image")
        self.html.value = write_html(element("figure", picture, _caption(caption)))

    def show_nothing(self, *caption: str) -> None:
        """Show an empty frame, which cannot be enlarged.

        Parameters
        ----------
        *caption : str
            Lines below it; the first is set in bold type.
        """
        self._shown = None
        self.html.value = write_html(element("figure", element("div", class_="dl-empty"), _caption(caption)))


def _caption(lines: tuple[str, ...]) -> ElementTree.Element:
    rest = (element("div", line) for line in lines[1:])
    return element("figcaption", element("b", lines[0]), *rest)


def figure_html(figure: Figure, alt_text: str) -> str:
    """Return a plot as an HTML image that is sharp at any size.

    Parameters
    ----------
    figure : Figure
        The plot.
    alt_text : str
        What it shows, not yet escaped.

    Returns
    -------
    str
        An `img` element that contains its data.
    """
    width, height = (f"{side * figure.dpi:.0f}" for side in figure.get_size_inches())
    address = data_address(encode_svg(figure), "image/svg+xml")
    return write_html(element("img", alt=alt_text, src=address, width=width, height=height, class_="dl-plot"))


def write_html(part: ElementTree.Element) -> str:
    """Return an element as text.

    Parameters
    ----------
    part : Element
        From `plotting.pages.element`.

    Returns
    -------
    str
        HTML.
    """
    return ElementTree.tostring(part, encoding="unicode", method="html")
