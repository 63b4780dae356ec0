"""Read and compare the arrays that runs write."""

from pathlib import Path

import numpy as np


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays in a folder's arrays.npz."""
    with np.load(folder / "arrays.npz", allow_pickle=False) as data:
        return dict(data)


def assert_same_arrays(first: Path, second: Path) -> None:
    """Assert that the arrays in two folders are equal to the bit."""
    one, two = arrays(first), arrays(second)
    assert one.keys() == two.keys()
    for name in one:
        assert (one[name].dtype, one[name].shape) == (two[name].dtype, two[name].shape)
        assert one[name].tobytes() == two[name].tobytes(), name
