"""The pointing game, and the energy inside the boxes: how well one heat lies on the evidence.

Takes heat, and the boxes of the evidence that `pantomime` writes down for every frame; gives one
number a frame to `grading`. Nothing here knows a model: the grade of a heatmap is the same
whichever method drew it.

Two questions are asked of every frame. *Pointing game* (Zhang et al. 2018, *Top-down neural
attention by excitation backprop*): does the hottest point lie in one of the boxes, or within 15
pixels of one? *Energy* (Wang et al. 2020, *Score-CAM*): which share of all heat lies in the boxes,
and how large are these, for an even heat would put just that share there? A frame without positive
evidence hits nothing, and counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vidlab.errors import MetricError

__all__ = [
    "EVIDENCE",
    "FRAME_SIZE",
    "energy_inside",
    "peaks",
    "pointing_game",
    "points_hit",
    "random_points",
]

EVIDENCE = ("object", "limb")
"""The parts that tell the act: what is handled, and the limbs that move."""

FRAME_SIZE = (240, 320)
"""Height and width of the frames that boxes are given in, in pixels."""

_CORNERS = ["x0", "y0", "x1", "y1"]


def peaks(heat: np.ndarray, *, frame_size: tuple[int, int] = FRAME_SIZE) -> np.ndarray:
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
    heat = _checked(heat)
    time, rows, columns = heat.shape
    flat = heat.reshape(time, -1).astype(np.float64)
    top = flat.max(axis=1, keepdims=True)
    hottest = (flat == top) & (top > 0)
    place_y, place_x = np.divmod(np.arange(rows * columns), columns)
    counted = np.where(hottest.any(axis=1), hottest.sum(axis=1), np.nan)
    x = (hottest * (place_x + 0.5)).sum(axis=1) / counted * frame_size[1] / columns
    y = (hottest * (place_y + 0.5)).sum(axis=1) / counted * frame_size[0] / rows
    return np.stack([x, y], axis=1)


def pointing_game(
    heat: np.ndarray,
    boxes: pd.DataFrame,
    *,
    numbers: Sequence[int] | None = None,
    parts: Sequence[str] = EVIDENCE,
    tolerance: float = 15.0,
    frame_size: tuple[int, int] = FRAME_SIZE,
) -> np.ndarray:
    """Tell for each frame whether the hottest point lies in a box of the evidence.

    Parameters
    ----------
    heat
        (time, rows, columns), at least 0.
    boxes
        Boxes of one video: frame, part, x0, y0, x1, y1 in pixels, as `pantomime.boxes_of` gives.
    numbers
        Which frame of the video each frame of the heat is; 0, 1, 2 … unless given.
    parts
        The parts that count.
    tolerance
        How far from a box a point may lie, in pixels.
    frame_size
        Height and width of the frames the boxes are given in.

    Returns
    -------
    numpy.ndarray
        float64, (time,): 1 for a hit, 0 for a miss, NaN where there is no box to hit.

    Raises
    ------
    MetricError
        If the heat has no frames, or not as many as there are numbers.

    Examples
    --------
    >>> box = pd.DataFrame({"frame": [0], "part": ["object"],
    ...                     "x0": [0], "y0": [180], "x1": [80], "y1": [240]})
    >>> heat = np.zeros((1, 4, 4))
    >>> heat[0, 3, 0] = 1
    >>> pointing_game(heat, box).tolist()
    [1.0]
    """
    points = peaks(heat, frame_size=frame_size)
    numbers = _numbers(numbers, len(points))
    return points_hit(points, boxes, numbers=numbers, parts=parts, tolerance=tolerance)


def points_hit(
    points: np.ndarray,
    boxes: pd.DataFrame,
    *,
    numbers: Sequence[int],
    parts: Sequence[str] = EVIDENCE,
    tolerance: float = 15.0,
) -> np.ndarray:
    """Tell for each frame whether a point lies in a box of the evidence.

    Parameters
    ----------
    points
        (time, 2), x and y in pixels; NaN hits nothing.
    boxes, numbers, parts, tolerance
        As for `pointing_game`.

    Returns
    -------
    numpy.ndarray
        float64, (time,): 1 for a hit, 0 for a miss, NaN where there is no box to hit.
    """
    points, numbers = np.asarray(points, np.float64), _numbers(numbers, len(points))
    table = pd.DataFrame({"frame": numbers, "place": np.arange(len(numbers))})
    counted = boxes.loc[boxes["part"].isin(parts), ["frame", *_CORNERS]].astype(np.float64)
    pairs = table.astype({"frame": np.float64}).merge(counted, on="frame")
    corners, point = pairs[_CORNERS].to_numpy(np.float64), points[pairs["place"].to_numpy()]
    beside = np.maximum(np.maximum(corners[:, :2] - point, point - corners[:, 2:]), 0)
    near = np.hypot(*beside.T) <= tolerance  # not for NaN
    hits = np.full(len(numbers), np.nan)
    np.fmax.at(hits, pairs["place"].to_numpy(), near.astype(np.float64))
    return hits


def energy_inside(
    heat: np.ndarray,
    boxes: pd.DataFrame,
    *,
    numbers: Sequence[int] | None = None,
    parts: Sequence[str] = EVIDENCE,
    frame_size: tuple[int, int] = FRAME_SIZE,
) -> tuple[np.ndarray, np.ndarray]:
    """Measure for each frame which share of the heat lies inside the boxes of the evidence.

    Parameters
    ----------
    heat, boxes, numbers, parts, frame_size
        As for `pointing_game`.

    Returns
    -------
    energy : numpy.ndarray
        float64, (time,), 0–1; 0 without heat, NaN where there is no box.
    area : numpy.ndarray
        float64, (time,), 0–1: the share of the frame that lies in boxes, and so the energy of an
        even heat; NaN where there is no box.
    """
    heat = _checked(heat)
    numbers = _numbers(numbers, len(heat))
    _, rows, columns = heat.shape
    found = boxes[boxes["part"].isin(parts)]
    energy, area = np.full((2, len(heat)), np.nan)
    corners = dict(list(found.groupby("frame")[_CORNERS])) if len(found) else {}
    for place, number in enumerate(numbers):
        if number not in corners:
            continue
        inside = np.zeros((rows, columns))
        for box in corners[number].to_numpy(np.float64):
            x = _cover(box[0] * columns / frame_size[1], box[2] * columns / frame_size[1], columns)
            y = _cover(box[1] * rows / frame_size[0], box[3] * rows / frame_size[0], rows)
            np.maximum(inside, y[:, None] * x[None, :], out=inside)
        total = float(heat[place].sum())
        energy[place] = float((heat[place] * inside).sum()) / total if total > 0 else 0.0
        area[place] = inside.mean()
    return energy, area


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
    seed
        Decides the points.
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
    """Tell which share of each of `count` cells lies between two places, cells being 1 wide."""
    edges = np.arange(count + 1, dtype=np.float64)
    return np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, 1)


def _checked(heat: np.ndarray) -> np.ndarray:
    heat = np.asarray(heat)
    if heat.ndim != 3 or not heat.size:
        raise MetricError(
            f"Expected heat (time, rows, columns). Received: an array of shape {heat.shape}. "
            "Pass the heat of an explanation; a single map takes heat[None]."
        )
    return heat


def _numbers(numbers: Sequence[int] | None, count: int) -> np.ndarray:
    numbers = np.arange(count) if numbers is None else np.asarray(numbers)
    if len(numbers) != count:
        raise MetricError(
            f"Expected a number for each of {count} frames. Received: {len(numbers)}. "
            "Pass the indices that the frames were read with."
        )
    return numbers
