"""Drawing results: `show_…` functions draw on given axes, `draw_…` functions return a whole figure."""

from . import settings  # noqa: F401 - loads Matplotlib, before any module of this room names it
