"""Pages: texts are escaped, images are embedded, and nothing is loaded."""

import base64
import hashlib

import numpy as np
import pytest
from html_files import Page, assert_complete
from PIL import Image

from decoupling_lib.plotting import pages
from decoupling_lib.plotting.pages import element, embed_image, table, write_page

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></main><h1>mine",
    "&lt;b&gt; & <b>",
    "a\x00b\x1b[31m\r\n\u202egnp.exe",
    "\udcff\udc80 not UTF-8",
    "javascript:alert(1)//",
    "雪山 ñ 'quoted' `code` ${x}",
]


def write(path, *body, **options):
    path.write_text(write_page("A title", element("h1", "Head"), *body, **options), "utf-8")
    return assert_complete(path, links=False)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_texts(text, tmp_path):
    shown = element("p", text, element("b", text), text, title=text)
    page = write(tmp_path / "page.html", shown, embed_image(np.zeros((2, 2, 3), np.uint8), f"an image of {text}"))
    assert [each.tag for each in page.elements if each.tag in ("script", "img", "h1")] == ["h1", "img"]
    (found,) = page.find("p")
    readable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    assert "".join(found.text) == 3 * readable and found.attributes["title"] == readable
    assert page.find("img")[0].attributes["alt"] == f"an image of {readable}"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_title_stays_a_title(text, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(write_page(text, element("h1", text)), "utf-8")
    page = Page(file)
    assert len(page.find("h1")) == 1 and not page.find("script")


def test_the_browser_is_told_to_load_nothing_and_to_run_only_the_pages_own_script(tmp_path):
    def policy(page):
        (content,) = (each.attributes["content"] for each in page.find("meta") if "content" in each.attributes
                      and "http-equiv" in each.attributes)  # fmt: skip
        return dict(part.split(maxsplit=1) for part in content.split("; "))

    script = 'document.title = "1 < 2 && 3";'
    plain, live = write(tmp_path / "a.html"), write(tmp_path / "b.html", script=script)
    assert policy(plain) | {"style-src": ""} == {
        "default-src": "'none'", "img-src": "data:", "style-src": "", "script-src": "'none'", "base-uri": "'none'",
    }  # fmt: skip
    (code,) = live.find("script")
    assert "".join(code.text) == script
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy(live)["script-src"] == f"'sha256-{digest}'"


@pytest.mark.parametrize(
    ("shape", "kind", "squares"), [((20, 30), "PNG", True), ((200, 170), "PNG", False), ((400, 90), "JPEG", False)]
)
def test_small_images_are_embedded_to_the_bit_and_large_ones_nearly(shape, kind, squares, tmp_path):
    smooth = np.linspace(0, 255, shape[0] * shape[1] * 3).reshape(*shape, 3).astype(np.uint8)
    page = write(tmp_path / "page.html", embed_image(smooth, "a ramp"))
    (found,) = page.find("img")
    image = page.image(found)
    assert image.format == kind and ("squares" in found.attributes.get("class", "")) == squares
    difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - smooth)
    assert difference.max() == 0 if kind == "PNG" else difference.mean() < 2
    exact = page.image(write(tmp_path / "exact.html", embed_image(smooth, "a ramp", exact=400)).find("img")[0])
    np.testing.assert_array_equal(np.asarray(exact), smooth)


def test_a_table_can_be_reached_and_its_columns_have_heads(tmp_path):
    rows = [("a <b>", "1", None), (element("i", "c"), "2", "x")]
    page = write(tmp_path / "page.html", table(("name", "count", "note"), rows, frozenset({1}), "Counts"))
    assert [each.attributes["scope"] for each in page.find("th")] == ["col"] * 3
    assert ["".join(each.text) for each in page.find("td")] == ["a <b>", "1", "", "c", "2", "x"]
    assert [each.attributes.get("class") for each in page.find("td")] == [None, "number", None] * 2
    (box,) = page.find("div")
    assert box.attributes["tabindex"] == "0" and box.attributes["aria-label"] == "Counts"


def contrast(one: str, two: str) -> float:
    def luminance(color):  # WCAG 2.2
        full = color[1:] if len(color) == 7 else "".join(2 * c for c in color[1:])
        parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        return np.dot(
            [0.2126, 0.7152, 0.0722], [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        )

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_light_and_dark_have_the_contrast_that_text_needs():
    import re

    blocks = re.findall(r":root \{([^}]*)\}", pages.STYLE)
    light, dark, paper = ({name: value for name, value in re.findall(r"--(\w+): (#\w+)", block)} for block in blocks)
    for look in (light, dark, light | paper):
        for name in ("ink", "soft", "accent"):
            assert contrast(look[name], look["paper"]) >= 4.5, (name, look)


def test_equal_pages_have_equal_bytes():
    image = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    assert len({write_page("t", embed_image(image, "noise")) for _ in range(2)}) == 1
    assert Image.MAX_IMAGE_PIXELS  # nothing of Pillow's limits was switched off on the way
