"""Style transfer with decoupled CNN features: the public face of the library.

`import decoupling_lib as dl` gives the names listed in `__init__.pyi`, each of which is loaded when it is first used.
TensorFlow is not loaded before a network is needed.
"""

from importlib.metadata import PackageNotFoundError, version

import lazy_loader

try:
    __version__ = version("decoupling")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "unknown"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
