"""`decoupling`, or `python -m decoupling_lib`: the command line.

Its modules take a while to load. The answer to Ctrl-C is set before.
"""

from .common.interrupts import end_at_once


def main() -> None:
    """Run the command line and exit; see `cli.main`.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    end_at_once()
    from .cli import main as run

    run()


if __name__ == "__main__":
    main()
