"""What a student sees: a few words in plain text, and the same in a simple box in Jupyter."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["right", "wrong", "recorded", "unanswered", "note"]
_HEADS: dict[Status, str] = {
    "right": "right",
    "wrong": "not right yet",
    "recorded": "recorded",
    "unanswered": "not answered yet",
    "note": "",
}
_EDGES: dict[Status, str] = {
    "right": "4px solid #2b8fd0",
    "wrong": "4px dashed #b04a00",
    "recorded": "4px solid #2b8fd0",
    "unanswered": "4px dotted #888888",
    "note": "4px dotted #888888",
}
"""The edges differ in color and in line, and the words say the same, so that color is not needed."""


@dataclass(frozen=True, repr=False)
class Feedback:
    """A message about an exercise, or about all of them.

    Parameters
    ----------
    subject : str
        What it is about, such as "Exercise 1.1".
    status : {"right", "wrong", "recorded", "unanswered", "note"}
        How the answer was judged; "note" is no judgment.
    message : str
        Plain text.
    """

    subject: str
    status: Status
    message: str

    @property
    def head(self) -> str:
        """The subject and the judgment, such as "Exercise 1.1: right."."""
        words = _HEADS[self.status]
        return f"{self.subject}: {words}." if words else f"{self.subject}:"

    def __repr__(self) -> str:
        return f"{self.head} {self.message}".strip()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Return the message for Jupyter; text and background keep the colors of the page, light or dark."""
        style = f"border-left: {_EDGES[self.status]}; padding: 0.3em 0.8em; margin: 0.3em 0; max-width: 60em;"
        message = re.sub(r"\bdl\.hint\(&quot;[\d.]+&quot;\)", r"<code>\g<0></code>", html.escape(self.message))
        body = f"<strong>{html.escape(self.head)}</strong> {message}"
        return {"text/plain": repr(self), "text/html": f'<div role="status" style="{style}">{body}</div>'}
