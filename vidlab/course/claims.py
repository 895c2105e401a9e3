"""What a notebook says of a run, checked in that run: sentences as data, shown as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

__all__ = ["MIME_TYPE", "Claim", "Claims", "counted", "found_in"]

MIME_TYPE = "application/vnd.vidlab.claims+json"
"""Under which an executed notebook holds its claims as data."""


_MARKS = {True: "✓", False: "✗", None: "not tested here"}


@dataclass(frozen=True)
class Claim:
    """One sentence about a run.

    Attributes
    ----------
    sentence : str
        A full sentence about the run.
    holds : bool or None
        Whether it is so in this run; None where it was not tested.
    measured : str
        The numbers of this run that decide.
    published : str or None
        The numbers of the literature, with their source.
    """

    sentence: str
    holds: bool | None
    measured: str
    published: str | None = None

    @property
    def mark(self) -> str:
        """A tick or a cross, or words where it was not tested."""
        return _MARKS[self.holds]


class Claims:
    """The claims of one notebook, by their sentences; as a cell's last line, a table.

    Parameters
    ----------
    tested
        Whether claims are tested in this run at all.
    """

    def __init__(self, *, tested: bool = True):
        self._tested = tested
        self._by_sentence: dict[str, Claim] = {}

    def __iter__(self):
        return iter(self._by_sentence.values())

    def __len__(self) -> int:
        return len(self._by_sentence)

    def add(
        self, sentence: str, *, holds: bool | None, measured: str, published: str | None = None
    ) -> None:
        """Record what a notebook says of this run, and whether it is so.

        A claim that does not hold ends nothing, but it stands first in the run's report.

        Parameters
        ----------
        sentence
            About the run. The same sentence again replaces the earlier claim.
        holds
            Whether it is so in this run; None where this run cannot tell.
        measured
            The numbers of this run that decide, such as ``"81.0% against 75.0%"``.
        published
            Those of the literature, such as ``"71.1% against 68.2% (Newman 2020)"``.
        """
        known = bool(holds) if self._tested and holds is not None else None
        self._by_sentence[sentence] = Claim(sentence, known, measured, published)

    def __repr__(self) -> str:
        lines = (f"{one.mark}  {one.sentence}: {one.measured}" for one in self)
        return "\n".join([f"claims: {counted(self)}", *lines])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        rows = [(one.mark, one.sentence, one.measured, one.published or "–") for one in self]
        columns = ["", "claim", "measured here", "published for UCF-101"]
        table = pd.DataFrame(rows, columns=columns).style.hide(axis="index").format(escape="html")
        left = [("text-align", "left"), ("white-space", "normal")]
        table = table.set_table_styles([{"selector": "td, th", "props": left}])
        return {
            "text/plain": repr(self),
            "text/html": f"<p>claims: {counted(self)}</p>{table.to_html()}",
            MIME_TYPE: [asdict(claim) for claim in self],
        }


def counted(claims: Iterable[Claim]) -> str:
    """Count claims, such as ``"31 ✓, 1 ✗, 2 not tested here"``."""
    marks = [claim.mark for claim in claims]
    return ", ".join(f"{marks.count(mark)} {mark}" for mark in _MARKS.values())


def found_in(notebook: Path) -> tuple[Claim, ...]:
    """Return the claims that an executed notebook shows, as it shows them last."""
    shown = [
        output["data"][MIME_TYPE]
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if MIME_TYPE in output.get("data", {})
    ]
    return tuple(Claim(**claim) for claim in shown[-1]) if shown else ()
