"""The journal of a run on disk, kept beside the outputs so that `--resume` can continue an interrupted run."""

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
WRITE_INTERVAL = 0.2
"""Minimum seconds between two writes of a running leg, since a write may take as long as a short step."""


def fingerprint(inputs: Inputs) -> str:
    """Return a digest of everything that must be equal for the checkpoints of a run to be usable in another.

    Parameters
    ----------
    inputs : Inputs
        What the run starts from.

    Returns
    -------
    str
        The sha256 of images, network and options, in hexadecimal.
    """
    parts: dict[str, Any] = {
        "options": asdict(inputs.options),
        "network": inputs.network.describe(),
        "inputs": [
            hashlib.sha256(p.array.tobytes()).hexdigest() for p in (inputs.origin, inputs.target, *inputs.others)
        ],
        "masks": {
            name: hashlib.sha256(m.picture.array.tobytes()).hexdigest() for name, m in inputs.masks.files.items()
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def _seal(key: str, arrays: Arrays) -> str:
    """Return a digest by which a reader sees that the arrays of a checkpoint are those that were written."""
    digest = hashlib.sha256(key.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


class DiskJournal:
    """A journal in a folder: one file per name, which appears whole or not at all.

    The latest state of a running leg may wait in memory until `WRITE_INTERVAL` has passed. As a context manager, the
    journal writes it on exit, whatever ends the block. Only a killed process loses it, and continues from the state
    before it.

    Parameters
    ----------
    folder : Path
        An existing folder, that of the run's outputs. The checkpoints are in its subfolder `FOLDER`.
    key : str
        The run's `fingerprint`.
    resume : bool
        Whether to use the checkpoints that are there. Otherwise they are deleted.

    Raises
    ------
    InputError
        When resuming, if a checkpoint is damaged or has another key.
    """

    def __init__(self, folder: Path, key: str, resume: bool):
        self._folder, self._key = folder / FOLDER, key
        self._pending: tuple[str, Arrays] | None = None
        self._last_write = -np.inf
        if not resume:
            self.clear()
        for file in self._files("{}.*.npz"):
            self._read(file)

    def __enter__(self) -> DiskJournal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pending is not None:
            self._write(*self._pending)

    def find(self, name: str) -> Arrays | None:
        """Return the state that was written last under a name; see `engine.journal.Journal.find`.

        Parameters
        ----------
        name : str
            Name of the state.

        Returns
        -------
        mapping of str to ndarray or None
            The state; None if there is none.

        Raises
        ------
        InputError
            If its file is damaged or has another key.
        """
        file = self._folder / f"{name}.npz"
        return self._read(file) if file.is_file() else None

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keep a state; see `engine.journal.Journal.keep`.

        Parameters
        ----------
        name : str
            Name of the state.
        arrays : mapping of str to ndarray
            The state.
        finished : bool
            Whether to write it at once. Other states may wait.

        Raises
        ------
        OSError
            If it cannot be written; the earlier state of that name stays.
        """
        self._pending = name, arrays
        if finished or time.monotonic() - self._last_write >= WRITE_INTERVAL:
            self._write(name, arrays)

    def clear(self) -> None:
        """Delete all checkpoints, and their folder if nothing else is in it."""
        self._pending = None
        for file in (*self._files("{}.*.npz"), *self._files(".{}.*.part")):
            file.unlink(missing_ok=True)
        # A folder of this name may contain files of the user.
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _files(self, pattern: str) -> list[Path]:
        found = (file for chapter in CHAPTERS for file in self._folder.glob(pattern.format(chapter)))
        return sorted(file for file in found if file.is_file())

    def _write(self, name: str, arrays: Arrays) -> None:
        self._folder.mkdir(exist_ok=True)
        content: dict[str, Any] = {"key": np.array(self._key), "seal": np.array(_seal(self._key, arrays)), **arrays}
        with atomic_write(self._folder / f"{name}.npz") as sibling, open(sibling, "wb") as file:
            np.savez(file, **content)
            file.flush()
            os.fsync(file.fileno())
        self._pending, self._last_write = None, time.monotonic()

    def _read(self, file: Path) -> dict[str, np.ndarray]:
        step = "run the command without --resume"
        try:
            arrays = safe_npz.parse_archive(validation.regular_file(file, "checkpoint").read_bytes())
            key, seal = arrays.pop("key").item(), arrays.pop("seal").item()
            if seal != _seal(key, arrays):
                raise ValueError("the arrays differ from those that were written")
        except Exception as error:  # a damaged archive may raise anything
            raise input_error("checkpoint", "is damaged", str(file), "a file that this command wrote", step) from error
        if key != self._key:
            accepted = "a checkpoint of the same command"
            raise input_error("checkpoint", "belongs to other settings or images", str(file), accepted, step)
        return arrays
