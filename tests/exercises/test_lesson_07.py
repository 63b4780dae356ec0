"""The exercises of lesson 7, with right answers in several forms and with common wrong ones."""

import numpy as np
from judged_answers import LessonAnswers
from skimage.metrics import peak_signal_noise_ratio

from decoupling_lib.networks.architectures import ARCHITECTURES, style_layers
from decoupling_lib.networks.vgg import build_network

IMAGE = np.full((8, 8, 3), 0.5)
OFF = IMAGE + np.where(np.indices((8, 8, 3)).sum(axis=0) % 2, 1, -1) / 255
DECIBELS = peak_signal_noise_ratio(IMAGE, OFF, data_range=1)
WHY = "Because c₂ was measured with layer 1 at the reference, it has to be imposed there, before layer 1 moves."

RIGHT = {
    "7.1": [(DECIBELS,), (48.1,), (48,), (48.13,), (np.float32(DECIBELS),), (20 * np.log10(255),)],
    "7.2": [(1472,), (1472.0,), (np.int64(1472),), (np.array(1472),)],
    "7.3": [("layer 1",), ("Layer 1",), (" layer 1. ",)],
    "7.4": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "7.1": [
        ((-DECIBELS,), "sign"),
        ((DECIBELS / 2,), "factor"),
        ((20 * np.log(255),), "base 10"),
        ((0,), "1/255"),
        ((255,), "log10"),
        ((50,), "two digits"),
        ((49,), "You gave 49"),
        ((24,), "factor"),
        (("48 dB",), "without quotes"),
        ((np.inf,), "infinite"),
    ],
    "7.2": [
        ((192,), "two layers"),
        ((5,), "number of layers"),
        ((512,), "deepest"),
        ((4416,), "colors"),
        ((960,), "missing"),
        ((1984,), "one layer per block"),
        ((1471,), "1471"),
        (([64, 128, 256, 512, 512],), "5 values"),
    ],
    "7.3": [
        (("layer 2",), "decoupled"),
        (("both",), "Print both"),
        (("neither",), "Print both"),
        (("layer 3",), "Choose one"),
        (("block 1",), "Choose one"),
        ((1,), "quotes"),
    ],
    "7.4": [((0,), '"""'), (("Backward",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


def test_the_number_is_that_of_the_network():
    for name in ARCHITECTURES:
        network = build_network(name, "random", style_layers(name, "thesis", 5))
        assert sum(network.channels(layer) for layer in network.layers) == RIGHT["7.2"][0][0]


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 7, RIGHT, WRONG
