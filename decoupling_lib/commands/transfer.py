"""`decoupling transfer`: the style of one image on another."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ..common import validation
from ..common.errors import DrawingError, RunEndedError, input_error
from ..transfers.options import AS_THESIS, DEFAULT_MAX_SIDE, Options
from .groups import BASIC, EXPERT, METHOD, NETWORK, NetworkOption, WeightsOption
from .output import FaultError, offer_to_resume, open_output_folder, print_notes
from .transfer_summary import print_summary

DEFAULTS = Options()
_BY_LAYERS = "depends on --layers"
_HOW_TO_DRAW = "repeat the command with --resume to draw them, without computing again"


def transfer_command(
    context: typer.Context,
    origin: Annotated[
        str, typer.Argument(help="The image that gives the style: a file, or the name of a bundled picture.")
    ],
    target: Annotated[
        str, typer.Argument(help="The image that gives the content; the same as ORIGIN for a self-transfer.")
    ],
    out: Annotated[str, typer.Option(help="Folder for the outputs.", rich_help_panel=BASIC)],
    layers: Annotated[
        int, typer.Option(help="Number of style layers, 1 to 5.", rich_help_panel=BASIC)
    ] = DEFAULTS.layers,
    size: Annotated[
        str | None,
        typer.Option(
            help="N or WxH in pixels: resize both images to exactly this, without keeping the aspect ratio.",
            rich_help_panel=BASIC,
        ),
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(
            help="Maximum side in pixels; keeps the aspect ratio.",
            show_default=str(DEFAULT_MAX_SIDE),
            rich_help_panel=BASIC,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the noise, and of random weights.", rich_help_panel=BASIC)
    ] = DEFAULTS.seed,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue an interrupted run in the same folder, to a result that is equal to the bit: from its last "
            "step or, with a rule other than symmetric or a method other than decoupled, from its last leg.",
            rich_help_panel=BASIC,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no estimate, no progress and no summary.", rich_help_panel=BASIC)
    ] = False,
    method: Annotated[
        str, typer.Option(help="decoupled, projected, descent or direct.", rich_help_panel=METHOD)
    ] = DEFAULTS.method,
    reference: Annotated[
        str | None,
        typer.Option(
            help="Images whose features are the reference: noise, natural (noise), photographs, midpoint or target.",
            show_default="midpoint; noise for a self-transfer",
            rich_help_panel=METHOD,
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="Step rule: euler, midpoint, rk4, symmetric or adaptive.",
            show_default="symmetric; rk4 with relu or max",
            rich_help_panel=METHOD,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Number of steps per leg; their maximum with the adaptive rule.",
            show_default="depends on --layers and --rule",
            rich_help_panel=METHOD,
        ),
    ] = None,
    damping: Annotated[
        float | None,
        typer.Option(
            help="How much small gradients are damped, 0 to 100; 0 is the exact lift.",
            show_default=_BY_LAYERS,
            rich_help_panel=METHOD,
        ),
    ] = None,
    iterations: Annotated[
        int,
        typer.Option(help="Maximum iterations per leg of projected, descent and direct.", rich_help_panel=METHOD),
    ] = DEFAULTS.iterations,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Learning rate of descent and projected.",
            show_default="descent: 5e-4; projected: chosen in each iteration",
            rich_help_panel=METHOD,
        ),
    ] = None,
    optimizer: Annotated[
        str, typer.Option(help="Keras optimizer of descent.", rich_help_panel=METHOD)
    ] = DEFAULTS.optimizer,
    as_thesis: Annotated[
        bool,
        typer.Option(
            "--as-thesis", help="As in the thesis's annex: descent, with relu and max.", rich_help_panel=METHOD
        ),
    ] = False,
    network: NetworkOption = None,
    weights: WeightsOption = None,
    layer_set: Annotated[
        str, typer.Option(help="Style layers: thesis (blockN_conv1) or dists.", rich_help_panel=NETWORK)
    ] = DEFAULTS.layer_set,
    activation: Annotated[str, typer.Option(help="softplus or relu.", rich_help_panel=NETWORK)] = DEFAULTS.activation,
    pooling: Annotated[str, typer.Option(help="smooth, average or max.", rich_help_panel=NETWORK)] = DEFAULTS.pooling,
    softness: Annotated[
        float | None,
        typer.Option(
            help="Softness of softplus and smooth pooling, relative to each layer's mean activation.",
            show_default=_BY_LAYERS,
            rich_help_panel=NETWORK,
        ),
    ] = None,
    growth: Annotated[
        float | None,
        typer.Option(
            help="Softness of each convolution relative to the previous one.",
            show_default=_BY_LAYERS,
            rich_help_panel=NETWORK,
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Maximum error per step with the adaptive and symmetric rules.",
            show_default=_BY_LAYERS,
            rich_help_panel=EXPERT,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Relative error at which a leg counts as reached.",
            show_default="decoupled: 0.001; others: 0.01",
            rich_help_panel=EXPERT,
        ),
    ] = None,
    refinements: Annotated[
        int | None,
        typer.Option(
            help="Maximum number of steps after Step 3 that bring the style closer to that of the origin.",
            show_default="depends on --layers; 0 with midpoint and target",
            rich_help_panel=EXPERT,
        ),
    ] = None,
    corrections: Annotated[
        int,
        typer.Option(
            help="Maximum number of steps at the end of each leg of Step 3 that bring its layer to the style.",
            rich_help_panel=EXPERT,
        ),
    ] = DEFAULTS.corrections,
    amplification: Annotated[
        int | None,
        typer.Option(
            help="Measure afterwards how much legs stretch small changes, there and back, by so many products with "
            "their derivative at most. 4 take a few times as long as the transfer.",
            show_default="not measured",
            rich_help_panel=EXPERT,
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            help="mixed, float32 or float64. float64 is slower, for images that do not return well in a self-transfer.",
            rich_help_panel=EXPERT,
        ),
    ] = DEFAULTS.precision,
    noise_draws: Annotated[
        int,
        typer.Option(
            help="Number of images whose mean is the reference, if it is one of noise.", rich_help_panel=EXPERT
        ),
    ] = DEFAULTS.noise_draws,
    annex_slips: Annotated[
        bool,
        typer.Option(
            "--annex-slips",
            help="With descent: the stop rules and the targets of Step 3 as in the annex's code.",
            rich_help_panel=EXPERT,
        ),
    ] = False,
    memory_limit: Annotated[
        int | None,
        typer.Option(
            help="Refuse a run that is estimated to need more memory than this, in MiB.",
            show_default="what is available",
            rich_help_panel=EXPERT,
        ),
    ] = None,
) -> None:
    """Impose the style of ORIGIN on TARGET by decoupled features."""
    began = time.perf_counter()
    choices: dict[str, Any] = {"activation": activation, "pooling": pooling, "method": method, "reference": reference}
    if as_thesis:
        choices = _choose_as_thesis(context, choices)
    shape = validation.size(size) if size is not None else None
    from ..runs.checkpoint import DiskJournal, fingerprint
    from ..runs.execute import execute
    from ..runs.outputs import describe_missing, draw_pictures, find_undrawn, write_report
    from ..runs.progress import CountProgress, RunProgress
    from ..transfers.advice import advise
    from ..transfers.estimate import estimate_run
    from ..transfers.leg_growth import check_growth, count_legs, measure_growth
    from ..transfers.setup import gather_inputs

    options = Options(
        layers=layers,
        layer_set=layer_set,
        size=shape,
        max_side=max_side,
        network=network,
        weights=weights,
        softness=softness,
        growth=growth,
        damping=damping,
        rule=rule,
        steps=steps,
        tolerance=tolerance,
        precision=precision,
        refinements=refinements,
        corrections=corrections,
        threshold=threshold,
        learning_rate=learning_rate,
        optimizer=optimizer,
        iterations=iterations,
        annex_slips=annex_slips,
        noise_draws=noise_draws,
        seed=seed,
        **choices,
    )
    inputs = gather_inputs(origin, target, options, memory_limit)
    if amplification is not None:
        check_growth(inputs, amplification)
    if not quiet:
        print_notes(inputs.origin, inputs.target)
    key = fingerprint(inputs)
    with open_output_folder(out) as folder:
        journal = DiskJournal(folder, key, resume)
        undrawn = find_undrawn(folder, "fingerprint", key) if resume else None
        if undrawn is not None:
            report, missing = undrawn.report, draw_pictures(folder, undrawn)
        else:
            if not quiet and network is None and weights is None:
                chosen = inputs.network.weights
                print(f"network: {chosen.architecture}, weights: {chosen.source}", file=sys.stderr)
            expected = None if quiet else estimate_run(inputs)
            if expected is not None:
                print(expected, file=sys.stderr)
            try:
                with offer_to_resume(folder), journal, RunProgress(expected) as progress:
                    extra = {"fingerprint": key}
                    execution = execute(inputs, folder, journal, progress.listen, began=began, extra=extra)
            except RunEndedError as ended:
                raise FaultError(f"{ended}; {advise(inputs.options, ended.status)}") from None
            report, missing = execution.report, execution.missing
            if amplification is not None:
                with CountProgress(count_legs(inputs), quiet) as bar:
                    legs = measure_growth(execution.experiment, amplification, lambda name: bar.count(name, False))
                report["amplification"] = {"products": amplification, "legs": legs}
                write_report(folder, report)
        journal.clear()
    if not quiet:
        print_summary(report, folder)
    if missing:
        raise DrawingError(describe_missing(missing, _HOW_TO_DRAW))


def _choose_as_thesis(context: typer.Context, choices: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the choices of `--as-thesis`; refuse another value that was given explicitly."""
    for name, value in AS_THESIS.items():
        source = context.get_parameter_source(name)
        explicit = source is not None and source.name != "DEFAULT"
        if explicit and choices[name] != value:
            raise input_error(f"--{name}", "conflicts with --as-thesis", choices[name], value, "leave one of them out")
    return dict(AS_THESIS)
