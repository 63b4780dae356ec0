"""Making a style flow: a transfer between two small images, of which only what it has solved for is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..common.arrays import Floats, Mask
from ..common.errors import input_error
from ..engine.features import block_slices
from ..engine.fixed_curve import Curve, join_grids
from ..engine.leg_state import Guide
from ..images.pictures import Picture
from .options import Options
from .run import Transfer
from .setup import Experiment, Source, prepare
from .style_flow import FlowLeg, ImageRecord, StyleFlow
from .tuning import FLOW_DAMPING, FLOW_REFERENCE


def flow_options(options: Options) -> Options:
    """Return options as a flow needs them, with its own reference and damping where none was chosen.

    Parameters
    ----------
    options : Options
        What the user chose; its method is the decoupled one, and its rule the symmetric one.

    Returns
    -------
    Options
        Without corrections and refinements, which are not part of the legs themselves.

    Raises
    ------
    InputError
        For another method, a network with kinks, or what changes an image besides the legs.
    """
    if options.method != "decoupled":
        raise input_error("method", "has no multipliers", options.method, "decoupled", "leave it out")
    if options.rule not in (None, "symmetric"):
        raise input_error("rule", "has no multipliers", options.rule, "symmetric", "leave it out")
    if options.has_kinks:
        kinks = f"{options.activation}, {options.pooling}"
        accepted = "softplus or gaussian, with smooth or average pooling"
        raise input_error("network", "has kinks, and no multipliers", kinks, accepted, "leave activation and pooling")
    for name in ("mask", "origin_mask", "keep_colors", "colors_only", "smoothing"):
        if getattr(options, name):
            raise input_error(
                name.replace("_", " "), "is not part of a flow", getattr(options, name), "none", "omit it"
            )
    return replace(
        options,
        reference=FLOW_REFERENCE if options.reference is None else options.reference,
        damping=FLOW_DAMPING if options.damping is None else options.damping,
        smoothing=0.0,
        corrections=0,
        refinements=0,
    )


def make_flow(origin: Source, target: Source, options: Options | None = None) -> StyleFlow:
    """Solve a transfer between two images, made small by the options, and keep its flow.

    Parameters
    ----------
    origin, target : str, path or ndarray
        The images that give the style and the content: files, names of bundled pictures, or arrays (H, W, 3).
    options : Options, optional
        Default: `Options()`. `flow_options` says what becomes of them.

    Returns
    -------
    StyleFlow
        To be saved by `flow_file.save_flow`, or applied by `flow_application.apply_flow`.

    Raises
    ------
    InputError
        With one line, before anything is computed; also for options that have no multipliers.
    ArithmeticError
        If the transfer does not come to its end.
    """
    experiment = prepare(origin, target, flow_options(Options() if options is None else options))
    transfer = experiment.run()
    if transfer.status != "done":
        raise ArithmeticError(f"the transfer ended early: {transfer.status}")
    return extract_flow(experiment, transfer)


def extract_flow(experiment: Experiment, transfer: Transfer) -> StyleFlow:
    """Return the flow of a finished transfer.

    Parameters
    ----------
    experiment : Experiment
        With options from `flow_options`.
    transfer : Transfer
        Its outcome, with status `done`.
    """
    removal, imposition = (transfer.routes[name] for name in ("step2", "step3"))
    reference, blocks = experiment.reference, experiment.features.blocks
    pixels = int(np.prod(transfer.target.shape[:2]))
    legs = []
    for place, (layer, moving) in enumerate(block_slices(blocks).items()):
        own = reference.damping.leg(place, moving).scales
        ease = np.sqrt(own / reference.damping.scales[: moving.stop])  # held features are damped more in the leg
        there, back = (_to_curve(route.guides[layer], own, pixels, reference.live) for route in (removal, imposition))
        # A step that was halved in one of the legs is taken in halves in both.
        grid = join_grids(there.grid, 1.0 - back.grid[::-1])
        there_gram, back_gram = (
            (ease[:, None] * route.guides[layer].grams[-1] * ease).astype(np.float32) for route in (removal, imposition)
        )
        legs.append(FlowLeg(layer, there.on_grid(grid), back.on_grid(1.0 - grid[::-1]), there_gram, back_gram))
    return StyleFlow(
        network=experiment.network.describe(),
        seed=experiment.options.seed,
        reference=experiment.options.reference,
        values=reference.values,
        live=reference.live,
        delta=reference.damping.delta,
        scales=reference.damping.scales * pixels,
        origin_style=imposition.style,
        target_style=removal.style,
        legs=tuple(legs),
        origin=_record(experiment.origin),
        target=_record(experiment.target),
    )


def _to_curve(guide: Guide, scales: Floats, pixels: int, live: Mask) -> Curve:
    """Return the curve of a solved leg, with multipliers of unscaled features per pixel."""
    return Curve(guide.grid, guide.multipliers * (live[: len(scales)] / np.sqrt(scales)) / pixels)


def _record(picture: Picture) -> ImageRecord:
    height, width = picture.array.shape[:2]
    return ImageRecord(picture.name, picture.sha256, height, width)
