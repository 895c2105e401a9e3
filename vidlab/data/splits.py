"""Which rows of an index table test or validate: by groups, at random, or whole groups held out."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

__all__ = ["TEST_SHARE", "at_random", "by_groups", "hold_out"]

TEST_SHARE = 0.28
"""The share of groups that test, as in UCF-101's lists: 7 of 25."""

_DRAWS = 16  # hold-outs to choose the most even one from


def by_groups(table: pd.DataFrame, k: int) -> np.ndarray:
    """Choose the videos of test fold `k`: the k-th 28% of the groups in order.

    Folds go by group number, the same numbers for every class, so that videos of one number stay
    together in all classes. Where that would leave a class without training or test videos, each
    class's own groups are counted out instead. A class with a single group only trains.

    Returns
    -------
    numpy.ndarray
        bool, ``(len(table),)``, True for test.
    """
    numbers = _group_numbers(table)
    test = np.isin(numbers, _fold(np.unique(numbers), k))
    classes = table["class_name"].to_numpy()
    if all(0 < test[classes == name].sum() < (classes == name).sum() for name in set(classes)):
        return test
    for name in set(classes):
        mine = classes == name
        test[mine] = np.isin(numbers[mine], _fold(np.unique(numbers[mine]), k))
    return test


def at_random(table: pd.DataFrame, rng: np.random.Generator, *, share: float) -> np.ndarray:
    """Choose `share` of every class's videos at random, whatever their groups.

    A class with one video gives none, any other at least one and never all.

    Returns
    -------
    numpy.ndarray
        bool, ``(len(table),)``.
    """
    chosen = np.zeros(len(table), bool)
    classes = table["class_name"].to_numpy()
    for name in sorted(set(classes)):
        mine = np.flatnonzero(classes == name)
        count = min(max(round(share * len(mine)), 1), len(mine) - 1) if share else 0
        chosen[rng.permutation(mine)[:count]] = True
    return chosen


def hold_out(table: pd.DataFrame, rng: np.random.Generator, *, share: float) -> np.ndarray:
    """Choose about `share` of the videos for validation, in whole groups, evenly over the classes.

    A group number goes as a whole, from all classes. Of a number of random choices the one whose
    shares, overall and in each class, are nearest to `share` is taken; none may leave a class
    without training videos. Where no group can be spared the result is empty, with a warning.

    Returns
    -------
    numpy.ndarray
        bool, ``(len(table),)``, True for validation.
    """
    numbers = _group_numbers(table)
    if share == 0 or len(table) == 0:
        return np.zeros(len(table), bool)
    labels, classes = pd.factorize(table["class_name"])
    groups, of_group = np.unique(numbers, return_inverse=True)
    videos = np.zeros((len(groups), len(classes)), np.int64)  # how many by group and class
    np.add.at(videos, (of_group, labels), 1)
    totals = videos.sum(axis=0)
    best, best_cost = np.zeros(len(groups), bool), np.inf
    for _ in range(_DRAWS):
        chosen = _draw(videos, rng.permutation(len(groups)), share)
        held = videos[chosen].sum(axis=0)
        uneven = np.abs(held / totals - share).mean()
        cost = abs(held.sum() / totals.sum() - share) + uneven
        if chosen.any() and cost < best_cost - 1e-12:
            best, best_cost = chosen, cost
    if not best.any():
        warnings.warn(
            "vidlab: no group can be held out for validation without leaving a class with no "
            "training videos, so the validation part is empty.",
            stacklevel=3,
        )
    return best[of_group]


def _draw(videos: np.ndarray, order: np.ndarray, share: float) -> np.ndarray:
    """Take groups in `order` until their share of the videos is as near to `share` as it gets."""
    totals, target = videos.sum(axis=0), share * videos.sum()
    chosen, held = np.zeros(len(videos), bool), np.zeros_like(totals)
    for group in order:
        more = held + videos[group]
        if np.any(more == totals):
            continue
        if chosen.any() and abs(more.sum() - target) >= abs(held.sum() - target):
            break
        chosen[group], held = True, more
    return chosen


def _fold(groups: np.ndarray, k: int) -> np.ndarray:
    """Take the k-th 28% of `groups`, beginning again at the first after the last."""
    if len(groups) < 2:
        return groups[:0]
    size = min(max(round(TEST_SHARE * len(groups)), 1), len(groups) - 1)
    return groups[((k - 1) * size + np.arange(size)) % len(groups)]


def _group_numbers(table: pd.DataFrame) -> np.ndarray:
    return table["group"].str.removeprefix("g").astype(np.int64).to_numpy()
