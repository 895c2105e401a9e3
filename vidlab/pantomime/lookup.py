"""What is known of a video beyond its label: its twin, the boxes of its evidence, its outlines."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from vidlab.errors import DatasetError
from vidlab.pantomime.actions import CLASSES, REVERSED_PAIRS
from vidlab.pantomime.dataset import BOXES, VERSION, read_note
from vidlab.pantomime.rendering import Shot

__all__ = ["boxes_of", "outlines_of", "shot_of", "twins"]

_NAME = re.compile(r"v_(\w+)_g(\d+)_c(\d+)")


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
    pairs = pd.DataFrame(map(tuple, REVERSED_PAIRS), columns=["class_name", "twin_class"])
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
        video_id, frame (int32), part ("person", "object" or "limb"), x0, y0, x1, y1 (float32,
        pixels of the 320 × 240 frame); empty for a dataset without annotations.
    """
    file = Path(root).absolute() / "annotations.parquet"
    if not file.exists():
        return pd.DataFrame(columns=BOXES)
    boxes, rows = _boxes(file, file.stat().st_mtime_ns)
    return boxes.iloc[rows.get(video_id, [])].reset_index(drop=True)


@lru_cache(maxsize=1)
def _boxes(file: Path, changed: int) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Read all boxes, and which rows are those of each video; again when the file has changed."""
    boxes = pd.read_parquet(file)
    return boxes, boxes.groupby("video_id").indices


def outlines_of(
    video_id: str, *, root: str | Path, numbers: Sequence[int], size: tuple[int, int]
) -> np.ndarray | None:
    """Outline the act in some frames of a video: the person, and the things around it.

    They are drawn anew, by `Shot.outlines`, for the dataset holds the frames alone.

    Parameters
    ----------
    video_id
        As in the table of an index.
    root
        The dataset's folder, ``index.root``.
    numbers
        Which frames.
    size
        Height and width of the outlines.

    Returns
    -------
    numpy.ndarray or None
        float32, (time, height, width): the share of each pixel that the act covers, 0–1. None
        for a video that Pantomime has not drawn.

    Raises
    ------
    DatasetError
        If the dataset is of another version, which draws otherwise, or its note is damaged; or
        for a frame the video does not have.
    """
    shot = shot_of(video_id, root=root)
    if shot is None:
        return None
    covered = shot.outlines(numbers)
    small = [cv2.resize(one, size[::-1], interpolation=cv2.INTER_AREA) for one in covered]
    return np.minimum(np.stack(small), 1)  # of 64 pixels it makes 1.0000001


def shot_of(video_id: str, *, root: str | Path) -> Shot | None:
    """Look up what a video was drawn from; arguments and errors as for `outlines_of`.

    It knows more than the picture: the camera, and whether the place is a room.
    """
    note = read_note(root)
    named = _NAME.fullmatch(video_id)
    if not note or not named or named[1] not in CLASSES:
        return None
    if note.get("version") != VERSION:
        raise DatasetError(
            f"Expected videos drawn by version {VERSION} of Pantomime, to know what they show. "
            f"Received: version {note.get('version')} in {root}. Remove the folder and make the "
            "dataset again: vidlab data make"
        )
    edition = {name: note.get(name) for name in ("seed", "size", "bias")}
    return Shot(named[1], int(named[2]), int(named[3]), **edition)
