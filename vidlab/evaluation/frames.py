"""Predictions for single frames, and how they make one for the video: their mean or their vote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from vidlab.errors import ResultError

__all__ = ["Aggregation", "FramePredictions", "aggregate", "converted"]

Aggregation = Literal["mean", "vote"]

# A vote leaves ties. The mean probability, in this small measure, is mixed in to break them.
_TIE_BREAK = 1e-3


@dataclass(frozen=True, eq=False)
class FramePredictions:
    """Predictions for single frames, one row each.

    Those of a model of single frames rest on each frame alone, those of a recurrent one on the
    frame and all before it in its clip.

    Attributes
    ----------
    video : ndarray of int64, shape (frames,)
        The frame's video, as an index into `Predictions.video_ids`.
    frame : ndarray of int64, shape (frames,)
        The frame's number within its video, from 0.
    probabilities : ndarray of float32, shape (frames, classes)
        0 to 1; each row sums to 1.
    recurrent : bool
        Whether a prediction rests on the frames before it, too: the last one is then the video's.
    """

    video: np.ndarray = field(repr=False)
    frame: np.ndarray = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    recurrent: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "recurrent", bool(self.recurrent))
        converted(self, video=np.int64, frame=np.int64, probabilities=np.float32)

    def __len__(self) -> int:
        return len(self.video)


def aggregate(
    frames: FramePredictions, *, aggregation: Aggregation = "mean", videos: int | None = None
) -> np.ndarray:
    """Aggregate the predictions for single frames into one a video.

    The order of the frames does not matter to the last bit, so a video and the same video played
    backwards get exactly the same prediction.

    Parameters
    ----------
    aggregation
        ``"mean"``: the mean of the frames' probabilities. ``"vote"``: the share of the frames that
        each class wins. Where votes tie the mean probability decides: for that, a thousandth part
        of it (less beyond 500 frames a video) is mixed into the shares.
    videos
        The number of videos; without it, as many as `frames` names.

    Returns
    -------
    ndarray of float32, shape (videos, classes)
        0 to 1; each row sums to 1.

    Raises
    ------
    ResultError
        If `aggregation` is unknown.

    Examples
    --------
    >>> frames = FramePredictions(
    ...     video=[0, 0, 0], frame=[0, 1, 2], probabilities=[[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]]
    ... )
    >>> aggregate(frames, aggregation="mean").round(2).tolist()
    [[0.4000000059604645, 0.6000000238418579]]
    >>> int(aggregate(frames, aggregation="vote").argmax())
    0
    """
    if aggregation not in get_args(Aggregation):
        raise ResultError(f"Expected mean or vote. Received: {aggregation!r}. Choose one of these.")
    if videos is None:
        videos = int(frames.video.max()) + 1 if len(frames) else 0
    counts = np.bincount(frames.video, minlength=videos)
    means = np.empty((videos, frames.probabilities.shape[1]), dtype=np.float64)
    by_video = np.argsort(frames.video, kind="stable")
    for video, rows in enumerate(np.split(by_video, np.cumsum(counts)[:-1])):
        # Sums of floats depend on their order in the last bit; sorting gives them one order.
        ordered = np.sort(frames.probabilities[rows].astype(np.float64), axis=0)
        means[video] = ordered.sum(axis=0) / len(rows)
    if aggregation == "mean":
        return means.astype(np.float32)
    votes = np.zeros_like(means)
    np.add.at(votes, (frames.video, frames.probabilities.argmax(axis=1)), 1)
    measure = np.minimum(_TIE_BREAK, 0.5 / counts)[:, None]
    return ((votes / counts[:, None] + measure * means) / (1 + measure)).astype(np.float32)


def converted(record: object, **types: type) -> None:
    """Give the arrays of a frozen record their types, and probabilities two dimensions."""
    for name, dtype in types.items():
        array = np.asarray(getattr(record, name), dtype=dtype)
        if name == "probabilities" and array.ndim != 2:
            raise ResultError(
                "Expected probabilities of shape (rows, classes). Received: shape "
                f"{array.shape}. Use a model that ends in one softmax."
            )
        object.__setattr__(record, name, array)
