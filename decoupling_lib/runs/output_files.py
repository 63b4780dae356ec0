"""The names of a transfer's files, and of the field of its report that lists the pictures still to be drawn."""

from __future__ import annotations

ARRAYS, REPORT = "arrays.npz", "report.json"
IMAGES = ("origin", "target", "origin_noisified", "target_noisified", "result")
"""The images of a transfer, which are arrays of these names and files NAME.png."""
PAGE = "report.html"
PICTURES = (*(f"{name}.png" for name in IMAGES), "panel.png", "losses.png", PAGE)
"""The files that are drawn after every transfer."""
FILMS = ("film.gif", "film.html")
"""The files that are drawn after a transfer with a film."""
KEPT_TARGETS = ".targets-without-style"
"""The folder of a sweep in which its transfers keep Step 2 for each other; see `kept_targets`."""
MISSING = "missing_pictures"
"""The field of the report; empty once all pictures are there."""
