"""What lies in a folder of videos: the files, their headers, and what their names tell.

Takes a folder, headers from `video` and names from `lists`; gives plain rows to `index`.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vidlab.data import video
from vidlab.data.lists import OfficialLists, name_parts, video_key
from vidlab.errors import LayoutError, VideoError
from vidlab.progress import progress

__all__ = ["add_groups", "compare_with_lists", "find_videos", "probe_all", "unique_names"]

_VIDEO_FOLDERS = ("ucf-101", "videos")


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
    inner = [f for f in _visible(root) if f.is_dir() and f.name.lower() in _VIDEO_FOLDERS]
    for parent in [*inner, root]:
        folders = [folder for folder in _visible(parent) if folder.is_dir()]
        files = [
            file
            for folder in folders
            for file in _visible(folder)
            if file.suffix.lower() in video.SUFFIXES and not file.is_dir()
        ]
        if files:
            return files
    loose = sum(file.suffix.lower() in video.SUFFIXES for file in _visible(root))
    raise LayoutError(
        "Expected videos in UCF-101/<Class>/, videos/<Class>/ or <Class>/, ending in "
        f"{', '.join(video.SUFFIXES)}. Received: {root} with {loose} videos outside a class "
        "folder and none inside. Put the videos of each class into a folder named after it."
    )


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def probe_all(
    files: list[Path], *, workers: int | None, count: bool
) -> tuple[list[video.VideoInfo], list[dict]]:
    """Read all headers, several at a time; give what was read, and a row for what could not be."""

    def probe(file: Path) -> video.VideoInfo | dict:
        try:
            return video.probe(file, count=count)
        except (VideoError, OSError) as error:
            return {"path": str(file), "reason": str(error), "kind": "unreadable"}

    workers = workers or min(8, 2 * (os.cpu_count() or 1))
    pool = ThreadPoolExecutor(workers)
    try:
        found = pool.map(probe, files)
        results = list(progress(found, desc="Indexing", total=len(files), unit="video"))
    finally:
        pool.shutdown(cancel_futures=True)
    infos = [result for result in results if isinstance(result, video.VideoInfo)]
    return infos, [result for result in results if isinstance(result, dict)]


def compare_with_lists(root: Path, files: list[Path], lists: OfficialLists | None) -> list[dict]:
    """Name the listed videos that are not there, and the videos there that are not listed."""
    if lists is None or not lists.train:
        return []
    there = {video_key(lists.spelled(file.parent.name), file.name): file for file in files}
    listed = lists.videos
    missing = [
        {
            "path": str(root / "UCF-101" / entry.class_name / entry.file_name),
            "reason": f"Listed in {lists.folder}, but there is no such file.",
            "kind": "missing",
        }
        for key, entry in listed.items()
        if key not in there
    ]
    unlisted = [
        {
            "path": str(file),
            "reason": f"In no list of {lists.folder}, so no official split uses it.",
            "kind": "unlisted",
        }
        for key, file in there.items()
        if key not in listed
    ]
    return missing + unlisted


def unique_names(rows: list[dict]) -> list[str]:
    """Name each video by its file, with as much of the path as it takes to be unique."""
    paths = [Path(row["path"]) for row in rows]
    names = [path.stem for path in paths]
    for longer in (
        [f"{path.parent.name}/{path.stem}" for path in paths],
        [f"{path.parent.name}/{path.name}" for path in paths],
    ):
        often = Counter(names)
        names = [
            name if often[name] == 1 else long for name, long in zip(names, longer, strict=True)
        ]
    return names


def add_groups(rows: list[dict]) -> int:
    """Read group and clip from the file names, in place; return how many names held none.

    A file whose name holds none is a group of its own, numbered after the other groups of its
    class, in the order of the rows.
    """
    last: Counter = Counter()
    nameless = []
    for row in rows:
        parts = name_parts(Path(row["path"]).stem)
        if parts is None:
            nameless.append(row)
        else:
            row |= {"group": f"g{parts[0]:02d}", "clip": parts[1]}
            last[row["class_name"]] = max(last[row["class_name"]], parts[0])
    for row in nameless:
        last[row["class_name"]] += 1
        row |= {"group": f"g{last[row['class_name']]:02d}", "clip": 1}
    return len(nameless)
