"""The videos an explorer lets choose from: a single file, or those of an index, found by name.

Takes a `VideoIndex` or a file; gives `Library` to `sampling` and `augment`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidlab.errors import DatasetError

if TYPE_CHECKING:
    from vidlab.index import VideoIndex

__all__ = ["Library"]

_LISTED = 200


class Library:
    """Videos by their names.

    Parameters
    ----------
    source
        A video file, or an index with at least one video.

    Raises
    ------
    DatasetError
        If the index is empty.
    """

    def __init__(self, source: str | Path | VideoIndex):
        if isinstance(source, str | Path):
            paths, classes = [Path(source)], [""]
            ids = [Path(source).stem]
        else:
            paths, classes = source.paths, source.table["class_name"].tolist()
            ids = source.table["video_id"].tolist()
        if not ids:
            raise DatasetError(
                "Expected an index with videos. Received: one without. "
                "Select other videos, or load the index again."
            )
        self._paths = dict(zip(ids, paths, strict=True))
        self._classes = dict(zip(ids, classes, strict=True))
        self._text = np.array([f"{a} {b}".lower() for a, b in zip(ids, classes, strict=True)])
        self._ids = np.array(ids)

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def first(self) -> str:
        """The name of the first video."""
        return str(self._ids[0])

    def path(self, video_id: str) -> Path:
        """Give the file of a video.

        Raises
        ------
        DatasetError
            If there is no such video.
        """
        if video_id not in self._paths:
            raise DatasetError(
                f"Expected a video of the index. Received: {video_id!r}. "
                "Search for a part of its name."
            )
        return self._paths[video_id]

    def find(self, search: str = "") -> list[str]:
        """Give the videos whose name and class hold all words of a text; all of them without one.

        Raises
        ------
        DatasetError
            If there is none.
        """
        held = np.ones(len(self._text), bool)
        for word in search.lower().split():
            held &= np.char.find(self._text, word) >= 0
        if not held.any():
            raise DatasetError(
                f"Expected parts of a video's name or class. Received: {search!r}, which none of "
                f"{len(self)} videos has. Try fewer letters."
            )
        return self._ids[held].tolist()

    def packed(self, search: str, *, chosen: str) -> dict[str, Any]:
        """Give what the page lists: the first videos found, and the chosen one."""
        found = self.find(search)
        return {
            "videos": [[name, self._classes[name]] for name in found[:_LISTED]],
            "count": len(found),
            "of": len(self),
            "search": search,
            "chosen": chosen,
        }
