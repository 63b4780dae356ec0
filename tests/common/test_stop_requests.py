"""A calculation in a thread ends where it asks, and no other one does."""

import threading

import numpy as np
import pytest

from decoupling_lib.common.stop_requests import check_interruption, interruptible
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network


def test_nothing_is_interrupted_outside_a_block_or_before_it_is_asked_for():
    check_interruption()
    with interruptible(lambda: False):
        check_interruption()
    with pytest.raises(KeyboardInterrupt), interruptible(lambda: True):
        check_interruption()
    check_interruption()


def test_another_thread_is_not_interrupted():
    ended = threading.Event()
    with interruptible(lambda: True):
        thread = threading.Thread(target=lambda: check_interruption() or ended.set())
        thread.start()
        thread.join()
    assert ended.is_set()


@pytest.mark.parametrize("name", ["values", "linearize", "jvp", "vjp", "jacobian"])
def test_every_pass_through_a_network_asks(name):
    means = ChannelMeans(build_network("vgg16", "random", ("block1_conv1",)))
    x = np.full((8, 8, 3), 0.5)
    at = means.linearize(x)
    passes = {
        "values": lambda: means.values(x), "linearize": lambda: means.linearize(x), "jvp": lambda: at.jvp(x),
        "vjp": lambda: at.vjp(at.values), "jacobian": at.jacobian,
    }  # fmt: skip
    passes[name]()
    with pytest.raises(KeyboardInterrupt), interruptible(lambda: True):
        passes[name]()
