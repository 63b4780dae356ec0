"""The journal of a run on disk, kept beside its outputs so that a broken run can go on with `--resume`."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..common import safe_npz, validation
from ..common.atomic_files import atomic_write
from ..common.errors import input_error
from ..engine.journal import Arrays
from ..transfers.run import CHAPTERS
from ..transfers.setup import Inputs

FOLDER = "unfinished"
SECONDS = 0.2
"""States of a running leg are written at most so often: a write takes a few milliseconds, a short step no more."""


def fingerprint(inputs: Inputs) -> str:
    """What must be equal for kept states to be of use: pictures, network and options."""
    parts: dict[str, Any] = {
        "options": asdict(inputs.options),
        "network": inputs.network.describe(),
        "inputs": [hashlib.sha256(p.array.tobytes()).hexdigest() for p in (inputs.origin, inputs.target)],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def _seal(key: str, arrays: Arrays) -> str:
    """What tells a state as it was written from one with other arrays, from which the engine could not go on."""
    digest = hashlib.sha256(key.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


class DiskJournal:
    """A `Journal` in a folder: one file a name, which appears whole or not at all.

    The newest state of a running leg may wait in memory for its turn; as a context manager, it is written on leaving,
    however that comes about. Only a killed process loses it, and goes on from the one before.

    Parameters
    ----------
    folder : of the run's outputs; the files are in its subfolder `FOLDER`.
    key : see `fingerprint`.
    resume : False forgets what is there.

    Raises
    ------
    InputError : resuming, where a file is damaged or belongs to another key.
    """

    def __init__(self, folder: Path, key: str, resume: bool):
        self._folder, self._key = folder / FOLDER, key
        self._waiting: tuple[str, Arrays] | None = None
        self._written = -np.inf
        if not resume:
            self.clear()
        for file in self._files("{}.*.npz"):
            self._read(file)

    def __enter__(self) -> DiskJournal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting is not None:
            self._write(*self._waiting)

    def find(self, name: str) -> Arrays | None:
        """See `Journal`."""
        file = self._folder / f"{name}.npz"
        return self._read(file) if file.is_file() else None

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """See `Journal`."""
        self._waiting = name, arrays
        if finished or time.monotonic() - self._written >= SECONDS:
            self._write(name, arrays)

    def clear(self) -> None:
        """Forgets everything that was kept."""
        self._waiting = None
        for file in (*self._files("{}.*.npz"), *self._files(".{}.*.part")):
            file.unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):  # a folder of this name may be somebody's own
            self._folder.rmdir()

    def _files(self, pattern: str) -> list[Path]:
        found = (file for chapter in CHAPTERS for file in self._folder.glob(pattern.format(chapter)))
        return sorted(file for file in found if file.is_file())

    def _write(self, name: str, arrays: Arrays) -> None:
        self._folder.mkdir(exist_ok=True)
        with atomic_write(self._folder / f"{name}.npz") as sibling, open(sibling, "wb") as file:
            np.savez(file, key=np.array(self._key), seal=np.array(_seal(self._key, arrays)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        self._waiting, self._written = None, time.monotonic()

    def _read(self, file: Path) -> dict[str, np.ndarray]:
        try:
            arrays = safe_npz.parse_archive(validation.regular_file(file, "kept step").read_bytes())
            key, seal = arrays.pop("key").item(), arrays.pop("seal").item()
            if seal != _seal(key, arrays):
                raise ValueError("other arrays than were written")
        except Exception as error:  # noqa: BLE001 - whatever a damaged archive raises
            raise input_error(
                "kept step", "is damaged", str(file), "a file that this command wrote", "run without --resume"
            ) from error
        if key != self._key:
            raise input_error(
                "kept step",
                "belongs to other settings or pictures",
                str(file),
                "the same command",
                "run without --resume",
            )
        return arrays
