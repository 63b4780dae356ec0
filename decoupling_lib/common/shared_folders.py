"""Files that another machine has written into a folder which both see."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSES = (0, 1, 3)
"""Seconds before each look."""


def wait_until(visible: Callable[[], bool]) -> bool:
    """Return whether something is visible, after several looks: network file systems may show it seconds later.

    Parameters
    ----------
    visible : callable
        Looks once.
    """
    for pause in PAUSES:
        time.sleep(pause)
        if visible():
            return True
    return False
