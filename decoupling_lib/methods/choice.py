"""The methods by name."""

from __future__ import annotations

from collections.abc import Callable

from ..networks.keras_settings import require_keras
from .decoupled import Decoupled
from .direct import Direct
from .method import Method, MethodSettings
from .stepwise import Descent, Projected

METHODS: dict[str, Callable[[MethodSettings], Method]] = {
    "decoupled": lambda settings: Decoupled(),
    "projected": Projected,
    "descent": Descent,
    "direct": Direct,
}
"""What makes each method from its settings."""


def create_method(settings: MethodSettings) -> Method:
    """Return the method that the settings name.

    Parameters
    ----------
    settings : MethodSettings
        A name in `METHODS` and the method's own settings.
    """
    return METHODS[settings.name](settings)


def require_libraries(settings: MethodSettings) -> None:
    """Refuse a method that cannot run under the settings of this machine, before anything is computed.

    Parameters
    ----------
    settings : MethodSettings
        The method.

    Raises
    ------
    InputError
        For `descent`, if Keras, whose optimizers it uses, does not run on TensorFlow here.
    """
    if settings.name == "descent":
        require_keras()
