"""`decoupling bench`: the benchmarks of a source checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..common import validation
from ..common.errors import input_error
from ..common.interrupts import raise_from_now_on

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def bench_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A script in benchmarks/; what follows is passed on to it.")],
) -> None:
    """Run a benchmark of the source checkout; `decoupling bench NAME --help` shows its options."""
    raise_from_now_on()
    known = sorted(file.stem for file in BENCHMARKS.glob("[!_]*.py"))
    if not known:
        step = "clone the repository and install the kit from there"
        raise input_error("bench", "finds no benchmarks", BENCHMARKS, "an installed source checkout", step)
    script = BENCHMARKS / f"{validation.choice(name, known, 'benchmark')}.py"
    raise typer.Exit(subprocess.run([sys.executable, script, *context.args], check=False).returncode)
