"""Operations of VGG in TensorFlow: preprocessing, activation and pooling, each with its derivative.

Images are batches of shape (B, H, W, C), and all results have the type of their input.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .tensorflow import tf
from .weights import Weights

KERNEL_WIDTH = 4.2
"""Width of the Gaussian kernel in units of T. The channel means of six photographs are then in the median as far from
those of the network with ReLU as with softplus at the same T, whose largest curvature is 7/4 of this one's."""
_BGR_MEANS = np.array([103.939, 116.779, 123.68])


def preprocess(x: tf.Tensor) -> tf.Tensor:
    """Convert RGB values to what VGG expects: times 255, as BGR, minus the means of ImageNet.

    Parameters
    ----------
    x : Tensor, shape (B, H, W, 3)
        RGB, nominally in [0, 1].

    Returns
    -------
    Tensor, shape (B, H, W, 3)
        BGR, nominally between -124 and 152.
    """
    return 255 * x[..., ::-1] - tf.constant(_BGR_MEANS, x.dtype)


def activate(y: tf.Tensor, activation: str, temperature: float | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Apply the activation, and return its derivative too.

    Softplus is T log(1 + exp(y/T)): ReLU, smoothed by the density of the logistic distribution. It is above ReLU
    everywhere, and so raises channel means. "gaussian" is ReLU smoothed by the kernel of fourth order (3 - u²)φ(u)/2,
    where φ is the normal density, and Φ its distribution function (Wand and Jones, *Kernel Smoothing*, section 2.8).
    With u = y/w and the width w = `KERNEL_WIDTH` T it is y Φ(u) + w φ(u)/2, which is as much below ReLU as above: over
    all y the differences cancel. At the kink of ReLU the derivative is 0, as in TensorFlow.

    Parameters
    ----------
    y : Tensor
        The output of a convolution.
    activation : {"softplus", "gaussian", "relu"}
        The function.
    temperature : float or None
        T, above 0, in units of y; ReLU does not use it.

    Returns
    -------
    tuple of two Tensors, both of the shape of y
        The activation and its derivative.
    """
    if activation == "relu":
        return tf.nn.relu(y), tf.cast(y > 0, y.dtype)
    if activation == "softplus":
        return temperature * tf.math.softplus(y / temperature), tf.math.sigmoid(y / temperature)
    u = y / temperature / KERNEL_WIDTH
    half_density, below = tf.exp(-0.5 * u * u) / math.sqrt(8 * math.pi), 0.5 + 0.5 * tf.math.erf(u / math.sqrt(2))
    return y * below + half_density * temperature * KERNEL_WIDTH, below + u * half_density


def pool(h: tf.Tensor, pooling: str, temperature: float | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Pool 2x2 windows, and return the derivative with respect to each entry too.

    The smooth maximum is T log(mean(exp(h/T))) over the window. It subtracts the window's maximum before it takes
    exponentials, so it never overflows. An odd last row or column is dropped, as in Keras, and has derivative 0.

    Parameters
    ----------
    h : Tensor, shape (1, H, W, C)
        Activations.
    pooling : {"smooth", "average", "max"}
        The function.
    temperature : float or None
        T of the smooth maximum, above 0, in units of h; the others do not use it.

    Returns
    -------
    tuple of Tensors, shapes (1, H // 2, W // 2, C) and (1, H, W, C)
        The pooled activations, and the derivatives, which sum to 1 in each window. Tied maxima share theirs equally.
    """
    _, height, width, _ = h.shape
    even = h[:, : height // 2 * 2, : width // 2 * 2]
    if pooling == "average":
        pooled, share = _average(even), tf.fill(even.shape, tf.constant(0.25, h.dtype))
    else:
        top = tf.nn.max_pool2d(even, 2, 2, "VALID")
        upper = spread(top)
        if pooling == "max":
            pooled, parts = top, tf.cast(even == upper, h.dtype)
            mean = _average(parts)
        else:
            parts = tf.exp((even - upper) / temperature)
            mean = _average(parts)
            pooled = top + temperature * tf.math.log(mean)
        share = parts / spread(4 * mean)
    return pooled, pad_to(share, height, width)


def spread(pooled: tf.Tensor) -> tf.Tensor:
    """Repeat each entry over its 2x2 window.

    Parameters
    ----------
    pooled : Tensor, shape (B, H, W, C)
        One entry per window.

    Returns
    -------
    Tensor, shape (B, 2H, 2W, C)
        Four equal entries per window.
    """
    return tf.image.resize(pooled, [2 * pooled.shape[1], 2 * pooled.shape[2]], "nearest")


def pad_to(h: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Add zero rows at the bottom and zero columns on the right.

    Parameters
    ----------
    h : Tensor, shape (B, H, W, C)
        Any values.
    height, width : int
        The new size, at least H and W.

    Returns
    -------
    Tensor, shape (B, height, width, C)
        `h` itself if the size is the same.
    """
    rows, columns = height - h.shape[1], width - h.shape[2]
    return tf.pad(h, [[0, 0], [0, rows], [0, columns], [0, 0]]) if rows or columns else h


@lru_cache(maxsize=64)
def constants(weights: Weights, name: str, dtype: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the tensors of a convolution, which are created only once.

    Parameters
    ----------
    weights : Weights
        The network's weights.
    name : str
        Name of the convolution.
    dtype : {"float32", "float64"}
        Type of the tensors.

    Returns
    -------
    tuple of three Tensors
        The kernel, shape (3, 3, inputs, outputs). The kernel of the transposed convolution, flipped and with its
        channels swapped, shape (3, 3, outputs, inputs). The bias, shape (outputs,).
    """
    kernel = weights.kernels[name]
    back = np.ascontiguousarray(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
    with tf.init_scope():  # created while a function is traced, they would belong to that function
        return tuple(tf.constant(array, dtype) for array in (kernel, back, weights.biases[name]))


def _average(h: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(h, 2, 2, "VALID")
