"""Arrays of videos on disk, one ``.npy`` file a video: frames, optical flow, features.

A file appears whole or not at all. Behind its array, where NumPy does not look, stand the 32 bytes
of the SHA-256 of all before them, so that damage is found. Only the rows wanted are read, so memory
stays flat.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
import threading
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vidlab.data import flow, video, video_files
from vidlab.errors import FrameIndexError, ResultError, UnreadableVideoError
from vidlab.files import is_whole, replacing
from vidlab.progress import progress

__all__ = ["FeatureStore", "FlowCache", "FlowPairs", "FrameCache"]

_CHUNK_BYTES = 64 * 2**20  # of frames decoded at a time, so that memory stays flat
_FLOW_BYTES = 8 * 240 * 320  # of a frame while its flow is computed: its pixels, grey and flow
_WORKERS = 2  # videos whose flow is computed at a time
_OPEN_FILES = 64  # mapped at a time by a feature store; macOS gives a process 256 handles

_making: dict[Path, threading.Lock] = {}


def _write(file: Path, parts: Iterable[np.ndarray], *, shape: tuple, dtype: str) -> None:
    """Write an array that comes in parts, and its digest."""
    header, digest = io.BytesIO(), hashlib.sha256()
    layout = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, layout)
    with replacing(file) as temporary, open(temporary, "wb") as out:
        for part in chain([header.getvalue()], parts):
            out.write(part)
            digest.update(part)
        out.write(digest.digest())


def _layout(opened: BinaryIO) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return the dtype and the shape of the array in a file that is open, and where it begins.

    By a pattern: NumPy has Python parse the header, at which threads of Python 3.11 can fail while
    another one parses (https://github.com/python/cpython/issues/106905).
    """
    length = int.from_bytes(opened.read(10)[8:], "little")  # after name and version of the format
    header = opened.read(length).decode("latin-1")
    kind, shape = re.search(r"'descr': '(.+?)'.*'shape': \(([\d, ]*)\)", header).groups()
    return np.dtype(kind), tuple(map(int, re.findall(r"\d+", shape))), 10 + length


def _mapped(file: Path) -> np.ndarray:
    """Map the array in a file into memory, to be read only."""
    with open(file, "rb") as opened:
        dtype, shape, start = _layout(opened)
        return np.memmap(opened, dtype, mode="r", offset=start, shape=shape)


def _is_sound(file: Path) -> bool:
    """Whether a file is whole; read once as long as its size and time of change stay."""
    return file.is_file() and _is_whole_at(file, file.stat().st_size, file.stat().st_mtime_ns)


@lru_cache(maxsize=100_000)
def _is_whole_at(file: Path, size: int, changed: int) -> bool:
    return is_whole(file)


class _RowCache:
    """Arrays of videos in files from which any row reads at once; one that is absent is made.

    A subclass has ``count(record)``, the rows of a video, and ``rows(record, numbers)``, some of
    them. While they are computed, a row takes `in_work` bytes.
    """

    def __init__(self, folder: str | os.PathLike[str], *, row_shape: tuple[int, ...], in_work: int):
        self.folder, self.row_shape = Path(folder), tuple(map(int, row_shape))
        self._step = max(1, _CHUNK_BYTES // in_work)

    def file(self, record) -> Path:
        """Name the file that holds the rows of one video, whether it is there yet or not."""
        path = os.path.abspath(record.path)
        length, changed = video_files.size_and_time(Path(path))
        key = hashlib.sha256(f"{path}|{length}|{changed}".encode()).hexdigest()[:16]
        height, width = self.row_shape[:2]
        return self.folder / f"{record.video_id}-{height}x{width}-{key}.npy"

    def make(self, record) -> Path:
        """Write the file of one video unless it is there unharmed, and return it."""
        file = self.file(record)
        if not _is_sound(file):
            # One thread works, the others wait for it: Windows replaces no file that is being
            # read, and the work would be done twice.
            with _making.setdefault(file, threading.Lock()):
                if not _is_sound(file):
                    if file.exists():
                        warnings.warn(f"vidlab: {file} is damaged; it is made anew.", stacklevel=2)
                    shape = (self.count(record), *self.row_shape)
                    every = range(shape[0])
                    firsts = every[:: self._step]
                    chunks = (self.rows(record, every[n : n + self._step]) for n in firsts)
                    _write(file, chunks, shape=shape, dtype="uint8")
        return file

    def read(self, record, indices: Iterable[int]) -> np.ndarray:
        """Read rows of one video, making its file first if it is not here yet.

        Parameters
        ----------
        record
            A row of an index table.
        indices
            Frame numbers (of flow, pair numbers), in any order, repeated or not.

        Returns
        -------
        numpy.ndarray
            ``uint8``, (len(indices), …): a row for each.

        Raises
        ------
        FrameIndexError
            If a number lies beyond the ends of the video.
        VideoError
            If the video is not there or damaged.
        """
        file = self.make(record)
        indices = np.asarray(indices, dtype=np.int64)
        rows = np.empty((len(indices), *self.row_shape), np.uint8)
        with open(file, "rb", buffering=0) as opened:  # faster than mapping it
            _, (count, *_), start = _layout(opened)
            if len(indices) and not (indices.min() >= 0 and indices.max() < count):
                raise FrameIndexError(
                    f"Expected frame numbers from 0 to {count - 1} for {record.path}. "
                    f"Received: {indices.min()} to {indices.max()}. Sample within the video."
                )
            for row, number in zip(rows, indices.tolist(), strict=True):
                opened.seek(start + number * row.nbytes)
                if opened.readinto(row) != row.nbytes:
                    raise UnreadableVideoError(
                        f"Expected {count} whole frames in {file}. Received: a file that ends "
                        f"before frame {number}. Delete it; it is made again."
                    )
        return rows


class FrameCache(_RowCache):
    """Frames of videos, resized once and kept in files from which any of them reads at once.

    A file is named after the video, the size, and the video file's path, length and time of
    change: a video that changes is decoded anew. Rows are (height, width, 3).

    Parameters
    ----------
    folder
        Where the files are kept; made if need be.
    size
        Height and width of the frames in pixels.
    """

    def __init__(self, folder: str | os.PathLike[str], *, size: tuple[int, int]):
        super().__init__(folder, row_shape=(*size, 3), in_work=3 * math.prod(size))

    def count(self, record) -> int:
        """Count the frames of a video."""
        return int(record.frames)

    def rows(self, record, numbers: range) -> np.ndarray:
        """Decode frames of a video."""
        return video.read_frames(record.path, numbers, size=self.row_shape[:2])


class FlowCache(_RowCache):
    """Optical flow between neighbouring frames of videos, computed once; named as in `FrameCache`.

    Row i is that of the frames i and i + 1, ``uint8``, (height, width, 2): see `vidlab.flow`.

    Parameters
    ----------
    folder
        Where the files are kept, in a folder for each size, method and direction.
    size
        Height and width at which flow is kept, in pixels.
    method
        One of `vidlab.flow.METHODS`.
    backward
        Whether it is the flow of the videos played in reverse, from frame i + 1 to frame i.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        size: tuple[int, int],
        method: str = "dis-fast",
        backward: bool = False,
    ):
        direction = "-backward" if backward else ""
        name = f"flow-{size[0]}x{size[1]}-{method}{direction}"
        super().__init__(Path(folder, name), row_shape=(*size, 2), in_work=_FLOW_BYTES)
        self.method, self.backward = method, backward

    def count(self, record) -> int:
        """Count the pairs of neighbouring frames of a video."""
        return max(int(record.frames) - 1, 0)

    def rows(self, record, numbers: range) -> np.ndarray:
        """Compute the flow of pairs of frames of a video."""
        return flow.pairs_of_video(
            record.path,
            np.asarray(numbers),
            size=self.row_shape[:2],
            method=self.method,
            backward=self.backward,
        )

    def fill(self, records: Iterable) -> None:
        """Compute the flow of videos that is not here yet, two videos at a time."""
        todo = [record for record in records if not _is_sound(self.file(record))]
        if todo:
            with ThreadPoolExecutor(_WORKERS) as pool:
                made = pool.map(self.make, todo)
                for _ in progress(made, desc="optical flow", total=len(todo), unit="video"):
                    pass


class FlowPairs:
    """The optical flow of the pairs of neighbouring frames of one video, forward and backward.

    Attributes
    ----------
    count : int
        Pairs: frames less one.
    """

    def __init__(self, record, folder, **options):
        self._record, self._folder, self._options = record, folder, options
        self.count = int(record.frames) - 1

    def __call__(self, numbers: np.ndarray, *, backward: bool = False) -> np.ndarray:
        """Give the flow of pairs by their numbers, ``uint8``, (pairs, height, width, 2)."""
        options = self._options | {"backward": backward}
        if self._folder is None:
            return flow.pairs_of_video(self._record.path, numbers, **options)
        return FlowCache(self._folder, **options).read(self._record, numbers)


class FeatureStore:
    """Features of frames of videos: ``store[video_id]`` is (frames, size), mapped from its file.

    Made by `vidlab.features.extract`.

    Attributes
    ----------
    folder : pathlib.Path
        Where the files are, named by a key of 16 hexadecimal digits that change with whatever the
        features follow from.
    frame_numbers : dict
        Which frames of its video the rows of each video id are, int64, (frames,), ascending.
    size : int
        Features in a vector.
    dtype : numpy.dtype
        ``float32``, or ``float16`` where they were computed in half precision.
    """

    def __init__(
        self, folder: Path, frame_numbers: Mapping[str, np.ndarray], *, size: int, dtype: str
    ):
        self.folder, self.frame_numbers = folder, dict(frame_numbers)
        self.size, self.dtype = size, np.dtype(dtype)
        self._mapped = lru_cache(_OPEN_FILES)(lambda id_: _mapped(self.file(id_)))

    def __len__(self) -> int:
        return len(self.frame_numbers)

    def __getitem__(self, video_id: str) -> np.ndarray:
        """Map the features of one video, (frames, size)."""
        return self._mapped(video_id)

    def __repr__(self) -> str:
        return (
            f"FeatureStore({len(self)} videos, {self.frames} × {self.size}, {str(self.folder)!r})"
        )

    @property
    def frames(self) -> int:
        """Vectors of all videos."""
        return sum(map(len, self.frame_numbers.values()))

    @property
    def bytes(self) -> int:
        """Disk the features take."""
        return self.frames * self.size * self.dtype.itemsize

    @property
    def seconds(self) -> float:
        """How long computing has taken; where a block was computed twice, the last time counts."""
        file = self.folder / "seconds.txt"  # absent or cut off where a process was killed
        lines = file.read_text(encoding="ascii").splitlines() if file.is_file() else []
        return sum(map(float, dict(x.split() for x in lines if len(x.split()) == 2).values()))

    def file(self, video_id: str) -> Path:
        """Name the file of one video."""
        return self.folder / f"{video_id}.npy"

    def holds(self, video_ids: Iterable[str]) -> bool:
        """Whether the features of all these videos are there, as they were written."""
        return all(is_whole(self.file(video_id)) for video_id in video_ids)

    def write(self, features: Mapping[str, np.ndarray], *, block: int, seconds: float) -> None:
        """Write the features of a block of videos, and how long computing them has taken."""
        for video_id, rows in features.items():
            _write(self.file(video_id), [rows], shape=rows.shape, dtype=self.dtype)
        with open(self.folder / "seconds.txt", "a", encoding="ascii") as file:
            file.write(f"{block} {seconds:.3f}\n")

    def rows(self, video_id: str, indices: np.ndarray) -> np.ndarray:
        """Load the features of frames of a video, by their indices in it, in any order.

        Returns
        -------
        numpy.ndarray
            ``float32``, (len(indices), size).

        Raises
        ------
        ResultError
            If the store does not hold one of these frames.
        """
        held = self.frame_numbers[video_id]
        at = np.minimum(np.searchsorted(held, indices), len(held) - 1)
        if not np.array_equal(held[at], indices):
            raise ResultError(
                f"Expected features of frames {np.setdiff1d(indices, held).tolist()} of "
                f"{video_id} in {self.folder}. Received: a store of {len(held)} others. Give the "
                "sampler an attribute draws = True if it chooses at random."
            )
        return np.asarray(self[video_id][at], np.float32)
