"""With a file of VGG-19 weights, the same figures and notebooks run on it unchanged.

The file has Keras's layout and the filters of hed, because trained VGG-19 weights are in no package.
"""

import hashlib
import json
import re

import numpy as np
import pytest
from keras_files import vgg19_from_hed, write_legacy
from lessons import FOLDER, execute, judged, printed, run, tags
from nbformat.v4 import new_code_cell
from paths import ROOT

from decoupling_lib.figures import gallery, textures, transfers
from decoupling_lib.figures.spec import add_margin
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks import architectures, weights
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.network_source import choose_source

# `test_figures` proves that these are the figures that show a network.
NETWORK_FIGURES = [
    entry["number"]
    for entry in json.loads((ROOT / "figures" / "manifest.json").read_text("utf-8"))["figures"]
    if entry["network"] is not None
]
LESSONS = {source.stem: source.read_text("utf-8") for source in execute.sources()}
BUILDING = [name for name, text in LESSONS.items() if "dl.default_source(" in text]
BY_DEFAULT = "10_integrators_and_optimizers"
"""Of the lessons that leave the network to the options of a transfer, one of those that take least time."""
LIST_NETWORKS = """
import gc, json
from decoupling_lib.networks.vgg import Network
found = {(each.weights.architecture, each.weights.sha256) for each in gc.get_objects() if isinstance(each, Network)}
print(json.dumps(sorted(found)))"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return write_legacy(path, vgg19_from_hed())


@pytest.fixture(scope="module")
def sha256(file) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_environment_variable_names_the_weights_where_nothing_else_does(file, monkeypatch):
    monkeypatch.setenv(weights.ENVIRONMENT, str(file))
    assert weights.default_source() == ("vgg19", str(file))
    assert weights.default_source("vgg16", "hed") == ("vgg16", "hed")
    monkeypatch.setenv(weights.ENVIRONMENT, "")
    assert weights.default_source() == ("vgg16", "hed") or weights.keras_path("vgg19").is_file()


def test_the_file_has_the_channel_means_of_the_network_that_it_was_made_from(file):
    x = load_picture("china", (48, 48)).array
    layers = architectures.style_layers("vgg19", "thesis", 5)
    deep, trained = (
        ChannelMeans(build_network(architecture, source, layers, activation="relu", pooling="max")).values(x)
        for architecture, source in (("vgg19", file), ("vgg16", "hed"))
    )
    np.testing.assert_allclose(deep, trained, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("number", NETWORK_FIGURES)
def test_a_figure_is_drawn_with_the_file_and_says_so(number, file, sha256, monkeypatch):
    monkeypatch.setattr(transfers, "SIDE", 32)
    monkeypatch.setattr(transfers, "ANNEX_ITERATIONS", 5)
    monkeypatch.setattr(textures, "SIDE", 32)
    monkeypatch.setattr(textures, "ITERATIONS", 5)
    drawn = gallery.FIGURES[number].draw(choose_source(source=str(file)))
    used = drawn.network.weights
    assert (used.architecture, used.source, used.sha256) == ("vgg19", str(file), sha256)
    margin = add_margin(drawn).get_supxlabel().replace("\n", " ")
    assert "vgg19, weights" in margin and sha256[:8] in margin and "without ImageNet VGG-19 weights" in margin


def test_no_lesson_names_a_network_or_its_weights():
    assert len(BUILDING) > 1 and "dl.prepare(" in LESSONS[BY_DEFAULT]
    named = re.compile(r"""["'](vgg\d+|hed|imagenet|random)["']|\b(network|weights)=["']""")
    assert [name for name, text in LESSONS.items() if named.search(text)] == []
    assert named.search('dl.Options(weights="hed")') and named.search("build_network('vgg16')")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BUILDING, BY_DEFAULT])
def test_a_notebook_runs_with_the_file_and_its_solutions_are_right(name, file, sha256, monkeypatch):
    monkeypatch.setenv(weights.ENVIRONMENT, str(file))
    notebook = execute.parsed(FOLDER / f"{name}.py")
    notebook.cells.append(new_code_cell(LIST_NETWORKS))
    run(notebook)
    assert json.loads(printed(notebook.cells[-1])) == [["vgg19", sha256]]
    solved = [judged(cell) for cell in notebook.cells if "solution" in tags(cell)]
    assert all(": right." in text for text in solved)
