"""Matplotlib, loaded whatever the user's settings are, and the kit's own settings, under which it draws every picture.

A user's matplotlibrc, style sheets and environment may turn images upside down, print white on white or ask for a TeX
that is not installed. They hold for the user's own plots; none of the kit's pictures depends on them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..common.errors import input_error
from ..common.shared_context import SharedContext

_log = logging.getLogger("matplotlib")
_level = _log.level
# While it loads, Matplotlib writes several lines about each entry of a matplotlibrc that it does not understand and
# about a folder of settings that it cannot write to. Nothing of either matters here.
_log.setLevel(logging.ERROR)
try:
    import matplotlib
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager
except ImportError:
    raise
except Exception as error:  # a backend that does not exist, a file that is not text, ...
    backend = os.environ.get("MPLBACKEND")
    received = f"MPLBACKEND={backend}" if backend else "MPLBACKEND is not set"
    what = f"stop Matplotlib from loading ({type(error).__name__}: {str(error)[:160]})"
    step = "unset MPLBACKEND, and correct or rename the file matplotlibrc"
    raise input_error("Matplotlib's settings", what, received, "settings that Matplotlib can read", step) from None
finally:
    _log.setLevel(_level)


@contextmanager
def _own_settings() -> Iterator[None]:
    """Replace all of the user's settings by Matplotlib's defaults; the backend, which only pyplot uses, stays."""
    # Not matplotlib.rcdefaults(), which also reads the user's folder of style sheets, broken ones included.
    defaults: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with matplotlib.rc_context(defaults):
        yield


kit_settings = SharedContext(_own_settings)
"""The settings under which the kit creates and saves figures: Matplotlib's own defaults, and no user's.

Settings belong to the whole process: a plot of the user's own that another thread makes at the same time has them too,
and a setting that another thread changes until the last block ends is restored."""
