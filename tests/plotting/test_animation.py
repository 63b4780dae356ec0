"""Animations in a notebook: every frame is there, to the pixel, and nothing is loaded from elsewhere."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import decoupling_lib as dl


def line(ax, height):
    """Draw a horizontal line."""
    ax.axhline(height, color="black", linewidth=3)
    ax.set(ylim=(0, 1), xlim=(0, 1))


@pytest.fixture(scope="module")
def made():
    return dl.animate(line, [0.25, 0.5, 0.75], 'A line rises, "<b>".', (2, 1.5), 0.1)


def decoded(address: str) -> np.ndarray:
    """Return the pixels of an image that an address contains."""
    kind, _, data = address.partition(";base64,")
    assert kind.startswith("data:image/")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def frames(html: str) -> list[np.ndarray]:
    """Return the pixels of all frames in the HTML."""
    return [decoded(each) for each in json.loads(re.search(r"\[\"data:.*?\]", html)[0])]


def test_each_value_has_a_frame_in_order(made):
    images = frames(made.to_html())
    assert len(images) == 3 and images[0].shape == (120, 160, 3)
    dark = [np.mean(np.argwhere(image[:, 80].sum(axis=1) < 200)[:, 0]) for image in images]  # rows of the line
    assert dark == sorted(dark, reverse=True) and len(set(dark)) == 3  # row 0 is above


def test_the_frames_are_those_of_matplotlib_without_loss(made):
    bundle = made._repr_mimebundle_()
    still = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("RGB"))
    np.testing.assert_array_equal(still, frames(bundle["text/html"])[-1])


def test_without_scripts_the_last_frame_and_no_control_is_seen(made):
    html = made.to_html()
    (source,) = re.findall(r'<img src="([^"]*)"', html)
    np.testing.assert_array_equal(decoded(source), frames(html)[-1])
    assert re.search(r"<p hidden[^>]*><button", html)


def test_nothing_is_loaded_and_the_text_is_escaped(made):
    html = made.to_html()
    assert not re.search(r"https?://|<link|src=\"(?!data:)", html)
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.feed(html)
    assert [name for name, _ in tags] == ["div", "img", "p", "button", "input", "script", "script"]
    assert tags[1][1]["alt"] == made.description
    assert "3 frames" in repr(made) and 'data-ms="100"' in html


def test_the_same_values_give_the_same_text(made):
    again = dl.animate(line, [0.25, 0.5, 0.75], 'A line rises, "<b>".', (2, 1.5), 0.1)
    assert again.to_html() == made.to_html()


def test_the_pictures_do_not_depend_on_the_users_settings(made):
    import matplotlib

    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30}):
        again = dl.animate(line, [0.25, 0.5, 0.75], 'A line rises, "<b>".', (2, 1.5), 0.1)
    assert again.frames == made.frames


@pytest.mark.parametrize("count", [0, 61])
def test_no_frames_and_too_many_are_refused(count):
    with pytest.raises(dl.InputError, match="60"):
        dl.animate(line, range(count), "nothing")
