"""Top-k accuracy, confusion matrices and reports of precision and recall.

Top-5 accuracy says little where there are few classes, so it is left out below ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from vidlab.errors import MetricError, ResultError
from vidlab.evaluation.predictions import Predictions

__all__ = [
    "Per",
    "compare_reports",
    "confusion",
    "counted",
    "hits",
    "most_confused",
    "report",
    "reported_ks",
    "top_k",
    "top_ks",
]

Per = Literal["video", "frame"]
"""What is counted: videos, or the single frames of all videos."""

_AVERAGES = {"macro avg": "macro average", "weighted avg": "weighted average"}
_MEASURES = ["precision", "recall", "f1"]


def reported_ks(classes: int) -> tuple[int, ...]:
    """The k of top-k accuracies worth reporting: 1, and 5 from ten classes on.

    Examples
    --------
    >>> reported_ks(9), reported_ks(10)
    ((1,), (1, 5))
    """
    return (1, 5) if classes >= 10 else (1,)


def counted(predictions: Predictions, per: Per) -> Predictions:
    """Give predictions a row a video, as they have, or a row a frame.

    Top-1 per frame compares the most probable class at each frame with the class of its video. A
    recurrent model predicts after each frame, from this frame and those before it: of a clip of 16
    frames that makes 16 predictions, the last of which is also the video's.

    Raises
    ------
    MetricError
        If `per` is unknown, or the predictions hold no single frames.
    """
    if per not in get_args(Per):
        raise MetricError(f"Expected video or frame. Received: {per!r}. Choose one of these.")
    try:
        return predictions if per == "video" else predictions.by_frame()
    except ResultError as error:
        raise MetricError(str(error)) from error


def hits(predictions: Predictions, *, k: int = 1) -> np.ndarray:
    """Whether the class of each video is among the `k` most probable: bool, (videos,).

    Where two classes are equally probable the first one goes first. A class whose probability is
    not a number is never among them.

    Raises
    ------
    MetricError
        If `k` is under 1, or over 1 and more than half the classes.
    """
    probabilities, labels = predictions.probabilities, predictions.y_true
    classes = probabilities.shape[1]
    if k < 1 or (k > 1 and 2 * k > classes):
        raise MetricError(
            f"Expected a k of 1, or up to half of the {classes} classes. Received: {k}. "
            f"Top-{k} needs at least {max(2 * k, 2)} classes to say anything; use top-1."
        )
    true = np.take_along_axis(probabilities, labels[:, None], axis=1)
    # Counting who stands before the right class takes a fraction of the time of sorting all.
    tied_before = (probabilities == true) & (np.arange(classes) < labels[:, None])
    before = ((probabilities > true) | tied_before).sum(axis=1)
    return (before < k) & ~np.isnan(true[:, 0])


def top_k(
    predictions: Predictions,
    k: int = 1,
    *,
    classes: Sequence[str] | None = None,
    per: Per = "video",
) -> float:
    """Top-k accuracy, 0 to 1; not a number where there are no videos.

    Parameters
    ----------
    k
        1, or up to half the number of classes: 5 takes ten classes.
    classes
        Count the videos of these classes only (predictions still compete among all of them).
    per
        ``"video"``, or ``"frame"``: count single frames.

    Raises
    ------
    MetricError
        If `k` does not fit the number of classes, a class is unknown, or there are no frames.
    """
    predictions = counted(predictions, per)
    right = hits(predictions, k=k)
    if classes is not None:
        indices = pd.Index(predictions.classes).get_indexer(list(classes))
        if (indices < 0).any():
            raise MetricError(
                f"Expected classes out of {', '.join(predictions.classes)}. Received: "
                f"{', '.join(classes)}. Correct the names."
            )
        right = right[np.isin(predictions.y_true, indices)]
    return float(right.mean()) if right.size else float("nan")


def top_ks(predictions: Predictions) -> dict[str, float]:
    """``top1`` and, from ten classes on, ``top5`` accuracy, from 0 to 1."""
    return {f"top{k}": top_k(predictions, k) for k in reported_ks(len(predictions.classes))}


def confusion(
    predictions: Predictions, *, normalise: bool = True, per: Per = "video"
) -> pd.DataFrame:
    """Confusion matrix of the most probable classes.

    Parameters
    ----------
    normalise
        Divide each row by its sum.
    per
        ``"video"``, or ``"frame"``: count single frames, as for `per_class`.

    Returns
    -------
    DataFrame
        Rows the true class (index "true"), columns the predicted one ("predicted"). Counts (int64)
        or, normalised, shares that sum to 1 in each row; not a number for a class without videos.

    Raises
    ------
    MetricError
        If there are no frames to count.
    """
    names = pd.Index(predictions.classes)
    counts = _counts(counted(predictions, per))
    table = pd.DataFrame(counts, index=names.rename("true"), columns=names.rename("predicted"))
    return table.div(table.sum(axis=1), axis=0) if normalise else table


def most_confused(predictions: Predictions, n: int = 10) -> pd.DataFrame:
    """The pairs of classes most often confused, the most frequent first.

    Returns
    -------
    DataFrame
        At most `n` rows: true, predicted, count (videos), share (of the true class's videos).
        Pairs that never happen are not listed; equal counts go by share, then by class order.
    """
    counts = _counts(predictions)
    true, predicted = np.nonzero(counts * ~np.eye(len(counts), dtype=bool))
    names = np.asarray(predictions.classes, dtype=object)
    table = pd.DataFrame({"true": names[true], "predicted": names[predicted]})
    table["count"] = counts[true, predicted]
    table["share"] = table["count"] / counts.sum(axis=1)[true]
    ordered = table.sort_values(["count", "share"], ascending=False, kind="stable")
    return ordered.head(n).reset_index(drop=True)


def report(predictions: Predictions) -> pd.DataFrame:
    """Precision, recall and f1 of each class, and their averages, as scikit-learn computes them.

    Each is 0 where nothing could be divided (``zero_division=0``).

    Returns
    -------
    DataFrame
        Indexed by class: precision, recall, f1 (0 to 1), support (videos). Two last rows, "macro
        average" (every class counts the same) and "weighted average" (every video does).
    """
    from sklearn.metrics import classification_report  # slow to import

    rows = classification_report(
        predictions.y_true,
        predictions.y_pred,
        labels=range(len(predictions.classes)),
        output_dict=True,
        zero_division=0,
    )
    table = pd.DataFrame(rows).drop(columns="accuracy").T
    table = table.rename(columns={"f1-score": "f1"}).astype({"support": "int64"})
    return table.set_axis(pd.Index([*predictions.classes, *_AVERAGES.values()], name="class"))


def compare_reports(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    """Count in how many classes and measures the one or the other is ahead (Chiche 2019).

    No predictions are needed, so a model can be compared of which only its report was printed.

    Parameters
    ----------
    a, b
        Indexed by the same classes, in any order: precision, recall, f1. Other columns, and the
        rows of averages that `report` ends with, are left out. Names may differ in upper and lower
        case, as they do in the literature (SkiJet, Skijet).

    Returns
    -------
    Series of int64
        Of all numbers, three a class: a_higher, b_higher, equal. Of the classes:
        classes_b_any_higher (at least one number higher in `b`), classes_b_all_at_least_one_higher
        (all at least equal, one or more higher), classes_b_all_higher, classes_all_equal.

    Raises
    ------
    MetricError
        If the two are not about the same classes, each once, or a number is absent.

    Examples
    --------
    >>> a = pd.DataFrame({"precision": [0.5], "recall": [0.7], "f1": [0.58]}, index=["Archery"])
    >>> b = pd.DataFrame({"precision": [0.6], "recall": [0.7], "f1": [0.65]}, index=["Archery"])
    >>> counts = compare_reports(a, b)
    >>> int(counts["b_higher"]), int(counts["classes_b_all_at_least_one_higher"])
    (2, 1)
    """
    a, b = _measures(a, "a"), _measures(b, "b")
    differing = sorted(set(a.index) ^ set(b.index))
    if differing:
        raise MetricError(
            f"Expected reports on the same classes. Received: {len(a)} and {len(b)} classes, with "
            f"{', '.join(differing[:5])} in only one. Rename or drop these rows."
        )
    ahead, behind = b > a.loc[b.index], b < a.loc[b.index]
    return pd.Series(
        {
            "a_higher": behind.to_numpy().sum(),
            "b_higher": ahead.to_numpy().sum(),
            "equal": (~ahead & ~behind).to_numpy().sum(),
            "classes_b_any_higher": ahead.any(axis=1).sum(),
            "classes_b_all_at_least_one_higher": (ahead.any(axis=1) & ~behind.any(axis=1)).sum(),
            "classes_b_all_higher": ahead.all(axis=1).sum(),
            "classes_all_equal": (~ahead & ~behind).all(axis=1).sum(),
        },
        dtype="int64",
    )


def _counts(predictions: Predictions) -> np.ndarray:
    """Count (true, predicted): int64, (classes, classes)."""
    size = len(predictions.classes)
    cells = predictions.y_true * size + predictions.y_pred
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def _measures(report: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the three measures of the classes alone."""
    if not set(_MEASURES) <= set(report.columns):
        raise MetricError(
            f"Expected the columns {', '.join(_MEASURES)} in report {name}. Received: "
            f"{', '.join(map(str, report.columns))}. Rename its columns."
        )
    classes = report.loc[~report.index.isin(_AVERAGES.values()), _MEASURES].astype("float64")
    classes.index = classes.index.map(lambda name: str(name).casefold())
    if not classes.index.is_unique or classes.isna().any(axis=None):
        raise MetricError(
            f"Expected one row a class and a number in each in report {name}. Received: a class "
            "twice, or an empty cell. Index the report by class, and fill the gaps."
        )
    return classes
