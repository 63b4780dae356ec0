"""What to try after a run that diverged or stalled: for the command line and the explorers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..methods.stepwise import ANNEX_RATE
from .options import ResolvedOptions

FLAGS = {
    name: f"--{name.replace('_', '-')}"
    for name in ("activation", "damping", "learning_rate", "pooling", "softness", "steps", "threshold")
}
"""What the command line calls the options that advice names."""


def advise(options: ResolvedOptions, status: str, names: Mapping[str, str] = FLAGS) -> str:
    """Return the next step after a run that failed.

    Parameters
    ----------
    options : ResolvedOptions
        The options of the run.
    status : str
        "diverged" or "stalled".
    names : mapping of str to str
        What the options are called where the advice is read. Advice that needs an option without a name is left out.

    Returns
    -------
    str
        Half a sentence.

    Examples
    --------
    >>> from .options import Options, resolve_options
    >>> advise(resolve_options(Options(method="descent", learning_rate=1.0)), "diverged")
    'try a smaller --learning-rate than 1'
    """
    changes = [
        change.format_map(names)
        for change in ADVICE[options.method](options, status)
        if all(option in names for option in re.findall(r"{(\w+)}", change))
    ]
    return "try " + " or ".join(changes)


def _advise_decoupled(options: ResolvedOptions, status: str) -> list[str]:
    steps = [] if options.has_kinks else ["more {steps}"]
    return [*steps, _soften(options), "more {damping}"]


def _advise_projected(options: ResolvedOptions, status: str) -> list[str]:
    if options.learning_rate is not None:
        return [f"a smaller {{learning_rate}} than {options.learning_rate:g}", "one chosen in each iteration"]
    return [_soften(options), "a larger {threshold}"]


def _advise_descent(options: ResolvedOptions, status: str) -> list[str]:
    if status == "diverged":
        return [f"a smaller {{learning_rate}} than {options.learning_rate or ANNEX_RATE:g}"]
    return ["another image, since the gradient is zero at this one"]


def _advise_direct(options: ResolvedOptions, status: str) -> list[str]:
    return [_soften(options)]


def _soften(options: ResolvedOptions) -> str:
    smooth = f"{{activation}} {options.tuning.activation} with {{pooling}} smooth"
    return smooth if options.has_kinks else "more {softness}"


ADVICE: dict[str, Callable[[ResolvedOptions, str], list[str]]] = {
    "decoupled": _advise_decoupled,
    "projected": _advise_projected,
    "descent": _advise_descent,
    "direct": _advise_direct,
}
"""What to change, by the names of `methods.choice.METHODS`; options stand in braces."""
