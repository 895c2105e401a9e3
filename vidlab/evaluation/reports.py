"""Two reports of precision, recall and f1, and where the one or the other is ahead.

Takes tables from `tables`, or of the same form from the literature; gives counts to notebooks. No
predictions are needed, so a model can be compared of which only its report was printed.
"""

from __future__ import annotations

import pandas as pd

from vidlab.errors import MetricError
from vidlab.evaluation.tables import AVERAGES

__all__ = ["compare_reports"]

_MEASURES = ["precision", "recall", "f1"]


def compare_reports(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    """Count in how many classes and measures the one or the other is ahead (Chiche 2019).

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


def _measures(report: pd.DataFrame, name: str) -> pd.DataFrame:
    """Give the three measures of the classes alone."""
    absent = [measure for measure in _MEASURES if measure not in report]
    if absent:
        raise MetricError(
            f"Expected the columns {', '.join(_MEASURES)} in report {name}. Received: "
            f"{', '.join(map(str, report.columns))}. Rename its columns."
        )
    classes = report.loc[~report.index.isin(AVERAGES), _MEASURES].astype("float64")
    classes.index = classes.index.map(lambda name: str(name).casefold())
    if not classes.index.is_unique or classes.isna().any(axis=None):
        raise MetricError(
            f"Expected one row a class and a number in each in report {name}. Received: a class "
            "twice, or an empty cell. Index the report by class, and fill the gaps."
        )
    return classes
