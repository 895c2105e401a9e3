"""How sure an accuracy is: intervals over clusters, pooled splits, the spread over seeds.

Takes `Predictions` from `predictions` and hits from `accuracy`; gives intervals and summaries to
`comparison`, `plots`, `runs` and notebooks. The videos of a (class, group) share a scene and an
actor, so they are no independent evidence: whole clusters are drawn, not videos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import class_positions, hits, per_class, reported_ks, top_ks
from vidlab.evaluation.predictions import FramePredictions, Predictions

__all__ = [
    "Interval",
    "bootstrap",
    "class_intervals",
    "clusters_of",
    "interval",
    "pool",
    "summary",
]

Metric = str | Callable[[Predictions], np.ndarray]


@dataclass(frozen=True)
class Interval:
    """An accuracy and the range it may well be in.

    Attributes
    ----------
    estimate, low, high : float
        Shares from 0 to 1. The bounds are not numbers where there are fewer than two clusters.
    clusters : int
        How many clusters the interval rests on.
    level : float
        How often such intervals hold the truth.

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


def interval(
    predictions: Predictions,
    *,
    metric: Metric = "top1",
    classes: Sequence[str] | None = None,
    repeats: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give an accuracy with its percentile-bootstrap interval over (class, group) clusters.

    Clusters are drawn with replacement, `repeats` times, and the accuracy of each draw is taken
    (Efron 1979; for clusters, Davison and Hinkley 1997, section 3.8).

    Parameters
    ----------
    predictions
        Pool several splits with `pool` where more clusters are wanted.
    metric
        ``"top1"``, ``"top5"`` (any ``"topK"``), or a function from `Predictions` to one score a
        video, (videos,), whose mean is wanted.
    classes
        Count the videos of these classes only.
    repeats
        How many draws.
    level
        Between 0 and 1.
    seed
        Of the draws.

    Raises
    ------
    MetricError
        If the metric is unknown or does not fit, a class is unknown, or there are no videos.
    """
    scores = _scores(predictions, metric)
    counted = np.ones(len(predictions), dtype=bool)
    if classes is not None:
        counted = np.isin(predictions.y_true, class_positions(predictions, classes))
    if not counted.any():
        raise MetricError(
            "Expected predictions of at least one video. Received: none. "
            "Choose classes that have videos in this part."
        )
    return bootstrap(
        scores[counted],
        clusters_of(predictions)[counted],
        repeats=repeats,
        level=level,
        seed=seed,
    )


def class_intervals(
    predictions: Predictions, *, repeats: int = 1000, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Give the accuracy of each class with its interval over the class's groups.

    Parameters
    ----------
    predictions
        Of any videos.
    repeats, level, seed
        Of the bootstrap, as for `interval`, which gives the same numbers for a single class.

    Returns
    -------
    DataFrame
        Indexed by class, in their order: support (videos), groups, top1, top1_low, top1_high and,
        from ten classes on, the same for top5. Shares from 0 to 1; not a number for a class without
        videos, the bounds also for a single group. A test part has seven groups a class, so take
        the interval for a rough one; it has no width where all groups score the same.
    """
    table, clusters = per_class(predictions), clusters_of(predictions)
    videos = [np.flatnonzero(predictions.y_true == label) for label in range(len(table))]
    table.insert(1, "groups", [len(np.unique(clusters[own])) for own in videos])
    for k in reported_ks(len(table)):
        right = hits(predictions, k=k).astype(np.float64)
        bounds = np.full((len(table), 2), np.nan)
        for label, own in enumerate(videos):
            if own.size:
                options = {"repeats": repeats, "level": level, "seed": seed}
                sure = bootstrap(right[own], clusters[own], **options)
                bounds[label] = sure.low, sure.high
        place = table.columns.get_loc(f"top{k}") + 1
        table.insert(place, f"top{k}_low", bounds[:, 0])
        table.insert(place + 1, f"top{k}_high", bounds[:, 1])
    return table


def clusters_of(predictions: Predictions) -> np.ndarray:
    """Number the (class, group) cluster of each video: int64, (videos,)."""
    names = np.column_stack([predictions.y_true.astype(str), predictions.groups])
    return np.unique(names, axis=0, return_inverse=True)[1].ravel()


def bootstrap(
    scores: np.ndarray, clusters: np.ndarray, *, repeats: int, level: float, seed: int
) -> Interval:
    """Give the mean of scores with its percentile-bootstrap interval over clusters.

    Parameters
    ----------
    scores
        (videos,), at least one: any numbers, so that the mean may also be a difference.
    clusters
        int64, (videos,): the cluster of each video.
    repeats, level, seed
        As for `interval`.
    """
    present, cluster = np.unique(clusters, return_inverse=True)
    count, estimate = len(present), float(scores.mean())
    if count < 2:
        return Interval(estimate, float("nan"), float("nan"), clusters=count, level=level)
    totals, videos = np.bincount(cluster, weights=scores), np.bincount(cluster)
    drawn = _draws(count, repeats, seed)
    low, high = np.quantile((drawn @ totals) / (drawn @ videos), [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), clusters=count, level=level)


def pool(parts: Sequence[Predictions]) -> Predictions:
    """Put the predictions of different videos, say of the test parts of splits 1 to 3, into one.

    Parameters
    ----------
    parts
        With the same classes and no video in common.

    Returns
    -------
    Predictions
        With single frames, if all parts have them.

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
    video_ids = np.concatenate([part.video_ids for part in parts])
    names, counts = np.unique(video_ids, return_counts=True)
    if (counts > 1).any():
        raise MetricError(
            f"Expected each video once. Received: {names[counts > 1][0]} {counts.max()} times. "
            "Pool the test parts of different splits, and summarise seeds with summary."
        )
    frames = None
    if all(part.frames is not None for part in parts):
        starts = np.cumsum([0, *(len(part) for part in parts)])
        frames = FramePredictions(
            video=np.concatenate(
                [part.frames.video + start for part, start in zip(parts, starts, strict=False)]
            ),
            frame=np.concatenate([part.frames.frame for part in parts]),
            probabilities=np.concatenate([part.frames.probabilities for part in parts]),
        )
    return Predictions(
        video_ids=video_ids,
        groups=np.concatenate([part.groups for part in parts]),
        y_true=np.concatenate([part.y_true for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        classes=classes,
        frames=frames,
    )


def summary(results: Iterable[tuple[str, int, int, Predictions]]) -> pd.DataFrame:
    """Give the mean accuracy of each recipe over its seeds and splits, and the spread.

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
        {"recipe": recipe, "seed": seed, "split": split} | top_ks(said)
        for recipe, seed, split, said in results
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


def _scores(predictions: Predictions, metric: Metric) -> np.ndarray:
    """Give one score a video: float64, (videos,)."""
    if callable(metric):
        scores = np.asarray(metric(predictions), dtype=np.float64)
        if scores.shape != (len(predictions),):
            raise MetricError(
                f"Expected one score for each of {len(predictions)} videos. Received: shape "
                f"{scores.shape}. Let the metric give scores, not their mean."
            )
        return scores
    if not (metric.startswith("top") and metric[3:].isdigit()):
        raise MetricError(
            f"Expected top1, top5 or a function. Received: {metric!r}. Choose one of these."
        )
    return hits(predictions, k=int(metric[3:])).astype(np.float64)
