"""Where vidlab keeps what it writes, and files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["home", "replacing", "write_text"]


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
