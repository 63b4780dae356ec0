"""Finished steps of a run, kept beside its outputs so that a broken run can go on with `--resume`."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from . import checks
from .experiment import Experiment
from .features import Passes
from .legs import Leg
from .normalization import Path as Walk

FOLDER = "unfinished"
STEPS = ("step1", "step2", "step3", "origin_style", "result_style")


def fingerprint(experiment: Experiment) -> str:
    """What must be equal for finished steps to be of use: pictures, network and options."""
    parts: dict[str, Any] = {
        "options": asdict(experiment.options),
        "network": experiment.network.describe(),
        "inputs": [hashlib.sha256(p.array.tobytes()).hexdigest() for p in (experiment.origin, experiment.target)],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def save(folder: Path, key: str, name: str, walk: Walk) -> None:
    """Keeps one finished path; it appears whole or not at all."""
    kept = folder / FOLDER
    kept.mkdir(exist_ok=True)
    text = json.dumps({"key": key, "status": walk.status, "legs": [asdict(leg) for leg in walk.legs]})
    temporary = kept / f".{name}.part"
    with open(temporary, "wb") as file:
        np.savez(file, x=walk.x, style=walk.style, text=np.frombuffer(text.encode(), dtype=np.uint8))
    os.replace(temporary, kept / f"{name}.npz")


def load(folder: Path, key: str) -> dict[str, Walk]:
    """The finished paths by name; `InputError` if they belong to another run or are damaged."""
    walks = {}
    for file in (folder / FOLDER / f"{name}.npz" for name in STEPS):
        if not file.exists():
            continue
        try:
            with open(file, "rb") as raw, np.load(raw, allow_pickle=False) as data:
                text = json.loads(data["text"].tobytes().decode())
                walk = Walk(data["x"], data["style"], tuple(_leg(leg) for leg in text["legs"]), text["status"])
        except Exception as error:  # noqa: BLE001 - whatever a damaged archive raises
            raise checks.problem(
                "kept step", "is damaged", str(file), "a file that this command wrote", "run without --resume"
            ) from error
        if text["key"] != key:
            raise checks.problem(
                "kept step",
                "belongs to other settings or pictures",
                str(file),
                "the same command",
                "run without --resume",
            )
        walks[file.stem] = walk
    return walks


def clear(folder: Path) -> None:
    """Forgets the finished steps."""
    kept = folder / FOLDER
    for name in STEPS:
        for file in (kept / f"{name}.npz", kept / f".{name}.part"):
            file.unlink(missing_ok=True)
    if kept.is_dir() and not any(kept.iterdir()):  # a folder of this name may hold somebody's own files
        kept.rmdir()


def _leg(entry: dict[str, Any]) -> Leg:
    curve = tuple((int(passes), float(error)) for passes, error in entry["curve"])
    return Leg(**entry | {"passes": Passes(**entry["passes"]), "curve": curve})
