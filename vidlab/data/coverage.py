"""Temporal coverage: what a choice of frames shows of a video, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Coverage", "measure"]


@dataclass(frozen=True)
class Coverage:
    """What picked frames show of a video.

    Attributes
    ----------
    picks : int
        How many there are.
    share : float
        Share of the video's frames shown, above 0 to 1; a frame picked twice counts once.
    gap : int
        Frames in the longest stretch without a pick; the stretches before the first pick and after
        the last one count as well.
    repeated : tuple of int
        The numbers of the frames that are picked more than once, in order.
    """

    picks: int
    share: float
    gap: int
    repeated: tuple[int, ...]


def measure(indices: np.ndarray, frame_count: int) -> Coverage:
    """Measure what picked frames show of a video.

    Parameters
    ----------
    indices
        Frame numbers, int64, (picks,), at least one, 0 to ``frame_count - 1``, as they are shown.
    frame_count
        How many frames the video has.

    Examples
    --------
    >>> seen = measure(np.array([2, 3, 3, 8]), 10)
    >>> seen.picks, seen.share, seen.gap, seen.repeated
    (4, 0.3, 4, (3,))
    """
    picked = np.asarray(indices, dtype=np.int64)
    shown, times = np.unique(picked, return_counts=True)
    between = np.diff(np.concatenate([[-1], shown, [frame_count]])) - 1
    return Coverage(
        picks=len(picked),
        share=len(shown) / frame_count,
        gap=int(between.max()),
        repeated=tuple(shown[times > 1].tolist()),
    )
