"""How an index is divided into training, validation and test: by lists, by groups, at random."""

from __future__ import annotations

import re
import warnings
from typing import Self

import numpy as np
import pandas as pd

from vidlab.data.groups import check_no_leakage, copies_apart
from vidlab.errors import SplitError

__all__ = ["TEST_SHARE", "Splittable", "at_random", "by_groups", "fold_numbers", "hold_out"]

_SPLITS = ("auto", "official", "groups", "random")

TEST_SHARE = 0.28
"""The share of groups that test, as in UCF-101's lists: 7 of 25."""

_DRAWS = 16  # hold-outs to choose the most even one from


class Splittable:
    """The splits and folds of a `VideoIndex`."""

    def split(
        self, k: int = 1, *, validation: float = 0.1, seed: int = 0, by: str = "auto"
    ) -> tuple[Self, Self, Self]:
        """Divide the videos into training, validation and test.

        Parameters
        ----------
        k
            Which split, from 1: the number of the official lists, or of the test fold.
        validation
            Which share of the training videos to hold out, from 0 to below 1. Where the dataset
            comes with validation videos they are taken, and train where this is 0.
        seed
            Draws the groups held out for validation, and a random split.
        by
            ``"official"`` follows the lists or folders the dataset comes with, validation videos
            included; ``"groups"`` tests on the k-th 28% of the groups in order; ``"random"``
            ignores groups, so that videos of one group come into several parts: it is here to show
            what that does to a result. ``"auto"`` is official where the dataset comes with splits,
            groups otherwise.

        Returns
        -------
        tuple of VideoIndex
            Training, validation, test. But for ``"random"``, no group is in two of them.

        Raises
        ------
        SplitError
            There is no such split, or it leaves a class without training videos.
        LeakageError
            The official lists themselves spread a group over two parts.
        """
        if not isinstance(k, int | np.integer) or k < 1:
            raise SplitError(
                f"Expected the number of a split, from 1. Received: {k!r}. UCF-101 has 1, 2 and 3."
            )
        if by not in _SPLITS:
            raise SplitError(f"Expected by to be one of {_SPLITS}. Received: {by!r}. Choose one.")
        if by == "auto":
            by = "official" if self.lists else "groups"
        rng = np.random.default_rng([seed, k])
        if by == "official":
            part = self._official(k)
        elif by == "groups":
            test = by_groups(self.table, k, across_classes=self.across_classes)
            part = np.where(test, "test", "train")
        else:
            test = at_random(self.table, rng, share=TEST_SHARE)
            part = np.where(test, "test", "train")
        return self._divided(part, rng, validation=validation, by=by, name=f"split {k} by {by}")

    def folds(
        self, by: str = "group", n: int | None = None, *, validation: float = 0.1, seed: int = 0
    ) -> list[tuple[Self, Self, Self]]:
        """Divide the videos for cross-validation: every fold tests other videos.

        Parameters
        ----------
        by
            ``"group"``: whole groups test. ``"official"``: the splits of the official lists, one
            after the other.
        n
            How many folds; None for as many as there are group names (leave one group out).
        validation
            Which share of each fold's training videos to hold out, in whole groups, from 0 to below
            1; what tests in a fold does not validate in it.
        seed
            Draws which groups come into one fold, and those held out for validation.

        Returns
        -------
        list of tuple of VideoIndex
            Training, validation and test of each fold. With ``"group"``, every video tests once,
            but those of a class with a single group only train, as far as that group is not of
            other classes too.

        Raises
        ------
        SplitError
            There are fewer groups than folds, or a fold leaves a class without training videos.
        """
        if by == "official":
            ks = sorted(self.lists) if self.lists else [1]
            return [self.split(k, validation=validation, seed=seed, by=by) for k in ks]
        if by != "group":
            raise SplitError(
                f"Expected by to be 'group' or 'official'. Received: {by!r}. Choose one."
            )
        rng, across = np.random.default_rng(seed), self.across_classes
        number = fold_numbers(self.table, n, rng, across_classes=across)
        groups_of_class = self.table.groupby("class_name")["group"].transform("nunique")
        alone = (groups_of_class == 1).to_numpy() & (not across)
        self._say_what_is_not_tested(self.table[~alone], "any fold")
        folds = []
        for k in np.unique(number[~alone]):
            part = np.where((number == k) & ~alone, "test", "train")
            rng, name = np.random.default_rng([seed, k]), f"fold {k + 1}"
            folds.append(self._divided(part, rng, validation=validation, by=by, name=name))
        return folds

    def _official(self, k: int) -> np.ndarray:
        """Give the part of each video in the given split `k`, "" where it is in none."""
        if not self.lists:
            raise SplitError(
                f"Expected official lists beside the videos. Received: {self.root} without "
                'trainlist01.txt. Add them in ucfTrainTestlist, or split by="groups".'
            )
        if k not in self.lists:
            raise SplitError(
                f"Expected one of the official splits {sorted(self.lists)}. Received: {k}. "
                'Choose one of them, or split by="groups".'
            )
        part = self.table["path"].map(self.lists[k]).fillna("").to_numpy(dtype=np.str_)
        if left_out := int((part == "").sum()):
            warnings.warn(
                f"vidlab: {left_out} of {len(self)} videos are in neither list of split {k}, so "
                'it leaves them out; split by="groups" to use them.',
                stacklevel=3,
            )
        return part

    def _divided(
        self, part: np.ndarray, rng: np.random.Generator, *, validation: float, by: str, name: str
    ) -> tuple[Self, Self, Self]:
        """Hold out validation videos where `part` names none, and check all parts."""
        if not 0 <= validation < 1:
            raise SplitError(
                "Expected the share of training videos to validate with, from 0 to below 1. "
                f"Received: {validation!r}. Use 0.1 for a tenth, 0 for none."
            )
        classes = self.table["class_name"].to_numpy()
        if validation == 0:
            part = np.where(part == "validation", "train", part)
        if bare := sorted({*classes} - {*classes[part == "train"]}):
            raise SplitError(
                f"Expected a training video of every class in {name}. Received: none of "
                f"{', '.join(bare)}. Add videos, keep other classes with index.of_classes(...), "
                'or split by="groups".'
            )
        if not (part == "test").any():
            raise SplitError(
                f"Expected test videos in {name}. Received: {self.root} with none. "
                "Each class to test needs videos of at least two groups."
            )
        part = part.astype("<U10")
        if validation and not (part == "validation").any():
            kept = np.flatnonzero(part == "train")
            draw = at_random if by == "random" else hold_out
            part[kept[draw(self.table.iloc[kept], rng, share=validation)]] = "validation"
        parts = tuple(self.select(part == each) for each in ("train", "validation", "test"))
        if by != "random":
            check_no_leakage(*parts)
            if apart := copies_apart(*parts):
                warnings.warn(
                    f"vidlab: {len(apart)} videos are in two parts of {name}, byte for byte the "
                    f"same under other names, first {' and '.join(apart[0])}: what is tested was "
                    "trained. index.report lists them as copied; remove them.",
                    stacklevel=3,
                )
        if by != "group":
            self._say_what_is_not_tested(parts[2].table, name)
        return parts

    def _say_what_is_not_tested(self, test: pd.DataFrame, name: str) -> None:
        classes = set(self.table["class_name"])
        untested = sorted(classes - set(test["class_name"]))
        if untested:
            more = f" and {len(untested) - 5} more" if len(untested) > 5 else ""
            warnings.warn(
                f"vidlab: {len(untested)} of {len(classes)} classes are never tested in {name}: "
                f"{', '.join(untested[:5])}{more}. To be tested and trained, a class needs videos "
                "of at least two groups.",
                stacklevel=4,
            )


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
    group = _group_order(table)
    if n is None:
        return group
    if n > group.max() + 1 and not across_classes:
        group = np.unique(group * len(classes) + labels, return_inverse=True)[1]
    videos = _counted(group, labels)
    if not 2 <= n <= len(videos):
        raise SplitError(
            f"Expected 2 to {len(videos)} folds, as there are {len(videos)} groups. Received: {n}. "
            "Choose fewer, or None to leave out one group at a time."
        )
    fold_of, held = np.zeros(len(videos), np.int64), np.zeros((n, len(classes)))
    drawn = rng.permutation(len(videos))
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
    group = _group_order(table)
    videos = _counted(group, pd.factorize(table["class_name"])[0])
    totals = videos.sum(axis=0)
    best, best_cost = np.zeros(len(videos), bool), np.inf
    for _ in range(_DRAWS):
        chosen = _draw(videos, rng.permutation(len(videos)), share)
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
    return best[group]


def _counted(group: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count the videos of each group in each class: int64, (groups, classes)."""
    videos = np.zeros((group.max() + 1, labels.max() + 1), np.int64)
    np.add.at(videos, (group, labels), 1)
    return videos


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
