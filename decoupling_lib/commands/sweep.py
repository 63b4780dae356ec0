"""`decoupling sweep`: many transfers from one file."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from ..common import validation
from ..common.errors import DrawingError
from .output import FaultError, open_output_folder


def sweep_command(
    spec: Annotated[str, typer.Argument(help="A TOML file: images, and options that are fixed or varied.")],
    out: Annotated[
        str, typer.Option(help="Folder for one subfolder per transfer, results.csv and the contact sheets.")
    ],
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, such as tls://host:8786.", show_default="this machine"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Number of workers to start on this machine.", show_default="one per core, if they fit"),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of each worker that is started on this machine.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no estimate and no progress.")] = False,
) -> None:
    """Run many transfers from one file, on this machine or a Dask cluster; when repeated, run only what is missing."""
    if workers is not None:
        validation.integer_in_range(workers, "--workers", 1, 1024)
    validation.integer_in_range(threads, "--threads", 1, 1024)
    from ..plotting.style import try_to_draw
    from ..runs.contact_sheet import SHEET, SHEET_PAGE, write_contact_page, write_contact_sheet
    from ..runs.progress import CountProgress
    from ..runs.sweep import run_sweep
    from ..runs.sweep_plan import plan_sweep
    from ..runs.sweep_spec import read_sweep
    from ..runs.sweep_table import TABLE, Row

    jobs = read_sweep(spec)
    with open_output_folder(out) as folder:
        if scheduler is None:
            plan = plan_sweep(jobs, folder, workers)
            workers = plan.workers
            if not quiet:
                print(plan.text, file=sys.stderr)
        with CountProgress(len(jobs), quiet) as bar:

            def count(row: Row) -> None:
                bar.count(row.job.name, row.result.status == "failed")

            rows = run_sweep(jobs, folder, scheduler, workers, threads, count)
        sheets = {SHEET: write_contact_sheet, SHEET_PAGE: write_contact_page}
        reasons = {name: try_to_draw(partial(write, folder / name, rows, folder)) for name, write in sheets.items()}
    failed = [row for row in rows if row.result.status == "failed"]
    for note in dict.fromkeys(row.result.message for row in rows if row.result.status == "done" and row.result.message):
        print(note, file=sys.stderr)
    for row in failed:
        print(f"{row.job.name}: {row.result.message}")
    fresh = sum(row.fresh for row in rows)
    print(f"{len(rows) - len(failed)} done, {len(failed)} failed; {fresh} run now; table: {folder / TABLE}")
    if failed:
        raise FaultError(f"{len(failed)} of {len(rows)} transfers failed; repeat the command to run them again")
    for name, reason in reasons.items():
        if reason:
            step = f"all transfers and {TABLE} are complete; repeat the command to draw it"
            raise DrawingError(f"could not draw {name} ({reason}); {step}")
