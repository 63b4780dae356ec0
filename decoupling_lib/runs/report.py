"""A run's outputs: pictures, arrays, and the report whose fields other tools read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..common.atomic_files import atomic_write, write_text
from ..common.machine import describe_machine, package_versions
from ..engine.features import Passes
from ..engine.legs import Leg
from ..images.pictures import out_of_range_fraction, save_png
from ..images.quality import max_error, psnr, ssim
from ..plotting import transfers
from ..plotting.style import save_figure
from ..transfers import memory
from ..transfers.run import Transfer
from ..transfers.setup import Experiment
from . import digest

SCHEMA = 1


def describe(experiment: Experiment, result: Transfer, wall_seconds: float) -> dict[str, Any]:
    """The report of a finished transfer, in types that JSON knows; infinities and NaN are null."""
    options, last = experiment.options, result.routes["step3"].x
    judging = Passes()
    for name in ("origin_style", "result_style"):
        for leg in result.routes[name].legs if name in result.routes else ():
            judging.add(leg.passes)
    report = {
        "schema": SCHEMA,
        "command": "transfer",
        "method": options.method,
        "seed": options.seed,
        "size": list(result.target.shape[:2]),
        "network": experiment.network.describe() | {"fidelity": experiment.fidelity},
        "damping": options.damping,
        "stages": [_stage(leg) for leg in result.legs],
        "self_transfer": None,
        "style_relative_error": result.style_relative_error,
        "out_of_range_fraction": out_of_range_fraction(last),
        "passes": asdict(result.passes),
        "judging_passes": asdict(judging),
        "wall_seconds": round(wall_seconds, 3),
        "peak_memory_mib": round(memory.peak_resident() / memory.MIB),
        "estimated_memory_mib": experiment.memory_mib,
        "versions": package_versions(),
        "machine": describe_machine(),
        "arrays": {name: digest.describe(array) for name, array in outputs(result).items()},
        "inputs": [{"name": p.name, "sha256": p.sha256} for p in (experiment.origin, experiment.target)],
        "settings": asdict(experiment.settings),
        "options": asdict(options),
        "dead_channels": {
            name: np.flatnonzero(~experiment.reference.live[at]).tolist() for name, at in result.layers.items()
        },
    }
    if experiment.self_transfer:
        report["self_transfer"] = {
            "psnr_db": psnr(last, result.origin),
            "ssim": ssim(last, result.origin),
            "max_error": max_error(last, result.origin),
        }
    return _finite(report)


def caption(report: dict[str, Any]) -> str:
    """The small print of a picture: network and settings."""
    network, options = report["network"], report["options"]
    worst = max((entry["relative_difference"] for entry in network["fidelity"].values()), default=0.0)
    parts = [
        f"{report['method']}, {network['architecture']} {network['weights']} ({network['sha256'][:8]}), "
        f"{', '.join(network['layers'])}",
        f"{network['activation']}, {network['pooling']} pooling, softness {network['softness']:g}, "
        f"damping {report['damping']:g}, within {worst:.1%} of the ReLU/max network",
        f"{report['size'][1]}x{report['size'][0]} px, seed {report['seed']}, "
        f"{sum(report['passes'].values()):,} passes, {report['wall_seconds']:.0f} s",
    ]
    if report["method"] in ("descent", "projected", "direct"):
        parts.append(f"at most {options['iterations']} iterations a leg")
    if report["self_transfer"]:
        psnr = report["self_transfer"]["psnr_db"]
        exact = report["self_transfer"]["max_error"] == 0  # then the PSNR is infinite, which JSON does not know
        parts.append("self-transfer exact" if exact else f"self-transfer {psnr:.1f} dB")
    return "; ".join(parts)


def outputs(result: Transfer) -> dict[str, np.ndarray]:
    """The pictures of a finished transfer and the origin's style, by their names in arrays.npz."""
    one, two, three = (result.routes[name].x for name in ("step1", "step2", "step3"))
    return {
        "origin": result.origin,
        "target": result.target,
        "origin_noisified": one,
        "target_noisified": two,
        "result": three,
        "style": result.style,
    }


def write(folder: Path, experiment: Experiment, result: Transfer, report: dict[str, Any]) -> None:
    """Writes all outputs, each whole or not at all, report.json last."""
    made = outputs(result)
    (folder / "report.json").unlink(missing_ok=True)  # an earlier run's would tell of other pictures
    for name, array in made.items():
        if array.ndim == 3:
            save_png(folder / f"{name}.png", array)
    small_print = caption(report)
    save_figure(transfers.draw_panel(result, small_print, report["self_transfer"]), folder / "panel.png")
    save_figure(transfers.draw_losses(result, small_print), folder / "losses.png")
    reference = experiment.reference
    arrays = made | {
        "reference": reference.values,
        "live": reference.live,
        "damping_scales": reference.damping.scales,
    }
    with atomic_write(folder / "arrays.npz") as sibling, open(sibling, "wb") as file:
        np.savez(file, **arrays)
    write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")


def _stage(leg: Leg) -> dict[str, Any]:
    stage = asdict(leg)
    del stage["curve"]
    return stage


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
