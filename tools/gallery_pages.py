"""Write what docs/gallery.md and docs/figures.md include: transfers with their settings, and the thesis's figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from decoupling_lib.runs.report_words import describe_settings


def transfers(figures: Path) -> str:
    """Return every picture in a folder that has the report of a transfer beside it, with the transfer's settings."""
    reports = {path: json.loads(path.read_text("utf-8")) for path in sorted(figures.glob("*.json"))}
    found = {path: each for path, each in reports.items() if each.get("command") == "transfer"}
    if not found:
        raise ValueError(f"no report of a transfer in {figures}")
    return "\n".join(line for path, each in found.items() for line in _transfer(path, each))


def _transfer(path: Path, report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one transfer: title, picture, what was left of the style gap, settings, how to repeat it."""
    origin, target = (report["inputs"][k]["name"] for k in (0, -1))
    height, width = report["size"]
    title = f"{target}, and back" if report["self_transfer"] else f"{target} in the style of {origin}"
    alt = f"Panels: origin {origin}, target {target}, the result, and the images without their style"
    yield from (f"## {title}", "", f"![{alt}](../figures/{path.with_suffix('.png').name})", "")
    yield f"{width} × {height} pixels; {sum(report['passes'].values()):,} network passes in {_time(report)}."
    if report["self_transfer"]:
        yield f"The result differs from the original by {report['self_transfer']['psnr_db']:.0f} dB (PSNR)."
    else:
        left = {name: value / report["style"]["untouched"][name] for name, value in report["style"]["result"].items()}
        told = ", ".join(f"{share:.0%} in `{name}`" for name, share in left.items())
        yield f"What is left of the distance in style between target and origin: {told}."
    yield from ("", "| setting | value |", "|---|---|")
    yield from (f"| {what} | {words} |" for what, words in describe_settings(report))
    yield from ("", f"To compute it again: `decoupling rerun figures/{path.name} --out out/again`", "")


def _time(report: Mapping[str, Any]) -> str:
    """Return how long a transfer took, and on how many threads."""
    seconds, threads = report["wall_seconds"], report["machine"]["threads"]
    return f"{seconds / 60:.0f} minutes with {threads} threads" if seconds > 90 else f"{seconds:.0f} s"


def thesis_figures(figures: Path) -> str:
    """Return the folder's page of the thesis's figures, with alternative texts that say what each shows."""
    text = (figures / "README.md").read_text("utf-8")
    titles = dict(re.findall(r"^## (\S+) (.+)$", text, re.MULTILINE))
    return re.sub(
        r"!\[Figure (\S+)\]\((\S+)\)",
        lambda found: f"![Figure {found[1]}: {titles[found[1]]}](../figures/{found[2]})",
        text,
    )
