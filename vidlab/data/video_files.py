"""The files of a video, one or a folder of numbered images, and what was found out about them.

What decoding a file told is kept below `home` in ``cache``. An entry belongs to a file's content,
not to its name: its length, its time of change, its first and last bytes. So a moved or linked file
is known, and a changed one is not. What the first and last bytes are is kept too, as long as the
system says that nothing about the file has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import cv2

from vidlab.errors import MissingVideoError
from vidlab.files import home

__all__ = [
    "content_digest",
    "ends_of",
    "files_of",
    "find",
    "frame_names",
    "keep",
    "key_of",
    "number_of",
    "size_and_time",
]

_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>\d+)")
_ENDS = 4096  # bytes from each end
_METHOD = 2  # raise it where other things are found out about the same file
_SETTLED = 2.0  # seconds after which a change of a file shows in its times, however coarse they are


def frame_names(names: Iterable[str]) -> list[str]:
    """Choose the images that are the frames of a video from the names in a folder.

    Frames are numbered and named alike. Stored optical flow (``flow_x_00001.jpg``) is left out, and
    of several kinds of image the one with most files is taken.

    Returns
    -------
    list of str
        In the order of their numbers; empty where fewer than two images are numbered alike.

    Examples
    --------
    >>> frame_names(["img_10.jpg", "img_9.jpg", "flow_x_9.jpg", "notes.txt"])
    ['img_9.jpg', 'img_10.jpg']
    """
    kinds = defaultdict(list)
    for name in names:
        file = Path(name)
        match = _NUMBERED.fullmatch(file.stem)
        if file.suffix.lower() in _SUFFIXES and match and not name.startswith("."):
            kinds[match["prefix"].lower()].append((int(match["number"]), name))
    images = [kind for prefix, kind in sorted(kinds.items()) if not prefix.startswith("flow")]
    most = max(images, key=len, default=[])
    return [name for _, name in sorted(most)] if len(most) > 1 else []


def number_of(image: Path) -> int:
    """Return the number of a frame, as its image is named."""
    return int(_NUMBERED.fullmatch(image.stem)["number"])


def files_of(video: Path) -> list[Path]:
    """List the files of a video: itself, or the images in its folder, in order."""
    if not video.is_dir():
        return [video]
    return [video / name for name in frame_names(file.name for file in video.iterdir())]


def size_and_time(video: Path) -> tuple[int, int]:
    """Give the bytes of a video and its last change in ns.

    Raises
    ------
    MissingVideoError
        The video is no longer there.
    """
    if not video.exists():
        raise MissingVideoError(
            f"Expected a video file. Received: {video} (no such file). Check the spelling, or make "
            "the index again if files were moved."
        )
    stats = [file.stat() for file in files_of(video)]
    return sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)


def content_digest(video: Path) -> str:
    """Digest the content of a video; an unchanged one is read once."""
    return _digest(video, *size_and_time(video))


@lru_cache(maxsize=100_000)
def _digest(video: Path, size: int, changed: int) -> str:
    digests = []
    for each in files_of(video):
        with each.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256"))
    whole = hashlib.sha256(b"".join(each.digest() for each in digests))
    return (whole if len(digests) > 1 else digests[0]).hexdigest()


def key_of(path: Path) -> str:
    """Name what tells whether a file is still the one that was decoded."""
    return f"{cv2.__version__} {_METHOD} {os.stat(path).st_mtime_ns} {ends_of(path)}"


def ends_of(path: Path) -> str:
    """Digest the length, the first and the last bytes of a file."""
    about = os.stat(path)
    facts = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    key = " ".join(map(str, facts))
    digest = find(key)
    if digest is None:
        with path.open("rb") as file:
            read = hashlib.blake2b(f"{about.st_size} ".encode() + file.read(_ENDS), digest_size=16)
            file.seek(max(about.st_size - _ENDS, 0))
            read.update(file.read(_ENDS))
        digest = read.hexdigest()
        if time.time() - max(about.st_ctime, about.st_mtime) > _SETTLED:
            keep(key, digest)
    return digest


def find(key: str) -> dict | str | None:
    """What is kept under a key."""
    return _entries(os.environ.get("VIDLAB_HOME")).get(key)


def keep(key: str, entry: dict | str) -> None:
    """Keep an entry; where the folder cannot be written to, in this process alone."""
    file = _file()
    _entries(os.environ.get("VIDLAB_HOME"))[key] = entry
    text = json.dumps([key, entry])
    line = f"{_checksum(text.encode())} {text}\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab", buffering=0) as kept:  # one write a line: processes may share the file
            kept.write(line.encode())
    except OSError:
        return  # a read-only home or a full disk costs the next process some time, nothing else


def _file() -> Path:
    return home() / "cache" / "videos.jsonl"


@lru_cache(maxsize=4)
def _entries(named: str | None) -> dict[str, dict | str]:
    """Read what is kept in the `home` of this name: to find it costs more than to look a key up."""
    try:
        lines = _file().read_bytes().split(b"\n")
    except OSError:  # not there yet, or not readable
        return {}
    parts = (line.partition(b" ") for line in lines)
    # A full disk or a killed process leaves a line unfinished: its digest is another.
    return dict(
        json.loads(text) for digest, _, text in parts if digest.decode("latin-1") == _checksum(text)
    )


def _checksum(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=8).hexdigest()
