"""The pointing game, and the energy inside the boxes: how well heat lies on the evidence.

Two questions are asked of every frame. *Pointing game* (Zhang et al. 2018, *Top-down neural
attention by excitation backprop*): does the hottest point lie in one of the boxes, or within 15
pixels of one? *Energy* (Wang et al. 2020, *Score-CAM*): which share of all heat lies in the boxes,
and how large are these, for an even heat would put just that share there? A frame without positive
evidence hits nothing, and counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
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
_TOLERANCE = 15.0  # pixels
_CORNERS = ["x0", "y0", "x1", "y1"]
_COLUMNS = {
    "video": int, "class_name": object, "frame": int, "hit": float,
    "method": object, "energy": float, "area": float, "evidence": bool,
}  # fmt: skip


def grade_frames(
    explanations: Sequence[Explanation],
    boxes: Sequence[pd.DataFrame],
    *,
    classes: Sequence[str],
    numbers: Sequence[Sequence[int]] | None = None,
) -> pd.DataFrame:
    """Grade explanations frame by frame.

    Parameters
    ----------
    explanations
        One a video, of one method or several.
    boxes
        The boxes of each of these videos, as `pantomime.boxes_of` gives them: frame, part, x0, y0,
        x1, y1 in pixels of 320×240. Those of `EVIDENCE` count.
    classes
        The class of each.
    numbers
        Which frames of its video each explanation shows; 0, 1, 2 … unless given.

    Returns
    -------
    pandas.DataFrame
        A row for each frame that has a box: video (index), class_name, frame, hit (1 or 0), method,
        energy, area (0–1), evidence (whether the frame has any heat).

    Raises
    ------
    MetricError
        If there are not as many boxes, classes or numbers as explanations, or frame numbers as
        frames.
    """

    def about(video: int, index: int, corners: np.ndarray) -> tuple:
        heat = explanations[video].heat[index]
        return explanations[video].method, *energy_inside(heat, corners), heat.max() > 0

    points = [peaks(one.heat) for one in explanations]
    numbers = [range(len(some)) for some in points] if numbers is None else numbers
    return _graded(points, boxes, classes, numbers, about)


def grade_points(
    points: Sequence[np.ndarray],
    boxes: Sequence[pd.DataFrame],
    *,
    classes: Sequence[str],
    numbers: Sequence[Sequence[int]],
    method: str,
) -> pd.DataFrame:
    """Play the pointing game with points that no model has chosen: the baselines.

    Parameters
    ----------
    points
        For each video (time, 2), x and y in pixels.
    boxes, classes, numbers
        As for `grade_frames`.
    method
        What the baseline is called.

    Returns
    -------
    pandas.DataFrame
        As `grade_frames` gives it; a point has no energy.
    """
    return _graded(points, boxes, classes, numbers, lambda *_: (method, np.nan, np.nan, True))


def _graded(points, boxes, classes, numbers, about: Callable) -> pd.DataFrame:
    """Make a row for each frame with boxes; `about` adds to video, index and corners the rest."""
    frames, numbered = [len(some) for some in points], [len(some) for some in numbers]
    if not len(boxes) == len(classes) == len(frames) or frames != numbered:
        raise MetricError(
            "Expected boxes, a class and the numbers of all frames for every explanation. "
            f"Received: {len(frames)} explanations of {frames} frames, {len(boxes)} tables of "
            f"boxes, {len(classes)} classes and {numbered} numbers. Pass one of each a video, and "
            "the indices that its frames were read with."
        )
    rows = []
    for video, (found, class_name) in enumerate(zip(boxes, classes, strict=True)):
        evidence = found[found["part"].isin(EVIDENCE)]
        of_frame, every = evidence["frame"].to_numpy(), evidence[_CORNERS].to_numpy(float)
        for index, number in enumerate(numbers[video]):
            corners, point = every[of_frame == number], points[video][index]
            if len(corners):
                beside = np.maximum(np.maximum(corners[:, :2] - point, point - corners[:, 2:]), 0)
                hit = (np.hypot(*beside.T) <= _TOLERANCE).any()  # not for NaN
                rows.append((video, class_name, number, hit, *about(video, index, corners)))
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def summary(graded: pd.DataFrame) -> pd.DataFrame:
    """Average graded frames, for each method and class.

    Parameters
    ----------
    graded
        From `grade_frames` or `grade_points`, or several of these one below the other.

    Returns
    -------
    pandas.DataFrame
        By (method, class), and (method, "all classes") which pools every frame: videos, frames,
        pointing (share of frames hit), energy, area (their means, 0–1), evidence (share of frames
        with any heat).
    """
    both = pd.concat([graded, graded.assign(class_name=ALL)], ignore_index=True)
    return both.groupby(["method", "class_name"], sort=False).agg(
        videos=("video", "nunique"),
        frames=("frame", "size"),
        pointing=("hit", "mean"),
        energy=("energy", "mean"),
        area=("area", "mean"),
        evidence=("evidence", "mean"),
    )


def peaks(heat: np.ndarray) -> np.ndarray:
    """Find the hottest point of each frame.

    Parameters
    ----------
    heat
        (time, rows, columns), at least 0.

    Returns
    -------
    numpy.ndarray
        float64, (time, 2), x and y of the middle of the hottest place, in pixels of 320×240; of
        several equally hot ones the mean. NaN where the frame has no heat.

    Examples
    --------
    >>> heat = np.zeros((1, 4, 4))
    >>> heat[0, 3, 0] = 1
    >>> peaks(heat).tolist()
    [[40.0, 210.0]]
    """
    found = np.full((len(heat), 2), np.nan)
    scale = np.divide(_FRAME_SIZE, heat.shape[1:])
    for point, frame in zip(found, heat, strict=True):
        if frame.max() > 0:
            middle = np.argwhere(frame == frame.max()).mean(axis=0) + 0.5  # row and column
            point[:] = (middle * scale)[::-1]
    return found


def energy_inside(heat: np.ndarray, corners: np.ndarray) -> tuple[float, float]:
    """Measure which share of the heat of a frame lies inside boxes.

    Parameters
    ----------
    heat
        (rows, columns), at least 0.
    corners
        (boxes, 4): x0, y0, x1, y1 in pixels of 320×240.

    Returns
    -------
    energy : float
        0–1; 0 without heat.
    area : float
        0–1: the share of the frame that lies in boxes, and so the energy of an even heat.
    """
    inside = np.zeros(_FRAME_SIZE)
    for x0, y0, x1, y1 in np.rint(corners).astype(int).clip(0):
        inside[y0:y1, x0:x1] = 1
    inside = cv2.resize(inside, heat.shape[::-1], interpolation=cv2.INTER_AREA)
    total = float(heat.sum())
    return float((heat * inside).sum()) / total if total > 0 else 0.0, float(inside.mean())


def random_points(boxes: pd.DataFrame, *, numbers: Sequence[int], seed: int) -> np.ndarray:
    """Draw a point at random from the person's box in each frame: a baseline that knows the actor.

    Parameters
    ----------
    boxes
        Of one video.
    numbers
        The frames wanted.

    Returns
    -------
    numpy.ndarray
        float64, (time, 2), x and y in pixels; NaN where there is no such box.
    """
    rng = np.random.default_rng(seed)
    corners = boxes[boxes["part"] == "person"].drop_duplicates("frame").set_index("frame")[_CORNERS]
    corners = corners.reindex(np.asarray(numbers)).to_numpy(np.float64)
    return corners[:, :2] + rng.random((len(corners), 2)) * (corners[:, 2:] - corners[:, :2])
