"""Which videos belong together: by a pattern, by lists, by their names, as copies of one file.

Leakage is when videos of one group, the same scene or person, are in two parts of a split.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vidlab.data import video_files
from vidlab.data.lists import video_stem
from vidlab.errors import LayoutError, LeakageError

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = [
    "PATTERN",
    "check_no_leakage",
    "copies_apart",
    "find_copies",
    "group_names",
    "leakage",
    "suggested_pattern",
]

PATTERN = r"person(\d+)"
"""An example of what tells a group."""

_NAME = r"(?i)^(?:.*)_g(?P<group>\d+)_c(?P<clip>\d+)\Z"
_HMDB = (  # film_class_visible_camera_people_side_quality_clip
    r"^(?P<film>.+_)[a-z]+_(?:cm|nm)_np\d+_(?:ba|fr|le|ri)_(?:goo|med|bad)_(?P<clip>\d+)\Z"
)


def group_names(
    paths: list[Path], videos: pd.DataFrame, *, root: Path, pattern: str | None = None
) -> tuple[pd.DataFrame, str, dict[str, str], int]:
    r"""Find ``group`` and ``clip`` of each video; a copy that names no group has the first's.

    Parameters
    ----------
    paths, videos
        The files, and for each its ``class_name`` and the ``group`` that lists or folders give, ""
        where they give none.
    pattern
        A regular expression searched for in each path below `root`, such as ``person(\d+)``: what
        its brackets hold, or all of it without brackets, is the group.

    Returns
    -------
    tuple
        The table; where groups come from (``"pattern"``, ``"list"``, ``"names"`` such as
        v_Archery_g07_c02 or HMDB-51's, or "" if nothing tells); the path of each copy, and of the
        first that is the same; and how many videos name no group. Each of these is a group of its
        own, numbered after the other groups of its class.

    Raises
    ------
    LayoutError
        The pattern is none, or is found in no path.
    """
    listed, class_names = videos["group"], videos["class_name"]
    names = pd.Series([video_stem(path.name) for path in paths], dtype="str")
    in_name, hmdb = names.str.extract(_NAME).astype("float64"), names.str.extract(_HMDB)
    groups = in_name["group"].astype("Int64").map("g{:02d}".format, na_action="ignore")
    films = [
        film.removesuffix(f"{name}_").removesuffix("_") or None
        for film, name in zip(hmdb["film"].fillna(""), class_names, strict=True)
    ]
    groups = groups.astype("object").fillna(pd.Series(films, dtype="object"))
    source = "names" if groups.notna().any() else ""
    if pattern:
        groups, source = _by_pattern(paths, root, pattern), "pattern"
    elif (listed != "").any():
        groups, source = listed.where(listed != ""), "list"
    nameless = groups.isna()
    last = in_name["group"].groupby(class_names).transform("max").fillna(0)
    own = (last + nameless.groupby(class_names).cumsum()).astype("int64").map("g{:02d}".format)
    own = own if source in ("names", "") else names  # groups of other classes are no others
    clips = in_name["clip"].fillna(hmdb["clip"].astype("float64")).fillna(1).astype("int64")
    of_path = dict(zip(paths, groups.astype("object").fillna(own), strict=True))
    nameless = {path for path, lacks in zip(paths, nameless, strict=True) if lacks}
    copies = find_copies(sorted(paths, key=nameless.__contains__))  # first those that name a group
    of_path |= {path: of_path[first] for path, first in copies.items() if path in nameless}
    table = pd.DataFrame({"group": list(of_path.values()), "clip": clips})
    shown = {str(path): str(first) for path, first in copies.items()}
    return table, source, shown, len(nameless - copies.keys())


def _by_pattern(paths: list[Path], root: Path, pattern: str) -> pd.Series:
    below = [path.relative_to(root).as_posix() for path in paths]
    try:
        found = [re.search(pattern, name) for name in below]
    except re.error as error:
        raise LayoutError(
            f"Expected groups as a regular expression. Received: {pattern!r} ({error}). Write, for "
            f"example, '{PATTERN}'."
        ) from error
    if not any(found):
        raise LayoutError(
            f"Expected the pattern {pattern!r} in names such as {below[0]}. Received: it is in "
            f"none of them. Write, for example, '{PATTERN}'."
        )
    texts = [match and ("-".join(filter(None, match.groups())) or match[0]) for match in found]
    return pd.Series(texts, dtype="object")


def suggested_pattern(paths: Iterable[Path]) -> str | None:
    r"""Find a word with a number in all names that may be the group: most values, but shared.

    Examples
    --------
    >>> names = [f"person{p:02d}_run_d{d}.avi" for p in range(5) for d in range(3)]
    >>> print(suggested_pattern(map(Path, names)))
    person(\d+)
    """
    names = [path.stem for path in paths]
    values = defaultdict(list)
    for name in names:
        for word, number in dict(re.findall(r"([A-Za-z]+)[_-]?(\d+)", name)).items():
            values[word].append(number)
    shared = {
        word: len(set(numbers))
        for word, numbers in values.items()
        if len(numbers) == len(names) and 1 < len(set(numbers)) <= len(names) / 2
    }
    best = max(shared, key=shared.__getitem__, default=None)
    return best and rf"{best}(\d+)"


def leakage(*parts: VideoIndex) -> pd.DataFrame:
    """Find the groups that are in more than one part.

    Returns
    -------
    pandas.DataFrame
        One row for each shared (class, group), or for each group where one name is one group in all
        classes: ``class_name`` (all classes of it), ``group``, and for each part how many videos of
        the group it holds: ``train``, ``validation`` of three parts, and ``test``. Empty where
        nothing is shared.
    """
    names = ["train", "validation", "test"] if len(parts) == 3 else ["train", "test"]
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
            "vidlab.data.groups.leakage lists all shared groups."
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
    for look in (_ends, video_files.content_digest):
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
    files = video_files.files_of(path)
    return len(files), video_files.ends_of(files[0])
