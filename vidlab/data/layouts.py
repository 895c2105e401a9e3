"""How a folder holds videos: which there are, and their classes, groups and parts.

`look` reads a folder in the first layout of `LAYOUTS` that fits, and says also what it did not use.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vidlab.data import list_layouts, lists, video
from vidlab.data.contents import Contents, Found, counted, given_splits
from vidlab.data.lists import PARTS, normalized
from vidlab.errors import LayoutError

__all__ = ["LAYOUTS", "find_lists", "look"]

_VIDEO_FOLDERS = ("ucf-101", "videos")
_UCF_NAME = re.compile(r"(?i)v_(?P<class>.+)_g\d+_c\d+")
_WORDS = ("class", "group", "split", "*")


def look(root: str | Path, *, layout: str | None = None) -> Found:
    """Say what a folder holds.

    Parameters
    ----------
    layout
        One of `LAYOUTS`, or what the folders between `root` and the videos are, outermost first:
        ``"class"``, ``"class/group"``, ``"split/class"``, ``"group/class"``, with ``*`` for what
        says nothing. None for the first of `LAYOUTS` that fits. ``"unsplit"`` is as None, without
        the splits the folder comes with.

    Raises
    ------
    LayoutError
        There is no such folder, or it is in no such layout, or a list contradicts itself.
    """
    if not Path(root).is_dir():
        raise LayoutError(
            f"Expected a folder of videos. Received: {root} (no such folder). Check the spelling."
        )
    contents = Contents.of(root)
    if layout in (None, "", "unsplit"):
        found = next(filter(None, (read(contents) for read in LAYOUTS.values())), None)
    elif layout in LAYOUTS:
        found = LAYOUTS[layout](contents)
    elif {*layout.split("/")} <= {*_WORDS} and layout.split("/").count("class") == 1:
        found = _by_folders(contents, layout.split("/"))
    else:
        raise LayoutError(
            f"Expected a layout: {', '.join(LAYOUTS)}, unsplit, or folders from "
            f"{', '.join(_WORDS)} with class once, such as split/class. "
            f"Received: {layout!r}. Choose one."
        )
    if found is None or found.videos.empty:
        raise _layout_error(contents, layout)
    if layout == "unsplit":
        found.splits.clear()
    found.problems.extend(contents.problems)
    found.notes.insert(0, f"Layout: {found.layout}.")
    return found


def _layout_error(contents: Contents, layout: str | None) -> LayoutError:
    loose = sum(not contents.inside(file) for file in contents.videos)
    wanted = f"the layout {layout}" if layout else "videos in <Class>/, videos/<Class>/ or a list"
    return LayoutError(
        f"Expected {wanted}, in files ending in {', '.join(video.SUFFIXES)}. Received: "
        f"{contents.root} with {loose} videos outside a class folder, "
        f"{len(contents.videos) - loose} in folders, and other files: "
        f"{counted(contents.others) or 'none'}. Put the videos of each class into a folder named "
        "after it, or list them in labels.csv with the columns path and label, or say what the "
        "folders are, such as --layout split/class."
    )


def find_lists(root: str | Path) -> Path | None:
    """Find the folder of the official lists that belong to a folder of videos.

    They may be in `root`, in any folder inside it, or in ``ucfTrainTestlist``, ``annotations`` or
    ``splits`` beside it; None where they are in none of these.
    """
    return list_layouts.lists_folder(Contents.of(root))


def _folders(contents: Contents) -> Found | None:
    words = _guessed([contents.inside(file) for file in contents.videos])
    found = words and _by_folders(contents, words, exact=True)
    if not found:
        return None
    only = found.videos["class_name"].unique()
    if len(only) == 1:
        by_name = _names(contents)
        if only[0].lower() in _VIDEO_FOLDERS or (
            by_name and by_name.videos["class_name"].nunique() > 1
        ):
            return None
        found.notes.append(f"There is one class only, {only[0]}.")
    return found


def _guessed(inside: list[tuple[str, ...]]) -> list[str] | None:
    """Say what the folders of most videos are; None where none is a class."""
    inside = [folders for folders in inside if folders]
    inner = list(filter(_is_inner, inside))
    if not inside:
        return None
    depth = Counter(len(folders) for folders in inner or inside).most_common(1)[0][0]
    levels = list(zip(*(f for f in inner or inside if len(f) == depth), strict=True))
    words = ["*"] * depth
    free = list(range(depth))
    for level, names in enumerate(levels):
        parts = {PARTS[name.lower()] for name in set(names) if name.lower() in PARTS}
        if "train" in parts and (len(parts) > 1 or len(set(names)) == 1):
            words[level] = "split"
            free.remove(level)
            break
    while len(free) > 1 and len(set(levels[free[0]])) == 1:
        free.pop(0)  # a folder around all
    if len(free) == 2 and all(a == b for a, b in zip(*(levels[i] for i in free), strict=True)):
        free.pop(0)  # each class packed in a folder of its own name
    if len(free) == 2:
        outer, inner = (_are_numbered(levels[level]) for level in free)
        if outer != inner:
            words[free.pop(0 if outer else 1)] = "group"
    if len(free) > 1:
        return _unclear("/".join(column[0] for column in levels))
    if free:
        words[free[0]] = "class"
    return words if free else None


def _are_numbered(names: Iterable[str]) -> bool:
    """Whether nearly all names hold a number, as those of persons and recordings do."""
    return float(np.mean([any(map(str.isdigit, name)) for name in set(names)])) > 0.8


def _is_inner(folders: tuple[str, ...]) -> bool:
    """Whether a file is in a folder that holds all videos, such as UCF-101."""
    return bool(folders) and folders[0].lower() in _VIDEO_FOLDERS


def _unclear(folders: str) -> list[str]:
    raise LayoutError(
        f"Expected to see which folders are the classes. Received: {folders}. Say what they are, "
        "outermost first: --layout class/group, --layout '*/class' or --layout group/class."
    )


def _by_folders(contents: Contents, words: list[str], *, exact: bool = False) -> Found:
    """Read class, group and part from the folders of each video, the innermost ones by `words`."""
    has_inner = exact and any(map(_is_inner, map(contents.inside, contents.videos)))

    def about(file: Path) -> dict[str, str] | None:
        folders = contents.inside(file)
        fits = len(folders) == len(words) if exact else len(folders) >= len(words)
        named = dict(zip(words[::-1], folders[::-1], strict=False))
        named["split"] = PARTS.get(named.get("split", "").lower(), "")
        fits = fits and (named["split"] or "split" not in words)
        return named if fits and (_is_inner(folders) or not has_inner) else None

    layout = "/".join(words)
    found = _each(contents, about, layout=layout, reason=f"it is in no folder {layout}.")
    folder = list_layouts.lists_folder(contents)
    classes = lists.read_lists(folder, known=contents.names)[0] if folder else ()
    return replace(found, classes=classes)


def _names(contents: Contents) -> Found | None:
    """Read the classes from names such as v_Archery_g07_c02, wherever the files are."""

    def about(file: Path) -> dict[str, str] | None:
        match = _UCF_NAME.fullmatch(lists.video_stem(file.name))
        return match and match.groupdict()

    reason = "its name is not like v_Class_g01_c02, and no folder is its class."
    found = _each(contents, about, layout="names", reason=reason)
    return found if len(found.videos) >= len(found.problems) else None


def _each(
    contents: Contents,
    about: Callable[[Path], dict[str, str] | None],
    *,
    layout: str,
    reason: str,
) -> Found:
    """Take the videos about which a class, and perhaps a group and a part, is known."""
    spelled: dict[str, str] = {}
    videos, parts, problems = [], {}, []
    for file in contents.videos:
        named = about(file)
        if named is None:
            row = {"path": str(file), "reason": f"Not used: {reason}", "kind": "unused"}
            problems.append(row)
            continue
        name = unicodedata.normalize("NFC", named["class"])
        videos.append((file, spelled.setdefault(normalized(name), name), named.get("group", "")))
        if named.get("split"):
            parts[str(file)] = named["split"]
    splits, notes = given_splits({1: parts})
    table = pd.DataFrame(videos, columns=["path", "class_name", "group"])
    notes += contents.unused()
    return Found(layout, table, splits=splits, problems=problems, notes=notes)


LAYOUTS = {
    "ucf101": list_layouts.ucf101,
    "hmdb51": list_layouts.hmdb51,
    "list": list_layouts.tables,
    "folders": _folders,
    "names": _names,
}
"""In the order tried: official lists, HMDB-51's split files, a table of videos, folders named after
the classes, and files named after them."""
