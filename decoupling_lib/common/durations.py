"""Durations in words."""

from __future__ import annotations


def describe_span(low: float, high: float) -> str:
    """Return a range of seconds in words.

    Parameters
    ----------
    low, high : float
        Seconds.

    Examples
    --------
    >>> describe_span(120, 300)
    '2 to 5 min'
    """
    low = max(low, 1.0)
    (begin, unit), (end, last) = _duration(low), _duration(high)
    between = f"{begin} to {end}" if unit == last else f"{begin} {unit} to {end}"
    return f"{'about ' + end if high < 1.3 * low else between} {last}"


def describe_rest(seconds: float) -> str:
    """Return the time that remains in words.

    Parameters
    ----------
    seconds : float
        Seconds.

    Examples
    --------
    >>> describe_rest(200)
    'about 3 min left'
    """
    number, unit = _duration(max(seconds, 1.0))
    return f"about {number} {unit} left"


def _duration(seconds: float) -> tuple[str, str]:
    """Return a number and its unit, as short as possible."""
    if seconds >= 5400:
        return f"{seconds / 3600:.{int(seconds < 36000)}f}", "h"
    return (f"{seconds / 60:.0f}", "min") if seconds >= 90 else (f"{seconds:.0f}", "s")
