"""One progress bar for all long work, silent where nobody watches.

Bars are drawn on a terminal and in a live notebook; they stay quiet under papermill, in pipes and
with ``VIDLAB_QUIET=1``, so executed notebooks and logs are not flooded. A quiet bar is a sign of
life all the same: it keeps its line in the file named by ``VIDLAB_HEARTBEAT``, where there is one,
and ``vidlab run`` watches that file.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tqdm.auto import tqdm
from tqdm.std import tqdm as text_bar

__all__ = [
    "HEARTBEAT",
    "counter",
    "is_open_notebook",
    "is_watched",
    "progress",
    "silent_stderr",
]

Item = TypeVar("Item")

HEARTBEAT = "VIDLAB_HEARTBEAT"
_SECONDS = 1  # at most one heartbeat in


def is_watched() -> bool:
    """Whether somebody sees a moving bar: on a terminal or in an open notebook."""
    if os.environ.get("VIDLAB_QUIET", "") not in ("", "0"):
        return False
    return is_open_notebook() if _kernel() is not None else sys.stderr.isatty()


def is_open_notebook() -> bool:
    """Whether the cell that runs is run by somebody, in a notebook or a console.

    Programs that execute notebooks, such as papermill, nbconvert and ``vidlab run``, say of each
    cell that nobody can be asked for input; front ends do not. A kernel started from inside an open
    notebook inherits its environment, which tells nothing.
    """
    return bool(getattr(_kernel(), "_allow_stdin", False))


def _kernel() -> Any:
    """Return the kernel this process is; None elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None)


def progress(
    iterable: Iterable[Item], *, desc: str, total: int | None = None, unit: str = "it"
) -> Iterator[Item]:
    """Iterate behind a progress bar; `total` is needed where `iterable` has no length."""
    return iter(_bar(iterable, desc=desc, total=total, unit=unit))


def counter(*, desc: str, total: int | None, unit: str = "it") -> tqdm:
    """Progress bar for work that is not a loop: a context manager with ``update()``."""
    return _bar(desc=desc, total=total, unit=unit)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep lines that C++ code writes to stderr out of notebooks, where they stand in a red box.

    No setting of TensorFlow stops them. What goes wrong is raised, not written.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class _Heartbeat(io.TextIOBase):
    """The stream a quiet bar writes to: a file that holds its last line."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def write(self, text: str) -> int:
        line = text.strip()
        if line:
            with suppress(OSError):  # a full disk is for the work itself to meet
                self.path.write_text(line, encoding="utf-8")
        return len(text)


def _bar(iterable: Iterable | None = None, **options) -> tqdm:
    path = os.environ.get(HEARTBEAT)
    if path and not is_watched():
        return text_bar(
            iterable,
            file=_Heartbeat(path),
            mininterval=_SECONDS,
            miniters=1,  # else, after quick steps, slow ones are passed over
            position=0,
            leave=False,
            bar_format="{desc}: {n_fmt}/{total_fmt} {unit}{postfix}",
            **options,
        )
    return tqdm(iterable, disable=not is_watched(), leave=False, **options)
