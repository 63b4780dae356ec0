"""report.html: it says what report.json says, needs nothing beside itself, and keeps hostile names harmless."""

import json
import math
import re

import numpy as np
import pytest
from html_files import Page, assert_complete
from PIL import Image

from decoupling_lib.methods.choice import METHODS
from decoupling_lib.runs import outputs, report
from decoupling_lib.runs.output_files import PICTURES
from decoupling_lib.runs.report_page import write_report_page
from decoupling_lib.runs.report_words import METHODS as METHOD_WORDS
from decoupling_lib.runs.report_words import REFERENCES as REFERENCE_WORDS
from decoupling_lib.runs.report_words import describe_numbers, describe_settings, format_share, style_rows
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.references import REFERENCES
from decoupling_lib.transfers.setup import prepare

OPTIONS = Options(layers=1, size=(24, 20), network="vgg16", weights="random", rule="rk4", steps=3, tolerance=1e-4)


@pytest.fixture(scope="module", params=["pair", "self", "direct"])
def run(request, pictures, tmp_path_factory):
    """Return result, report and folder of a transfer."""
    changes = {"method": "direct", "iterations": 20} if request.param == "direct" else {}
    origin, target = pictures if request.param != "self" else (pictures[0], pictures[0])
    experiment = prepare(origin, target, Options(**{**vars(OPTIONS), **changes}))
    result, folder = experiment.run(), tmp_path_factory.mktemp(request.param)
    assert outputs.write_outputs(folder, experiment, result, report.create_report(experiment, result, 1.5)) == {}
    return result, json.loads((folder / "report.json").read_text("utf-8")), folder


def test_the_page_is_complete_and_links_to_every_file_of_the_folder(run):
    _, _, folder = run
    page = assert_complete(folder / "report.html")
    links = {each.attributes["href"] for each in page.find("a")}
    assert links == {file.name for file in folder.iterdir()} - {"report.html"}
    assert len(links) == len(PICTURES) + 1
    assert all(each.attributes["src"].startswith("data:") for each in page.find("img"))  # so that it can be mailed


def test_the_page_stands_alone(run, tmp_path):
    (tmp_path / "mailed.html").write_bytes((run[2] / "report.html").read_bytes())
    assert_complete(tmp_path / "mailed.html", links=False)


def test_its_images_are_those_of_the_folder_and_say_what_they_show(run):
    result, content, folder = run
    page = Page(folder / "report.html")
    pictures = [each for each in page.find("img") if "plot" not in each.attributes.get("class", "")]
    names = ["origin", "target", "result"]
    names += ["origin_noisified", "target_noisified"] if content["method"] != "direct" else []
    assert len(pictures) == len(names)
    for name, each in zip(names, pictures, strict=True):
        with Image.open(folder / f"{name}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(page.image(each)))
        assert each.attributes["alt"].lower().startswith(name.partition("_")[0])
    plots = [each for each in page.find("img") if "plot" in each.attributes.get("class", "")]
    assert len(plots) == sum(bool(result.routes[name].legs) for name in ("step1", "step2", "step3"))
    for each in plots:
        assert all(layer in each.attributes["alt"] for layer in result.layers)


def test_its_numbers_are_those_of_the_report(run):
    _, content, folder = run
    text = Page(folder / "report.html").text()
    assert f"{sum(content['passes'].values()):,} network passes" in text
    assert f"{content['peak_memory_mib']:,} MiB" in text and content["network"]["sha256"] in text
    for image in content["inputs"]:
        assert image["name"] in text and image["sha256"] in text
    for name, version in content["versions"].items():
        assert name in text and version in text
    for leg in content["stages"]:
        assert format_share(leg["relative_error"]) in text
    quality = content["self_transfer"]
    assert ("PSNR" in text) == (quality is not None and quality["psnr_db"] is not None)
    if quality is not None:
        assert f"{quality['psnr_db']:.1f} dB" in text
    for name in content["options"]:
        assert name in text


def test_gaps_are_shares_of_the_untouched_gap(run):
    _, content, folder = run
    rows, style = style_rows(content), content["style"]
    assert [row[0] for row in rows] == content["network"]["layers"]
    for layer, before, after, left, saved, worst in rows:
        untouched = style["untouched"][layer]
        assert (before, after, saved) == tuple(
            format_share(style[name][layer]) for name in ("untouched", "result", "saved")
        )
        if untouched:
            assert left == format_share(style["result"][layer] / untouched)
            assert worst == format_share(style["worst_channel"][layer])
        else:  # a self-transfer: there was nothing to change
            assert (left, worst) == ("–", "–")
    cells = ["".join(each.text) for each in Page(folder / "report.html").find("td")]
    assert cells[: 6 * len(rows)] == [cell for row in rows for cell in row]


@pytest.mark.parametrize("value", [1e-9, 0.00123, 0.0996, 0.5, 1.0, 12.345])
def test_a_share_is_written_to_two_digits_that_count(value):
    text = format_share(value)
    if text.startswith("<"):
        assert value < float(text[1:-1]) / 100
    else:
        assert float(text.rstrip("%").replace(",", "")) / 100 == pytest.approx(value, rel=0.05)


def test_a_share_that_is_not_known_is_a_dash():
    assert {format_share(value) for value in (None, math.nan, math.inf)} == {"–"}


def test_every_method_and_every_reference_is_told_in_words():
    assert METHOD_WORDS.keys() == METHODS.keys() and REFERENCE_WORDS.keys() == set(REFERENCES)


@pytest.mark.parametrize(
    ("quality", "fragment"),
    [
        ({"psnr_db": 40.0, "ssim": 0.99, "max_error": 0.1}, "0.01 of the range"),  # 10 ** (-40 / 20)
        ({"psnr_db": None, "ssim": 1.0, "max_error": 0.0}, "exactly"),
        ({"psnr_db": None, "ssim": None, "max_error": None}, "not known"),
    ],
)
def test_the_way_back_is_told_in_words(run, quality, fragment):
    told = dict(describe_numbers(run[1] | {"self_transfer": quality}))
    assert fragment in told["The way back"]


def test_what_is_set_is_told_in_words(run):
    content = run[1]
    told = dict(describe_settings(content))
    assert all(sentence.endswith(".") for sentence in told.values())
    assert told["Size of the target"].startswith("20 × 24")
    assert all(layer in told["Style layers"] for layer in content["network"]["layers"])
    assert ("Damping" in told) == (content["method"] == "decoupled") != ("Iterations" in told)
    masked = content | {
        "masks": {"target": {"name": "mine.png", "sha256": "", "share": 0.25}},
        "recoloring": {"luminance": "style", "chrominance": "target"},
    }
    words = dict(describe_settings(masked))
    assert "mine.png" in words["Mask of the target"] and "25%" in words["Mask of the target"]
    assert "chrominance of the target" in words["Colors"] and "Colors" not in told
    without = content | {"damping": 0.0}
    if content["method"] == "decoupled":
        assert re.search("None", dict(describe_settings(without))["Damping"])
        smoothed = content | {"options": content["options"] | {"smoothing": 2.5}}
        assert "2.5 pixels" in dict(describe_settings(smoothed))["Metric"] != told["Metric"]


def test_a_mixture_is_named_by_all_its_origins(run, tmp_path):
    result, content, _ = run
    mixture = [{"name": name, "share": 1 / 3} for name in ("one.png", "two.png", "three.png")]
    write_report_page(tmp_path / "report.html", result, content | {"mixture": mixture, "self_transfer": None})
    assert "one.png, two.png and three.png" in Page(tmp_path / "report.html").text("h1")


HOSTILE = [
    "<script>alert(1)</script>.png",
    '"><svg onload=alert(1)>.png',
    "a\nb\u202egnp.\x00",
    "\udcff.png",
    "</style>&amp;",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_and_do_nothing(run, name, tmp_path):
    result, content, folder = run
    changed = content | {
        "inputs": [{"name": name, "sha256": "0" * 64}] * 2,
        "network": content["network"] | {"weights": f"/home/{name}.h5"},
        "options": content["options"] | {"weights": name},
        "machine": {"processor": name},
    }
    write_report_page(tmp_path / "report.html", result, changed)
    page = assert_complete(tmp_path / "report.html", links=False)
    ordinary = Page(folder / "report.html")
    assert [each.tag for each in page.find("script") + page.find("svg")] == []
    assert len(page.find("img")) == len(ordinary.find("img"))
    readable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    assert readable in "".join(page.find("h1")[0].text) and f"/home/{readable}.h5" in "".join(page.find("main")[0].text)
