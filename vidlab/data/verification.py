"""What to know about a dataset before training on it: what is missing, uneven, or doubled."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from vidlab.data.index import VideoIndex

__all__ = ["faults", "findings", "summary", "videos"]

_PROBLEMS = ("unreadable", "missing", "unlisted", "unused")
_HARMLESS = {
    "shorter": "One frame shorter than the header says, and used so",
    "copied": "Byte for byte the same as another",
}
_UNBALANCED = 3  # times as many videos in the largest class as in the smallest
_SHORT = 16  # frames, the shortest clip that 3-D networks are built for


def faults(index: VideoIndex) -> pd.DataFrame:
    """List the videos that cannot be used as they should be: ``path``, ``kind``, ``reason``."""
    wrong = index.report["kind"].isin([*_PROBLEMS, "damaged"])
    return index.report.loc[wrong, ["path", "kind", "reason"]].reset_index(drop=True)


def summary(index: VideoIndex) -> str:
    """Count the videos in a sentence, and say whether all that are listed can be used."""
    kinds, known = index.report["kind"], index.report["path"].isin(index.table["path"])
    counts = {kind: int((kinds == kind).sum()) for kind in _PROBLEMS}
    lost = counts["unreadable"] + counts["missing"]
    verdict = "not complete" if lost else "complete"
    if index.lists:
        beside = int(((kinds == "unlisted") & known).sum())
        counts = {"listed": len(index) + lost - beside, "readable": len(index)} | counts
    else:
        counts = {"readable": len(index)} | counts
        verdict = "there are no official lists to compare with"
    shown = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n or kind == "readable")
    classes = index.table["class_name"].nunique()
    return f"{classes} classes; videos: {shown}: {verdict}"


def videos(index: VideoIndex) -> pd.DataFrame:
    """Give every video and every problem, a row each: the index, with ``kind`` and ``reason``."""
    found = index.report.drop(columns="class_name")
    return index.table.merge(found, on="path", how="outer", sort=False)


def findings(index: VideoIndex) -> Iterator[str]:
    """Say what is no fault of a file and spoils a training: unbalanced classes, copies, sizes."""
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
