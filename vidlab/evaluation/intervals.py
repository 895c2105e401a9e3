"""Confidence intervals of accuracies: the stratified bootstrap over groups, the spread over seeds.

The videos of a group share a scene and an actor, so they are no independent evidence: whole
clusters are drawn, not videos. They are drawn within each class, whose number of videos is the
dataset's choice and no accident. The two classes of a reversed pair are one stratum in which twins
stay together: what they prove about a model blind to the order of frames (right about one of two
twins at most) then holds in every draw. A person who is in several classes is one cluster, and
these classes are one stratum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import Per, counted, hits, reported_ks
from vidlab.evaluation.predictions import FramePredictions, Predictions

__all__ = [
    "Interval",
    "bootstrap",
    "bootstrap_by_class",
    "clusters_of",
    "interval",
    "per_class",
    "pool",
    "strata_of",
]

_REPEATS = 1000  # of a bootstrap


@dataclass(frozen=True)
class Interval:
    """An accuracy with its confidence interval.

    Attributes
    ----------
    estimate, low, high : float
        Shares from 0 to 1. The bounds are not numbers where no stratum has two clusters.
    clusters : int
        How many clusters the interval rests on, in all strata together.

    Examples
    --------
    >>> print(Interval(0.625, 0.551, 0.694, clusters=84))
    62.5% (95% interval 55.1–69.4%, 84 clusters)
    """

    estimate: float
    low: float
    high: float
    clusters: int

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.estimate:.1%} (no interval: one group a class)"
        return (
            f"{self.estimate:.1%} (95% interval {100 * self.low:.1f}–{self.high:.1%}, "
            f"{self.clusters} clusters)"
        )


def interval(predictions: Predictions, k: int = 1) -> Interval:
    """Top-k accuracy with its 95% percentile-bootstrap interval over clusters, see `bootstrap`.

    Parameters
    ----------
    predictions
        Pool several splits with `pool` where more clusters are wanted.

    Raises
    ------
    MetricError
        If `k` does not fit the number of classes, or there are no videos.
    """
    if not len(predictions):
        raise MetricError(
            "Expected predictions of at least one video. Received: none. Choose another part."
        )
    scores = hits(predictions, k=k)
    return bootstrap(scores, clusters_of(predictions), strata=strata_of(predictions))


def per_class(predictions: Predictions, *, per: Per = "video") -> pd.DataFrame:
    """Top-k accuracy of each class, with its 95% bootstrap interval over the class's groups.

    Parameters
    ----------
    per
        ``"video"``, or ``"frame"``: count single frames, as the figures of Newman (2020) do; of a
        recurrent model its prediction after every frame.

    Returns
    -------
    DataFrame
        Indexed by class, in their order: support (videos or frames), groups, top1, top1_low,
        top1_high and, from ten classes on, the same for top5. Shares from 0 to 1; not a number for
        a class without videos, the bounds also for a single group. A test part has seven groups a
        class, so take the interval for a rough one; it has no width where all groups score the
        same.

    Raises
    ------
    MetricError
        If there are no frames to count: a model that reads whole clips has none.
    """
    predictions = counted(predictions, per)
    support = np.bincount(predictions.y_true, minlength=len(predictions.classes))
    table = pd.DataFrame({"support": support}, pd.Index(predictions.classes, name="class"))
    for k in reported_ks(len(table)):
        found = bootstrap_by_class(hits(predictions, k=k), predictions)
        table["groups"] = found["clusters"]
        table[[f"top{k}", f"top{k}_low", f"top{k}_high"]] = found[["estimate", "low", "high"]]
    return table


def clusters_of(predictions: Predictions) -> np.ndarray:
    """Number the cluster of each video: int64, (videos,).

    A cluster is a group of a stratum, see `strata_of`: of a class, of both classes of a reversed
    pair, or of all classes in which a person is.
    """
    return _numbered(strata_of(predictions), predictions.groups)


def strata_of(predictions: Predictions) -> np.ndarray:
    """Number the stratum of each video: int64, (videos,).

    A stratum is a class, or both classes of a reversed pair. Where groups go across classes, such
    as persons who show several actions, classes that share a group are one stratum: the videos of
    one person are drawn together.
    """
    classes = predictions.classes
    stratum = {name: name for name in classes}
    stratum |= {pair.second: pair.first for pair in predictions.reversed_pairs}
    numbers = np.array([classes.index(stratum[name]) for name in classes], np.int64)
    strata = numbers[predictions.y_true]
    if predictions.across_classes:
        groups = len(classes) + _numbered(predictions.groups)
        size = len(classes) + len(groups)
        shared = coo_array((np.ones(len(groups)), (strata, groups)), shape=(size, size))
        strata = connected_components(shared, directed=False)[1][strata].astype(np.int64)
    return strata


def bootstrap(
    scores: np.ndarray,
    clusters: np.ndarray,
    *,
    strata: np.ndarray | None = None,
) -> Interval:
    """Mean of scores with its 95% percentile interval of a stratified bootstrap over clusters.

    In each stratum, clusters are drawn with replacement, as many as it has, and their videos'
    mean is taken; the strata count as much as in the data (Efron 1979; Davison and Hinkley 1997,
    sections 3.2 and 3.8). So whatever holds in each cluster, such as one half at most inside a
    reversed pair, holds in each draw. A stratum of one cluster adds nothing to the width.

    Parameters
    ----------
    scores
        (videos,): any numbers, so that the mean may also be a difference.
    clusters
        int64, (videos,): the cluster of each video, as of `clusters_of`.
    strata
        int64, (videos,): the stratum of each video, as of `strata_of`; all are in one unless given.
    """
    strata = np.zeros(len(scores), np.int64) if strata is None else np.asarray(strata)
    clusters, means, varied = np.asarray(clusters), np.zeros(_REPEATS), False
    for stratum in np.unique(strata):
        own = strata == stratum
        _, cluster = np.unique(clusters[own], return_inverse=True)
        totals, videos = np.bincount(cluster, weights=scores[own]), np.bincount(cluster)
        drawn = _draws(len(videos), int(stratum))
        means += own.mean() * (drawn @ totals) / (drawn @ videos)
        varied |= len(videos) > 1
    low = high = float("nan")
    if varied:
        low, high = np.quantile(means, [0.025, 0.975]).tolist()
    estimate = float(np.mean(scores)) if len(scores) else float("nan")
    return Interval(estimate, low, high, clusters=len(np.unique(clusters)))


def bootstrap_by_class(scores: np.ndarray, predictions: Predictions) -> pd.DataFrame:
    """`bootstrap` for the videos of each class: estimate, low, high and clusters, by class."""
    groups = _numbered(predictions.groups)
    videos = [predictions.y_true == label for label in range(len(predictions.classes))]
    rows = [vars(bootstrap(scores[own], groups[own])) for own in videos]
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
            recurrent=parts[0].frames.recurrent,
        )
    return replace(parts[0], **joined, frames=frames, others={})


def _numbered(*columns: np.ndarray) -> np.ndarray:
    """Number the rows that are alike: int64."""
    names = np.column_stack([column.astype(str) for column in columns])
    return np.unique(names, axis=0, return_inverse=True)[1].ravel()


@lru_cache(maxsize=256)  # every model compared on the same videos needs the same draws
def _draws(clusters: int, stratum: int) -> np.ndarray:
    """Draw clusters with replacement: how often each, int64, (repeats, clusters)."""
    chances = np.full(clusters, 1 / clusters)
    return np.random.default_rng((0, stratum)).multinomial(clusters, chances, size=_REPEATS)
