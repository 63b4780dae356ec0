"""`decoupling transfer`: the style of one picture on another."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from ..common import validation
from ..common.errors import input_error
from ..transfers.options import AS_THESIS, Options
from .output import FaultError, writing

DEFAULTS = Options()
_HOW_TO_RESUME = "what is done is kept in {}; add --resume to the same command to continue"


def transfer(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="Gives the style: a picture file, or the name of a bundled picture.")],
    target: Annotated[str, typer.Argument(help="Gives the content; the same as ORIGIN for a self-transfer.")],
    out: Annotated[str, typer.Option(help="Folder for the outputs.")],
    layers: Annotated[int, typer.Option(help="How many style layers, 1 to 5.")] = DEFAULTS.layers,
    layer_set: Annotated[str, typer.Option(help="thesis (blockN_conv1) or dists.")] = DEFAULTS.layer_set,
    size: Annotated[str | None, typer.Option(help="N or WxH: resize both pictures to it, literally.")] = None,
    max_side: Annotated[int | None, typer.Option(help="Longest side, keeping the aspect.", show_default="96")] = None,
    method: Annotated[str, typer.Option(help="decoupled, projected, descent or direct.")] = DEFAULTS.method,
    rule: Annotated[
        str | None, typer.Option(help="euler, midpoint, rk4, symmetric or adaptive.", show_default="symmetric")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps a leg; the most of them if adaptive.", show_default="by --layers")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Error allowed a step: adaptive and symmetric rules.", show_default="by --layers"),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="mixed, float32 or float64: slower, and for pictures that hardly come back.")
    ] = DEFAULTS.precision,
    refinements: Annotated[
        int | None,
        typer.Option(help="Most steps that close the gap to the style after Step 3.", show_default="by --layers"),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of descent (5e-4) and projected.")] = None,
    optimizer: Annotated[str, typer.Option(help="Keras optimizer of descent.")] = DEFAULTS.optimizer,
    iterations: Annotated[
        int, typer.Option(help="Most iterations a leg: descent, projected, direct.")
    ] = DEFAULTS.iterations,
    annex_slips: Annotated[
        bool, typer.Option("--annex-slips", help="The annex's stop rules and Step 3 targets: descent only.")
    ] = False,
    threshold: Annotated[float | None, typer.Option(help="Relative error at which a leg counts as reached.")] = None,
    noise_draws: Annotated[int, typer.Option(help="Noise images whose mean is the reference.")] = DEFAULTS.noise_draws,
    seed: Annotated[int, typer.Option(help="Of the noise, and of random weights.")] = DEFAULTS.seed,
    network: Annotated[str | None, typer.Option(help="vgg19 or vgg16.", show_default="the best at hand")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, hed, random, or a weights file.")] = None,
    activation: Annotated[str, typer.Option(help="softplus or relu.")] = DEFAULTS.activation,
    softness: Annotated[
        float | None,
        typer.Option(help="Softness relative to each layer's mean activation.", show_default="by --layers"),
    ] = None,
    growth: Annotated[
        float | None, typer.Option(help="Softness of each convolution over that before it.", show_default="by --layers")
    ] = None,
    pooling: Annotated[str, typer.Option(help="smooth, average or max.")] = DEFAULTS.pooling,
    damping: Annotated[
        float | None, typer.Option(help="0 is the exact lift; see the README.", show_default="by --layers")
    ] = None,
    as_thesis: Annotated[bool, typer.Option("--as-thesis", help="ReLU, max-pooling and the annex's descent.")] = False,
    memory_limit: Annotated[
        int | None,
        typer.Option(help="MiB: refuse a run that is estimated to take more.", show_default="what is available"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a broken run in the same folder, to the same bits: from its last step, or its last leg "
            "with another rule than symmetric and with the other methods.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No estimate, no progress, no summary.")] = False,
) -> None:
    """Transfer the style of ORIGIN to TARGET by decoupled features."""
    began = time.perf_counter()
    choices = {"activation": activation, "pooling": pooling, "method": method}
    if as_thesis:
        choices = _as_thesis(context, choices)
    parsed = validation.size(size) if size is not None else None
    from ..runs.checkpoint import DiskJournal, fingerprint
    from ..runs.execute import RunEndedError, execute
    from ..runs.progress import RunProgress
    from ..transfers.estimate import estimate_run
    from ..transfers.setup import gather_inputs

    options = Options(
        layers=layers,
        layer_set=layer_set,
        size=parsed,
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
    with writing(out) as folder:
        journal = DiskJournal(folder, fingerprint(inputs), resume)
        if not quiet and network is None and weights is None:
            chosen = inputs.network.weights
            print(f"network: {chosen.architecture}, weights: {chosen.source}", file=sys.stderr)
        expected = None if quiet else estimate_run(inputs)
        if expected is not None:
            print(expected, file=sys.stderr)
        try:
            with journal, RunProgress(expected) as progress:
                done = execute(inputs, folder, journal, progress.listen, began=began)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_HOW_TO_RESUME.format(folder)) from None
        except RunEndedError as ended:
            if ended.status == "interrupted":
                raise KeyboardInterrupt(_HOW_TO_RESUME.format(folder)) from None
            raise FaultError(f"{ended}; try more --damping or --softness") from None
        journal.clear()
    if not quiet:
        _summarize(done.report, folder)


def _as_thesis(context: typer.Context, given: dict[str, str]) -> dict[str, str]:
    for name, value in AS_THESIS.items():
        source = context.get_parameter_source(name)
        explicit = source is not None and source.name != "DEFAULT"
        if explicit and given[name] != value:
            raise input_error(f"--{name}", "conflicts with --as-thesis", given[name], value, "leave one of them out")
    return dict(AS_THESIS)


def _summarize(described: dict, folder: Path) -> None:
    for stage in described["stages"]:
        error, held = stage["relative_error"], stage["held_relative_error"]
        print(
            f"Step {stage['step']} {stage['layer']}: relative error {error:.2e}, held {held:.1e}, "
            f"remaining {stage['remaining_fraction']:.3f}, {stage['status']}"
        )
    if described["self_transfer"]:
        psnr = described["self_transfer"]["psnr_db"]
        print("self-transfer: " + (f"PSNR {psnr:.1f} dB" if psnr is not None else "exact"))
    errors = ", ".join(f"{name} {value:.2%}" for name, value in described["style_relative_error"].items())
    print(f"style imposed within: {errors}")
    print(f"outputs in {folder} ({described['wall_seconds']:.0f} s, {described['peak_memory_mib']:,} MiB)")
