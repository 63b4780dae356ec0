"""Step 0's choice: the images whose channel means are the reference values.

The theory leaves the reference values free. The thesis takes those of uniform noise, which no photograph is near, so
legs are long; halfway between the two images they are short.
"""

from __future__ import annotations

from ..common.errors import input_error

REFERENCES = ("noise", "natural", "photographs", "midpoint", "target")
"""noise: uniform noise, as in the thesis. natural: noise whose amplitudes fall as 1/frequency. photographs: the bundled
pictures of `networks.calibration`. midpoint: the two images of the transfer, with equal weight. target: the target,
which then has no style to remove."""
SELF_DEFAULT = "noise"
"""The reference of a self-transfer, from which the way back is stable."""
PAIR_DEFAULT = "midpoint"
"""The reference of a transfer between two images; see `docs/findings.md`."""
PAIR_DEPENDENT = ("midpoint", "target")
"""References that are not the same for every pair of images."""


def check_reference(kind: str, self_transfer: bool) -> None:
    """Refuse a reference that has no meaning for a transfer.

    Parameters
    ----------
    kind : str
        A name in `REFERENCES`.
    self_transfer : bool
        Whether origin and target are the same image.

    Raises
    ------
    InputError
        A self-transfer whose reference is the image itself: it would have nowhere to go, and prove nothing.
    """
    if self_transfer and kind in PAIR_DEPENDENT:
        accepted = ", ".join(name for name in REFERENCES if name not in PAIR_DEPENDENT)
        what = "is the image itself in a self-transfer"
        raise input_error("reference", what, kind, accepted, "choose another reference or another target")
