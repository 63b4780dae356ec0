"""Ctrl-C at the beginning: one line and exit code 130, whatever is being loaded at that moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import finish, run, start
from paths import ROOT
from patience import HANG

COMMANDS = {
    "transfer": ("coffee", "china", "--network", "vgg16", "--weights", "random", "--size", "64", "--out", "{}/out"),
    "rerun": (ROOT / "figures" / "transfer.json", "--out", "{}/out"),
    "sweep": ("{}/spec.toml", "--out", "{}/out", "--workers", 1),
    "figures": ("--only", "4.5,2.4", "--network", "vgg16", "--weights", "random", "--out", "{}/out"),
    "zeros": ("--network", "vgg16", "--weights", "random", "--out", "{}/out"),
    "moments": ("--sample", "coffee"),
}
AT_IMPORT = """
import os, signal, sys

class Finder:
    '''Sends Ctrl-C to this process when a module is about to be loaded.'''
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
sys.argv = ["decoupling", *sys.argv[1:]]
from decoupling_lib.__main__ import main
main()
"""
MODULES = {
    "cli": "decoupling_lib.cli",
    "typer": "typer",
    "numpy": "numpy",
    "a command's own": "decoupling_lib.runs.checkpoint",
    "matplotlib": "matplotlib.figure",
    "h5py": "h5py",
    "TensorFlow": "tensorflow",
    "in TensorFlow": "tensorflow.python.framework.ops",
    "in Keras": "keras.src.optimizers",
}


def arguments(command: str, folder: Path) -> list[str]:
    (folder / "spec.toml").write_text('pairs = [["coffee", "china"]]\n[fixed]\nweights = "random"\nnetwork = "vgg16"\n')
    return [command, *(str(each).format(folder) for each in COMMANDS[command])]


@pytest.mark.parametrize("name", MODULES)
def test_an_interrupt_while_a_module_is_loaded_is_one_line(name: str, tmp_path: Path):
    command = [sys.executable, "-c", AT_IMPORT.format(module=MODULES[name]), *arguments("transfer", tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=HANG, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "decoupling: interrupted\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_in_the_first_seconds_is_one_line_for_every_command(command: str, tmp_path: Path):
    """The interpreter itself takes the first moments; what it answers then is not the kit's."""
    for delay in (0.4, 0.7, 1.0, 1.5, 2.5):
        process = start(*arguments(command, tmp_path))
        time.sleep(delay)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        code, _, err = finish(process)
        if code == -signal.SIGINT:  # before the interpreter runs, and while it shuts down, nobody answers
            assert err == ""
        elif code != 0:  # it had not ended by itself
            assert code == 130 and err.splitlines()[-1].startswith("decoupling: interrupted"), (delay, err)
            assert "Traceback" not in err and "Error" not in err


def test_a_figure_that_loads_tensorflow_in_the_middle_of_a_run_is_interrupted_in_one_line(tmp_path: Path):
    code = AT_IMPORT.format(module="tensorflow.python.framework.ops")
    command = [sys.executable, "-c", code, *arguments("figures", tmp_path), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=HANG, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "decoupling: interrupted\n")


@pytest.mark.slow
def test_home_folders_are_known_wherever_a_path_enters(pictures, tmp_path: Path):
    """`~` in options, in the file of a sweep, and in the environment; in each case a shell would not replace it."""
    home = tmp_path / "home"
    home.mkdir()
    for name, file in zip(("a.png", "b.png"), pictures, strict=True):
        (home / name).write_bytes(Path(file).read_bytes())
    quick = ("--network", "vgg16", "--weights", "random", "--size", 24, "--layers", 1, "--rule", "rk4", "--steps", 3)
    environment = os.environ | {"HOME": str(home)}
    options = {"cwd": tmp_path, "env": environment | {"PYTHONPATH": str(ROOT)}}
    assert run("transfer", "~/a.png", "~/b.png", *quick, "--quiet", "--out=~/x", **options) == (0, "", "")
    assert (home / "x" / "report.json").exists()
    images = ("--origin=~/a.png", "--target=~/b.png", "--quiet")
    assert run("rerun", "~/x/report.json", *images, "--out=~/y", **options).code == 0
    spec = '[fixed]\nnetwork = "vgg16"\nweights = "random"\nsize = 24\nlayers = 1\nrule = "rk4"\nsteps = 3\n'
    (home / "spec.toml").write_text(f'pairs = [["~/a.png", "~/b.png"]]\n{spec}')
    assert run("sweep", "~/spec.toml", "--out=~/z", "--workers", 1, "--quiet", **options).code == 0
    assert (home / "z" / "results.csv").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["home"]
    for unknown in ("~nobody-of-this-name/x", "~nobody-of-this-name"):
        code, out, err = run("transfer", "coffee", "china", *quick, f"--out={unknown}", **options)
        assert (code, out, err.count("\n")) == (2, "", 1) and unknown in err and "home" in err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["home"]
