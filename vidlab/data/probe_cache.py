"""What was found out about video files by decoding them, kept below `home` in ``cache``.

An entry belongs to a file's content, not to its name: its length, its time of change, its first
and last bytes. So a moved or linked file is known, and a changed one is not. What the first and
last bytes are is kept too, as long as the system says that nothing about the file has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from functools import lru_cache
from pathlib import Path

import cv2

from vidlab.files import home

__all__ = ["ends_of", "find", "keep", "key_of"]

_ENDS = 4096  # bytes from each end
_METHOD = 2  # raise it where other things are found out about the same file
_SETTLED = 2.0  # seconds after which a change of a file shows in its times, however coarse they are


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
    line = f"{_digest(text.encode())} {text}\n"
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
        json.loads(text) for digest, _, text in parts if digest.decode("latin-1") == _digest(text)
    )


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=8).hexdigest()
