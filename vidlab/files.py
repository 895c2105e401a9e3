"""Files that appear whole or not at all, and folders that one process at a time works in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vidlab.progress import counter

__all__ = ["is_whole", "locked", "replacing", "seal", "write_text"]

_DIGEST_BYTES = hashlib.sha256().digest_size
_CHUNK = 1 << 22  # bytes read at a time


def seal(path: str | os.PathLike[str]) -> None:
    """Append the SHA-256 of a file, 32 bytes, by which `is_whole` tells whether it was changed."""
    with open(path, "rb+") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0, os.SEEK_END)
        file.write(digest)


def is_whole(path: str | os.PathLike[str]) -> bool:
    """Whether a sealed file is there, and exactly as it was written."""
    if not os.path.isfile(path):
        return False
    digest, left = hashlib.sha256(), os.path.getsize(path) - _DIGEST_BYTES
    with open(path, "rb") as file:
        while left > 0 and (part := file.read(min(left, _CHUNK))):
            digest.update(part)
            left -= len(part)
        return file.read() == digest.digest()


@contextmanager
def locked(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a folder against other processes; where another holds it, say so and wait.

    The folder is made where it is absent. Whoever dies lets go.
    """
    file = Path(folder) / ".lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Waiting for another process that works in {file.parent}.")
        with counter(desc="waiting for another process", total=None, unit="s") as bar:
            while not lock.is_locked:
                with suppress(Timeout):
                    lock.acquire(timeout=1)
                bar.update()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`; what is written there becomes `path` at the end.

    After an error or an interruption `path` is as it was before. The temporary name keeps the
    suffix, which some writers go by. The folder is made where it is absent.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     (Path(folder) / "note.txt").read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a whole file in UTF-8, or leave it as it was."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)
