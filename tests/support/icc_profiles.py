"""ICC profiles, made by the specification (ICC.1:2022), and what colors in them are in sRGB by published matrices."""

import struct

import numpy as np

COLORANTS = {  # columns of red, green and blue: linear RGB to XYZ relative to D50, as published with each space
    "adobe": ((0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457)),
    "p3": ((0.51512, 0.29198, 0.15710), (0.24120, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407)),
    "prophoto": ((0.79767, 0.13519, 0.03134), (0.28804, 0.71188, 0.00009), (0.0, 0.0, 0.82491)),
    "srgb": ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410)),
}
ADOBE_GAMMA = 563 / 256
XYZ_TO_SRGB = np.array(  # from D50, by Bradford; Lindbloom
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
D50 = (0.9642, 1.0, 0.8249)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Return sRGB values in [0, 1] of linear light (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def decode_srgb(values: np.ndarray) -> np.ndarray:
    """Return the linear light of sRGB values in [0, 1]."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def expected_srgb(values: np.ndarray, space: str) -> np.ndarray:
    """Return the sRGB values of colors in [0, 1] of a space."""
    curve = {"adobe": lambda v: v**ADOBE_GAMMA, "prophoto": lambda v: v**1.8}.get(space, decode_srgb)
    return encode_srgb(curve(np.asarray(values, float)) @ np.array(COLORANTS[space]).T @ XYZ_TO_SRGB.T)


def lab_to_srgb(lab: tuple[float, float, float]) -> np.ndarray:
    """Return the sRGB values of a CIE Lab color of the perceptual rendering of version 4.

    Black of the reference medium (ICC.1:2022, 6.3.3) becomes black of sRGB, and white remains white.
    """
    y = (lab[0] + 16) / 116
    f = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50
    black = np.array([0.00336, 0.0034731, 0.00287])
    return encode_srgb(XYZ_TO_SRGB @ ((xyz - black) * D50 / (D50 - black)))


def gamma_tag(gamma: float) -> bytes:
    """Return a curve of one number."""
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def table_tag(values: np.ndarray) -> bytes:
    """Return a curve of many numbers in [0, 1]."""
    numbers = np.rint(np.asarray(values) * 65535).astype(">u2").tobytes()
    return b"curv" + bytes(4) + struct.pack(">I", len(values)) + numbers + bytes(len(numbers) % 4)


def parametric_tag(kind: int, *numbers: float) -> bytes:
    """Return a curve by its formula."""
    return b"para" + bytes(4) + struct.pack(f">HH{len(numbers)}i", kind, 0, *(round(65536 * n) for n in numbers))


SRGB_CURVE = parametric_tag(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {"adobe": gamma_tag(ADOBE_GAMMA), "prophoto": gamma_tag(1.8), "p3": SRGB_CURVE, "srgb": SRGB_CURVE}


def profile(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", pcs: bytes = b"XYZ ") -> bytes:
    """Return a profile with these tags, and those that every profile has."""
    xyz = struct.pack(">3i", *(round(65536 * n) for n in D50))
    text = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 8, 28) + "test".encode("utf-16-be")
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ " + bytes(4) + xyz} | tags
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    version, date = 0x04200000, struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = struct.pack(">4sI4s4s4s", bytes(4), version, kind, space, pcs) + date + b"acsp" + bytes(28) + xyz
    head = struct.pack(">I", 128 + len(table) + len(body)) + head
    return head.ljust(128, b"\0") + table + body


def rgb_profile(space: str, curve: bytes | None = None) -> bytes:
    """Return the profile of an RGB space: curves and a matrix."""
    tags = {}
    for k, letter in enumerate((b"r", b"g", b"b")):
        column = [round(65536 * row[k]) for row in COLORANTS[space]]
        tags[letter + b"XYZ"] = b"XYZ " + bytes(4) + struct.pack(">3i", *column)
        tags[letter + b"TRC"] = CURVES[space] if curve is None else curve
    return profile(b"RGB ", tags)


def gray_profile(curve: bytes) -> bytes:
    """Return the profile of a gray space."""
    return profile(b"GRAY", {b"kTRC": curve})


def table_profile(space: bytes, corners: dict[tuple[int, ...], tuple[float, float, float]]) -> bytes:
    """Return a profile with a table of Lab colors for each combination of no and full channels."""
    channels = len(next(iter(corners)))
    ramp = bytes(range(256))
    table = bytes(
        number
        for index in np.ndindex(*(2,) * channels)
        for number in np.rint(np.add(corners[index], (0, 128, 128)) * (2.55, 1, 1)).astype(int)
    )
    head = b"mft1" + bytes(4) + bytes([channels, 3, 2, 0]) + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    tag = head + ramp * channels + table + ramp * 3
    return profile(space, {b"A2B0": tag}, b"prtr" if space == b"CMYK" else b"mntr", b"Lab ")
