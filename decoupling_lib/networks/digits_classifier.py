"""A small classifier of digits, whose maps show what noise leaves silent (section 4.4, figure 4.6 of the thesis).

The network has the shape of Tiny VGG in CNN Explainer (Wang et al. 2020, the thesis's reference [12]): two blocks of
two valid 3x3 convolutions with 10 channels, each followed by ReLU, a 2x2 maximum pooling after each block, and one
dense layer. The thesis put noise into the authors' own network, which classifies 64x64 color images of ten kinds of
objects. That network is not on PyPI; this one is trained on the digits that come with scikit-learn. They are gray, so
it has one input channel: with three equal ones, training would only determine the sum of their kernels, and colored
noise would show what was drawn at random before training.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..common import safe_npz, validation
from ..common.arrays import Floats, Mask
from ..common.atomic_files import atomic_write
from ..common.errors import InputError, input_error, output_error
from .digit_images import CLASSES, SIDE, digits, shift_images
from .keras_settings import keras_settings
from .tensorflow import tf

CHANNELS = 10
LAYERS = ("conv_1_1", "relu_1_1", "conv_1_2", "relu_1_2", "conv_2_1", "relu_2_1", "conv_2_2", "relu_2_2")
"""Every convolution and the ReLU after it, by CNN Explainer's names: block, then position in the block."""
PACKAGED = Path(__file__).with_name("digits_classifier.npz")
"""The weights that come with the kit: those of `train()`."""
EPOCHS = 30

_RATE, _BATCH = 2e-3, 32
_ACCEPTED = "an .npz file of this classifier's weights"


@keras_settings()
def build(seed: int = 0) -> tf.keras.Model:
    """Build the untrained network.

    Parameters
    ----------
    seed : int
        Seed of the Glorot-uniform kernels, 0 to 2**32 - 1; biases are 0.

    Returns
    -------
    tf.keras.Model
        Maps images, shape (n, SIDE, SIDE, 1), to the logits of the ten classes, shape (n, CLASSES).

    Raises
    ------
    InputError
        A bad seed.
    """
    seeds = iter(np.random.SeedSequence(validation.seed(seed)).generate_state(5).tolist())
    keras = tf.keras
    inputs = h = keras.Input((SIDE, SIDE, 1), name="input")
    for block in (1, 2):
        for number in (1, 2):
            start = keras.initializers.GlorotUniform(next(seeds))
            h = keras.layers.Conv2D(CHANNELS, 3, kernel_initializer=start, name=f"conv_{block}_{number}")(h)
            h = keras.layers.ReLU(name=f"relu_{block}_{number}")(h)
        h = keras.layers.MaxPooling2D(2, name=f"max_pool_{block}")(h)
    h = keras.layers.Flatten(name="flatten")(h)
    start = keras.initializers.GlorotUniform(next(seeds))
    return keras.Model(inputs, keras.layers.Dense(CLASSES, kernel_initializer=start, name="output")(h))


@keras_settings()
def train(seed: int = 0, epochs: int = EPOCHS) -> tf.keras.Model:
    """Train the network on the training digits, by Adam on the cross-entropy, which takes about a minute.

    Every epoch shows each image once, shifted by up to 2 pixels in both directions; the learning rate falls linearly
    to 0. The global random state neither matters nor changes: on one machine's CPU, with one number of threads, equal
    seeds give equal bits.

    Parameters
    ----------
    seed : int
        Seed of the first weights, the order and the shifts, 0 to 2**32 - 1.
    epochs : int
        Number of epochs, 1 to 1000.

    Returns
    -------
    tf.keras.Model
        The trained network.

    Raises
    ------
    InputError
        A bad seed, or epochs out of range.
    """
    model = build(seed)
    count = validation.integer_in_range(epochs, "epochs", 1, 1000)
    data, generator = digits("training"), np.random.default_rng(seed)
    rate = tf.keras.optimizers.schedules.PolynomialDecay(_RATE, count * -(-len(data.labels) // _BATCH), 0.0)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(rate), loss)
    for _ in range(count):
        order = generator.permutation(len(data.labels))
        images = shift_images(data.images[order], generator)[..., None]
        # Keras would shuffle by the global seed.
        model.fit(images, data.labels[order], _BATCH, shuffle=False, verbose=0)
    return model


def save(model: tf.keras.Model, path: str | os.PathLike[str] = PACKAGED) -> Path:
    """Write the weights to a file, whole or not at all.

    Parameters
    ----------
    model : tf.keras.Model
        The network.
    path : str or path
        The .npz file. It holds float32 arrays, named by layer and role as in "conv_1_1/kernel"; equal weights give
        equal bytes.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        A place that cannot be written to.
    """
    target = validation.path(path, "classifier weights")
    try:
        with atomic_write(target) as sibling, open(sibling, "wb") as file:
            np.savez(file, **{variable.path: variable.numpy() for variable in model.weights})
    except OSError as error:
        raise output_error(error, "classifier weights", target, "a file in an existing folder") from None
    return target


@keras_settings()
def load(path: str | os.PathLike[str] = PACKAGED) -> tf.keras.Model:
    """Load the trained network from a file of `save`; nothing in the file is executed.

    Parameters
    ----------
    path : str or path
        The .npz file. Default: the weights that come with the kit.

    Returns
    -------
    tf.keras.Model
        The trained network.

    Raises
    ------
    InputError
        A file that is missing or damaged, or holds other names, shapes, types or values that are not finite.
    """
    file = validation.regular_file(path, "classifier weights", accepted=_ACCEPTED)
    try:
        found = safe_npz.parse_archive(file.read_bytes())
    except Exception as error:  # noqa: BLE001 - numpy and zipfile answer damaged files with errors of every kind
        raise _weights_error(f"are damaged, or of another kind ({str(error)[:80]})", file) from None
    model = build()
    if set(found) != {variable.path for variable in model.weights}:
        raise _weights_error("lack a layer, or have an unknown one", file)
    for variable in model.weights:
        values = found[variable.path]
        if values.shape != tuple(variable.shape) or values.dtype != np.float32:
            what = f"of {variable.path} have type {values.dtype} and shape {values.shape}"
            raise _weights_error(what, file, f"float32 of shape {tuple(variable.shape)}")
        if not np.isfinite(values).all():
            raise _weights_error(f"of {variable.path} have values that are not finite", file, "finite values")
        variable.assign(values)
    return model


@keras_settings()
def accuracy(model: tf.keras.Model) -> float:
    """Return the share of the held-out digits whose class has the largest logit.

    Parameters
    ----------
    model : tf.keras.Model
        The network.

    Returns
    -------
    float
        0 to 1.
    """
    data = digits("held-out")
    return float(np.mean(np.argmax(model(data.images[..., None]), axis=-1) == data.labels))


@keras_settings()
def activations(model: tf.keras.Model, images: Floats) -> dict[str, Floats]:
    """Return the maps of every convolution, before and after ReLU.

    Parameters
    ----------
    model : tf.keras.Model
        The network.
    images : ndarray, shape (n, SIDE, SIDE)
        Gray images, nominally in [0, 1].

    Returns
    -------
    dict of str to ndarray of float32, shape (n, h, w, CHANNELS)
        By the names in `LAYERS`; h = w is 30, 28, 12 and 10.

    Raises
    ------
    InputError
        Another shape.
    """
    if np.ndim(images) != 3 or np.shape(images)[1:] != (SIDE, SIDE):
        accepted = f"an array of shape (n, {SIDE}, {SIDE})"
        raise input_error("images", "do not fit the classifier", images, accepted, "stack gray images")
    view = tf.keras.Model(model.input, {name: model.get_layer(name).output for name in LAYERS})
    maps = view(np.asarray(images, np.float32)[..., None])
    return {name: maps[name].numpy() for name in LAYERS}


def silent_channels(maps: Floats) -> Mask:
    """Return which channels are 0 at every position of every image.

    Parameters
    ----------
    maps : ndarray, shape (n, h, w, channels)
        Activation maps.

    Returns
    -------
    ndarray of bool, shape (channels,)
        True where a channel is silent.
    """
    mask: Mask = ~np.any(maps, axis=(0, 1, 2))
    return mask


def _weights_error(what: str, file: Path, accepted: str = _ACCEPTED) -> InputError:
    return input_error("classifier weights", what, file, accepted, "run data/train_classifier.py, or reinstall")
