"""How an index is divided into training, validation and test, and what is checked then."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
import pandas as pd

from vidlab.data import splits
from vidlab.data.leakage import check_no_leakage, copies_apart
from vidlab.errors import SplitError

__all__ = ["Splittable"]

_SPLITS = ("auto", "official", "groups", "random")


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
            by = "official" if self.has_official_lists else "groups"
        rng = np.random.default_rng([seed, k])
        if by == "official":
            part = self._official(k)
        elif by == "groups":
            test = splits.by_groups(self.table, k, across_classes=self.across_classes)
            part = np.where(test, "test", "train")
        else:
            test = splits.at_random(self.table, rng, share=splits.TEST_SHARE)
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
            ks = sorted(self.lists) if self.has_official_lists else [1]
            return [self.split(k, validation=validation, seed=seed, by=by) for k in ks]
        if by != "group":
            raise SplitError(
                f"Expected by to be 'group' or 'official'. Received: {by!r}. Choose one."
            )
        rng, across = np.random.default_rng(seed), self.across_classes
        number = splits.fold_numbers(self.table, n, rng, across_classes=across)
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
        if not self.has_official_lists:
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
            draw = splits.at_random if by == "random" else splits.hold_out
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
