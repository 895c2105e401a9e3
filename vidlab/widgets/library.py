"""The videos an explorer lets choose from: a file, those of an index, and those that are uploaded.

Takes a `VideoIndex` or files; gives `Library`, and `LibraryExplorer` to `sampling`, `augment` and
`timeline`, each of which shows one video at a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from vidlab.errors import DatasetError
from vidlab.widgets.explorer import Explorer

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["Library", "LibraryExplorer"]

_LISTED = 200


class Library:
    """Videos by their names.

    Parameters
    ----------
    source
        A video file, or an index with at least one video; None for a library that is empty until
        something is added.

    Raises
    ------
    DatasetError
        If the index is empty.
    """

    def __init__(self, source: str | Path | VideoIndex | None):
        self._held: dict[str, tuple[Path, str]] = {}  # name to file, and what is said of it
        if isinstance(source, str | Path):
            self._held[Path(source).stem] = Path(source), ""
        elif source is not None:
            about = zip(source.paths, source.table["class_name"], strict=True)
            self._held = dict(zip(source.table["video_id"], about, strict=True))
            if not self._held:
                raise DatasetError(
                    "Expected an index with videos. Received: one without. "
                    "Select other videos, or load the index again."
                )

    def __len__(self) -> int:
        return len(self._held)

    @property
    def first(self) -> str:
        """The name of the first video; empty where there is none."""
        return next(iter(self._held), "")

    def add(self, path: Path, *, about: str) -> str:
        """Take one more file, in front of the others, and give its name in the library.

        Parameters
        ----------
        path
            The file; one that was there under its name gives way.
        about
            What is said of it, where others have their class.
        """
        others = {name: held for name, held in self._held.items() if name != path.name}
        self._held = {path.name: (path, about), **others}
        return path.name

    def path(self, video_id: str) -> Path:
        """Give the file of a video.

        Raises
        ------
        DatasetError
            If there is no such video.
        """
        if video_id not in self._held:
            raise DatasetError(
                f"Expected a video out of {len(self)}. Received: {video_id!r}. "
                "Search for a part of its name."
            )
        return self._held[video_id][0]

    def find(self, search: str = "") -> list[str]:
        """Give the videos whose name and class hold all words of a text; all of them without one.

        Raises
        ------
        DatasetError
            If there is none.
        """
        words = search.lower().split()
        found = [
            name
            for name, (_, about) in self._held.items()
            if all(word in f"{name} {about}".lower() for word in words)
        ]
        if words and not found:
            raise DatasetError(
                f"Expected parts of a video's name or class. Received: {search!r}, which none of "
                f"{len(self)} videos has. Try fewer letters."
            )
        return found

    def packed(self, search: str, *, chosen: str) -> dict[str, Any]:
        """Give what the page lists: the first videos found, and the chosen one."""
        found = self.find(search)
        return {
            "videos": [[name, self._held[name][1]] for name in found[:_LISTED]],
            "count": len(found),
            "of": len(self),
            "search": search,
            "chosen": chosen,
        }


class LibraryExplorer(Explorer):
    """An explorer of one video at a time, which is chosen from a library.

    A class of such explorers sets `videos` before anything is chosen.

    Attributes
    ----------
    library : dict
        What the page lists of the videos.
    videos : Library
        All of them.
    """

    library = traitlets.Dict().tag(sync=True)

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self.videos = Library(None)

    def find(self, search: str = "") -> None:
        """List the videos whose name or class holds all words of a text."""
        chosen = self.library.get("chosen", "")
        self.library = self.videos.packed(search, chosen=chosen)
        self.tell("")

    def take(self, video_id: str) -> Path:
        """Mark a video as the chosen one, and give its file.

        Raises
        ------
        DatasetError
            If there is no such video.
        """
        path = self.videos.path(video_id)
        self.library = self.videos.packed(self.library.get("search", ""), chosen=video_id)
        return path
