"""How long each lesson takes to read: 150 words a minute, and ten lines of code a minute.

    python notebooks/reading_time.py [NN_name ...]        all of them if none is named

All text counts, with formulas, tables, folded boxes and the texts of exercises. Solutions, model answers, lists of
further reading, imports, the marks of cells whose output is checked, and the time for exercises do not.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext

FOLDER = Path(__file__).parent
WORDS, LINES = 150, 10
"""Words of text and lines of code per minute."""
NOT_READ = {"solution", "model-answer"}
SKIPPED = re.compile(r"# NBVAL_|import |from .* import ")
LITERATURE = re.compile(r"^#+ Further reading\n(?:.*\n?)*?(?=^#|\Z)", re.MULTILINE)


def minutes(source: Path) -> float:
    """Return the time that a lesson takes to read, in minutes."""
    words = lines = 0
    for cell in jupytext.read(source, fmt="py:percent").cells:
        if NOT_READ & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "code":
            lines += sum(bool(line.strip()) and not SKIPPED.match(line) for line in cell.source.splitlines())
        else:
            text = re.sub(r"<[^>]*>|\]\([^)]*\)", " ", LITERATURE.sub("", cell.source))  # without tags and addresses
            words += sum(any(map(str.isalnum, word)) for word in re.split(r"[\s|]+", text))
    return words / WORDS + lines / LINES


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("[0-9][0-9]_*.py")):
        if not sys.argv[1:] or path.stem in sys.argv[1:]:
            print(f"{path.stem:24} {minutes(path):3.0f} minutes")
