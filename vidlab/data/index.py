"""A dataset as one table: which videos there are, their class, group and length; its splits.

Nothing is left out in silence: what cannot be read, or is listed but not there, is in the index's
report. Videos of one *group* share a scene or an actor, so a model can recognise the group instead
of the action: a split that spreads a group over two parts measures memory, not skill.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vidlab.data import layouts, splits
from vidlab.errors import DatasetError, LayoutError, LeakageError, SplitError

__all__ = ["ReversedPair", "VideoIndex", "check_no_leakage", "leakage"]

_COLUMNS = {
    "video_id": "str",
    "path": "str",
    "class_name": "str",
    "label": "int64",
    "group": "str",
    "clip": "int64",
    "frames": "int64",
    "fps": "float64",
    "width": "int64",
    "height": "int64",
}
_SPLITS = ("auto", "official", "groups", "random")


@dataclass(frozen=True)
class ReversedPair:
    """Two classes whose videos show each other in reverse; iterates over their names.

    Of most pairs the last frame tells which class it is (an open door: it was opened). In a
    `cyclic` pair, such as a crank turned forwards or backwards, no frame does, nor do the first and
    the last one together: only motion tells.

    Examples
    --------
    >>> first, second = ReversedPair("OpenDoor", "CloseDoor")
    >>> first, second
    ('OpenDoor', 'CloseDoor')
    """

    first: str
    second: str
    cyclic: bool = False

    def __iter__(self) -> Iterator[str]:
        return iter((self.first, self.second))


@dataclass(frozen=True, eq=False, repr=False)
class VideoIndex:
    """The videos of a dataset, one row each.

    Made by `from_folder`; `select`, `of_classes` and `split` give smaller ones.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns ``video_id`` (the file name without its ending, unique), ``path``, ``class_name``,
        ``label`` (position in `classes`), ``group`` (``"g01"``), ``clip`` (number in its group),
        ``frames``, ``fps``, ``width``, ``height`` (pixels); where the rate of a video varies, also
        ``times``, as in `vidlab.video.VideoInfo`.
    classes : list of str
        Class names in the order of their labels.
    report : pandas.DataFrame
        What is wrong with the folder: ``path``, ``reason``, and ``kind``, which is ``unreadable``,
        ``missing`` (listed but not there) or ``unlisted`` (there but in no official list).
    root : pathlib.Path
        The folder.
    lists : OfficialLists or None
        Its official train and test lists.
    """

    table: pd.DataFrame
    root: Path
    _: KW_ONLY
    classes: list[str]
    report: pd.DataFrame
    lists: layouts.OfficialLists | None

    @classmethod
    def from_folder(cls, root: str | Path, *, count: bool = False) -> VideoIndex:
        """Index the videos of a folder in UCF-101 layout.

        Parameters
        ----------
        root
            A folder with ``UCF-101/<Class>/<video>``, ``videos/<Class>/<video>`` or
            ``<Class>/<video>``, and official lists where `vidlab.layouts.find_lists` looks. Groups
            come from names such as ``v_Archery_g07_c02``; a file without counts as a group of its
            own, which a warning says.
        count
            Count every video's frames instead of believing its header: slow, for files whose
            headers lie.

        Raises
        ------
        LayoutError
            There are no videos in such a layout, or the lists contradict each other.
        """
        root = Path(root).absolute()
        files = layouts.find_videos(root)
        lists = layouts.find_lists(root)
        infos, problems = layouts.probe_all(files, count=count)
        if not infos:
            raise LayoutError(
                f"Expected readable videos. Received: {root}, where none of {len(files)} can be "
                f"read. The first says: {problems[0]['reason']}"
            )
        problems += layouts.compare_with_lists(root, files, lists)
        report = pd.DataFrame(problems, columns=["path", "reason", "kind"])
        if problems:
            kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(report["kind"]).items())
            warnings.warn(
                f"vidlab: {root}: {kinds} videos; index.report says which, and why.",
                stacklevel=2,
            )
        return cls._from_headers(pd.DataFrame(infos), root, report=report, lists=lists)

    @classmethod
    def _from_headers(cls, table: pd.DataFrame, root: Path, *, report, lists) -> VideoIndex:
        """Add class, id, label and group to a table of paths and headers, and put it in order."""
        spelled = lists.spelled if lists else str
        table = table.assign(
            class_name=[spelled(path.parent.name) for path in table["path"]],
            path=table["path"].astype("str"),
        )
        present = set(table["class_name"])
        order = [name for name in lists.classes if name in present] if lists else []
        classes = order + sorted(present - set(order))
        table = table.assign(label=table["class_name"].map(classes.index))
        table = table.sort_values(["label", "path"], ignore_index=True)
        paths = [Path(path) for path in table["path"]]
        groups, nameless = layouts.groups_and_clips(paths, table["class_name"])
        if nameless:
            warnings.warn(
                f"vidlab: {root}: {nameless} videos name no group, so each counts as a group of "
                "its own. Where several show one scene or person, name them like "
                "v_Class_g01_c02, or a split may leak.",
                stacklevel=3,
            )
        table = table.assign(video_id=layouts.unique_names(paths), **groups)
        varying = ["times"] * int(table["times"].notna().any())
        table = table[[*_COLUMNS, *varying]].astype(_COLUMNS)
        return cls(table, root, classes=classes, report=report, lists=lists)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        groups = len(self.table[["class_name", "group"]].drop_duplicates())
        return (
            f"VideoIndex({len(self)} videos, {len(self.classes)} classes, {groups} groups, "
            f"{str(self.root)!r})"
        )

    @property
    def paths(self) -> list[Path]:
        """The files, in the order of the table."""
        return [Path(path) for path in self.table["path"]]

    @property
    def labels(self) -> np.ndarray:
        """Class numbers, int64, ``(videos,)``."""
        return self.table["label"].to_numpy(np.int64)

    @property
    def reversed_pairs(self) -> list[ReversedPair]:
        """Pairs of classes whose videos show each other in reverse, both of them among `classes`.

        Read from ``reversed_pairs.csv`` in `root`: columns ``class_name``, ``twin_class`` and, if
        any pair is cyclic, ``kind`` ("end-state" or "cyclic"). A dataset without such a file has
        none.
        """
        file = self.root / "reversed_pairs.csv"
        rows = pd.read_csv(file).to_dict("records") if file.is_file() else []
        pairs = [
            ReversedPair(row["class_name"], row["twin_class"], row.get("kind") == "cyclic")
            for row in rows
        ]
        return [pair for pair in pairs if set(pair) <= set(self.classes)]

    @property
    def groups(self) -> np.ndarray:
        """Group names, str, ``(videos,)``; the same name in two classes is two groups."""
        return self.table["group"].to_numpy(dtype=np.str_)

    @property
    def has_official_lists(self) -> bool:
        """Whether there are train and test lists that official splits can follow."""
        return bool(self.lists and self.lists.train)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with the videos, not with where or when they lie."""
        facts = self.table.drop(columns="path")
        sizes = [path.stat().st_size if path.exists() else 0 for path in self.paths]
        text = facts.assign(bytes=sizes).sort_values("video_id").to_csv(index=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def select(self, chosen: Iterable) -> VideoIndex:
        """Keep some videos, by a boolean each or row positions in the order wanted.

        Classes and labels stay.
        """
        chosen = np.asarray(chosen if isinstance(chosen, np.ndarray) else list(chosen))
        chosen = chosen if chosen.dtype == bool else chosen.astype(np.int64)  # as those of [] are
        return self._with(self.table.iloc[chosen], self.classes)

    def _with(self, table: pd.DataFrame, classes: list[str]) -> VideoIndex:
        return replace(self, table=table.reset_index(drop=True), classes=classes)

    def of_classes(self, names: Iterable[str]) -> VideoIndex:
        """Keep some classes, with labels 0, 1, 2 … in the order named."""
        names = list(names)
        unknown = [name for name in names if name not in self.classes]
        if unknown or not names or len(set(names)) < len(names):
            raise DatasetError(
                f"Expected classes of {self.root}, each once. Received: {names}. There are: "
                f"{', '.join(self.classes)}."
            )
        table = self.table[self.table["class_name"].isin(names)]
        table = table.assign(label=table["class_name"].map(names.index).astype("int64"))
        return self._with(table.sort_values("label", kind="stable"), names)

    def split(
        self, k: int = 1, *, validation: float = 0.1, seed: int = 0, by: str = "auto"
    ) -> tuple[VideoIndex, VideoIndex, VideoIndex]:
        """Divide the videos into training, validation and test.

        Parameters
        ----------
        k
            Which split, from 1: the number of the official lists, or of the test fold.
        validation
            Which share of the training videos to hold out, from 0 to below 1.
        seed
            Draws the groups held out for validation, and a random split.
        by
            ``"official"`` follows the lists; ``"groups"`` tests on the k-th 28% of the groups in
            order; ``"random"`` ignores groups, so that videos of one group come into several
            parts: it is here to show what that does to a result. ``"auto"`` is official where
            there are lists, groups otherwise.

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
        if not 0 <= validation < 1:
            raise SplitError(
                "Expected the share of training videos to validate with, from 0 to below 1. "
                f"Received: {validation!r}. Use 0.1 for a tenth, 0 for none."
            )
        if by not in _SPLITS:
            raise SplitError(f"Expected by to be one of {_SPLITS}. Received: {by!r}. Choose one.")
        if by == "auto":
            by = "official" if self.has_official_lists else "groups"
        rng = np.random.default_rng([seed, k])
        if by == "official":
            train, test = self._official(k)
        else:
            test = (
                splits.by_groups(self.table, k)
                if by == "groups"
                else splits.at_random(self.table, rng, share=splits.TEST_SHARE)
            )
            train = ~test
        kept = np.flatnonzero(train)
        self._check_parts(kept, test, k=k, by=by)
        held_out_by = splits.at_random if by == "random" else splits.hold_out
        held = held_out_by(self.table.iloc[kept], rng, share=validation)
        parts = self.select(kept[~held]), self.select(kept[held]), self.select(test)
        if by != "random":
            check_no_leakage(*parts)
        return parts

    def _official(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        if not self.has_official_lists:
            raise SplitError(
                f"Expected official lists beside the videos. Received: {self.root} without "
                'trainlist01.txt. Add them in ucfTrainTestlist, or split by="groups".'
            )
        if k not in self.lists.train:
            raise SplitError(
                f"Expected one of the official splits {sorted(self.lists.train)}. Received: {k}. "
                'Choose one of them, or split by="groups".'
            )
        names = zip(self.table["class_name"], self.paths, strict=True)
        keys = [layouts.video_key(name, path.name) for name, path in names]
        train, test = (
            np.array([key in part[k] for key in keys])
            for part in (self.lists.train, self.lists.test)
        )
        left_out = int((~train & ~test).sum())
        if left_out:
            warnings.warn(
                f"vidlab: {left_out} of {len(self)} videos are in neither list of split {k}, so "
                'it leaves them out; split by="groups" to use them.',
                stacklevel=3,
            )
        return train, test

    def _check_parts(self, train: np.ndarray, test: np.ndarray, *, k: int, by: str) -> None:
        present = set(self.table["class_name"])
        bare = sorted(present - set(self.table["class_name"].iloc[train]))
        if bare:
            raise SplitError(
                f"Expected a training video of every class in split {k} by {by}. Received: none "
                f"of {', '.join(bare)}. Add videos, keep other classes with "
                'index.of_classes(...), or split by="groups".'
            )
        if not test.any():
            raise SplitError(
                f"Expected test videos in split {k} by {by}. Received: {self.root} with none. "
                "Each class to test needs videos of at least two groups."
            )


def leakage(*parts: VideoIndex) -> pd.DataFrame:
    """Find the groups that are in more than one part.

    Returns
    -------
    pandas.DataFrame
        One row for each shared (class, group): ``class_name``, ``group``, and for each part how
        many videos of the group it holds. The parts are called train and test where there are
        two, train, validation and test where there are three, and part_1, part_2 … otherwise.
        Empty where nothing is shared.
    """
    names = {2: ["train", "test"], 3: ["train", "validation", "test"]}.get(
        len(parts), [f"part_{number}" for number in range(1, len(parts) + 1)]
    )
    counts = [part.table.groupby(["class_name", "group"]).size() for part in parts]
    table = pd.concat(counts, axis=1, keys=names).fillna(0).astype(np.int64)
    shared = table[(table > 0).sum(axis=1) > 1].sort_index()
    return shared.rename_axis(["class_name", "group"]).reset_index()


def check_no_leakage(*parts: VideoIndex) -> None:
    """Raise an error where a group is in more than one part.

    Raises
    ------
    LeakageError
        At least one (class, group) is; the first is named. `leakage` lists all.
    """
    shared = leakage(*parts)
    if len(shared):
        first = shared.iloc[0].to_dict()
        where = ", ".join(
            f"{count} in {part}" for part, count in list(first.items())[2:] if count > 0
        )
        raise LeakageError(
            f"Expected every group in one part only. Received: {len(shared)} groups in more than "
            f"one, first {first['class_name']} {first['group']} (videos: {where}). Split with "
            'index.split(by="groups"); vidlab.index.leakage lists all shared groups.'
        )
