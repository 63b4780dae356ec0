"""TensorFlow, loaded without the lines that its libraries write while they load."""

from __future__ import annotations

import os

from ..common.silence import silence_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with silence_stderr:  # the libraries write to it whatever the log level is
    import tensorflow as tf

__all__ = ["tf"]
