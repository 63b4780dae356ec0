"""JPEG: turned by whatever metadata say, read despite what else they say, and shrunk while decoded if it is huge."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refusal

from decoupling_lib.images import jpeg, limits
from decoupling_lib.images.pictures import fit, load_picture

ROWS, COLUMNS = np.mgrid[:48, :64]
SMOOTH = np.stack([4 * COLUMNS, 5 * ROWS, 255 - 2 * COLUMNS - 2 * ROWS], -1).astype(np.uint8)
TURNED = np.rot90(SMOOTH, -1) / 255
# The GPS altitude is a signed rational, which Exif does not allow.
SIGNED_ALTITUDE = (
    b"Exif\0\0II*\0"
    + struct.pack("<IH", 8, 2)
    + struct.pack("<HHII", 274, 3, 1, 6)
    + struct.pack("<HHII", 0x8825, 4, 1, 38)
    + bytes(4)
    + struct.pack("<H", 1)
    + struct.pack("<HHII", 6, 10, 1, 56)
    + bytes(4)
    + struct.pack("<ii", -5, 1)
)


def encode(array: np.ndarray = SMOOTH, mode: str | None = None, **how: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(array) if mode is None else Image.frombytes(mode, array.shape[1::-1], array.tobytes())
    image.save(buffer, format="JPEG", **{"quality": 95} | how)
    return buffer.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def read(folder: Path, data: bytes, **how: object) -> np.ndarray:
    (folder / "x.jpg").write_bytes(data)
    return load_picture(folder / "x.jpg", **how).array


def exif(*entries: bytes, order: str = "<") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, len(entries)) + b"".join(entries) + bytes(4)


ORIENTATION = struct.pack("<HHIHH", 274, 3, 1, 6, 0)
FAR = struct.pack("<HHII", 0x8825, 4, 1, 2**31)
TURNING = {  # metadata that state orientation 6, somewhere in a damaged, unusual or huge whole
    "a signed altitude": SIGNED_ALTITUDE,
    "plain": exif(ORIENTATION),
    "big-endian": exif(struct.pack(">HHIHH", 274, 3, 1, 6, 0), order=">"),
    "of type LONG": exif(struct.pack("<HHII", 274, 4, 1, 6)),
    "pointers beyond the end": exif(FAR, ORIENTATION, struct.pack("<HHII", 0x8769, 4, 1, 2**32 - 1)),
    "cut short after the entry": exif(FAR, ORIENTATION, FAR, FAR)[:-30],
    "an unknown type": exif(struct.pack("<HHII", 271, 99, 5, 7), ORIENTATION),
    "a huge count": exif(struct.pack("<HHII", 271, 2, 2**32 - 1, 30), ORIENTATION),
    "a rational of zero": exif(struct.pack("<HHII", 282, 5, 1, 0), ORIENTATION),
    "a directory that is its own child": exif(struct.pack("<HHII", 0x8769, 4, 1, 8), ORIENTATION),
    "65 kB of a maker's note": exif(ORIENTATION, struct.pack("<HHII", 0x927C, 7, 60000, 50)) + bytes(65000),
}


@pytest.mark.parametrize("what", TURNING)
def test_an_image_is_turned_whatever_else_its_exif_says(tmp_path: Path, what: str):
    assert np.abs(read(tmp_path, encode(exif=TURNING[what])) - TURNED).max() < 0.03


NOT_TURNING = {
    "no exif": b"",
    "noise": b"Exif\0\0" + bytes(range(256)),
    "nothing": b"Exif\0\0",
    "no directory": b"Exif\0\0II*\0" + struct.pack("<I", 2**31),
    "orientation 0": exif(struct.pack("<HHIHH", 274, 3, 1, 0, 0)),
    "orientation 9": exif(struct.pack("<HHIHH", 274, 3, 1, 9, 0)),
    "cut short before the entry": exif(FAR, FAR, ORIENTATION)[:-20],
}


@pytest.mark.parametrize("what", NOT_TURNING)
def test_an_image_with_an_unreadable_orientation_is_read_as_stored(tmp_path: Path, what: str):
    assert np.abs(read(tmp_path, encode(exif=NOT_TURNING[what])) - SMOOTH / 255).max() < 0.03


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_as_pillow_turns_it(tmp_path: Path, orientation: int):
    turn = [None, *Image.Transpose][[0, 0, 1, 4, 2, 6, 5, 7, 3][orientation]]  # in the order of Pillow's names
    image = Image.open(io.BytesIO(encode()))
    upright = image if turn is None else image.transpose(turn)
    array = read(tmp_path, encode(exif=exif(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))))
    assert np.array_equal(array, np.asarray(upright) / 255)


def test_xmp_turns_an_image_without_exif(tmp_path: Path):
    head = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta "
    for text in (b'tiff:Orientation="6"/>', b"><tiff:Orientation>6</tiff:Orientation> cut shor"):
        assert np.abs(read(tmp_path, with_segments(encode(), segment(0xE1, head + text))) - TURNED).max() < 0.03


BROKEN = {
    "a multi-picture index": segment(0xE2, b"MPF\0II*\0" + bytes(range(200))),
    "an empty multi-picture index": segment(0xE2, b"MPF\0"),
    "Photoshop resources": segment(
        0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\7" + bytes(3) + b"\xff\xff\xff\xff" + b"x" * 9
    ),
    "a JFIF header of one byte": segment(0xE0, b"JFIF\0\1"),
    "a thumbnail": segment(0xE0, b"JFXX\0\x10" + encode()[:200]),
    "a comment": segment(0xFE, bytes(65000)),
    "forty parts of other data": segment(0xEB, bytes(65000)) * 40,
    "a part of a profile": segment(0xE2, b"ICC_PROFILE\0\1"),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta cut"),
    "a second Exif": segment(0xE1, b"Exif\0\0" + bytes(range(99))),
}


@pytest.mark.parametrize("what", BROKEN)
def test_metadata_do_not_prevent_reading(tmp_path: Path, what: str):
    assert np.array_equal(read(tmp_path, with_segments(encode(), BROKEN[what])), read(tmp_path, encode()))


@pytest.mark.parametrize("tail", ["random", "markers", "a segment and markers", "zeros", "another JPEG", "MP4"])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_follows_the_image_is_ignored(tmp_path: Path, tail: str, progressive: bool):
    rest = {
        "random": np.random.default_rng(1).bytes(2**24),
        "markers": b"\xff\xda\0\2" * 5000,
        "a segment and markers": b"\0\2" + b"\xff\xda\0\2" * 5000,
        "zeros": bytes(2**20),
        "another JPEG": encode(SMOOTH[::-1]) * 3,
        "MP4": b"\0\0\0\x18ftypmp42" + np.random.default_rng(2).bytes(2**20),
    }[tail]
    assert tail != "random" or rest.count(b"\xff\xda") > jpeg.MAX_SCANS
    data = encode(progressive=progressive)
    assert np.array_equal(read(tmp_path, data + rest), read(tmp_path, data))


def test_the_first_image_of_a_multi_picture_file(tmp_path: Path):
    other = Image.fromarray(SMOOTH[::-1])
    Image.fromarray(SMOOTH).save(tmp_path / "x.mpo", save_all=True, append_images=[other], quality=95)
    assert np.array_equal(load_picture(tmp_path / "x.mpo").array, read(tmp_path, encode()))


def test_inks_of_adobe_are_stored_inverted(tmp_path: Path):
    """CMYK, and YCCK: luminance and chroma of the inks, which libjpeg inverts, and inverted black."""
    black = np.full((48, 64, 1), 51, np.uint8)  # a fifth of full ink
    ink = np.concatenate([255 - SMOOTH, black], -1)
    right = SMOOTH / 255 * 0.8
    data = encode(ink, "CMYK", quality=100)
    assert b"Adobe" in data and np.abs(read(tmp_path, data) - right).max() < 0.03
    stored = np.concatenate([np.asarray(Image.fromarray(255 - SMOOTH).convert("YCbCr")), 255 - black], -1)
    data = encode(255 - stored, "CMYK", quality=100)  # Pillow inverts what it writes
    at = data.index(b"Adobe") + 11
    assert data[at] in (0, 2)
    assert np.abs(read(tmp_path, data[:at] + b"\2" + data[at + 1 :]) - right).max() < 0.03


def test_a_few_scans_are_read_and_hundreds_are_not(tmp_path: Path):
    data = encode(progressive=True)
    assert 5 < data.count(b"\xff\xda") < 20
    assert read(tmp_path, data).shape == (48, 64, 3)
    assert "scans" in refusal(read, tmp_path, data[:-2] + b"\xff\xda\0\2" * 300 + b"\xff\xd9")


# Huge images


@pytest.fixture
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make images of a few thousand pixels count as huge; four times as many are still read, as it is in reality."""
    pixels = getattr(request, "param", 4096)
    monkeypatch.setattr(jpeg, "MAX_PIXELS", pixels)
    monkeypatch.setattr("decoupling_lib.images.decode.MAX_JPEG_PIXELS", 4 * pixels)


def scene(height: int, width: int) -> np.ndarray:
    """Return an image with detail of every size, up to single pixels."""
    rows, columns = np.mgrid[:height, :width] / 7
    waves = np.stack([np.sin(rows * columns / 30), np.sin(rows**2 / 60), np.cos(columns * 3)], -1)
    return np.round(127.5 + 80 * waves + np.random.default_rng(5).normal(0, 12, (height, width, 3))).astype(np.uint8)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    "shape, limit, size, max_side",
    [
        ((200, 300), 20_000, (24, 30), 36),
        ((301, 199), 20_000, (30, 24), 40),
        ((140, 400), 20_000, (16, 40), 50),
        ((400, 600), 70_000, (24, 30), 36),
        ((801, 1203), 300_000, (24, 30), 36),
        ((200, 300), 20_000, (80, 80), 140),
    ],
    indirect=["limit"],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_huge_image_is_shrunk_to_nearly_the_same(
    tmp_path: Path, limit: None, shape: tuple, size: tuple, max_side: int, orientation: int, progressive: bool
):
    turn = exif(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    data = encode(scene(*shape), exif=turn, progressive=progressive, quality=90)
    whole = np.asarray(Image.open(io.BytesIO(data))) / 255
    whole = np.rot90(whole, -1) if orientation == 6 else whole
    for how in ({"size": size if orientation == 1 else size[::-1]}, {"max_side": max_side}):
        right = fit(np.ascontiguousarray(whole), **how)
        array = read(tmp_path, data, **how)
        assert array.shape == right.shape
        picked = [
            ((np.arange(n) + 0.5) * side / n).astype(int) for n, side in zip(right.shape, whole.shape[:2], strict=False)
        ]
        error, aliased = (np.sqrt(np.mean((each - right) ** 2)) for each in (array, whole[np.ix_(*picked)]))
        assert error < 0.02 and error < aliased / 3  # aliased: single pixels instead of means
        assert abs(array.mean() - right.mean()) < 0.002


@pytest.mark.parametrize("limit", [8000, 30_000, 70_000], indirect=True)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_huge_image_is_not_shifted(tmp_path: Path, limit: None, orientation: int):
    """Its last block is incomplete in both directions, and lies at another side in each orientation."""
    rows, columns = np.mgrid[:121, :241]
    ramps = np.stack([columns / 241, rows / 121, (rows + columns) / 362], -1)
    turn = exif(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    data = encode(np.round(255 * ramps).astype(np.uint8), exif=turn, quality=98, subsampling=0)
    array = read(tmp_path, data, size=(20, 20))
    stored = fit(ramps, size=(20, 20))
    half_turns = {1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1]}
    right = half_turns[orientation if orientation < 5 else {5: 1, 6: 4, 7: 3, 8: 2}[orientation]]
    right = right if orientation < 5 else right.transpose(1, 0, 2)
    assert np.abs(array - right)[1:-1, 1:-1].max() < 0.006


def test_a_huge_image_is_decoded_with_at_least_four_times_the_wanted_size():
    assert [jpeg.shrink_factor(9000, 12000, wanted) for wanted in ((64, 64), (250, 300), (500, 600), None)] == [
        8,
        8,
        4,
        2,
    ]
    assert jpeg.shrink_factor(9000, 12000, (8000, 8000)) == 2 and jpeg.shrink_factor(8000, 8000, (64, 64)) == 1
    assert jpeg.shrink_factor(16000, 16000, None) == 2 and limits.MAX_JPEG_PIXELS == 16000**2


def test_a_huge_image_is_read_with_a_note_and_a_larger_one_is_not(tmp_path: Path, limit: None):
    (tmp_path / "x.jpg").write_bytes(encode(scene(100, 80)))
    picture = load_picture(tmp_path / "x.jpg")
    assert picture.array.shape == (50, 40, 3) and "80x100" in picture.notes[0] and "40x50" in picture.notes[0]
    assert load_picture(tmp_path / "x.jpg", max_side=90).array.shape == (50, 40, 3)  # never enlarged
    (tmp_path / "x.jpg").write_bytes(encode(np.zeros((520, 510, 3), np.uint8)))
    assert "shrink it first" in refusal(load_picture, tmp_path / "x.jpg")


@pytest.mark.slow
def test_108_megapixels(tmp_path: Path):
    tile = np.round(127 + 100 * np.sin(np.arange(3000) / 200))[None, :, None] * np.ones((2250, 1, 3))
    Image.fromarray(tile.astype(np.uint8)).resize((12000, 9000)).save(tmp_path / "x.jpg", quality=80)
    picture = load_picture(tmp_path / "x.jpg", max_side=256)
    right = fit(tile.round() / 255, max_side=256)
    assert picture.array.shape == (192, 256, 3) and np.abs(picture.array - right).max() < 0.01
    Image.new("L", (9000, 9000)).save(tmp_path / "x.png")
    assert "shrink it first" in refusal(load_picture, tmp_path / "x.png")
