"""What is known of a video beyond its label: its twin, and the boxes of its evidence.

Takes the table of an index and the annotations of `dataset`; gives small tables to notebooks.
Videos of other datasets have no twins and no boxes: the tables are then empty.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vidlab.pantomime.actions import REVERSED_PAIRS
from vidlab.pantomime.dataset import annotations

__all__ = ["boxes_of", "twins"]

_BOXES = ["video_id", "frame", "part", "x0", "y0", "x1", "y1"]


def twins(table: pd.DataFrame) -> pd.DataFrame:
    """Pair each video of a reversed pair with the video that shows its frames in reverse.

    Parameters
    ----------
    table
        The table of a `VideoIndex`.

    Returns
    -------
    pandas.DataFrame
        A row for each two twins: class_name, group, clip, twin_class, frames, fps, video_id,
        path, twin_id, twin_path. No rows where the dataset has no such classes.

    Examples
    --------
    >>> names = ["video_id", "class_name", "group", "clip", "frames", "fps", "path"]
    >>> rows = [("a", "OpenDoor", "g01", 1, 30, 25.0, "a.avi"),
    ...         ("b", "CloseDoor", "g01", 1, 30, 25.0, "b.avi")]
    >>> twins(pd.DataFrame(rows, columns=names))[["video_id", "twin_id"]].values.tolist()
    [['a', 'b']]
    """
    pairs = pd.DataFrame(REVERSED_PAIRS, columns=["class_name", "twin_class"])
    others = table[["class_name", "group", "clip", "video_id", "path"]].set_axis(
        ["twin_class", "group", "clip", "twin_id", "twin_path"], axis=1
    )
    known = ["class_name", "group", "clip", "frames", "fps", "video_id", "path"]
    both = table[known].merge(pairs, on="class_name").merge(others)
    return both[[*known[:3], "twin_class", *known[3:], "twin_id", "twin_path"]]


def boxes_of(video_id: str, *, root: str | Path) -> pd.DataFrame:
    """Look up the boxes of the evidence in one video.

    Parameters
    ----------
    video_id
        As in the table of an index.
    root
        The dataset's folder, ``index.root``.

    Returns
    -------
    pandas.DataFrame
        As `annotations`, for this video alone; empty for a dataset without annotations.
    """
    if not (Path(root) / "annotations.parquet").exists():
        return pd.DataFrame(columns=_BOXES)
    boxes = annotations(root)
    return boxes[boxes["video_id"] == video_id].reset_index(drop=True)
