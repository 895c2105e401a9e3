"""What to know about a dataset before training on it: what is missing, uneven, or doubled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vidlab.data.index import VideoIndex

__all__ = ["Verification", "verify"]

_PROBLEMS = ("unreadable", "missing", "unlisted", "unused")
_HARMLESS = {
    "shorter": "One frame shorter than the header says, and used so",
    "copied": "Byte for byte the same as another",
}
_UNBALANCED = 3  # times as many videos in the largest class as in the smallest
_SHORT = 16  # frames, the shortest clip that 3-D networks are built for


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes
    ----------
    per_class
        Indexed by class: how many videos are ``listed``, ``readable``, ``unreadable``,
        ``missing``, ``unlisted`` and ``unused``.
    videos
        Every video and every problem, a row each: the table of the index, with ``kind`` and
        ``reason`` where something is wrong.
    findings
        Sentences on what is no fault of a file: unbalanced classes, mixed sizes, copies.
    """

    per_class: pd.DataFrame
    videos: pd.DataFrame
    findings: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every listed video is there and readable, and there are lists."""
        totals = self.per_class.sum()
        return bool(totals["listed"] > 0 and totals["unreadable"] + totals["missing"] == 0)

    @property
    def faults(self) -> pd.DataFrame:
        """The videos that cannot be used as they should be: ``path``, ``kind``, ``reason``."""
        wrong = self.videos["kind"].isin([*_PROBLEMS, "damaged"])
        return self.videos.loc[wrong, ["path", "kind", "reason"]].reset_index(drop=True)

    def __str__(self) -> str:
        totals = self.per_class.sum()
        shown = [name for name in totals.index if totals[name] or name == "readable"]
        counts = ", ".join(f"{totals[name]} {name}" for name in shown)
        if totals["listed"] == 0:
            verdict = "there are no official lists to compare with"
        else:
            verdict = "complete" if self.is_complete else "not complete"
        return f"{len(self.per_class)} classes; videos: {counts}: {verdict}"


def verify(index: VideoIndex) -> Verification:
    """Compare the videos of an index with the dataset's lists, and with one another.

    Parameters
    ----------
    index
        Made with ``count=True``, damage in the middle of videos is among what it reports.
    """
    report = index.report
    names = pd.concat([index.table["class_name"], report["class_name"]], ignore_index=True)
    kinds = np.array(["readable"] * len(index) + report["kind"].tolist())
    table = pd.crosstab(names.where(names != "", "(no class)"), kinds)
    table = table.reindex(columns=["readable", *_PROBLEMS], fill_value=0)
    table = table[table.sum(axis=1) > 0]
    listed = table["readable"] + table["unreadable"] + table["missing"] - table["unlisted"]
    table.insert(0, "listed", listed.clip(lower=0) if index.has_official_lists else 0)
    videos = index.table.merge(report.drop(columns="class_name"), on="path", how="left")
    lost = report[~report["path"].isin(index.table["path"])]
    return Verification(
        table.rename_axis("class_name").rename_axis(None, axis=1),
        pd.concat([videos, lost], ignore_index=True),
        tuple(_findings(index)),
    )


def _findings(index: VideoIndex) -> Iterable[str]:
    videos = index.table
    counts = videos["class_name"].value_counts()
    if counts.max() >= _UNBALANCED * counts.min():
        yield (
            f"Unbalanced classes: {counts.max()} videos of {counts.idxmax()}, {counts.min()} of "
            f"{counts.idxmin()}. Read accuracy by class beside the mean."
        )
    groups = videos.groupby("class_name")["group"].nunique()
    if (single := groups[groups == 1].index.tolist()) and index.groups_from:
        yield f"Classes of a single group, which cannot be both trained and tested: {_few(single)}."
    for columns, what in ((["width", "height"], "Picture sizes"), (["fps"], "Frame rates")):
        kinds = videos[columns].round(2).value_counts()
        if len(kinds) > 1:
            shown = [f"{'×'.join(f'{x:g}' for x in kind)} ({n})" for kind, n in kinds.items()]
            yield f"{what} differ: {_few(shown)}."
    short = videos.loc[videos["frames"] < _SHORT, "video_id"].tolist()
    if short:
        yield f"Shorter than {_SHORT} frames, {len(short)} videos: {_few(short)}."
    for kind, what in _HARMLESS.items():
        those = index.report.loc[index.report["kind"] == kind, "path"].tolist()
        if those:
            yield f"{what}, {len(those)} videos: {_few(those)}."


def _few(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
