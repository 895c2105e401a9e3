"""A dataset as one table: which videos there are, their class, group and length; its splits.

Nothing is left out in silence: what cannot be read, or is listed but not there, is in the index's
report. Videos of one *group* share a scene or an actor, so a model can recognise the group instead
of the action: a split that spreads a group over two parts measures memory, not skill.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vidlab.data import layouts, video
from vidlab.data.groups import PATTERN, group_names, suggested_pattern
from vidlab.data.splits import Splittable
from vidlab.data.video_files import size_and_time
from vidlab.errors import DatasetError, LayoutError, VideoError
from vidlab.files import system_message
from vidlab.progress import progress

__all__ = ["ReversedPair", "VideoIndex", "probe_all"]

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
_REPORT = ["path", "class_name", "reason", "kind"]


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
class VideoIndex(Splittable):
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
        What is wrong with the folder: ``path``, ``class_name`` ("" where it is not known),
        ``reason``, and ``kind``: ``unreadable``, ``missing`` (listed but not there), ``unlisted``
        (there but in no list), ``unused`` (there, but of no class), ``damaged`` (several frames
        less can be decoded than its header says), ``shorter`` (one frame less), or ``copied`` (byte
        for byte the same as another).
    root : pathlib.Path
        The folder.
    lists : dict or None
        The splits the dataset comes with: for each number, the part of each path, ``"train"``,
        ``"validation"`` or ``"test"``.
    groups_from : str
        ``"names"`` like v_Archery_g07_c02, where groups of one name in two classes are two;
        ``"pattern"`` or ``"list"``, where they are one, such as a person; "" where nothing tells,
        so that each video is a group of its own.
    ungrouped : int
        Of how many videos of the folder nothing tells the group; each is one of its own.
    copies : dict
        The path of each copied video, and of the first that is the same.
    notes : tuple of str
        What was found in the folder, and what was not used.
    """

    table: pd.DataFrame
    root: Path
    _: KW_ONLY
    classes: list[str]
    report: pd.DataFrame
    lists: dict[int, dict[str, str]] | None
    groups_from: str = "names"
    ungrouped: int = 0
    copies: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def from_folder(
        cls,
        root: str | Path,
        *,
        layout: str | None = None,
        groups: str | None = None,
        count: bool = False,
    ) -> VideoIndex:
        r"""Index the videos of a folder.

        Parameters
        ----------
        root
            A folder in one of the layouts of `vidlab.layouts.look`: official lists, tables of
            videos, folders named after classes.
        layout
            Which; None for the first that fits.
        groups
            A regular expression for the part of each path below `root` that is its group, such as
            ``person(\d+)``. None for what lists, folders or names such as ``v_Archery_g07_c02``
            say; a video of which nothing tells counts as a group of its own, and a warning says so.
        count
            Decode every video again, also those known from before: a disk can lose bytes
            without a trace.

        Raises
        ------
        LayoutError
            There are no videos in such a layout, or the lists contradict each other.
        """
        found = layouts.look(root, layout=layout or None)
        root = Path(root).resolve()
        files = found.videos["path"].tolist()
        infos, problems = probe_all(files, count=count)
        if not infos:
            raise LayoutError(
                f"Expected readable videos. Received: {root}, where none of {len(files)} can be "
                f"read. The first says: {problems[0]['reason']}"
            )
        table = pd.DataFrame(map(vars, infos)).merge(found.videos, on="path")
        present = set(table["class_name"])
        classes = [name for name in found.classes if name in present]
        classes += sorted(present - set(classes))
        table["label"], table["path"] = (
            table["class_name"].map(classes.index),
            table["path"].map(str),
        )
        table = table.sort_values(["label", "path"], ignore_index=True)
        paths = [Path(path) for path in table["path"]]
        named, source, copies, ungrouped = group_names(paths, table, root=root, pattern=groups)
        if ungrouped:
            hint = suggested_pattern(paths)
            warnings.warn(
                f"vidlab: {root}: {ungrouped} videos name no group, so each counts as a group "
                "of its own. Where several show one scene or person, a split may leak: name them "
                "like v_Class_g01_c02, or say which part of the name is the group, such as "
                f"--groups '{hint or PATTERN}'.",
                stacklevel=2,
            )
        table = table.assign(**named, video_id=_unique_names(paths))
        varying = ["times"] * int("times" in table and table["times"].notna().any())
        class_of = dict(zip(map(str, files), found.videos["class_name"], strict=True))
        problems += found.problems + [_copied(class_of, *pair) for pair in copies.items()]
        rows = [{"class_name": class_of.get(row["path"], ""), **row} for row in problems]
        report = pd.DataFrame(rows, columns=_REPORT)
        if problems:
            kinds = ", ".join(f"{n} {k}" for k, n in Counter(report["kind"]).items())
            warnings.warn(
                f"vidlab: {root}: {kinds} videos; index.report says which, and why.",
                stacklevel=2,
            )
        return cls(
            table[[*_COLUMNS, *varying]].astype(_COLUMNS),
            root,
            classes=classes,
            report=report,
            lists=found.splits or None,
            groups_from=source,
            ungrouped=ungrouped,
            copies=copies,
            notes=tuple(found.notes),
        )

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
        """Group names, str, ``(videos,)``; see `groups_from` for the same name in two classes."""
        return self.table["group"].to_numpy(dtype=np.str_)

    @property
    def across_classes(self) -> bool:
        """Whether a group name in two classes is one group."""
        return self.groups_from in ("pattern", "list")

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with the videos, not with where or when they lie."""
        facts = self.table.drop(columns="path")
        sizes = [size_and_time(path)[0] if path.exists() else 0 for path in self.paths]
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


def _copied(of: dict[str, str], path: str, first: str) -> dict[str, str]:
    """Report a video that is a copy of the `first` one; `of` which class each is."""
    reason = f"Byte for byte the same as {first}."
    if of[path] != of[first]:
        reason += f" That one is of class {of[first]}: one of the two labels is wrong."
    return {"path": path, "reason": reason, "kind": "copied"}


def probe_all(files: list[Path], *, count: bool) -> tuple[list[video.VideoInfo], list[dict]]:
    """Read what all files hold, several at a time.

    Returns
    -------
    tuple
        What was found, and a row for each video that is ``unreadable``, ``shorter`` than its
        header says by one frame, or ``damaged``: shorter by more.
    """

    def probe(file: Path) -> video.VideoInfo | dict:
        try:
            return video.probe(file, count=count)
        except VideoError as error:
            reason = str(error)
        except OSError as error:
            reason = system_message(error)
        return {"path": str(file), "reason": reason, "kind": "unreadable"}

    results = [None if count else video.known(file) for file in files]
    todo = [number for number, info in enumerate(results) if info is None]
    pool = ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1)))
    try:
        probed = pool.map(probe, [files[number] for number in todo])
        probed = progress(probed, desc="Indexing", total=len(todo), unit="video")
        for number, result in zip(todo, probed, strict=True):
            results[number] = result
    finally:
        pool.shutdown(cancel_futures=True)
    infos = [result for result in results if isinstance(result, video.VideoInfo)]
    problems = [result for result in results if isinstance(result, dict)]
    return infos, problems + [_shorter(info) for info in infos if info.frames < (info.named or 0)]


def _shorter(info: video.VideoInfo) -> dict:
    kind = "damaged" if info.frames < info.named - 1 else "shorter"
    reason = (
        f"Its header names {info.named} frames, of which {info.frames} can be decoded; it is used "
        "with these. The others are empty or damaged."
    )
    if info.path.is_dir():
        kind = "damaged"
        reason = (
            f"Its images are numbered for {info.named} frames, of which {info.frames} are there: "
            "those beside a gap follow each other. Get the others, or number them anew."
        )
    return {"path": str(info.path), "reason": reason, "kind": kind}


def _unique_names(paths: list[Path]) -> pd.Series:
    """Name each video by its file, with as much of the path as it takes to be unique."""
    names = pd.Series([path.stem for path in paths])
    for longer in ([path.with_suffix("") for path in paths], paths):
        with_class = [f"{path.parent.name}/{path.name}" for path in longer]
        names = names.mask(names.duplicated(keep=False), pd.Series(with_class))
    return names
