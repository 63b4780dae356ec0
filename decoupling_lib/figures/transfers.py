"""Figures 1.2, 2.9 and 4.1 to 4.4: a transfer, its steps, a self-transfer, and the error curves of their legs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.distances import block_error
from ..engine.features import block_slices
from ..images.noise import uniform_noise
from ..images.quality import psnr, ssim
from ..plotting.diagrams import show_flow
from ..plotting.settings import kit_settings
from ..plotting.style import line_look, new_figure, show_picture
from ..plotting.transfers import STEP_TITLES, show_curve, show_legend_below
from ..transfers.network_source import NetworkSource
from ..transfers.options import Options
from .annex import AnnexRun, run_annex
from .kept_transfers import open_journal
from .spec import DrawnFigure, FigureSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from ..engine.normalization import Route
    from ..transfers.run import Transfer
    from ..transfers.setup import Experiment

PICTURES = ("coffee", "china")
"""The style and the content of the transfer; the second is also the picture of the self-transfer."""
SIDE = 150
"""Side of the images in pixels: the thesis's."""
ANNEX_ITERATIONS = 2000
"""Iterations per leg of the annex's descent in figures 4.2 and 4.4; the thesis ran 50,000, which would take hours."""
_ITERATIONS_PER_LEG = "{:,} iterations per leg (thesis: 50,000)"
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
    """Draw figure 4.2: a picture's own style, removed and imposed again, by the kit and by the annex's descent."""
    experiment, result = _run(source, PICTURES[1], PICTURES[1])
    annex = run_annex(source, PICTURES[1], SIDE, ANNEX_ITERATIONS)
    figure = new_figure(9, 8.3)
    grid = figure.add_gridspec(2, 3)
    show_picture(figure.add_subplot(grid[:, 0], label="origin"), result.origin, f"Origin and target: {PICTURES[1]}")
    rows = (
        ("Kit", "", experiment, result.routes["step1"].x, result.routes["step3"].x),
        ("Annex", _ITERATIONS_PER_LEG, annex.experiment, annex.step1.x, annex.step3.x),
    )
    for row, (name, note, own, noisified, last) in enumerate(rows):
        errors = "\n".join(
            f"{layer}: {off:.1%} from the reference" for layer, off in _errors_left(own, noisified).items()
        )
        quality = f"PSNR {psnr(last, result.origin):.0f} dB\nSSIM {ssim(last, result.origin):.3f}"
        titles = f"{name}: noisified, Steps 1 and 2\n{errors}", f"{name}: result, Step 3\n{quality}"
        for column, (image, title) in enumerate(zip((noisified, last), titles, strict=True), start=1):
            ax = figure.add_subplot(grid[row, column], label=f"{name} {column}")
            show_picture(ax, image, title)
            ax.set_xlabel(note.format(ANNEX_ITERATIONS), fontsize=9)
    return _describe(figure, experiment, result, annex)


@kit_settings
def _transfer_curves(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.3: each layer's distance from its target in the three steps of the transfer."""
    experiment, result = _run(source, *PICTURES)
    steps = ("step1", "step2", "step3")
    figure = new_figure(4.2 * len(steps), 4.8)
    _show_curves(figure.subplots(1, len(steps), sharey=True), {step: result.routes[step] for step in steps}, result)
    return _describe(figure, experiment, result)


@kit_settings
def _self_transfer_curves(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.4: the same for the self-transfer, which needs no Step 2, by the kit and by the annex's descent.

    The annex's Step 3 has the deepest layer's curve, and the curve that the annex plots in its place.
    """
    experiment, result = _run(source, PICTURES[1], PICTURES[1])
    annex = run_annex(source, PICTURES[1], SIDE, ANNEX_ITERATIONS)
    figure = new_figure(9, 9.6)
    above, below = figure.subplots(2, 2, sharey=True)
    own = {step: result.routes[step] for step in ("step1", "step3")}
    lines = _show_curves(above, own, result, "Kit: the damped lift")
    heading = f"Annex: descent, {_ITERATIONS_PER_LEG.format(ANNEX_ITERATIONS)}"
    slow = _show_curves(below, {"step1": annex.step1, "step3": annex.step3}, result, heading)
    first, *_, deepest = result.layers
    label = f"{first} meanwhile: plotted by\nthe annex in place of {deepest}"
    (slip,) = below[1].plot(*annex.plotted.T, **line_look(3), linewidth=1.4, markersize=4.5, label=label)
    slip.set(markerfacecolor="white", markevery=max(1, len(annex.plotted) // 7))
    show_legend_below(below[1], [*slow[1], slip])
    legs = (*own["step1"].legs, *annex.step1.legs, *annex.step3.legs)
    _cut_off(above[1], lines[1], 0.5 * min(leg.relative_error for leg in legs))
    return _describe(figure, experiment, result, annex)


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
        refinements=0,  # the thesis has none
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


def _show_curves(
    axes: Iterable[Axes], routes: Mapping[str, Route], result: Transfer, heading: str = ""
) -> list[list[Line2D]]:
    """Show the error curves of some steps side by side; return the lines of each."""
    lines = []
    for ax, (step, route) in zip(axes, routes.items(), strict=True):
        lines.append(show_curve(ax, route.legs, list(result.layers)))
        ax.set_title(f"{heading}\n{STEP_TITLES[int(step[-1]) - 1]}".strip(), fontsize=9)
        if len(lines) > 1:
            ax.set_ylabel("")
    return lines


def _cut_off(ax: Axes, lines: Iterable[Line2D], floor: float) -> None:
    """End the error axis at a floor, so that curves above it can be told apart, and note where lower ones end."""
    ax.set_ylim(bottom=floor)
    for line in lines:
        passes, errors = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if errors[-1] < floor:
            place = passes[np.flatnonzero(errors >= floor)[-1]], floor
            ax.annotate(f"ends at {errors[-1]:.0e} ", place, (0, 6), textcoords="offset points", ha="right", fontsize=8)


def _errors_left(experiment: Experiment, x: np.ndarray) -> dict[str, float]:
    """Return the relative error of each layer of an image from the reference."""
    features, (values, live) = experiment.features, (experiment.reference.values, experiment.reference.live)
    f = features.map.values(x)
    return {layer: block_error(f[s], values[s], live[s]) for layer, s in block_slices(features.blocks).items()}


def _describe(figure: Figure, experiment: Experiment, result: Transfer, annex: AnnexRun | None = None) -> DrawnFigure:
    options = experiment.options
    parameters: dict[str, Any] = {
        "origin": experiment.origin.name,
        "target": experiment.target.name,
        "side in pixels": SIDE,
        "steps per leg": experiment.settings.steps,
        "rule": experiment.settings.rule,
        "damping": options.damping,
        "passes": result.passes.total,
    }
    parameters |= {f"style of {layer} off by": f"{off:.1%}" for layer, off in result.style_relative_error.items()}
    if annex is not None:
        network = annex.experiment.network.describe()
        parameters |= {
            "annex's iterations per leg": ANNEX_ITERATIONS,
            "annex's passes": annex.passes,
            "annex's network": f"{network['activation']}, {network['pooling']} pooling",
        }
    return DrawnFigure(figure, parameters, _PACKAGES, experiment.network, options.seed)


_PHOTOGRAPHS = "The thesis's photographs of Oxford and El Cabañal are not public; openly licensed ones replace them."
_METHOD = (
    "The legs follow the damped lift, not the annex's descent: they end at the reference, hold the lower layers, "
    "and can be retraced."
)
_AXES = "Relative errors against network passes; the thesis draws mean squared errors against iterations."
_ANNEX = (
    f"the annex's own descent, slips included, with ReLU and maximum pooling and {ANNEX_ITERATIONS:,} iterations per "
    "leg; the thesis ran 50,000, which would take hours."
)
_INDEX = "In Step 3 the annex's code takes the losses in reverse order and numbers them in the usual order"

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
    FigureSpec(
        "4.2",
        "Self-transfer with two layers",
        f"{_PHOTOGRAPHS} Above, the kit. {_METHOD} Below, {_ANNEX} It has come part of the way to the reference, as "
        "the percentages say; an image that has moved less returns more easily.",
        _self_transfer_images,
        seconds=300,
        needs_keras=True,
    ),
    FigureSpec(
        "4.3",
        "Error curves of the transfer",
        f"{_AXES} {_METHOD} Each curve is that of the layer that moves. {_INDEX}, so that its figure shows the first "
        "layer throughout Step 3; figure 4.4 tells the two apart.",
        _transfer_curves,
        seconds=1,
    ),
    FigureSpec(
        "4.4",
        "Error curves of the self-transfer",
        f"{_AXES} Above, the kit. {_METHOD} Below, {_ANNEX} {_INDEX}: while the second layer moves, it plots the "
        "first one's loss (dotted). The dashed curve is that of the second layer.",
        _self_transfer_curves,
        seconds=1,
        needs_keras=True,
    ),
)
"""The figures of this module."""
