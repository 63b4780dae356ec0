"""Matplotlib, loaded whatever the user's settings are, and the kit's own settings, under which it draws every picture.

A user's matplotlibrc, style sheets and environment may turn images upside down, print white on white or ask for a TeX
that is not installed. They hold for the user's own plots; none of the kit's pictures depends on them, and neither does
a picture of a lesson.
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
    from matplotlib.backends import backend_registry
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


# Not matplotlib.rcdefaults(), which also reads the user's folder of style sheets, broken ones included.
_KIT_SETTINGS: Any = {
    name: value for name, value in matplotlib.rcParamsDefault.items() if name not in ("backend", "interactive")
} | {"svg.hashsalt": "decoupling"}
"""All of Matplotlib's settings but two, which say where pyplot shows figures and when, and which a notebook needs.

The salt takes the place of random numbers: equal figures give equal SVG files."""


@contextmanager
def _own_settings() -> Iterator[None]:
    """Replace the user's settings until the end of the block."""
    with matplotlib.rc_context(_KIT_SETTINGS):
        yield


kit_settings = SharedContext(_own_settings)
"""The settings under which the kit creates and saves figures: Matplotlib's own defaults, and no user's.

Settings belong to the whole process: a plot of the user's own that another thread makes at the same time has them too,
and a setting that another thread changes until the last block ends is restored."""


def use_kit_settings() -> None:
    """Replace your settings of Matplotlib by those of the kit, for the rest of a notebook or program.

    Plots made from then on look the same on every computer, whatever a matplotlibrc, a style sheet or a profile of
    IPython says. A later change, such as `matplotlib.rcParams["font.size"] = 14`, has its effect as usual.
    `kit_settings` does the same for the length of a block.

    Notes
    -----
    The backend stays, and so does the format in which Jupyter shows figures (`InlineBackend.figure_formats` and
    `InlineBackend.print_figure_kwargs`).
    """
    backend = matplotlib.get_backend(auto_select=False)
    if backend is not None:
        # When it is loaded, otherwise at the first plot, the backend of notebooks sets what `InlineBackend.rc` says.
        backend_registry.load_backend_module(backend)
    matplotlib.rcParams.update(_KIT_SETTINGS)
