"""The pointing game, and the energy inside the boxes: how well heat lies on the evidence.

Two questions are asked of every frame. *Pointing game* (Zhang et al. 2018, *Top-down neural
attention by excitation backprop*): does the hottest point lie in one of the boxes, or within 15
pixels of one? *Energy* (Wang et al. 2020, *Score-CAM*): which share of all heat lies in the boxes,
and how large are these, for an even heat would put just that share there? A frame without positive
evidence hits nothing, and counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.record import Explanation

__all__ = [
    "ALL",
    "EVIDENCE",
    "energy_inside",
    "grade_frames",
    "grade_points",
    "peaks",
    "random_points",
    "summary",
]

EVIDENCE = ("object", "limb")
"""The parts that tell the act: what is handled, and the limbs that move."""

ALL = "all classes"
"""The row of a summary that pools every frame."""

_FRAME_SIZE = (240, 320)  # height and width of the frames that boxes are given in
_CORNERS = ["x0", "y0", "x1", "y1"]
_COLUMNS = {
    "video": int, "method": object, "layer": object, "class_name": object, "frame": int,
    "hit": float, "energy": float, "area": float, "evidence": bool,
}  # fmt: skip


def grade_frames(
    explanations: Sequence[Explanation],
    boxes: Sequence[pd.DataFrame],
    *,
    classes: Sequence[str],
    numbers: Sequence[Sequence[int]] | None = None,
    parts: Sequence[str] = EVIDENCE,
    tolerance: float = 15.0,
    frame_size: tuple[int, int] = _FRAME_SIZE,
) -> pd.DataFrame:
    """Grade explanations frame by frame.

    Parameters
    ----------
    explanations
        One a video, of one method or several.
    boxes
        The boxes of each of these videos, as `pantomime.boxes_of` gives them: frame, part, x0, y0,
        x1, y1 in pixels.
    classes
        The class of each.
    numbers
        Which frames of its video each explanation shows; 0, 1, 2 … unless given.
    parts
        The parts that count.
    tolerance
        How far from a box the hottest point may lie, in pixels.
    frame_size
        Height and width of the frames that the boxes are given in.

    Returns
    -------
    pandas.DataFrame
        A row for each frame that has a box: video (index), method, layer, class_name, frame,
        hit (1 or 0), energy, area (0–1), evidence (whether the frame has any heat).

    Raises
    ------
    MetricError
        If there are not as many boxes, classes or numbers as explanations, or frame numbers as
        frames.
    """
    points = [peaks(one.heat, frame_size=frame_size) for one in explanations]
    numbers = [range(len(some)) for some in points] if numbers is None else numbers
    rows = []
    for row, index, corners in _hits(points, boxes, classes, numbers, parts, tolerance):
        explanation = explanations[row["video"]]
        heat = explanation.heat[index]
        energy, area = energy_inside(heat, corners, frame_size=frame_size)
        row |= {"method": explanation.method, "layer": explanation.layer}
        rows.append(row | {"energy": energy, "area": area, "evidence": heat.max() > 0})
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


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
    about = {"method": method, "layer": "", "evidence": True}
    hits = _hits(points, boxes, classes, numbers, parts, tolerance)
    rows = [row | about for row, _, _ in hits]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _hits(points, boxes, classes, numbers, parts, tolerance) -> Iterator[tuple]:
    """Give a row for each frame with boxes, its index, and their corners: (boxes, 4)."""
    frames, numbered = [len(some) for some in points], [len(some) for some in numbers]
    if not len(boxes) == len(classes) == len(frames) or frames != numbered:
        raise MetricError(
            "Expected boxes, a class and the numbers of all frames for every explanation. "
            f"Received: {len(frames)} explanations of {frames} frames, {len(boxes)} tables of "
            f"boxes, {len(classes)} classes and {numbered} numbers. Pass one of each a video, and "
            "the indices that its frames were read with."
        )
    for video, (found, class_name) in enumerate(zip(boxes, classes, strict=True)):
        evidence = found[found["part"].isin(parts)]
        of_frame, every = evidence["frame"].to_numpy(), evidence[_CORNERS].to_numpy(float)
        for index, number in enumerate(numbers[video]):
            corners, point = every[of_frame == number], points[video][index]
            if len(corners):
                beside = np.maximum(np.maximum(corners[:, :2] - point, point - corners[:, 2:]), 0)
                hit = (np.hypot(*beside.T) <= tolerance).any()  # not for NaN
                row = {"video": video, "class_name": class_name, "frame": number, "hit": hit}
                yield row, index, corners


def summary(graded: pd.DataFrame, *, by: str = "class_name") -> pd.DataFrame:
    """Average graded frames, for each method and class.

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
    both = pd.concat([graded, graded.assign(**{by: ALL})], ignore_index=True)
    return both.groupby(["method", by], sort=False).agg(
        videos=("video", "nunique"),
        frames=("frame", "size"),
        pointing=("hit", "mean"),
        energy=("energy", "mean"),
        area=("area", "mean"),
        evidence=("evidence", "mean"),
    )


def peaks(heat: np.ndarray, *, frame_size: tuple[int, int] = _FRAME_SIZE) -> np.ndarray:
    """Find the hottest point of each frame.

    Parameters
    ----------
    heat
        (time, rows, columns), at least 0.
    frame_size
        Height and width to give the points in.

    Returns
    -------
    numpy.ndarray
        float64, (time, 2), x and y of the middle of the hottest place; of several equally hot ones
        the mean. NaN where the frame has no heat.

    Examples
    --------
    >>> heat = np.zeros((1, 4, 4))
    >>> heat[0, 3, 0] = 1
    >>> peaks(heat, frame_size=(240, 320)).tolist()
    [[40.0, 210.0]]
    """
    found = np.full((len(heat), 2), np.nan)
    for point, frame in zip(found, heat, strict=True):
        if frame.max() > 0:
            row, column = np.argwhere(frame == frame.max()).mean(axis=0) + 0.5
            point[:] = column * frame_size[1] / frame.shape[1], row * frame_size[0] / frame.shape[0]
    return found


def energy_inside(
    heat: np.ndarray, corners: np.ndarray, *, frame_size: tuple[int, int] = _FRAME_SIZE
) -> tuple[float, float]:
    """Measure which share of the heat of a frame lies inside boxes.

    Parameters
    ----------
    heat
        (rows, columns), at least 0.
    corners
        (boxes, 4): x0, y0, x1, y1 in pixels of a frame of `frame_size`.

    Returns
    -------
    energy : float
        0–1; 0 without heat.
    area : float
        0–1: the share of the frame that lies in boxes, and so the energy of an even heat.
    """
    (rows, columns), (height, width) = heat.shape, frame_size
    inside = np.zeros((rows, columns))
    for x0, y0, x1, y1 in corners:
        across = _cover(x0 * columns / width, x1 * columns / width, columns)
        down = _cover(y0 * rows / height, y1 * rows / height, rows)
        np.maximum(inside, np.outer(down, across), out=inside)
    total = float(heat.sum())
    return float((heat * inside).sum()) / total if total > 0 else 0.0, float(inside.mean())


def random_points(
    boxes: pd.DataFrame, *, numbers: Sequence[int], seed: int, part: str = "person"
) -> np.ndarray:
    """Draw a point at random from the person's box in each frame: a baseline that knows the actor.

    Parameters
    ----------
    boxes
        Of one video.
    numbers
        The frames wanted.
    part
        Whose box.

    Returns
    -------
    numpy.ndarray
        float64, (time, 2), x and y in pixels; NaN where there is no such box.
    """
    rng = np.random.default_rng(seed)
    corners = boxes[boxes["part"] == part].drop_duplicates("frame").set_index("frame")[_CORNERS]
    corners = corners.reindex(np.asarray(numbers)).to_numpy(np.float64)
    return corners[:, :2] + rng.random((len(corners), 2)) * (corners[:, 2:] - corners[:, :2])


def _cover(start: float, end: float, count: int) -> np.ndarray:
    """Compute which share of each of `count` cells, 1 wide, lies between two places."""
    edges = np.arange(count + 1)
    return np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, 1)
