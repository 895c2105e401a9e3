"""What the bytes of a file tell before any decoder: its kind, and whether its end is there.

A container (AVI, Matroska, MP4) is a row of labelled pieces with their lengths.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

__all__ = [
    "codec_named",
    "is_cut_off",
    "lacks_pictures",
    "names_frames",
    "other_kind",
    "shown_seconds",
]

_ENDS = 1 << 16  # bytes looked at from each end of a file
_MATROSKA, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MP4_STARTS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_ARCHIVES = (b"PK\3\4", b"Rar!", b"\x1f\x8b", b"7z\xbc\xaf")
_SOUNDS = (b"ID3", b"\xff\xfb", b"fLaC")
# How a container marks a stream of sound, and how one of pictures.
_STREAMS = ((b"auds", b"vids"), (b"soun", b"vide"), (b"\x83\x81\x02", b"\x83\x81\x01"))
_REMEDIES = {
    "a Git LFS pointer": "Get the file that it stands for: git lfs pull",
    "a web page": "Most likely a login or error page was saved: download the video again",
    "a picture": "Remove it, or give it the ending of its kind",
    "an archive": "Unpack it first",
    "a text": "Remove it, or give it the ending of its kind",
}


def names_frames(path: Path) -> bool:
    """Whether a file is of a kind that stores its number of frames: AVI, MP4 or QuickTime.

    Others (Matroska, MPEG, FLV, ASF, Ogg) store a duration at most, from which decoders guess.
    """
    start, _ = _ends(path)
    return start[:4] == b"RIFF" or start[4:8] in _MP4_STARTS


def other_kind(path: Path) -> tuple[str, str] | None:
    """What a file is that is no video, and what to do about it; None where nothing shows."""
    start, _ = _ends(path)
    text = start[:256].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        kind = "a Git LFS pointer"
    elif text.startswith((b"<!doctype html", b"<html")):
        kind = "a web page"
    elif start.startswith(_PICTURES) or start[:4] + start[8:12] == b"RIFFWEBP":
        kind = "a picture"
    elif start.startswith(_ARCHIVES):
        kind = "an archive"
    elif b"\0" not in start:  # every container is full of zeros
        kind = "a text"
    else:
        return None
    return kind, _REMEDIES[kind]


def lacks_pictures(path: Path) -> bool:
    """Whether a file is one of sound alone."""
    start, end = _ends(path)
    if start.startswith(_SOUNDS) or start[:4] + start[8:12] == b"RIFFWAVE":
        return True
    if start.startswith(b"OggS"):
        return b"theora" not in start
    both = start + end
    return any(sound in both and pictures not in both for sound, pictures in _STREAMS)


def codec_named(path: Path) -> str:
    """The four characters by which an AVI file names its compression; empty for other files."""
    start, _ = _ends(path)
    found = start.find(b"vids") if start.startswith(b"RIFF") else -1
    return start[found + 4 : found + 8].decode("latin-1").strip("\0 ") if found > 0 else ""


def is_cut_off(path: Path) -> bool:
    """Whether an AVI, Matroska or MP4 file is shorter than it says, or lacks its index."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(_ENDS)
        if start.startswith(_MATROSKA):
            segment = start.find(_SEGMENT) + len(_SEGMENT)
            length, position = _variable_length(start, segment)
            return segment >= len(_SEGMENT) and length is not None and position + length > size
        if start[:4] == b"RIFF":
            return 8 + int.from_bytes(start[4:8], "little") > size
        if start[4:8] != b"ftyp":
            return False
        boxes = list(_boxes(file, size))
    names, ends = {name for name, _, _ in boxes}, [end for _, _, end in boxes]
    return ends[-1] > size or (b"mdat" in names and not names & {b"moov", b"moof"})


def shown_seconds(path: Path) -> float | None:
    """How long the first edit list of an MP4 file lets its video play; None where there is none.

    A clip that was cut without loss holds all frames from a key frame on, and a list that shows
    some of them.
    """
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            return None
        boxes = _boxes(file, os.fstat(file.fileno()).st_size)
        start = next((start for name, start, _ in boxes if name == b"moov"), None)
        if start is None:
            return None
        file.seek(start)
        moov = file.read(_ENDS)
    header, edits = moov.find(b"mvhd") + 4, moov.find(b"elst") + 4
    if header < 4 or edits < 4 or moov[header] or moov[edits]:  # absent, or of the 64-bit kind
        return None
    scale = int.from_bytes(moov[header + 12 : header + 16], "big")
    count = int.from_bytes(moov[edits + 4 : edits + 8], "big")
    end = edits + 8 + 12 * count
    listed = np.frombuffer(moov[edits + 8 : end] if end <= len(moov) else b"", ">i4")
    if scale == 0 or not len(listed):
        return None
    lengths, starts, _ = listed.reshape(-1, 3).T
    return float(lengths[starts >= 0].sum() / scale)


def _variable_length(data: bytes, at: int) -> tuple[int | None, int]:
    """Read a length of Matroska, None where it is not known; return also where its content is."""
    first = data[at] if at < len(data) else 0
    size = 9 - first.bit_length()
    most = (1 << 7 * size) - 1
    length = int.from_bytes(data[at : at + size], "big") & most
    return (None if length == most else length), at + size


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Go through the outer boxes of an MP4 file: each one's name, start and end."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # a long box: its length follows in eight bytes
            length = int.from_bytes(head[8:16], "big")
        # The last box may reach to the end of the file.
        end = position + max(length, 8) if length else size
        yield head[4:8], position, end
        position = end


def _ends(path: Path) -> tuple[bytes, bytes]:
    """Read the first bytes of a file, and its last ones where it has more."""
    with path.open("rb") as file:
        start = file.read(_ENDS)
        file.seek(max(os.fstat(file.fileno()).st_size - _ENDS, len(start)))
        return start, file.read(_ENDS)
