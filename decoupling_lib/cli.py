"""The command line: which commands there are, and how they end.

Exit codes: 0 done, 1 fault, 2 bad input, 130 and 143 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys

import typer

from .commands import bench, classroom, figures, moments, rerun, sweep, transfer, weights, zeros
from .commands.output import FaultError
from .common.errors import InputError, describe_value, escape_unprintable

MOST_SAID = 1500
"""Characters of the line that a fault is told in."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main_options() -> None:
    """Style transfer with decoupled CNN features."""


for _command in (
    transfer.transfer,
    rerun.rerun,
    sweep.sweep,
    figures.figures,
    zeros.zeros,
    moments.moments,
    weights.weights,
    classroom.classroom,
):
    app.command()(_command)
# What follows the name of a benchmark is the benchmark's own.
app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False})(bench.bench)


def main() -> None:
    """Runs the command line; every fault is one line on stderr and an exit code."""
    # Below 3, TensorFlow prints an error line on every machine without a GPU.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):  # names of files need not be text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # Not the command's own main(), which turns every interruption into a silent 130.
        command = typer.main.get_command(app)
        with command.make_context("decoupling", sys.argv[1:]) as context:
            command.invoke(context)
        code = 0
    except typer.Exit as done:
        code = done.exit_code
    except typer.TyperException as error:
        code = _say(_usage(error), 2)
    except InputError as error:
        code = _say(str(error), 2)
    except KeyboardInterrupt as error:
        code = _say(f"interrupted: {error}" if str(error) else "interrupted", 143 if _TERMINATED else 130)
    except FaultError as error:
        code = _say(str(error), 1)
    except BrokenPipeError:  # whoever read the output has left: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except (OSError, MemoryError) as error:
        code = _say(f"{type(error).__name__}: {error}", 1)
    sys.exit(code)


_TERMINATED: list[int] = []


def _terminate(number: int, frame: object) -> None:
    _TERMINATED.append(number)
    raise KeyboardInterrupt


def _say(line: str, code: int) -> int:
    # A name may hold anything, a usage error repeats what was typed: control characters stay off the terminal.
    said = escape_unprintable(" ".join(line.split()))
    if len(said) > MOST_SAID:
        said = f"{said[: MOST_SAID - 200]}...{said[-200:]}"  # the end says what to do
    print(f"decoupling: {said}", file=sys.stderr)
    return code


def _usage(error: typer.TyperException) -> str:
    line = error.format_message().rstrip(".")
    judged = error.__cause__  # pydantic's, which alone knows the value
    if hasattr(judged, "errors"):
        line += f"; received {describe_value(judged.errors()[0]['input'])}"
    return f"{line}; see: decoupling --help"


if __name__ == "__main__":
    main()
