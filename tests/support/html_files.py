"""Read HTML files as a browser would, and find what in them leads out of them."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from PIL import Image

VOID = {"img", "input", "meta", "br", "link", "hr", "source"}


class Element(NamedTuple):
    """An element of a page: its name, its attributes, and the text in it."""

    tag: str
    attributes: dict[str, str]
    text: list[str]


class Page(HTMLParser):
    """The elements of a page in their order; an element that is closed wrongly is an error."""

    def __init__(self, file: Path):
        super().__init__()
        self.file, self.elements, self._open = file, [], []
        self.feed(file.read_text("utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self._open.pop().tag == tag

    def handle_data(self, data):
        for each in self._open:
            each.text.append(data)

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements with a name and with these attributes."""
        found = (each for each in self.elements if each.tag == tag)
        return [each for each in found if attributes.items() <= each.attributes.items()]

    def text(self, tag: str = "main") -> str:
        """Return the text of the first element with a name, in one line."""
        return " ".join("".join(self.find(tag)[0].text).split())

    def image(self, element: Element) -> Image.Image:
        """Return the picture of an `img` element."""
        head, _, data = element.attributes["src"].partition(",")
        assert head in ("data:image/png;base64", "data:image/jpeg;base64")
        return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def assert_complete(file: Path, links: bool = True) -> Page:
    """Assert that a page asks nothing of the network and that what it shows is there; return it.

    Links must lead to existing files beside the page, unless `links` is false.
    """
    page = Page(file)
    for each in page.elements:
        for name, value in each.attributes.items():
            if value.startswith("data:image/"):
                continue
            if name in ("src", "href", "srcset", "action", "style", "background", "poster"):
                assert not re.search(r"(^|[^a-z])(https?:|//|url\(|javascript:|@import)", value), (
                    each.tag,
                    value,
                )
            assert not name.startswith("on"), (each.tag, name)
        if each.tag in ("style", "script"):
            assert not re.search(r"https?:|url\(|@import|fetch|XMLHttpRequest", "".join(each.text))
        assert each.tag not in ("link", "iframe", "object", "embed", "base")
    for each in page.find("img"):
        assert len(each.attributes["alt"]) > 5, each.attributes["alt"]
        if each.attributes["src"].startswith("data:"):
            size = page.image(each).size
        else:
            with Image.open(file.parent / unquote(each.attributes["src"])) as image:
                size = image.size
        if "width" in each.attributes:
            assert size == (int(each.attributes["width"]), int(each.attributes["height"]))
    if links:
        for each in page.find("a"):
            assert (file.parent / unquote(each.attributes["href"])).is_file(), each.attributes["href"]
    identifiers = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(identifiers) == len(set(identifiers))
    assert page.find("html")[0].attributes["lang"] == "en" and len(page.find("h1")) == 1 and page.text("title")
    assert any(each.attributes.get("name") == "viewport" for each in page.find("meta"))
    policies = [each for each in page.find("meta") if each.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1 and "default-src 'none'" in policies[0].attributes["content"]
    return page
