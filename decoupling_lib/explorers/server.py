"""A server of the explorers' page: Voilà, for this machine alone."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..common import validation
from ..common.errors import input_error

HOST = "127.0.0.1"
PORT = 8866
CELL = "from decoupling_lib.explorers.page import page\n\npage()"
SHUTDOWN_SECONDS = 20
"""Time that the server has to end its kernels."""
SHARE = Path(__file__).with_name("share")
"""Folder in which Jupyter finds the page's template."""


def page_notebook() -> dict[str, Any]:
    """Return the notebook behind the page.

    Returns
    -------
    dict of str to Any
        A notebook of one cell, in nbformat 4.
    """
    cell: dict[str, Any] = {
        "cell_type": "code", "execution_count": None, "id": "page", "metadata": {}, "outputs": [], "source": CELL,
    }  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def serve(port: int = PORT, browser: bool = True, announce: Callable[[str], None] = print) -> int:
    """Serve the page until it is interrupted.

    The server listens on the loopback interface only and asks for a token, which is part of the announced address;
    only those who have it can run the page's code. Each visitor gets a kernel, which ends when the page is closed.

    Parameters
    ----------
    port : int
        Port of the server, 1024 to 65535.
    browser : bool
        Whether to open the page in the default browser.
    announce : callable
        Callback that receives the page's address once, before the server starts.

    Returns
    -------
    int
        Voilà's exit code.

    Raises
    ------
    InputError
        If Voilà is not installed, or the port is out of range or in use.
    KeyboardInterrupt
        When the server is interrupted, after it has ended.
    """
    port = validation.integer_in_range(port, "--port", 1024, 65535)
    if importlib.util.find_spec("voila") is None:
        step = "pip install 'decoupling[notebooks]'"
        raise input_error("Voilà", "is not installed", "no such package", "the extra notebooks", step)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            step = "close the program that uses it, or choose another with --port"
            raise input_error("--port", f"cannot be used ({error.strerror})", port, "a free port", step) from None
    token = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="decoupling-") as folder:
        file = Path(folder, "explorers.ipynb")
        file.write_text(json.dumps(page_notebook()), encoding="utf-8")
        # The token is passed in the environment: other users of the machine can read a process's arguments.
        shares = os.pathsep.join(filter(None, [str(SHARE), os.environ.get("JUPYTER_PATH")]))
        settings = {"JUPYTER_TOKEN": token, "JUPYTER_PATH": shares, "JUPYTER_PREFER_ENV_PATH": "1"}
        command = [sys.executable, "-m", "voila", str(file), f"--Voila.ip={HOST}", f"--port={port}"]
        command += [
            "--Voila.auto_token=True",
            "--Voila.port_retries=0",
            "--Voila.log_level=ERROR",
            "--template=explorers",
            *([] if browser else ["--no-browser"]),
        ]
        announce(f"http://{HOST}:{port}/?token={token}")
        return _run_until_interrupted(command, {**os.environ, **settings})


def _run_until_interrupted(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            # After an interruption Popen itself waits a quarter of a second only, and would leave a server behind.
            try:
                process.wait(SHUTDOWN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
