"""The names of a transfer's files, and of the field of its report that lists the pictures still to be drawn."""

from __future__ import annotations

ARRAYS, REPORT = "arrays.npz", "report.json"
IMAGES = ("origin", "target", "origin_noisified", "target_noisified", "result")
"""The images of a transfer, which are arrays of these names and files NAME.png."""
PICTURES = (*(f"{name}.png" for name in IMAGES), "panel.png", "losses.png")
"""The files that are drawn."""
MISSING = "missing_pictures"
"""The field of the report; empty once all pictures are there."""
