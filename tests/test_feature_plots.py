"""Pictures of features: what stands on the axes is what was given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from decoupling_lib.feature_plots import show_channel_means


@pytest.mark.parametrize("channels", [5, 512])
def test_a_bar_for_each_channel_and_a_mark_for_each_dead_one(channels: int):
    values = np.random.default_rng(0).random(channels)
    dead = np.arange(channels) % 3 == 1
    ax = Figure().subplots()
    bars = show_channel_means(ax, np.where(dead, 0.0, values), dead, "layer")
    np.testing.assert_allclose([bar.get_height() for bar in bars], np.where(dead, 0.0, values))
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], np.arange(channels))
    (marks,) = ax.lines
    np.testing.assert_array_equal(marks.get_xdata(), np.flatnonzero(dead))
    assert ax.get_legend().get_texts()[0].get_text() == f"dead: {dead.sum()} of {channels}"
    assert ax.get_title() == "layer" and ax.get_xlabel() == "channel"


def test_without_dead_channels_there_is_no_mark():
    ax = Figure().subplots()
    show_channel_means(ax, np.ones(4), np.zeros(4, bool))
    show_channel_means(ax, np.ones(4))
    assert not ax.lines and ax.get_legend() is None
