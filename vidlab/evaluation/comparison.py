"""Models side by side on the same videos: paired tests, differences by class.

A p-value is how often two equally good models would differ at least this much. Such tests are
about these trained models; whether their recipes differ takes several seeds (`summary`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import Per, counted, hits
from vidlab.evaluation.intervals import bootstrap, bootstrap_by_class, clusters_of, strata_of
from vidlab.evaluation.predictions import Predictions

__all__ = ["class_deltas", "compare", "mcnemar", "same_videos", "sign_flip"]


def same_videos(predictions_by_name: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Bring predictions into the video order of the first ones.

    Raises
    ------
    MetricError
        If there are none, or they are not about the same videos, labels and classes.
    """
    if not predictions_by_name:
        raise MetricError("Expected at least one set of predictions. Received: none. Train first.")
    first_name, first = next(iter(predictions_by_name.items()))
    aligned = {}
    for name, predictions in predictions_by_name.items():
        differing = sorted({*predictions.video_ids} ^ {*first.video_ids})
        if differing or not len({*first.video_ids}) == len(predictions) == len(first):
            raise MetricError(
                f"Expected predictions of the same videos, each once. Received: {len(first)} of "
                f"{first_name} and {len(predictions)} of {name}, which differ in {len(differing)}"
                + (f", such as {differing[0]}. " if differing else ". ")
                + "Compare runs on the same split of the same dataset."
            )
        rows = pd.Index(predictions.video_ids).get_indexer(first.video_ids)
        same_labels = (predictions.y_true[rows] == first.y_true).all()
        if predictions.classes != first.classes or not same_labels:
            raise MetricError(
                "Expected predictions that agree about the right class of every video. "
                f"Received: other labels or classes in {name} than in {first_name}. "
                "Compare runs on the same classes of the same dataset."
            )
        frames = predictions.frames
        if frames is not None:
            frames = replace(frames, video=np.argsort(rows)[frames.video])
        aligned[name] = replace(
            first, probabilities=predictions.probabilities[rows], frames=frames, others={}
        )
    return aligned


def mcnemar(a: Predictions, b: Predictions) -> float:
    """Exact McNemar test of whether two models are right about equally many videos: a p-value.

    Only the videos count that one of them is right about and the other is not: between equally good
    models each of these is the toss of a coin (McNemar 1947). The test takes the videos for
    independent, which those of a group are not: where they agree, it finds differences too easily;
    where they contradict one another, it can also miss one that `sign_flip` finds.

    Raises
    ------
    MetricError
        If they are not about the same videos.
    """
    gained = _gains(a, b)
    only_a, only_b = int((gained < 0).sum()), int((gained > 0).sum())
    return binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0


def sign_flip(a: Predictions, b: Predictions) -> float:
    """Exact sign-flip test of whether two models are right about equally many videos: a p-value.

    If the two were equally good, swapping their predictions within any group of a class (of a
    reversed pair, where twins stay together) would be as likely a result as the one at hand. The
    p-value is the share of all 2^clusters ways of swapping that lead to a difference at least as
    large (Fisher 1935, for clusters). Cluster sums are whole numbers, so all ways are counted
    exactly, by adding one cluster after the other.

    Raises
    ------
    MetricError
        If they are not about the same videos.
    """
    sums = np.bincount(clusters_of(a), weights=_gains(a, b)).astype(np.int64)
    probability = np.ones(1)  # of each sum reachable so far, from the lowest to the highest
    for size in np.abs(sums[sums != 0]):
        rest = np.zeros(2 * size)
        probability = (np.append(probability, rest) + np.append(rest, probability)) / 2
    highest = len(probability) // 2
    reached = np.abs(np.arange(-highest, highest + 1)) >= abs(sums.sum())
    return min(1.0, float(probability[reached].sum()))


def compare(
    predictions_by_name: Mapping[str, Predictions],
    *,
    against: str | None = None,
) -> pd.DataFrame:
    """Compare models two by two on the same videos, by top-1 accuracy.

    Parameters
    ----------
    predictions_by_name
        Of two models or more; the videos may come in different orders.
    against
        Compare this model with each of the others, instead of all with all.

    Returns
    -------
    DataFrame
        One row a pair of models, in the order given: a, b, videos, clusters, accuracy_a,
        accuracy_b; difference (`b` minus `a`, -1 to 1), low and high, its 95% interval (see
        `bootstrap`); only_a and only_b (videos only one is right about); the p-values of
        `mcnemar` and `sign_flip`; and holm_p, that of `sign_flip` corrected for the number of rows
        (Holm 1979): of twenty comparisons of equals, one is under 0.05 by chance.

    Raises
    ------
    MetricError
        If there are fewer than two, they are not about the same videos, or `against` is none of
        them.

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
    aligned = same_videos(predictions_by_name)
    pairs = itertools.combinations(names, 2)
    if against is not None:
        pairs = ((against, other) for other in names if other != against)
    rows = []
    for a, b in pairs:
        first, second = aligned[a], aligned[b]
        gained = _gains(first, second)
        gain = bootstrap(gained, clusters_of(first), strata=strata_of(first))
        rows.append(
            {
                "a": a,
                "b": b,
                "videos": len(gained),
                "clusters": gain.clusters,
                "accuracy_a": float(hits(first).mean()),
                "accuracy_b": float(hits(second).mean()),
                "difference": gain.estimate,
                "low": gain.low,
                "high": gain.high,
                "only_a": int((gained < 0).sum()),
                "only_b": int((gained > 0).sum()),
                "mcnemar_p": mcnemar(first, second),
                "sign_flip_p": sign_flip(first, second),
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(holm_p=_holm(table["sign_flip_p"]))


def class_deltas(a: Predictions, b: Predictions, *, per: Per = "video") -> pd.DataFrame:
    """By how much `b` is more accurate than `a` in each class, the greatest gain first.

    Parameters
    ----------
    per
        ``"video"``, or ``"frame"``: compare the shares of each video's frames that are right. The
        two models may look at different frames; every video counts the same.

    Returns
    -------
    DataFrame
        Indexed by class, those without videos left out: videos, groups, accuracy_a, accuracy_b,
        delta (accuracy_b minus accuracy_a, -1 to 1), and low and high, its 95% interval over the
        class's groups. A test part has seven groups a class, so take the interval for a rough one;
        it has no width where all groups gain the same, and is not a number for a single group.

    Raises
    ------
    MetricError
        If they are not about the same videos, or there are no frames to count.
    """
    a, b = same_videos({"a": a, "b": b}).values()
    right = pd.DataFrame({"accuracy_a": _right(a, per), "accuracy_b": _right(b, per)})
    gain = bootstrap_by_class((right["accuracy_b"] - right["accuracy_a"]).to_numpy(), a)
    by_class = right.groupby(np.asarray(a.classes, dtype=object)[a.y_true])
    table = by_class.mean().join(gain).assign(videos=by_class.size())
    table = table.rename(columns={"estimate": "delta", "clusters": "groups"}).rename_axis("class")
    table = table.loc[[name for name in a.classes if name in table.index]]
    columns = ["videos", "groups", "accuracy_a", "accuracy_b", "delta", "low", "high"]
    return table[columns].sort_values("delta", ascending=False, kind="stable")


def _right(predictions: Predictions, per: Per) -> np.ndarray:
    """Whether each video is right, or which share of its frames: float64, (videos,)."""
    right = hits(counted(predictions, per)).astype(float)
    if per == "video":
        return right
    video = predictions.frames.video
    return np.bincount(video, weights=right) / np.bincount(video)


def _gains(a: Predictions, b: Predictions) -> np.ndarray:
    """Score each video: 1 if only `b` is right about it, -1 if only `a` is, else 0."""
    a, b = same_videos({"a": a, "b": b}).values()
    return hits(b).astype(np.int64) - hits(a)


def _holm(p_values: pd.Series) -> pd.Series:
    """Correct p-values for their number: the smallest counts n-fold, the next (n - 1)-fold."""
    ordered = p_values.sort_values(kind="stable")
    return (ordered * np.arange(len(ordered), 0, -1)).cummax().clip(upper=1)
