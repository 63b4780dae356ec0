"""Style transfer with decoupled CNN features: the public face of the library.

`import decoupling_lib as dl` gives the names listed in `__init__.pyi`, each of which is loaded when it is first used.
TensorFlow is not loaded before a network is needed.
"""

from typing import Any

import lazy_loader

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name != "__version__":
        return _find(name)
    from importlib.metadata import PackageNotFoundError, version  # here: it takes half the time of the import

    try:
        return version("decoupling")
    except PackageNotFoundError:  # a source tree that is not installed
        return "unknown"
