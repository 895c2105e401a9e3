"""Layouts with lists: official ones, HMDB-51's split files, and any table of videos."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from vidlab.data import lists
from vidlab.data.contents import OWN_FILES, Contents, Found, given_splits, plain
from vidlab.data.lists import PARTS, Listed, normalized
from vidlab.errors import LayoutError

__all__ = ["hmdb51", "lists_folder", "tables", "ucf101"]

_ENDINGS = (".csv", ".json", ".jsonl", ".tsv", ".txt")
_LABEL_FILES = re.compile(r"(?i)classind|.*label.*|class(es|_names)|categor(y|ies)")


def lists_folder(contents: Contents) -> Path | None:
    """Find the folder of UCF-101's lists, inside the folder or beside it."""
    for file in [*contents.others, *contents.beside()]:
        if re.fullmatch(r"trainlist\d+\.txt|classInd\.txt", file.name):
            return file.parent
    return None


def ucf101(contents: Contents) -> Found | None:
    """Videos of the official lists, wherever below the folder they are."""
    folder = lists_folder(contents)
    classes, rows = lists.read_lists(folder, known=contents.names) if folder else ((), [])
    if not rows:
        return None
    used = [file for file in contents.others if file.parent == folder]
    names = {"layout": "ucf101", "where": str(folder)}
    return _listed_videos(contents, rows, classes=classes, used=used, **names)


def hmdb51(contents: Contents) -> Found | None:
    """Videos of HMDB-51's split files.

    Names such as ``April_09_brush_hair_u_nm_np1_ba_goo_0`` begin with the film that a clip is of,
    its group: no film of a class is in two parts of the official splits. What is not known is
    which films are one: of ``Two_Towers_4`` and ``Two_Towers_5``, parts of one, one may train and
    the other test, and so may clips of one film that are of two classes.
    """
    for files in (contents.others, contents.beside()):
        rows = lists.read_hmdb_splits(files, known=contents.names)
        if rows:
            used = [file for file in files if "_test_split" in file.stem]
            names = {"layout": "hmdb51", "where": str(used[0].parent)}
            return _listed_videos(contents, rows, used=used, **names)
    return None


def tables(contents: Contents) -> Found | None:
    """Videos that tables of paths and labels name.

    A table is one if it names a class, part or group of videos that are here, for half of its rows
    or of the videos. All together have to name half of the videos, unless these are all in one
    folder, so that nothing else tells their classes.
    """
    found, unread, seen = {}, [], set()
    for file in [*contents.others, *contents.beside()]:
        if file.suffix.lower() not in _ENDINGS or file.name in OWN_FILES:
            continue
        try:
            rows = lists.read_table(file, known=contents.names)
        except LayoutError as error:
            unread.append(error)
            continue
        telling = [row for row in rows if row.class_name or row.part or row.group]
        named = {file for files in _matches(contents, telling).values() for file in files}
        if named and 2 * len(named) >= min(len(rows), len(contents.videos)):
            found[file] = rows
            seen |= named
    in_folders = len({file.parent for file in contents.videos}) > 1
    if in_folders and 2 * len(seen) < len(contents.videos):
        found = {}
    if not found:
        if unread and not in_folders:
            raise unread[0]
        return None
    labels = _label_names(contents, found)
    rows = [
        row._replace(class_name=labels.get(row.class_name, row.class_name), part=_part(row, file))
        for file, named in found.items()
        for row in named
    ]
    names = {"layout": "list", "where": ", ".join(file.name for file in found)}
    videos = _listed_videos(contents, rows, classes=labels.values(), used=list(found), **names)
    if labels and [*labels] == [*labels.values()]:
        note = "Classes have numbers for names: write their names into labels.txt, one a line."
        videos.notes.insert(1, note)
    return videos


def _part(row: Listed, file: Path) -> str | None:
    if row.part is not None and row.part not in PARTS:
        raise LayoutError(
            f"Expected each part to be one of {', '.join(PARTS)}. Received: {row.part!r} in "
            f"{file}. Correct it, or leave the column out."
        )
    return PARTS.get(row.part or "")


def _label_names(contents: Contents, tables: dict[Path, list[Listed]]) -> dict[str, str]:
    """Name labels that are numbers, in their order, from a file such as classInd.txt."""
    labels = {row.class_name for rows in tables.values() for row in rows if row.class_name}
    if not all(label.isdecimal() for label in labels):
        return {}
    for file in contents.others:
        if file in tables or file.suffix != ".txt" or not _LABEL_FILES.fullmatch(file.stem):
            continue
        lines = lists.read_text(file, known=contents.names).splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        numbered = [re.fullmatch(r"(\d+)[\s,]+(\S.*)", line) for line in lines]
        if all(numbered):
            names = {match[1]: match[2] for match in numbered}
        else:
            from_one = str(len(lines)) in labels
            names = {str(n): line for n, line in enumerate(lines, start=from_one)}
        if labels <= names.keys():
            return names
    return {label: label for label in sorted(labels, key=int)}


def _matches(contents: Contents, rows: Iterable[Listed]) -> dict[tuple, list[Path]]:
    """Find the videos that rows name, by name and part; two where a name does not tell which.

    A video's folders, as far as a list names any, must not be those of another listed video.
    """
    named = {(row.name, row.part): row.name.rstrip("/").split("/") for row in rows}
    folders = {plain(path[-2]) for path in named.values() if len(path) > 1}
    found = {}
    for (name, part), path in named.items():
        wanted = [plain(folder) for folder in reversed(path[:-1])]
        ranked = []
        stem = normalized(lists.video_stem(path[-1]))
        untimed = re.sub(r"_\d{6}_\d{6}\Z", "", stem)  # Kinetics without the times of its clips
        for file, above in contents.by_name.get(stem) or contents.by_name.get(untimed, ()):
            agreeing = sum(a == b for a, b in zip(wanted, above, strict=False))
            if agreeing or not wanted or not above or above[0] not in folders:
                in_part = any(PARTS.get(folder) == PARTS.get(part, "") for folder in above)
                ranked.append(((agreeing, in_part, file.name == path[-1]), file))
        best = max((rank for rank, _ in ranked), default=None)
        found[name, part] = [file for rank, file in ranked if rank == best]
    return found


def _listed_videos(
    contents: Contents,
    rows: Iterable[Listed],
    *,
    layout: str,
    where: str,
    classes: Iterable[str] = (),
    used: Collection[Path] = (),
) -> Found | None:
    """Take the videos that lists name; those they do not name only from a listed class's folder.

    None where they name no video that is here: they are another dataset's.
    """
    matches, missing = _matches(contents, rows), {}
    if not any(matches.values()):
        return None
    told: dict[str | int, dict[Path, str]] = defaultdict(dict)  # class, group, part in each split
    for row in rows:
        files, part = matches[row.name, row.part], row.part
        if len(files) > 1:
            raise LayoutError(
                f"Expected a path that tells one video. Received: {row.name} in {where}, which may "
                f"be {files[0]} or {files[1]}. Write its folders in the list too."
            )
        if not files:
            missing[row.name] = row.class_name or ""
            continue
        if layout == "list" and part is None:  # a table may leave it to folders
            folders = (name.lower() for name in contents.inside(files[0]))
            part = next((PARTS[name] for name in folders if name in PARTS), None)
        for what, value in (("class", row.class_name), ("group", row.group), (row.split, part)):
            known = told[what].setdefault(files[0], value) if value else None
            if known and normalized(known) != normalized(value):
                raise LayoutError(
                    "Expected one class, group and part for a video. Received: "
                    f"{row.name} as {known!r} and as {value!r} in {where}. Correct the list."
                )
    class_of, group_of = told.pop("class", {}), told.pop("group", {})
    spelled = {normalized(c): c for c in [*class_of.values(), *classes]}
    seen = {file for files in matches.values() for file in files}
    reason = f"Listed in {where}, but there is no such file."
    problems = [
        {"path": str(contents.root / f), "class_name": name, "reason": reason, "kind": "missing"}
        for f, name in missing.items()
    ]
    videos = []
    for file in contents.videos:
        folder = unicodedata.normalize("NFC", file.parent.name)
        name = class_of.get(file) or spelled.get(normalized(folder))
        if file in seen and not class_of and folder.lower() not in PARTS:
            name = folder if contents.inside(file) else None  # of lists that name no classes at all
        if name is not None:
            videos.append((file, spelled.get(normalized(name), name), group_of.get(file, "")))
        if file not in seen or name is None:
            reason = "Its class is not in" if file in seen else "Not in"
            end = ", so no given split uses it." if name else ": not used."
            row = {"path": str(file), "reason": f"{reason} {where}{end}", "kind": "unlisted"}
            problems.append(row)
    taken = {file for file, *_ in videos}
    splits, notes = given_splits(
        {k: {str(f): part for f, part in of.items() if f in taken} for k, of in told.items()}
    )
    return Found(
        layout,
        pd.DataFrame(videos, columns=["path", "class_name", "group"]),
        classes=tuple(spelled.get(normalized(name), name) for name in classes),
        splits=splits,
        problems=problems,
        notes=[f"Lists: {where}.", *notes, *contents.unused(used)],
    )
