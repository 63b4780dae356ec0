"""report.html: what report.json says, to look at; one file that needs nothing but a browser and can be mailed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..common.arrays import Floats
from ..common.atomic_files import write_text
from ..images.pictures import to_uint8
from ..plotting.film_frames import shrink
from ..plotting.pages import SQUARES, Child, data_address, definitions, element, embed_image, table, write_page
from ..plotting.style import encode_figure
from ..plotting.transfers import LIMITS, draw_step_curve
from ..transfers.run import Transfer
from .output_files import ARRAYS, FILMS, REPORT
from .report_words import STATUSES, describe_numbers, describe_settings, format_share, name_style, style_rows

MAX_SIDE = 1024
"""Longest side in pixels of the images on the page; the files beside it have all their pixels."""
_STYLE = """
.pictures { display: grid; gap: 1rem; grid-template: "r r" "o t" "a b" / 1fr 1fr; margin: 1rem 0; }
@media (min-width: 56rem) { .pictures { grid-template: "o t r" auto "a b r" 1fr / 1fr 1fr 2.15fr; } }
@media print { .pictures { grid-template: "o t r" auto "a b r" 1fr / 1fr 1fr 2.15fr; } }
.origin { grid-area: o; } .target { grid-area: t; } .result { grid-area: r; } .bare-origin { grid-area: a; }
.bare-target { grid-area: b; }
.pictures img { width: min(100%, calc(44vh * var(--aspect))); }
.pictures .result img { width: min(100%, calc(90vh * var(--aspect))); }
.curves { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.curves figure { max-width: 34rem; }
.files { columns: 2 22rem; column-gap: 2.5rem; padding-left: 1.2rem; }
.files li { break-inside: avoid; margin-bottom: .3rem; }
"""
_FILES = {
    "result.png": "the result, at its own size",
    "origin.png": "the origin, as it was used",
    "target.png": "the target, as it was used",
    "origin_noisified.png": "the origin at the reference",
    "target_noisified.png": "the target at the reference",
    "panel.png": "all five images in one picture",
    "losses.png": "the curves in one picture",
    ARRAYS: "all images as numbers, not clipped, for NumPy",
    REPORT: "every number, setting and version, for programs",
    "film.gif": "the film of Steps 2 and 3",
    "film.html": "the same film, to be moved by hand",
}
_CURVES = (
    "Step 1: the origin goes to the reference",
    "Step 2: the target goes to the reference",
    "Step 3: the target takes the style",
)


def write_report_page(path: Path, transfer: Transfer, report: Mapping[str, Any]) -> Path:
    """Write the page of a finished transfer, whole or not at all.

    Parameters
    ----------
    path : Path
        The file to write.
    transfer : Transfer
        Its images, and its legs with their curves.
    report : mapping
        Its report, with the field `film`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    origin, target = (str(each["name"]) for each in report["inputs"])
    own = report["self_transfer"] is not None
    title = f"{target}: to the reference and back" if own else f"{target} with the style of {name_style(report)}"
    network = report["network"]
    layers = f"{len(network['layers'])} style layer{'s' if len(network['layers']) > 1 else ''}"
    lead = f"{network['architecture']}, weights {network['weights']}, {layers}, method {report['method']}"
    body = [
        element("h1", title),
        element("p", lead, class_="soft"),
        _show_pictures(transfer, origin, target),
        element("h2", "What the numbers say"),
        _tell_style(report),
        definitions(list(describe_numbers(report))),
        element("h2", "Curves"),
        _show_curves(transfer),
        element("h2", "Legs"),
        _list_legs(report),
        *_tell_growth(report),
        element("h2", "Settings"),
        definitions(list(describe_settings(report))),
        _fold("All options, by their names", [(name, _write(value)) for name, value in report["options"].items()]),
        element("h2", "What was used"),
        definitions(_tell_network(report)),
        _fold(
            "Versions and machine",
            [(name, _write(value)) for name, value in (report["versions"] | report["machine"]).items()],
        ),
        element("h2", "Files"),
        element("p", "These links lead to files in the folder of this page. The page itself needs none of them."),
        _list_files(report),
    ]
    return write_text(path, write_page(title, *body, style=_STYLE))


def _show_pictures(transfer: Transfer, origin: str, target: str) -> ElementTree.Element:
    """Return the images: result, origin and target, and these two at the reference if the method leads there."""
    step1, step2 = transfer.routes["step1"], transfer.routes["step2"]
    height, width = transfer.result.shape[:2]
    shown = [
        _picture("origin", transfer.origin, "Origin", f"{origin}, which gives the style"),
        _picture("target", transfer.target, "Target", f"{target}, which gives the content"),
        _picture("result", transfer.result, "Result", "the target with the style of the origin"),
    ]
    if step1.legs:
        shown.append(_picture("bare-origin", step1.x, "Origin, normalized", "at the reference, after Step 1"))
    if step2.legs:
        shown.append(
            _picture("bare-target", step2.x, "Target, normalized", "at the reference, without its style, after Step 2")
        )
    note = f"The target and the result have {width} × {height} pixels."
    note += " Images are shown enlarged, each pixel as a square." if max(height, width) <= SQUARES else ""
    return element("section", element("div", *shown, class_="pictures"), element("p", note, class_="soft"))


def _picture(place: str, image: Floats, name: str, text: str) -> ElementTree.Element:
    aspect = f"--aspect: {image.shape[1] / image.shape[0]:.4f}"  # no image is higher than the window
    shown = embed_image(shrink(to_uint8(image), MAX_SIDE), f"{name}: {text}")
    return element("figure", shown, element("figcaption", element("b", name), f": {text}"), class_=place, style=aspect)


def _tell_style(report: Mapping[str, Any]) -> ElementTree.Element:
    head = ("layer", "gap before", "gap after", "left", "in result.png", "worst channel")
    rows: list[tuple[Any, ...]] = list(style_rows(report))
    if not rows:
        return element("p", "The style of the result was not measured.")
    text = (
        "The style gap of a layer is the distance of its decoupled style from that of the origin, as a share of the "
        "latter. “Left” is the gap after the transfer as a share of the gap before it. “Worst channel” is the largest "
        "share of its way that a single channel has left; above 100% it ended farther from the origin's value than it "
        "began."
    )
    return element(
        "div", table(head, rows, frozenset(range(1, 6)), "Style gaps by layer"), element("p", text, class_="soft")
    )


def _show_curves(transfer: Transfer) -> ElementTree.Element:
    errors = [error for leg in transfer.legs for _, error in (*leg.curve, (0, leg.relative_error))]
    inside = [error for error in errors if LIMITS[0] <= error <= LIMITS[1]]
    limits = (min(inside) / 1.5, max(inside) * 1.5) if inside else None
    figures = []
    for name, title in zip(("step1", "step2", "step3"), _CURVES, strict=True):
        legs = transfer.routes[name].legs
        if not legs:
            figures.append(element("figure", element("figcaption", element("b", title), ": not done by this method")))
            continue
        source = data_address(encode_figure(draw_step_curve(legs, list(transfer.layers), limits)), "image/png")
        alt = f"{title}. Relative error of each leg against network passes: {_tell_ends(legs)}"
        image = element("img", src=source, alt=alt, class_="plot")
        figures.append(element("figure", element("figcaption", element("b", title)), image))
    text = (
        "How far the moving layer's channel means are from their aim, against the network passes that were spent. The "
        "axes of errors are the same."
    )
    return element("section", element("div", *figures, class_="curves"), element("p", text, class_="soft"))


def _tell_ends(legs: Sequence[Any]) -> str:
    begun = ((leg.layer, leg.curve[0][1] if leg.curve else math.nan, leg.relative_error) for leg in legs)
    return "; ".join(f"{layer} from {first:.2g} to {last:.2g}" for layer, first, last in begun)


def _list_legs(report: Mapping[str, Any]) -> ElementTree.Element:
    head = ("step", "layer", "error at its end", "of held layers", "way left", "passes", "seconds", "how it ended")
    rows: list[tuple[Any, ...]] = [
        (
            f"{leg['step']}",
            leg["layer"].replace("+", " + "),
            format_share(leg["relative_error"]),
            format_share(leg["held_relative_error"]),
            format_share(leg["remaining_fraction"]),
            f"{sum(leg['passes'].values()):,}",
            f"{leg['seconds']:,.1f}",
            STATUSES.get(leg["status"], leg["status"]),
        )
        for leg in report["stages"]
    ]
    text = (
        "A leg moves one layer to its aim. The error is the distance from the aim as a share of the aim; the way left "
        "is that distance as a share of the distance at the start."
    )
    return element("div", table(head, rows, frozenset(range(2, 7)), "Legs"), element("p", text, class_="soft"))


def _tell_growth(report: Mapping[str, Any]) -> list[ElementTree.Element]:
    """Return what `--amplification` measured, if it did."""
    if "amplification" not in report:
        return []
    head = ("step", "layer", "largest, there", "largest, back", "white noise, there", "white noise, back")
    rows: list[tuple[Any, ...]] = [
        (
            f"{leg['step']}",
            leg["layer"],
            *(f"{leg[name]:.2g}" for name in ("there", "back", "white_there", "white_back")),
        )
        for leg in report["amplification"]["legs"]
    ]
    text = (
        "By how much a leg stretches a small change of the image on its way to the reference and on the way back. The "
        "largest growth is the largest one that was found, so the true one may be larger."
    )
    return [
        element("h2", "Growth of small changes"),
        element("div", table(head, rows, frozenset(range(2, 6)), "Growth"), element("p", text, class_="soft")),
    ]


def _tell_network(report: Mapping[str, Any]) -> list[tuple[str, Child]]:
    network = report["network"]
    worst = max((each["relative_difference"] for each in network["fidelity"].values()), default=0.0)
    dead = [f"{len(channels)} of {name}" for name, channels in report["dead_channels"].items() if channels]
    smoothed = f"within {format_share(worst)} of those of the same network with ReLU and maximum pooling."
    told: list[tuple[str, Child]] = [
        ("Network", f"{network['architecture']}, weights {network['weights']}"),
        ("Checksum of the weights", element("code", network["sha256"])),
        ("Fidelity", f"The channel means of the network in use are {smoothed}"),
        (
            "Dead channels",
            f"Left out, since the reference does not reach them: {', '.join(dead)}." if dead else "None.",
        ),
    ]
    for role, image in zip(("Origin", "Target"), report["inputs"], strict=True):
        told.append((role, element("span", f"{image['name']}, sha256 ", element("code", image["sha256"]))))
    return told


def _fold(title: str, entries: list[tuple[str, str]]) -> ElementTree.Element:
    return element("details", element("summary", title), definitions(list(entries)))


def _write(value: Any) -> str:
    """Return a value of the report as text."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_write(each)}" for name, each in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_write, value))
    return str(value)


def _list_files(report: Mapping[str, Any]) -> ElementTree.Element:
    named = (name for name in _FILES if report["film"] or name not in FILMS)
    return element(
        "ul", *(element("li", element("a", name, href=name), f": {_FILES[name]}") for name in named), class_="files"
    )
