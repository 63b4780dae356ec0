"""TIFF: any number of bits, any arrangement of pixels, and what of it is refused."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from refusals import refusal
from tiff_files import packed_rows, tiff_page

from decoupling_lib.images.pictures import load_picture

RNG = np.random.default_rng(11)
RGB = RNG.integers(0, 256, (37, 41, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (37, 41, 5)).astype(np.uint16)
FLOATS = RNG.random((37, 41, 5))
RAMP = np.linspace(0, 1, 1024).reshape(32, 32)


def read(folder: Path, data: bytes | None = None) -> np.ndarray:
    if data is not None:
        (folder / "x.tif").write_bytes(data)
    return load_picture(folder / "x.tif").array


def write(folder: Path, values: np.ndarray, **how: object) -> Path:
    tifffile.imwrite(folder / "x.tif", values, **how)
    return folder / "x.tif"


def over_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.broadcast_to(color * alpha + 1 - alpha, (*color.shape[:2], 3))


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Return the upright image, by what TIFF 6.0 says of the stored row 0 and column 0."""
    turn = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1), 7: stored[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(stored),
    }  # fmt: skip
    return turn[orientation]


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "u1", "u2"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_orientation_of_every_type_and_arrangement(tmp_path: Path, kind: str, planar: str, orientation: int):
    top = np.iinfo(kind).max if kind[0] == "u" else 1
    stored = (np.dstack([RAMP, RAMP[::-1], RAMP**2])[:20] * top).astype(kind)
    arranged = stored if planar == "contig" else np.moveaxis(stored, -1, 0)
    extra = [(274, "H", 1, orientation, True)]
    write(tmp_path, arranged, photometric="rgb", planarconfig=planar, extratags=extra)
    assert np.allclose(read(tmp_path), upright(stored / np.float64(top), orientation), atol=1e-12)


def test_a_float_image_that_was_taken_upright(tmp_path: Path):
    ramp = RAMP.astype("f4")
    write(tmp_path, np.dstack([ramp] * 3), photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert read(tmp_path)[0, 0] == pytest.approx([0.97, 0.97, 0.97], abs=0.005)


@pytest.mark.parametrize("kind", ["u1", "u2", "f2", "f4", "f8"])
@pytest.mark.parametrize("colors", [1, 3])
@pytest.mark.parametrize("extra", [[0], [1], [2], [0, 2], [2, 0], [1, 0], [0, 0]])
def test_extra_samples_are_alpha_only_if_they_say_so(tmp_path: Path, kind: str, colors: int, extra: list[int]):
    top = np.float64(np.iinfo(kind).max if kind[0] == "u" else 1)
    values = (FLOATS[..., : colors + len(extra)] * top).astype(kind)
    alpha_at = next((k for k, each in enumerate(extra) if each), None)
    if alpha_at is not None and extra[alpha_at] == 1:  # an associated color is never larger than alpha
        values[..., :colors] = (values[..., :colors] * (values[..., colors + alpha_at :][..., :1] / top)).astype(kind)
    photometric = "minisblack" if colors == 1 else "rgb"
    write(tmp_path, values, photometric=photometric, planarconfig="contig", extrasamples=extra)
    color = values[..., :colors] / top * np.ones(3)
    if alpha_at is None:
        expected = color
    else:
        alpha = values[..., colors + alpha_at :][..., :1] / top
        expected = color + 1 - alpha if extra[alpha_at] == 1 else over_white(color, alpha)
    assert np.allclose(read(tmp_path), expected, atol=1e-12)


def test_associated_alpha_of_a_float_image_over_white(tmp_path: Path):
    half = RAMP.astype("f4") / 2
    write(tmp_path, np.dstack([half, half, half, np.full_like(half, 0.5)]), photometric="rgb", extrasamples=[1])
    array = read(tmp_path)
    assert array[-1, -1] == pytest.approx([1, 1, 1]) and array[0, 0] == pytest.approx([0.5] * 3)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("samples, photometric", [(1, 1), (1, 0), (3, 2), (4, 2)])
def test_bits_are_scaled_over_their_range(tmp_path: Path, bits: int, samples: int, photometric: int):
    top = 2**bits - 1
    values = RNG.integers(0, top + 1, (19, 23, samples))
    values[0, 0], values[0, 1] = 0, top
    more = {"t338": (3, [2])} if samples == 4 else {}
    packer = (8, zlib.compress) if bits % 2 else (1, bytes)
    array = read(
        tmp_path, tiff_page(packed_rows(values, bits), 23, bits, samples, photometric, compression=packer, **more)
    )
    scaled = values / top if photometric else 1 - values / top
    expected = over_white(scaled[..., :3], scaled[..., 3:]) if samples == 4 else scaled * np.ones(3)
    assert np.allclose(array, expected, atol=1e-12)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("scale", [256, 257, 1])
def test_palettes_of_every_size(tmp_path: Path, bits: int, scale: int):
    palette, index = RNG.integers(0, 256, (2**bits, 3)), RNG.integers(0, 2**bits, (20, 24, 1))
    palette[0] = 255  # programs of old stored 8 bits: then no value is larger
    data = tiff_page(packed_rows(index, bits), 24, bits, 1, 3, t320=(3, (palette.T * scale).ravel().tolist()))
    assert np.array_equal(read(tmp_path, data), palette[index[..., 0]] / 255)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "lzma", "zstd", "raw"])
@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16", "CMYK"])
def test_compressions_and_predictors_of_libtiff(tmp_path: Path, compression: str, predictor: int, mode: str):
    ramp = np.cumsum(RNG.integers(0, 3, (40, 50, 4)), axis=1).astype(np.uint8)  # what predictors are for
    image = Image.fromarray(ramp[..., 0].astype(np.uint16) * 601) if mode == "I;16" else None
    image = image or Image.frombytes(mode, (50, 40), ramp[..., : len(mode) if mode != "L" else 1].tobytes())
    info = {317: predictor} if compression in ("tiff_lzw", "tiff_adobe_deflate", "lzma", "zstd") else {}
    image.save(tmp_path / "x.tif", compression=compression, tiffinfo=info, strip_size=1000)
    if mode == "I;16":
        expected = np.asarray(image)[..., None] / 65535 * np.ones(3)
    else:
        expected = np.asarray(image.convert("RGBA")) / 255
        expected = over_white(expected[..., :3], expected[..., 3:])
    assert np.allclose(read(tmp_path), expected, atol=1e-12)


@pytest.mark.parametrize("predictor", [1, 3])
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_float_predictor_of_libtiff(tmp_path: Path, compression: str, predictor: int):
    values = FLOATS[..., 0].astype("f4")
    Image.fromarray(values).save(
        tmp_path / "x.tif", compression=compression, tiffinfo={317: predictor} if compression != "packbits" else {}
    )
    assert np.array_equal(read(tmp_path)[..., 1], values)


def test_float_predictor_of_color(tmp_path: Path):
    """The encoder of Adobe's technical note 3: bytes by significance, then differences of whole pixels."""
    values = FLOATS[..., :3].astype("f4")
    rows = []
    for row in values:
        octets = np.frombuffer(row.ravel().astype(">f4").tobytes(), np.uint8).reshape(-1, 4).T.ravel()
        rows.append(np.concatenate([octets[:3], octets[3:] - octets[:-3]]).tobytes())
    more = {"t317": (3, [3]), "t339": (3, [3, 3, 3]), "compression": (8, zlib.compress)}
    assert np.array_equal(read(tmp_path, tiff_page(rows, 41, 32, 3, 2, **more)), values)


WAYS = [{}, {"compression": "zlib"}, {"bigtiff": True}, {"byteorder": ">"}, {"predictor": 2, "compression": "zlib"}]


@pytest.mark.parametrize(
    "kind, how", [(kind, how) for kind in ("u1", "u2", "f4") for how in WAYS if kind != "f4" or "predictor" not in how]
)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16), (32, 16)])
def test_tiles_planes_and_byte_orders(tmp_path: Path, kind: str, planar: str, how: dict, tile: tuple[int, int] | None):
    top = np.float64(np.iinfo(kind).max if kind[0] == "u" else 1)
    values = (FLOATS[..., :3] * top).astype(kind)
    arranged = values if planar == "contig" else np.moveaxis(values, -1, 0)
    rows = {} if tile else {"rowsperstrip": 7}
    write(tmp_path, arranged, photometric="rgb", planarconfig=planar, tile=tile, **rows, **how)
    assert np.allclose(read(tmp_path), values / top, atol=1e-12)


def test_reversed_bits(tmp_path: Path):
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    for packer in ((1, bytes), (8, zlib.compress)):
        # The order of bits is that of the stored bytes, compressed or not.
        data = tiff_page(
            [row.tobytes() for row in RGB], 41, 8, 3, 2, t266=(3, [2]),
            compression=(packer[0], lambda raw, pack=packer[1]: pack(raw).translate(reverse)),
        )  # fmt: skip
        assert np.array_equal(read(tmp_path, data), RGB / 255)


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_white_is_zero(tmp_path: Path, kind: str):
    top = np.float64(np.iinfo(kind).max if kind[0] == "u" else 1)
    values = (FLOATS[..., 0] * top).astype(kind)
    write(tmp_path, values, photometric="miniswhite")
    assert np.allclose(read(tmp_path), (1 - values / top)[..., None], atol=1e-7)


def test_ink_of_16_bits(tmp_path: Path):
    ink = DEEP[..., :4]
    write(tmp_path, ink, photometric="separated")
    paper = 1 - ink / 65535
    assert np.allclose(read(tmp_path), paper[..., :3] * paper[..., 3:], atol=1e-12)


@pytest.mark.parametrize("kind", ["u1", "f4", "u2"])
def test_the_first_full_page_is_read(tmp_path: Path, kind: str):
    top = np.float64(np.iinfo(kind).max if kind[0] == "u" else 1)
    full, other = ((FLOATS[..., k : k + 3] * top).astype(kind) for k in (0, 1))
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(full[::2, ::2], photometric="rgb", subfiletype=1)  # a thumbnail
        file.write(np.zeros((37, 41), bool), photometric="mask", subfiletype=4)
        file.write(full, photometric="rgb")
        file.write(other, photometric="rgb")
    picture = load_picture(tmp_path / "x.tif")
    assert np.allclose(picture.array, full / top, atol=1e-12)
    assert len(picture.notes) == 1 and "2 pages" in picture.notes[0]


@pytest.mark.parametrize("photometric", ["rgb", "ycbcr", "gray"])
def test_jpeg_and_fax_in_tiff(tmp_path: Path, photometric: str):
    smooth = np.dstack([RAMP, RAMP.T, 1 - RAMP])
    image = Image.fromarray((255 * smooth).astype(np.uint8))
    image = image.convert("YCbCr") if photometric == "ycbcr" else image.convert("L") if photometric == "gray" else image
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / "x.tif", compression="jpeg", quality=100, exif=exif)
    expected = np.rot90(np.asarray(image.convert("RGB")), -1) / 255
    assert np.abs(read(tmp_path) - expected).max() < 0.03
    bilevel = Image.fromarray(RGB[..., 0] > 128)
    for compression in ("group3", "group4", "tiff_ccitt"):
        bilevel.save(tmp_path / "x.tif", compression=compression)
        assert np.array_equal(read(tmp_path)[..., 0], np.asarray(bilevel))


def test_unreadable_metadata_do_not_matter(tmp_path: Path):
    rows = [row.tobytes() for row in RGB]
    plain = tiff_page(rows, 41, 8, 3, 2)
    for tag in (270, 305, 700, 33723, 34377, 34665, 34853, 34675):
        data = tiff_page(rows, 41, 8, 3, 2, **{f"t{tag}": (7, list(b"<?xpacket damaged" * 9))})
        at = data.index(struct.pack("<HHI", tag, 7, 153)) + 8
        for beyond in (len(data) - 5, 2**31, 2**32 - 1):
            changed = data[:at] + struct.pack("<I", beyond) + data[at + 4 :]
            assert np.array_equal(read(tmp_path, changed), read(tmp_path, plain))


def test_kinds_that_are_not_read_are_named(tmp_path: Path):
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    ImageCms.profileToProfile(Image.fromarray(RGB), srgb, lab, outputMode="LAB").save(tmp_path / "x.tif")
    assert "photometric 8" in refusal(load_picture, tmp_path / "x.tif")
    gray = DEEP[..., 0]
    assert "integers" in refusal(load_picture, write(tmp_path, gray.astype("i2")))
    assert "32-bit" in refusal(load_picture, write(tmp_path, gray.astype("u4")))
    assert "raw file" in refusal(load_picture, write(tmp_path, gray, photometric="cfa"))
    slices = np.zeros((16, 32, 32), np.uint8)
    volume = write(tmp_path, slices, photometric="minisblack", tile=(16, 16, 16), volumetric=True)
    assert "volume" in refusal(load_picture, volume)
    (tmp_path / "x.nef").write_bytes(tiff_page([bytes(60)] * 20, 20, 8, 3, 2))
    assert "raw file" in refusal(load_picture, tmp_path / "x.nef")
    (tmp_path / "x.tif").write_bytes(tiff_page([bytes(60)] * 20, 20, 8, 3, 2, compression=(34887, bytes)))
    line = refusal(load_picture, tmp_path / "x.tif")
    assert "compression 34887" in line and "without compression" in line


def test_files_that_are_cut_short_are_refused(tmp_path: Path):
    for how in ({}, {"compression": "zlib"}, {"tile": (16, 16)}, {"bigtiff": True}, {"planarconfig": "separate"}):
        values = np.moveaxis(RGB, -1, 0) if "planarconfig" in how else RGB
        whole = write(tmp_path, values, photometric="rgb", **how).read_bytes()
        for cut in np.linspace(1, len(whole) - 1, 40).astype(int):
            refusal(read, tmp_path, whole[:cut])
        assert np.array_equal(read(tmp_path, whole), RGB / 255)
