"""`decoupling sweep`: many transfers from one file."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..common import validation
from .output import FaultError, writing


def sweep(
    spec: Annotated[str, typer.Argument(help="A TOML file: pictures, and options that are fixed or varied.")],
    out: Annotated[str, typer.Option(help="Folder: one subfolder a transfer, results.csv and contact.png.")],
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler's address, as tls://host:8786.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="How many to start here.", show_default="one a core, if they fit")
    ] = None,
    threads: Annotated[int, typer.Option(help="Of each worker that is started here.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No estimate, no progress.")] = False,
) -> None:
    """Run many transfers from a file, on this machine or a Dask cluster; called again it runs what is missing."""
    if workers is not None:
        validation.integer_in_range(workers, "--workers", 1, 1024)
    validation.integer_in_range(threads, "--threads", 1, 1024)
    from ..runs import contact_sheet, sweep_spec
    from ..runs import sweep as many
    from ..runs.progress import CountProgress

    jobs = sweep_spec.read(spec)
    with writing(out) as folder:
        if scheduler is None:
            plan = many.plan(jobs, folder, workers)
            workers = plan.workers
            if not quiet:
                print(plan.said, file=sys.stderr)
        with CountProgress(len(jobs), quiet) as bar:
            rows = many.run(
                jobs, folder, scheduler, workers, threads, lambda row: bar.one(row.job.name, row.status == "failed")
            )
        contact_sheet.write(folder / "contact.png", rows, folder)
    failed = [row for row in rows if row.status == "failed"]
    for row in failed:
        print(f"{row.job.name}: {row.said}")
    fresh = sum(row.fresh for row in rows)
    print(f"{len(rows) - len(failed)} done, {len(failed)} failed; {fresh} run now; table: {folder / many.TABLE}")
    if failed:
        raise FaultError(f"{len(failed)} of {len(rows)} transfers failed; the same command runs them again")
