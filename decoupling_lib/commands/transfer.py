"""`decoupling transfer`: the style of one image on another."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import typer

from ..common import validation
from ..common.errors import DrawingError, RunEndedError, input_error
from ..transfers.mixtures import parse_mixture
from ..transfers.options import AS_THESIS, Options
from .groups import NetworkOption, WeightsOption
from .output import FaultError, offer_to_resume, open_output_folder, print_notes
from .transfer_options import (
    ActivationOption,
    AmplificationOption,
    AnnexSlipsOption,
    AsThesisOption,
    ColorsOnlyOption,
    CorrectionsOption,
    DampingOption,
    FilmOption,
    GrowthOption,
    IterationsOption,
    KeepColorsOption,
    LayerSetOption,
    LayersOption,
    LearningRateOption,
    MaskOption,
    MaxSideOption,
    MemoryLimitOption,
    MethodOption,
    MixOption,
    NoiseDrawsOption,
    OptimizerOption,
    OriginArgument,
    OriginMaskOption,
    OutOption,
    PoolingOption,
    PrecisionOption,
    QuietOption,
    ReferenceOption,
    RefinementsOption,
    ResumeOption,
    RuleOption,
    SeedOption,
    SizeOption,
    SmoothingOption,
    SoftnessOption,
    StepsOption,
    StrengthOption,
    TargetArgument,
    ThresholdOption,
    ToleranceOption,
)
from .transfer_summary import print_summary

DEFAULTS = Options()
_HOW_TO_DRAW = "repeat the command with --resume to draw them, without computing again"


def transfer_command(
    context: typer.Context,
    origin: OriginArgument,
    target: TargetArgument,
    out: OutOption,
    layers: LayersOption = DEFAULTS.layers,
    size: SizeOption = None,
    max_side: MaxSideOption = None,
    seed: SeedOption = DEFAULTS.seed,
    film: FilmOption = False,
    resume: ResumeOption = False,
    quiet: QuietOption = False,
    strength: StrengthOption = DEFAULTS.strength,
    mix: MixOption = None,
    mask: MaskOption = None,
    origin_mask: OriginMaskOption = None,
    keep_colors: KeepColorsOption = False,
    colors_only: ColorsOnlyOption = False,
    method: MethodOption = DEFAULTS.method,
    reference: ReferenceOption = None,
    rule: RuleOption = None,
    steps: StepsOption = None,
    damping: DampingOption = None,
    smoothing: SmoothingOption = None,
    iterations: IterationsOption = DEFAULTS.iterations,
    learning_rate: LearningRateOption = None,
    optimizer: OptimizerOption = DEFAULTS.optimizer,
    as_thesis: AsThesisOption = False,
    network: NetworkOption = None,
    weights: WeightsOption = None,
    layer_set: LayerSetOption = DEFAULTS.layer_set,
    activation: ActivationOption = None,
    pooling: PoolingOption = DEFAULTS.pooling,
    softness: SoftnessOption = None,
    growth: GrowthOption = None,
    tolerance: ToleranceOption = None,
    threshold: ThresholdOption = None,
    refinements: RefinementsOption = None,
    corrections: CorrectionsOption = DEFAULTS.corrections,
    amplification: AmplificationOption = None,
    precision: PrecisionOption = None,
    noise_draws: NoiseDrawsOption = DEFAULTS.noise_draws,
    annex_slips: AnnexSlipsOption = False,
    memory_limit: MemoryLimitOption = None,
) -> None:
    """Impose the style of ORIGIN on TARGET by decoupled features."""
    began = time.perf_counter()
    choices: dict[str, Any] = {"activation": activation, "pooling": pooling, "method": method, "reference": reference}
    if as_thesis:
        choices = _choose_as_thesis(context, choices)
    shape = validation.size(size) if size is not None else None
    from ..runs.checkpoint import DiskJournal, fingerprint
    from ..runs.execute import execute
    from ..runs.film_folder import open_frames
    from ..runs.output_files import PAGE
    from ..runs.outputs import describe_missing, draw_pictures, find_undrawn, write_report
    from ..runs.progress import CountProgress, RunProgress
    from ..runs.report_page import write_report_page
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
        smoothing=smoothing,
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
        strength=strength,
        mix=parse_mixture(mix or ()),
        mask=mask,
        origin_mask=origin_mask,
        keep_colors=keep_colors,
        colors_only=colors_only,
        seed=seed,
        **choices,
    )
    inputs = gather_inputs(origin, target, options, memory_limit)
    if amplification is not None:
        check_growth(inputs, amplification)
    if not quiet:
        print_notes(
            inputs.origin, inputs.target, *inputs.others, *(each.picture for each in inputs.masks.files.values())
        )
    key = fingerprint(inputs)
    with open_output_folder(out) as folder:
        journal = DiskJournal(folder, key, resume)
        undrawn = find_undrawn(folder, "fingerprint", key, film) if resume else None
        if undrawn is not None:
            report, missing = undrawn.report, draw_pictures(folder, undrawn)
        else:
            if not quiet and network is None and weights is None:
                chosen = inputs.network.weights
                print(f"network: {chosen.architecture}, weights: {chosen.source}", file=sys.stderr)
            expected = None if quiet else estimate_run(inputs)
            if expected is not None:
                print(expected, file=sys.stderr)
            frames = open_frames(folder, key, resume, film)
            try:
                with offer_to_resume(folder), journal, RunProgress(expected) as progress:
                    extra = {"fingerprint": key}
                    execution = execute(
                        inputs, folder, journal, progress.listen, began=began, extra=extra, frames=frames
                    )
            except RunEndedError as ended:
                raise FaultError(f"{ended}; {advise(inputs.options, ended.status)}") from None
            report, missing = execution.report, execution.missing
            if amplification is not None:
                with CountProgress(count_legs(inputs), quiet) as bar:
                    legs = measure_growth(execution.experiment, amplification, lambda name: bar.count(name, False))
                report["amplification"] = {"products": amplification, "legs": legs}
                write_report(folder, report)
                if PAGE not in missing:
                    write_report_page(folder / PAGE, execution.transfer, report)
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
