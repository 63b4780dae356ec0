"""The classroom's server reads nothing that the user has set for Jupyter, Voilà or IPython."""

import json
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from pages import classroom, kernels, wait_until
from patience import HANG

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


@pytest.mark.slow
def test_a_page_among_settings_that_would_break_it(tmp_path):
    changes = fill_with_traps(tmp_path)
    with classroom(PORT, tmp_path / "work", changes) as (address, server):
        page = []

        def read() -> bool:
            with suppress(OSError), urllib.request.urlopen(address, timeout=HANG) as answer:
                page.append(answer.read().decode())
            return bool(page)

        assert wait_until(read, HANG)
        assert "of-the-user" not in address
        # The cell has run and shows a widget; its kernel runs this Python.
        assert "application/vnd.jupyter.widget-view+json" in page[0] and "Traceback" not in page[0]
        assert "voila-style" in page[0] and len(kernels(server.pid)) == 1
