"""Explorers of plain ipywidgets controls, of one video each, and a gallery of images.

ipywidgets has no image that can be clicked or chosen by keys, so the gallery is a small widget of
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

import anywidget
import ipywidgets
import traitlets

from vidlab.data.index import VideoIndex
from vidlab.errors import DatasetError
from vidlab.widgets.explorer import Pictured, is_live, page

__all__ = ["Gallery", "Panel", "Player", "VideoPanel", "in_colour"]


def in_colour(text: str, *, problem: bool = False) -> str:
    """Write a sentence as HTML, which screen readers read out; a problem in red."""
    colour = "var(--jp-error-color1, #b00020)" if problem else "var(--jp-ui-font-color2, #666)"
    return f'<span role="status" style="color: {colour}">{escape(text)}</span>'


class Gallery(Pictured, anywidget.AnyWidget):
    """Images in a grid, one of them selected by a click, or by the arrow keys and Enter.

    Attributes
    ----------
    images : list
        PNG or JPEG bytes; None for an image that is still to come; or the frames of a clip, of
        which the one at `frame` is shown.
    captions : list of str
        Under the images.
    selected : int
        Index of the selected image; -1 for none.
    width : int
        Of an image, in pixels.
    selectable, selects_at_once : bool
        Whether an image can be selected at all, and whether the arrow keys select without Enter.
    """

    _esm = page("parts.js", "gallery.js", render="renderGallery")
    _css = page("gallery.css")

    images = traitlets.List().tag(sync=True)
    captions = traitlets.List().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    width = traitlets.Int(120).tag(sync=True)
    selectable = traitlets.Bool(True).tag(sync=True)
    selects_at_once = traitlets.Bool(False).tag(sync=True)

    def show(self, images: list, captions: list[str], *, selected: int = -1) -> None:
        """Show other images."""
        with self.hold_sync():
            self.images, self.captions, self.selected = images, captions, selected


class Panel(Pictured, ipywidgets.VBox):
    """An explorer of plain controls.

    Attributes
    ----------
    status : ipywidgets.HTML
        What goes on, or went wrong.
    """

    def __init__(self):
        self.status = ipywidgets.HTML()
        super().__init__()

    def set_status(self, text: str, *, problem: bool = False) -> None:
        """Show a sentence in place of the last one."""
        self.problem = text if problem else ""
        self.status.value = in_colour(text, problem=problem)

    def lay_out(self, *rows: ipywidgets.Widget | list[ipywidgets.Widget], how: str) -> None:
        """Put controls below each other where there is a page, those of a list side by side."""
        wrap = {"flex_flow": "row wrap"}
        rows = [ipywidgets.HBox(one, layout=wrap) if isinstance(one, list) else one for one in rows]
        help_text = ipywidgets.HTML(f'<div style="line-height: 1.4">{how}</div>')
        self.children = [*rows, help_text] if is_live() else []

    def on_change(self, action: Callable[[], None], *controls: ipywidgets.Widget) -> None:
        """Call `action` when a value changes; what goes wrong is shown as the status."""

        def react(_):
            with self.problems_shown():
                action()

        for control in controls:
            if isinstance(control, ipywidgets.Button):
                control.on_click(react)
            else:
                control.observe(react, "selected" if isinstance(control, Gallery) else "value")


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


class Player(Pictured, ipywidgets.HBox):
    """Controls that play a clip: the browser goes from frame to frame without the kernel.

    Attributes
    ----------
    slider : ipywidgets.SelectionSlider
        Its index is the index of the frame that is shown.
    """

    def __init__(self):
        self.slider = ipywidgets.SelectionSlider(options=["-"], layout={"width": "400px"})
        self._play = ipywidgets.Play(max=0, repeat=True, show_repeat=False)
        super().__init__([self._play, self.slider] if is_live() else [])
        if is_live():
            ipywidgets.jslink((self._play, "value"), (self.slider, "index"))

    def load(self, labels: list[str], *, seconds: float) -> None:
        """Play another clip: the label of each of its frames, and the seconds between two."""
        self._play.playing = False
        self.slider.options = labels
        self._play.value, self._play.max = 0, len(labels) - 1
        self._play.interval = round(1000 * seconds)
