"""Folders of videos and their official lists: which files there are, their headers and names.

UCF-101 itself is not consistent: files end their lines as on Windows, test lists carry no labels,
and one class is spelled ``HandstandPushups`` as a folder but ``HandStandPushups`` in file names. So
names are compared without regard to capital letters, and the spelling of classInd.txt is shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from vidlab.data import video
from vidlab.errors import LayoutError, VideoError
from vidlab.progress import progress

__all__ = [
    "ListedVideo",
    "OfficialLists",
    "compare_with_lists",
    "find_lists",
    "find_videos",
    "groups_and_clips",
    "probe_all",
    "read_lists",
    "unique_names",
    "video_key",
]

_LISTS = "ucfTrainTestlist"
_VIDEO_FOLDERS = ("ucf-101", "videos")

_LINE = re.compile(r"(?P<path>\S.*\.\w+?)(?:\s+(?P<label>\d+))?")
_CLASS_LINE = re.compile(r"(?P<number>\d+)\s+(?P<name>\S.*)")
_NAME = r"(?i)^(?:.*)_g(?P<group>\d+)_c(?P<clip>\d+)\Z"


class ListedVideo(NamedTuple):
    """A video as a list names it: its class, and its file name with the ending."""

    class_name: str
    file_name: str


@dataclass(frozen=True)
class OfficialLists:
    """All list files of one folder.

    Attributes
    ----------
    folder
        Where the files are.
    classes
        Class names in the order of classInd.txt; empty where there is none.
    train, test
        For each split number, the listed videos by their `video_key`.
    """

    folder: Path
    classes: tuple[str, ...]
    train: dict[int, dict[str, ListedVideo]]
    test: dict[int, dict[str, ListedVideo]]

    @property
    def videos(self) -> dict[str, ListedVideo]:
        """Every listed video once, by its key."""
        parts = [*self.train.values(), *self.test.values()]
        return {key: listed for part in parts for key, listed in part.items()}

    def spelled(self, class_name: str) -> str:
        """Give a class name in the spelling of classInd.txt, or as it is where it is not there."""
        spellings = {name.lower(): name for name in self.classes}
        return spellings.get(class_name.lower(), class_name)


def video_key(class_name: str, file_name: str) -> str:
    """Give what two namings of one video have in common.

    Examples
    --------
    >>> video_key("HandstandPushups", "v_HandStandPushups_g01_c01.avi")
    'handstandpushups/v_handstandpushups_g01_c01'
    """
    return f"{class_name}/{PurePosixPath(file_name).stem}".lower()


def find_videos(root: Path) -> list[Path]:
    """List the video files of a folder in one of the accepted layouts.

    Raises
    ------
    LayoutError
        There is no such folder, or no video in a folder of its class.
    """
    if not root.is_dir():
        raise LayoutError(
            f"Expected a folder of videos. Received: {root} (no such folder). Check the spelling."
        )
    inner = [folder for folder in _visible(root) if folder.name.lower() in _VIDEO_FOLDERS]
    for parent in [*inner, root]:
        files = [file for folder in _visible(parent) for file in _videos(folder)]
        if files:
            return files
    raise LayoutError(
        "Expected videos in UCF-101/<Class>/, videos/<Class>/ or <Class>/, ending in "
        f"{', '.join(video.SUFFIXES)}. Received: {root} with {len(_videos(root))} videos outside a "
        "class folder and none inside. Put the videos of each class into a folder named after it."
    )


def _visible(folder: Path) -> list[Path]:
    inside = folder.iterdir() if folder.is_dir() else ()
    return sorted(entry for entry in inside if not entry.name.startswith("."))


def _videos(folder: Path) -> list[Path]:
    files = [file for file in _visible(folder) if not file.is_dir()]
    return [file for file in files if file.suffix.lower() in video.SUFFIXES]


def probe_all(files: list[Path], *, count: bool) -> tuple[list[video.VideoInfo], list[dict]]:
    """Read what all files hold, several at a time.

    Returns
    -------
    tuple
        What was found, and a row for each video that is ``unreadable`` or ``shorter`` than its
        header says.
    """

    def probe(file: Path) -> video.VideoInfo | dict:
        try:
            return video.probe(file, count=count)
        except (VideoError, OSError) as error:
            return {"path": str(file), "reason": str(error), "kind": "unreadable"}

    pool = ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1)))
    try:
        found = pool.map(probe, files)
        results = list(progress(found, desc="Indexing", total=len(files), unit="video"))
    finally:
        pool.shutdown(cancel_futures=True)
    infos = [result for result in results if isinstance(result, video.VideoInfo)]
    problems = [result for result in results if isinstance(result, dict)]
    return infos, problems + [_shorter(info) for info in infos if info.frames < (info.named or 0)]


def _shorter(info: video.VideoInfo) -> dict:
    reason = (
        f"Its header names {info.named} frames, of which {info.frames} can be decoded; it is used "
        "with these. The others are empty or damaged."
    )
    return {"path": str(info.path), "reason": reason, "kind": "shorter"}


def compare_with_lists(root: Path, files: list[Path], lists: OfficialLists | None) -> list[dict]:
    """Report the listed videos that are not there, and the videos there that are not listed."""
    if lists is None or not lists.train:
        return []
    listed = lists.videos
    there = {video_key(lists.spelled(file.parent.name), file.name): file for file in files}
    absent = {
        root / "UCF-101" / entry.class_name / entry.file_name: "missing"
        for key, entry in listed.items()
        if key not in there
    }
    unlisted = {file: "unlisted" for key, file in there.items() if key not in listed}
    reasons = {
        "missing": f"Listed in {lists.folder}, but there is no such file.",
        "unlisted": f"In no list of {lists.folder}, so no official split uses it.",
    }
    problems = absent | unlisted
    return [{"path": str(f), "reason": reasons[k], "kind": k} for f, k in problems.items()]


def unique_names(paths: list[Path]) -> pd.Series:
    """Name each video by its file, with as much of the path as it takes to be unique."""
    names = pd.Series([path.stem for path in paths])
    for longer in ([path.with_suffix("") for path in paths], paths):
        with_class = [f"{path.parent.name}/{path.name}" for path in longer]
        names = names.mask(names.duplicated(keep=False), pd.Series(with_class))
    return names


def groups_and_clips(paths: list[Path], class_names: pd.Series) -> tuple[pd.DataFrame, int]:
    """Read ``group`` and ``clip`` from the file names; return also how many names hold none.

    A file whose name holds none is a group of its own, numbered after the other groups of its
    class, in the order of the files.
    """
    found = pd.Series([path.stem for path in paths]).str.extract(_NAME).astype("float64")
    nameless = found["group"].isna()
    last = found["group"].groupby(class_names).transform("max").fillna(0)
    own = last + nameless.groupby(class_names).cumsum()
    groups = found["group"].fillna(own).astype("int64").map("g{:02d}".format)
    clips = found["clip"].fillna(1).astype("int64")
    return pd.DataFrame({"group": groups, "clip": clips}), int(nameless.sum())


def find_lists(root: Path) -> OfficialLists | None:
    """Find the list files that belong to a folder of videos.

    They may be in ``ucfTrainTestlist`` inside `root`, in `root` itself, or in
    ``ucfTrainTestlist`` beside `root`; None where they are in none of these.
    """
    for folder in (root / _LISTS, root, root.resolve().parent / _LISTS):
        if any(folder.glob("trainlist*.txt")) or (folder / "classInd.txt").is_file():
            return read_lists(folder)
    return None


def read_lists(folder: str | Path) -> OfficialLists:
    """Read classInd.txt, trainlistNN.txt and testlistNN.txt of a folder.

    Raises
    ------
    LayoutError
        A line cannot be understood, contradicts classInd.txt, or a list lacks its counterpart.
    """
    folder = Path(folder)
    numbers = _read_classes(folder / "classInd.txt")
    train, test = (_read_all(folder, kind, numbers) for kind in ("train", "test"))
    for split in sorted(train.keys() ^ test.keys()):
        absent = "testlist" if split in train else "trainlist"
        raise LayoutError(
            f"Expected a train list and a test list for every split. Received: {folder} without "
            f"{absent}{split:02d}.txt. Add that file, or remove its counterpart."
        )
    classes = tuple(sorted(numbers, key=numbers.__getitem__))
    return OfficialLists(folder, classes, train, test)


def _lines(file: Path, pattern: re.Pattern, expected: str) -> Iterator[tuple[re.Match, str]]:
    """Match the lines of a file that are not empty; each comes with where it stands."""
    text = file.read_text(encoding="utf-8-sig") if file.is_file() else ""
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        where = f"{file}, line {number}: {line!r}"
        match = pattern.fullmatch(line)
        if line and not match:
            raise _line_error(expected, where)
        if line:
            yield match, where


def _line_error(expected: str, where: str) -> LayoutError:
    return LayoutError(
        f"Expected {expected}. Received: {where}. Correct the line, or get the official lists "
        "again."
    )


def _read_classes(file: Path) -> dict[str, int]:
    lines = _lines(file, _CLASS_LINE, "a class number and a class name")
    return {match["name"]: int(match["number"]) for match, _ in lines}


def _read_all(folder: Path, kind: str, numbers: dict[str, int]) -> dict:
    files = {
        file.stem.removeprefix(f"{kind}list"): file for file in folder.glob(f"{kind}list*.txt")
    }
    return {
        int(number): dict(_read_videos(files[number], numbers))
        for number in sorted(files)
        if number.isdecimal()
    }


def _read_videos(file: Path, numbers: dict[str, int]) -> Iterator[tuple[str, ListedVideo]]:
    expected = "Class/video.avi and perhaps a label"
    known = {name.lower(): (name, number) for name, number in numbers.items()}
    for match, where in _lines(file, _LINE, expected):
        path = PurePosixPath(match["path"].replace("\\", "/"))
        if len(path.parts) < 2:
            raise _line_error(expected, where)
        name, label = known.get(path.parts[-2].lower(), (path.parts[-2], None))
        if label is not None and int(match["label"] or label) != label:
            raise _line_error(f"label {label}, as classInd.txt says", where)
        yield video_key(name, path.name), ListedVideo(name, path.name)
