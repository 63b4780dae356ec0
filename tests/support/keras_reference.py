"""Keras's own VGG with given weights, as a reference for the kit's network."""

import numpy as np
import tensorflow as tf

from decoupling_lib.networks import weights


def keras_model(read: weights.Weights, layers: tuple[str, ...]) -> tf.keras.Model:
    """Build the reference independently: Keras's own VGG with these weights, from pixels to activation maps."""
    build = {"vgg16": tf.keras.applications.VGG16, "vgg19": tf.keras.applications.VGG19}[read.architecture]
    model = build(weights=None, include_top=False)
    for name, kernel in read.kernels.items():
        model.get_layer(name).set_weights([kernel, read.biases[name]])
    return tf.keras.Model(model.input, [model.get_layer(layer).output for layer in layers])


def keras_input(x: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Preprocess an image with values in [0, 1] as Keras does: BGR, 0 to 255, less the means of ImageNet."""
    bgr = tf.reverse(255 * tf.cast(x, "float32"), [-1])
    return (bgr - tf.constant([103.939, 116.779, 123.68]))[None]
