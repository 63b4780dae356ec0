"""Colors as curves and a matrix: from stored values through linear light to sRGB, in floating point."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..common.arrays import Floats

Curve = Callable[[Floats], Floats]
"""From stored values in [0, 1] to linear light in [0, 1]."""
_D50 = np.array([0.9642, 1.0, 0.8249])  # the white of ICC profiles
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
"""Chromaticities (x, y) of red, green and blue in sRGB."""
D65 = (0.3127, 0.3290)
"""Chromaticity of the white of sRGB."""


@dataclass(frozen=True)
class Shaper:
    """How stored values become colors.

    Parameters
    ----------
    curves : sequence of callable
        One curve for gray, or one for each of red, green and blue.
    matrix : ndarray, shape (3, 3)
        From linear RGB to CIE XYZ relative to the D50 white. Not used with one curve: gray has the color of white.
    """

    curves: Sequence[Curve]
    matrix: Floats

    def to_srgb(self, values: Floats) -> Floats:
        """Return the sRGB color of stored values.

        Parameters
        ----------
        values : ndarray, shape (..., 1 or 3)
            Stored values, clipped to [0, 1] here; as many channels as there are curves.

        Returns
        -------
        ndarray, shape (..., 3)
            Values in [0, 1]: colors that sRGB does not have are clipped, as LittleCMS does. What is not finite becomes
            NaN.
        """
        values = np.clip(values, 0.0, 1.0) + (values - values)  # the difference is NaN where a value is not finite
        linear = np.stack([curve(values[..., k]) for k, curve in enumerate(self.curves)], axis=-1)
        if len(self.curves) == 3:
            linear = linear @ (_XYZ_TO_SRGB @ self.matrix).T
        linear = np.clip(linear, 0.0, 1.0)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        return np.broadcast_to(encoded, (*encoded.shape[:-1], 3))


def primaries_matrix(primaries: Sequence[tuple[float, float]], white: tuple[float, float]) -> Floats:
    """Return the matrix from linear RGB to CIE XYZ, adapted from its white to D50 by the Bradford transform.

    Parameters
    ----------
    primaries : sequence of (x, y)
        Chromaticities of red, green and blue.
    white : (x, y)
        Chromaticity of white.

    Returns
    -------
    ndarray, shape (3, 3)
        The matrix; its columns sum to the D50 white.

    Raises
    ------
    ValueError, numpy.linalg.LinAlgError
        The chromaticities describe no space of colors.
    """
    points = np.array([*primaries, white], dtype=float)
    if not np.all(points[:, 1] > 0):
        raise ValueError("a chromaticity has no luminance")
    xyz = (np.column_stack([points, 1 - points.sum(axis=1)]) / points[:, 1:]).T
    white_xyz = xyz[:, 3]
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], white_xyz)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ white_xyz)
    result: Floats = np.linalg.solve(_BRADFORD, scale[:, None] * (_BRADFORD @ matrix))
    return result


_XYZ_TO_SRGB = np.linalg.inv(primaries_matrix(SRGB_PRIMARIES, D65))


def gamma_curve(exponent: float) -> Curve:
    """Return the curve v -> v^exponent.

    Parameters
    ----------
    exponent : float
        A positive number.
    """
    return lambda values: values**exponent


def srgb_curve(values: Floats) -> Floats:
    """Return the linear light of sRGB values.

    Parameters
    ----------
    values : ndarray of any shape
        Values in [0, 1].

    Returns
    -------
    ndarray, shape of `values`
        Values in [0, 1].
    """
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def parse_icc(profile: bytes) -> Shaper | None:
    """Return the shaper of an ICC profile.

    Parameters
    ----------
    profile : bytes
        The profile, which LittleCMS has accepted.

    Returns
    -------
    Shaper or None
        None if the profile has a table of colors instead, or nothing that can be read as curves and matrix.
    """
    try:
        count = struct.unpack_from(">I", profile, 128)[0]
        entries = [struct.unpack_from(">4sII", profile, 132 + 12 * k) for k in range(min(count, 200))]
        tags = {name: profile[start : start + size] for name, start, size in entries}
        if b"A2B0" in tags:  # which LittleCMS prefers too
            return None
        if b"kTRC" in tags:
            return Shaper([_parse_curve(tags[b"kTRC"])], np.eye(3))
        curves = [_parse_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
        columns = [np.array(struct.unpack_from(">3i", tags[name], 8)) / 65536 for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        return Shaper(curves, np.column_stack(columns))
    except (KeyError, ValueError, struct.error):
        return None


def _parse_curve(tag: bytes) -> Curve:
    """Return the curve in a tag of type curv or para (ICC.1:2022, 10.6 and 10.18)."""
    kind, count = tag[:4], struct.unpack_from(">I", tag, 8)[0]
    if kind == b"curv" and count == 0:
        return gamma_curve(1.0)
    if kind == b"curv" and count == 1:
        return gamma_curve(struct.unpack_from(">H", tag, 12)[0] / 256)
    if kind == b"curv":
        table = np.frombuffer(tag, ">u2", count, 12) / 65535
        return lambda values: np.interp(values, np.linspace(0.0, 1.0, count), table)
    if kind != b"para":
        raise ValueError("unknown type of curve")
    function = count >> 16  # a 16-bit number, followed by two reserved bytes
    lengths = (1, 3, 4, 5, 7)
    g, *rest = (number / 65536 for number in struct.unpack_from(f">{lengths[function]}i", tag, 12))
    a, b, c, d, e, f = rest + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(rest) :]
    if function in (1, 2):
        # Below -b/a the curve is the constant c. The general form has it as c·x + f with slope 0.
        a, b, c, d, e, f = a, b, 0.0, -b / a, c, c
    return lambda values: np.where(values >= d, np.maximum(a * values + b, 0.0) ** g + e, c * values + f)
