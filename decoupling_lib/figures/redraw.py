"""Draws figures again from their manifest alone, and compares each with its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common import validation
from ..common.errors import DrawingError, describe_value, input_error
from ..common.machine import describe_machine
from ..networks import weights
from ..plotting.style import try_to_draw
from ..runs import digest
from ..runs.comparison import TOLERANCE, Comparison
from ..transfers.network_source import NetworkSource
from .gallery import FIGURES, collect_data, draw_figure, hash_pixels, select_figures
from .kept_transfers import describe_failures
from .spec import DrawnFigure, FigureSpec

_ACCEPTED = "the manifest.json that `decoupling figures` wrote"
_FIELDS = {"number": str, "source": dict, "versions": dict, "plotted": dict, "sha256": str, "machine": dict}
"""The fields that an entry must have to be drawn again, with their types."""


def select_entries(
    manifest: Mapping[str, Any], numbers: Sequence[str] | None = None
) -> list[tuple[FigureSpec, dict[str, Any]]]:
    """Return figures of a manifest, each with its entry.

    Parameters
    ----------
    manifest : mapping
        A manifest, as `runs.rerun.read_report` returns it.
    numbers : sequence of str, optional
        Numbers of the figures in the thesis; by default, all of the manifest.

    Returns
    -------
    list of (FigureSpec, dict)
        In the order of `numbers`.

    Raises
    ------
    InputError
        For a damaged manifest, a number that it does not have, weights that are not available or differ from the
        recorded ones, and figures that need Keras where it cannot be used.
    """
    entries: dict[str, dict[str, Any]] = {}
    for each in manifest["figures"]:
        good = isinstance(each, dict) and all(isinstance(each.get(name), kind) for name, kind in _FIELDS.items())
        good = good and each["number"] in FIGURES and isinstance(each.get("network", 0), dict | None)
        if not good:
            raise input_error("manifest", "is damaged", each, _ACCEPTED, "draw the figures again")
        entries[each["number"]] = each
    selected = [entries[validation.choice(number, entries, "figure of the manifest")] for number in numbers or entries]
    select_figures([entry["number"] for entry in selected])
    hashes: dict[NetworkSource, str] = {}
    for entry in selected:
        source = _source(entry)
        if entry["network"] is not None:
            if source not in hashes:
                hashes[source] = weights.read(source.architecture, source.weights).sha256
            if hashes[source] != entry["network"].get("sha256"):
                accepted = f"sha256 {describe_value(entry['network'].get('sha256'))}"
                name = f"weights of figure {entry['number']}"
                step = "give the file that has it by --weights"
                raise input_error(name, "differ from the recorded ones", hashes[source], accepted, step)
    return [(FIGURES[entry["number"]], entry) for entry in selected]


def redraw_figures(
    selected: Sequence[tuple[FigureSpec, Mapping[str, Any]]],
    folder: Path,
    tolerance: float = TOLERANCE,
    listen: Callable[[FigureSpec], None] | None = None,
) -> Iterator[tuple[FigureSpec, Comparison]]:
    """Draw figures into a folder, and compare each with its entry in the manifest.

    On the machine of the manifest, with the same versions, all plotted data and the pixels must be equal to the bit.

    Parameters
    ----------
    selected : sequence of (FigureSpec, mapping)
        Figures and their entries, from `select_entries`.
    folder : Path
        An existing folder for the figures.
    tolerance : float
        Maximum of `digest.compare_plotted` on another machine or with other versions, at least 0.
    listen : callable, optional
        Callback that receives each specification before its figure is drawn.

    Yields
    ------
    (FigureSpec, Comparison)
        Each figure, as soon as it is drawn.

    Raises
    ------
    DrawingError
        For figures that could not be drawn; all others were drawn before.
    """
    reasons = {}
    for spec, entry in selected:
        if listen is not None:
            listen(spec)
        path, results = folder / spec.file, list[DrawnFigure]()
        reason = try_to_draw(lambda: results.append(draw_figure(spec, _source(entry), path)))  # noqa: B023 - called here
        if reason:
            reasons[spec.number] = reason
            continue
        (drawn,) = results
        alike = entry["machine"] == describe_machine() and entry["versions"] == drawn.versions
        data, recorded = collect_data(drawn.figure), entry["plotted"]
        off = {
            name: digest.compare_plotted(recorded[name], *data[name])
            if name in data and isinstance(recorded.get(name), dict)
            else float("inf")
            for name in sorted(data.keys() | recorded.keys())
        }
        # The margin lists versions and passes, so pixels may differ on another machine: they are not judged there.
        pixels = {"pixels": 0.0 if hash_pixels(path) == entry["sha256"] else float("inf")}
        yield spec, Comparison(alike, off | pixels, tolerance, list(off))
    if reasons:
        raise DrawingError(describe_failures(reasons, "compare them"))


def _source(entry: Mapping[str, Any]) -> NetworkSource:
    try:
        return NetworkSource(str(entry["source"]["architecture"]), str(entry["source"]["weights"]))
    except KeyError:
        raise input_error("manifest", "is damaged", entry["source"], _ACCEPTED, "draw the figures again") from None
