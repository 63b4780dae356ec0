"""What `decoupling transfer` prints at its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def print_summary(report: Mapping[str, Any], folder: Path) -> None:
    """Print how each leg ended, how far the style is from the origin's, and where the outputs are.

    Parameters
    ----------
    report : mapping
        What `runs.report.create_report` returned.
    folder : Path
        The folder of the outputs.
    """
    for stage in report["stages"]:
        print(
            f"Step {stage['step']} {stage['layer']}: relative error {stage['relative_error']:.2e}, "
            f"of held layers {stage['held_relative_error']:.1e}, "
            f"remaining {stage['remaining_fraction']:.3f}, {stage['status']}"
        )
    if report["self_transfer"]:
        psnr = report["self_transfer"]["psnr_db"]
        print("self-transfer: " + (f"PSNR {psnr:.1f} dB" if psnr is not None else "exact"))
    print(f"reference: {report['reference']['kind']}")
    if report["mixture"]:
        print("origin: " + ", ".join(f"{each['share']:.0%} {each['name']}" for each in report["mixture"]))
    _print_style(report["style"], report["strength"])
    for leg in report.get("amplification", {}).get("legs", ()):
        print(
            f"largest growth found of small changes along Step {leg['step']} {leg['layer']}: "
            f"{leg['there']:.2g} there, {leg['back']:.2g} back"
        )
    print(f"outputs in {folder} ({report['wall_seconds']:.0f} s, {report['peak_memory_mib']:,} MiB)")


def _print_style(style: Mapping[str, Any], strength: float) -> None:
    """Print how far each layer is from the style that was asked for, and how far the target was before."""
    wanted = "that of the origin" if strength == 1 else f"the one of strength {strength:g}"
    for layer, gap in style["result"].items():
        before = style["untouched"].get(layer)
        share = f", {gap / before:.0%} of the target's {before:.2%} before the transfer" if before and gap else ""
        recolored = style["before_recoloring"].get(layer)
        change = f"; {recolored:.2%} before recoloring" if recolored is not None else ""
        print(f"style of {layer}: {gap:.2%} from {wanted}{share}{change}")
