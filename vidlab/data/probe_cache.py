"""What was found out about video files by decoding them, kept below `home` in ``cache``.

An entry belongs to a file's content, not to its name: its length, its time of change, its first
and last bytes. So a moved or linked file is known, and a changed one is not.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

import cv2

from vidlab.files import home

__all__ = ["find", "keep", "key_of"]

_ENDS = 4096  # bytes from each end
_METHOD = 1  # raise it where other things are found out about the same file


def key_of(path: Path) -> str:
    """Digest what tells whether a file is still the one that was decoded."""
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        facts = about.st_size, about.st_mtime_ns, cv2.__version__, _METHOD
        digest = hashlib.blake2b(repr(facts).encode())
        digest.update(file.read(_ENDS))
        file.seek(max(about.st_size - _ENDS, 0))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()[:32]


def find(key: str) -> dict | None:
    """What is kept under a key."""
    return _entries(_file()).get(key)


def keep(key: str, entry: dict) -> None:
    """Keep an entry; where the folder cannot be written to, in this process alone."""
    file = _file()
    _entries(file)[key] = entry
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
def _entries(file: Path) -> dict[str, dict]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError:  # not there yet, or not readable
        return {}
    parts = (line.partition(b" ") for line in lines)
    # A full disk or a killed process leaves a line unfinished: its digest is another.
    return dict(
        json.loads(text) for digest, _, text in parts if digest.decode("latin-1") == _digest(text)
    )


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=8).hexdigest()
