"""An animation inside a notebook or a page: it plays, or is moved by hand, without a kernel and without a network.

Matplotlib's `Animation.to_jshtml` does almost this. It was not used because the symbols on its buttons come from
another server, so that they are blank without a network; because each call makes another random name, so that a
notebook would never be the same when it is executed again; and because nothing is seen where scripts do not run.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from matplotlib.axes import Axes
from PIL import Image

from ..common.errors import input_error
from .pages import data_address, element
from .settings import kit_settings
from .style import encode_figure, new_figure

MAX_FRAMES = 60
"""More would make a notebook too large to hand out."""
_SCRIPT = """(() => {
  const box = document.currentScript.parentElement, frames = JSON.parse(box.querySelector("script").textContent);
  const image = box.querySelector("img"), slider = box.querySelector("input"), button = box.querySelector("button");
  let timer = null;
  const show = (at) => { slider.value = at; image.src = frames[at]; };
  const pause = () => { clearInterval(timer); timer = null; button.textContent = "▶ Play"; };
  const advance = () => Number(slider.value) + 1 < frames.length ? show(Number(slider.value) + 1) : pause();
  button.onclick = () => {
    if (timer !== null) return pause();
    if (Number(slider.value) + 1 === frames.length) show(0);
    button.textContent = "❚❚ Pause";
    timer = setInterval(advance, Number(box.dataset.ms));
  };
  slider.oninput = () => { pause(); show(slider.value); };
  box.querySelector("p").hidden = false;
})();"""


@dataclass(frozen=True, repr=False)
class PlayedFrames:
    """Frames that Jupyter shows with a button to play them and a slider to move them by hand.

    Parameters
    ----------
    frames : tuple of bytes
        WebP files without loss, in order; they have half the size of PNG files.
    still : bytes
        The last frame as a PNG file.
    description : str
        What the animation shows, for readers who do not see it.
    seconds : float
        Time for which each frame is shown while it plays.
    """

    frames: tuple[bytes, ...]
    still: bytes
    description: str
    seconds: float

    def __repr__(self) -> str:
        return f"animation of {len(self.frames)} frames: {self.description}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return the animation for browsers, and its last frame for readers without one."""
        still = base64.b64encode(self.still).decode()
        return {"text/plain": repr(self), "text/html": self.to_html(), "image/png": still}

    def to_html(self) -> str:
        """Return the animation as HTML that needs nothing else; without scripts, the last frame is seen.

        Returns
        -------
        str
            A `div` element.
        """
        sources = [data_address(frame, "image/webp") for frame in self.frames]
        last = str(len(sources) - 1)
        slider = element(
            "input", type="range", min="0", max=last, value=last, step="1",
            style="width: 22em; max-width: 60%; vertical-align: middle;",
            aria_label="Place in the animation",
        )  # fmt: skip
        image = element("img", src=sources[-1], alt=self.description, style="max-width: 100%; height: auto;")
        controls = element("p", element("button", "▶ Play", type="button"), " ", slider, hidden="")
        data, script = element("script", type="application/json"), element("script")
        data.text, script.text = json.dumps(sources), _SCRIPT  # with line breaks, which `element` would escape
        box = element("div", image, controls, data, script, data_ms=str(round(1000 * self.seconds)))
        return ElementTree.tostring(box, "unicode", method="html")


@kit_settings
def animate(
    draw: Callable[[Axes, Any], object],
    values: Sequence[Any],
    description: str,
    size: tuple[float, float] = (6.0, 4.0),
    seconds: float = 0.25,
) -> PlayedFrames:
    """Draw a picture for each of several values, and show them as an animation.

    It opens without a kernel and without a network: in a notebook, in the book, and in a file that was sent by mail.

    Parameters
    ----------
    draw : callable
        Receives empty axes and a value, and draws on the axes. It should set the same limits each time.
    values : sequence
        The values, one per frame, at most 60.
    description : str
        What the animation shows, for readers who do not see it.
    size : tuple of two float
        Width and height in inches, at 80 pixels per inch.
    seconds : float
        Time for which each frame is shown while it plays.

    Returns
    -------
    PlayedFrames
        The frames; Jupyter shows them as the last value of a cell.

    Raises
    ------
    InputError
        If there are no values, or more than 60.
    """
    values = list(values)
    if not 1 <= len(values) <= MAX_FRAMES:
        accepted, step = f"1 to {MAX_FRAMES} values", "show fewer of them"
        raise input_error("animation", "has no frames or too many", f"{len(values)} values", accepted, step)
    frames, still = [], b""
    for value in values:
        figure = new_figure(*size, dpi=80)
        draw(figure.add_subplot(), value)
        still, frame = encode_figure(figure), io.BytesIO()
        Image.open(io.BytesIO(still)).convert("RGB").save(frame, "WEBP", lossless=True, quality=100, method=2)
        frames.append(frame.getvalue())
    return PlayedFrames(tuple(frames), still, description, seconds)
