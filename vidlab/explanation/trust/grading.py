"""Is the explanation right? Grades of many heatmaps, by method and class.

Takes explanations of videos and the boxes of the evidence in them, and has `pointing` grade every
frame; gives tables to notebooks and to `plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.trust.pointing import (
    EVIDENCE,
    FRAME_SIZE,
    energy_inside,
    pointing_game,
    points_hit,
)

if TYPE_CHECKING:
    from vidlab.explanation.records import Explanation

__all__ = ["ALL", "grade", "grade_frames", "grade_points", "summary"]

ALL = "all classes"
"""The row of a summary that pools every frame."""

_COLUMNS = {
    "video": int, "method": object, "layer": object, "class_name": object, "frame": int,
    "hit": float, "energy": float, "area": float, "evidence": bool,
}  # fmt: skip


def grade(
    explanations: Sequence[Explanation],
    boxes: Sequence[pd.DataFrame],
    *,
    classes: Sequence[str],
    numbers: Sequence[Sequence[int]] | None = None,
    parts: Sequence[str] = EVIDENCE,
    tolerance: float = 15.0,
    frame_size: tuple[int, int] = FRAME_SIZE,
) -> pd.DataFrame:
    """Grade explanations by method and class: `grade_frames`, put together by `summary`.

    Parameters
    ----------
    explanations, boxes, classes, numbers, parts, tolerance, frame_size
        As for `grade_frames`.

    Returns
    -------
    pandas.DataFrame
        By (method, class_name), "all classes" last: videos, frames, pointing, energy, area,
        evidence, as `summary` gives them.
    """
    return summary(
        grade_frames(
            explanations,
            boxes,
            classes=classes,
            numbers=numbers,
            parts=parts,
            tolerance=tolerance,
            frame_size=frame_size,
        )
    )


def grade_frames(
    explanations: Sequence[Explanation],
    boxes: Sequence[pd.DataFrame],
    *,
    classes: Sequence[str],
    numbers: Sequence[Sequence[int]] | None = None,
    parts: Sequence[str] = EVIDENCE,
    tolerance: float = 15.0,
    frame_size: tuple[int, int] = FRAME_SIZE,
) -> pd.DataFrame:
    """Grade explanations frame by frame.

    Parameters
    ----------
    explanations
        One a video, of one method or several.
    boxes
        The boxes of each of these videos, as `pantomime.boxes_of` gives them.
    classes
        The class of each.
    numbers
        Which frames of its video each explanation shows; 0, 1, 2 … unless given.
    parts, tolerance, frame_size
        As for `pointing_game`.

    Returns
    -------
    pandas.DataFrame
        A row for each frame that has a box: video (position), method, layer, class_name, frame,
        hit (1 or 0), energy, area (0–1), evidence (whether the frame has any heat).

    Raises
    ------
    MetricError
        If there are not as many boxes, classes or numbers as explanations.
    """
    numbers = [None] * len(explanations) if numbers is None else numbers
    lengths = [len(part) for part in (explanations, boxes, classes, numbers)]
    if len(set(lengths)) != 1:
        raise MetricError(
            "Expected boxes, a class and frame numbers for every explanation. Received: "
            f"{lengths[0]} explanations, {lengths[1]} tables of boxes, {lengths[2]} classes and "
            f"{lengths[3]} lists of numbers. Pass one of each a video."
        )
    tables = []
    for place, (explanation, found, name, which) in enumerate(
        zip(explanations, boxes, classes, numbers, strict=True)
    ):
        heat = explanation.heat
        options = {"numbers": which, "parts": parts, "frame_size": frame_size}
        energy, area = energy_inside(heat, found, **options)
        tables.append(
            pd.DataFrame(
                {
                    "video": place,
                    "method": explanation.method,
                    "layer": explanation.layer,
                    "class_name": name,
                    "frame": np.arange(len(heat)) if which is None else np.asarray(which),
                    "hit": pointing_game(heat, found, tolerance=tolerance, **options),
                    "energy": energy,
                    "area": area,
                    "evidence": heat.reshape(len(heat), -1).max(axis=1) > 0,
                }
            )
        )
    return _joined(tables)


def grade_points(
    points: Sequence[np.ndarray],
    boxes: Sequence[pd.DataFrame],
    *,
    classes: Sequence[str],
    numbers: Sequence[Sequence[int]],
    method: str,
    parts: Sequence[str] = EVIDENCE,
    tolerance: float = 15.0,
) -> pd.DataFrame:
    """Play the pointing game with points that no model has chosen: the baselines.

    Parameters
    ----------
    points
        For each video (time, 2), x and y in pixels.
    boxes, classes, numbers, parts, tolerance
        As for `grade_frames`.
    method
        What the baseline is called.

    Returns
    -------
    pandas.DataFrame
        As `grade_frames` gives it; a point has no energy.
    """
    tables = []
    for place, (chosen, found, name, which) in enumerate(
        zip(points, boxes, classes, numbers, strict=True)
    ):
        hit = points_hit(chosen, found, numbers=which, parts=parts, tolerance=tolerance)
        tables.append(
            pd.DataFrame(
                {
                    "video": place,
                    "method": method,
                    "layer": "",
                    "class_name": name,
                    "frame": np.asarray(which),
                    "hit": hit,
                    "energy": np.nan,
                    "area": np.nan,
                    "evidence": True,
                }
            )
        )
    return _joined(tables)


def summary(graded: pd.DataFrame, *, by: str = "class_name") -> pd.DataFrame:
    """Put graded frames together, for each method and class.

    Parameters
    ----------
    graded
        From `grade_frames` or `grade_points`, or several of these one below the other.
    by
        The column that rows are made of beside the method.

    Returns
    -------
    pandas.DataFrame
        By (method, class), and (method, "all classes") which pools every frame: videos, frames,
        pointing (share of frames hit), energy, area (their means, 0–1), evidence (share of frames
        with any heat).
    """
    pooled = graded.assign(**{by: ALL})
    both = pd.concat([graded, pooled], ignore_index=True)
    return both.groupby(["method", by], sort=False).agg(
        videos=("video", "nunique"),
        frames=("frame", "size"),
        pointing=("hit", "mean"),
        energy=("energy", "mean"),
        area=("area", "mean"),
        evidence=("evidence", "mean"),
    )


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one below the other, without the frames that have no box."""
    none = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _COLUMNS.items()})
    return pd.concat([none, *tables]).astype(_COLUMNS).dropna(subset=["hit"]).reset_index(drop=True)
