"""Damage files by the thousand and feed them to the loaders, each campaign in processes of its own.

A crash, a hang or exhausted memory ends the process of one input and is counted; a new process continues with the next.
"""

import codecs
import io
import json
import mmap
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import h5py
import numpy as np
import tifffile
from icc_profiles import rgb_profile, table_profile
from paths import ROOT
from patience import HANG
from PIL import Image
from png_files import with_chunks
from tiff_files import packed_rows, tiff_page

from decoupling_lib.common.errors import InputError

PROCESSOR_SECONDS = 20
"""The time on the processor for one input, which takes milliseconds: only a hang reaches it."""
MAX_BYTES = 3 * 2**30
"""The address space of a process."""
MAX_CHARACTERS = 1500
"""The length of a message."""
TOKENS = (
    *("nan", "inf", "-1", "0", "1e999", "9" * 400, "9" * 5000, "0x1", "1_0", "true", "null", "[]", "{}", "[[", "}"),
    *(",", ";", ".", "a.b", "=", ":", "\n", "\r", "\t", "\0", "\x1b[31m", "\u2028", "\u202e", "é", "١", "\ufeff", "#"),
    *("1979-05-27", "../../x", "/dev/zero", "\\ud800", "x" * 3000, "[" * 3000, '{"a":' * 2000, "[a]\n", "a={a=", '"'),
)
"""What replaces a word or a mark in texts."""
VALUES = (None, True, -1, 2**70, 1e308, float("nan"), "", "\0", "\ud800", "x" * 5000, "../../x", "/dev/zero", "random")
VALUES += ([], {}, [[]], [1, 2, 3], [24, 24], {"a": {"b": []}}, "vgg19", 0, 3, 10**9, [10**6, 10**6], "\x1b[31m\n", ".")
"""What replaces a value in JSON, so that it stays JSON."""
TABLE = {index: (100 - 20 * sum(index), 60 * index[0] - 30, 40 * index[2]) for index in np.ndindex(2, 2, 2)}
"""Lab colors for a profile with a table."""
PIXELS = np.random.default_rng(7).integers(0, 256, (18, 23, 4), dtype=np.uint8)


class Loader(NamedTuple):
    """Undamaged files by name, and what reads one; `fragile` if a library may crash in the loader's own child."""

    files: dict[str, bytes]
    read: Callable[[Path], object]
    fragile: bool = False


def outcome(read: Callable[..., object], *arguments: object) -> str:
    """Return "accepted" or "refused"; raise any other exception, and reject a refusal that is not one complete line."""
    try:
        read(*arguments)
    except InputError as error:
        line = str(error)
        assert line.isprintable() and len(line) < MAX_CHARACTERS, line[:MAX_CHARACTERS]
        problem, received, rest = line.partition("; received ")
        value, accepted, rest = rest.partition("; accepted: ")
        assert problem and received and value and accepted and rest.rpartition("; ")[2], line
        return "refused"
    return "accepted"


def damage(files: dict[str, bytes], number: int) -> tuple[str, bytes]:
    """Return the name of a file and its damaged bytes; the number decides which file and how."""
    draw = random.Random(number)
    name = draw.choice(sorted(files))
    data = bytearray(files[name])
    if number % 4 == 1 and name.endswith(".json"):
        found = at = json.loads(data)
        while True:
            key = draw.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if not isinstance(at[key], (dict, list)) or not at[key] or draw.random() < 0.3:
                break
            at = at[key]
        at[key] = draw.choice(VALUES)
        return name, json.dumps(found).encode()
    if number % 2 and name.endswith((".txt", ".csv", ".json", ".toml")):
        codec = "utf-16" if data.startswith(codecs.BOM_UTF16) else "utf-8"
        words = re.split(r"(\W)", data.decode(codec, "surrogateescape"))
        for _ in range(draw.choice((1, 1, 2, 5))):
            words[draw.randrange(len(words))] = draw.choice(TOKENS)
        return name, "".join(words).encode(codec, "surrogateescape")
    if number % 8 == 0:
        return name, bytes(data[: draw.randrange(len(data))])
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        # Headers are short and matter most, so half of the damage is in the first bytes.
        at = draw.randrange(min(len(data), draw.choice((64, 512, len(data), len(data)))))
        kind = draw.randrange(7)
        if kind == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at] = draw.choice((0, 255, draw.randrange(256)))
        elif kind == 2:
            word = struct.pack(draw.choice("<>") + "I", draw.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 10**6)))
            data[at : at + 4] = word
        elif kind == 3:
            data[at : at + draw.randrange(1, 40)] = b""
        elif kind == 4:
            data[at:at] = draw.randbytes(draw.randrange(1, 40))
        elif kind == 5:
            data[at : at + draw.randrange(1, 64)] = bytes(draw.randrange(64))
        else:
            other = files[draw.choice(sorted(files))]
            start = draw.randrange(len(other))
            data[at : at + draw.randrange(200)] = other[start : start + draw.randrange(200)]
        data = data or bytearray(b"x")
    return name, bytes(data)


def campaign(name: str, numbers: range, folder: Path) -> dict:
    """Feed damaged files of these numbers to a loader, in a new process."""
    command = [sys.executable, __file__, name, str(numbers.start), str(numbers.stop), str(folder)]
    # One thread: each further one reserves address space, which is limited.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=2 * HANG)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def run_limited(code: str, *arguments: object, seconds: int = 120, mib: int | None = None) -> tuple[str, int]:
    """Run a piece of Python in a new process; return what it prints, and its peak memory in MiB.

    It must end by itself within `seconds` on the processor, and within an address space of `mib` MiB if that is given.
    """
    prelude = "import resource, sys; sys.path.insert(0, 'tests/support'); from hostile import outcome\n"
    prelude += f"resource.setrlimit(resource.RLIMIT_CPU, ({seconds},) * 2)\n"
    if mib is not None:
        prelude += f"resource.setrlimit(resource.RLIMIT_AS, ({mib * 2**20},) * 2)\n"
    # Not getrusage, which includes the process that this one was forked from.
    after = "\nprint(next(int(line.split()[1]) // 1024 for line in open('/proc/self/status') if line[:5] == 'VmHWM'))"
    command = [sys.executable, "-c", prelude + code + after, *map(str, arguments)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=HANG)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    *printed, peak = done.stdout.split()
    return " ".join(printed), int(peak)


# Files to damage


def encode(kind: str, array: np.ndarray, **how: object) -> bytes:
    buffer = io.BytesIO()
    if kind == "NPY":
        np.save(buffer, array, **how)
    elif kind == "TIFFFILE":
        tifffile.imwrite(buffer, array, **how)
    else:
        Image.fromarray(array).save(buffer, format=kind, **how)
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    """Return images of every kind that the kit reads, by file name."""
    rgb, deep = PIXELS[..., :3], PIXELS.astype(np.uint16) * 257
    floats = (rgb / 255).astype(np.float32)
    exif = Image.Exif()
    exif[0x0112] = 6
    gray16 = io.BytesIO()
    Image.fromarray(deep[..., 0]).save(gray16, format="PNG")
    files = {
        "rgb.png": encode("PNG", rgb),
        "alpha.png": encode("PNG", PIXELS, exif=exif),
        "deep.png": gray16.getvalue(),
        "rgb.jpg": encode("JPEG", rgb, exif=exif),
        "progressive.jpg": encode("JPEG", rgb, progressive=True),
        "rgb.gif": encode("GIF", rgb),
        "rgb.bmp": encode("BMP", rgb),
        "lossless.webp": encode("WEBP", PIXELS, lossless=True),
        "lossy.webp": encode("WEBP", rgb),
        "rgb.tif": encode("TIFF", rgb),
        "lzw.tif": encode("TIFF", rgb, compression="tiff_lzw"),
        "deflate.tif": encode("TIFF", PIXELS, compression="tiff_adobe_deflate"),
        "planes.tif": encode("TIFFFILE", np.moveaxis(deep[..., :3], -1, 0), photometric="rgb", planarconfig="separate"),
        "float.tif": encode("TIFFFILE", floats, photometric="rgb"),
        "float_deflate.tif": encode("TIFFFILE", floats, photometric="rgb", compression="zlib"),
        "tiles.tif": encode("TIFFFILE", floats, photometric="rgb", compression="zlib", tile=(16, 16)),
        "big.tif": encode("TIFFFILE", deep[..., :3], photometric="rgb", bigtiff=True),
        "float_lzw.tif": encode("TIFF", floats[..., 0], compression="tiff_lzw", tiffinfo={317: 3}),
        "jpeg.tif": encode("TIFF", rgb, compression="jpeg"),
        "fax.tif": encode("TIFF", rgb[..., 0] > 99, compression="group4"),
        "ten_bits.tif": tiff_page(packed_rows(PIXELS.astype(int) * 4, 10), PIXELS.shape[1], 10, 4, 2, t338=(3, [1])),
        "adobe.jpg": encode("JPEG", rgb, icc_profile=rgb_profile("adobe")),
        "prophoto.png": encode("PNG", rgb, icc_profile=rgb_profile("prophoto")),
        "p3.tif": encode("TIFFFILE", deep[..., :3], photometric="rgb", iccprofile=rgb_profile("p3")),
        "table.png": encode("PNG", rgb, icc_profile=table_profile(b"RGB ", TABLE)),
        "gamma.png": with_chunks(encode("PNG", rgb), (b"gAMA", struct.pack(">I", 100000))),
        "text.ppm": b"P3\n# text\n23 18\n255\n" + " ".join(map(str, rgb.ravel())).encode(),
        "deep.ppm": b"P6 23 18 65535\n" + deep[..., :3].astype(">u2").tobytes(),
        "bits.pbm": b"P4 23 18\n" + np.packbits(rgb[..., 0] > 99, axis=1).tobytes(),
        "floats.pfm": b"PF\n23 18\n-1.0\n" + floats.tobytes(),
        "rle.tga": encode("TGA", PIXELS, compression="tga_rle"),
        "plain.tga": encode("TGA", rgb),
        "rgb.jp2": encode("JPEG2000", rgb, irreversible=True),
        "deep.j2k": encode("JPEG2000", deep[..., 0], no_jp2=True),
        "rgb.avif": encode("AVIF", rgb),
        "alpha.avif": encode("AVIF", PIXELS, exif=exif),
    }
    for kind in ("bmp", "tiff", "tga", "png"):
        palette = io.BytesIO()
        Image.fromarray(rgb).quantize(16).save(palette, format=kind)
        files[f"palette.{kind}"] = palette.getvalue()
    return files


def arrays() -> dict[str, bytes]:
    floats = PIXELS[..., :3] / 255
    return {
        "rgb.npy": encode("NPY", floats),
        "gray.npy": encode("NPY", floats[..., 0].astype(np.float32)),
        "alpha.npy": encode("NPY", np.asfortranarray(PIXELS / 255)),
        "big.npy": encode("NPY", floats.astype(">f8")),
        "objects.npy": encode("NPY", np.array([{}, "x"], dtype=object), allow_pickle=True),
    }


def texts() -> dict[str, bytes]:
    numbers = np.random.default_rng(1).normal(size=40)
    rows = "\n".join(f"{a:.4g};{b:.6g}" for a, b in numbers.reshape(20, 2))
    return {
        "plain.txt": " ".join(f"{number:.5g}" for number in numbers).encode(),
        "lines.txt": "\r\n".join(f"{number:.5g}" for number in numbers).encode(),
        "one.csv": ("length\n" + "\n".join(f"{number:.5g}" for number in numbers)).encode(),
        "two.csv": f'"a, ""b""";höhe\n{rows}\n'.encode("utf-8-sig"),
        "excel.csv": f"sep=;\r\n# höhe\r\n{rows.replace('.', ',')}\r\n".encode("cp1252"),
        "marks.txt": "\n".join(f"{1000 * number:,.5f}".replace(",", "\u202f") for number in numbers).encode("utf-16"),
        "quoted.csv": "\n".join(f'"{number:.3e}" , "n/a"' for number in numbers[:9]).encode(),
        "list.npy": encode("NPY", numbers.astype(">f4")),
        "picture.png": encode("PNG", PIXELS),
    }


SMALL = (("block1_conv1", 3, 2), ("block2_conv1", 2, 2), ("block3_conv1", 2, 2))


def small_weights() -> dict[str, bytes]:
    """Return files of three narrow convolutions in each layout: mostly structure, which is what breaks."""
    generator = np.random.default_rng(0)
    files = {}
    for name in ("legacy.h5", "keras3.weights.h5", "packed.h5", "new.h5"):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", libver="latest" if name == "new.h5" else "earliest") as file:
            for k, (layer, inputs, outputs) in enumerate(SMALL):
                group, names = file.create_group(f"layers/conv2d_{k}/vars") if "keras3" in name else None, ("0", "1")
                if group is None:
                    group, names = file.create_group(layer), (f"{layer}_W_1:0", f"{layer}_b_1:0")
                    group.attrs["weight_names"] = [each.encode() for each in names]
                else:
                    group.attrs["name"] = layer
                packed = {"chunks": (3, 3, inputs, outputs), "compression": "gzip", "shuffle": True}
                kernel = generator.random((3, 3, inputs, outputs), dtype=np.float32)
                group.create_dataset(names[0], data=kernel, **packed if name == "packed.h5" else {})
                group.create_dataset(names[1], data=generator.random(outputs, dtype=np.float32))
        files[name] = buffer.getvalue()
    return files


NAME, KEY = "step1.block1_conv1", "k" * 64


def kept_steps() -> dict[str, bytes]:
    """Return a checkpoint as the journal writes it."""
    import tempfile

    from decoupling_lib.runs.checkpoint import FOLDER, DiskJournal

    with tempfile.TemporaryDirectory() as folder:
        state = {"x": PIXELS[..., :3] / 255, "s": np.array(0.25), "tally": np.frombuffer(b'{"a": 1}', np.uint8)}
        DiskJournal(Path(folder), KEY, resume=False).keep(NAME, state, finished=True)
        return {f"{NAME}.npz": (Path(folder) / FOLDER / f"{NAME}.npz").read_bytes()}


def resumed(file: Path) -> None:
    """Resume the run whose only checkpoint is this file."""
    from decoupling_lib.runs.checkpoint import FOLDER, DiskJournal

    folder = file.parent / "run"
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    os.replace(file, folder / FOLDER / file.name)
    found = DiskJournal(folder, KEY, resume=True).find(NAME)
    # What is accepted must be what was written, to the bit: the engine could fail on other arrays.
    assert found is not None and found["x"].tobytes() == (PIXELS[..., :3] / 255).tobytes()


REPORT = {
    "schema": 1,
    "command": "transfer",
    "options": {"layers": 1, "size": [24, 24], "network": "vgg16", "weights": "random", "steps": 3, "seed": 0},
    "network": {"architecture": "vgg16", "weights": "random", "sha256": "0" * 64},
    "inputs": [{"name": "china", "sha256": "1" * 64}, {"name": "chelsea", "sha256": "1" * 64}],
    "arrays": {"result": {"shape": [24, 24, 3], "sha256": "0" * 64, "downsample": [[[0.5] * 3] * 16] * 16}},
}
SWEEP = """
pairs = [["coffee", "chelsea"], ["a/b.png", "../c.png"]]
[fixed]
layers = 1
size = 24
softness = 0.3
activation = "softplus"
weights = "random"
[grid]
seed = [0, 1, 2]
damping = [0.1, 1e-2]
"""
LISTED = {"title": "t", "file": "f.png", "differs": "d", "command": "c", "seconds": 1.5, "network": None, "machine": {}}
LISTED |= {"source": {"architecture": "vgg16", "weights": "hed"}, "versions": {}, "plotted": {}, "sha256": "0" * 64}
MANIFEST = {
    "schema": 1,
    "command": "figures",
    "figures": [LISTED | {"number": "2.1"}, LISTED | {"number": "4.5", "network": {"sha256": "0" * 64}, "seconds": 2}],
}


def report_read(file: Path) -> None:
    """Read a report and gather what it names, except the network, which takes long."""
    from decoupling_lib.images.pictures import load_picture
    from decoupling_lib.networks import architectures, weights
    from decoupling_lib.runs import rerun
    from decoupling_lib.transfers import options
    from decoupling_lib.transfers.options import resolve_options

    def gather(origin: str, target: str, chosen: options.Options) -> SimpleNamespace:
        judged = resolve_options(chosen)
        for name in {origin, target} - {"china", "chelsea"} if isinstance(origin, str) else (origin, target):
            load_picture(name, judged.size, judged.max_side)
        architectures.style_layers(
            weights.default_source(judged.network, judged.weights)[0], judged.layer_set, judged.layers
        )
        if judged.weights != "random":
            weights.read("vgg16", judged.weights)
        named = {"target": judged.mask, "origin": judged.origin_mask}
        for name in (*named.values(), *(other for other, _ in judged.mix)):
            if name is not None:
                load_picture(name)
        picture, read = SimpleNamespace(sha256="1" * 64), SimpleNamespace(sha256="0" * 64)
        masks = {image: SimpleNamespace(picture=picture) for image, name in named.items() if name is not None}
        return SimpleNamespace(
            origin=picture,
            target=picture,
            network=SimpleNamespace(weights=read),
            masks=SimpleNamespace(files=masks),
            others=(picture,) * len(judged.mix),
        )

    rerun.gather_inputs = gather
    rerun.gather_recorded_inputs(rerun.read_report(file))


def sweep_read(file: Path) -> None:
    from decoupling_lib.runs import sweep_spec

    for job in sweep_spec.read_sweep(file):
        assert Path(job.name).name == job.name and job.name.replace("-", "").replace("_", "").isalnum()


def manifest_read(file: Path) -> None:
    """Read a folder's manifest and write the page from what is accepted."""
    from decoupling_lib.figures import gallery

    os.replace(file, file.with_name(gallery.MANIFEST))
    gallery.render_page(list(gallery._read_manifest(file.parent).values()))


def figures_read(file: Path) -> None:
    """Read a manifest as if its figures were to be drawn again."""
    from decoupling_lib.figures import redraw
    from decoupling_lib.networks import weights
    from decoupling_lib.runs import rerun

    known = SimpleNamespace(sha256="0" * 64)  # otherwise the file of a known network would be read each time
    given = weights.read
    redraw.weights = SimpleNamespace(read=lambda *source: known if source == ("vgg16", "hed") else given(*source))
    redraw.select_entries(rerun.replace_weights(rerun.read_report(file)))


def picture_read(file: Path) -> None:
    from decoupling_lib.images.pictures import load_picture

    array = load_picture(file).array
    assert array.dtype == np.float64 and array.ndim == 3 and array.shape[2] == 3 and np.isfinite(array).all()


def sample_read(file: Path) -> None:
    from decoupling_lib.moments import samples

    assert np.isfinite(samples.read_sample(file).values).all()


def weights_read(file: Path) -> None:
    """Do what the child process of `weights.read` does with a file."""
    from decoupling_lib.networks import weight_files
    from decoupling_lib.networks.architectures import Convolution

    weight_files.ARCHITECTURES = {
        "vgg16": tuple(Convolution(name, block, *sizes) for block, (name, *sizes) in enumerate(SMALL, 1))
    }
    weight_files.read("vgg16", file)


def loaders(name: str) -> Loader:
    return {
        "pictures": lambda: Loader(pictures(), picture_read),
        "arrays": lambda: Loader(arrays(), picture_read),
        "samples": lambda: Loader(texts(), sample_read),
        "weights": lambda: Loader(small_weights(), weights_read, fragile=True),
        "kept steps": lambda: Loader(kept_steps(), resumed),
        "reports": lambda: Loader({"report.json": json.dumps(REPORT).encode()}, report_read),
        "sweeps": lambda: Loader({"sweep.toml": SWEEP.encode()}, sweep_read),
        "figures": lambda: Loader({"manifest.json": json.dumps(MANIFEST).encode()}, figures_read),
        "manifests": lambda: Loader({"x.json": json.dumps(MANIFEST).encode()}, manifest_read),
    }[name]()


def main(name: str, first: int, stop: int, folder: Path) -> None:
    """Fork a process that works through the inputs, and another one after each input that ends it."""
    loader = loaders(name)
    warnings.simplefilter("error")
    loader.read  # noqa: B018 - imported before the fork
    seconds = 4 if loader.fragile else PROCESSOR_SECONDS
    tally = np.frombuffer(mmap.mmap(-1, 32), np.int64)  # shared: accepted, refused, next input, peak in KiB
    tally[2] = first
    ended: dict[str, int] = {}
    while tally[2] < stop:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for number in range(int(tally[2]), stop):
                tally[2] = number + 1
                signal.setitimer(signal.ITIMER_PROF, seconds)  # on the processor
                signal.setitimer(signal.ITIMER_REAL, HANG / 10)  # asleep
                path, data = damage(loader.files, number)
                (folder / path).write_bytes(data)
                try:
                    tally[int(outcome(loader.read, folder / path) == "refused")] += 1
                except BaseException:
                    print(f"input {number} ({path})", file=sys.stderr, flush=True)
                    raise
                tally[3] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            sys.stdout.flush()
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            kind = signal.Signals(os.WTERMSIG(status)).name
            ended[kind] = ended.get(kind, 0) + 1
            print(f"input {tally[2] - 1} ended by {kind}", file=sys.stderr)
        if status and not (loader.fragile and os.WIFSIGNALED(status)):
            sys.exit(1)
    found = dict(zip(("accepted", "refused", "inputs", "mib"), tally.tolist(), strict=True))
    print(json.dumps(found | {"ended": ended, "mib": found["mib"] // 1024}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
