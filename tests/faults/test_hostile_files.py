"""Bad input, systematically: every loader of users' files reads thousands of damaged and hostile ones.

Each is accepted, or refused in one complete line; nothing else may happen. The module `hostile` does the damage.
"""

import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest
import tifffile
from hostile import campaign, outcome, run_limited
from PIL import Image
from png_files import chunk

from decoupling_lib.common.errors import InputError
from decoupling_lib.figures import gallery
from decoupling_lib.images.pictures import load_picture, save_png
from decoupling_lib.moments import samples, tables
from decoupling_lib.networks import architectures, weight_files, weights
from decoupling_lib.runs import checkpoint, comparison, digest, rerun, sweep_spec

pytestmark = pytest.mark.faults
INPUTS = {
    **{"pictures": 4000, "arrays": 1500, "samples": 2500, "weights": 3500},
    **{"kept steps": 800, "reports": 1000, "sweeps": 2000, "manifests": 1500, "figures": 800},
}
READ = {  # every kind of function that reads a path
    "picture": load_picture,
    "sample": samples.read_sample,
    "weights": lambda path: weights.read("vgg16", path),
    "report": rerun.read_report,
    "sweep": sweep_spec.read_sweep,
}
PEAK = "from decoupling_lib.images.pictures import load_picture; print(outcome(load_picture, sys.argv[1]))"


def refusal(function, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("loader", INPUTS)
def test_damaged_files_are_accepted_or_refused(loader: str, tmp_path: Path, input_numbers, record_property):
    numbers = input_numbers(INPUTS[loader])
    found = campaign(loader, numbers, tmp_path)
    ended = sum(found["ended"].values())  # only by HDF5, which weights.read calls in a separate process
    record_property("inputs tried", len(numbers))
    record_property("ended their process", found["ended"])
    assert found["accepted"] + found["refused"] + ended == len(numbers) and found["accepted"] > 0
    assert ended <= (len(numbers) / 500 + 1 if loader == "weights" else 0), found
    assert found["refused"] > 0 or loader == "manifests"  # which are not refused but ignored
    unknown = {path.name for path in tmp_path.iterdir()} - {"run", gallery.MANIFEST}
    assert unknown <= set(hostile.loaders(loader).files)


# Paths


def hostile_paths(folder: Path) -> list:
    """Return paths to what is not a file, cannot be opened, or has an odd name."""
    (folder / "loop").symlink_to("loop")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "folder").mkdir()
    (folder / "to_folder").symlink_to("folder")
    (folder / "nowhere").symlink_to("nothing")
    os.mkfifo(folder / "fifo")
    (folder / "to_fifo").symlink_to("fifo")
    (folder / "empty").touch()
    odd = [b"\xff\xfe\x80", b"\x1b[31mred\n\r", "ünïcödé‮ \U0001f600".encode(), b" ", b"-", b"--help", b"\xed\xa0\x80"]
    for name in odd:
        (folder / os.fsdecode(name)).write_bytes(b"\x00 neither text nor picture \xff")
    named = ["x" * 5000, "x/" * 2500, "", "\0", "a\0b", "\ud800", "..", "/", "/proc/self/mem", "/dev/stdin/x", *"~*"]
    paths = [folder / path for path in os.listdir(folder)] + [folder / name for name in named if "\0" not in name]
    return [*paths, *map(str, paths), *named, b"bytes", 3, None, 1.5, [], folder / "folder" / ".." / "fifo"]


@pytest.mark.parametrize("loader", READ)
def test_paths_to_anything_but_a_file_are_refused(loader: str, tmp_path: Path, record_property):
    paths = hostile_paths(tmp_path)
    for suffix in (".png", ".npy", ".txt"):  # the reader of samples recognizes images by their suffix
        os.mkfifo(tmp_path / f"fifo{suffix}")
        (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
        paths += [tmp_path / f"fifo{suffix}", tmp_path / f"zero{suffix}"]
    before = sorted(tmp_path.rglob("*"))
    assert {outcome(READ[loader], path) for path in paths} == {"refused"}
    assert sorted(tmp_path.rglob("*")) == before
    record_property("inputs tried", len(paths))


def test_files_of_any_name_are_read(tmp_path: Path):
    """Above, they are refused for their contents."""
    for name in (b"\xff\xfe\x80", b"\x1b[31mred\n", "ünïcödé‮".encode(), b"--help"):
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(hostile.pictures()["rgb.png"])
        hostile.picture_read(path)
        path.write_text("1 2 3 4 5 6 7 8.5")
        hostile.sample_read(path)
        path.write_text(hostile.SWEEP)
        assert len(sweep_spec.read_sweep(path)) == 12
        with h5py.File(path, "w") as file:
            vgg16(file)
        assert outcome(READ["weights"], path) == "accepted"


@pytest.mark.parametrize("kind", ["fifo", "zero", "folder", "loop"])
def test_a_checkpoint_or_manifest_that_is_not_a_file_is_ignored(kind: str, tmp_path: Path):
    hostile_paths(tmp_path)
    (tmp_path / checkpoint.FOLDER).mkdir()
    (tmp_path / kind).rename(tmp_path / checkpoint.FOLDER / f"{hostile.NAME}.npz")
    (tmp_path / gallery.MANIFEST).symlink_to(f"{checkpoint.FOLDER}/{hostile.NAME}.npz")
    assert checkpoint.DiskJournal(tmp_path, hostile.KEY, resume=True).find(hostile.NAME) is None
    assert gallery._read_manifest(tmp_path) == {}


# Claims of more than there is, and files that unpack to a thousand times their size


def huge_claims() -> dict[str, bytes]:
    """Small files that claim enormous contents."""
    png, bmp, gif = (hostile.pictures()[f"rgb.{kind}"] for kind in ("png", "bmp", "gif"))
    files = {}
    for side in (2**31 - 1, 2**31, 2**32 - 1, 10**5):
        files[f"{side}.png"] = png[:8] + chunk(b"IHDR", struct.pack(">II", side, side) + png[24:29]) + png[33:]
        files[f"{side}.bmp"] = bmp[:18] + struct.pack("<II", side, side) + bmp[26:]
        files[f"{side}.ppm"] = b"P6 %d %d 65535\n" % (side, side) + bytes(999)
        files[f"{side}_plain.ppm"] = b"P3 %d 1 255\n" % side + b"1 " * 999
        files[f"{side}.pfm"] = b"PF %d %d -1.0\n" % (side, side) + bytes(999)
        for kind in ("rgb.jp2", "deep.j2k"):
            whole = hostile.pictures()[kind]
            at = whole.index(b"\xff\x4f\xff\x51")  # the size of the image, and of its tiles
            for part in (8, 24):
                claim = struct.pack(">II", side, side)
                files[f"{side}_{part}_{kind}"] = whole[: at + part] + claim + whole[at + part + 8 :]
        whole = hostile.pictures()["rgb.avif"]
        at = whole.index(b"ispe") + 8
        files[f"{side}.avif"] = whole[:at] + struct.pack(">II", side, side) + whole[at + 8 :]
    files["x.gif"] = gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    for name in ("rle.tga", "plain.tga"):
        files[name] = hostile.pictures()[name][:12] + b"\xff\xff\xff\xff" + hostile.pictures()[name][16:]
    kinds = ("<f8", ">f2", "<f16", "|O", "|V0", "|S0", "<U1000000000", [("a", "<f8")] * 1, "(1000,1000)f8")
    for k, descr in enumerate(kinds):
        for shape in ((10**12,), (10**6, 10**6, 3), (0, 10**30), (-1, 4, 3), (2**63, 2), (20, 20, 3), (1,) * 64, ()):
            buffer = io.BytesIO()
            claim = {"descr": descr, "fortran_order": k % 2 == 0, "shape": shape}
            np.lib.format.write_array_header_1_0(buffer, claim)
            files[f"{k}_{shape[:1]}_{len(shape)}.npy"] = buffer.getvalue() + bytes(100)
    for name in ("rgb.tif", "float.tif", "float_deflate.tif", "tiles.tif", "planes.tif", "big.tif"):
        whole = hostile.pictures()[name]
        with tifffile.TiffFile(io.BytesIO(whole)) as file:
            places = {tag.code: tag.offset for tag in file.pages[0].tags}
        for code in (256, 257, 258, 273, 277, 278, 279, 322, 323, 324, 325):
            if code not in places:
                continue
            for value in (0, 65535, 2**31 - 1, 2**32 - 1):
                for part in (4, 8):  # the count, or the value
                    at = places[code] + part + (4 if part == 8 and name == "big.tif" else 0)
                    files[f"{code}_{value}_{part}_{name}"] = whole[:at] + struct.pack("<I", value) + whole[at + 4 :]
    return files


def test_claims_of_size_are_not_trusted(tmp_path: Path, record_property):
    claims = huge_claims()
    for name, data in claims.items():
        (tmp_path / name).write_bytes(data)
    code = "import pathlib; from decoupling_lib.images.pictures import load_picture\n"
    code += "from decoupling_lib.moments import samples\n"
    code += "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
    code += "    outcome(load_picture, path); outcome(samples.read_sample, path)"
    _, peak = run_limited(code, tmp_path, mib=3072)
    assert peak < 700
    record_property("inputs tried", 2 * len(claims))


def one_color(side: int, bits: int, color_type: int, channels: int) -> bytes:
    """Return a PNG file of side x side pixels of one color, a few hundred KiB."""
    packer = zlib.compressobj(6)
    row = b"\0" + bytes([200]) * (side * channels * bits // 8)
    body = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, color_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_the_largest_image_takes_less_than_3_gib_and_a_larger_one_is_not_read(tmp_path: Path, record_property):
    (tmp_path / "largest.png").write_bytes(one_color(8000, 8, 6, 4))
    found, peak = run_limited(PEAK, tmp_path / "largest.png")
    record_property("peak MiB of 64 megapixels", peak)
    assert found == "accepted" and peak < 3072
    (tmp_path / "larger.png").write_bytes(one_color(8001, 8, 0, 1))
    found, peak = run_limited(PEAK, tmp_path / "larger.png")
    assert found == "refused" and peak < 200
    # A JPEG is shrunk while it is decoded; a progressive one needs memory for all its coefficients.
    Image.new("L", (16000, 16000), 200).save(tmp_path / "largest.jpg", progressive=True)
    found, peak = run_limited(PEAK, tmp_path / "largest.jpg")
    assert found == "accepted" and peak < 3072
    Image.new("L", (16001, 16000), 200).save(tmp_path / "larger.jpg")
    found, peak = run_limited(PEAK, tmp_path / "larger.jpg")
    assert found == "refused" and peak < 200
    record_property("inputs tried", 4)


def test_decompression_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, record_property):
    packer = zlib.compressobj(9)
    head, block = packer.flush(zlib.Z_FULL_FLUSH), packer.compress(bytes(10**7)) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = head + 100 * block + packer.flush()  # a thousandth of its unpacked size
    with tifffile.TiffWriter(tmp_path / "bomb.tif") as file:
        file.write(np.zeros((20, 20, 3), np.float32), photometric="rgb", compression="zlib", rowsperstrip=20)
    with tifffile.TiffFile(tmp_path / "bomb.tif") as file:
        places = {tag.name: tag.valueoffset for tag in file.pages[0].tags.values()}
    data = bytearray((tmp_path / "bomb.tif").read_bytes())
    for name, value in {"StripOffsets": len(data), "StripByteCounts": len(zeros)}.items():
        data[places[name] : places[name] + 4] = struct.pack("<I", value)
    (tmp_path / "bomb.tif").write_bytes(data + zeros)
    (tmp_path / "scans.jpg").write_bytes(hostile.pictures()["progressive.jpg"][:-2] + b"\xff\xda\0\2" * 1000)
    for name in ("bomb.tif", "scans.jpg"):
        found, peak = run_limited(PEAK, tmp_path / name)
        assert found == "refused" and peak < 300, (name, found, peak)
    # In memory, each of these numbers takes far more than its digits.
    (tmp_path / "many.txt").write_bytes(b"1\n" * (tables.MAX_BYTES // 2 + 1))
    assert "too large" in refusal(samples.read_sample, tmp_path / "many.txt")
    (tmp_path / "quotes.csv").write_text('"' + "x," * 100_000)
    assert outcome(samples.read_sample, tmp_path / "quotes.csv") == "refused"
    record_property("inputs tried", 4)


def test_archives_of_huge_contents_or_with_odd_names_are_refused(tmp_path: Path, record_property):
    checkpoint_file, elsewhere = tmp_path / checkpoint.FOLDER / f"{hostile.NAME}.npz", tmp_path.parent / "escaped.npy"
    checkpoint_file.parent.mkdir()
    whole = hostile.kept_steps()[f"{hostile.NAME}.npz"]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}

    def attempt(extra: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> str:
        with zipfile.ZipFile(checkpoint_file, "w", compression) as archive:
            for name, data in (members | extra).items():
                archive.writestr(name, data)
        return outcome(lambda: checkpoint.DiskJournal(tmp_path, hostile.KEY, resume=True))

    big = hostile.encode("NPY", np.zeros(10**7))
    assert attempt({}) == "accepted"
    attempts = [({"x.npy": big}, zipfile.ZIP_DEFLATED), ({}, zipfile.ZIP_BZIP2)]
    names = ("../../escaped.npy", "/etc/escaped.npy", "..\\escaped.npy", "x" * 5000, "\x1b[31m", "key.npy/x", "")
    attempts += [({name: members["x.npy"]}, zipfile.ZIP_STORED) for name in names if name]
    attempts += [({name: b"\x80\x04N."}, zipfile.ZIP_STORED) for name in members]
    assert {attempt(*arguments) for arguments in attempts} == {"refused"}
    assert not elsewhere.exists() and list(checkpoint_file.parent.iterdir()) == [checkpoint_file]
    record_property("inputs tried", len(attempts) + 1)


class Marker:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_nothing_is_unpickled(tmp_path: Path, record_property):
    marker, inputs = tmp_path / "executed", 0
    bomb = np.array([Marker(marker)] * 7, dtype=object)
    plain = io.BytesIO()
    np.savez(plain, key=bomb, seal=bomb, x=bomb)
    texts = [pickle.dumps(bomb), hostile.encode("NPY", bomb, allow_pickle=True), plain.getvalue()]
    np.load(io.BytesIO(texts[1]), allow_pickle=True)
    marker.rmdir()  # which shows that the pickle works
    for suffix in (".npy", ".png", ".txt", ".h5", ".npz", ".json", ".toml", ".tif", ".pkl", ""):
        for text in texts:
            (tmp_path / f"x{suffix}").write_bytes(text)
            assert {outcome(read, tmp_path / f"x{suffix}") for read in READ.values()} == {"refused"}
            inputs += len(READ)
    for text in texts:
        (tmp_path / f"{hostile.NAME}.npz").write_bytes(text)
        assert outcome(hostile.resumed, tmp_path / f"{hostile.NAME}.npz") == "refused"
        (tmp_path / "x.json").write_bytes(text)
        hostile.manifest_read(tmp_path / "x.json")
    assert not marker.exists()
    record_property("inputs tried", inputs + 2 * len(texts))


# Files of weights


def vgg16(file: h5py.File, **how: object) -> None:
    """Write VGG-16 in Keras's legacy layout; without `how`, no values are stored and all are zero."""
    for name, _, inputs, outputs in architectures.ARCHITECTURES["vgg16"]:
        group = file.create_group(name)
        group.attrs["weight_names"] = [b"W", b"b"]
        group.create_dataset("W", (3, 3, inputs, outputs), "f4", **how)
        group.create_dataset("b", (outputs,), "f4")


def link_elsewhere(kind: str, file: h5py.File, elsewhere: Path) -> None:
    """Put a link or a layout that leads elsewhere in place of the first kernel."""
    shape, group = (3, 3, 3, 64), file["block1_conv1"]
    del group["W"]
    if kind == "external link":
        group["W"] = h5py.ExternalLink(str(elsewhere), "/W")
    elif kind == "soft link":
        group["W"] = h5py.SoftLink("/block1_conv1/b")
    elif kind == "soft circle":
        group["W"] = h5py.SoftLink("/block1_conv1/W")
    elif kind == "external group":
        del file["block1_conv1"]
        file["block1_conv1"] = h5py.ExternalLink(str(elsewhere), "/")
    elif kind == "external values":
        group.create_dataset("W", shape, "f4", external=[(str(elsewhere), 0, h5py.h5f.UNLIMITED)])
    elif kind == "virtual":
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:] = h5py.VirtualSource(str(elsewhere), "W", shape)
        group.create_virtual_dataset("W", layout)
    elif kind == "path through a link":
        file["far"] = h5py.ExternalLink(str(elsewhere), "/")
        group.attrs["weight_names"] = [b"/far/W", b"b"]
    elif kind == "keras3 link":
        inner = file.create_group("layers/conv2d/vars")
        inner["0"], inner["1"] = h5py.ExternalLink(str(elsewhere), "/W"), group["b"]
        for name, *_ in architectures.ARCHITECTURES["vgg16"]:
            del file[name].attrs["weight_names"]


KINDS = ("external link", "soft link", "soft circle", "external group", "external values", "virtual")
KINDS += ("path through a link", "keras3 link")


@pytest.mark.parametrize("target", ["fifo", "file"])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_with_links_that_lead_elsewhere_are_refused(kind: str, target: str, tmp_path: Path, record_property):
    elsewhere = tmp_path / target
    if target == "fifo":
        os.mkfifo(elsewhere)
    else:
        with h5py.File(elsewhere, "w") as file:
            file["W"] = np.zeros((3, 3, 3, 64), np.float32)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        vgg16(file)
        link_elsewhere(kind, file, elsewhere)
    message = refusal(weights.read, "vgg16", tmp_path / "x.h5")
    assert "HDF5 library" not in message  # which would have crashed, or waited for the pipe
    record_property("inputs tried", 1)


def test_weights_nested_too_deep_in_circles_or_compressed_too_much_are_refused(tmp_path: Path, record_property):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("g")
        group["back"] = file["g"]
    assert outcome(READ["weights"], path) == "refused"
    with h5py.File(path, "w") as file:
        file["g/vars"] = file.create_group("x")
        file["x/0"] = file["x/1"] = file["x"]
    assert outcome(READ["weights"], path) == "refused"
    with h5py.File(path, "w") as file:  # a chunk of 64 values that unpacks to two GiB
        vgg16(file)
        del file["block1_conv1/b"]
        bias = file.create_dataset("block1_conv1/b", (64,), "f4", chunks=(64,), compression="gzip")
        packer = zlib.compressobj(9)
        head, block = packer.flush(zlib.Z_FULL_FLUSH), packer.compress(bytes(10**8)) + packer.flush(zlib.Z_FULL_FLUSH)
        bias.id.write_direct_chunk((0,), head + 22 * block)
    assert outcome(READ["weights"], path) == "refused"
    record_property("inputs tried", 3)


CHILDREN = {  # the code of a child process, and what its refusal must contain
    "crash": ("import os; os.abort()", "code -6"),
    "hang": ("import time; time.sleep(3600)", "HDF5 library"),
    "out of memory": ("raise MemoryError", "code 1"),
    "cut short": ("print('too little')", "HDF5 library"),
}


@pytest.mark.parametrize("child", CHILDREN)
def test_a_reader_of_weights_that_crashes_or_hangs_is_a_refusal(child: str, tmp_path: Path, monkeypatch):
    code, fragment = CHILDREN[child]
    monkeypatch.setattr(weight_files, "_CHILD", code)
    if child == "hang":
        monkeypatch.setattr(weight_files, "_CHILD_SECONDS", 1)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        vgg16(file)
    assert outcome(READ["weights"], tmp_path / "x.h5") == "refused"
    assert fragment in refusal(weights.read, "vgg16", tmp_path / "x.h5")


@pytest.mark.parametrize("change", ["other bytes", "gone"])
def test_weights_that_change_while_they_are_read_are_refused(change: str, tmp_path: Path, monkeypatch):
    path, read = tmp_path / "x.h5", weight_files.read_in_subprocess
    with h5py.File(path, "w") as file:
        vgg16(file, chunks=True, compression="gzip")
    found = weights.read("vgg16", path)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and path.stat().st_size < 200_000

    def meanwhile(*arguments: object) -> object:
        arrays = read(*arguments)
        path.unlink() if change == "gone" else path.write_bytes(path.read_bytes() + b"\0")
        return arrays

    monkeypatch.setattr(weight_files, "read_in_subprocess", meanwhile)
    assert "changed while they were read" in refusal(weights.read, "vgg16", path)


# Texts


def test_texts_that_would_take_hours_or_all_memory_are_refused(tmp_path: Path, record_property):
    deep = 200_000
    cases = {
        "dots.toml": ".".join("a" * deep) + " = 1",
        "header.toml": "[" + ".".join('"a"' for _ in range(deep // 2)) + "]",
        "spaced.toml": "fixed = {" + " . ".join("a" * (deep // 2)) + "=1}",
        "arrays.toml": "pairs = " + "[" * deep,
        "tables.toml": "fixed = " + "{a=" * deep,
        "product.toml": f"origins = {['a'] * 100_000}\ntargets = {['b'] * 100_000}".replace(" ", ""),
        "grid.toml": 'pairs = [["a", "b"]]\n[grid]\nsteps = N\nseed = N'.replace("N", f"{[1] * 999}"),
        "date.toml": 'pairs = [["a", "b"]]\n[fixed]\nactivation = 1979-05-27',
        "table.toml": 'pairs = [["a", "b"]]\n[fixed]\nnetwork = {a = 1}',
        "large.toml": "#" * (sweep_spec.MAX_BYTES + 1),
        "arrays.json": "[" * deep,
        "objects.json": '{"a":' * deep,
        "large.json": '"' + "x" * rerun.MAX_BYTES + '"',
        "digits.json": "9" * deep,
    }
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
    code = "import pathlib; from decoupling_lib.runs import rerun, sweep_spec\n"
    code += "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
    code += "    print(outcome(sweep_spec.read_sweep if path.suffix == '.toml' else rerun.read_report, path))"
    found, peak = run_limited(code, tmp_path, seconds=60, mib=8192)
    assert set(found.split()) == {"refused"} and peak < 1500
    assert gallery._read_manifest(tmp_path) == {}
    for name in ("arrays.json", "objects.json", "digits.json"):
        (tmp_path / gallery.MANIFEST).write_text(cases[name])
        assert gallery._read_manifest(tmp_path) == {}
    record_property("inputs tried", len(cases) + 3)


def test_names_in_a_sweep_or_report_lead_out_of_no_folder(tmp_path: Path, record_property):
    names = [
        "../../x",
        "/etc/passwd",
        "..",
        ".",
        "a/../..",
        "~",
        "C:\\x",
        "x" * 5000,
        "\u202e\x7f",
        "-rf",
        "con.png",
        "é",
    ]
    (tmp_path / "x.toml").write_text(f"origins = {json.dumps(names)}\ntargets = {json.dumps(names[::-1])}")
    jobs = sweep_spec.read_sweep(tmp_path / "x.toml")
    assert len(jobs) == len(names) ** 2
    for job in jobs:
        assert (tmp_path / job.name).resolve().parent == tmp_path.resolve() and len(job.name) < 100
    (tmp_path / "report.json").write_text(json.dumps(hostile.REPORT))
    for name in (*names, "\0", "\ud800", "", 3, None, ["x"], {"a": 1}):
        found = rerun.read_report(tmp_path / "report.json")
        found["inputs"][0]["name"] = name
        assert outcome(rerun.gather_recorded_inputs, found) == "refused"
    record_property("inputs tried", len(jobs) + len(names) + 7)


def test_any_description_of_arrays_in_a_report_is_compared_or_infinitely_far(monkeypatch, record_property):
    array, inputs = hostile.PIXELS[..., :3] / 255, 0
    monkeypatch.setattr(comparison, "collect_outputs", lambda result: dict.fromkeys(comparison.IMAGES, array))
    whole, plotted = digest.describe_array(array), digest.describe_plotted(array, 2)
    assert digest.compare_array(whole, array) == digest.compare_plotted(plotted, array, 2) == 0
    for value in hostile.VALUES:
        for entry in (value, *(whole | {name: value, "sha256": "0"} for name in whole)):
            compared = comparison.compare_run(hostile.REPORT | {"arrays": {"result": entry}}, None)
            assert compared.differences["result"] >= 0
            json.dumps(compared.describe(), allow_nan=False)
            inputs += 1
        for name in plotted:
            assert digest.compare_plotted(plotted | {"sha256": "0", name: value}, array, 2) >= 0
            inputs += 1
    record_property("inputs tried", inputs)


# Outputs


def test_an_output_replaces_a_link_and_leaves_its_target(tmp_path: Path, record_property):
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.write_bytes(b"precious")
    out.mkdir()
    (out / checkpoint.FOLDER).mkdir()
    links = [out / "x.png", out / checkpoint.FOLDER / f"{hostile.NAME}.npz"]
    links += [link.with_name(f".{link.name}.part") for link in links]  # a killed process may have left them
    for link in links:
        link.symlink_to(mine)
    save_png(links[0], hostile.PIXELS[..., :3] / 255)
    checkpoint.DiskJournal(out, hostile.KEY, resume=False).keep(hostile.NAME, {"x": np.zeros(3)}, finished=True)
    assert mine.read_bytes() == b"precious" and not any(link.is_symlink() for link in links)
    with Image.open(links[0]) as picture:
        assert picture.size == (23, 18)
    record_property("inputs tried", len(links))
