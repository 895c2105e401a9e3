"""All that lies below a folder of videos, and what a layout makes of it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd

from vidlab.data import video, video_files
from vidlab.data.lists import normalized, video_stem
from vidlab.files import printable

__all__ = ["OWN_FILES", "Contents", "Found", "counted", "given_splits", "plain"]

_LIST_FOLDERS = ("ucfTrainTestlist", "annotations", "splits", "testTrainMulti_7030_splits")
OWN_FILES = ("reversed_pairs.csv", "pantomime.json", "annotations.parquet")
"""Files that a drawn dataset has beside its videos."""


@dataclass(frozen=True)
class Contents:
    """All that lies below a folder.

    Attributes
    ----------
    root
        The folder.
    videos
        Video files, and folders of numbered images; in order.
    others
        All other files. Names that begin with a dot are left out.
    near
        The folders that hold `root`, by its name and by what that name links to.
    problems
        A row for each video whose path is no text, as of `Found`.
    """

    root: Path
    videos: list[Path]
    others: list[Path]
    near: list[Path]
    problems: list[dict] = field(default_factory=list)

    @classmethod
    def of(cls, root: str | Path) -> Contents:
        """Go through a folder; links are followed, but not into a folder that holds them."""
        folder, videos, others = Path(root).resolve(), [], []
        for at, inner, names in os.walk(folder, followlinks=True, onerror=_refuse):
            holding = f"{os.path.realpath(at)}{os.sep}"
            inner[:] = [
                name
                for name in sorted(inner)
                if not name.startswith((".", "__MACOSX"))
                and not holding.startswith(f"{os.path.realpath(os.path.join(at, name))}{os.sep}")
            ]
            names = [name for name in names if not name.startswith(".")]
            films = {name for name in names if Path(name).suffix.lower() in video.SUFFIXES}
            frames = set() if films else set(video_files.frame_names(names))
            videos += [Path(at)] if frames else [Path(at, name) for name in films]
            others += [Path(at, name) for name in names if name not in films | frames]
        reason = "Its name is not UTF-8, so no table or list can hold it: rename it."
        problems = [
            {"path": printable(str(file)), "reason": reason, "kind": "unreadable"}
            for file in videos
            if not _is_text(file)
        ]
        videos = filter(_is_text, videos)
        near = sorted({Path(root).absolute().parent, folder.parent})
        videos, others = (sorted(files, key=lambda file: file.parts) for files in (videos, others))
        return cls(folder, videos, others, near, problems)

    @cached_property
    def names(self) -> set[str]:
        """Names of all videos and of the folders they are in."""
        return {part for file in self.videos for part in (file.name, *self.inside(file))}

    @cached_property
    def by_name(self) -> dict[str, list[tuple[Path, list[str]]]]:
        """Videos by `normalized` name, each with its folders, the innermost first."""
        found = defaultdict(list)
        for file in self.videos:
            above = [plain(name) for name in reversed(self.inside(file))]
            found[normalized(video_stem(file.name))].append((file, above))
        return found

    def inside(self, file: Path) -> tuple[str, ...]:
        """Names of the folders between the root and a file."""
        return file.parts[len(self.root.parts) : -1]

    def beside(self) -> list[Path]:
        """The files of the folders that may hold lists, beside the root."""
        folders = [near / name for near in self.near for name in _LIST_FOLDERS]
        return [file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir())]

    def unused(self, used: Collection[Path] = ()) -> list[str]:
        """Mention the files that are no videos and no list in use."""
        left = [f for f in self.others if f not in used and f.name not in OWN_FILES]
        where = f", first {printable(left[0].relative_to(self.root).as_posix())}" if left else ""
        return [f"Not used: {counted(left)}{where}."] if left else []


def _is_text(path: Path) -> bool:
    return printable(str(path)) == str(path)


def _refuse(error: OSError) -> None:
    raise error


@dataclass(frozen=True)
class Found:
    """What `look` found in a folder.

    Attributes
    ----------
    layout
        Its name in `LAYOUTS`, or the folders as a pattern such as ``"split/class"``.
    videos
        ``path``, ``class_name`` and ``group``, which is "" where the layout does not say.
    classes
        Class names in the order of the dataset's own list; may lack some.
    splits
        For each split the dataset comes with, the part of each path: ``"train"``, ``"validation"``
        or ``"test"``.
    problems
        A row for each video that is ``missing``, ``unlisted`` or ``unused``, and why.
    notes
        Sentences on what was found and what was not used.
    """

    layout: str
    videos: pd.DataFrame
    classes: tuple[str, ...] = ()
    splits: dict[int, dict[str, str]] = field(default_factory=dict)
    problems: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@lru_cache(maxsize=1 << 16)
def plain(name: str) -> str:
    """Give what two spellings of a folder have in common, blanks or underscores."""
    return normalized(name).replace("_", " ")


def counted(files: Iterable[Path]) -> str:
    """Count files by their endings."""
    endings = Counter(file.suffix.lower() or "without ending" for file in files)
    return ", ".join(f"{count} {ending}" for ending, count in endings.most_common(5))


def given_splits(parts: dict[int, dict[str, str]]) -> tuple[dict[int, dict[str, str]], list[str]]:
    """Keep the splits that train and test; validation videos test where no others do."""
    kept, notes = {}, []
    for split in sorted(parts):
        there = set(parts[split].values())
        if there == {"train", "validation"}:
            notes.append(f"Split {split} comes without test videos: its validation videos test.")
            parts[split] = {f: p.replace("validation", "test") for f, p in parts[split].items()}
        if {"train"} < there:
            kept[split] = parts[split]
        elif there:
            notes.append(f"Only one part is there, {', '.join(there)}, so it is no split.")
    return kept, notes
