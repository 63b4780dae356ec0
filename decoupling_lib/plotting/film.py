"""The film of a transfer: the target on its way to the reference (Step 2) and back with the new style (Step 3)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..common.atomic_files import atomic_write
from ..engine.legs import Leg
from ..images.pictures import to_uint8
from ..transfers.run import Transfer
from .film_frames import FilmFrames, Frame, enlarge, shrink
from .style import FONT

MAX_FRAMES = 60
"""Maximum number of frames between the target and the result."""
MOVING_SECONDS = 8.0
"""Duration of the legs together; all have the same."""
SHORTEST = 0.04
"""Minimum duration of a frame, in seconds; browsers slow down animations with shorter ones."""
TARGET_SECONDS, REFERENCE_SECONDS, RESULT_SECONDS = 1.5, 1.5, 3.0
"""How long the film stands still."""
GIF_SIDE = 320
"""Longest side of the images of a GIF, in pixels: at 384 pixels a film of two layers took 6 MB."""
_BAR, _LINE, _MARGIN = 4, 17, 8  # pixels
_NARROWEST = 280  # pixels: the width that the text needs


@dataclass(frozen=True)
class Shot:
    """A frame of a film, as it is shown.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        The image.
    seconds : float
        How long it is shown.
    title, text : str
        Where the film is, in a few words and in a sentence.
    error : float
        Relative error of the moving layer; NaN where it is not known.
    leg : Leg or None
        The leg to which it belongs; None for target, reference and result.
    """

    pixels: NDArray[np.uint8]
    seconds: float
    title: str
    text: str
    error: float = np.nan
    leg: Leg | None = None


def arrange_film(transfer: Transfer, frames: FilmFrames) -> list[Shot]:
    """Put the frames of a finished transfer in their order, with durations and captions.

    The first shot is the target and the last one the result; between Steps 2 and 3 the film stands still at the
    reference. Within a leg it advances with the leg's progress: the features of the moving layer move at constant
    speed. In a self-transfer, Step 1 is shown as Step 2, which would repeat it.

    Parameters
    ----------
    transfer : Transfer
        A transfer whose status is "done".
    frames : FilmFrames
        What its run showed.

    Returns
    -------
    list of Shot
        The shots, all of one size; at most `MAX_FRAMES` beside target, reference and result.
    """
    step2, step3 = transfer.routes["step2"], transfer.routes["step3"]
    legs = [*step2.legs, *step3.legs]
    own = np.array_equal(transfer.origin, transfer.target)
    shots = [_still(transfer.target, TARGET_SECONDS, "Target", "The target, as it is.")]
    for number, leg in enumerate(legs):
        if number == len(step2.legs) and number:
            text = "The reference: the target without its style. From here, the style of the origin is imposed."
            shots.append(_still(step2.x, REFERENCE_SECONDS, "At the reference", text))
        found = frames.of_leg(1 if own and leg.step == 2 else leg.step, leg.layer)
        shots += _leg_shots(leg, _thin_out(found, MAX_FRAMES // len(legs)), list(transfer.layers), len(legs))
    text = "The result: the target with the style of the origin."
    shots.append(_still(transfer.result, RESULT_SECONDS, "Result", text))
    shape = shots[0].pixels.shape
    return [replace(shot, pixels=_fit(shot.pixels, shape)) for shot in shots]


def write_gif(path: str | os.PathLike[str], shots: Sequence[Shot]) -> Path:
    """Write a film as an animated GIF, whole or not at all.

    Small images are enlarged by a whole number, each pixel a square. Below them are the title and a bar that shows how
    much of the film has passed.

    Parameters
    ----------
    path : str or path
        The file to write.
    shots : sequence of Shot
        What `arrange_film` returned.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    factor = max(1, GIF_SIDE // max(shots[0].pixels.shape))
    times = np.cumsum([0.0, *(shot.seconds for shot in shots)])
    font = ImageFont.truetype(font_manager.findfont(FONT), 13)
    images = [
        _compose(enlarge(shrink(shot.pixels, GIF_SIDE), factor), shot.title, end / times[-1], font)
        for shot, end in zip(shots, times[1:], strict=True)
    ]
    with atomic_write(path) as sibling:
        images[0].save(
            sibling,
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=[round(100 * shot.seconds) * 10 for shot in shots],  # GIF counts hundredths of a second
            loop=0,
            disposal=1,
        )
    return Path(path)


def _compose(pixels: NDArray[np.uint8], title: str, share: float, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Return a frame of a GIF: the image, a bar and the title below it, in at most 256 colors of its own."""
    height, width = pixels.shape[:2]
    across = max(width, _NARROWEST)
    frame = Image.new("RGB", (across, height + _BAR + _LINE + 2 * _MARGIN), "white")
    frame.paste(Image.fromarray(pixels), ((across - width) // 2, 0))
    draw = ImageDraw.Draw(frame)
    draw.rectangle((0, height, across, height + _BAR - 1), "#d9dce1")
    draw.rectangle((0, height, round(across * share) - 1, height + _BAR - 1), "#1f4fbf")
    draw.text((_MARGIN, height + _BAR + _MARGIN), title, "black", font)
    # Dithering flickers, since its pattern differs from frame to frame, and makes the file several times as large.
    return frame.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _still(image: NDArray[np.floating], seconds: float, title: str, text: str) -> Shot:
    return Shot(shrink(to_uint8(image)), seconds, title, text)


def _fit(pixels: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return an image of the given shape; only a leg that was solved on smaller images has another one."""
    if pixels.shape == shape:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _thin_out(frames: Sequence[Frame], most: int) -> list[Frame]:
    """Return at most so many frames, evenly spaced, without the start of the leg, where the one before ended."""
    moved = [frame for frame in frames if frame.progress > 0]
    if len(moved) <= most:
        return moved
    wanted = np.linspace(1, 0, max(most, 1), endpoint=False)[::-1]
    progress = np.array([frame.progress for frame in moved])
    return [moved[at] for at in sorted({int(np.argmin(np.abs(progress - place))) for place in wanted})]


def _leg_shots(leg: Leg, frames: Sequence[Frame], layers: list[str], legs: int) -> Iterator[Shot]:
    seconds, before = MOVING_SECONDS / legs, 0.0
    for frame in frames:
        title, text = _describe(leg, frame.progress, layers)
        duration = max(SHORTEST, seconds * (frame.progress - before))
        yield Shot(frame.pixels, duration, title, text, _find_error(leg, frame.progress), leg)
        before = frame.progress


def _describe(leg: Leg, progress: float, layers: list[str]) -> tuple[str, str]:
    """Return title and sentence for a place on a leg."""
    share = f"{progress:.0%}"
    if leg.layer not in layers:  # the refinement, or the direct method: all layers together
        what = "All layers move together toward the style of the origin"
        return f"Step 3 · all layers · {share}", f"Step 3 imposes the style. {what}: {share} of this part is done."
    held = layers[: layers.index(leg.layer)]
    below = f" {_join(held)} {'is' if len(held) == 1 else 'are'} held at the reference." if held else ""
    step, aim = (
        ("Step 2 removes the style", "the reference")
        if leg.step < 3
        else ("Step 3 imposes the style", "the style of the origin")
    )
    return (
        f"Step {leg.step} · {leg.layer} · {share}",
        f"{step}. Layer {leg.layer} is {share} of the way to {aim}.{below}",
    )


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _find_error(leg: Leg, progress: float) -> float:
    """Return the relative error at a place of a leg; NaN if the curve does not say where its points are."""
    if len(leg.grid) != len(leg.curve) or not leg.grid:
        return np.nan
    return float(np.interp(progress, leg.grid, [error for _, error in leg.curve]))
