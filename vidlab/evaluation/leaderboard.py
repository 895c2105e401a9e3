"""Tables of models: accuracy and cost; mean and spread of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vidlab.evaluation.accuracy import reported_ks, top_ks
from vidlab.evaluation.comparison import same_videos
from vidlab.evaluation.intervals import interval
from vidlab.evaluation.motion import CYCLIC, END_STATE, pair_accuracy
from vidlab.evaluation.predictions import Predictions

__all__ = ["leaderboard", "summary"]

_COSTS = ("parameters", "multiply_adds", "training_seconds", "feature_seconds")


def leaderboard(
    predictions_by_name: Mapping[str, Predictions],
    *,
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Put models in the order of their accuracy, with what they cost.

    Parameters
    ----------
    predictions_by_name
        Of each model, on the same videos in any order.
    metrics
        Of each model, what `RunFolder.metrics` holds: parameters, multiply_adds,
        training_seconds, feature_seconds, model_bytes. What is missing stays empty.

    Returns
    -------
    DataFrame
        Indexed by model, the best first: videos, top1, top1_low, top1_high (95% interval over
        groups), from ten classes on the same for top5, `END_STATE` and `CYCLIC` (as far as there
        are such pairs: accuracy between the two classes of a pair), parameters, multiply_adds (a
        video's), training_seconds, feature_seconds, megabytes. Shares from 0 to 1; not a number
        where nothing is known.

    Raises
    ------
    MetricError
        If there are no predictions, none of any video, or they are not about the same videos.
    """
    rows = {}
    for name, predictions in same_videos(predictions_by_name).items():
        row: dict[str, float] = {"videos": len(predictions)}
        for k in reported_ks(len(predictions.classes)):
            top, found = f"top{k}", interval(predictions, k)
            row |= {top: found.estimate, f"{top}_low": found.low, f"{top}_high": found.high}
        known = (metrics or {}).get(name, {})
        row |= _inside_pairs(predictions) | {cost: known.get(cost) for cost in _COSTS}
        rows[name] = row | {"megabytes": (known.get("model_bytes") or np.nan) / 1e6}
    table = pd.DataFrame(rows, dtype=float).T.astype({"videos": int}).rename_axis("model")
    return table.sort_values("top1", ascending=False, kind="stable")


def summary(results: Iterable[tuple[str, int, int, Predictions]]) -> pd.DataFrame:
    """Mean accuracy of each recipe over its seeds and splits, and the spread.

    Parameters
    ----------
    results
        (recipe, seed, split, predictions), one for each run.

    Returns
    -------
    DataFrame
        Indexed by recipe, as they come: runs, seeds, splits (how many), top1 and top1_spread,
        from ten classes on the same for top5, and `END_STATE` and `CYCLIC`, the accuracy between
        the two classes of a pair, as far as there are such pairs. Shares from 0 to 1; the spread is
        the standard deviation over the runs (n - 1), not a number for a single run.
    """
    rows = [
        {"recipe": recipe, "seed": seed, "split": split}
        | top_ks(predictions)
        | _inside_pairs(predictions)
        for recipe, seed, split, predictions in results
    ]
    table = pd.DataFrame(rows, columns=None if rows else ["recipe", "seed", "split", "top1"])
    recipes = table.groupby("recipe", sort=False)
    summed = recipes.agg(
        runs=("seed", "size"), seeds=("seed", "nunique"), splits=("split", "nunique")
    )
    for name in table.columns.drop(["recipe", "seed", "split"]):
        summed[name] = recipes[name].mean()
        summed[f"{name}_spread"] = recipes[name].std(ddof=1)
    return summed


def _inside_pairs(predictions: Predictions) -> dict[str, float]:
    """Return the accuracy between the two classes of a pair, by kind of pair."""
    within = pair_accuracy(predictions, predictions.reversed_pairs)["within_pair"]
    return within[within.index.isin([END_STATE, CYCLIC])].to_dict()
