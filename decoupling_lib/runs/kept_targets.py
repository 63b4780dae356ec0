"""Targets without their style, kept while a sweep runs, so that Step 2 is not repeated for every origin.

With a reference that does not depend on the pair of images, Step 2 is the same for all origins of a target. The first
transfer that takes it keeps its legs, and later ones continue from there as a resumed run would, to the same bits. Two
transfers of one target that run at the same time both take it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..common.errors import InputError
from ..common.machine import describe_machine, package_versions
from ..engine.features import Passes
from ..engine.journal import Arrays, unpack
from ..transfers.references import PAIR_DEPENDENT
from ..transfers.setup import Experiment
from .checkpoint import DiskJournal
from .output_files import KEPT_TARGETS

_CHAPTER = "step2."


class KeptTarget:
    """The journal of a transfer that keeps the finished legs of Step 2, and finds those of an earlier transfer.

    What is found is what was there when the journal was opened.

    Parameters
    ----------
    out : Path
        Output folder of the sweep.
    experiment : Experiment
        The transfer. In a self-transfer, or with a reference that depends on the pair, nothing is kept or found.

    Attributes
    ----------
    reused : Passes
        The passes by which an earlier transfer took what is found.
    """

    def __init__(self, out: Path, experiment: Experiment):
        self._journal: DiskJournal | None = None
        self._found: dict[str, Arrays] = {}
        self.reused = Passes()
        if experiment.self_transfer or experiment.options.reference in PAIR_DEPENDENT:
            return
        key = _digest_step2(experiment)
        folder = out / KEPT_TARGETS / key[:16]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._journal = DiskJournal(folder, key, resume=True)
            kept = {block.name: self._journal.find(_CHAPTER + block.name) for block in experiment.features.blocks}
        except InputError:  # damaged, so it is made again
            self._journal, kept = DiskJournal(folder, key, resume=False), {}
        for layer, arrays in kept.items():
            if arrays is None:  # a later leg does not begin where an earlier one of this transfer would end
                break
            self._found[_CHAPTER + layer] = arrays
            self.reused.add(Passes(**unpack(arrays["leg"])["passes"]))

    def find(self, name: str) -> Arrays | None:
        """Return a finished leg of Step 2 of an earlier transfer, or None; see `engine.journal.Journal.find`."""
        return self._found.get(name)

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keep a finished leg of Step 2; see `engine.journal.Journal.keep`."""
        if self._journal is not None and finished and name.startswith(_CHAPTER):
            self._journal.keep(name, arrays, finished)


def _digest_step2(experiment: Experiment) -> str:
    """Return a digest of all that decides on the bits of Step 2."""
    reference, region = experiment.reference, experiment.masks.region("target")
    parts = {
        "network": experiment.network.describe(),
        "precision": experiment.options.precision,
        "settings": asdict(experiment.settings),
        "method": asdict(experiment.method_settings),
        "damping": [reference.damping.delta, reference.damping.held],
        "smoothing": experiment.options.smoothing,
        "machine": describe_machine(),
        "versions": package_versions(),
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode())
    arrays = [experiment.target.array, reference.values, reference.live, reference.damping.scales]
    for array in arrays if region is None else [*arrays, region.weights]:
        digest.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
