"""The lists that come with datasets: which videos there are, their classes, parts and groups.

UCF-101's official lists, HMDB-51's split files, and any table of videos: CSV, text lines such as
``path label``, and the JSON of Kinetics and Something-Something.

UCF-101 itself is not consistent: files end their lines as on Windows, test lists carry no labels,
and one class is spelled ``HandstandPushups`` as a folder but ``HandStandPushups`` in file names. So
names are compared without regard to capital letters, and the spelling of classInd.txt is shown.
Letters with marks (ü) are one character or two, as the system that wrote the name had it: all are
made one.
"""

from __future__ import annotations

import csv
import json
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from vidlab.data import video
from vidlab.errors import LayoutError

__all__ = [
    "PARTS",
    "Listed",
    "normalized",
    "read_hmdb_splits",
    "read_lists",
    "read_table",
    "read_text",
    "video_stem",
]

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What the parts of a split are called, in lower case, and which part each is."""

_LINE = re.compile(r"(?P<path>\S.*\.\w+?)(?:\s+(?P<label>\d+))?")
_CLASS_LINE = re.compile(r"(?P<number>\d+)\s+(?P<name>\S.*)")
_HMDB_FILE = re.compile(r"(?P<class_name>.+)_test_split(?P<split>\d+)")
_HMDB_LINE = re.compile(r"(?P<path>\S.*?)\s+(?P<part>[012])")
_ENCODINGS = ("gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252")
_COLUMNS = {
    "name": (
        *("path", "video_path", "file_path", "filepath", "relpath", "filename", "file_name"),
        *("file", "video_file", "video_name", "video", "clip_name", "clip", "name", "video_id"),
        *("youtube_id", "vid_name", "vid", "id"),
    ),
    "label": (
        *("template", "class_name", "class", "label_name", "label", "action", "activity"),
        *("category", "target", "tag"),
    ),
    "part": ("split", "subset", "part", "partition", "set", "usage"),
    "group": (
        *("group", "group_id", "subject", "subject_id", "person", "person_id", "actor"),
        *("actor_id", "performer", "participant", "participant_id", "scene", "session"),
        *("youtube_id",),
    ),
    "start": ("time_start", "start"),
    "end": ("time_end", "end"),
}
_MOST_BYTES = 200e6  # of a file that may be a list
_MOST_LETTERS = 10_000  # of a line
_IN_A_NAME = re.compile(rf"(?:^|[^a-z])({'|'.join(PARTS)})(?![a-z])")


class Listed(NamedTuple):
    """A video as a list names it.

    Attributes
    ----------
    name
        Its path or name, with "/" between folders.
    class_name, part, group
        Its class, its part, called by a name of `PARTS`, and its group; None where the list does
        not say.
    split
        The number of the split its part is of, from 1.
    """

    name: str
    class_name: str | None = None
    part: str | None = None
    group: str | None = None
    split: int = 1


@lru_cache(maxsize=1 << 16)
def normalized(name: str) -> str:
    """Give what two spellings of one name have in common."""
    return unicodedata.normalize("NFC", name).casefold()


def video_stem(name: str) -> str:
    """Drop the folders of a name, and its ending where that is one of a video."""
    stem, ending = posixpath.splitext(posixpath.basename(name))
    return stem if ending.lower() in video.SUFFIXES else stem + ending


def read_text(file: Path, *, known: Collection[str] = ()) -> str:
    """Read a list in UTF-8, or in an encoding in which it names what is there.

    Parameters
    ----------
    known
        Names of files and folders that it may name. An old encoding is believed only if one of
        them, not all of it in English letters, is named.

    Raises
    ------
    LayoutError
        It is neither.
    """
    content = file.read_bytes()
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    telling = [unicodedata.normalize("NFC", name) for name in known if not name.isascii()]
    for encoding in (marks.get(content[:2], "utf-8-sig"), *_ENCODINGS):
        try:
            text = unicodedata.normalize("NFC", content.decode(encoding))
        except UnicodeError:
            continue
        if encoding.startswith("utf") or any(name in text for name in telling):
            return text
    raise LayoutError(
        f"Expected a list in UTF-8. Received: {file}, which is in another encoding, and in none "
        "that names the videos here. Save it as UTF-8."
    )


def read_lists(
    folder: str | Path, *, known: Collection[str] = ()
) -> tuple[tuple[str, ...], list[Listed]]:
    """Read classInd.txt, trainlistNN.txt and testlistNN.txt of a folder.

    Parameters
    ----------
    known
        As `read_text` takes it.

    Returns
    -------
    tuple
        Class names in the order of classInd.txt, none where there is no such file; and what the
        lists say, a row for each line: a video is in a train or test list of every split.

    Raises
    ------
    LayoutError
        A line cannot be understood, contradicts classInd.txt, or a list lacks its counterpart.
    """
    folder = Path(folder)
    expected = "a class number and a class name"
    lines = _lines(folder / "classInd.txt", _CLASS_LINE, expected, known=known)
    numbers = {match["name"]: int(match["number"]) for match, _ in lines}
    files = {
        (part, int(match[1])): file
        for part in ("train", "test")
        for file in folder.glob(f"{part}list*.txt")
        if (match := re.fullmatch(rf"{part}list(\d+)", file.stem))
    }
    for part, split in sorted(files):
        absent = {"train": "test", "test": "train"}[part]
        if (absent, split) not in files:
            raise LayoutError(
                f"Expected a train list and a test list for every split. Received: {folder} "
                f"without {absent}list{split:02d}.txt. Add that file, or remove its counterpart."
            )
    videos = [
        Listed(name, class_name, part, split=split)
        for (part, split), file in sorted(files.items(), key=lambda item: item[0][::-1])
        for name, class_name in _read_videos(file, numbers, known=known)
    ]
    return tuple(sorted(numbers, key=numbers.__getitem__)), videos


def _lines(
    file: Path, pattern: re.Pattern, expected: str, *, known: Collection[str]
) -> Iterator[tuple[re.Match, str]]:
    """Match the lines of a file that are not empty; each comes with where it stands."""
    text = read_text(file, known=known) if file.is_file() else ""
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        where = f"{file}, line {number}: {line[:200]!r}"
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


def _read_videos(
    file: Path, numbers: dict[str, int], *, known: Collection[str]
) -> Iterator[tuple[str, str]]:
    expected = "Class/video.avi and perhaps a label"
    spelled = {normalized(name): (name, number) for name, number in numbers.items()}
    for match, where in _lines(file, _LINE, expected, known=known):
        folder, slash, file_name = match["path"].replace("\\", "/").rpartition("/")
        if not slash:
            raise _line_error(expected, where)
        folder = posixpath.basename(folder)
        name, label = spelled.get(normalized(folder), (folder, None))
        if label is not None and int(match["label"] or label) != label:
            raise _line_error(f"label {label}, as classInd.txt says", where)
        yield f"{name}/{file_name}", name


def read_hmdb_splits(files: Iterable[Path], *, known: Collection[str] = ()) -> list[Listed]:
    """Read HMDB-51's split files, ``<class>_test_split<number>.txt``.

    A line names a video and its part: 1 train, 2 test, 0 neither.

    Raises
    ------
    LayoutError
        A line cannot be understood.
    """
    return [
        Listed(
            f"{named['class_name']}/{line['path']}",
            named["class_name"],
            {"1": "train", "2": "test"}.get(line["part"]),
            split=int(named["split"]),
        )
        for file in files
        if (named := _HMDB_FILE.fullmatch(file.stem)) and file.suffix == ".txt"
        for line, _ in _lines(file, _HMDB_LINE, "a video's name and 0, 1 or 2", known=known)
    ]


def read_table(file: Path, *, known: Collection[str] = ()) -> list[Listed]:
    """Read a table of videos: CSV, lines of ``path label``, or JSON; empty if it is none.

    Columns are known by their names in `_COLUMNS`; without such names the first is the path and the
    last the label. The part, as it is called there, is that of the column ``split``, or the file's
    name says it (``train.txt``, ``ucf101_val_split_1_videos.txt``).

    Raises
    ------
    LayoutError
        It is in an unknown encoding.
    """
    if file.stat().st_size > _MOST_BYTES:
        return []
    text = read_text(file, known=known)
    kind = file.suffix.lower()
    is_json = kind in (".json", ".jsonl")
    rows = _json_rows(text, lines=kind == ".jsonl") if is_json else _text_rows(text)
    name = file.stem.lower()
    part = _IN_A_NAME.search(name)
    split = re.search(r"split[_-]?(\d{1,3})", name)
    common = {"part": part and part[1], "split": int(split[1]) if split else 1}
    listed = [_listed(row) for row in rows]
    return [
        row._replace(**common | {"part": row.part or common["part"]}) for row in listed if row.name
    ]


def _text_rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and len(line) < _MOST_LETTERS]
    delimiter = next((mark for mark in "\t;," if lines and mark in lines[0]), None)
    if delimiter is None:
        return [_split_at_blanks(line.strip()) for line in lines]
    try:
        cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return []
    header = [cell.lower() for cell in cells[0]]
    if set(header) & {*_COLUMNS["name"], *_COLUMNS["label"]}:
        if not set(header) & set(_COLUMNS["name"]):
            header[0] = "path"
        return [dict(zip(header, row, strict=False)) for row in cells[1:]]
    if all(len(row) == 3 and row[1].isdecimal() for row in cells):  # path, frames, label
        return [{"path": row[0], "label": row[2]} for row in cells]
    return [dict(zip(("path", "label"), row, strict=False)) for row in cells if len(row) < 3]


def _split_at_blanks(line: str) -> dict[str, str]:
    """Part a line into a path, which may hold blanks, and the label behind it."""
    endings = "|".join(re.escape(ending) for ending in video.SUFFIXES)
    file = re.match(rf"(?i)(?P<path>.+?(?:{endings}))(?:\s+(?P<label>.*))?\Z", line)
    if file:
        label = re.sub(r"\A\d+\s+(?=\d+\Z)", "", file["label"] or "")  # how many frames, label
        return {"path": file["path"], "label": label}
    folder = re.match(r"(?P<path>.+?)(?:\s+\d+)?\s+(?P<label>\d+)\Z", line)  # frames and label
    return folder.groupdict() if folder else {"path": line}


def _json_rows(text: str, *, lines: bool) -> list[dict[str, str]]:
    """Flatten a list of records, one a line perhaps, or a dictionary of them by name."""
    try:
        found = json.loads(f"[{','.join(text.splitlines())}]" if lines else text)
    except (ValueError, RecursionError):
        return []
    if isinstance(found, dict):
        found = found.get("database", found)
    if isinstance(found, dict):
        found = [{"id": name, **row} for name, row in found.items() if isinstance(row, dict)]
    records = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    rows = []
    for record in records:
        inner = record.get("annotations")
        inner = inner[0] if isinstance(inner, list) and inner else inner
        record = {**record, **inner} if isinstance(inner, dict) else record
        if isinstance(ends := record.get("segment"), list) and len(ends) == 2:
            record = {**record, "start": ends[0], "end": ends[1]}
        rows.append({str(k).lower(): str(v) for k, v in record.items() if v is not None})
    return rows


def _listed(row: dict[str, str]) -> Listed:
    cells = {
        column: next((row[name] for name in names if row.get(name)), "")
        for column, names in _COLUMNS.items()
    }
    name = cells["name"].replace("\\", "/")
    if re.fullmatch(r"\d+(\.\d*)?", cells["start"]) and re.fullmatch(r"\d+(\.\d*)?", cells["end"]):
        start, end = (round(float(cells[edge])) for edge in ("start", "end"))
        name = f"{name}_{start:06d}_{end:06d}"  # as Kinetics names its clips
    label = cells["label"]
    if "template" in row:  # "Pushing [something] off of [something]", a class of its own
        label = label.replace("[", "").replace("]", "")
    return Listed(name, label or None, cells["part"].lower() or None, cells["group"] or None)
