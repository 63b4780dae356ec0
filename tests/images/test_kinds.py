"""Files that are not read are named for what they are, with the next step; what is in a file counts, not its name."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refusal

from decoupling_lib.images.pictures import load_picture

RGB = np.random.default_rng(17).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def brand(name: bytes, *others: bytes) -> bytes:
    box = b"ftyp" + name + bytes(4) + b"".join(others)
    return (len(box) + 4).to_bytes(4, "big") + box + bytes(100)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("word/document.xml", "x")
    return buffer.getvalue()


KINDS = {  # the name and content of a file, what it is, and a word of what to do
    "heic": ("IMG_1.HEIC", brand(b"heic", b"mif1"), "HEIC", "JPEG"),
    "heix": ("x.heic", brand(b"heix"), "HEIC", "JPEG"),
    "mif1": ("x.heif", brand(b"mif1", b"heic"), "HEIC", "JPEG"),
    "heic named jpg": ("x.jpg", brand(b"heic"), "HEIC", "JPEG"),
    "cr3": ("x.CR3", brand(b"crx "), "raw", "photo program"),
    "raf": ("x.raf", b"FUJIFILMCCD-RAW 0201" + bytes(50), "raw", "photo program"),
    "orf": ("x.orf", b"IIRO\x08\0\0\0" + bytes(50), "raw", "photo program"),
    "rw2": ("x.rw2", b"IIU\0\x18\0\0\0" + bytes(50), "raw", "photo program"),
    "cr2": ("x.cr2", b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "raw", "photo program"),
    "arw": ("x.ARW", b"II*\0\x08\0\0\0" + bytes(50), "raw", "photo program"),
    "dng": ("x.dng", b"MM\0*\0\0\0\x08" + bytes(50), "raw", "photo program"),
    "svg": ("x.svg", b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="x">', "SVG", "PNG"),
    "svg alone": ("x.svg", b"<svg/>", "SVG", "PNG"),
    "svg with a prefix": ("x.svg", b"\xef\xbb\xbf <svg:svg/>", "SVG", "PNG"),
    "pdf": ("x.pdf", b"%PDF-1.7\n%\xe2\xe3", "PDF", "PNG"),
    "eps": ("x.eps", b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript", "PNG"),
    "psd": ("x.psd", b"8BPS\0\1" + bytes(50), "Photoshop", "PNG"),
    "xcf": ("x.xcf", b"gimp xcf v011\0", "GIMP", "PNG"),
    "mp4": ("x.mp4", brand(b"isom", b"mp42"), "video", "frame"),
    "mov": ("x.mov", brand(b"qt  "), "video", "frame"),
    "old mov": ("x.mov", bytes(4) + b"moov" + bytes(50), "video", "frame"),
    "avi": ("x.avi", b"RIFF\0\0\0\0AVI LIST", "video", "frame"),
    "mkv": ("x.mkv", b"\x1a\x45\xdf\xa3" + bytes(50), "video", "frame"),
    "mpeg": ("x.mpg", b"\0\0\1\xba" + bytes(50), "video", "frame"),
    "web page": ("cat.jpg", b"<!DOCTYPE html>\n<html lang='en'>", "web page", "browser"),
    "web page in capitals": ("cat.png", b"\n\n<HTML><HEAD>", "web page", "browser"),
    "web page after a comment": ("cat.png", b"<!-- saved --><html>", "web page", "browser"),
    "text": ("x.png", b"not an image\n" * 100, "text", "image"),
    "text of other letters": ("x.png", "Кот на окне. ".encode() * 500, "text", "image"),
    "json": ("x.jpg", b'{"error": "not found"}', "text", "image"),
    "git lfs": ("x.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git LFS", "pull"),
    "zip": ("x.png", archive(), "archive", "take"),
    "gzip": ("x.png", gzip.compress(b"x" * 100), "archive", "unpack"),
    "jxl": ("x.jxl", b"\xff\x0a" + bytes(50), "JPEG XL", "PNG"),
    "jxl in a box": ("x.jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "JPEG XL", "PNG"),
    "exr": ("x.exr", b"\x76\x2f\x31\x01" + bytes(50), "OpenEXR", "TIFF"),
    "hdr": ("x.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "HDR", "TIFF"),
    "icon": ("x.ico", b"\0\0\1\0\1\0" + bytes(50), "icon", "PNG"),
    "fits": ("x.fits", b"SIMPLE  =                    T", "FITS", "TIFF"),
    "zeros": ("x.jpg", bytes(9999), "zeros", "again"),
    "something": ("x.png", bytes(range(1, 256)), "known kind", "PNG"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_not_read_is_named_with_what_to_do(tmp_path: Path, kind: str):
    name, data, fact, step = KINDS[kind]
    (tmp_path / name).write_bytes(data)
    line = refusal(load_picture, tmp_path / name)
    assert fact in line.split("; received ")[0] and step in line.rsplit("; ", 1)[1], line


def test_the_name_of_a_file_does_not_matter(tmp_path: Path):
    for kind in ("PNG", "BMP", "TIFF", "GIF"):
        for name in ("x.jpg", "x", "x.heic", "x.txt"):
            Image.fromarray(RGB).convert("RGB" if kind != "GIF" else "P").save(tmp_path / name, format=kind)
            with Image.open(tmp_path / name) as image:
                assert np.array_equal(load_picture(tmp_path / name).array, np.asarray(image.convert("RGB")) / 255)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif"])
def test_of_an_animation_the_first_frame_is_read_with_a_note(tmp_path: Path, suffix: str):
    frames = [Image.new("RGB", (24, 20), color) for color in ("red", "lime", "blue", "white")]
    frames[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:])
    picture = load_picture(tmp_path / f"x.{suffix}")
    assert np.allclose(picture.array, [1, 0, 0], atol=0.02)
    assert suffix == "png" or (len(picture.notes) == 1 and "4 frames" in picture.notes[0])
