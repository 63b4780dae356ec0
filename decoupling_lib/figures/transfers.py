"""Figures 1.2, 2.9 and 4.1 to 4.4: a transfer, its steps, a self-transfer, and the error curves of their legs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..images.noise import uniform_noise
from ..images.quality import psnr, ssim
from ..plotting.diagrams import show_flow
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, show_picture
from ..plotting.transfers import STEP_TITLES, show_curve
from ..transfers.network_source import NetworkSource
from ..transfers.options import Options
from .kept_transfers import open_journal
from .spec import DrawnFigure, FigureSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..transfers.run import Transfer
    from ..transfers.setup import Experiment

PICTURES = ("coffee", "china")
"""The style and the content of the transfer; the second is also the picture of the self-transfer."""
SIDE = 96
"""Side of the images in pixels."""
REFINEMENTS = 6
"""Maximum number of refinement steps: fewer than the default, which brings the second layer closer to the requested
style, for three times the passes."""
_PACKAGES = ("numpy", "tensorflow", "scipy", "scikit-image", "matplotlib")


@kit_settings
def _transfer_example(source: NetworkSource) -> DrawnFigure:
    """Draw figure 1.2: an example of a style transfer."""
    experiment, result = _run(source, *PICTURES)
    titles = (f"origin: {PICTURES[0]}\ngives the style", f"target: {PICTURES[1]}\ngives the content", "result\n")
    images = (result.origin, result.target, result.routes["step3"].x)
    return _describe(_draw_row(list(zip(images, titles, strict=True))), experiment, result)


@kit_settings
def _steps(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.9: how Steps 0 to 3 lead from image to image."""
    experiment, result = _run(source, *PICTURES)
    figure = new_figure(9, 7)
    images = {
        "origin": result.origin,
        "origin_noisified": result.routes["step1"].x,
        "noise": uniform_noise((SIDE, SIDE), experiment.options.seed),
        "target": result.target,
        "target_noisified": result.routes["step2"].x,
        "result": result.routes["step3"].x,
    }
    show_flow(figure.add_subplot(), images)
    return _describe(figure, experiment, result)


@kit_settings
def _transfer_images(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.1: the style of one picture transferred to another, with two layers."""
    experiment, result = _run(source, *PICTURES)
    one, two, three = (result.routes[step].x for step in ("step1", "step2", "step3"))
    images = [
        (result.origin, f"Origin: {PICTURES[0]}\ngives the style"),
        (one, "Origin noisified\nStep 1"),
        (result.target, f"Target: {PICTURES[1]}\ngives the content"),
        (two, "Target noisified\nStep 2"),
        (three, "Result\nStep 3"),
    ]
    return _describe(_draw_row(images), experiment, result)


@kit_settings
def _self_transfer_images(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.2: a picture's own style, removed and imposed again."""
    experiment, result = _run(source, PICTURES[1], PICTURES[1])
    last = result.routes["step3"].x
    quality = f"PSNR {psnr(last, result.origin):.0f} dB, SSIM {ssim(last, result.origin):.3f}"
    images = [
        (result.origin, f"Origin and target: {PICTURES[1]}"),
        (result.routes["step1"].x, "Noisified, Steps 1 and 2"),
        (last, f"Result, Step 3\n{quality}"),
    ]
    return _describe(_draw_row(images), experiment, result)


@kit_settings
def _transfer_curves(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.3: each layer's distance from its target in the three steps of the transfer."""
    experiment, result = _run(source, *PICTURES)
    return _describe(_draw_curves(result, ("step1", "step2", "step3")), experiment, result)


@kit_settings
def _self_transfer_curves(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.4: the same for the self-transfer, which needs no Step 2."""
    experiment, result = _run(source, PICTURES[1], PICTURES[1])
    return _describe(_draw_curves(result, ("step1", "step3")), experiment, result)


@lru_cache(maxsize=2)
def _run(source: NetworkSource, origin: str, target: str) -> tuple[Experiment, Transfer]:
    """Run a transfer with the defaults for two layers; kept, because its images and its curves are two figures."""
    from ..runs.execute import execute
    from ..transfers.setup import gather_inputs

    options = Options(
        size=(SIDE, SIDE),
        network=source.architecture,
        weights=source.weights,
        reference="noise",  # the thesis's
        refinements=REFINEMENTS,
    )
    inputs = gather_inputs(origin, target, options)
    with open_journal(inputs) as journal:
        done = execute(inputs, journal=journal)
    return done.experiment, done.transfer


def _draw_row(images: Sequence[tuple[np.ndarray, str]]) -> Figure:
    figure = new_figure(2.4 * len(images), 3.5)
    for ax, (image, title) in zip(figure.subplots(1, len(images)), images, strict=True):
        show_picture(ax, image, title)
    return figure


def _draw_curves(result: Transfer, steps: Sequence[str]) -> Figure:
    figure = new_figure(4.2 * len(steps), 4.8)
    for ax, step in zip(figure.subplots(1, len(steps), sharey=True), steps, strict=True):
        show_curve(ax, result.routes[step].legs, list(result.layers))
        ax.set_title(STEP_TITLES[int(step[-1]) - 1], fontsize=9)
        ax.label_outer()
    return figure


def _describe(figure: Figure, experiment: Experiment, result: Transfer) -> DrawnFigure:
    options = experiment.options
    parameters: dict[str, Any] = {
        "origin": experiment.origin.name,
        "target": experiment.target.name,
        "side in pixels": SIDE,
        "steps a leg": experiment.settings.steps,
        "rule": experiment.settings.rule,
        "damping": options.damping,
        "refinement steps at most": experiment.settings.refinements,
        "passes": result.passes.total,
    }
    parameters |= {f"style of {layer} off by": f"{off:.1%}" for layer, off in result.style_relative_error.items()}
    return DrawnFigure(figure, parameters, _PACKAGES, experiment.network, options.seed)


_PHOTOGRAPHS = "The thesis's photographs of Oxford and El Cabañal are not public; openly licensed ones replace them."
_METHOD = (
    "The legs follow the damped lift, not the annex's descent: they end at the reference, hold the lower layers, "
    "and can be retraced."
)
_AXES = "Relative errors against network passes; the thesis draws mean squared errors against iterations."

SPECS = (
    FigureSpec(
        "1.2", "A style transfer", f"{_PHOTOGRAPHS} The method is that of the kit.", _transfer_example, seconds=200
    ),
    FigureSpec(
        "2.9",
        "The flow of Steps 0 to 3",
        "The thesis draws a schematic; here every image comes from a real transfer, that of figure 4.1.",
        _steps,
        seconds=1,
    ),
    FigureSpec("4.1", "Transfer with two layers", f"{_PHOTOGRAPHS} {_METHOD}", _transfer_images, seconds=1),
    FigureSpec("4.2", "Self-transfer with two layers", f"{_PHOTOGRAPHS} {_METHOD}", _self_transfer_images, seconds=50),
    FigureSpec("4.3", "Error curves of the transfer", f"{_AXES} {_METHOD}", _transfer_curves, seconds=1),
    FigureSpec("4.4", "Error curves of the self-transfer", f"{_AXES} {_METHOD}", _self_transfer_curves, seconds=1),
)
"""The figures of this module."""
