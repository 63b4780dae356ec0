"""Shared by the benchmarks: arguments, the machine, fresh processes, and rows in a JSON file."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from decoupling_lib.common.arrays import Floats
from decoupling_lib.common.atomic_files import write_text
from decoupling_lib.common.errors import DrawingError, InputError
from decoupling_lib.common.machine import describe_machine
from decoupling_lib.common.memory import peak_resident_bytes
from decoupling_lib.engine.features import Passes
from decoupling_lib.transfers.options import Options

PACKAGES = ("decoupling", "tensorflow", "numpy", "scipy")
T = TypeVar("T")


def new_parser(doc: str, name: str, pictures: str) -> argparse.ArgumentParser:
    """Return a parser of the arguments of every benchmark of transfers; `options` reads all but pictures and out."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64, help="side of the square images, in pixels")
    parser.add_argument(
        "--pictures", type=split_names, default=split_names(pictures), help="names or files, comma-separated"
    )
    parser.add_argument("--network", default="vgg16")
    parser.add_argument("--weights", default="hed", help="imagenet, hed, random, or a file")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / f"{name}.json")
    return parser


def split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def split_known_names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a parser of names separated by commas that refuses all but the known ones."""

    def split(text: str) -> list[str]:
        names = split_names(text)
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown {', '.join(unknown)}; expected some of {', '.join(known)}")
        return names

    return split


def split_integers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def split_numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def options(arguments: argparse.Namespace) -> Options:
    """Return the defaults of the command line, except for what `new_parser` reads."""
    return Options(
        size=(arguments.size, arguments.size),
        network=arguments.network,
        weights=arguments.weights,
        seed=arguments.seed,
    )


def cut_middle(image: Floats, height: int, width: int) -> Floats:
    """Return the middle of an image, at the image's own scale."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def total(passes: Passes) -> dict[str, int]:
    """Return the passes by kind, and their total."""
    return asdict(passes) | {"total": passes.total}


def machine() -> dict[str, Any]:
    """Return processor, threads, system and versions. TensorFlow and BLAS use one thread per core they may use."""
    return describe_machine() | {
        "system": platform.platform(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def run_in_new_process(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function of a module in a new process, which has compiled nothing and whose memory is its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_load) as pool:
        return pool.submit(function, *arguments).result()


def _load() -> None:
    import decoupling_lib.networks.tensorflow  # noqa: F401 - TensorFlow is loaded before anything is measured


class Memory:
    """The peak memory of this process from now on, in MiB, and what it holds now (`before`).

    Only Linux can restart the count; elsewhere both are the peak since the process began.
    """

    def __init__(self) -> None:
        self._peak = peak_resident_bytes
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # resets the peak to the current size: proc(5)
        self.before = self.peak

    @property
    def peak(self) -> int:
        return round(self._peak() / 2**20)

    def row(self) -> dict[str, int]:
        return {"memory_before_mib": self.before, "peak_memory_mib": self.peak}


class Results:
    """Rows of measurements in a JSON file, written after each row so that an interrupted run keeps what it has.

    Rows with the same value in the column `part` share options and machine, and are measured again together: `parts`
    are the values to be measured, with their options. The rows of other parts are kept.
    """

    def __init__(self, path: Path, part: str, parts: Mapping[str, Any]):
        self._path = path
        kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
        self.rows = [row for row in kept.get("rows", []) if row[part] not in parts]
        self.options = kept.get("options", {}) | dict(parts)
        self._machine = kept.get("machine", {}) | dict.fromkeys(parts, machine())

    def add(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row as it is in the file: infinities and NaN are null."""
        self.rows.append(json.loads(json.dumps(row), parse_constant=lambda _: None))
        content = json.dumps({"options": self.options, "machine": self._machine, "rows": self.rows}, indent=1) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self._path, content)
        return self.rows[-1]


def run(main: Callable[[], None]) -> None:
    """Run a benchmark; bad input gives one line and exit code 2, a picture that cannot be drawn 1."""
    try:
        main()
    except (InputError, DrawingError) as error:
        print(error, file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
