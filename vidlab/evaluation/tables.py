"""Where the wrong answers are: confusion, precision and recall, the pairs most often mistaken.

Takes `Predictions` from `predictions`; gives tables to `plots`, `runs` and notebooks. All of them
are counted from one confusion matrix, so they never disagree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vidlab.evaluation.accuracy import class_positions
from vidlab.evaluation.predictions import Predictions

__all__ = ["AVERAGES", "OTHER", "confusion", "most_confused", "report"]

OTHER = "(other classes)"
"""The column of a restricted confusion matrix that holds all answers outside the chosen classes."""

AVERAGES = ("macro average", "weighted average")
"""The last rows of a report: every class counts the same, every video does."""


def confusion(
    predictions: Predictions, *, classes: Sequence[str] | None = None, normalise: bool = True
) -> pd.DataFrame:
    """Count what each class is taken for.

    Parameters
    ----------
    predictions
        The most probable class of each video is counted.
    classes
        Show only the videos of these classes, in this order. All answers outside of them are
        counted in a last column, `OTHER`, so that a row still tells all that happened to a class.
    normalise
        Divide each row by its number of videos.

    Returns
    -------
    DataFrame
        Rows the true class (index "true"), columns the predicted one ("predicted"). Counts (int64)
        or, normalised, shares that sum to 1 in each row; not a number for a class without videos.

    Raises
    ------
    MetricError
        If a class is unknown or named twice.
    """
    counts = _counts(predictions)
    rows = columns = predictions.classes
    if classes is not None:
        chosen = class_positions(predictions, classes)
        inside = counts[np.ix_(chosen, chosen)]
        rest = counts[chosen].sum(axis=1) - inside.sum(axis=1)
        counts = np.column_stack([inside, rest])
        rows, columns = list(classes), [*classes, OTHER]
    table = pd.DataFrame(
        counts, index=pd.Index(rows, name="true"), columns=pd.Index(columns, name="predicted")
    )
    return table.div(table.sum(axis=1), axis=0) if normalise else table


def most_confused(predictions: Predictions, n: int = 10) -> pd.DataFrame:
    """List the pairs of classes most often mistaken, the most frequent first.

    Returns
    -------
    DataFrame
        At most `n` rows: true, predicted, count (videos), share (of the true class's videos).
        Pairs that never happen are not listed; equal counts go by share, then by class order.
    """
    counts = _counts(predictions)
    true, predicted = np.nonzero(counts * ~np.eye(len(counts), dtype=bool))
    names = np.asarray(predictions.classes, dtype=object)
    count = counts[true, predicted]
    table = pd.DataFrame(
        {
            "true": names[true],
            "predicted": names[predicted],
            "count": count,
            "share": count / counts.sum(axis=1)[true],
        }
    )
    ordered = table.sort_values(["count", "share"], ascending=False, kind="stable")
    return ordered.head(n).reset_index(drop=True)


def report(predictions: Predictions) -> pd.DataFrame:
    """Give precision, recall and f1 of each class, and their averages.

    Precision: of the videos given this class, the share that belong to it. Recall: of the videos
    that belong to it, the share given it. f1: their harmonic mean. Each is 0 where nothing could
    be divided, as in scikit-learn with ``zero_division=0``.

    Returns
    -------
    DataFrame
        Indexed by class: precision, recall, f1 (0 to 1), support (videos). Two last rows, "macro
        average" (every class counts the same) and "weighted average" (every video does).
    """
    counts = _counts(predictions)
    right, support, given = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    measures = np.column_stack(
        [_ratio(right, given), _ratio(right, support), _ratio(2 * right, given + support)]
    )
    table = pd.DataFrame(
        np.vstack([measures, measures.mean(axis=0), _ratio(support @ measures, support.sum())]),
        index=pd.Index([*predictions.classes, *AVERAGES], name="class"),
        columns=["precision", "recall", "f1"],
    )
    return table.assign(support=[*support, support.sum(), support.sum()])


def _counts(predictions: Predictions) -> np.ndarray:
    """Count (true, predicted): int64, (classes, classes)."""
    size = len(predictions.classes)
    cells = predictions.y_true * size + predictions.y_pred
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide, giving 0 where there is nothing to divide by."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
