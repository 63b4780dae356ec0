"""Build the book (`make book`): collect its sources in a working folder, and run Sphinx on them.

    python tools/book.py [--out out/book] [--work out/book-work]

Sphinx reads only what lies below one folder, and the book also has lessons, figures and generated pages. They are
collected outside docs/, so that a build writes nothing into the sources. Files that have not changed are left alone,
so that a second build reads only what has.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import gallery_pages
import nbformat
import reference_pages
from lesson_pages import lesson_page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NEIGHBORS = ("figures", "benchmarks", "CHANGELOG.md", "CONTRIBUTING.md")
"""What pages of docs/ include or show from beside docs/."""
LESSONS = "[0-9][0-9]_*.ipynb"


def sources() -> dict[str, str]:
    """Return the text of each page of the book, by its path below docs/."""
    pages = {path.name: path.read_text("utf-8") for path in DOCS.glob("*.md")}
    notebooks = {path: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob(LESSONS))}
    pages |= {f"lessons/{path.name}": nbformat.writes(lesson_page(each)) for path, each in notebooks.items()}
    pages["generated/lessons.md"] = "\n".join(
        f"- [{each.cells[0].source.splitlines()[0].lstrip('# ')}](lessons/{path.name})"
        for path, each in notebooks.items()
    )
    pages |= {f"reference/{name}": text for name, text in reference_pages.reference_pages().items()}
    pages["generated/public.md"] = "\n".join(reference_pages.public_face())
    pages["generated/transfers.md"] = gallery_pages.transfers(ROOT / "figures")
    pages["generated/figures.md"] = gallery_pages.thesis_figures(ROOT / "figures")
    return pages


def collect(pages: Mapping[str, str], folder: Path) -> None:
    """Make a folder hold exactly these pages; unchanged ones keep their time, so Sphinx does not read them again."""
    for name, text in pages.items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, encoding="utf-8")
    for path in folder.rglob("*.*"):
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()


def build(out: Path, work: Path) -> int:
    """Build the book into a folder, and return Sphinx's exit code; every warning is an error."""
    collect(sources(), work / "docs")
    for name in NEIGHBORS:
        if not (work / name).exists():
            (work / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-c", str(DOCS)]
    # Without bytecode: it would be written beside conf.py.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*command, "-d", str(work / "trees"), str(work / "docs"), str(out)], env=environment
    ).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "book")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "book-work")
    options = parser.parse_args()
    sys.exit(build(options.out, options.work))
