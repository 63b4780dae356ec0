"""Random inputs for property tests."""

from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

small_samples = arrays(
    float, st.integers(8, 40), elements=st.floats(-10, 10, allow_subnormal=False).map(lambda v: round(v, 3))
)
"""Samples of 8 to 40 numbers with three decimals, often with ties."""
