"""Keras under the kit's own settings: on TensorFlow, with float32 and channels last, whatever keras.json says.

Keras takes its backend when it is loaded, from the environment or from the user's keras.json, and it cannot be changed
later: another one than TensorFlow is refused. The other settings are replaced while the kit uses Keras.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..common.errors import InputError, input_error, join_names
from ..common.shared_context import SharedContext

VARIABLES = ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND", "KERAS_HOME", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
"""Variables of the environment that change what Keras is or does."""
_BACKEND = "tensorflow"
_ACCEPTED = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}
"""The values that Keras accepts in keras.json."""


def settings_file() -> Path:
    """Return Keras's file of settings, where Keras itself looks for it.

    Returns
    -------
    Path
        The file keras.json of $KERAS_HOME or ~/.keras; it may not exist.
    """
    folder = os.environ.get("KERAS_HOME")
    if folder is None:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.path.join(folder, "keras.json")))


def require_keras() -> None:
    """Refuse settings with which Keras does not run on TensorFlow; nothing is loaded.

    Raises
    ------
    InputError
        With the setting, where it comes from, and what to do.
    """
    legacy = os.environ.get("TF_USE_LEGACY_KERAS")
    if legacy in ("1", "true", "True"):
        what, accepted = "selects Keras 2, which the kit does not use", "no value, or 0"
        raise input_error("TF_USE_LEGACY_KERAS", what, legacy, accepted, "unset TF_USE_LEGACY_KERAS")
    name, backend = _find_backend()
    if backend != _BACKEND:
        step = "restart Python with KERAS_BACKEND=tensorflow" if name == "Keras" else "set KERAS_BACKEND=tensorflow"
        raise input_error(name, "selects another backend than TensorFlow", backend, _BACKEND, step)
    if "keras" not in sys.modules:
        _check_file()


def settings_error(error: Exception) -> InputError:
    """Return the error that explains why TensorFlow or Keras does not load under the user's settings.

    Parameters
    ----------
    error : Exception
        What was raised while it was loaded.

    Returns
    -------
    InputError
        The error to raise, with the settings found.
    """
    file = settings_file()
    found = [name for name in VARIABLES if name in os.environ]
    steps = [f"unset {', '.join(found)}"] if found else []
    steps += [f"correct or rename {file}"] if os.path.exists(file) else []
    what = f"stop TensorFlow from loading ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
    received = f"{len(found)} variables of the environment and {'a' if os.path.exists(file) else 'no'} file keras.json"
    step = " or ".join(steps) or "install the kit again"
    return input_error("Keras's settings", what, received, "settings that Keras can read", step)


@contextmanager
def keras_settings() -> Iterator[None]:
    """Use Keras under the kit's own settings, in a `with` statement or as the decorator of a function.

    Yields
    ------
    None
        The block runs with float32, channels last and Keras's own epsilon; the user's settings return afterwards.

    Raises
    ------
    InputError
        Keras does not run on TensorFlow here, or does not load.
    """
    require_keras()
    from .tensorflow import tf  # not at the top: that module needs `settings_error`

    config = tf.keras.config
    policy = config.dtype_policy()  # of this thread
    with _own_values:
        config.set_dtype_policy("float32")
        try:
            yield
        finally:
            config.set_dtype_policy(policy)


@contextmanager
def _replace_values() -> Iterator[None]:
    from .tensorflow import tf

    config = tf.keras.config

    def replace(floatx: str, epsilon: float, data_format: str) -> None:
        config.set_floatx(floatx)
        config.set_epsilon(epsilon)
        config.set_image_data_format(data_format)

    before = config.floatx(), config.epsilon(), config.image_data_format()
    replace("float32", 1e-7, "channels_last")
    yield
    replace(*before)


_own_values = SharedContext(_replace_values)
"""The settings of Keras that belong to the whole process."""


def _check_file() -> None:
    """Refuse a keras.json with a value that Keras does not load."""
    file, content = settings_file(), _read_file()
    for name, accepted in _ACCEPTED.items():
        if name in content and content[name] not in accepted:
            step = f"correct or rename {file}"
            raise input_error(f"{name} in keras.json", "is unknown", content[name], join_names(accepted), step)


def _find_backend() -> tuple[str, str]:
    """Return what chooses Keras's backend, and the backend."""
    loaded = sys.modules.get("keras")
    if loaded is not None and hasattr(loaded, "config"):
        return "Keras", str(loaded.config.backend())
    if os.environ.get("KERAS_BACKEND"):
        return "KERAS_BACKEND", os.environ["KERAS_BACKEND"]
    return f"backend in {settings_file()}", str(_read_file().get("backend", _BACKEND))


def _read_file() -> dict[str, Any]:
    """Return the content of keras.json; nothing of a file that Keras ignores, or on whose reading it fails later."""
    try:
        content = json.loads(settings_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
