"""The comparison of a run with the report of an earlier one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.atomic_files import write_text
from ..common.machine import describe_machine, package_versions
from ..transfers.run import Transfer
from . import digest
from .report import collect_outputs

TOLERANCE = 1e-3
"""Maximum difference of a downsample, in units of the pixels, where processor, threads or packages differ."""
IMAGES = ("origin", "target", "origin_noisified", "target_noisified", "result")
FILE = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """The differences of a run from its report.

    Parameters
    ----------
    alike : bool
        Whether processor, threads and packages are those of the report. Then the bits should be equal.
    differences : mapping of str to float
        By array; see `digest.compare_array` and `digest.compare_plotted`.
    tolerance : float
        Maximum difference where processor, threads or packages differ.
    decisive : sequence of str
        The arrays whose differences count there.
    """

    alike: bool
    differences: Mapping[str, float]
    tolerance: float
    decisive: Sequence[str]

    @property
    def same(self) -> bool:
        """Whether the bits are equal or, on another machine, the decisive differences are within the tolerance."""
        if self.alike:
            return not any(self.differences.values())
        return all(self.differences[name] <= self.tolerance for name in self.decisive)

    @property
    def largest(self) -> float:
        """The largest difference that counts on this machine."""
        names = self.differences if self.alike else self.decisive
        return max((self.differences[name] for name in names), default=0.0)

    def describe(self) -> dict[str, Any]:
        """Return the content of comparison.json, in types that JSON knows; infinity is None."""
        finite = {name: each if each != float("inf") else None for name, each in self.differences.items()}
        return {"same": self.same, "alike": self.alike, "tolerance": self.tolerance, "off": finite}


def compare_run(report: Mapping[str, Any], result: Transfer, tolerance: float = TOLERANCE) -> Comparison:
    """Compare a finished transfer with a report.

    Parameters
    ----------
    report : mapping
        What `rerun.read_report` returned.
    result : Transfer
        A transfer whose status is "done".
    tolerance : float
        Maximum difference of a downsample on another machine, in units of the pixels.

    Returns
    -------
    Comparison
        The differences of all images and of the style.
    """
    alike = report.get("machine") == describe_machine() and report.get("versions") == package_versions()
    recorded = {name: entry for name, entry in report["arrays"].items() if isinstance(entry, dict)}
    differences = {
        name: digest.compare_array(recorded.get(name, {}), array) for name, array in collect_outputs(result).items()
    }
    return Comparison(alike, differences, tolerance, IMAGES)


def write_comparison(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write comparison.json beside the outputs of a run.

    Parameters
    ----------
    folder : Path
        An existing folder.
    content : mapping
        What `Comparison.describe` returned, or several such by the numbers of their figures.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    return write_text(folder / FILE, json.dumps(content, indent=1) + "\n")
