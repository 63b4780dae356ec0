"""A small ten-class classifier, whose maps show what noise leaves silent (section 4.4, figure 4.6 of the thesis).

The network has the shape of Tiny VGG in CNN Explainer (Wang et al. 2020, the thesis's reference [12]): two blocks of
two valid 3x3 convolutions with 10 channels, each followed by ReLU, a 2x2 maximum pooling after each block, and one
dense layer. The thesis put noise into the authors' own, which takes 64x64 color pictures of ten kinds of things. That
one is not on PyPI; this one is trained on the digits that come with scikit-learn (Alpaydin & Kaynak 1998). They are
gray, so it has one input channel: of three equal ones training would learn the sum only, and colored noise would
show what was drawn at random before training.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ..common import safe_npz, validation
from ..common.atomic_files import atomic_write
from ..common.errors import InputError, input_error, output_error
from .tensorflow import tf

SIDE = 32
"""Height and width in pixels of a picture: four times that of scikit-learn's digits."""
CLASSES = 10
CHANNELS = 10
LAYERS = ("conv_1_1", "relu_1_1", "conv_1_2", "relu_1_2", "conv_2_1", "relu_2_1", "conv_2_2", "relu_2_2")
"""Every convolution and the ReLU behind it, by CNN Explainer's names: block, place in the block."""
PARTS = ("training", "held-out")
PACKAGED = Path(__file__).with_name("digits_classifier.npz")
"""The weights that come with the kit: those of `train()`."""
EPOCHS = 30

_RATE, _BATCH, _REACH = 2e-3, 32, 2
_ACCEPTED = "an .npz file of this classifier's weights"


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures of digits, bright on dark, and what they show.

    `images` is float32 (n, SIDE, SIDE) in [0, 1], `labels` int64 (n,), 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray


def digits(part: str) -> Digits:
    """Return the "training" or the "held-out" part of scikit-learn's digits: 1442 and 355 pictures.

    Each 8x8 picture is divided by its highest possible value, 16, and enlarged four times by Pillow's bilinear
    interpolation, to the size of the bitmaps that it was made from. Held out is every fifth picture of each class in
    the order of the data set. Who wrote which is not told, so the 13 writers are presumably in both parts, and how
    to train was chosen with the last fifth of the data set set aside, on a fifth of the rest, which shares pictures
    with this part. Both make the accuracy a little flattering: trained in the same way on all but the last fifth,
    the network knew 95.8 % of that. Raises `InputError` for another part.
    """
    validation.choice(part, PARTS, "part of the digits")
    data = load_digits()
    held_out = np.zeros(len(data.target), bool)
    for label in range(CLASSES):
        held_out[np.flatnonzero(data.target == label)[4::5]] = True
    chosen = held_out if part == "held-out" else ~held_out
    planes = (Image.fromarray((picture / 16).astype(np.float32)) for picture in data.images[chosen])
    enlarged = [np.asarray(plane.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for plane in planes]
    return Digits(np.stack(enlarged), data.target[chosen].astype(np.int64))


def build(seed: int = 0) -> tf.keras.Model:
    """Return the untrained network: pictures (n, SIDE, SIDE, 1) to the ten classes' logits (n, CLASSES).

    Kernels are Glorot-uniform by `seed`, biases 0. Raises `InputError` for a bad seed.
    """
    seeds = iter(np.random.SeedSequence(validation.seed(seed)).generate_state(5).tolist())
    keras = tf.keras
    inputs = h = keras.Input((SIDE, SIDE, 1), name="input")
    for block in (1, 2):
        for place in (1, 2):
            start = keras.initializers.GlorotUniform(next(seeds))
            h = keras.layers.Conv2D(CHANNELS, 3, kernel_initializer=start, name=f"conv_{block}_{place}")(h)
            h = keras.layers.ReLU(name=f"relu_{block}_{place}")(h)
        h = keras.layers.MaxPooling2D(2, name=f"max_pool_{block}")(h)
    h = keras.layers.Flatten(name="flatten")(h)
    start = keras.initializers.GlorotUniform(next(seeds))
    return keras.Model(inputs, keras.layers.Dense(CLASSES, kernel_initializer=start, name="output")(h))


def train(seed: int = 0, epochs: int = EPOCHS) -> tf.keras.Model:
    """Return the network trained on the training digits by Adam on the cross-entropy, in about a minute.

    In every epoch each picture comes once, moved by up to 2 pixels in both directions; the learning rate falls
    linearly to 0. `seed` decides the first weights, the order and the moves, and nothing depends on or changes the
    global random state: on one machine's CPU, with one number of threads, equal seeds give equal bits. Raises
    `InputError` for a bad seed, or epochs that are not 1 to 1000.
    """
    model = build(seed)
    count = validation.integer_in_range(epochs, "epochs", 1, 1000)
    data, generator = digits("training"), np.random.default_rng(seed)
    rate = tf.keras.optimizers.schedules.PolynomialDecay(_RATE, count * -(-len(data.labels) // _BATCH), 0.0)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(rate), loss)
    for _ in range(count):
        order = generator.permutation(len(data.labels))
        pictures = _moved(data.images[order], generator)[..., None]
        # Keras would shuffle by the global seed.
        model.fit(pictures, data.labels[order], _BATCH, shuffle=False, verbose=0)
    return model


def save(model: tf.keras.Model, path: str | os.PathLike[str] = PACKAGED) -> Path:
    """Write the weights, float32 by layer and role as in "conv_1_1/kernel", whole or not at all; return the path.

    Equal weights give equal bytes. Raises `InputError` for a place that cannot be written.
    """
    target = validation.path(path, "classifier weights")
    try:
        with atomic_write(target) as sibling, open(sibling, "wb") as file:
            np.savez(file, **{variable.path: variable.numpy() for variable in model.weights})
    except OSError as error:
        raise output_error(error, "classifier weights", target, "a file in an existing folder") from None
    return target


def load(path: str | os.PathLike[str] = PACKAGED) -> tf.keras.Model:
    """Return the trained network from weights that `save` wrote; nothing in the file is executed.

    Raises `InputError` for a file that is missing, damaged, or holds other names, shapes, types or values that are
    not finite.
    """
    file = validation.regular_file(path, "classifier weights", accepted=_ACCEPTED)
    try:
        found = safe_npz.parse_archive(file.read_bytes())
    except Exception as error:  # noqa: BLE001 - numpy and zipfile meet damaged files with errors of every kind
        raise _refused(f"are damaged, or of another kind ({str(error)[:80]})", file) from None
    model = build()
    if set(found) != {variable.path for variable in model.weights}:
        raise _refused("lack a layer, or have an unknown one", file)
    for variable in model.weights:
        values = found[variable.path]
        if values.shape != tuple(variable.shape) or values.dtype != np.float32:
            what = f"of {variable.path} have type {values.dtype} and shape {values.shape}"
            raise _refused(what, file, f"float32 of shape {tuple(variable.shape)}")
        if not np.isfinite(values).all():
            raise _refused(f"of {variable.path} have values that are not finite", file, "finite values")
        variable.assign(values)
    return model


def accuracy(model: tf.keras.Model) -> float:
    """Return the share of the held-out digits whose class has the largest logit."""
    data = digits("held-out")
    return float(np.mean(np.argmax(model(data.images[..., None]), axis=-1) == data.labels))


def activations(model: tf.keras.Model, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Return the maps of every convolution, before and after ReLU: float32 (n, h, w, CHANNELS), by `LAYERS`.

    `pictures` is (n, SIDE, SIDE), nominally in [0, 1]; h = w is 30, 28, 12 and 10. Raises `InputError` for another
    shape.
    """
    if np.ndim(pictures) != 3 or np.shape(pictures)[1:] != (SIDE, SIDE):
        accepted = f"an array of shape (n, {SIDE}, {SIDE})"
        raise input_error("pictures", "do not fit the classifier", pictures, accepted, "stack gray pictures")
    view = tf.keras.Model(model.input, {name: model.get_layer(name).output for name in LAYERS})
    maps = view(np.asarray(pictures, np.float32)[..., None])
    return {name: maps[name].numpy() for name in LAYERS}


def silent(maps: np.ndarray) -> np.ndarray:
    """Return which channels are 0 at every position of every picture: bool (channels,) of maps (n, h, w, channels)."""
    return ~np.any(maps, axis=(0, 1, 2))


def _moved(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each picture moved by whole pixels, up to `_REACH` down and right or back; what comes in is dark."""
    wide = np.pad(images, ((0, 0), (_REACH, _REACH), (_REACH, _REACH)))
    corners = generator.integers(0, 2 * _REACH, (len(images), 2), endpoint=True)
    return np.stack([image[y : y + SIDE, x : x + SIDE] for image, (y, x) in zip(wide, corners, strict=True)])


def _refused(what: str, file: Path, accepted: str = _ACCEPTED) -> InputError:
    return input_error("classifier weights", what, file, accepted, "run data/train_classifier.py, or reinstall")
