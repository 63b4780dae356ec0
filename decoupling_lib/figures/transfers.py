"""Figures 1.2, 2.9 and 4.1 to 4.4: a transfer, its steps, a self-transfer, and how their legs went."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ..images.noise import uniform_noise
from ..images.quality import psnr, ssim
from ..plotting.diagrams import show_flow
from ..plotting.style import show_picture
from ..plotting.transfers import STEP_TITLES, show_curve
from ..transfers.network_source import NetworkSource
from ..transfers.options import Options
from .spec import Entry, Made, canvas

if TYPE_CHECKING:
    from ..transfers.run import Transfer
    from ..transfers.setup import Experiment

PICTURES = ("coffee", "china")
"""The style's and the content's, of the transfer; the second is also the self-transfer's."""
SIDE = 96  # pixels
REFINEMENTS = 6
"""Fewer than the default, which brings the second layer nearer to the style asked for, in three times the passes."""
_PACKAGES = ("numpy", "tensorflow", "scipy", "scikit-image", "matplotlib")


def transfer_example(source: NetworkSource) -> Made:
    """Figure 1.2: what style transfer is, by an example."""
    experiment, result = _run(source, *PICTURES)
    titles = (f"origin: {PICTURES[0]}\ngives the style", f"target: {PICTURES[1]}\ngives the content", "result\n")
    pictures = (result.origin, result.target, result.paths["step3"].x)
    return _made(_row(list(zip(pictures, titles, strict=True))), experiment, result)


def steps(source: NetworkSource) -> Made:
    """Figure 2.9: how Steps 0 to 3 lead from picture to picture."""
    experiment, result = _run(source, *PICTURES)
    figure = canvas(9, 7)
    pictures = {
        "origin": result.origin,
        "origin_noisified": result.paths["step1"].x,
        "noise": uniform_noise((SIDE, SIDE), experiment.options.seed),
        "target": result.target,
        "target_noisified": result.paths["step2"].x,
        "result": result.paths["step3"].x,
    }
    show_flow(figure.add_subplot(), pictures)
    return _made(figure, experiment, result)


def transfer_pictures(source: NetworkSource) -> Made:
    """Figure 4.1: the style of one picture on another, two layers."""
    experiment, result = _run(source, *PICTURES)
    one, two, three = (result.paths[step].x for step in ("step1", "step2", "step3"))
    shown = [
        (result.origin, f"Origin: {PICTURES[0]}\ngives the style"),
        (one, "Origin noisified\nStep 1"),
        (result.target, f"Target: {PICTURES[1]}\ngives the content"),
        (two, "Target noisified\nStep 2"),
        (three, "Result\nStep 3"),
    ]
    return _made(_row(shown), experiment, result)


def self_transfer_pictures(source: NetworkSource) -> Made:
    """Figure 4.2: a picture's own style, taken off and imposed again."""
    experiment, result = _run(source, PICTURES[1], PICTURES[1])
    last = result.paths["step3"].x
    said = f"PSNR {psnr(last, result.origin):.0f} dB, SSIM {ssim(last, result.origin):.3f}"
    shown = [
        (result.origin, f"Origin and target: {PICTURES[1]}"),
        (result.paths["step1"].x, "Noisified, Steps 1 and 2"),
        (last, f"Result, Step 3\n{said}"),
    ]
    return _made(_row(shown), experiment, result)


def transfer_curves(source: NetworkSource) -> Made:
    """Figure 4.3: how far each layer is from where it is to go, in the three steps of the transfer."""
    experiment, result = _run(source, *PICTURES)
    return _made(_curves(result, ("step1", "step2", "step3")), experiment, result)


def self_transfer_curves(source: NetworkSource) -> Made:
    """Figure 4.4: the same for the self-transfer, which needs no Step 2."""
    experiment, result = _run(source, PICTURES[1], PICTURES[1])
    return _made(_curves(result, ("step1", "step3")), experiment, result)


@lru_cache(maxsize=2)
def _run(source: NetworkSource, origin: str, target: str) -> tuple[Experiment, Transfer]:
    """A transfer with the defaults for two layers; its pictures and its curves are two figures of one run."""
    from ..transfers.setup import prepare

    options = Options(size=(SIDE, SIDE), network=source.architecture, weights=source.weights, refinements=REFINEMENTS)
    experiment = prepare(origin, target, options)
    return experiment, experiment.run()


def _row(shown: Sequence[tuple[np.ndarray, str]]) -> Figure:
    figure = canvas(2.4 * len(shown), 3.5)
    for ax, (picture, title) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        show_picture(ax, picture, title)
    return figure


def _curves(result: Transfer, steps: Sequence[str]) -> Figure:
    figure = canvas(4.2 * len(steps), 4.8)
    for ax, step in zip(figure.subplots(1, len(steps), sharey=True), steps, strict=True):
        show_curve(ax, result.paths[step].legs, list(result.layers))
        ax.set_title(STEP_TITLES[int(step[-1]) - 1], fontsize=9)
        ax.label_outer()
    return figure


def _made(figure: Figure, experiment: Experiment, result: Transfer) -> Made:
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
    return Made(figure, parameters, _PACKAGES, experiment.network, options.seed)


_PHOTOGRAPHS = (
    "The thesis's photographs of Oxford and El Cabañal are not public: openly licensed ones stand in for them."
)
_METHOD = (
    "The legs are the damped lift, not the annex's descent: they end at the reference, hold the lower layers, "
    "and come back."
)
_AXES = "Relative errors against network passes, where the thesis draws mean squared errors against iterations."

ENTRIES = (
    Entry("1.2", "A style transfer", f"{_PHOTOGRAPHS} The method is the kit's.", transfer_example, seconds=200),
    Entry(
        "2.9",
        "The flow of Steps 0 to 3",
        "The thesis draws a scheme; here every picture is that of a real transfer, the one of figure 4.1.",
        steps,
        seconds=1,
    ),
    Entry("4.1", "Transfer with two layers", f"{_PHOTOGRAPHS} {_METHOD}", transfer_pictures, seconds=1),
    Entry("4.2", "Self-transfer with two layers", f"{_PHOTOGRAPHS} {_METHOD}", self_transfer_pictures, seconds=50),
    Entry("4.3", "How the legs of the transfer went", f"{_AXES} {_METHOD}", transfer_curves, seconds=1),
    Entry("4.4", "How the legs of the self-transfer went", f"{_AXES} {_METHOD}", self_transfer_curves, seconds=1),
)
