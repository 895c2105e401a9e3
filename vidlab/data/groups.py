"""Which videos belong together: by a pattern, by the dataset's own lists, or by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from vidlab.data.lists import video_stem
from vidlab.errors import LayoutError

__all__ = ["PATTERN", "group_names", "suggested_pattern"]

PATTERN = r"person(\d+)"
"""An example of what tells a group."""

_NAME = r"(?i)^(?:.*)_g(?P<group>\d+)_c(?P<clip>\d+)\Z"
_HMDB = (  # film_class_visible_camera_people_side_quality_clip
    r"^(?P<film>.+_)[a-z]+_(?:cm|nm)_np\d+_(?:ba|fr|le|ri)_(?:goo|med|bad)_(?P<clip>\d+)\Z"
)


def group_names(
    paths: list[Path], videos: pd.DataFrame, *, root: Path, pattern: str | None = None
) -> tuple[pd.DataFrame, str, list[Path]]:
    r"""Find ``group`` and ``clip`` of each video.

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
        v_Archery_g07_c02 or HMDB-51's, or "" if nothing tells); and the videos that name no group.
        Such a video is a group of its own, numbered after the other groups of its class.

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
    table = pd.DataFrame({"group": groups.astype("object").fillna(own), "clip": clips})
    return table, source, [path for path, lacks in zip(paths, nameless, strict=True) if lacks]


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
