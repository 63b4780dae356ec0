"""What a Keras model consists of, layer by layer, for diagrams and for counting parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .keras_settings import keras_settings
from .tensorflow import tf

KINDS = {
    "InputLayer": "input",
    "Conv2D": "convolution",
    "ReLU": "activation",
    "MaxPooling2D": "max-pooling",
    "Flatten": "flatten",
    "Dense": "dense",
}
"""The kinds of layers in the kit's models, by their Keras class."""


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a model.

    Parameters
    ----------
    kind : str
        A value of `KINDS`.
    name : str
        Name of the layer.
    shape : tuple of int
        Shape of its output without the batch: (height, width, channels) or (units,).
    parameters : int
        Number of its weights and biases.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    parameters: int


def summarize_layers(model: tf.keras.Model) -> tuple[LayerSummary, ...]:
    """Return the layers of a model that is a chain.

    Parameters
    ----------
    model : tf.keras.Model
        The model.

    Returns
    -------
    tuple of LayerSummary
        From the input on.

    Raises
    ------
    KeyError
        A layer whose class is not in `KINDS`.
    """
    return tuple(
        LayerSummary(KINDS[type(layer).__name__], layer.name, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    )


def count_parameters(layers: Sequence[LayerSummary], until: str | None = None) -> int:
    """Return the number of weights and biases.

    Parameters
    ----------
    layers : sequence of LayerSummary
        The layers in order.
    until : str, optional
        Name of the last layer to count. Default: all layers.

    Returns
    -------
    int
        At least 0.

    Raises
    ------
    ValueError
        There is no layer of that name.
    """
    names = [layer.name for layer in layers]
    return sum(layer.parameters for layer in layers[: len(layers) if until is None else names.index(until) + 1])


@keras_settings()
def build_keras_vgg19() -> tf.keras.Model:
    """Build Keras's own VGG-19 with its classifier, from 224 x 224 x 3 to 1000 classes, with untrained weights.

    It takes about 0.6 GiB of memory.

    Returns
    -------
    tf.keras.Model
        The model.

    References
    ----------
    Simonyan & Zisserman, *Very deep convolutional networks for large-scale image recognition*, ICLR 2015,
    configuration E.
    """
    # Keras numbers the inputs of a process: without its own name, this one would depend on what was built before.
    image = tf.keras.Input((224, 224, 3), name="input_layer")
    return tf.keras.applications.VGG19(weights=None, input_tensor=image)
