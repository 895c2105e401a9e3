"""Frames of videos on disk, resized once, from which any frame reads at once.

Takes rows of an `index` table and frames from `video`; gives frames to `Clips`. Reading is by
plain file reads, not memory mapping, so that memory stays flat however much was read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from vidlab.data import video
from vidlab.errors import FrameIndexError, UnreadableVideoError

__all__ = ["FrameCache", "Record"]

_CHUNK_BYTES = 64 * 2**20  # decoded at a time, so that memory stays flat


class Record(Protocol):
    """The part of an index row that reading needs."""

    video_id: str
    path: str
    frames: int


class FrameCache:
    """Frames of videos, resized once and kept in files from which any of them reads at once.

    One ``.npy`` file a video, named after the video, the size, and a hash of the video file's
    path, length and time of change: a video that changes is decoded anew. Files appear whole or
    not at all, so an interrupted run leaves nothing wrong behind.

    Parameters
    ----------
    folder
        Where the files are kept; made if need be.
    size
        Height and width of the frames in pixels.
    """

    def __init__(self, folder: str | os.PathLike, *, size: tuple[int, int]):
        self.folder = Path(folder)
        self.size = (int(size[0]), int(size[1]))
        self._locks: dict[str, threading.Lock] = {}

    def file(self, record: Record) -> Path:
        """Name the file that holds the frames of one video, whether it is there yet or not.

        Parameters
        ----------
        record
            A row of an index table.

        Returns
        -------
        Path
            In the cache folder.

        Raises
        ------
        VideoError
            If the video is no longer there.
        """
        path = os.path.abspath(record.path)
        try:
            found = os.stat(path)
        except FileNotFoundError:
            video.probe(path)  # names the file and the remedy
            raise
        identity = f"{path}|{found.st_size}|{found.st_mtime_ns}"
        key = hashlib.sha256(identity.encode()).hexdigest()[:16]
        height, width = self.size
        return self.folder / f"{record.video_id}-{height}x{width}-{key}.npy"

    def read(self, record: Record, indices: Iterable[int]) -> np.ndarray:
        """Read frames of one video, decoding it first if it is not here yet.

        Parameters
        ----------
        record
            A row of an index table.
        indices
            Frame numbers, in any order, repeated or not.

        Returns
        -------
        numpy.ndarray
            ``uint8``, (len(indices), height, width, 3).

        Raises
        ------
        FrameIndexError
            If a frame number lies beyond the ends of the video.
        UnreadableVideoError
            If the video, or its file in the cache, is damaged.
        """
        path = self.file(record)
        if not path.is_file():
            # One thread decodes, the others wait for it: Windows replaces no file that is being
            # read, and the work would be done twice.
            with self._locks.setdefault(path.name, threading.Lock()):
                if not path.is_file():
                    self._decode(record)
        indices = np.asarray(indices, dtype=np.int64)
        pictures = np.empty((len(indices), *self.size, 3), np.uint8)
        with open(path, "rb", buffering=0) as file:
            np.lib.format.read_magic(file)
            (frames, *_), _, _ = np.lib.format.read_array_header_1_0(file)
            if len(indices) and not (indices.min() >= 0 and indices.max() < frames):
                raise FrameIndexError(
                    f"Expected frame numbers from 0 to {frames - 1} for {record.path}. "
                    f"Received: {indices.min()} to {indices.max()}. Sample within the video."
                )
            start = file.tell()
            for place, number in enumerate(indices.tolist()):
                file.seek(start + number * self._frame_bytes)
                if file.readinto(pictures[place].data) != self._frame_bytes:
                    raise UnreadableVideoError(
                        f"Expected {frames} whole frames in {path}. Received: a file that ends "
                        f"before frame {number}. Delete it; it is made again."
                    )
        return pictures

    @property
    def _frame_bytes(self) -> int:
        return self.size[0] * self.size[1] * 3

    def _decode(self, record: Record) -> None:
        """Write the file of one video."""
        path = self.file(record)
        frames = int(record.frames)
        header = {"descr": "|u1", "fortran_order": False, "shape": (frames, *self.size, 3)}
        step = max(1, _CHUNK_BYTES // self._frame_bytes)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}.partial")
        try:
            with open(partial, "wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                for first in range(0, frames, step):
                    chosen = range(first, min(first + step, frames))
                    file.write(video.read_frames(record.path, chosen, size=self.size).data)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
