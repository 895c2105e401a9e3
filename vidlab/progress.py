"""One progress bar for all long work, silent where nobody watches.

Takes any iterable from any module; gives the same items back. Bars are drawn on a terminal and in
a live notebook; they stay quiet under papermill, in pipes and with ``VIDLAB_QUIET=1``, so executed
notebooks and logs are not flooded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

__all__ = ["counter", "is_open_notebook", "is_watched", "progress"]

Item = TypeVar("Item")

_SERVERS = ("JPY_SESSION_NAME", "VSCODE_PID", "COLAB_RELEASE_TAG")


def is_watched() -> bool:
    """Tell whether somebody sees a bar that moves.

    Returns
    -------
    bool
        True on a terminal or in a notebook somebody has open; False under papermill, in a pipe or
        a log file.
    """
    if os.environ.get("VIDLAB_QUIET", "") not in ("", "0"):
        return False
    if "ipykernel" in sys.modules:
        return is_open_notebook()
    return sys.stderr.isatty()


def is_open_notebook() -> bool:
    """Tell whether this kernel belongs to a notebook somebody has open.

    Returns
    -------
    bool
        A notebook server names the open notebook in ``JPY_SESSION_NAME``; papermill starts its
        kernels without it.
    """
    return any(name in os.environ for name in _SERVERS)


def progress(
    iterable: Iterable[Item], *, desc: str, total: int | None = None, unit: str = "it"
) -> Iterator[Item]:
    """Go through `iterable`, showing how far it is, at what rate, and the time left.

    Parameters
    ----------
    iterable
        What to go through.
    desc
        A few words in front of the bar.
    total
        The number of items, where `iterable` has no length.
    unit
        What an item is called in the rate.
    """
    return iter(
        tqdm(iterable, desc=desc, total=total, unit=unit, disable=not is_watched(), leave=False)
    )


def counter(*, desc: str, total: int, unit: str = "it") -> tqdm:
    """Return a bar for work that is not a loop; call its ``update()`` after each step.

    Parameters
    ----------
    desc, total, unit
        As for `progress`.

    Returns
    -------
    tqdm.tqdm
        A context manager.
    """
    return tqdm(desc=desc, total=total, unit=unit, disable=not is_watched(), leave=False)
