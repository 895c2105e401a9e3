"""What a video file's own structure says about it, without decoding: whole or cut off, how long.

Takes paths from `video`; gives answers back to it. A container (AVI, MP4) is a row of labelled
pieces with their lengths. Only labels, lengths and the list of pictures at the end of an AVI file
are read, so hundreds of files take well under a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

__all__ = ["holds_no_count", "is_cut_off", "listed_frames"]

_MATROSKA = b"\x1a\x45\xdf\xa3"  # mkv and webm
_ENTRY = np.dtype(
    [("stream", "S2"), ("kind", "S2"), ("flags", "<u4"), ("at", "<u4"), ("size", "<u4")]
)
_PICTURE_KINDS = (b"dc", b"db")


def holds_no_count(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is of a kind that stores a duration, but no number of frames.

    Parameters
    ----------
    path
        A file.

    Returns
    -------
    bool
    """
    with Path(path).open("rb") as file:
        return file.read(4) == _MATROSKA


def listed_frames(path: str | os.PathLike[str]) -> int | None:
    """Count the pictures that the list at the end of an AVI file (``idx1``) names.

    Parameters
    ----------
    path
        A file.

    Returns
    -------
    int or None
        The entries of the first stream that has pictures; None where a file is no AVI file, has no
        such list, is larger than one RIFF piece (its list names the pictures of the first alone),
        or is damaged so that the list cannot be reached.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"AVI ":
            return None
        whole = 8 + int.from_bytes(start[4:8], "little")
        for name, length in _pieces(file, start=12, end=min(whole, size)):
            if name == b"idx1":
                listed = file.read(min(length, size))
                entries = np.frombuffer(listed, _ENTRY, count=len(listed) // _ENTRY.itemsize)
                break
        else:
            return None
        file.seek(whole + whole % 2)
        if file.read(4) == b"RIFF":
            return None
    pictures = entries[np.isin(entries["kind"], _PICTURE_KINDS)]
    return int((pictures["stream"] == pictures["stream"][0]).sum()) if len(pictures) else None


def is_cut_off(path: str | os.PathLike[str]) -> bool:
    """Tell whether an AVI or MP4 file is shorter than its own structure says.

    Parameters
    ----------
    path
        A file.

    Returns
    -------
    bool
        False for files of other kinds.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(12)
        if start[:4] == b"RIFF":
            return 8 + int.from_bytes(start[4:8], "little") > size
        return start[4:8] == b"ftyp" and _end_of_boxes(file, size) > size


def _pieces(file: BinaryIO, *, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Go through the pieces of an AVI file: each one's name and length, the file at its content."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        yield head[:4], length
        start += 8 + length + length % 2


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Tell where the last box of an MP4 file should end."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # a long box: its length follows in eight bytes
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # the last box may reach to the end of the file
            return size
        position += max(length, 8)
    return position
