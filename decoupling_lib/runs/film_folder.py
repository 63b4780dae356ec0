"""The frames of a film on disk, beside the journal of the run, so that a film survives an interruption of the run."""

from __future__ import annotations

import io
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from PIL import Image

from ..common.atomic_files import atomic_write
from ..common.errors import input_error
from ..plotting.film_frames import FilmFrames
from .checkpoint import FOLDER

_KEY_DIGITS = 16


class FrameFolder(MutableMapping[str, bytes]):
    """Frames by their names: one PNG file per frame, which appears whole or not at all.

    Parameters
    ----------
    folder : Path
        An existing folder, that of the run's outputs. The frames are in its subfolder `checkpoint.FOLDER`.
    key : str
        The run's `checkpoint.fingerprint`; frames of other runs are not seen.
    """

    def __init__(self, folder: Path, key: str):
        self._folder, self._prefix = folder / FOLDER, f"film.{key[:_KEY_DIGITS]}."

    def __getitem__(self, name: str) -> bytes:
        try:
            return self._file(name).read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, content: bytes) -> None:
        self._folder.mkdir(exist_ok=True)
        with atomic_write(self._file(name)) as sibling:
            sibling.write_bytes(content)

    def __delitem__(self, name: str) -> None:
        try:
            self._file(name).unlink()
        except FileNotFoundError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        found = (file for file in self._folder.glob(f"{self._prefix}*.png") if file.is_file())
        return iter(sorted(file.name.removeprefix(self._prefix).removesuffix(".png") for file in found))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Delete the frames of all runs, and their folder if nothing else is in it."""
        for pattern in ("film.*.png", ".film.*.png.part"):
            for file in self._folder.glob(pattern):
                file.unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _file(self, name: str) -> Path:
        return self._folder / f"{self._prefix}{name}.png"


def open_frames(folder: Path, key: str, resume: bool, wanted: bool) -> FilmFrames | None:
    """Return where a run puts the frames of its film.

    Parameters
    ----------
    folder : Path
        An existing folder, that of the run's outputs.
    key : str
        The run's `checkpoint.fingerprint`.
    resume : bool
        Whether an interrupted run is continued. Its frames are used, and its film goes on even if none is asked for
        again. Otherwise all frames that are there are deleted.
    wanted : bool
        Whether a film is asked for.

    Returns
    -------
    FilmFrames or None
        None if there will be no film.

    Raises
    ------
    InputError
        When resuming, if a frame is damaged, or if a film is asked for and the interrupted run kept no frames.
    """
    frames = FrameFolder(folder, key)
    if not resume:
        frames.clear()
    elif (found := find_frames(folder, key)) is not None:
        return found
    elif wanted and any((folder / FOLDER).glob("*.npz")):
        accepted, step = "a run that was begun with --film", "leave out --film, or --resume"
        raise input_error("--film", "cannot show what an interrupted run did before", folder, accepted, step)
    return FilmFrames(frames) if wanted else None


def find_frames(folder: Path, key: str) -> FilmFrames | None:
    """Return the frames that a run has kept; None if there are none.

    Parameters
    ----------
    folder : Path
        The folder of the run's outputs.
    key : str
        The run's `checkpoint.fingerprint`.

    Returns
    -------
    FilmFrames or None
        The frames.

    Raises
    ------
    InputError
        If one is damaged.
    """
    frames = FrameFolder(folder, key)
    for name in frames:
        try:
            with Image.open(io.BytesIO(frames[name]), formats=("PNG",)) as image:
                image.load()
        except Exception as error:  # a damaged file may raise anything
            accepted, step = "an image that this command wrote", "run the command without --resume"
            raise input_error("frame of the film", "is damaged", folder / FOLDER / name, accepted, step) from error
    return FilmFrames(frames) if frames else None
