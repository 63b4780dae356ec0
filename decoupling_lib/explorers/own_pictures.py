"""Pictures of a visitor's own: uploaded to the kernel, judged by the library, and kept in memory alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..images.pictures import load_picture


class OwnPictures:
    """The uploaded files of one explorer, by their names.

    Neither the server nor its folders keep a file: it exists on disk only while it is read.
    """

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def add(self, upload: Mapping[str, Any]) -> str:
        """Take an uploaded picture, if the library can read it.

        Parameters
        ----------
        upload : mapping
            An entry of the value of `ipywidgets.FileUpload`.

        Returns
        -------
        str
            Its name. A later file of the same name replaces it.

        Raises
        ------
        InputError
            If it is not an image that `images.pictures.load_picture` reads.
        """
        name, content = Path(str(upload["name"])).name or "picture", bytes(upload["content"])
        with _write_file(name, content) as file:
            load_picture(file)
        self._contents[name] = content
        return name

    @contextmanager
    def open_files(self, *names: str) -> Iterator[list[str]]:
        """Write uploaded pictures to files for the length of a block.

        Parameters
        ----------
        *names : str
            Names of pictures, bundled or uploaded.

        Yields
        ------
        list of str
            Files for the uploaded ones; the others by their names.
        """
        given = {name: self._contents[name] for name in names if name in self._contents}
        with tempfile.TemporaryDirectory(prefix="decoupling-") as folder:
            for name, content in given.items():
                Path(folder, name).write_bytes(content)
            yield [str(Path(folder, name)) if name in given else name for name in names]


@contextmanager
def _write_file(name: str, content: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="decoupling-") as folder:
        file = Path(folder, name)
        file.write_bytes(content)
        yield str(file)
