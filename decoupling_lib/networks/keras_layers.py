"""What a Keras model is made of, layer by layer, for drawings and for counting parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .tensorflow import tf

KINDS = {
    "InputLayer": "input",
    "Conv2D": "convolution",
    "ReLU": "activation",
    "MaxPooling2D": "max-pooling",
    "Flatten": "flatten",
    "Dense": "dense",
}
"""What the layers of the kit's models are called here, by their Keras class."""


@dataclass(frozen=True)
class Part:
    """One layer of a model.

    Parameters
    ----------
    kind : of `KINDS`. name : the layer's.
    shape : of its output without the batch: (height, width, channels), or (units,).
    parameters : the number of its weights and biases.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    parameters: int


def parts(model: tf.keras.Model) -> tuple[Part, ...]:
    """The layers of a chain of layers, from the input on; raises `KeyError` for a layer of a class not in `KINDS`."""
    return tuple(
        Part(KINDS[type(layer).__name__], layer.name, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    )


def keras_vgg19() -> tf.keras.Model:
    """Keras's own VGG-19 with its classifier, 224 x 224 x 3 to 1000 classes; its weights are Keras's random start.

    Simonyan & Zisserman (2015), configuration E. Takes about 0.6 GiB while it lives.
    """
    # Keras numbers the inputs of a process: without a name of its own this one's depends on what was built before.
    image = tf.keras.Input((224, 224, 3), name="input_layer")
    return tf.keras.applications.VGG19(weights=None, input_tensor=image)


def parameters(found: Sequence[Part], until: str | None = None) -> int:
    """The number of weights and biases, of all parts or of those up to the one named `until`, that one included.

    Raises `ValueError` for a name that is not there.
    """
    names = [part.name for part in found]
    return sum(part.parameters for part in found[: len(found) if until is None else names.index(until) + 1])
