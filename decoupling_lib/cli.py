"""The command line: its commands, and the exit codes with which they end.

Exit codes: 0 done; 1 the run failed; 2 wrong usage or input; 130 interrupted by Ctrl-C; 143 ended by SIGTERM.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import signal
import sys
from typing import Annotated

import typer

from .commands import apply, bench, classroom, figures, flow, moments, rerun, sweep, transfer, weights, zeros
from .commands.groups import GroupedCommand
from .commands.output import FaultError
from .common.errors import DrawingError, InputError, RunEndedError, describe_value, escape_unprintable

EXIT_CODES = (
    "Exit codes: 0 done; 1 the run failed, for example because it diverged or stalled, the disk was full, or a picture "
    "could not be drawn; 2 wrong usage or input, and nothing was written; 130 interrupted by Ctrl-C; "
    "143 ended by SIGTERM."
)
MAX_CHARACTERS = 1500
"""Maximum length of the line that reports an error."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _print_version(requested: bool) -> None:
    if requested:
        print(f"decoupling {importlib.metadata.version('decoupling')}")
        raise typer.Exit


@app.callback()
def main_command(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Style transfer with decoupled CNN features."""


app.command("transfer", cls=GroupedCommand, epilog=EXIT_CODES)(transfer.transfer_command)
app.command("rerun", cls=GroupedCommand, epilog=EXIT_CODES)(rerun.rerun_command)
app.command("flow", cls=GroupedCommand, epilog=EXIT_CODES)(flow.flow_command)
app.command("apply", cls=GroupedCommand, epilog=EXIT_CODES)(apply.apply_command)
app.command("sweep", epilog=EXIT_CODES)(sweep.sweep_command)
app.command("figures", cls=GroupedCommand)(figures.figures_command)
app.command("zeros", cls=GroupedCommand)(zeros.zeros_command)
app.command("moments", cls=GroupedCommand)(moments.moments_command)
app.command("weights")(weights.weights_command)
app.command("classroom")(classroom.classroom_command)
# What follows the name of a benchmark belongs to the benchmark.
_PASS_ON = {"allow_extra_args": True, "allow_interspersed_args": False}
app.command("bench", context_settings=_PASS_ON)(bench.bench_command)


def main() -> None:
    """Run the command line and exit; every error is one line on stderr and an exit code.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    # Below 3, TensorFlow prints an error line on every machine without a GPU.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):  # the name of a file need not be valid text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # Not the command's own main(), which turns every interruption into an exit code of 130 without a message.
        command = typer.main.get_command(app)
        with command.make_context("decoupling", sys.argv[1:]) as context:
            command.invoke(context)
        code = 0
    except typer.Exit as end:
        code = end.exit_code
    except typer.TyperException as error:
        code = _report(_describe_usage_error(error), 2)
    except InputError as error:
        code = _report(str(error), 2)
    except KeyboardInterrupt as error:
        code = _report(f"interrupted: {error}" if str(error) else "interrupted", 143 if _signals else 130)
    except RunEndedError as error:
        interrupted = 143 if _signals else 130
        code = _report(str(error), interrupted if error.status == "interrupted" else 1)
    except (FaultError, DrawingError) as error:
        code = _report(str(error), 1)
    except BrokenPipeError:  # the reader of the output has ended, so nobody would read a message
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except (OSError, MemoryError) as error:
        code = _report(f"{type(error).__name__}: {error}", 1)
    sys.exit(code)


_signals: list[int] = []
"""The signals that asked this process to end."""


def _terminate(number: int, frame: object) -> None:
    _signals.append(number)
    raise KeyboardInterrupt


def _report(message: str, code: int) -> int:
    """Print an error in one line, without control characters, and return the exit code."""
    line = escape_unprintable(" ".join(message.split()))
    if len(line) > MAX_CHARACTERS:
        line = f"{line[: MAX_CHARACTERS - 200]}...{line[-200:]}"  # the next step is at the end
    print(f"decoupling: {line}", file=sys.stderr)
    return code


def _describe_usage_error(error: typer.TyperException) -> str:
    line = error.format_message().rstrip(".")
    cause = error.__cause__  # pydantic's error, which alone knows the value
    if cause is not None and hasattr(cause, "errors"):
        line += f"; received {describe_value(cause.errors()[0]['input'])}"
    return f"{line}; see: decoupling --help"
