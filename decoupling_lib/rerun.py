"""Makes a run again from its report alone, and says whether it is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from . import checks, digest, files
from .experiment import Inputs, gather
from .options import Options
from .report import outputs, versions
from .transfer import Transfer

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

    Raises `InputError` for a file that is missing, too large, no JSON, nested too deeply, or neither of them.
    """
    file = checks.regular_file(path, "report", accepted=_ACCEPTED)
    if file.stat().st_size > MAX_BYTES:
        raise checks.problem("report", "is too large", file, f"at most {MAX_BYTES // 2**20} MiB", "give another")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise checks.problem("report", "is no JSON that can be read", file, _ACCEPTED, "give another") from None
    except OSError as error:
        raise checks.os_problem(error, "report", file, _ACCEPTED) from None
    command = found.get("command") if isinstance(found, dict) else None
    for name, kind in _FIELDS[checks.choice(command, _FIELDS, "command of the report")].items():
        if not isinstance(found.get(name), kind):
            raise checks.problem("report", f"lacks {name}", file, _ACCEPTED, "make it with this version of the kit")
    return found


def inputs(report: Mapping[str, Any], origin: str | None = None, target: str | None = None) -> Inputs:
    """What the run started from.

    Parameters
    ----------
    origin, target : files of the pictures, where they are not bundled ones; their sha256 is compared.

    Raises `InputError` as `experiment.gather` does, and for other pictures or weights than those of the report.
    """
    known = {field.name for field in fields(Options)}
    given = {name: value for name, value in report["options"].items() if name in known}
    if isinstance(given.get("size"), list):
        given["size"] = tuple(given["size"])
    # The report's own network: the best at hand may be another one by now.
    given |= {"network": report["network"].get("architecture"), "weights": report["network"].get("weights")}
    try:
        first, second = ((entry["name"], entry["sha256"]) for entry in report["inputs"])
        ready = gather(origin or first[0], target or second[0], Options(**given))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, checks.InputError):
            raise
        raise checks.problem("report", "is damaged", str(error), _ACCEPTED, "give another") from None
    for picture, (name, sha256), option in zip((ready.origin, ready.target), (first, second), PICTURES, strict=False):
        if picture.sha256 != sha256:
            step = f"give the file by --{option}"
            name, accepted = checks.shown(name), f"sha256 {checks.shown(sha256)}"
            raise checks.problem(f"picture {name}", "is another one", picture.sha256, accepted, step)
    if ready.network.weights.sha256 != report["network"].get("sha256"):
        accepted = f"sha256 {checks.shown(report['network'].get('sha256'))}"
        raise checks.problem("weights", "are other ones", ready.network.weights.sha256, accepted, "find these")
    return ready


def compare(report: Mapping[str, Any], result: Transfer, tolerance: float = TOLERANCE) -> Comparison:
    """Compares a run with the report of another."""
    arrays = outputs(result)
    alike = report.get("machine") == digest.machine() and report.get("versions") == versions()
    recorded = {name: entry for name, entry in report["arrays"].items() if isinstance(entry, dict)}
    off = {name: digest.compare(recorded.get(name, {}), array) for name, array in arrays.items()}
    return Comparison(alike, off, tolerance, PICTURES)


def written(folder: Path, comparison: Comparison) -> Path:
    """Writes a comparison as JSON beside the new run's outputs."""
    return files.write_text(folder / "comparison.json", json.dumps(comparison.describe(), indent=1) + "\n")
