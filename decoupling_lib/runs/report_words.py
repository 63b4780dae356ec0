"""The report of a transfer in plain words: what was set, and what each number means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .output_files import ARRAYS

METHODS = {
    "decoupled": "Decoupled: each layer moves by the smallest change of the image that moves its channel means "
    "straight to their aim, while the layers below are held.",
    "projected": "Projected: each layer's loss is descended along directions that leave the layers below unchanged.",
    "descent": "Descent: the annex of the thesis; the losses of all layers so far are summed and descended.",
    "direct": "Direct: the channel means of all layers move at once, without decoupling.",
}
"""What each method does, by its name."""
REFERENCES = {
    "noise": "Noise: the channel means of uniform noise.",
    "natural": "Natural noise: the channel means of noise whose amplitudes fall with frequency, as in photographs.",
    "photographs": "Photographs: the mean channel means of the bundled photographs.",
    "midpoint": "Midpoint: halfway between the channel means of the two images.",
    "target": "Target: the channel means of the target itself, so Step 2 has nothing to do.",
}
"""What each reference is, by its name."""
STATUSES = {
    "reached": "reached its aim",
    "damped_end": "ended as near as damping allows",
    "max_steps": "took all its steps",
    "done": "done",
}
"""How a leg ended, by its status."""
_METRIC = (
    "Changes of the image also count by how they differ between neighboring pixels, over {:g} pixels; so ripples cost "
    "more than changes of brightness."
)


def describe_settings(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what was set, in plain words.

    Parameters
    ----------
    report : mapping
        What `report.create_report` returned, or was read from report.json.

    Returns
    -------
    list of tuple of str
        Pairs (what, sentences).
    """
    options, settings, network = report["options"], report["settings"], report["network"]
    method, kind, (height, width) = report["method"], report["reference"]["kind"], report["size"]
    count = len(network["layers"])
    softened = network["activation"] != "relu" or network["pooling"] != "max"
    soft = f", with a softness of {network['softness']:g} of each layer's mean activation" if softened else ""
    told = [
        ("Method", METHODS.get(method, method)),
        ("Reference", REFERENCES.get(kind, kind)),
        ("Style layers", f"{count}: {', '.join(network['layers'])}."),
        ("Size of the target", f"{width} × {height} pixels."),
        ("Activation and pooling", f"{network['activation']} and {network['pooling']} pooling{soft}."),
    ]
    if method == "decoupled":
        rule = f"The {settings['rule']} rule, at most {settings['steps']} steps per leg"
        damping = f"{report['damping']:g} of each layer's mean squared gradient: weaker channels hardly move."
        most, smoothing = settings["refinements"], options.get("smoothing")  # reports of earlier versions have none
        told += [
            ("Steps", f"{rule}, with a tolerance of {settings['tolerance']:g}."),
            ("Damping", damping if report["damping"] else "None: legs end on the reference."),
            ("Metric", _METRIC.format(smoothing) if smoothing else "Pixel by pixel."),
            ("Refinement after Step 3", f"At most {most} steps." if most else "None."),
        ]
    else:
        told.append(("Iterations", f"At most {options['iterations']:,} per leg."))
    if mixture := report["mixture"]:
        told.append(("Origins", ", ".join(f"{format_share(own['share'])} {own['name']}" for own in mixture) + "."))
    if (strength := report["strength"]) != 1:
        told.append(("Strength", f"{strength:g}, where 0 is the target's own style and 1 that of the origin."))
    for image, mask in report["masks"].items():
        told.append((f"Mask of the {image}", f"{mask['name']}, which selects {format_share(mask['share'])} of it."))
    if colors := report["recoloring"]:
        told.append(("Colors", f"Luminance of the {colors['luminance']}, chrominance of the {colors['chrominance']}."))
    told += [("Precision", f"{options['precision']}."), ("Seed", f"{report['seed']}.")]
    return told


def name_style(report: Mapping[str, Any]) -> str:
    """Return the names of the images that give the style.

    Parameters
    ----------
    report : mapping
        As in `describe_settings`.

    Returns
    -------
    str
        One name, or those of a mixture.

    Examples
    --------
    >>> name_style({"mixture": [{"name": "coffee", "share": 0.5}, {"name": "grass", "share": 0.5}]})
    'coffee and grass'
    """
    names = [each["name"] for each in report["mixture"]] or [report["inputs"][0]["name"]]
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else str(names[0])


def describe_numbers(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the numbers of the whole run with what they mean.

    Parameters
    ----------
    report : mapping
        As in `describe_settings`.

    Returns
    -------
    list of tuple of str
        Pairs (what, sentences).
    """
    told = []
    if report["self_transfer"] is not None:
        told.append(("The way back", _describe_way_back(report["self_transfer"])))
    clipped, stored = report["out_of_range_fraction"], f"result.png shows them clipped, {ARRAYS} has them as they are"
    passes, judging = sum(report["passes"].values()), sum(report["judging_passes"].values())
    spent = f"{passes:,} network passes for Steps 1 to 3, and {judging:,} to judge the result"
    told += [
        (
            "Clipped",
            f"{format_share(clipped)} of the result's values lie beyond black or white; {stored}."
            if clipped
            else "None of the result's values lies beyond black or white.",
        ),
        ("Cost", f"{spent}. A pass evaluates the network once, or its derivative in one direction."),
        ("Time and memory", f"{report['wall_seconds']:,.0f} seconds, and at most {report['peak_memory_mib']:,} MiB."),
    ]
    return told


def _describe_way_back(quality: Mapping[str, float | None]) -> str:
    psnr, ssim = quality["psnr_db"], quality["ssim"]
    if quality["max_error"] == 0:
        return "The self-transfer returned to the image it started from, exactly."
    if psnr is None:
        return "The distance of the self-transfer from the image it started from is not known."
    away = f"{10 ** (-psnr / 20):.2g} of the range from black to white"
    similar = "" if ssim is None else f" The structural similarity (SSIM) is {ssim:.4f}, where 1 means equal."
    how = f"a PSNR of {psnr:.1f} dB: values differ by {away} (root mean square)"
    return f"The self-transfer returned to the image it started from with {how}.{similar}"


def style_rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return what is left of the way to the style of the origin, by layer.

    Parameters
    ----------
    report : mapping
        As in `describe_settings`.

    Returns
    -------
    list of tuple of str
        Per layer its name, the gap before and after the transfer, the share that is left, the gap of the saved 8-bit
        image, and the share that is left in the worst channel; a dash for what was not measured or means nothing.
    """
    style, rows = report["style"], []
    for layer, after in style["result"].items():
        before, saved, worst = (style[name].get(layer) for name in ("untouched", "saved", "worst_channel"))
        left = after / before if before and after is not None else None
        rows.append((layer, *map(format_share, (before, after, left, saved, worst if before else None))))
    return rows


def format_share(value: float | None) -> str:
    """Return a share in percent with two digits or more, down to 0.001%, or a dash if it is not known.

    Parameters
    ----------
    value : float or None
        At least 0.

    Returns
    -------
    str
        For example "2.7%".

    Examples
    --------
    >>> [format_share(value) for value in (0.0, 1e-7, 0.00012, 0.0273, 0.24, 4.75, None)]
    ['0%', '<0.001%', '0.012%', '2.7%', '24%', '475%', '–']
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0%"
    percent = 100 * value
    if percent < 0.001:
        return "<0.001%"
    digits = max(0, 1 - math.floor(math.log10(percent)))
    return f"{percent:,.{digits}f}%"
