"""Which rows of an index table test or validate: by groups, at random, or whole groups held out."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd

from vidlab.errors import SplitError

__all__ = ["TEST_SHARE", "at_random", "by_groups", "fold_numbers", "hold_out"]

TEST_SHARE = 0.28
"""The share of groups that test, as in UCF-101's lists: 7 of 25."""

_DRAWS = 16  # hold-outs to choose the most even one from


def by_groups(table: pd.DataFrame, k: int, *, across_classes: bool = False) -> np.ndarray:
    """Choose the videos of test fold `k`: the k-th 28% of the groups in order.

    Folds go by group name, the same for every class, so that videos of one name stay together in
    all classes. Where that would leave a class without training or test videos, each class's own
    groups are counted out instead, unless a name is one group `across_classes`, such as a person. A
    class with a single group only trains.

    Returns
    -------
    numpy.ndarray
        bool, ``(len(table),)``, True for test.

    Raises
    ------
    SplitError
        There are fewer folds than `k`: 28% goes into the groups three times at least, if there are
        three.
    """
    groups = _group_order(table)
    names = np.unique(groups)
    splits = len(names) // _fold_size(len(names)) if len(names) > 1 else 1
    if k > splits:
        raise SplitError(
            f"Expected one of the splits {list(range(1, splits + 1))}, as {len(names)} groups "
            f"allow. Received: {k}. Choose one of them, or use index.folds(n=...) for more parts."
        )
    test = np.isin(groups, _fold(names, k))
    classes = table["class_name"].to_numpy()
    one_class = table.groupby("group")["class_name"].nunique().max() == 1
    if across_classes and not one_class:
        return test
    if all(0 < test[classes == name].sum() < (classes == name).sum() for name in set(classes)):
        return test
    for name in set(classes):
        mine = classes == name
        test[mine] = np.isin(groups[mine], _fold(np.unique(groups[mine]), k))
    return test


def fold_numbers(
    table: pd.DataFrame,
    n: int | None,
    rng: np.random.Generator,
    *,
    across_classes: bool = False,
) -> np.ndarray:
    """Deal the groups into `n` folds, with about as many videos of each class in every fold.

    Videos of one group name stay together in all classes. Only for more folds than there are names
    is a name taken apart by its classes, and not even then where it is one group `across_classes`.

    Parameters
    ----------
    n
        How many folds, from 2; None for as many as there are group names, so that each fold leaves
        one name out, in all classes.

    Returns
    -------
    numpy.ndarray
        int64, ``(len(table),)``: the fold that tests each video, from 0.

    Raises
    ------
    SplitError
        There are fewer groups than folds.
    """
    labels, classes = pd.factorize(table["class_name"])
    names, group = np.unique(_group_order(table), return_inverse=True)
    if n is None:
        return group
    if n > len(names) and not across_classes:
        names, group = np.unique(group * len(classes) + labels, return_inverse=True)
    if not 2 <= n <= len(names):
        raise SplitError(
            f"Expected 2 to {len(names)} folds, as there are {len(names)} groups. Received: {n}. "
            "Choose fewer, or None to leave out one group at a time."
        )
    videos = np.zeros((len(names), len(classes)))  # how many by group and class
    np.add.at(videos, (group, labels), 1)
    fold_of, held = np.zeros(len(names), np.int64), np.zeros((n, len(classes)))
    drawn = rng.permutation(len(names))
    for row in drawn[np.argsort(-videos[drawn].sum(axis=1), kind="stable")]:  # largest first
        before, after = held / videos.sum(axis=0), (held + videos[row]) / videos.sum(axis=0)
        uneven = (after**2 - before**2).sum(axis=1).round(9)
        whole_classes = (after == 1).sum(axis=1)  # that would be left without training videos
        fold_of[row] = np.lexsort((held.sum(axis=1), uneven, whole_classes))[0]
        held[fold_of[row]] += videos[row]
    return fold_of[group]


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
        count = min(max(round(share * len(mine)), 1), len(mine) - 1)
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
    numbers = _group_order(table)
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


def _fold_size(groups: int) -> int:
    """How many of so many groups are 28%: at least one, and not all."""
    return min(max(round(TEST_SHARE * groups), 1), groups - 1)


def _fold(groups: np.ndarray, k: int) -> np.ndarray:
    """Take the k-th 28% of `groups`; a class of few begins again at the first after the last."""
    if len(groups) < 2:
        return groups[:0]
    size = _fold_size(len(groups))
    return groups[((k - 1) * size + np.arange(size)) % len(groups)]


def _group_order(table: pd.DataFrame) -> np.ndarray:
    """Number the group names in their natural order, in which g2 comes before g10."""

    def key(name: str) -> list:
        return [(int(d), "") if d.isdecimal() else (0, d) for d in re.split(r"(\d+)", name)]

    names = sorted(set(table["group"]), key=lambda name: (key(name), name))
    return table["group"].map({name: number for number, name in enumerate(names)}).to_numpy()
