"""Temporal coverage: what a choice of frames shows of a video, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidlab.errors import SamplingError

__all__ = ["Coverage", "measure"]


@dataclass(frozen=True)
class Coverage:
    """What picked frames show of a video.

    Attributes
    ----------
    picks : int
        How many there are.
    different : int
        How many frames they show, each counted once.
    share : float
        Which share of the video's frames that is, above 0 to 1.
    reach : float
        Which share of the video lies from the first to the last frame shown, above 0 to 1.
    gap : int
        Frames in the longest stretch without a pick; the stretches before the first pick and after
        the last one count as well.
    repeated : tuple of int
        The numbers of the frames that are picked more than once, in order.
    is_in_order : bool
        Whether no pick comes before an earlier frame's.
    """

    picks: int
    different: int
    share: float
    reach: float
    gap: int
    repeated: tuple[int, ...]
    is_in_order: bool


def measure(indices: np.ndarray, frame_count: int) -> Coverage:
    """Measure what picked frames show of a video.

    Parameters
    ----------
    indices
        Frame numbers, int64, (picks,), 0 to ``frame_count - 1``, in the order they are shown.
    frame_count
        How many frames the video has.

    Raises
    ------
    SamplingError
        If there is no pick, or one that the video does not have.

    Examples
    --------
    >>> seen = measure(np.array([2, 3, 3, 8]), 10)
    >>> seen.different, seen.share, seen.reach, seen.gap, seen.repeated
    (3, 0.3, 0.7, 4, (3,))
    """
    picked = np.asarray(indices, dtype=np.int64)
    shown, times = np.unique(picked, return_counts=True)
    if not shown.size or shown[0] < 0 or shown[-1] >= frame_count:
        found = f"{shown[0]} to {shown[-1]}" if shown.size else "none"
        raise SamplingError(
            f"Expected picks from 0 to {frame_count - 1}. Received: {found}. "
            "Call the sampler's indices with this video's frame count."
        )
    between = np.diff(np.concatenate([[-1], shown, [frame_count]])) - 1
    return Coverage(
        picks=len(picked),
        different=len(shown),
        share=len(shown) / frame_count,
        reach=int(shown[-1] - shown[0] + 1) / frame_count,
        gap=int(between.max()),
        repeated=tuple(shown[times > 1].tolist()),
        is_in_order=bool((np.diff(picked) >= 0).all()),
    )
