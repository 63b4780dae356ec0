"""Build the book as `make book` does."""

import subprocess
import sys
from pathlib import Path

from paths import ROOT
from patience import HANG


def build_book(folder: Path, root: Path = ROOT, **options) -> Path:
    """Build the book of a copy of the repository into a folder, and return where its pages are."""
    command = [sys.executable, str(root / "tools" / "book.py"), "--out", str(folder / "html"), "--work"]
    done = subprocess.run([*command, str(folder / "work")], capture_output=True, text=True, timeout=HANG, **options)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "html"
