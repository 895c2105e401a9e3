"""Where vidlab writes: whole files or none, their names, folders that one process holds.

What the system refuses, such as a full disk, is put into a sentence by `system_message`.
"""

import errno
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vidlab.progress import counter

__all__ = [
    "file_name",
    "home",
    "is_whole",
    "locked",
    "printable",
    "relative",
    "replacing",
    "seal",
    "system_message",
    "unique_stems",
    "write_text",
]

_DIGEST_BYTES = hashlib.sha256().digest_size
_CHUNK = 1 << 22  # bytes read at a time
_LONGEST = 180  # bytes of UTF-8; disks take 255, of which endings and temporary names need some

_EXPECTED = {
    errno.EACCES: ("permission to read or write", "Change its permissions, or name another folder"),
    errno.EPERM: ("permission to change", "Change its permissions, or name another folder"),
    errno.EROFS: ("a folder that can be written to", "Name another one, such as by VIDLAB_HOME"),
    errno.ENOSPC: ("room on the disk", "Delete what is not needed, or name a folder elsewhere"),
    errno.EDQUOT: ("room on the disk", "Delete what is not needed, or name a folder elsewhere"),
    errno.EFBIG: ("room for a file of this size", "Raise the limit, or name a folder elsewhere"),
    errno.ENAMETOOLONG: ("a shorter name", "Rename it: most disks take 255 bytes a name"),
    errno.EISDIR: ("a file", "Name a file in that folder, or remove the folder"),
    errno.ENOTDIR: ("a folder", "Remove or rename the file that stands in its place"),
    errno.EEXIST: ("a name that is free", "Remove what has that name, or choose another"),
    errno.ENOENT: ("a file or folder that exists", "Check the spelling"),
    errno.EMFILE: ("fewer open files", "Raise the limit: ulimit -n 4096"),
    errno.ENOMEM: ("enough memory", "Close other programs, or take smaller batches"),
    errno.EIO: ("a disk that works", "Check it, and copy the file from its source again"),
}


def home() -> Path:
    """The folder of data, caches and runs.

    Returns
    -------
    pathlib.Path
        ``$VIDLAB_HOME`` where it is set; else the checkout, where the package stands in one (beside
        ``nbconfig``); else, for an installed package, ``~/vidlab``.
    """
    if named := os.environ.get("VIDLAB_HOME"):
        return Path(named).expanduser().absolute()
    beside = Path(__file__).resolve().parents[1]
    return beside if (beside / "nbconfig").is_dir() else Path.home() / "vidlab"


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
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        error.add_note(system_message(error))  # what a notebook shows below the traceback
        raise
    finally:
        with suppress(OSError):  # it is not there, or the error above says why it cannot be
            temporary.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    r"""Write a whole file in UTF-8, or leave it as it was.

    Bytes of file names that are not UTF-8 are written as escapes (``\udcff``), which JSON reads.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return Path(path)


def relative(path: str | os.PathLike[str]) -> str:
    """Return a path as short as it can be typed from here."""
    path = Path(path)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def printable(text: str) -> str:
    r"""Return a name as it is; bytes in it that are not UTF-8 as escapes, ``\udcff``."""
    return text.encode(errors="backslashreplace").decode()


def file_name(text: str) -> str:
    """Make a name for a file out of any text, without an ending.

    Separators of folders and bytes that are not UTF-8 are replaced. What is too long for a disk is
    cut, and told apart by a digest of the whole.

    Examples
    --------
    >>> file_name("open/close [a].v2")
    'open_close [a].v2'
    >>> len(file_name("long " * 60))
    180
    """
    name = re.sub(r"[/\\\x00-\x1f\ud800-\udfff]", "_", text)
    if len(name.encode()) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{name.encode()[: _LONGEST - 9].decode(errors='ignore')}-{digest}"


def unique_stems(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return a name for each file without its ending, for what is made of it, no two alike.

    Names that several files have get their folder's name in front, and a digest where that is not
    enough. Case and ways to write an accent tell no names apart, as they do not on every disk.

    Examples
    --------
    >>> unique_stems(["a/clip.avi", "b/clip.avi", "b/other.avi"])
    ['a-clip', 'b-clip', 'other']
    """
    paths = [Path(path).resolve() for path in paths]
    digests = [hashlib.sha256(os.fsencode(path)).hexdigest()[:8] for path in paths]
    stems = [file_name(path.stem) for path in paths]
    longer = [file_name(f"{path.parent.name}-{path.stem}") for path in paths]
    longest = [file_name(f"{d}-{path.stem}") for d, path in zip(digests, paths, strict=True)]
    for others in (longer, longest):
        same = [unicodedata.normalize("NFC", stem).casefold() for stem in stems]
        stems = [
            other if same.count(key) > 1 else stem
            for stem, key, other in zip(stems, same, others, strict=True)
        ]
    return stems


def system_message(error: BaseException) -> str:
    """Say what an error of the system is about and what to do, by the formula of `vidlab.errors`.

    Examples
    --------
    >>> system_message(PermissionError(13, "Permission denied", "runs/metrics.json"))
    'Expected permission to read or write. Received: runs/metrics.json (Permission denied). \
Change its permissions, or name another folder.'
    """
    if isinstance(error, UnicodeError):
        return (
            f"Expected text in UTF-8. Received: {error}. Save the file as UTF-8, or give files "
            "names of characters that UTF-8 has."
        )
    code = getattr(error, "errno", None)
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # of TF
        code = errno.ENOMEM
    elif isinstance(error, OSError) and code not in _EXPECTED:  # libraries keep the text alone
        code = next((each for each in _EXPECTED if os.strerror(each) in str(error)), None)
    if code not in _EXPECTED:
        return f"{type(error).__name__}: {error}"
    expected, remedy = _EXPECTED[code]
    file, reason = getattr(error, "filename", None), getattr(error, "strerror", None)
    received = str(error) or "none left" if file is None else f"{file} ({reason})"
    return f"Expected {expected}. Received: {received}. {remedy}."
