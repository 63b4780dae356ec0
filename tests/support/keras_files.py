"""Files of weights in Keras's layout."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from decoupling_lib.networks import architectures, weights


def write_legacy(path: Path, read: weights.Weights, pattern: str = "{0}_{1}_1:0", top: bool = False) -> Path:
    """Write Keras's legacy layout: one group per layer, whose attribute `weight_names` names its arrays."""
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
    """Return VGG-19 weights with the channel means of hed's VGG-16: its three other convolutions are identities.

    Behind a ReLU the identity filter does not change a map, so this file has trained filters though nobody trained it.
    """
    hed = weights.read("vgg16", "hed")
    kernels, biases = {}, {}
    for name, _, inputs, outputs in architectures.ARCHITECTURES["vgg19"]:
        identity = np.zeros((3, 3, inputs, outputs), np.float32)
        identity[1, 1] = np.eye(inputs, outputs)
        kernels[name] = hed.kernels.get(name, identity)
        biases[name] = hed.biases.get(name, np.zeros(outputs, np.float32))
    return replace(hed, architecture="vgg19", kernels=kernels, biases=biases)
