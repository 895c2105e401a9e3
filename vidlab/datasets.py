"""From a name to an index: finds the files of a dataset, or makes them.

Everything vidlab writes lives below one folder, `home`, whatever the working folder of a notebook.
"""

from __future__ import annotations

from pathlib import Path

from vidlab import pantomime
from vidlab.data import ucf101
from vidlab.data.index import VideoIndex
from vidlab.errors import LayoutError
from vidlab.files import home

__all__ = ["NAMES", "folder_of", "home", "load_index"]

NAMES = ("pantomime", "ucf101")
"""The datasets known by name."""


def folder_of(name: str, *, size: str = "quick", seed: int = 0, bias: str | None = None) -> Path:
    """The folder of a dataset known by name.

    Returns
    -------
    pathlib.Path
        ``data/ucf101`` or ``data/pantomime-<size>`` in `home`; another seed than 0 and a bias are
        part of the name, so that two variants do not overwrite each other.
    """
    if name == "pantomime":
        name = f"{name}-{size}{f'-seed-{seed}' if seed else ''}{f'-bias-{bias}' if bias else ''}"
    return home() / "data" / name


def load_index(
    name_or_folder: str | Path,
    *,
    root: str | Path | None = None,
    size: str = "quick",
    seed: int = 0,
    bias: str | None = None,
    layout: str | None = None,
    groups: str | None = None,
    count: bool = False,
) -> VideoIndex:
    r"""Index a dataset by its name, or any folder of videos.

    Parameters
    ----------
    name_or_folder
        ``"pantomime"`` (made where it is not there yet), ``"ucf101"`` (see `vidlab.ucf101.fetch`),
        or a folder in any layout of `vidlab.layouts.look`.
    root
        Where a dataset known by name is kept; None for `folder_of`.
    size, seed
        Of Pantomime: ``"smoke"``, ``"quick"`` or ``"full"``, and the seed it is drawn from.
    bias
        Of Pantomime: a class that is always in one room; see `vidlab.pantomime.make`.
    layout, groups, count
        How the folder holds videos, such as ``"split/class"``, and the part of a name that is the
        group, such as ``r"person(\d+)"``, where that cannot be seen; and whether to read every
        video to its end; as `VideoIndex.from_folder` takes them.

    Returns
    -------
    VideoIndex

    Raises
    ------
    LayoutError
        The folder is not there, or holds no videos in such a layout.
    """
    name = str(name_or_folder)
    if name in NAMES:
        folder = root or folder_of(name, size=size, seed=seed, bias=bias)
    folder = Path(folder if name in NAMES else name_or_folder).expanduser()
    if name == "pantomime":
        folder = pantomime.make(folder, size=size, seed=seed, bias=bias)
    elif name == "ucf101" and not folder.is_dir():
        raise LayoutError(
            f"Expected UCF-101 in {folder}. Received: no such folder. Get it with vidlab data "
            f"fetch, which downloads {ucf101.ARCHIVE_URL}, or give the folder it is in as root."
        )
    elif not folder.is_dir():
        raise LayoutError(
            f"Expected one of {', '.join(NAMES)}, or a folder of videos. Received: {name!r}, and "
            f"there is no folder {folder.absolute()}. Check the spelling."
        )
    return VideoIndex.from_folder(folder, layout=layout, groups=groups, count=count)
