"""What a headless run remembers of each notebook, and whether it still holds.

Takes outcomes from `running`; gives `Record` files beside the executed notebooks, read again by
``--resume`` and by `report`. A fingerprint covers everything a notebook's result depends on: its
text, its parameters, the profile, the videos, vidlab itself and the libraries that compute.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from vidlab.errors import ResultError
from vidlab.course.notebooks import files
from vidlab.course.notebooks.files import Notebook
from vidlab.files import replacing

__all__ = [
    "Failure",
    "Record",
    "data_fingerprint",
    "fingerprint",
    "holds",
    "load",
    "package_fingerprint",
    "save",
]

_LIBRARIES = ("keras", "numpy", "opencv-python", "pandas", "scikit-learn", "tensorflow")


@dataclass(frozen=True)
class Failure:
    """Where and why a notebook ended early.

    Attributes
    ----------
    cell, cells : int or None
        The cell's number counted from 1 over all cells of the notebook, and how many it has.
    execution_count : int or None
        The number in ``In [n]`` of the executed notebook.
    source : str
        The cell's code.
    error : str
        The exception's name and message, or a sentence.
    line : str
        The innermost line of code of the traceback; empty where there is none.
    """

    cell: int | None
    cells: int | None
    execution_count: int | None
    source: str
    error: str
    line: str


@dataclass(frozen=True)
class Record:
    """One notebook's latest execution under a profile.

    Attributes
    ----------
    notebook, title : str
        Name and first heading.
    status : str
        As in `execution.Outcome`.
    seconds : float
        Wall-clock time.
    finished : str
        When, ISO 8601 with time zone.
    fingerprint : str
        See `fingerprint`.
    parameters : dict
        The parameters given.
    command : str
        What runs just this notebook again.
    failure : Failure or None
        Where and why it ended early.
    """

    notebook: str
    title: str
    status: str
    seconds: float
    finished: str
    fingerprint: str
    parameters: dict[str, object]
    command: str
    failure: Failure | None = None


def package_fingerprint() -> str:
    """Return a hash of vidlab's own source and of the versions of the libraries that compute."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".h5", ".keras") and path.is_file():
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    for name in _LIBRARIES:
        digest.update(f"{name}=={_version(name)}".encode())
    return digest.hexdigest()


def data_fingerprint(folder: Path, *, drawn: bool) -> str:
    """Return a hash of what tells the videos of a folder from others; no video is opened.

    Parameters
    ----------
    folder
        Of its videos and lists count path, size and time of last change.
    drawn
        Whether it is Pantomime's own: then only ``pantomime.json`` counts, which says from what
        the videos were drawn.

    Returns
    -------
    str
        Also for a folder that is not there yet.
    """
    from vidlab.data import video

    digest = hashlib.sha256()
    if drawn:
        note = folder / "pantomime.json"
        digest.update(note.read_bytes() if note.is_file() else b"")
        return digest.hexdigest()
    found = (path for depth in ("*", "*/*", "*/*/*") for path in folder.glob(depth))
    for path in sorted(p for p in found if p.suffix.lower() in (*video.SUFFIXES, ".txt")):
        facts = path.stat()
        line = f"{path.relative_to(folder).as_posix()} {facts.st_size} {facts.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def fingerprint(
    notebook: Notebook,
    parameters: dict[str, object],
    *,
    profile: Path,
    package: str,
    data: str,
) -> str:
    """Return a hash of everything the notebook's result depends on.

    Parameters
    ----------
    notebook
        Its cells count, not its outputs or metadata.
    parameters
        The values it is given.
    profile
        The profile's YAML file.
    package
        From `package_fingerprint`.
    data
        From `data_fingerprint`; empty for a notebook that needs no videos.
    """
    node = files.read(notebook.path)
    facts = {
        "cells": [[cell.cell_type, cell.source] for cell in node.cells],
        "parameters": parameters,
        "profile": profile.read_text(encoding="utf-8"),
        "package": package,
        "data": data,
    }
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def holds(record: Record | None, folder: Path, *, fingerprint: str) -> bool:
    """Tell whether a record is of a finished run with this fingerprint whose pages still exist."""
    return (
        record is not None
        and record.status == "done"
        and record.fingerprint == fingerprint
        and (folder / f"{record.notebook}.ipynb").is_file()
        and (folder / f"{record.notebook}.html").is_file()
    )


def save(record: Record, folder: Path) -> None:
    """Write ``<name>.json`` whole or not at all."""
    with replacing(folder / f"{record.notebook}.json") as temporary:
        text = json.dumps(asdict(record), indent=2, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")


def load(folder: Path, *, name: str) -> Record | None:
    """Read a notebook's record, or None where it has never run.

    Raises
    ------
    ResultError
        If the file is there but is not a record.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        failure = facts.pop("failure")
        return Record(**facts, failure=Failure(**failure) if failure else None)
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(
            f"Expected the record of a notebook's run in {path}. Received: {error!r}. "
            "Remove the file; the notebook then runs again."
        ) from error


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
