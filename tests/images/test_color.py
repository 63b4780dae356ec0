"""Colors: profiles and what PNG files state become sRGB, as published matrices and LittleCMS say."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from icc_profiles import (
    ADOBE_GAMMA,
    COLORANTS,
    CURVES,
    D50,
    XYZ_TO_SRGB,
    decode_srgb,
    encode_srgb,
    expected_srgb,
    gamma_tag,
    gray_profile,
    lab_to_srgb,
    parametric_tag,
    rgb_profile,
    table_profile,
    table_tag,
)
from PIL import Image, ImageCms
from png_files import with_chunks

from decoupling_lib.images.bundled import bundled_picture_path, bundled_pictures
from decoupling_lib.images.pictures import load_picture

COLORS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)
MUTED = np.random.default_rng(4).integers(90, 170, (20, 30, 3), dtype=np.uint8)
INKS = {  # Lab colors of full inks, roughly those of coated paper
    index: (
        100 * (1 - 0.4 * index[0]) * (1 - 0.5 * index[1]) * (1 - 0.08 * index[2]) * (1 - 0.88 * index[3]),
        -35 * index[0] + 70 * index[1] - 5 * index[2],
        -45 * index[0] + 85 * index[2] - 3 * index[1],
    )
    for index in np.ndindex(2, 2, 2, 2)
}
LOSSLESS = {"png": {}, "tif": {}, "webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
SPACES = ("adobe", "p3", "prophoto")


def read(folder: Path, image: Image.Image, suffix: str, **how: object) -> np.ndarray:
    image.save(folder / f"x.{suffix}", **how)
    return 255 * load_picture(folder / f"x.{suffix}").array


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize(
    "space, stored, right",
    [
        ("adobe", (93, 159, 94), (27, 160, 89)),
        ("p3 with gamma 2.2", (78, 156, 97), (32, 160, 90)),
        ("prophoto", (136, 70, 34), (200, 61, 30)),
        ("adobe", (200, 120, 60), None),
        ("p3", (234, 51, 35), None),
        ("prophoto", (90, 110, 130), None),
        ("srgb", (30, 160, 90), (30, 160, 90)),
    ],
)
def test_colors_of_common_spaces(tmp_path: Path, space: str, stored: tuple, right: tuple | None, suffix: str):
    right = 255 * expected_srgb(np.array(stored) / 255, space) if right is None else right
    image = Image.new("RGB", (20, 20), stored)
    profile = rgb_profile("p3", gamma_tag(2.2)) if space == "p3 with gamma 2.2" else rgb_profile(space)
    array = read(tmp_path, image, suffix, icc_profile=profile, **LOSSLESS[suffix])
    assert array[5, 5] == pytest.approx(right, abs=4 if suffix == "jpg" else 1)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", ["u1", "u2", "f4", "f8"])
def test_finer_values_stay_finer(tmp_path: Path, space: str, kind: str):
    """Of 16 bits, and of floats, steps that 8 bits cannot show are kept."""
    top = np.float64(np.iinfo(kind).max if kind[0] == "u" else 1)
    ramp = (np.linspace(0.4, 0.42, 600).reshape(20, 30, 1) * [1, 0.9, 0.8] * top).astype(kind)
    tifffile.imwrite(tmp_path / "x.tif", ramp, photometric="rgb", iccprofile=rgb_profile(space))
    array = load_picture(tmp_path / "x.tif").array
    error = np.abs(array - expected_srgb(ramp / top, space)).max()
    assert error < (1.01 / 255 if kind == "u1" else 2e-4)  # the published matrices have five digits
    assert len(np.unique(array[..., 0])) > (500 if kind != "u1" else 4)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(
    "curve",
    [
        gamma_tag(1.0),
        gamma_tag(2.2),
        table_tag(np.linspace(0, 1, 1024) ** 2.4),
        table_tag([0, 1]),
        parametric_tag(0, 2.1),
        parametric_tag(1, 2.0, 1.2, -0.2),
        parametric_tag(2, 2.0, 1.1, -0.1, 0.0),
        parametric_tag(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
        parametric_tag(4, 2.4, 0.9, 0.06, 0.1, 0.05, -0.001, 0.0),
    ],
)
def test_curves_agree_with_littlecms(tmp_path: Path, space: str, curve: bytes):
    profile, image = rgb_profile(space, curve), Image.fromarray(MUTED)
    opened, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    right = np.asarray(ImageCms.profileToProfile(image, opened, srgb)).astype(float)
    assert np.abs(read(tmp_path, image, "png", icc_profile=profile) - right).max() < 1.01


@pytest.mark.parametrize(
    "numbers, curve",
    [
        ((0, 2.1), lambda v: v**2.1),
        ((1, 2.0, 0.8, -0.2), lambda v: np.where(v >= 0.25, (0.8 * v - 0.2) ** 2, 0)),
        ((2, 2.0, 0.8, -0.2, 0.1), lambda v: np.where(v >= 0.25, (0.8 * v - 0.2) ** 2 + 0.1, 0.1)),
        ((3, 2.0, 0.9, 0.1, 0.4, 0.2), lambda v: np.where(v >= 0.2, (0.9 * v + 0.1) ** 2, 0.4 * v)),
        (
            (4, 2.0, 0.8, 0.1, 0.4, 0.2, 0.1, 0.05),
            lambda v: np.where(v >= 0.2, (0.8 * v + 0.1) ** 2 + 0.1, 0.4 * v + 0.05),
        ),
    ],
)
def test_formulas_of_curves(tmp_path: Path, numbers: tuple, curve):
    ramp = np.linspace(0, 1, 400).reshape(20, 20)
    tifffile.imwrite(tmp_path / "x.tif", ramp, iccprofile=gray_profile(parametric_tag(*numbers)))
    assert np.allclose(load_picture(tmp_path / "x.tif").array[..., 2], encode_srgb(curve(ramp)), atol=2e-4)


def test_profiles_of_gray_images(tmp_path: Path):
    gray = Image.fromarray(COLORS[..., 0])
    for gamma in (1.0, 1.8, 2.2):
        right = 255 * encode_srgb((COLORS[..., :1] / 255) ** gamma)
        assert read(tmp_path, gray, "png", icc_profile=gray_profile(gamma_tag(gamma))) == pytest.approx(
            np.repeat(right, 3, -1), abs=1.01
        )
    tifffile.imwrite(tmp_path / "x.tif", COLORS[..., 0] / 255, iccprofile=gray_profile(gamma_tag(1.0)))
    assert np.allclose(load_picture(tmp_path / "x.tif").array, encode_srgb(COLORS[..., :1] / 255), atol=1e-6)
    # Programs attach profiles of color to gray images.
    right = 255 * expected_srgb(np.repeat(COLORS[..., :1], 3, -1) / 255, "adobe")
    assert read(tmp_path, gray, "jpg", icc_profile=rgb_profile("adobe"), quality=100) == pytest.approx(right, abs=2.5)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("inks", list(INKS))
def test_inks_have_the_colors_of_their_profile(tmp_path: Path, suffix: str, inks: tuple[int, ...]):
    image = Image.new("CMYK", (16, 16), tuple(255 * ink for ink in inks))
    array = read(tmp_path, image, suffix, icc_profile=table_profile(b"CMYK", INKS))
    assert array[3, 3] == pytest.approx(255 * lab_to_srgb(INKS[inks]), abs=2.5)  # Lab of 8 bits in the profile


def test_tables_of_colors(tmp_path: Path):
    corners = {index: (20 + 25 * sum(index), 40 * index[0] - 20, 30 * index[2] - 10) for index in np.ndindex(2, 2, 2)}
    corners[1, 1, 1] = (100, 0, 0)  # LittleCMS keeps white whatever the table says
    for index, lab in corners.items():
        image = Image.new("RGB", (16, 16), tuple(255 * each for each in index))
        array = read(tmp_path, image, "png", icc_profile=table_profile(b"RGB ", corners))
        assert array[3, 3] == pytest.approx(255 * lab_to_srgb(lab), abs=2.5)


def test_profiles_of_srgb_change_no_bit(tmp_path: Path):
    profiles = [rgb_profile("srgb"), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()]
    profiles.append(rgb_profile("srgb", table_tag(decode_srgb(np.linspace(0, 1, 1024)))))
    for name in ("china", "chelsea", "hubble_deep_field"):  # HP's, as most files have it
        with Image.open(bundled_picture_path(name)) as image:
            profiles.append(image.info["icc_profile"])
    for profile in profiles:
        for suffix in ("png", "tif", "webp"):
            array = read(tmp_path, Image.fromarray(COLORS), suffix, icc_profile=profile, **LOSSLESS[suffix])
            assert np.array_equal(array / 255, COLORS / 255)
        tifffile.imwrite(tmp_path / "x.tif", COLORS.astype("u2") * 201, photometric="rgb", iccprofile=profile)
        assert np.array_equal(load_picture(tmp_path / "x.tif").array, COLORS.astype(float) * 201 / 65535)


def test_bundled_pictures_keep_their_stored_values():
    """One of them is in Adobe RGB, and the kit's networks are calibrated with what it stores."""
    for name in bundled_pictures():
        with Image.open(bundled_picture_path(name)) as image:
            assert np.array_equal(load_picture(name).array, np.asarray(image.convert("RGB")) / 255)


@pytest.mark.parametrize(
    "profile, reason",
    [
        (b"junk" * 99, "damaged"),
        (rgb_profile("adobe")[:200], "damaged"),
        (bytes(5000), "damaged"),
        (table_profile(b"CMYK", INKS), "cmyk"),
        (gray_profile(gamma_tag(1.8)), "gray"),
        (rgb_profile("adobe").replace(b"RGB ", b"HSV "), "other"),
        (rgb_profile("adobe") + bytes(2**24), "too large"),
    ],
)
def test_a_profile_that_cannot_be_used_is_said_aloud_and_refuses_nothing(tmp_path: Path, profile: bytes, reason: str):
    Image.fromarray(COLORS).save(tmp_path / "x.png", icc_profile=profile)
    picture = load_picture(tmp_path / "x.png")
    assert np.array_equal(picture.array, COLORS / 255)
    assert len(picture.notes) == 1 and reason in picture.notes[0] and "sRGB" in picture.notes[0]


def test_alpha_is_composited_after_the_conversion(tmp_path: Path):
    alpha = np.full((20, 30, 1), 102, np.uint8)
    image = Image.fromarray(np.concatenate([MUTED, alpha], -1))
    right = 0.4 * expected_srgb(MUTED / 255, "adobe") + 0.6
    assert read(tmp_path, image, "png", icc_profile=rgb_profile("adobe")) / 255 == pytest.approx(right, abs=0.005)
    associated = np.concatenate([MUTED / 255 * 0.4, np.full((20, 30, 1), 0.4)], -1)
    tifffile.imwrite(
        tmp_path / "x.tif", associated, photometric="rgb", extrasamples=[1], iccprofile=rgb_profile("adobe")
    )
    assert np.allclose(load_picture(tmp_path / "x.tif").array, right, atol=1e-3)


def test_values_that_are_not_finite_are_refused_with_any_profile(tmp_path: Path):
    corners = {index: (20 + 25 * sum(index), 0, 0) for index in np.ndindex(2, 2, 2)}
    for profile in (rgb_profile("adobe"), rgb_profile("srgb"), table_profile(b"RGB ", corners)):
        for bad in (np.nan, np.inf, -np.inf):
            values = MUTED / 255
            values[3, 4, 1] = bad
            tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", iccprofile=profile)
            with pytest.raises(ValueError, match="not finite"):
                load_picture(tmp_path / "x.tif")


# What PNG files state without a profile

PRIMARIES = {  # white, red, green, blue, as in a chunk cHRM
    "srgb": (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    "adobe": (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
    "p3": (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    "prophoto": (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001),
}


def png(image: Image.Image, *chunks: tuple[bytes, bytes], **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", **how)
    return with_chunks(buffer.getvalue(), *chunks)


def gamma_chunk(number: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", number)


def primaries_chunk(space: str) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(100000 * number) for number in PRIMARIES[space]))


@pytest.mark.parametrize(
    "space, gamma", [("adobe", 1 / ADOBE_GAMMA), ("prophoto", 1 / 1.8), ("srgb", 1.0), ("p3", 0.5)]
)
def test_gamma_and_primaries_of_png(tmp_path: Path, space: str, gamma: float):
    file = tmp_path / "x.png"
    file.write_bytes(png(Image.fromarray(MUTED), gamma_chunk(round(100000 * gamma)), primaries_chunk(space)))
    linear = (MUTED / 255) ** (1 / gamma)
    right = encode_srgb(linear @ np.array(COLORANTS[space]).T @ XYZ_TO_SRGB.T)
    assert load_picture(file).array == pytest.approx(right, abs=1 / 255)


def test_what_png_files_mean_by_srgb_changes_no_bit(tmp_path: Path):
    near, intent, srgb = gamma_chunk(45455), (b"sRGB", b"\0"), primaries_chunk("srgb")
    linear, adobe = gamma_chunk(100000), primaries_chunk("adobe")
    for chunks in [(near,), (near, srgb), (intent, near, srgb), (intent, linear), (intent, linear, adobe), (srgb,)]:
        (tmp_path / "x.png").write_bytes(png(Image.fromarray(COLORS), *chunks))
        assert np.array_equal(load_picture(tmp_path / "x.png").array, COLORS / 255)
    for chunks in [(adobe,), (gamma_chunk(0),), (linear[:1] + (b"xx",),), (near, (b"cHRM", bytes(32)))]:  # no sense
        (tmp_path / "x.png").write_bytes(png(Image.fromarray(COLORS), *chunks))
        assert np.array_equal(load_picture(tmp_path / "x.png").array, COLORS / 255)


def test_a_profile_counts_more_than_gamma_and_code_points_more_than_a_profile(tmp_path: Path):
    file, p3 = tmp_path / "x.png", (b"cICP", bytes([12, 13, 0, 1]))
    file.write_bytes(png(Image.fromarray(MUTED), gamma_chunk(100000), icc_profile=rgb_profile("adobe")))
    assert load_picture(file).array == pytest.approx(expected_srgb(MUTED / 255, "adobe"), abs=1.01 / 255)
    file.write_bytes(png(Image.fromarray(MUTED), p3, icc_profile=rgb_profile("adobe")))
    assert load_picture(file).array == pytest.approx(expected_srgb(MUTED / 255, "p3"), abs=1 / 255)
    file.write_bytes(png(Image.fromarray(MUTED), (b"cICP", bytes([9, 16, 0, 1]))))  # high dynamic range
    assert "transfer 16" in load_picture(file).notes[0]


def test_the_published_numbers_are_consistent():
    """White is D50 in every space, and sRGB's colorants undo the matrix to sRGB."""
    for space in COLORANTS:
        assert np.sum(COLORANTS[space], axis=1) == pytest.approx(D50, abs=2e-4)
    assert XYZ_TO_SRGB @ np.array(COLORANTS["srgb"]) == pytest.approx(np.eye(3), abs=5e-4)
    assert set(CURVES) == set(COLORANTS)
