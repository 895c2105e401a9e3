"""Leakage: videos in two parts of a split that show the same scene or person, or are one file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vidlab.data import image_folders, probe_cache
from vidlab.errors import LeakageError

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["check_no_leakage", "copies_apart", "find_copies", "leakage"]


def leakage(*parts: VideoIndex) -> pd.DataFrame:
    """Find the groups that are in more than one part.

    Returns
    -------
    pandas.DataFrame
        One row for each shared (class, group), or for each group where one name is one group in all
        classes: ``class_name`` (all classes of it), ``group``, and for each part how many videos of
        the group it holds. The parts are called train and test where there are
        two, train, validation and test where there are three, and part_1, part_2 … otherwise.
        Empty where nothing is shared.
    """
    names = {2: ["train", "test"], 3: ["train", "validation", "test"]}.get(
        len(parts), [f"part_{number}" for number in range(1, len(parts) + 1)]
    )
    by = ["group"] if parts[0].across_classes else ["class_name", "group"]
    counts = [part.table.groupby(by).size() for part in parts]
    table = pd.concat(counts, axis=1, keys=names).fillna(0).astype(np.int64)
    shared = table[(table > 0).sum(axis=1) > 1].sort_index().rename_axis(by).reset_index()
    if parts[0].across_classes:
        videos = pd.concat([part.table for part in parts])
        of_group = videos.groupby("group")["class_name"].agg(
            lambda names: ", ".join(sorted({*names}))
        )
        shared.insert(0, "class_name", shared["group"].map(of_group))
    return shared


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
            f"one, first {first['class_name']} {first['group']} (videos: {where}). Split by groups "
            'instead: index.split(by="groups"), or on the command line --layout unsplit; '
            "vidlab.index.leakage lists all shared groups."
        )


def copies_apart(*parts: VideoIndex) -> list[tuple[str, str]]:
    """Find videos of two parts that are byte for byte the same; name one of each part."""
    copies = parts[0].copies
    first_of = [{copies.get(p, p): p for p in part.table["path"]} for part in parts]
    both = [[part[first] for part in first_of if first in part] for first in {*copies.values()}]
    return sorted((paths[0], paths[1]) for paths in both if len(paths) > 1)


def find_copies(paths: Iterable[Path]) -> dict[Path, Path]:
    """Find the videos that are byte for byte the same as an earlier one, which each is mapped to.

    Links to one file count as copies. Files are read whole only where their lengths and ends are
    the same.
    """
    copies: dict[Path, Path] = {}
    alike = [[path for path in paths if path.exists()]]
    for look in (_ends, image_folders.content_digest):
        alike = [group for files in alike for group in _alike(files, look)]
    for first, *others in alike:
        copies |= dict.fromkeys(others, first)
    return copies


def _alike(files: list[Path], look: Callable[[Path], object]) -> list[list[Path]]:
    found = defaultdict(list)
    for file in files:
        found[look(file)].append(file)
    return [group for group in found.values() if len(group) > 1]


def _ends(path: Path) -> tuple[int, str]:
    files = image_folders.files_of(path)
    return len(files), probe_cache.ends_of(files[0])
