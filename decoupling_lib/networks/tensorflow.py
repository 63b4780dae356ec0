"""TensorFlow, loaded without the lines that its libraries write while they load.

It loads Keras, which reads the user's settings: if they are damaged, one line says so.
"""

from __future__ import annotations

import os

from ..common.interrupts import postpone_interrupt
from ..common.silence import silence_stderr
from .keras_settings import settings_error

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    with postpone_interrupt(), silence_stderr:  # the libraries write to it whatever the log level is
        import tensorflow as tf
except ImportError:
    raise
except Exception as error:  # noqa: BLE001 - a damaged keras.json ends in errors of several kinds
    raise settings_error(error) from None

__all__ = ["tf"]
