"""Models side by side: what each scored and cost, and which of the differences hold.

Takes `Predictions` from `predictions`, what `runs` says of cost, and what `recipes` says of the
literature; gives tables to `plots`, the command line and notebooks.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import hits, reported_ks
from vidlab.evaluation.intervals import bootstrap, clusters_of, interval
from vidlab.evaluation.paired import gains, mcnemar, same_videos, sign_flip
from vidlab.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from vidlab.recipes import Published

__all__ = ["class_deltas", "compare", "leaderboard"]

_COSTS = ("parameters", "training_seconds", "feature_seconds")


def leaderboard(
    predictions_by_name: Mapping[str, Predictions],
    *,
    dataset: str,
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
    published: Mapping[str, Published] | None = None,
    published_on: str = "UCF-101",
    repeats: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Put models in the order of their accuracy, with what they cost and what was published.

    Parameters
    ----------
    predictions_by_name
        Of each model, on the same videos in any order.
    dataset
        The dataset's name, such as ``"Pantomime"``.
    metrics
        Of each model, what `RunFolder.metrics` holds: parameters, training_seconds,
        feature_seconds, model_bytes. What is missing stays empty.
    published
        Of each model, what its recipe's ``published`` says.
    published_on
        The dataset of the published values.
    repeats, seed
        Of the bootstrap, as for `interval`.

    Returns
    -------
    DataFrame
        Indexed by model, the best first. Two levels of columns. ``measured, <dataset>``: videos,
        top1, top1_low, top1_high (95% interval over groups), from ten classes on the same for top5,
        parameters, training_seconds, feature_seconds, megabytes. ``published, <published_on>``:
        top1 and top5. Shares from 0 to 1; not a number where nothing is known.

    Raises
    ------
    MetricError
        If there are no predictions, none of any video, or they are not about the same videos.
    """
    measured, quoted = {}, {}
    for name, said in same_videos(predictions_by_name).items():
        row: dict[str, float] = {"videos": len(said)}
        for k in reported_ks(len(said.classes)):
            sure = interval(said, metric=f"top{k}", repeats=repeats, seed=seed)
            row |= {f"top{k}": sure.estimate, f"top{k}_low": sure.low, f"top{k}_high": sure.high}
        known = (metrics or {}).get(name, {})
        row |= {cost: _number(known.get(cost)) for cost in _COSTS}
        measured[name] = row | {"megabytes": _number(known.get("model_bytes")) / 1e6}
        source = (published or {}).get(name)
        quoted[name] = {
            top: _number(getattr(source, top, None)) / 100 for top in row if top in ("top1", "top5")
        }
    parts = {f"measured, {dataset}": measured, f"published, {published_on}": quoted}
    table = pd.concat(
        {label: pd.DataFrame.from_dict(rows, orient="index") for label, rows in parts.items()},
        axis=1,
    )
    order = table[f"measured, {dataset}"].sort_values("top1", ascending=False, kind="stable").index
    return table.loc[order].rename_axis("model")


def compare(
    predictions_by_name: Mapping[str, Predictions],
    *,
    against: str | None = None,
    k: int = 1,
    repeats: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare models two by two on the same videos.

    Parameters
    ----------
    predictions_by_name
        Of two models or more; the videos may come in different orders.
    against
        Compare this model with each of the others, instead of all with all.
    k
        How many answers count: 1 compares top-1.
    repeats, level, seed
        Of the bootstrap, as for `interval`.

    Returns
    -------
    DataFrame
        One row a pair of models, in the order given: a, b, videos, clusters, accuracy_a,
        accuracy_b; difference (`b` minus `a`, -1 to 1) with low and high, its interval over paired
        (class, group) clusters; only_a and only_b (videos only one is right about); the p-values of
        `mcnemar` and `sign_flip`; and holm_p, that of `sign_flip` corrected for the number of rows
        (Holm 1979): of twenty comparisons of equals, one is under 0.05 by chance.

    Raises
    ------
    MetricError
        If there are fewer than two, they are not about the same videos, or `against` or `k` does
        not fit.

    Examples
    --------
    >>> videos = {"video_ids": ["v1", "v2", "v3"], "groups": ["g01", "g02", "g03"]}
    >>> videos |= {"y_true": [0, 0, 1], "classes": ["Open", "Close"]}
    >>> still = Predictions(**videos, probabilities=[[0.6, 0.4]] * 3)
    >>> moving = Predictions(**videos, probabilities=[[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> compare({"still": still, "moving": moving})[["a", "b", "only_a", "only_b", "mcnemar_p"]]
           a       b  only_a  only_b  mcnemar_p
    0  still  moving       0       1        1.0
    """
    names = list(predictions_by_name)
    if len(names) < 2 or against not in (None, *names):
        raise MetricError(
            f"Expected two models or more{', one of them ' + against if against else ''}. "
            f"Received: {', '.join(names) or 'none'}. Name the models to compare."
        )
    said = same_videos(predictions_by_name)
    pairs = itertools.combinations(names, 2)
    if against is not None:
        pairs = ((against, other) for other in names if other != against)
    rows = []
    for a, b in pairs:
        gained = gains(said[a], said[b], k=k)
        sure = bootstrap(gained, clusters_of(said[a]), repeats=repeats, level=level, seed=seed)
        rows.append(
            {
                "a": a,
                "b": b,
                "videos": len(gained),
                "clusters": sure.clusters,
                "accuracy_a": float(hits(said[a], k=k).mean()),
                "accuracy_b": float(hits(said[b], k=k).mean()),
                "difference": sure.estimate,
                "low": sure.low,
                "high": sure.high,
                "only_a": int((gained < 0).sum()),
                "only_b": int((gained > 0).sum()),
                "mcnemar_p": mcnemar(said[a], said[b], k=k),
                "sign_flip_p": sign_flip(said[a], said[b], k=k),
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(holm_p=_holm(table["sign_flip_p"].to_numpy()))


def class_deltas(
    a: Predictions,
    b: Predictions,
    *,
    k: int = 1,
    repeats: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Tell for each class how much more accurate `b` is than `a`, the greatest gain first.

    Parameters
    ----------
    a, b
        Of the same videos, in any order.
    k
        How many answers count: 1 compares top-1.
    repeats, level, seed
        Of the bootstrap, as for `interval`.

    Returns
    -------
    DataFrame
        Indexed by class, those without videos left out: videos, groups, accuracy_a, accuracy_b,
        delta (accuracy_b minus accuracy_a, -1 to 1), and low and high, its interval over the
        class's groups. A test part has seven groups a class, so take the interval for a rough one;
        it has no width where all groups gain the same, and is not a number for a single group.

    Raises
    ------
    MetricError
        If they are not about the same videos, or `k` does not fit the number of classes.
    """
    a, b = same_videos({"a": a, "b": b}).values()
    gained, right_a, right_b = gains(a, b, k=k), hits(a, k=k), hits(b, k=k)
    clusters, rows = clusters_of(a), {}
    for label, name in enumerate(a.classes):
        own = a.y_true == label
        if own.any():
            sure = bootstrap(gained[own], clusters[own], repeats=repeats, level=level, seed=seed)
            rows[name] = {
                "videos": int(own.sum()),
                "groups": sure.clusters,
                "accuracy_a": float(right_a[own].mean()),
                "accuracy_b": float(right_b[own].mean()),
                "delta": sure.estimate,
                "low": sure.low,
                "high": sure.high,
            }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("class")
    return table.sort_values("delta", ascending=False, kind="stable")


def _holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for their number: the smallest counts n-fold, the next (n - 1)-fold."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return corrected


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
