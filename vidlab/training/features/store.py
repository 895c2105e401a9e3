"""Features on disk: a folder of shards, each whole or absent, read without loading them.

A store is a folder named by its key (see `keys`) with

- ``store.json``: videos, labels, classes, and what the features were made with;
- ``frames.npy``: which frame of its video each row is;
- ``shard-00000.npy`` and on: (rows, features), the rows of some whole videos; ``float32``, or
  ``float16`` where they were computed in half precision. Behind the array, where NumPy does not
  look, stand the 32 bytes of its SHA-256;
- ``seconds.txt``: what each shard has cost;
- ``claims``: an empty file, see `claims`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vidlab.errors import ResultError

__all__ = ["SHARD_BYTES", "SHARD_FRAMES", "VERSION", "FeatureStore", "Layout", "Shards"]

VERSION = "3"
"""Of the form on disk; part of every key."""

SHARD_FRAMES = 2048
"""Rows a shard is filled up to with whole videos; a longer video has a shard of its own. With
the slowest backbone this is a minute's work on two cores, the most an interruption costs."""

SHARD_BYTES = 64 * 2**20
"""What a shard of long vectors is filled up to instead, so that memory stays flat."""

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Layout:
    """What a store holds, and where; the content of ``store.json``.

    Attributes
    ----------
    key : str
        Names the store.
    about : dict
        What it was made with, for people who wonder.
    size : int
        Features in a vector.
    classes : list of str
        Class names in the order of their labels.
    video_ids, groups : list of str
        One of each for every video.
    labels : list of int
        Class numbers of the videos.
    counts : list of int
        Rows of each video.
    shard_frames : int
        Rows a shard is filled up to.
    dtype : {"float32", "float16"}
        Of the vectors on disk.
    """

    key: str
    about: dict
    size: int
    classes: list[str]
    video_ids: list[str]
    groups: list[str]
    labels: list[int]
    counts: list[int]
    shard_frames: int
    dtype: str = "float32"

    @cached_property
    def starts(self) -> np.ndarray:
        """The first row of each video, all videos in one line; one more at the end."""
        return np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])

    @cached_property
    def shards(self) -> list[range]:
        """The positions of the videos in each shard."""
        found, first, rows = [], 0, 0
        for position, count in enumerate(self.counts):
            if position > first and rows + count > self.shard_frames:
                found.append(range(first, position))
                first, rows = position, 0
            rows += count
        return [*found, range(first, len(self.counts))]

    @cached_property
    def shard_of(self) -> np.ndarray:
        """The shard of each video."""
        return np.repeat(np.arange(len(self.shards)), [len(videos) for videos in self.shards])

    def rows(self, shard: int) -> int:
        """Count the rows of a shard."""
        videos = self.shards[shard]
        return int(self.starts[videos.stop] - self.starts[videos.start])


class Shards:
    """The files of one store.

    Parameters
    ----------
    folder
        Where they are.
    layout
        What they hold.
    """

    def __init__(self, folder: Path, layout: Layout):
        self.folder = folder
        self.layout = layout
        self._maps: dict[int, np.ndarray] = {}

    @classmethod
    def prepared(cls, folder: Path, layout: Layout, *, frame_numbers: np.ndarray) -> Shards:
        """Make the folder of a store and what it says about itself, where they are not there."""
        folder.mkdir(parents=True, exist_ok=True)
        shards = cls(folder, layout)
        text = io.BytesIO()
        np.save(text, frame_numbers.astype(np.int32))
        for name, content in {
            "frames.npy": text.getvalue(),
            "store.json": (json.dumps(asdict(layout), indent=1) + "\n").encode(),
        }.items():
            file = folder / name
            if not file.is_file() or file.read_bytes() != content:
                shards._replace(file, content)
        return shards

    def file(self, shard: int) -> Path:
        """Name the file of a shard."""
        return self.folder / f"shard-{shard:05d}.npy"

    def is_whole(self, shard: int) -> bool:
        """Tell whether a shard is there, and exactly as it was written."""
        try:
            content = memoryview(self.file(shard).read_bytes())
        except FileNotFoundError:
            return False
        body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        return hashlib.sha256(body).digest() == digest

    def damaged(self) -> list[int]:
        """List the shards that are absent, cut off or changed."""
        return [number for number in range(len(self.layout.shards)) if not self.is_whole(number)]

    def write(self, shard: int, features: np.ndarray, *, seconds: float) -> None:
        """Write a shard, and what it has cost."""
        for leftover in self.folder.glob(f".{self.file(shard).stem}.*.partial"):
            leftover.unlink(missing_ok=True)  # of a process that was killed
        content = io.BytesIO()
        np.save(content, features)
        content.write(hashlib.sha256(content.getbuffer()).digest())
        self._replace(self.file(shard), content.getbuffer())
        with open(self.folder / "seconds.txt", "a", encoding="ascii") as file:
            file.write(f"{shard} {seconds:.3f}\n")

    def read(self, position: int) -> np.ndarray:
        """Map the rows of one video."""
        layout = self.layout
        shard = int(layout.shard_of[position])
        if shard not in self._maps:
            self._maps[shard] = np.load(self.file(shard), mmap_mode="r")
        rows = layout.starts[position : position + 2] - layout.starts[layout.shards[shard].start]
        return self._maps[shard][rows[0] : rows[1]]

    def seconds(self) -> float:
        """Add up what the shards have cost; where one was made twice, the last time counts."""
        file = self.folder / "seconds.txt"
        lines = file.read_text(encoding="ascii").splitlines() if file.is_file() else []
        costs = dict(line.split() for line in lines if len(line.split()) == 2)
        return sum(map(float, costs.values()))

    @staticmethod
    def _replace(file: Path, content: bytes | memoryview) -> None:
        partial = file.with_name(f".{file.stem}.{secrets.token_hex(4)}.partial")
        try:
            partial.write_bytes(content)
            os.replace(partial, file)
        finally:
            partial.unlink(missing_ok=True)


class FeatureStore:
    """Vectors of the frames of videos, read from disk as they are asked for.

    Made by `extract` or `open`. ``store[position]`` is (frames, features), ``float32``, or
    ``float16`` of half precision, mapped from the file rather than loaded; ``len(store)`` counts
    videos.

    Attributes
    ----------
    folder : pathlib.Path
        Where the files are.
    classes : list of str
        Class names in the order of their labels.
    size : int
        Features in a vector.
    fingerprint : str
        The key: 16 hexadecimal digits that change with whatever the features follow from.
    about : dict
        What the features were made with.
    """

    def __init__(
        self, shards: Shards, frame_numbers: np.ndarray, *, positions: np.ndarray | None = None
    ):
        layout = shards.layout
        self.folder = shards.folder
        self.classes = layout.classes
        self.size = layout.size
        self.fingerprint = layout.key
        self.about = layout.about
        self.dtype = np.dtype(layout.dtype)
        self._shards = shards
        self._frame_numbers = frame_numbers
        self._positions = np.arange(len(layout.counts)) if positions is None else positions

    @classmethod
    def open(cls, folder: str | os.PathLike) -> FeatureStore:
        """Open the store in a folder, after checking it.

        Parameters
        ----------
        folder
            The store itself, named by its key, inside the folder given to `extract`.

        Returns
        -------
        FeatureStore

        Raises
        ------
        ResultError
            If there is no store, or it is not complete.
        """
        folder = Path(folder)
        if not (folder / "store.json").is_file():
            raise ResultError(
                f"Expected a feature store. Received: {folder} without store.json. Name a folder "
                "made by vidlab.features.extract: FeatureStore.folder says which."
            )
        layout = Layout(**json.loads((folder / "store.json").read_text(encoding="utf-8")))
        shards = Shards(folder, layout)
        damaged = shards.damaged()
        if damaged:
            raise ResultError(
                f"Expected {len(layout.shards)} whole shards in {folder}. Received: {len(damaged)} "
                f"absent or damaged, the first {shards.file(damaged[0]).name}. Extract again: only "
                "these are made anew."
            )
        return cls(shards, np.load(folder / "frames.npy"))

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, position: int) -> np.ndarray:
        """Map the features of one video, (frames, features)."""
        return self._shards.read(int(self._positions[position]))

    def __repr__(self) -> str:
        frames = int(self.counts.sum())
        return f"FeatureStore({len(self)} videos, {frames} × {self.size}, {str(self.folder)!r})"

    @property
    def video_ids(self) -> list[str]:
        """Names of the videos."""
        return [self._shards.layout.video_ids[at] for at in self._positions]

    @property
    def labels(self) -> np.ndarray:
        """Class numbers, int64, ``(videos,)``."""
        return np.array(self._shards.layout.labels, np.int64)[self._positions]

    @property
    def groups(self) -> np.ndarray:
        """Group names, str, ``(videos,)``."""
        return np.array(self._shards.layout.groups, np.str_)[self._positions]

    @property
    def counts(self) -> np.ndarray:
        """Frames of each video, int64, ``(videos,)``."""
        return np.array(self._shards.layout.counts, np.int64)[self._positions]

    @property
    def bytes(self) -> int:
        """Disk the features of these videos take."""
        return int(self.counts.sum()) * self.size * self.dtype.itemsize

    @property
    def seconds(self) -> float:
        """How long computing the whole store has taken, interruptions left out."""
        return self._shards.seconds()

    def rows(self, position: int, indices: np.ndarray) -> np.ndarray:
        """Load the features of frames of a video, by their indices in it.

        Parameters
        ----------
        position
            Of the video in this store.
        indices
            int64, (frames,), in any order.

        Returns
        -------
        numpy.ndarray
            ``float32``, (frames, features).

        Raises
        ------
        ResultError
            If the store does not hold one of these frames.
        """
        held = self.frame_numbers(position)
        at = np.minimum(np.searchsorted(held, indices), len(held) - 1)
        if not np.array_equal(held[at], indices):
            raise ResultError(
                f"Expected features of frames {np.setdiff1d(indices, held).tolist()} of "
                f"{self.video_ids[position]} in {self.folder}. Received: a store of "
                f"{len(held)} others. Give the sampler an attribute draws = True if it chooses at "
                "random."
            )
        return np.asarray(self[position][at], np.float32)

    def frame_numbers(self, position: int) -> np.ndarray:
        """Tell which frames of its video the rows of ``store[position]`` are.

        Parameters
        ----------
        position
            Of the video in this store.

        Returns
        -------
        numpy.ndarray
            int64, ``(frames,)``.
        """
        at = int(self._positions[position])
        starts = self._shards.layout.starts
        return self._frame_numbers[starts[at] : starts[at + 1]].astype(np.int64)

    def select(self, positions: Iterable) -> FeatureStore:
        """Look at some of the videos only; nothing is copied.

        Parameters
        ----------
        positions
            A boolean for every video, or positions in the order wanted.

        Returns
        -------
        FeatureStore
            With the same classes, labels and fingerprint.
        """
        chosen = np.asarray(positions if isinstance(positions, np.ndarray) else list(positions))
        if chosen.dtype == bool and chosen.shape != (len(self),):
            raise ResultError(
                f"Expected one boolean for each of {len(self)} videos. Received: {chosen.shape}. "
                "Compare store.labels or store.groups to make one."
            )
        kept = self._positions[chosen if chosen.dtype == bool else chosen.astype(np.int64)]
        return FeatureStore(self._shards, self._frame_numbers, positions=kept)
