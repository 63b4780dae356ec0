"""Array types used in annotations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
"""An array of real numbers."""
Mask = NDArray[np.bool_]
"""An array of booleans."""
