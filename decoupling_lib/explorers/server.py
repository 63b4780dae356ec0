"""The explorers as a local page, served by Voilà to this machine alone."""

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
CODE = "from decoupling_lib.explorers.page import page\n\npage()"
PATIENCE = 20
"""Seconds that the server has to end its kernels."""
SHARE = Path(__file__).with_name("share")
"""Where Jupyter finds the page's template."""


def notebook() -> dict[str, Any]:
    """The notebook behind the page, in nbformat 4: one cell."""
    cell = {"cell_type": "code", "execution_count": None, "id": "page", "metadata": {}, "outputs": [], "source": CODE}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def serve(port: int = PORT, browser: bool = True, announce: Callable[[str], None] = print) -> int:
    """Serves the page until it is interrupted, and returns Voilà's exit code.

    The server listens on the loopback interface only and asks for a token, which is in the announced address: whoever
    has it can run the page's code, and nobody else. Each visitor gets a kernel, which ends when the page is closed.

    Parameters
    ----------
    port : of the server, 1024 to 65535.
    browser : open the page in the default browser.
    announce : is given the page's address once, before the server starts.

    Raises `InputError` where Voilà is not installed, or the port is taken.
    """
    port = validation.integer_in_range(port, "--port", 1024, 65535)
    if importlib.util.find_spec("voila") is None:
        step = "pip install 'decoupling[notebooks]'"
        raise input_error("classroom", "needs Voilà", "no such package", "the extra notebooks", step)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            step = "close what uses it, or choose another by --port"
            raise input_error("--port", f"cannot be had ({error.strerror})", port, "a free port", step) from None
    token = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="decoupling-") as folder:
        file = Path(folder, "explorers.ipynb")
        file.write_text(json.dumps(notebook()), encoding="utf-8")
        # The token goes by the environment: other users of the machine can read a process's arguments.
        shares = os.pathsep.join(filter(None, [str(SHARE), os.environ.get("JUPYTER_PATH")]))
        own = {"JUPYTER_TOKEN": token, "JUPYTER_PATH": shares, "JUPYTER_PREFER_ENV_PATH": "1"}
        command = [sys.executable, "-m", "voila", str(file), f"--Voila.ip={HOST}", f"--port={port}"]
        command += [
            "--Voila.auto_token=True",
            "--Voila.port_retries=0",
            "--Voila.log_level=ERROR",
            "--template=explorers",
            *([] if browser else ["--no-browser"]),
        ]
        announce(f"http://{HOST}:{port}/?token={token}")
        return _until_interrupted(command, {**os.environ, **own})


def _until_interrupted(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            # After an interruption Popen itself would wait a quarter of a second only, and leave a server behind.
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
