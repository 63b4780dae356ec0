"""What a cluster's workers must share with the machine where a sweep is started: its files and its output folder.

Paths alone do not tell: another machine may have another file at the same path, or a folder of the same name on a disk
of its own. So files are compared by their checksums, and the output folder is recognized by a file that only it has.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..common.errors import input_error
from ..common.shared_folders import wait_until
from .sweep_spec import Job, input_files

MARK = ".sweep-"
"""How the name of the file begins by which workers recognize the output folder while a sweep runs."""
_ONE_FOLDER = "one folder for all workers and the machine where the sweep is started"
_SHARE = "share it with all workers at the same path (see docs/cluster.md)"
_SHARE_FILE = "share its folder with all workers at the same path (see docs/cluster.md), or copy the file there"


@dataclass(frozen=True)
class Shares:
    """What a worker must find on its machine.

    Parameters
    ----------
    mark : str
        Name of a file in the output folder, from `mark_folder`.
    files : tuple of (str, str)
        Absolute path and sha256 of each file that the transfer needs and that exists where the sweep was started.
    """

    mark: str
    files: tuple[tuple[str, str], ...] = ()


@contextmanager
def mark_folder(out: Path) -> Iterator[str]:
    """Mark the output folder of a sweep until the block ends.

    Parameters
    ----------
    out : Path
        The folder, locked by this sweep.

    Yields
    ------
    str
        Name of the new file in it. It differs every time: a network file system may show old files for a while.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    for left in out.glob(f"{MARK}*"):  # by a sweep that was killed
        left.unlink(missing_ok=True)
    mark = out / f"{MARK}{uuid.uuid4().hex}"
    mark.touch()
    try:
        yield mark.name
    finally:
        with suppress(OSError):  # whatever became of the folder, another error will tell
            mark.unlink()


def list_shares(job: Job, mark: str) -> Shares:
    """Return what a worker must find to run a transfer.

    Parameters
    ----------
    job : Job
        The transfer, from `sweep_spec.with_absolute_paths`.
    mark : str
        From `mark_folder`.

    Returns
    -------
    Shares
        Files that do not exist here are left out: a cluster may have files that this machine does not have.
    """
    names = dict.fromkeys(input_files(job))
    return Shares(mark, tuple((name, sha256) for name in names if (sha256 := find_sha256(name))))


def require_folder(mark: str, out: Path, worker: str) -> None:
    """Refuse to work on a machine that lacks the output folder of the sweep, or must not write into it.

    Parameters
    ----------
    mark : str
        From `mark_folder`.
    out : Path
        The folder.
    worker : str
        What the message calls the worker.

    Raises
    ------
    InputError
        With one line that names the worker, the folder and the next step.
    """
    if fault := _find_fault(mark, out):
        what, found, step = fault
        # The name has the whole path, of which messages otherwise show the ends only: it is looked for elsewhere.
        raise input_error(f"output folder {out}", f"{what} {worker}", found, _ONE_FOLDER, step)


@lru_cache(maxsize=16)  # for the next transfers of the same sweep
def _find_fault(mark: str, out: Path) -> tuple[str, str, str] | None:
    """Return what is wrong with a folder, what was found, and the next step; the first ends with "on"."""
    try:
        if not wait_until((out / mark).exists):
            if not out.exists():
                return "does not exist on", "no such folder", _SHARE
            return "is not that of this sweep on", "another one at this path", _SHARE
        with tempfile.TemporaryFile(dir=out) as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        return "cannot be written into on", _reason(error), "let the worker's user write into it"
    return None


def require_files(shares: Shares, worker: str) -> None:
    """Refuse to work on a machine that lacks a file of the sweep, or has another one at its place.

    Parameters
    ----------
    shares : Shares
        What the transfer needs.
    worker : str
        What the message calls the worker.

    Raises
    ------
    InputError
        With one line that names the worker, the file and the next step.
    """
    for file, sha256 in shares.files:
        if fault := _find_difference(file, sha256):
            what, found, step = fault
            accepted = f"the file that is at this path where the sweep was started, sha256 {sha256[:12]}"
            raise input_error(f"file {file}", f"{what} {worker}", found, accepted, step)


def _find_difference(file: str, sha256: str) -> tuple[str, str, str] | None:
    """Return what is wrong with a file, in the same parts as `_find_fault`."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            return "is not a file on", "a folder or device", _SHARE_FILE
        found = _hash_file(file)
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist on", "no such file", _SHARE_FILE
    except OSError as error:
        return "cannot be read on", _reason(error), "let the worker's user read it"
    if found == sha256:
        return None
    step = f"{_SHARE_FILE}; if it has changed since the sweep was started, repeat the command"
    return "differs on", f"sha256 {found[:12]}", step


def find_sha256(name: str) -> str | None:
    """Return the checksum of a file.

    Parameters
    ----------
    name : str
        Its path, or any other text.

    Returns
    -------
    str or None
        The sha256, computed again only if the file has changed; None if there is no such file, or it cannot be read.
    """
    try:
        return _hash_file(name) if os.path.isfile(name) else None
    except OSError:
        return None


def _hash_file(name: str) -> str:
    state = os.stat(name)
    return _file_sha256(name, state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=4096)
def _file_sha256(name: str, *_state: int) -> str:
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_worker() -> tuple[str, str]:
    """Return the address of the Dask worker that runs this code, and what messages call it.

    Returns
    -------
    address : str
        Such as "tcp://10.0.0.7:40123".
    description : str
        Name, if it was given one, address and host.
    """
    from distributed import get_worker

    worker = get_worker()
    name = "" if worker.name == worker.address else f"{worker.name} "
    return worker.address, f"the worker {name}({worker.address} on {socket.gethostname()})"


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
