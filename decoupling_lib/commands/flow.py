"""`decoupling flow`: a transfer between two small images, kept so that it can be applied to others."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer

from ..common import validation
from ..common.errors import describe_value
from ..transfers.options import Options
from ..transfers.tuning import FLOW_DAMPING, FLOW_REFERENCE
from .groups import BASIC, NetworkOption, WeightsOption
from .output import FaultError, offer_to_resume, open_output_folder, print_notes
from .transfer_options import (
    LayersOption,
    MaxSideOption,
    OriginArgument,
    QuietOption,
    ResumeOption,
    SeedOption,
    SizeOption,
    StepsOption,
    TargetArgument,
    damping_option,
    reference_option,
)

DEFAULTS = Options()

FlowReferenceOption = Annotated[str | None, reference_option(FLOW_REFERENCE)]
FlowDampingOption = Annotated[float | None, damping_option(f"{FLOW_DAMPING:g}")]


def flow_command(
    origin: OriginArgument,
    target: TargetArgument,
    out: Annotated[str, typer.Option(help="File of the flow; its name ends in .npz.", rich_help_panel=BASIC)],
    layers: LayersOption = DEFAULTS.layers,
    size: SizeOption = None,
    max_side: MaxSideOption = None,
    seed: SeedOption = DEFAULTS.seed,
    quiet: QuietOption = False,
    resume: ResumeOption = False,
    reference: FlowReferenceOption = None,
    steps: StepsOption = None,
    damping: FlowDampingOption = None,
    network: NetworkOption = None,
    weights: WeightsOption = None,
) -> None:
    """Solve a transfer between two small images, and save what `decoupling apply` needs to repeat it on any image."""
    shape = validation.size(size) if size is not None else None
    from ..runs.checkpoint import DiskJournal, fingerprint
    from ..runs.progress import RunProgress
    from ..transfers.advice import advise
    from ..transfers.estimate import estimate_run
    from ..transfers.flow_file import checksum, flow_path, save_flow
    from ..transfers.flow_making import extract_flow, flow_options
    from ..transfers.setup import complete_setup, gather_inputs

    file = flow_path(out)
    options = Options(
        layers=layers, size=shape, max_side=max_side, seed=seed, reference=reference, steps=steps, damping=damping,
        network=network, weights=weights,
    )  # fmt: skip
    inputs = gather_inputs(origin, target, flow_options(options))
    if not quiet:
        print_notes(inputs.origin, inputs.target)
    with open_output_folder(file.with_name(f"{file.name}.unfinished")) as folder:
        journal = DiskJournal(folder, fingerprint(inputs), resume)
        expected = None if quiet else estimate_run(inputs)
        if expected is not None:
            print(expected, file=sys.stderr)
        with offer_to_resume(folder), journal, RunProgress(expected) as progress:
            experiment = complete_setup(inputs)
            transfer = experiment.run(progress.listen, journal)
            if transfer.status == "interrupted":
                raise KeyboardInterrupt
        if transfer.status == "done":
            flow = extract_flow(experiment, transfer)
            save_flow(flow, file)
        journal.clear()
    with suppress(OSError):  # files of the user stay
        folder.rmdir()
    if transfer.status != "done":
        raise FaultError(f"the transfer {transfer.status}; {advise(inputs.options, transfer.status)}")
    if quiet:
        return
    for layer, gap in transfer.style_relative_error.items():
        print(f"style of {layer} at this size: {gap:.2%} from that of the origin")
    print(f"flow of {sum(passes for passes in vars(transfer.passes).values()):,} passes in {describe_value(file)}")
    print(f"checksum {checksum(flow)[:12]}; apply it by: decoupling apply {file} IMAGE... --out FOLDER")
