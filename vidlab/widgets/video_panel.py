"""Explorers that show one video at a time, which is chosen from an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets

from vidlab.errors import DatasetError
from vidlab.widgets.panel import Panel

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["VideoPanel"]


class VideoPanel(Panel):
    """An explorer of one video, with controls to find and choose it.

    A class of such explorers gives its own ``show_video(path)``, called for each video chosen.

    Parameters
    ----------
    source
        A video file, or an index with at least one video; None for those that are added later.

    Attributes
    ----------
    video : ipywidgets.Dropdown
        Its value is the ``video_id``.
    search : ipywidgets.Text
        Words that the name or the class of the videos in `video` contains.
    picker : ipywidgets.HBox
        The controls.
    """

    def __init__(self, source: str | Path | VideoIndex | None):
        super().__init__()
        if source is None:
            self._paths, texts = {}, []
        elif isinstance(source, str | Path):
            self._paths, texts = {Path(source).stem: Path(source)}, [""]
        else:
            ids, classes = source.table["video_id"], source.table["class_name"]
            self._paths = dict(zip(ids, source.paths, strict=True))
            texts = [f"{name} {of}".lower() for name, of in zip(ids, classes, strict=True)]
        self._texts = dict(zip(self._paths, texts, strict=True))
        self._shown = ""
        narrow, fitted = {"width": "36px"}, {"description_width": "auto"}
        self.video = ipywidgets.Dropdown(
            options=list(self._paths), description="video", style=fitted
        )
        back = ipywidgets.Button(icon="chevron-left", tooltip="The previous video", layout=narrow)
        forth = ipywidgets.Button(icon="chevron-right", tooltip="The next video", layout=narrow)
        self.search = ipywidgets.Text(
            placeholder="part of a name", description="find", style=fitted
        )
        self._count = ipywidgets.Label(f"{len(self._paths)} videos")
        self.picker = ipywidgets.HBox([self.video, back, forth, self.search, self._count])
        if len(self._paths) < 2:
            self.picker.layout.display = "none"
        self.on_change(self.open_video, self.video)
        self.on_change(self._find, self.search)
        self.on_change(lambda: self._step(-1), back)
        self.on_change(lambda: self._step(1), forth)

    def open_video(self) -> None:
        """Show the video that is chosen; what goes wrong is shown as the status."""
        with self.problems_shown():
            if not self._paths:
                raise DatasetError(
                    "Expected an index with videos. Received: one without. "
                    "Select other videos, or load the index again."
                )
            if self.video.value not in (None, self._shown):
                self._shown = self.video.value
                self.set_status("")
                self.show_video(self._paths[self._shown])

    def add(self, path: Path) -> None:
        """Put another video before the others, and show it."""
        self._paths = {path.name: path} | self._paths
        self._texts[path.name] = path.name.lower()
        self._shown = ""  # another one may have had the same name
        self.picker.layout.display = "none" if len(self._paths) < 2 else None
        self.video.options, self.video.value = list(self._paths), path.name
        self._count.value = f"{len(self._paths)} videos"
        self.open_video()

    def _find(self) -> None:
        words = self.search.value.lower().split()
        found = [name for name, text in self._texts.items() if all(word in text for word in words)]
        if not found:
            raise DatasetError(
                f"Expected parts of a video's name or class. Received: {self.search.value!r}, "
                f"which none of {len(self._paths)} videos has. Try fewer letters."
            )
        self.set_status("")
        self._count.value = f"{len(found)} of {len(self._paths)} videos"
        self.video.index = None  # else the first of the other options would be selected
        self.video.options = found if self._shown in found else [self._shown, *found]
        self.video.value = self._shown

    def _step(self, by: int) -> None:
        self.video.index = min(max(self.video.index + by, 0), len(self.video.options) - 1)
