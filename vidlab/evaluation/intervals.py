"""Confidence intervals of accuracies: the bootstrap over groups, and the spread over seeds.

The videos of a (class, group) share a scene and an actor, so they are no independent evidence:
whole clusters are drawn, not videos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import hits, per_class, reported_ks, top_ks
from vidlab.evaluation.predictions import FramePredictions, Predictions

__all__ = [
    "Interval",
    "bootstrap",
    "bootstrap_by_class",
    "class_intervals",
    "clusters_of",
    "interval",
    "pool",
    "summary",
]


@dataclass(frozen=True)
class Interval:
    """An accuracy with its confidence interval.

    Attributes
    ----------
    estimate, low, high : float
        Shares from 0 to 1. The bounds are not numbers where there are fewer than two clusters.
    clusters : int
        How many clusters the interval rests on.
    level : float
        The confidence level.

    Examples
    --------
    >>> print(Interval(0.625, 0.551, 0.694, clusters=84))
    62.5% (95% interval 55.1–69.4%, 84 clusters)
    """

    estimate: float
    low: float
    high: float
    clusters: int
    level: float = 0.95

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.estimate:.1%} (no interval: {self.clusters} cluster)"
        return (
            f"{self.estimate:.1%} ({self.level:.0%} interval {100 * self.low:.1f}–{self.high:.1%}, "
            f"{self.clusters} clusters)"
        )


def interval(predictions: Predictions, *, metric: str = "top1") -> Interval:
    """Accuracy with its 95% percentile-bootstrap interval over (class, group) clusters.

    Clusters are drawn with replacement, a thousand times, and the accuracy of each draw is taken
    (Efron 1979; for clusters, Davison and Hinkley 1997, section 3.8). For another score than an
    accuracy, or another level, see `bootstrap`.

    Parameters
    ----------
    predictions
        Pool several splits with `pool` where more clusters are wanted.
    metric
        ``"top1"``, ``"top5"``, or any ``"topK"``.

    Raises
    ------
    MetricError
        If the metric is unknown or does not fit, or there are no videos.
    """
    if not (metric.startswith("top") and metric[3:].isdigit()):
        raise MetricError(f"Expected top1 or top5. Received: {metric!r}. Choose one of these.")
    if not len(predictions):
        raise MetricError(
            "Expected predictions of at least one video. Received: none. Choose another part."
        )
    return bootstrap(hits(predictions, k=int(metric[3:])), clusters_of(predictions))


def class_intervals(predictions: Predictions) -> pd.DataFrame:
    """Accuracy of each class with its 95% bootstrap interval over the class's groups.

    Returns
    -------
    DataFrame
        Indexed by class, in their order: support (videos), groups, top1, top1_low, top1_high and,
        from ten classes on, the same for top5. Shares from 0 to 1; not a number for a class without
        videos, the bounds also for a single group. A test part has seven groups a class, so take
        the interval for a rough one; it has no width where all groups score the same.
    """
    table = per_class(predictions)[["support"]]
    for k in reported_ks(len(table)):
        found = bootstrap_by_class(hits(predictions, k=k), predictions)
        table["groups"] = found["clusters"]
        bounds = {"estimate": f"top{k}", "low": f"top{k}_low", "high": f"top{k}_high"}
        table = table.join(found[list(bounds)].rename(columns=bounds))
    return table


def clusters_of(predictions: Predictions) -> np.ndarray:
    """Number the (class, group) cluster of each video: int64, (videos,)."""
    names = np.column_stack([predictions.y_true.astype(str), predictions.groups])
    return np.unique(names, axis=0, return_inverse=True)[1].ravel()


def bootstrap(
    scores: np.ndarray,
    clusters: np.ndarray,
    *,
    repeats: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean of scores with its percentile-bootstrap interval over clusters.

    Parameters
    ----------
    scores
        (videos,): any numbers, so that the mean may also be a difference.
    clusters
        int64, (videos,): the cluster of each video.
    """
    present, cluster = np.unique(clusters, return_inverse=True)
    count, low, high = len(present), float("nan"), float("nan")
    if count > 1:
        totals, videos = np.bincount(cluster, weights=scores), np.bincount(cluster)
        drawn = _draws(count, repeats, seed)
        bounds = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.quantile((drawn @ totals) / (drawn @ videos), bounds).tolist()
    estimate = float(np.mean(scores)) if len(scores) else float("nan")
    return Interval(estimate, low, high, clusters=count, level=level)


def bootstrap_by_class(scores: np.ndarray, predictions: Predictions) -> pd.DataFrame:
    """`bootstrap` for the videos of each class: estimate, low, high and clusters, by class."""
    clusters = clusters_of(predictions)
    videos = [predictions.y_true == label for label in range(len(predictions.classes))]
    rows = [vars(bootstrap(scores[own], clusters[own])) for own in videos]
    return pd.DataFrame(rows, index=pd.Index(predictions.classes, name="class"))


def pool(parts: Sequence[Predictions]) -> Predictions:
    """Join the predictions of different videos, say of the test parts of splits 1 to 3.

    Parameters
    ----------
    parts
        With the same classes and no video in common. Single frames are kept if all have them.

    Raises
    ------
    MetricError
        If there are no parts, their classes differ, or a video is in two of them.
    """
    if not parts:
        raise MetricError("Expected at least one set of predictions. Received: none. Train first.")
    classes = parts[0].classes
    for part in parts[1:]:
        if part.classes != classes:
            raise MetricError(
                f"Expected predictions of the same classes: {', '.join(classes)}. "
                f"Received: {', '.join(part.classes)}. Pool runs on one dataset only."
            )
    names = ("video_ids", "groups", "y_true", "probabilities")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    videos, counts = np.unique(joined["video_ids"], return_counts=True)
    if (counts > 1).any():
        raise MetricError(
            f"Expected each video once. Received: {videos[counts > 1][0]} {counts.max()} times. "
            "Pool the test parts of different splits, and summarise seeds with summary."
        )
    frames = None
    if all(part.frames is not None for part in parts):
        starts = np.cumsum([0, *map(len, parts[:-1])])
        frames = FramePredictions(
            np.concatenate([p.frames.video + n for p, n in zip(parts, starts, strict=True)]),
            np.concatenate([part.frames.frame for part in parts]),
            np.concatenate([part.frames.probabilities for part in parts]),
        )
    return Predictions(**joined, classes=classes, frames=frames)


def summary(results: Iterable[tuple[str, int, int, Predictions]]) -> pd.DataFrame:
    """Mean accuracy of each recipe over its seeds and splits, and the spread.

    Parameters
    ----------
    results
        (recipe, seed, split, predictions), one for each run.

    Returns
    -------
    DataFrame
        Indexed by recipe, as they come: runs, seeds, splits (how many), top1 and top1_spread and,
        from ten classes on, top5 and top5_spread. Shares from 0 to 1; the spread is the standard
        deviation over the runs (n - 1), not a number for a single run.
    """
    rows = [
        {"recipe": recipe, "seed": seed, "split": split} | top_ks(predictions)
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


@lru_cache(maxsize=4)  # a hundred classes of seven groups each need the same draws
def _draws(clusters: int, repeats: int, seed: int) -> np.ndarray:
    """Draw clusters with replacement: how often each, int64, (repeats, clusters)."""
    chances = np.full(clusters, 1 / clusters)
    return np.random.default_rng(seed).multinomial(clusters, chances, size=repeats)
