"""TensorFlow, loaded without the lines that its libraries write while they load."""

from __future__ import annotations

import os

from .quiet import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with quiet():  # the libraries write whatever their log level
    import tensorflow as tf

__all__ = ["tf"]
