"""With a file of VGG-19 weights at hand the same figures and notebooks run on it unchanged."""

import numpy as np
import pytest
from keras_files import vgg19_from_hed, write_legacy
from lessons import editions, execute, run, shown, tried

from decoupling_lib.figures import gallery, textures, transfers
from decoupling_lib.figures.spec import sign
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks import architectures, weights
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.network_source import choose_source

ON_A_NETWORK = [source for source in execute.sources() if source.name[:2] >= "03"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return write_legacy(path, vgg19_from_hed())


def test_the_environment_names_the_weights_where_nothing_else_does(file, monkeypatch):
    monkeypatch.setenv(weights.ENVIRONMENT, str(file))
    assert weights.default_source() == ("vgg19", str(file))
    assert weights.default_source("vgg16", "hed") == ("vgg16", "hed")
    monkeypatch.setenv(weights.ENVIRONMENT, "")
    assert weights.default_source() == ("vgg16", "hed") or weights.keras_path("vgg19").is_file()


def test_the_file_answers_as_the_network_that_it_was_made_from(file):
    x = load_picture("china", (48, 48)).array
    layers = architectures.style_layers("vgg19", "thesis", 5)
    deep, trained = (
        ChannelMeans(build_network(architecture, source, layers, activation="relu", pooling="max")).values(x)
        for architecture, source in (("vgg19", file), ("vgg16", "hed"))
    )
    np.testing.assert_allclose(deep, trained, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("number", [n for n in gallery.FIGURES if gallery.FIGURES[n].seconds > 1 or n == "2.9"])
def test_a_figure_is_drawn_with_the_file_and_says_so(number, file, monkeypatch):
    monkeypatch.setattr(transfers, "SIDE", 32)
    monkeypatch.setattr(transfers, "REFINEMENTS", 0)
    monkeypatch.setattr(textures, "SIDE", 32)
    monkeypatch.setattr(textures, "ITERATIONS", 5)
    made = gallery.FIGURES[number].draw(choose_source(source=str(file)))
    margin = sign(made).get_supxlabel().replace("\n", " ")
    if made.network is not None:
        assert made.network.weights.architecture == "vgg19" and "vgg19, weights" in margin
        assert "without ImageNet VGG-19 weights" in margin


@pytest.mark.parametrize("source", ON_A_NETWORK, ids=lambda path: path.stem)
def test_a_notebook_runs_with_the_file_and_its_checks_know_right_from_wrong(source, file, monkeypatch):
    """All assertions hold, and the exercises are tried as in `test_editions`, at no further cost."""
    monkeypatch.setenv(weights.ENVIRONMENT, str(file))
    notebook = run(tried(source))
    waiting = [cell for cell in notebook.cells if "unanswered" in editions.tags(cell)]
    assert waiting and all(shown(cell).startswith("not answered yet: name ") for cell in waiting)
