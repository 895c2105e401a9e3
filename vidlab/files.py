"""Files that appear whole or not at all, and results read from them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidlab.errors import ResultError

__all__ = ["read_result", "replacing", "write_text"]


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


def read_result(path: Path, reader: Callable[[Path], Any]) -> Any:
    """Read a file of a run by a function.

    Raises
    ------
    ResultError
        If there is no such file, or it cannot be read; with the remedy.
    """
    if not path.is_file():
        raise ResultError(
            f"Expected the result of a finished run. Received: {path}, which does not exist. "
            "Make it with: vidlab train RECIPE"
        )
    try:
        return reader(path)
    except (ValueError, OSError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ResultError(
            f"Expected a result that vidlab wrote. Received: {path}, which cannot be read "
            f"({error}). Delete it and make it again with: vidlab train RECIPE"
        ) from error
