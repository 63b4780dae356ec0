"""Files of weights in the layout of Keras's own, for the tests."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from decoupling_lib.networks import architectures, weights


def write_legacy(path: Path, read: weights.Weights, pattern: str = "{0}_{1}_1:0", top: bool = False) -> Path:
    """Write Keras's legacy layout: a group a layer, its arrays named by the attribute `weight_names`."""
    with h5py.File(path, "w") as file:
        layers = ["input_1", *read.kernels, "block1_pool", *(["fc1"] if top else [])]
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer)
            arrays = [read.kernels[layer], read.biases[layer]] if layer in read.kernels else []
            if layer == "fc1":
                arrays = [np.ones((8, 4), "float32"), np.ones(4, "float32")]
            kinds = ("W", "b") if "_1:0" in pattern else ("kernel", "bias")
            names = [pattern.format(layer, kind) for kind in kinds][: len(arrays)]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, arrays, strict=True):
                group.create_dataset(name, data=array)
    return path


def vgg19_from_hed() -> weights.Weights:
    """VGG-19 that answers like the VGG-16 of hed: its three further convolutions hand on what they get.

    The identity filter leaves a map behind a ReLU as it is, so that what a trained network shows can be asked of a
    file that nobody had to train.
    """
    hed = weights.read("vgg16", "hed")
    kernels, biases = {}, {}
    for name, _, inputs, outputs in architectures.ARCHITECTURES["vgg19"]:
        identity = np.zeros((3, 3, inputs, outputs), np.float32)
        identity[1, 1] = np.eye(inputs, outputs)
        kernels[name] = hed.kernels.get(name, identity)
        biases[name] = hed.biases.get(name, np.zeros(outputs, np.float32))
    return replace(hed, architecture="vgg19", kernels=kernels, biases=biases)
