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
from ..networks.weights import ENVIRONMENT, SOURCES

HOST = "127.0.0.1"
PORT = 8866
CELL = "from decoupling_lib.explorers.page import page\n\npage()"
SHUTDOWN_SECONDS = 20
"""Time that the server has to end its kernels."""
SHARE = Path(__file__).with_name("share")
"""Folder in which Jupyter finds the page's template and its kernel."""
_FOREIGN = ("JUPYTER", "JPY_", "VOILA_", "IPYTHON")
"""How variables of the environment begin that change what Jupyter does."""
_START = """\
import sys, tempfile
tempfile.tempdir = sys.argv.pop(1)
from voila.app import Voila
Voila.launch_instance(tornado_settings={"ws_ping_interval": 0, "websocket_max_message_size": 2**27})
"""
"""Starts Voilà with a folder for all its temporary files; TMPDIR would be that of the browser too, which it opens.

It sends no pings: browser and server are on one machine, where a page that ends closes its connection. Jupyter Server's
default interval and timeout, 30 and 90 seconds in milliseconds, are seconds to Tornado, which warns that the timeout is
longer. With equal values there would be no warning, but Jupyter Server would take a late timer for a lost page.

Messages may have 128 MiB: with Tornado's 10, a larger picture that is uploaded would end the connection.
"""
_OPTIONS = (
    "--Voila.auto_token=True",
    "--Voila.port_retries=0",
    "--Voila.log_level=ERROR",
    "--template=explorers",
    "--VoilaConfiguration.multi_kernel_manager_class=decoupling_lib.explorers.kernels.PageKernels",
    # Other extensions of this environment could break the page, and it needs no others.
    "--VoilaConfiguration.extension_allowlist=@jupyter-widgets/jupyterlab-manager",
    "--VoilaConfiguration.extension_allowlist=@voila-dashboards/widgets-manager8",
)


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
    kernel = {"display_name": "Explorers", "language": "python", "name": "explorers"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def serve(port: int = PORT, browser: bool = True, announce: Callable[[str], None] = print) -> int:
    """Serve the page until it is interrupted.

    The server listens on the loopback interface only and asks for a token, which is part of the announced address;
    only those who have it can run the page's code. Each visitor gets a kernel, which ends when the page is closed; see
    `kernels.PageKernels`. Settings, templates, extensions and kernels of Jupyter, Voilà and IPython that the user has
    elsewhere are not read.

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
        command = [sys.executable, "-c", _START, folder, str(file), f"--Voila.ip={HOST}", f"--port={port}", *_OPTIONS]
        announce(f"http://{HOST}:{port}/?token={token}")
        # In this folder: Voilà reads a configuration from the folder in which it is started.
        return _run_until_interrupted(
            command + ([] if browser else ["--no-browser"]), _environment(folder, token), folder
        )


def _environment(folder: str, token: str) -> dict[str, str]:
    """Return the environment of the server, in which Jupyter and IPython find nothing of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    # Server and kernels work in other folders than the one in which the user's paths lead to their files.
    if (file := kept.get(ENVIRONMENT)) and file not in SOURCES:
        kept[ENVIRONMENT] = str(validation.path(file, ENVIRONMENT).absolute())
    if home := kept.get("KERAS_HOME"):
        kept["KERAS_HOME"] = str(Path(home).absolute())
    return kept | {
        # The token is passed in the environment: other users of the machine can read a process's arguments.
        "JUPYTER_TOKEN": token,
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PATH": str(SHARE),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_DATA_DIR": str(Path(folder, "data")),
        "JUPYTER_RUNTIME_DIR": str(Path(folder, "runtime")),
        "IPYTHONDIR": str(Path(folder, "ipython")),
    }


def _run_until_interrupted(command: list[str], environment: dict[str, str], folder: str) -> int:
    with subprocess.Popen(command, env=environment, cwd=folder) as process:
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
