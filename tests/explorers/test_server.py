"""The classroom's server reads what the user has set for the kit, and nothing that is set for Jupyter or IPython."""

import json
import re
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from pages import classroom, kernels, wait_until
from patience import HANG
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from decoupling_lib.common.errors import InputError
from decoupling_lib.explorers import server as server_module

pytest.importorskip("voila")

PORT = 8882
BROKEN = "{{ this is no template"
CONFIGURATION = {
    "Voila": {"base_url": "/elsewhere/", "ip": "0.0.0.0", "token": "", "port_retries": 3},
    "VoilaConfiguration": {"template": "missing", "extension_denylist": ["@jupyter-widgets/jupyterlab-manager"]},
    "MappingKernelManager": {"default_kernel_name": "missing"},
    "KernelSpecManager": {"allowed_kernelspecs": ["none"]},
}


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def fill_with_traps(folder: Path) -> dict[str, str]:
    """Write settings that would break the page, wherever they may be; return the variables that lead to them."""
    home, work = folder / "home", folder / "work"
    for place in (home / ".jupyter", folder / "config", work):
        for name in ("voila", "jupyter_config", "jupyter_server_config", "jupyter_nbconvert_config"):
            write(place / f"{name}.json", json.dumps(CONFIGURATION))
        write(place / "voila.py", "raise SystemExit('a configuration of the user was run')")
        page = {"disabledExtensions": {"@jupyter-widgets/jupyterlab-manager": True}}
        write(place / "labconfig" / "page_config.json", json.dumps(page))
    for place in (home / ".local" / "share" / "jupyter", folder / "path"):
        for template in ("explorers", "lab", "base"):
            for kind in ("voila", "nbconvert"):
                write(place / kind / "templates" / template / "index.html.j2", BROKEN)
                write(place / kind / "templates" / template / "conf.json", "no JSON")
        for kernel in ("python3", "explorers"):
            write(place / "kernels" / kernel / "kernel.json", json.dumps({"argv": ["false"], "display_name": "trap"}))
    for place in (home / ".ipython", folder / "ipython"):
        write(place / "profile_default" / "startup" / "00.py", "import os; os._exit(3)")
        write(place / "profile_default" / "ipython_config.py", "raise SystemExit('a profile of the user was run')")
    return {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_CONFIG_PATH": str(folder / "config"),
        "JUPYTER_PATH": str(folder / "path"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_RUNTIME_DIR": "/proc/nowhere",
        "JUPYTER_TOKEN": "of-the-user",
        "IPYTHONDIR": str(folder / "ipython"),
        "VOILA_PREHEAT": "True",
    }


def read_page(address: str) -> str:
    """Return the page once the server answers."""
    page = []

    def read() -> bool:
        with suppress(OSError), urllib.request.urlopen(address, timeout=HANG) as answer:
            page.append(answer.read().decode())
        return bool(page)

    assert wait_until(read, HANG)
    return page[0]


@pytest.mark.slow
def test_a_page_among_settings_that_would_break_it(tmp_path):
    changes = fill_with_traps(tmp_path)
    with classroom(PORT, tmp_path / "work", changes) as (address, server):
        page = read_page(address)
        assert "of-the-user" not in address
        # The cell has run and shows a widget; its kernel runs this Python.
        assert "application/vnd.jupyter.widget-view+json" in page and "Traceback" not in page
        assert "voila-style" in page and len(kernels(server.pid)) == 1


@pytest.mark.slow
def test_a_page_that_connects_to_its_kernel_causes_no_warning_and_has_the_weights_of_the_user(tmp_path):
    with (
        open(tmp_path / "stderr", "wb") as errors,
        classroom(PORT, tmp_path, {"DECOUPLING_WEIGHTS": "own.h5"}, errors) as (address, server),
    ):
        kernel = re.search(r'"kernelId": *"([0-9a-f-]{36})"', read_page(address))[1]
        place, token = address.split("/?")
        channels = f"{place.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?session_id=s&{token}"

        async def connect() -> None:
            connection = await websocket_connect(HTTPRequest(channels, headers={"Origin": place}))
            connection.close()

        IOLoop(make_current=False).run_sync(connect)
        (process,) = kernels(server.pid)
        assert process.environ()["DECOUPLING_WEIGHTS"] == str(tmp_path / "own.h5")
        assert process.cwd() != str(tmp_path)  # where the relative path would lead to no file
    assert (tmp_path / "stderr").read_text() == "decoupling: interrupted\n"  # by the end of the block above


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("own.h5", "{work}/own.h5"),
        ("./sub/own.weights.h5", "{work}/sub/own.weights.h5"),
        ("sub/../own.keras", "{work}/sub/../own.keras"),
        ("~/own.h5", "{home}/own.h5"),
        ("/elsewhere/own.h5", "/elsewhere/own.h5"),
        ("a name with blanks", "{work}/a name with blanks"),
        ("hed", "hed"),
        ("imagenet", "imagenet"),
        ("random", "random"),
        ("", ""),
    ],
)
def test_paths_of_the_user_lead_to_their_files_from_every_folder(value, expected, tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DECOUPLING_WEIGHTS", value)
    monkeypatch.setenv("KERAS_HOME", "keras")
    environment = server_module._environment(str(tmp_path / "server"), "token")
    assert environment["DECOUPLING_WEIGHTS"] == expected.format(work=work, home=tmp_path / "home")
    assert environment["KERAS_HOME"] == str(work / "keras")


def test_weights_in_the_home_of_nobody_are_refused_before_the_server_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("DECOUPLING_WEIGHTS", "~nobody-of-this-name/own.h5")
    with pytest.raises(InputError, match="DECOUPLING_WEIGHTS"):
        server_module._environment(str(tmp_path), "token")
