"""Draws figures again from their manifest alone, and says whether each is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common import validation
from ..common.errors import describe_value, input_error
from ..common.machine import describe_machine
from ..networks import weights
from ..runs import digest
from ..runs.rerun import TOLERANCE, Comparison
from ..transfers.network_source import NetworkSource
from .gallery import FIGURES, draw, pixels_sha256, plotted
from .spec import Entry

_ACCEPTED = "the manifest.json that `decoupling figures` wrote"


def entries(manifest: Mapping[str, Any], numbers: Sequence[str] | None = None) -> list[tuple[Entry, dict[str, Any]]]:
    """The figures of a manifest that was read by `rerun.read`, with their reports; of these numbers, all if None.

    Raises `InputError` for a damaged manifest, a number that it lacks, or weights that are not at hand or other ones.
    """
    listed: dict[str, dict[str, Any]] = {}
    for each in manifest["figures"]:
        kinds = {"number": str, "source": dict, "versions": dict, "plotted": dict, "sha256": str, "machine": dict}
        good = isinstance(each, dict) and all(isinstance(each.get(name), kind) for name, kind in kinds.items())
        good = good and each["number"] in FIGURES and isinstance(each.get("network", 0), dict | None)
        if not good:
            raise input_error("manifest", "is damaged", each, _ACCEPTED, "draw the figures anew")
        listed[each["number"]] = each
    chosen = [listed[validation.choice(number, listed, "figure of the manifest")] for number in numbers or listed]
    found, known = [], {}
    for each in chosen:
        source = _source(each)
        if each["network"] is not None:
            if source not in known:
                known[source] = weights.read(source.architecture, source.weights).sha256
            if known[source] != each["network"].get("sha256"):
                accepted = f"sha256 {describe_value(each['network'].get('sha256'))}"
                name = f"weights of figure {each['number']}"
                raise input_error(name, "are other ones", known[source], accepted, "give the file by --weights")
        found.append((FIGURES[each["number"]], each))
    return found


def repeat(
    chosen: Sequence[tuple[Entry, Mapping[str, Any]]],
    folder: Path,
    tolerance: float = TOLERANCE,
    listen: Callable[[Entry], None] | None = None,
) -> Iterator[tuple[Entry, Comparison]]:
    """Draws figures into a folder, and compares each with its report.

    Parameters
    ----------
    chosen : of `entries`.
    tolerance : how far `digest.compare_plotted` may be off where machine or packages are others; on one that is alike
        all that is plotted, and the drawn pixels, are to be equal to the bit.
    listen : hears each entry before it is drawn.
    """
    for entry, recorded in chosen:
        if listen is not None:
            listen(entry)
        path = folder / entry.file
        made = draw(entry, _source(recorded), path)
        alike = recorded["machine"] == describe_machine() and recorded["versions"] == made.versions
        shown, before = plotted(made.figure), recorded["plotted"]
        off = {
            name: digest.compare_plotted(before[name], *shown[name])
            if name in shown and isinstance(before.get(name), dict)
            else float("inf")
            for name in sorted(shown.keys() | before.keys())
        }
        # The small print names versions and passes, so elsewhere the pixels may differ.
        pixels = {"pixels": 0.0 if pixels_sha256(path) == recorded["sha256"] else float("inf")}
        yield entry, Comparison(alike, off | pixels, tolerance, list(off))


def _source(report: Mapping[str, Any]) -> NetworkSource:
    try:
        return NetworkSource(str(report["source"]["architecture"]), str(report["source"]["weights"]))
    except KeyError:
        raise input_error("manifest", "is damaged", report["source"], _ACCEPTED, "draw the figures anew") from None
