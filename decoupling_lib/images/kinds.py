"""What a file is by its first bytes, and what to do with one that is not read."""

from __future__ import annotations

import os
import re

from PIL import Image

from ..common.errors import InputError
from .limits import refusal
from .netpbm import is_netpbm
from .png import SIGNATURE
from .tiff_tags import SIGNATURES

_EXPORT = "open it in {} and save it as JPEG or PNG"
_PROGRAM = _EXPORT.format("an image program")
_RAW = ("a camera's raw file", "develop it in a photo program and save it as TIFF or PNG")
_HEIC = ("a HEIC image", "save it as JPEG or PNG (on the phone: choose the format Most Compatible)")
_VIDEO = ("a video", "save one of its frames as PNG")
_SVG = ("an SVG drawing", "save it as PNG, for example with Inkscape")
_PAGE = ("a web page", "open it in a browser and save the picture itself")
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), _HEIC),
    **{b"crx ": _RAW},
}
"""By the brand of an ISO base media file; those of other brands are videos, except AVIF."""
_PICTURES: tuple[tuple[bytes, tuple[str, str]], ...] = (
    *((start, _RAW) for start in (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")),
    (b"8BPS", ("a Photoshop document", _EXPORT.format("Photoshop or GIMP"))),
    (b"gimp xcf", ("a GIMP document", "export it from GIMP as PNG")),
    (b"%PDF", ("a PDF document", "save the picture in it as PNG, for example with pdftoppm -png")),
    (b"%!PS", ("a PostScript document", _PROGRAM)),
    (b"\xc5\xd0\xd3\xc6", ("a PostScript document", _PROGRAM)),
    (b"\x1a\x45\xdf\xa3", _VIDEO),
    (b"\0\0\1\xba", _VIDEO),
    (b"\0\0\1\xb3", _VIDEO),
    (b"FLV\1", _VIDEO),
    (b"\0\0\1\0", ("an icon", _PROGRAM)),
    (b"\0\0\2\0", ("a cursor", _PROGRAM)),
    (b"\xff\x0a", ("a JPEG XL image", _PROGRAM)),
    (b"\0\0\0\x0cJXL ", ("a JPEG XL image", _PROGRAM)),
    (b"\x76\x2f\x31\x01", ("an OpenEXR image", "save it as float TIFF with values in [0, 1], or as PNG")),
    (b"#?RADIANCE", ("a Radiance HDR image", "save it as float TIFF with values in [0, 1], or as PNG")),
    (b"#?RGBE", ("a Radiance HDR image", "save it as float TIFF with values in [0, 1], or as PNG")),
    (b"DDS ", ("a DDS texture", _PROGRAM)),
    (b"qoif", ("a QOI image", _PROGRAM)),
    (b"\x59\xa6\x6a\x95", ("a Sun raster image", _PROGRAM)),
    (b"\x01\xda", ("an SGI image", _PROGRAM)),
    (b"SIMPLE  =", ("a FITS image", "save it as float TIFF with values in [0, 1]")),
    (b"AT&TFORM", ("a DjVu document", "save the page in it as PNG")),
    (b"II\xbc", ("a JPEG XR image", _PROGRAM)),
)
"""By their first bytes, pictures and documents that are not read."""
_OTHERS: tuple[tuple[bytes, tuple[str, str]], ...] = (
    (b"PK\3\4", ("an archive or office document", "take the picture out of it first")),
    (b"\x1f\x8b", ("a compressed archive", "unpack it first")),
    (b"Rar!", ("a compressed archive", "unpack it first")),
    (b"7z\xbc\xaf", ("a compressed archive", "unpack it first")),
    (b"\x89HDF", ("an HDF5 file", "give an image instead")),
    (b"\x93NUMPY", ("a .npy array of an unknown version", "save it again with numpy.save")),
    (b"version https://git-lfs", ("a reference of Git LFS, not the file itself", "run git lfs pull")),
)
_RAW_EXTENSIONS = frozenset(
    ("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw")
    + ("orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f")
)
_READ = (SIGNATURE, b"\xff\xd8\xff", *SIGNATURES, b"GIF8", b"BM", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\x93NUMPY")
"""How pictures begin that are read; others are recognized by what follows."""
_TEXTUAL = (b"%PDF", b"%!PS", b"#?RADIANCE", b"#?RGBE", b"SIMPLE  =")
"""How pictures and documents begin that may look like text at first."""
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free")
_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\v\f\r"))
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_UNKNOWN = "is not an image of a known kind"
_XML = re.compile(rb"<(?:[a-z]+:)?(svg|!doctype html|html|head|body|script|!doctype svg)\b", re.IGNORECASE)


def is_avif(data: bytes) -> bool:
    """Return whether a file is an AVIF image: by its brand, or if that is general, by its compatible brands.

    Parameters
    ----------
    data : bytes
        The whole file, or its beginning.

    Returns
    -------
    bool
        False for HEIC.
    """
    box = data[: min(int.from_bytes(data[:4], "big"), 256)]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    return data[4:8] == b"ftyp" and (b"avif" in brands or b"avis" in brands)


def is_raw(label: str) -> bool:
    """Return whether a file's name is that of a camera's raw file, most kinds of which look like TIFF.

    Parameters
    ----------
    label : str
        The file's name.

    Returns
    -------
    bool
        Whether its extension is one of the cameras'.
    """
    return os.path.splitext(label)[1].lower().removeprefix(".") in _RAW_EXTENSIONS


def is_picture(start: bytes, end: bytes, label: str) -> bool:
    """Return whether a file is a picture, of a kind that is read or not, rather than text.

    What is in it decides. The extension of its name counts only where that leaves the question open: for bytes of no
    known kind, and for text that may be a Netpbm image or a web page in the place of an image.

    Parameters
    ----------
    start, end : bytes
        Some thousand bytes at the start of the file, and at least 18 at its end.
    label : str
        The file's name.

    Returns
    -------
    bool
        True for .npy arrays and for videos too; False for archives that are not named as an image.
    """
    extension = os.path.splitext(label)[1].lower()
    named = is_raw(label) or extension in Image.registered_extensions() or extension in (".npy", ".heic", ".heif")
    if start.startswith(_BYTE_ORDER_MARKS) or len(start) == len(start.translate(None, _CONTROLS)):
        markup = _describe_markup(start)
        return start.startswith(_TEXTUAL) or markup == _SVG or (named and (markup is not None or is_netpbm(start)))
    known = start.startswith((*_READ, *(signature for signature, _ in _PICTURES))) or is_netpbm(start)
    known = known or start[4:8] in _BOXES or (start[:4] == b"RIFF" and start[8:12] in (b"WEBP", b"AVI "))
    return named or known or start[6:14] == b"HEAPCCDR" or is_tga(end, label)


def is_tga(end: bytes, label: str) -> bool:
    """Return whether a file is a TGA image: by its last bytes, or by its name, since older files have no signature.

    Parameters
    ----------
    end : bytes
        The whole file, or at least its last 18 bytes.
    label : str
        The file's name.

    Returns
    -------
    bool
        Whether one of them says so.
    """
    return label.lower().endswith((".tga", ".icb", ".vda", ".vst")) or end[-18:-2] == b"TRUEVISION-XFILE"


def unknown_kind(data: bytes, label: str) -> InputError:
    """Return the error for a file that is none of the kinds that are read.

    Parameters
    ----------
    data : bytes
        The whole file.
    label : str
        The file's name.

    Returns
    -------
    InputError
        It names what the file is, as far as its first bytes show, and what to do with it.
    """
    what, step = _describe(data, label)
    return refusal(f"is {what}, a kind of file that is not read" if what else _UNKNOWN, label, step)


def _describe(data: bytes, label: str) -> tuple[str, str]:
    for signature, description in (*_PICTURES, *_OTHERS):
        if data.startswith(signature):
            return description
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], _VIDEO)
    if data[4:8] in _BOXES or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return _VIDEO
    if is_raw(label) or data[6:14] == b"HEAPCCDR":
        return _RAW
    if markup := _describe_markup(data):
        return markup
    start = _begin_text(data)
    if start and not data[:4096].strip(b"\0"):
        return "a file of zeros", "copy or download it again"
    if start and b"\0" not in start and _is_text(start):
        return "text", "give an image, or download the picture itself"
    return "", "save it as PNG in an image program, or use another file"


def _describe_markup(data: bytes) -> tuple[str, str] | None:
    start = _begin_text(data)
    markup = _XML.search(start) if start.startswith(b"<") else None
    if markup is None:
        return None
    return _SVG if markup[1].lower() in (b"svg", b"!doctype svg") else _PAGE


def _begin_text(data: bytes) -> bytes:
    return data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and error.start > 0  # a character may be cut in two
    return True
