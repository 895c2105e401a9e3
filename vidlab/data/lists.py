"""The official list files of a dataset: class numbers, and which videos train and test.

Takes the text files beside the videos; gives names in one spelling to `index`. UCF-101 itself is
not consistent: files end their lines as on Windows, test lists carry no labels, and one class is
spelled ``HandstandPushups`` as a folder but ``HandStandPushups`` in file names. So names are
compared without regard to capital letters, and the spelling of classInd.txt is the one shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vidlab.errors import LayoutError

__all__ = ["ListedVideo", "OfficialLists", "find_lists", "name_parts", "read_lists", "video_key"]

FOLDER = "ucfTrainTestlist"

_LINE = re.compile(r"(?P<path>\S.*\.\w+?)(?:\s+(?P<label>\d+))?")
_CLASS_LINE = re.compile(r"(?P<number>\d+)\s+(?P<name>\S.*)")
_NAME = re.compile(r"(?P<front>.*)_g(?P<group>\d+)_c(?P<clip>\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class ListedVideo:
    """A video as a list names it: its class, and its file name with the ending."""

    class_name: str
    file_name: str

    @property
    def key(self) -> str:
        """What this video is compared by; see `video_key`."""
        return video_key(self.class_name, self.file_name)


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
        For each split number, the listed videos.
    """

    folder: Path
    classes: tuple[str, ...]
    train: dict[int, tuple[ListedVideo, ...]]
    test: dict[int, tuple[ListedVideo, ...]]

    @property
    def videos(self) -> dict[str, ListedVideo]:
        """Every listed video once, by its key."""
        parts = [*self.train.values(), *self.test.values()]
        return {video.key: video for part in parts for video in part}

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


def name_parts(stem: str) -> tuple[int, int] | None:
    """Read the group and clip number from a name as in UCF-101; None where it has none.

    Examples
    --------
    >>> name_parts("v_Archery_g07_c02")
    (7, 2)
    >>> name_parts("holiday") is None
    True
    """
    match = _NAME.fullmatch(stem)
    return (int(match["group"]), int(match["clip"])) if match else None


def find_lists(root: Path) -> OfficialLists | None:
    """Find the list files that belong to a folder of videos.

    They may be in ``ucfTrainTestlist`` inside `root`, in `root` itself, or in
    ``ucfTrainTestlist`` beside `root`; None where they are in none of these.
    """
    for folder in (root / FOLDER, root, root.resolve().parent / FOLDER):
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
    files = {kind: _numbered(folder, kind) for kind in ("train", "test")}
    for split in sorted(set(files["train"]) ^ set(files["test"])):
        absent = "testlist" if split in files["train"] else "trainlist"
        raise LayoutError(
            f"Expected a train list and a test list for every split. Received: {folder} without "
            f"{absent}{split:02d}.txt. Add that file, or remove its counterpart."
        )
    if not numbers and not files["train"]:
        raise LayoutError(
            f"Expected classInd.txt, trainlist01.txt and testlist01.txt. Received: {folder} "
            "without any. Name the folder that holds the official lists."
        )
    return OfficialLists(
        folder=folder,
        classes=tuple(sorted(numbers, key=numbers.__getitem__)),
        train={k: tuple(_read_videos(file, numbers)) for k, file in files["train"].items()},
        test={k: tuple(_read_videos(file, numbers)) for k, file in files["test"].items()},
    )


def _numbered(folder: Path, kind: str) -> dict[int, Path]:
    found = {}
    for file in sorted(folder.glob(f"{kind}list*.txt")):
        number = file.stem.removeprefix(f"{kind}list")
        if number.isdecimal():
            found[int(number)] = file
    return found


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            yield number, line.strip()


def _read_classes(file: Path) -> dict[str, int]:
    if not file.is_file():
        return {}
    numbers = {}
    for number, line in _lines(file):
        match = _CLASS_LINE.fullmatch(line)
        if not match:
            raise _line_error(file, number, line, "a class number and a class name")
        numbers[match["name"]] = int(match["number"])
    return numbers


def _read_videos(file: Path, numbers: dict[str, int]) -> Iterator[ListedVideo]:
    by_lower_name = {name.lower(): (name, number) for name, number in numbers.items()}
    for number, line in _lines(file):
        match = _LINE.fullmatch(line)
        path = PurePosixPath(match["path"].replace("\\", "/")) if match else None
        if path is None or len(path.parts) < 2:
            raise _line_error(file, number, line, "Class/video.avi and perhaps a label")
        folder = path.parts[-2]
        name, label = by_lower_name.get(folder.lower(), (folder, None))
        if label is not None and match["label"] and int(match["label"]) != label:
            raise _line_error(file, number, line, f"label {label}, as classInd.txt says")
        yield ListedVideo(name, path.name)


def _line_error(file: Path, number: int, line: str, expected: str) -> LayoutError:
    return LayoutError(
        f"Expected {expected}. Received: {file}, line {number}: {line!r}. Correct the line, or get "
        "the official lists again."
    )
