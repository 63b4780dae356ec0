"""The report of a run, whose fields other tools read."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from ..common.machine import describe_machine, package_versions
from ..common.memory import MIB, peak_resident_bytes
from ..engine.features import Passes
from ..engine.legs import Leg
from ..images.pictures import out_of_range_fraction
from ..images.quality import max_error, psnr, ssim
from ..transfers.mixtures import own_share
from ..transfers.recoloring import describe_recoloring
from ..transfers.references import PAIR_DEPENDENT
from ..transfers.run import JUDGINGS, Transfer
from ..transfers.setup import Experiment
from . import digest

SCHEMA = 1


def create_report(experiment: Experiment, result: Transfer, wall_seconds: float) -> dict[str, Any]:
    """Return the report of a finished transfer.

    Parameters
    ----------
    experiment : Experiment
        The inputs, with what Step 0 determined.
    result : Transfer
        A transfer whose status is "done".
    wall_seconds : float
        Duration of the run, in seconds.

    Returns
    -------
    dict
        The content of report.json, in types that JSON knows; infinity and NaN are None.
    """
    options, last = experiment.options, result.result
    judging = Passes()
    for name in JUDGINGS:
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
        "stages": [_describe_leg(leg) for leg in result.legs],
        "self_transfer": None,
        "style_relative_error": result.style_relative_error,
        "style": result.style_gaps | {"worst_channel": result.worst_channels},
        "reference": {
            "kind": options.reference,
            "depends_on_pair": options.reference in PAIR_DEPENDENT,
        },
        "strength": options.strength,
        "mixture": _describe_mixture(experiment),
        "masks": {image: mask.describe() for image, mask in experiment.masks.files.items()},
        "recoloring": describe_recoloring(options),
        "out_of_range_fraction": out_of_range_fraction(last),
        "passes": asdict(result.passes),
        "judging_passes": asdict(judging),
        "wall_seconds": round(wall_seconds, 3),
        "peak_memory_mib": round(peak_resident_bytes() / MIB),
        "estimated_memory_mib": experiment.memory_mib,
        "versions": package_versions(),
        "machine": describe_machine(),
        "arrays": {name: digest.describe_array(array) for name, array in collect_outputs(result).items()},
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
    return {name: _replace_not_finite(value) for name, value in report.items()}


def compose_caption(report: dict[str, Any]) -> str:
    """Return the small print of a figure: network, settings and cost.

    Parameters
    ----------
    report : dict
        What `create_report` returned.

    Returns
    -------
    str
        Text of one line.
    """
    network, options = report["network"], report["options"]
    worst = max((entry["relative_difference"] for entry in network["fidelity"].values()), default=0.0)
    parts = [
        f"{report['method']}, {network['architecture']} {network['weights']} ({network['sha256'][:8]}), "
        f"{', '.join(network['layers'])}",
        f"{network['activation']}, {network['pooling']} pooling, softness {network['softness']:g}, "
        f"reference {report['reference']['kind']}, damping {report['damping']:g}, "
        f"within {worst:.1%} of the ReLU/max network",
        f"{report['size'][1]}x{report['size'][0]} px, seed {report['seed']}, "
        f"{sum(report['passes'].values()):,} passes, {report['wall_seconds']:.0f} s",
    ]
    if report["method"] in ("descent", "projected", "direct"):
        parts.append(f"at most {options['iterations']} iterations per leg")
    if options.get("smoothing"):  # reports of earlier versions have none
        parts.append(f"gradients smoothed over {options['smoothing']:g} px")
    if report["mixture"]:
        parts.append("style of " + " + ".join(f"{each['share']:.0%} {each['name']}" for each in report["mixture"]))
    if report["strength"] != 1:
        parts.append(f"strength {report['strength']:g}")
    parts += [f"{image} within {mask['name']} ({mask['share']:.0%})" for image, mask in report["masks"].items()]
    if report["recoloring"]:
        parts.append(f"{report['recoloring']['luminance']}'s luminance, {report['recoloring']['chrominance']}'s colors")
    if report["self_transfer"]:
        psnr = report["self_transfer"]["psnr_db"]
        exact = report["self_transfer"]["max_error"] == 0  # then the PSNR is infinite, which JSON does not know
        parts.append("self-transfer exact" if exact else f"self-transfer {psnr:.1f} dB")
    return "; ".join(parts)


def collect_outputs(result: Transfer) -> dict[str, np.ndarray]:
    """Return the images of a finished transfer and the style of the origin.

    Parameters
    ----------
    result : Transfer
        A transfer whose status is "done".

    Returns
    -------
    dict of str to ndarray
        By their names in arrays.npz: images (H, W, 3), unclipped, and "style" (n,), that of the origin. If another
        style was asked for, or the end of Step 3 was recolored, they are there too.
    """
    step1, step2, step3 = (result.routes[name].x for name in ("step1", "step2", "step3"))
    style = result.style
    assert style is not None  # a finished transfer has taken Step 1
    arrays = {
        "origin": result.origin,
        "target": result.target,
        "origin_noisified": step1,
        "target_noisified": step2,
        "result": result.result,
        "style": style,
    }
    if result.strength != 1:
        assert result.wanted is not None
        arrays["style_wanted"] = result.wanted
    return arrays if result.recolored is None else arrays | {"result_before_recoloring": step3}


def _describe_mixture(experiment: Experiment) -> list[dict[str, Any]]:
    """Return the origins of a mixture with their shares, the first origin first; empty for a single origin."""
    if not experiment.others:
        return []
    origins, shares = (experiment.origin, *experiment.others), (own_share(experiment.shares), *experiment.shares)
    return [
        {"name": origin.name, "sha256": origin.sha256, "share": share}
        for origin, share in zip(origins, shares, strict=True)
    ]


def _describe_leg(leg: Leg) -> dict[str, Any]:
    """Return an entry of `stages`: the fields of a leg without its curve, and its step as a plain number."""
    stage = asdict(leg) | {"step": int(leg.step)}
    del stage["curve"]
    return stage


def _replace_not_finite(value: Any) -> Any:
    """Return a value in which every infinity and NaN, which JSON does not know, is replaced by None."""
    if isinstance(value, dict):
        return {key: _replace_not_finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_not_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
