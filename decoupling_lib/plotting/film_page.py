"""The page of a film: one HTML file in which the film is played, or moved by hand frame by frame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from matplotlib.figure import Figure

from ..common import validation
from ..common.arrays import Floats
from ..common.atomic_files import write_text
from ..common.errors import input_error
from ..images.pictures import to_uint8
from ..transfers.run import Transfer
from .film import Shot, arrange_film, write_gif
from .film_frames import FilmFrames, shrink
from .pages import data_address, element, embed_image, write_page
from .settings import kit_settings
from .style import encode_figure, line_look, new_figure

EXACT_SIDE = 128
"""Longest side in pixels up to which frames are embedded as PNG. At 256 pixels that takes 8 MB, and JPEG 2."""
_LEFT, _BOTTOM, _WIDTH, _HEIGHT = 0.13, 0.04, 0.85, 0.74  # the axes of the curves, as shares of their figure
_CURSOR = f"left: {_LEFT:.0%}; top: {1 - _BOTTOM - _HEIGHT:.0%}; bottom: {_BOTTOM:.0%}"
_INTRODUCTION = "Step 2 leads the target to the reference, where it has no style. Step 3 leads it back with a new one."
_KEYS = "Space plays and pauses; ← and → show the frame before and the next one; Home and End lead to the ends."
_STYLE = """
.film { display: grid; gap: 1.25rem 2rem; align-items: start; margin: 1rem 0 1.5rem; }
@media (min-width: 60rem) { .film { grid-template-columns: auto minmax(22rem, 1fr); } }
.frames { display: grid; width: min(100%, 60rem, calc(76vh * var(--aspect))); background: var(--raised); }
@media (min-width: 60rem) { .frames { width: min(54vw, 60rem, calc(82vh * var(--aspect))); } }
.frames img { grid-area: 1 / 1; width: 100%; height: auto; visibility: hidden; border-radius: 3px; }
.frames img.shown { visibility: visible; }
#place { font-weight: 600; font-size: 1.1rem; font-variant-numeric: tabular-nums; margin: 0; }
#caption { min-height: 4.5em; margin: .2rem 0 .6rem; }
.controls { display: flex; gap: .75rem; align-items: center; max-width: 40rem; }
.controls input { flex: 1; min-width: 0; accent-color: var(--accent); height: 2rem; }
button { font: inherit; padding: .35rem .8rem; border: 1px solid var(--line); border-radius: 6px; cursor: pointer;
  background: var(--raised); color: var(--ink); min-width: 5.2rem; min-height: 2.75rem; }
.jumps { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; }
.curves { position: relative; max-width: 40rem; margin-top: 1rem; }
.curves i { position: absolute; width: 2px; margin-left: -1px; background: #d0342c; }
.origin { width: min(11rem, 45%); margin-top: 1.25rem; }
@media (hover: none) { .keys { display: none; } }
@media print { .controls, .jumps, .keys { display: none; } }
"""
_SCRIPT = """
"use strict";
const images = [...document.querySelectorAll(".frames img")], find = (name) => document.getElementById(name);
const slider = find("slider"), button = find("play"), cursor = find("cursor");
let at = 0, timer = null;
function show(next) {
  images[at].classList.remove("shown");
  at = Math.min(Math.max(next, 0), images.length - 1);
  const image = images[at];
  image.classList.add("shown");
  slider.value = at;
  slider.setAttribute("aria-valuetext", image.dataset.title);
  find("place").textContent = image.dataset.title;
  find("caption").textContent = image.alt;
  if (cursor) cursor.style.left = image.dataset.place + "%";
}
function pause() { clearTimeout(timer); timer = null; button.textContent = "Play"; }
function advance() {
  timer = setTimeout(() => {
    if (at + 1 === images.length) return pause();
    show(at + 1);
    advance();
  }, Number(images[at].dataset.ms));
}
function toggle() {
  if (timer !== null) return pause();
  button.textContent = "Pause";
  if (at + 1 === images.length) show(0);
  advance();
}
function jump(next) { pause(); show(next); }
button.addEventListener("click", toggle);
slider.addEventListener("input", () => jump(Number(slider.value)));
for (const each of document.querySelectorAll("[data-jump]"))
  each.addEventListener("click", () => jump(Number(each.dataset.jump)));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: images.length - 1 };
  if (event.key === " " && event.target.tagName !== "BUTTON") toggle();
  else if (event.key in steps && event.target !== slider) jump(steps[event.key]);
  else return;
  event.preventDefault();
});
for (const each of document.querySelectorAll(".live")) each.hidden = false;
show(0);
"""


def write_film(
    transfer: Transfer,
    frames: FilmFrames,
    folder: str | os.PathLike[str],
    names: tuple[str, str] = ("origin", "target"),
) -> tuple[Path, Path]:
    """Write the film of a transfer twice, as an animated GIF and as a page in which it can be moved by hand.

    Parameters
    ----------
    transfer : Transfer
        A transfer whose status is "done".
    frames : FilmFrames
        The frames of its run, whose method `listen` was the run's callback.
    folder : str or path
        Receives `film.gif` and `film.html`; it is created if necessary.
    names : tuple of str
        What the page calls origin and target.

    Returns
    -------
    tuple of Path
        The two files.

    Raises
    ------
    InputError
        If the transfer has not ended, or the folder cannot be used.
    OSError
        If a file cannot be written.
    """
    if transfer.status != "done":
        step = "run it to its end"
        raise input_error("transfer", "cannot be shown as a film", transfer.status, "a finished transfer", step)
    place, shots = validation.output_folder(folder), arrange_film(transfer, frames)
    return write_gif(place / "film.gif", shots), write_film_page(place / "film.html", shots, transfer.origin, names)


def write_film_page(
    path: str | os.PathLike[str], shots: Sequence[Shot], origin: Floats, names: tuple[str, str], note: str = ""
) -> Path:
    """Write a film as a page that needs nothing but a browser, whole or not at all.

    Parameters
    ----------
    path : str or path
        The file to write.
    shots : sequence of Shot
        What `film.arrange_film` returned.
    origin : ndarray, shape (H, W, 3)
        The image that gives the style, shown beside the film.
    names : tuple of str
        The names of origin and target.
    note : str
        Small print: the network and the settings.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    first, second = names
    own = np.array_equal(shrink(to_uint8(origin)), shots[0].pixels)  # the names do not tell: files may share one
    title = f"{second}: to the reference and back" if own else f"{second} takes the style of {first}"
    ends = np.cumsum([shot.seconds for shot in shots])
    places = (ends - np.array([shot.seconds for shot in shots]) / 2) / ends[-1]
    height, width = shots[0].pixels.shape[:2]
    frames = [
        embed_image(
            shot.pixels, shot.text, EXACT_SIDE, data_title=shot.title, data_ms=str(round(1000 * shot.seconds)),
            data_place=f"{100 * (_LEFT + _WIDTH * place):.2f}",
        )
        for shot, place in zip(shots, places, strict=True)
    ]  # fmt: skip
    frames[0].set("class", f"{frames[0].get('class', '')} shown".strip())  # what is seen without JavaScript
    stills = [(at, shot.title) for at, shot in enumerate(shots) if shot.leg is None]
    slider = element(
        "input", type="range", id="slider", min="0", max=str(len(shots) - 1), value="0", step="1",
        aria_label="Place in the film",
    )  # fmt: skip
    jumps = (element("button", name, type="button", data_jump=str(at)) for at, name in stills)
    controls = element(
        "div",
        element("div", element("button", "Play", id="play", type="button"), slider, class_="controls"),
        element("div", *jumps, class_="jumps"),
        element("p", _KEYS, class_="soft keys"),
        class_="live",
        hidden="",
    )
    side = element(
        "div",
        element("p", shots[0].title, id="place"),
        element("p", shots[0].text, id="caption"),
        controls,
        element(
            "noscript",
            element("p", "The film needs JavaScript, which this browser does not run; film.gif shows it too."),
        ),
        _curves(shots, places),
        None if own else _show_origin(origin, first),
    )
    box = element("div", *frames, class_="frames", style=f"--aspect: {width / height:.4f}")
    body = [
        element("h1", title),
        element("p", _INTRODUCTION),
        element("div", box, side, class_="film"),
        element("p", note, class_="soft") if note else None,
    ]
    return write_text(path, write_page(title, *body, style=_STYLE, script=_SCRIPT))


def _show_origin(origin: Floats, name: str) -> ElementTree.Element:
    image = embed_image(shrink(to_uint8(origin)), f"The origin, which gives the style: {name}", EXACT_SIDE)
    return element("figure", image, element("figcaption", element("b", "Origin"), f": {name}"), class_="origin")


def _curves(shots: Sequence[Shot], places: Floats) -> ElementTree.Element | None:
    """Return the errors of the moving layers during the film, with a line that moves along; None without errors."""
    if not any(np.isfinite(shot.error) and shot.error > 0 for shot in shots):
        return None
    source = data_address(encode_figure(_draw_curves(shots, places)), "image/png")
    alt = "Curves: for each leg of the film, how far the moving layer is from its aim, on a logarithmic scale"
    image = element("img", src=source, alt=alt, class_="plot")
    line = element("i", id="cursor", style=_CURSOR)
    caption = element(
        "figcaption",
        "How far the moving layer's channel means are from their aim. The red line marks the frame that is shown.",
    )
    return element("figure", element("div", image, line, class_="curves"), caption)


@kit_settings
def _draw_curves(shots: Sequence[Shot], places: Floats) -> Figure:
    figure = new_figure(4.6, 2.7, dpi=200, layout=None)
    ax = figure.add_axes((_LEFT, _BOTTOM, _WIDTH, _HEIGHT))
    moving = [(shot.leg, place, shot.error) for shot, place in zip(shots, places, strict=True) if shot.leg is not None]
    layers: list[str] = []
    for _, group in groupby(moving, key=lambda each: id(each[0])):
        legs, at, errors = zip(*group, strict=True)
        layer = legs[0].layer
        label = None if layer in layers else "all layers" if "+" in layer else layer
        layers += [] if label is None else [layer]
        look = line_look(layers.index(layer))
        shown = [error if error > 0 else np.nan for error in errors]
        ax.plot(at, shown, **look, label=label, linewidth=1.4, markersize=3, markevery=4)
    for step, group in groupby(moving, key=lambda each: each[0].step):
        middle = np.mean([place for _, place, _ in group])
        ax.text(middle, 1.02, f"Step {step:d}", transform=ax.get_xaxis_transform(), ha="center", fontsize=8)
    ax.set(xlim=(0, 1), xticks=[], yscale="log")
    ax.set_ylabel("relative error", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        loc="upper left", bbox_to_anchor=(_LEFT - 0.02, 1.0), ncols=3, frameon=False, fontsize=7, handlelength=3
    )
    return figure
