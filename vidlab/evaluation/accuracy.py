"""How often the right class is among the first k, for videos, frames and classes.

Takes `Predictions` from `predictions`; gives shares from 0 to 1 to `intervals`, `plots` and
notebooks. Top-5 says little where there are few classes, so it is left out below ten.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions

__all__ = [
    "class_positions",
    "frame_top_k",
    "hits",
    "per_class",
    "reported_ks",
    "top_k",
    "top_ks",
]


def reported_ks(classes: int) -> tuple[int, ...]:
    """Tell which top-k are worth reporting: 1, and 5 from ten classes on.

    Examples
    --------
    >>> reported_ks(9), reported_ks(10)
    ((1,), (1, 5))
    """
    return (1, 5) if classes >= 10 else (1,)


def class_positions(predictions: Predictions, classes: Sequence[str]) -> np.ndarray:
    """Find classes by name: int64, (len(classes),).

    Raises
    ------
    MetricError
        If a name is unknown or named twice.
    """
    known = {name: position for position, name in enumerate(predictions.classes)}
    unknown = [name for name in classes if name not in known]
    if unknown or len(set(classes)) < len(classes):
        raise MetricError(
            f"Expected different classes out of {', '.join(predictions.classes)}. "
            f"Received: {', '.join(unknown or classes)}. Correct the names."
        )
    return np.array([known[name] for name in classes], dtype=np.int64)


def hits(predictions: Predictions, *, k: int = 1) -> np.ndarray:
    """Tell for each video whether its class is among the first `k`: bool, (videos,).

    A class whose probability is not a number is never among them.

    Raises
    ------
    MetricError
        If `k` is under 1, or over 1 and more than half the classes.
    """
    _check_k(k, len(predictions.classes))
    chances, labels = predictions.probabilities, predictions.y_true[:, None]
    own = np.take_along_axis(chances, labels, axis=1)
    # Counting who stands before the right class takes a fraction of the time of sorting all.
    tied_before = (chances == own) & (np.arange(chances.shape[1]) < labels)
    before = ((chances > own) | tied_before).sum(axis=1)
    return (before < k) & ~np.isnan(own[:, 0])


def top_k(predictions: Predictions, k: int = 1, *, classes: Sequence[str] | None = None) -> float:
    """Give the share of the videos whose class is among the first `k`.

    Parameters
    ----------
    predictions
        Where two classes are equally probable the first one goes first.
    k
        1, or up to half the number of classes: 5 takes ten classes.
    classes
        Count the videos of these classes only (predictions still compete among all of them).

    Returns
    -------
    float
        0 to 1; not a number where there are no videos.

    Raises
    ------
    MetricError
        If `k` does not fit the number of classes, or a class is unknown.
    """
    right = hits(predictions, k=k)
    if classes is not None:
        right = right[np.isin(predictions.y_true, class_positions(predictions, classes))]
    return _share(right)


def top_ks(predictions: Predictions) -> dict[str, float]:
    """Give ``top1`` and, from ten classes on, ``top5``: shares of the videos, from 0 to 1."""
    return {f"top{k}": top_k(predictions, k) for k in reported_ks(len(predictions.classes))}


def frame_top_k(predictions: Predictions, k: int = 1) -> float:
    """Give the share of the single frames whose class is among the first `k`.

    Raises
    ------
    MetricError
        If `k` does not fit the number of classes, or there are no frames.
    """
    _check_k(k, len(predictions.classes))
    frames = predictions.frames
    if frames is None:
        raise MetricError(
            "Expected predictions that hold single frames. Received: predictions of whole videos "
            "only. Use those of a frame model, or ask for top_k."
        )
    order = np.argsort(-frames.probabilities, axis=1, kind="stable")[:, :k]
    return _share((order == predictions.y_true[frames.video][:, None]).any(axis=1))


def per_class(predictions: Predictions) -> pd.DataFrame:
    """Give the accuracy of each class.

    Returns
    -------
    DataFrame
        Indexed by class, in their order: support (number of videos), top1 and, from ten classes
        on, top5: shares from 0 to 1, not a number for a class without videos.
    """
    count = len(predictions.classes)
    support = np.bincount(predictions.y_true, minlength=count)
    table = pd.DataFrame({"support": support}, index=pd.Index(predictions.classes, name="class"))
    for k in reported_ks(count):
        right = np.bincount(predictions.y_true[hits(predictions, k=k)], minlength=count)
        table[f"top{k}"] = np.divide(right, support, out=np.full(count, np.nan), where=support > 0)
    return table


def _check_k(k: int, classes: int) -> None:
    if k < 1 or (k > 1 and 2 * k > classes):
        raise MetricError(
            f"Expected a k of 1, or up to half of the {classes} classes. Received: {k}. "
            f"Top-{k} needs at least {max(2 * k, 2)} classes to say anything; use top-1."
        )


def _share(right: np.ndarray) -> float:
    return float(right.mean()) if right.size else float("nan")
