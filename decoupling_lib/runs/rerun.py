"""Makes a run again from its report alone, and says whether it is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..common import validation
from ..common.atomic_files import write_text
from ..common.errors import InputError, describe_value, input_error, os_input_error
from ..common.machine import describe_machine, package_versions
from ..images.bundled import bundled_pictures
from ..networks.weights import SOURCES
from ..transfers.options import Options
from ..transfers.run import Transfer
from ..transfers.setup import Inputs, gather_inputs
from . import digest
from .report import SCHEMA, outputs

TOLERANCE = 1e-3
"""How far a downsample may be off, in units of the pixels, where processor, threads or packages are others."""
MAX_BYTES = 2**24
PICTURES = ("origin", "target", "origin_noisified", "target_noisified", "result")
_ACCEPTED = "the report.json that `decoupling transfer` wrote, or the manifest.json of `decoupling figures`"
_FIELDS = {
    "transfer": {"options": dict, "network": dict, "inputs": list, "arrays": dict},
    "figures": {"figures": list},
}
"""By the command that wrote a report, what it must have to be run again."""
_SCHEMAS = {"transfer": SCHEMA, "figures": 1}


@dataclass(frozen=True)
class Comparison:
    """What became of a run made again.

    Parameters
    ----------
    alike : whether processor, threads and packages are those of the report: then the bits should be equal.
    off : by array, how far it is off, see `digest.compare` and `digest.compare_plotted`.
    tolerance : how far it may be where they are not alike.
    judged : the arrays that count where they are not alike.
    """

    alike: bool
    off: Mapping[str, float]
    tolerance: float
    judged: Sequence[str]

    @property
    def same(self) -> bool:
        """Equal bits on a machine that is alike; elsewhere, what is judged within the tolerance."""
        if self.alike:
            return not any(self.off.values())
        return all(self.off[name] <= self.tolerance for name in self.judged)

    def describe(self) -> dict[str, Any]:
        """All of it in types that JSON knows; infinity is null."""
        found = {name: off if off != float("inf") else None for name, off in self.off.items()}
        return {"same": self.same, "alike": self.alike, "tolerance": self.tolerance, "off": found}


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A report from its file: of a transfer, or a folder of figures' manifest.

    Raises `InputError` for a file that is missing, too large, no JSON, nested too deeply, neither of them, or of a
    schema that this version of the kit does not write.
    """
    file = validation.regular_file(path, "report", accepted=_ACCEPTED)
    if file.stat().st_size > MAX_BYTES:
        raise input_error("report", "is too large", file, f"at most {MAX_BYTES // 2**20} MiB", "give another")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise input_error("report", "is no JSON that can be read", file, _ACCEPTED, "give another") from None
    except OSError as error:
        raise os_input_error(error, "report", file, _ACCEPTED) from None
    command = found.get("command") if isinstance(found, dict) else None
    command = validation.choice(command, _FIELDS, "command of the report")
    schema = found.get("schema")
    if type(schema) is not int or schema != _SCHEMAS[command]:
        step = "use the version of the kit that wrote it"
        raise input_error("report", "is of another schema", schema, f"schema {_SCHEMAS[command]}", step)
    for name, kind in _FIELDS[command].items():
        if not isinstance(found.get(name), kind):
            raise input_error("report", f"lacks {name}", file, _ACCEPTED, "make it with this version of the kit")
    return found


def recorded_inputs(
    report: Mapping[str, Any], origin: str | None = None, target: str | None = None, weights: str | None = None
) -> Inputs:
    """What the run started from.

    Parameters
    ----------
    origin, target : files of the pictures, where they are not bundled ones. A report has their names without folders.
    weights : their file, if they are a file's. A report has its path as it was given, which may be another machine's.

    The sha256 of each is compared. Raises `InputError` as `experiment.gather` does, and for pictures or weights that
    are not at hand, or other ones than those of the report.
    """
    known = {field.name for field in fields(Options)}
    given = {name: value for name, value in report["options"].items() if name in known}
    if isinstance(given.get("size"), list):
        given["size"] = tuple(given["size"])
    # The report's own network: the best at hand may be another one by now.
    source, sha256 = report["network"].get("weights"), report["network"].get("sha256")
    if weights is None:
        _at_hand(source, sha256)
        weights = source
    given |= {"network": report["network"].get("architecture"), "weights": weights}
    try:
        first, second = ((entry["name"], entry["sha256"]) for entry in report["inputs"])
        chosen = (_picture(*first, "origin", origin), _picture(*second, "target", target))
        ready = gather_inputs(*chosen, Options(**given))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise input_error("report", "is damaged", str(error), _ACCEPTED, "give another") from None
    for picture, (name, wanted), option in zip((ready.origin, ready.target), (first, second), PICTURES, strict=False):
        if picture.sha256 != wanted:
            step = f"give the file by --{option}"
            name, accepted = describe_value(name), f"sha256 {describe_value(wanted)}"
            raise input_error(f"picture {name}", "is another one", picture.sha256, accepted, step)
    if ready.network.weights.sha256 != sha256:
        step = "use the versions of the report" if source in SOURCES else "give the file that has it by --weights"
        accepted = f"sha256 {describe_value(sha256)}"
        raise input_error("weights", "are other ones", ready.network.weights.sha256, accepted, step)
    return ready


def with_weights(
    manifest: Mapping[str, Any], weights: str | None = None, numbers: Sequence[str] | None = None
) -> dict[str, Any]:
    """A manifest of figures that names the file of weights that is to be taken now.

    Parameters
    ----------
    weights : takes the place of every file that the manifest names, but not of imagenet, hed or random.
    numbers : of the figures that are to be drawn; all if None.

    Raises `InputError` for a file that is not at hand and that a figure to be drawn shows, and for `weights` where no
    figure was made from a file.
    """
    found, listed = False, []
    for each in manifest["figures"]:
        source = each.get("source") if isinstance(each, dict) else None
        named = source.get("weights") if isinstance(source, dict) else None
        if isinstance(named, str) and named not in SOURCES:
            found = True
            if weights is not None:
                each = each | {"source": source | {"weights": weights}}
            elif isinstance(each.get("network"), dict) and (numbers is None or each.get("number") in numbers):
                _at_hand(named, each["network"].get("sha256"))
        listed.append(each)
    if weights is not None and not found:
        accepted = "a report made from a file of weights"
        raise input_error("--weights", "is not of these figures", weights, accepted, "leave it out")
    return {**manifest, "figures": listed}


def refuse_own_folder(report: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Raises `InputError` where the folder for outputs is the report's own: its files would be overwritten."""
    folder = validation.path(out, "output folder")
    with suppress(OSError):  # there is no such folder yet, or never can be
        if any(folder.samefile(own) for own in (Path(report).parent, Path(report).resolve().parent)):
            accepted = "a folder other than the report's, whose files it would overwrite"
            raise input_error("output folder", "is the report's own", folder, accepted, "choose another one")


def compare_run(report: Mapping[str, Any], result: Transfer, tolerance: float = TOLERANCE) -> Comparison:
    """Compares a run with the report of another."""
    arrays = outputs(result)
    alike = report.get("machine") == describe_machine() and report.get("versions") == package_versions()
    recorded = {name: entry for name, entry in report["arrays"].items() if isinstance(entry, dict)}
    off = {name: digest.compare(recorded.get(name, {}), array) for name, array in arrays.items()}
    return Comparison(alike, off, tolerance, PICTURES)


def _picture(name: Any, sha256: Any, option: str, given: str | None) -> Any:
    """The file that was given, else the picture that the report names."""
    if given is None and name not in bundled_pictures() and not _is_file(name):
        accepted, step = f"the file of sha256 {describe_value(sha256)}", f"give it by --{option}"
        raise input_error(f"picture {describe_value(name)}", "is not at hand", name, accepted, step)
    return name if given is None else given


def _at_hand(source: Any, sha256: Any) -> None:
    """Refuses a file of weights that is not there; other sources, and what is none, are judged where they are read."""
    if isinstance(source, str) and source not in SOURCES and not _is_file(source):
        accepted, step = f"the file of sha256 {describe_value(sha256)}", "give it by --weights"
        raise input_error("file of weights", "is not at hand", source, accepted, step)


def _is_file(name: Any) -> bool:
    return not isinstance(name, str) or os.path.isfile(name)  # what is no text is judged where it is read


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Writes a comparison as JSON beside the new run's outputs."""
    return write_text(folder / "comparison.json", json.dumps(comparison.describe(), indent=1) + "\n")
