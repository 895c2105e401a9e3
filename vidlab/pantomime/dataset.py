"""Makes the dataset's folder: videos, lists and annotations, in parallel and resumable.

A clip is finished when its boxes are written, which happens after its video is; so an interrupted
making goes on where it stopped.

A *biased* variant has one class in one and the same room in all its groups, training and test
alike: a shortcut that a model can take, and that an explanation should uncover.
"""

import json
import os
import shutil
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from vidlab.data import video
from vidlab.errors import DatasetError
from vidlab.files import replacing, write_text
from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS
from vidlab.pantomime.parallel import process_map
from vidlab.pantomime.rendering import FPS, Shot
from vidlab.progress import progress

__all__ = ["BOXES", "GROUPS", "SIZES", "VERSION", "is_complete", "make", "plan", "read_note"]

VERSION = 2
GROUPS = 25
QUALITY = 50
BOXES = ["video_id", "frame", "part", "x0", "y0", "x1", "y1"]
"""Columns of ``annotations.parquet``: frame is int32, corners are float32 pixels, 320 × 240."""
SIZES = {
    "smoke": ("CloseDoor", "JumpingJack", "OpenDoor", "PlayingCello"),
    "quick": CLASSES,
    "full": CLASSES,
}
_CLIPS = {"smoke": (1, 1), "quick": (2, 2), "full": (4, 7)}
_COUNTING = 2**16  # takes a clip's place in the seed when the number of clips is drawn
_TEST_GROUPS = {1: range(1, 8), 2: range(8, 15), 3: range(15, 22)}
_PARTS = ".parts"


def plan(size: str, *, seed: int = 0, bias: str | None = None) -> list[Shot]:
    """List what is drawn for a size: each shot gives one video, or two that are twins.

    Examples
    --------
    >>> shots = plan("quick")
    >>> len(shots), sum(len(shot.classes) for shot in shots)
    (450, 600)
    """
    if size not in SIZES:
        raise DatasetError(
            f"Expected a size of Pantomime. Received: {size!r}. Use one of {', '.join(SIZES)}."
        )
    if seed < 0:
        raise DatasetError(f"Expected a seed of 0 or more. Received: {seed}. Use another seed.")
    low, high = _CLIPS[size]
    shots = []
    for class_name in SIZES[size]:
        if class_name not in ACTIONS:
            continue
        for group in range(1, GROUPS + 1):
            key = (seed, ACTIONS[class_name].number, group, _COUNTING)
            clips = int(np.random.default_rng(key).integers(low, high + 1))
            shots += [Shot(class_name, group, n, seed, size, bias) for n in range(1, clips + 1)]
    return shots


def is_complete(root: str | Path, *, size: str, seed: int = 0, bias: str | None = None) -> bool:
    """Whether `root` holds this size, seed and bias, whole and of this version."""
    root = Path(root)
    note = read_note(root)
    wanted = {"size": size, "seed": seed, "bias": bias, "version": VERSION, "finished": True}
    if any(note.get(name) != value for name, value in wanted.items()):
        return False
    files = [file for shot in plan(size, seed=seed) for file in _videos(root, shot).values()]
    return all(map(Path.exists, files))


def make(
    root: str | Path,
    *,
    size: str = "quick",
    seed: int = 0,
    bias: str | None = None,
    jobs: int | None = None,
) -> Path:
    """Make the dataset below `root`, or go on with it, or leave it alone when it is complete.

    Parameters
    ----------
    root
        The folder for ``UCF-101/``, ``ucfTrainTestlist/``, ``annotations.parquet``,
        ``reversed_pairs.csv`` and ``pantomime.json``.
    size
        "smoke" (4 classes, 100 clips of a second), "quick" (600 videos of 1–2 s) or "full" (12
        classes, 25 groups of 4–7 clips of 1–4 s).
    seed
        Another seed gives other people, scenes and camera work.
    bias
        A class of this size: all its groups, and those of its reversed twin, are then filmed in
        one room and in the same light; people, clothes, movements and the other classes are as
        without it. None for the fair dataset.
    jobs
        How many processes draw; all processors unless given. 1 draws in this process.

    Returns
    -------
    Path
        `root`.

    Raises
    ------
    DatasetError
        An unknown size or class; or the folder holds another size, seed, bias or version.
    """
    root = Path(root)
    shots = plan(size, seed=seed, bias=bias)
    if bias is not None and bias not in SIZES[size]:
        raise DatasetError(
            f"Expected a class of Pantomime ({size}) to be biased. Received: {bias!r}. "
            f"Use one of {', '.join(SIZES[size])}, or none."
        )
    if is_complete(root, size=size, seed=seed, bias=bias):
        _write_pairs(root)
        return root
    edition = {"size": size, "seed": seed, **({} if bias is None else {"bias": bias})}
    _check_same(root, edition)
    root.mkdir(parents=True, exist_ok=True)
    _write_note(root, edition, finished=False)
    for class_name in SIZES[size]:
        (root / "UCF-101" / class_name).mkdir(parents=True, exist_ok=True)
    (root / _PARTS).mkdir(exist_ok=True)
    waiting = [shot for shot in shots if not _is_made(root, shot)]
    jobs = min(jobs or os.cpu_count() or 1, max(len(waiting), 1))
    made = process_map(partial(_make_one, root), waiting, jobs=jobs)
    title = f"drawing Pantomime ({size})"
    try:
        deque(progress(made, desc=title, total=len(waiting), unit="clip"), maxlen=0)
    except BaseException:
        for unfinished in root.rglob(".v_*"):  # of processes that were killed
            unfinished.unlink(missing_ok=True)
        raise
    _write_lists(root, shots, SIZES[size])
    _write_annotations(root, shots)
    _write_pairs(root)
    _write_note(root, edition, finished=True)
    shutil.rmtree(root / _PARTS)
    return root


def read_note(root: str | Path) -> dict:
    """Read what the folder says of itself.

    Returns
    -------
    dict
        size, seed, version, finished, versions (of the libraries it was drawn with), and bias where
        a class is biased; empty for another dataset.

    Raises
    ------
    DatasetError
        If the note is not JSON.
    """
    path = Path(root) / "pantomime.json"
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"Expected a note about the dataset. Received: {path}, which is not JSON. "
            f"Remove the folder {root} and make the dataset again."
        ) from error


def _make_one(root: Path, shot: Shot) -> None:
    made, tables = shot.render(), []
    for class_name, path in _videos(root, shot).items():
        clip = made if class_name == shot.class_name else made.reversed()
        video.write(path, clip.frames, fps=FPS, quality=QUALITY)
        tables.append(clip.boxes.assign(video_id=path.stem))
    with replacing(_part(root, shot)) as unfinished:
        pd.concat(tables).to_parquet(unfinished, index=False)


def _videos(root: Path, shot: Shot) -> dict[str, Path]:
    """Name the files of a shot, of each of its classes one."""
    ids = {name: replace(shot, class_name=name).video_id for name in shot.classes}
    return {name: root / "UCF-101" / name / f"{ids[name]}.avi" for name in ids}


def _part(root: Path, shot: Shot) -> Path:
    return root / _PARTS / f"{shot.video_id}.parquet"


def _is_made(root: Path, shot: Shot) -> bool:
    return _part(root, shot).exists() and all(map(Path.exists, _videos(root, shot).values()))


def _check_same(root: Path, edition: dict) -> None:
    note, wanted = read_note(root), {**edition, "version": VERSION}
    found = {name: note[name] for name in ("size", "seed", "bias", "version") if name in note}
    if (note or (root / "UCF-101").exists()) and found != wanted:
        raise DatasetError(
            f"Expected a folder that is empty or of Pantomime {wanted}. Received: {root}, which "
            f"holds {found or 'other videos'}. Choose another folder, or remove this one."
        )


def _write_note(root: Path, edition: dict, *, finished: bool) -> None:
    versions = {"numpy": np.__version__, "opencv": cv2.__version__}
    note = {**edition, "version": VERSION, "finished": finished, "versions": versions}
    write_text(root / "pantomime.json", json.dumps(note, indent=2) + "\n")


def _write_pairs(root: Path) -> None:
    """Write which classes show each other in reverse, for `VideoIndex.reversed_pairs`."""
    file = root / "reversed_pairs.csv"
    if not file.exists():
        rows = [(*pair, "cyclic" if pair.cyclic else "end-state") for pair in REVERSED_PAIRS]
        pairs = pd.DataFrame(rows, columns=["class_name", "twin_class", "kind"])
        pairs.to_csv(file, index=False, lineterminator="\n")


def _write_lists(root: Path, shots: list[Shot], classes: tuple[str, ...]) -> None:
    folder = root / "ucfTrainTestlist"
    folder.mkdir(exist_ok=True)
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    write_text(folder / "classInd.txt", "".join(f"{n} {name}\n" for name, n in numbers.items()))
    named = [(shot.group, *video) for shot in shots for video in _videos(root, shot).items()]
    videos = sorted((name, group, f"{name}/{path.name}") for group, name, path in named)
    for split, groups in _TEST_GROUPS.items():
        train = [f"{path} {numbers[name]}\n" for name, group, path in videos if group not in groups]
        test = [f"{path}\n" for _, group, path in videos if group in groups]
        write_text(folder / f"trainlist{split:02d}.txt", "".join(train))
        write_text(folder / f"testlist{split:02d}.txt", "".join(test))


def _write_annotations(root: Path, shots: list[Shot]) -> None:
    table = pd.concat([pd.read_parquet(_part(root, shot)) for shot in shots])
    table = table[BOXES].sort_values(["video_id", "frame", "part"], kind="stable")
    with replacing(root / "annotations.parquet") as unfinished:
        table.to_parquet(unfinished, index=False)
