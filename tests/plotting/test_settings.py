"""No picture depends on a user's settings of Matplotlib: neither in this process nor in files and the environment."""

import ast
import hashlib
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from paths import ROOT
from patience import HANG

from decoupling_lib.engine.context import Step
from decoupling_lib.engine.features import Passes
from decoupling_lib.engine.legs import Leg
from decoupling_lib.engine.normalization import Route
from decoupling_lib.explorers import gradient_flow, moments
from decoupling_lib.explorers.exhibit import figure_html
from decoupling_lib.figures import gallery
from decoupling_lib.plotting.dead_channels import draw_dead_channels
from decoupling_lib.plotting.settings import kit_settings, use_kit_settings
from decoupling_lib.plotting.style import new_figure, save_figure, show_picture
from decoupling_lib.plotting.transfers import draw_losses, draw_panel
from decoupling_lib.runs.contact_sheet import write_contact_sheet
from decoupling_lib.runs.sweep_job import JobResult
from decoupling_lib.runs.sweep_spec import Job
from decoupling_lib.runs.sweep_table import Row
from decoupling_lib.transfers.network_source import choose_source
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.run import Transfer

FOLDER = ROOT / "decoupling_lib"
HOSTILE = {
    "image.origin": "lower",
    "text.usetex": True,  # without TeX, this ends in an error of 75 lines
    "text.parse_math": False,
    "figure.facecolor": "black",
    "axes.facecolor": "black",
    "text.color": "white",
    "axes.edgecolor": "red",
    "axes.labelcolor": "white",
    "axes.titlecolor": "white",
    "axes.titlelocation": "left",
    "axes.prop_cycle": matplotlib.cycler(color=["red", "green"]),
    "axes.unicode_minus": False,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.xmargin": 0.4,
    "axes.formatter.use_locale": True,
    "axes.formatter.limits": [-1, 1],
    "axes.linewidth": 5.0,
    "savefig.bbox": "tight",
    "savefig.dpi": 50,
    "savefig.transparent": True,
    "savefig.facecolor": "black",
    "savefig.pad_inches": 3.0,
    "savefig.format": "svg",
    "font.family": ["monospace"],
    "font.sans-serif": ["Nonexistent Sans"],
    "font.size": 30.0,
    "mathtext.fontset": "cm",
    "lines.linewidth": 9.0,
    "lines.markersize": 20.0,
    "lines.antialiased": False,
    "lines.linestyle": ":",
    "path.sketch": (1, 100, 2),
    "path.simplify_threshold": 1.0,
    "figure.autolayout": True,
    "figure.dpi": 300,
    "figure.constrained_layout.h_pad": 0.5,
    "hist.bins": 3,
    "image.cmap": "gray",
    "image.interpolation": "bicubic",
    "image.resample": False,
    "legend.facecolor": "black",
    "legend.fontsize": 30,
    "xtick.color": "white",
    "xtick.bottom": False,
    "ytick.direction": "in",
    "errorbar.capsize": 20.0,
    "contour.linewidth": 6.0,
    "contour.negative_linestyle": "solid",
    "patch.linewidth": 6.0,
}
"""Settings that change what a careless program draws."""


def picture(folder: Path) -> bytes:
    """Return a small picture with all that such settings change: image, lines, text, ticks, minus signs, a legend."""
    with kit_settings:
        figure = new_figure(3, 1.5, dpi=60)
        left, right = figure.subplots(1, 2)
        show_picture(left, np.linspace(0, 1, 48).reshape(4, 4, 3), "a title")
        right.plot([-3, 4], [-5e4, 7e4], label="$x^2$")
        right.hist([1, 2, 3], 2)
        right.legend()
    return save_figure(figure, folder / "picture.png").read_bytes()


def every_kind(folder: Path) -> dict[str, str]:
    """Return digests of pictures of every kind that takes no network: figures, panels, explorers, contact sheet."""
    found = {}
    for number in ("2.1", "2.2", "2.3.2", "2.5", "3.1"):
        path = folder / f"{number}.png"
        gallery.draw_figure(gallery.FIGURES[number], choose_source(), path)
        found[number] = hashlib.sha256(path.read_bytes()).hexdigest()
    leg = Leg(
        Step.ORIGIN, "block1_conv1", 0.1, 0, 0.1, 0.2, 0.3, Passes(9), 1, 64, "reached", 2, curve=((0, 1.0), (9, 0.1))
    )
    image = np.linspace(0, 1, 20 * 30 * 3).reshape(20, 30, 3)
    route = Route(image, np.zeros(64), (leg,), "done")
    transfer = Transfer(image, image[::-1], {"block1_conv1": slice(0, 64)}, dict.fromkeys(("step1", "step2"), route))
    network = {"architecture": "vgg16", "weights": "random", "sha256": "0" * 64, "layers": ["block1_conv1"]}
    dead = {"uniform": {"block1_conv1": {"channels": 64, "dead": [3, 5]}}}
    zeros = draw_dead_channels({"network": network, "size": [32, 48], "seeds": [0, 1], "kinds": dead})
    caption = "small print with $dollars$ − and a_b"
    drawn = {"panel": draw_panel(transfer, caption), "losses": draw_losses(transfer, caption), "zeros": zeros}
    for name, figure in drawn.items():
        found[name] = hashlib.sha256(save_figure(figure, folder / f"{name}.png").read_bytes()).hexdigest()
    job = Job("a-b-0", "a", "b", Options(), "0")
    sheet = write_contact_sheet(folder / "contact.png", [Row(job, JobResult("failed", "why"), True)], folder)
    found["contact sheet"] = hashlib.sha256(sheet.read_bytes()).hexdigest()
    flow = {"feature": next(iter(gradient_flow.FEATURES)), "x": 2.4, "y": 1.6, "rule": "euler", "steps": 4}
    sliders = {"sample": next(iter(moments.SAMPLES)), "mean": 0.5, "variance": 1.2, "skewness": 0.1, "kurtosis": 0.2}
    for name, view in (("flow", gradient_flow.draw(flow)), ("moments", moments.draw(sliders))):
        found[name] = hashlib.sha256(figure_html(view.figure, "").encode()).hexdigest()
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_picture_does_not_depend_on_a_setting(name: str, tmp_path: Path):
    expected = picture(tmp_path)
    with matplotlib.rc_context({name: HOSTILE[name]}):
        assert picture(tmp_path) == expected
        assert matplotlib.rcParams[name] == HOSTILE[name]  # for the user's own plots, it stays


def test_no_picture_of_any_kind_depends_on_all_settings_at_once(tmp_path: Path):
    expected = every_kind(tmp_path)
    with matplotlib.rc_context(HOSTILE):
        assert every_kind(tmp_path) == expected


SCRIPT = """
import sys; sys.path[:0] = {paths}
from pathlib import Path
import decoupling_lib.plotting  # as in the command line: before anything else loads Matplotlib
from test_settings import picture
sys.stdout.buffer.write(picture(Path({folder!r})))
"""
NOTEBOOK = """
import sys; sys.path[:0] = {paths}
import matplotlib.pyplot  # as in the lessons: before the kit
import decoupling_lib as dl
dl.use_kit_settings()
from test_settings import plot
sys.stdout.buffer.write(plot())
"""
MACHINES = {
    "image.origin: lower": {"matplotlibrc": "image.origin: lower\nbackend: TkAgg\n"},
    "usetex": {"matplotlibrc": "text.usetex: True\n"},
    "white on black": {"matplotlibrc": "text.color: white\naxes.facecolor: black\nsavefig.facecolor: black\n"},
    "syntax": {"matplotlibrc": "this is no setting\nlines.linewidth: many\n: :\nbackend: nonsense\n"},
    "unknown and removed names": {"matplotlibrc": "axes.color_cycle: r, g\ntext.dvipnghack: None\n"},
    "a style sheet that is no text": {"stylelib/mine.mplstyle": b"\xff\xfe\x00lines"},
    "a folder that cannot be used": {"MPLCONFIGDIR": "/dev/null/nowhere"},
    "MPLBACKEND=TkAgg": {"MPLBACKEND": "TkAgg"},
    "MPLBACKEND=svg": {"MPLBACKEND": "svg"},
    "inline": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
}
"""What a user's machine may have: files of Matplotlib's folder, and variables of the environment."""
NOTEBOOKS = ("image.origin: lower", "usetex", "white on black", "syntax", "unknown and removed names", "inline")
"""Those with which pyplot loads and draws by Agg."""


def run_on(machine: dict[str, str | bytes], folder: Path, script: str = SCRIPT) -> subprocess.CompletedProcess[bytes]:
    """Draw the picture in a new process on a machine with these settings."""
    environment = os.environ | {"MPLCONFIGDIR": str(folder / "config")}
    for name, value in machine.items():
        if name.isupper():
            environment[name] = str(value)
            continue
        file = folder / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(value if isinstance(value, bytes) else value.encode())
    paths = [*sys.path[:1], str(Path(__file__).parent), *sys.path]
    command = [sys.executable, "-c", script.format(paths=paths, folder=str(folder))]
    return subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=HANG, check=False)


@pytest.mark.parametrize("name", MACHINES)
def test_a_picture_does_not_depend_on_the_users_machine(name: str, tmp_path: Path):
    done = run_on(MACHINES[name], tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == picture(tmp_path)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_plot_of_a_notebook_does_not_depend_on_the_users_machine(name: str, tmp_path: Path, default_plot: bytes):
    done = run_on(MACHINES[name], tmp_path, NOTEBOOK)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == default_plot


def test_a_matplotlibrc_in_the_working_directory_does_not_count(tmp_path: Path):
    (tmp_path / "matplotlibrc").write_text("image.origin: lower\nfont.size: 30\n")
    done = run_on({}, tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", picture(tmp_path))


@pytest.mark.parametrize(
    "machine", [{"MPLBACKEND": "nonsense"}, {"MPLBACKEND": "Qt4Agg "}, {"matplotlibrc": b"font.size: 3\xff\xfe0\n"}]
)
def test_settings_with_which_matplotlib_does_not_load_are_refused_in_one_line(machine, tmp_path: Path):
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    for name, value in machine.items():
        if name.isupper():
            environment[name] = value
        else:
            (tmp_path / name).write_bytes(value)
    command = [sys.executable, "-m", "decoupling_lib", "figures", "--only", "2.1", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=HANG, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "MPLBACKEND" in done.stderr and "matplotlibrc" in done.stderr and not (tmp_path / "out").exists()


def test_blocks_in_several_threads_share_the_settings_and_the_users_return_after_the_last(tmp_path: Path):
    inside, leave = threading.Barrier(3), [threading.Event(), threading.Event()]

    def block(number: int) -> None:
        with kit_settings:
            inside.wait(HANG)
            leave[number].wait(HANG)

    with matplotlib.rc_context({"font.size": 30.0}):
        threads = [threading.Thread(target=block, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        inside.wait(HANG)
        for number, size in ((0, 10.0), (1, 30.0)):
            leave[number].set()
            threads[number].join(HANG)
            assert matplotlib.rcParams["font.size"] == size


def plot() -> bytes:
    """Return a plot like those of the lessons' cells."""
    from matplotlib import pyplot as plt  # here: with some settings that the kit overcomes, pyplot does not load

    figure, (left, right) = plt.subplots(1, 2, figsize=(4, 2), layout="constrained")
    left.imshow(np.linspace(0, 1, 16).reshape(4, 4))
    left.set_title("a title")
    right.plot([-3, 4], [-5e4, 7e4], "o", ls="-", label="$x^2$")
    right.hist([1, 2, 3])
    right.legend()
    file = io.BytesIO()
    plt.savefig(file)
    plt.close(figure)
    return file.getvalue()


@pytest.fixture(scope="module")
def default_plot() -> bytes:
    """Return the plot under the settings with which Matplotlib itself begins where there are no files of a user's."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        return plot()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_plot_of_a_notebook_does_not_depend_on_a_setting(name: str, default_plot: bytes):
    with matplotlib.rc_context({name: HOSTILE[name]}):
        use_kit_settings()
        assert plot() == default_plot


@pytest.mark.parametrize("name", ["dark_background", "fivethirtyeight", "grayscale", "Solarize_Light2", "seaborn-v0_8"])
def test_a_plot_of_a_notebook_does_not_depend_on_a_style(name: str, default_plot: bytes):
    from matplotlib import style

    with style.context([name, {"lines.linewidth": 20}]):
        assert plot() != default_plot
        use_kit_settings()
        assert plot() == default_plot


def test_all_settings_at_once_are_replaced_and_later_ones_have_their_effect(default_plot: bytes, tmp_path: Path):
    with matplotlib.rc_context(HOSTILE):
        use_kit_settings()
        assert plot() == default_plot
        matplotlib.rcParams["font.size"] = 14.0
        changed = plot()
        assert changed != default_plot
        picture(tmp_path)
        assert plot() == changed


@pytest.mark.parametrize("interactive", [False, True])
def test_where_and_when_a_notebook_shows_its_plots_stays(interactive: bool):
    with matplotlib.rc_context({"interactive": interactive}):
        before = matplotlib.get_backend(auto_select=False)
        use_kit_settings()
        assert (matplotlib.get_backend(auto_select=False), matplotlib.is_interactive()) == (before, interactive)


def test_a_figure_outside_of_the_kits_settings_is_an_error():
    with pytest.raises(RuntimeError, match="kit_settings"):
        new_figure(1, 1)


def test_no_module_opens_a_figure_but_through_the_one_door():
    """Only `style` creates figures; only the room of plotting loads Matplotlib, and nothing loads pyplot."""
    for file in FOLDER.rglob("*.py"):
        own = file.relative_to(FOLDER)
        tree = ast.parse(file.read_text("utf-8"))
        types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
        for_types = {id(inner) for node in types for inner in ast.walk(node)}
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            loaded = [name for name in names if name.split(".")[0] in ("matplotlib", "pylab")]
            assert not any("pyplot" in name or "pylab" in name for name in loaded), own
            assert not loaded or own.parts[0] == "plotting" or id(node) in for_types, own
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                assert called != "Figure" or own.as_posix() == "plotting/style.py", own
                assert called != "savefig" or own.name in ("style.py", "explorer.py"), own
