"""Two models on the same videos, and whether their difference is more than chance.

Takes two `Predictions` from `predictions`; gives p-values to `comparison`, `motion` and notebooks.
A p-value is how often two equally good models would differ at least this much. Such tests are
about these two trained models; whether their recipes differ takes several seeds (`summary`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vidlab.errors import MetricError
from vidlab.evaluation.accuracy import hits
from vidlab.evaluation.intervals import clusters_of
from vidlab.evaluation.predictions import Predictions

__all__ = ["gains", "mcnemar", "same_videos", "sign_flip"]


def same_videos(predictions_by_name: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Bring predictions into the video order of the first ones; single frames are left out.

    Raises
    ------
    MetricError
        If there are none, or they are not about the same videos, labels and classes.
    """
    if not predictions_by_name:
        raise MetricError("Expected at least one set of predictions. Received: none. Train first.")
    first_name, first = next(iter(predictions_by_name.items()))
    wanted = first.video_ids.tolist()
    aligned = {}
    for name, said in predictions_by_name.items():
        place = {video: row for row, video in enumerate(said.video_ids.tolist())}
        if set(place) != set(wanted) or not len(place) == len(said) == len(first):
            differing = sorted(set(place) ^ set(wanted))
            raise MetricError(
                f"Expected predictions of the same videos, each once. Received: {len(first)} of "
                f"{first_name} and {len(said)} of {name}, which differ in {len(differing)}"
                + (f", such as {differing[0]}. " if differing else ". ")
                + "Compare runs on the same split of the same dataset."
            )
        rows = np.array([place[video] for video in wanted], dtype=np.int64)
        if said.classes != first.classes or (said.y_true[rows] != first.y_true).any():
            raise MetricError(
                "Expected predictions that agree about the right class of every video. "
                f"Received: other labels or classes in {name} than in {first_name}. "
                "Compare runs on the same classes of the same dataset."
            )
        aligned[name] = replace(
            said,
            video_ids=first.video_ids,
            groups=first.groups,
            y_true=first.y_true,
            probabilities=said.probabilities[rows],
            frames=None,
        )
    return aligned


def gains(a: Predictions, b: Predictions, *, k: int = 1) -> np.ndarray:
    """Score each video of `a`: 1 if only `b` is right about it, -1 if only `a` is, else 0.

    Parameters
    ----------
    a, b
        Of the same videos, in any order.
    k
        How many answers count.

    Returns
    -------
    ndarray of int64, shape (videos,)
        Its mean is by how much the accuracy of `b` is higher.

    Raises
    ------
    MetricError
        If they are not about the same videos, or `k` does not fit the number of classes.
    """
    a, b = same_videos({"a": a, "b": b}).values()
    return hits(b, k=k).astype(np.int64) - hits(a, k=k)


def mcnemar(a: Predictions, b: Predictions, *, k: int = 1) -> float:
    """Test whether two models are right about equally many videos (McNemar 1947).

    Only the videos count that one of them is right about and the other is not: between equally good
    models each of these is the toss of a coin. The exact binomial distribution is used throughout.
    The test takes every video for an independent witness, which the videos of a group are not, so
    it finds differences too easily; `sign_flip` does not.

    Returns
    -------
    float
        The two-sided p-value, above 0, at most 1; 1 where the two never disagree.

    Raises
    ------
    MetricError
        If they are not about the same videos, or `k` does not fit the number of classes.
    """
    gained = gains(a, b, k=k)
    only_a, only_b = int((gained < 0).sum()), int((gained > 0).sum())
    tosses = only_a + only_b
    as_few = sum(math.comb(tosses, heads) for heads in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * as_few / 2**tosses)


def sign_flip(a: Predictions, b: Predictions, *, k: int = 1) -> float:
    """Test whether two models are right about equally many videos, with whole groups as witnesses.

    If the two were equally good, swapping their answers within any (class, group) would be as
    likely a result as the one at hand. The p-value is the share of all 2^clusters ways of swapping
    that lead to a difference at least as large (Fisher 1935, for clusters). Cluster sums are whole
    numbers, so all ways are counted exactly, by adding one cluster after the other.

    Returns
    -------
    float
        The two-sided p-value, above 0, at most 1; 1 where the two never disagree.

    Raises
    ------
    MetricError
        If they are not about the same videos, or `k` does not fit the number of classes.
    """
    sums = np.bincount(clusters_of(a), weights=gains(a, b, k=k)).astype(np.int64)
    probability = np.ones(1)  # of each sum reachable so far, from the lowest to the highest
    for size in np.abs(sums[sums != 0]):
        rest = np.zeros(2 * size)
        probability = (np.append(probability, rest) + np.append(rest, probability)) / 2
    highest = len(probability) // 2
    reached = np.abs(np.arange(-highest, highest + 1)) >= abs(sums.sum())
    return min(1.0, float(probability[reached].sum()))
