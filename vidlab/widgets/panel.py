"""Explorers of plain ipywidgets controls, and a gallery of images to choose from.

ipywidgets has no image that can be clicked or chosen by keys, so the gallery is a small widget of
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import anywidget
import ipywidgets
import traitlets

from vidlab.widgets.explorer import Pictured, is_live, page

__all__ = ["Gallery", "Panel", "Player"]


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

    _esm = page("gallery.js")
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
    problem : str
        What went wrong; empty where nothing did.
    """

    def __init__(self):
        self.status = ipywidgets.HTML()
        self.problem = ""
        super().__init__()

    def set_status(self, text: str, *, problem: bool = False) -> None:
        """Show a sentence in place of the last one."""
        self.problem = text if problem else ""
        colour = "var(--jp-error-color1, #b00020)" if problem else "var(--jp-ui-font-color2, #666)"
        self.status.value = f'<span role="status" style="color: {colour}">{escape(text)}</span>'

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


class Player(Pictured, ipywidgets.HBox):
    """Controls that play a clip: the browser goes from frame to frame without the kernel.

    Attributes
    ----------
    slider : ipywidgets.SelectionSlider
        Its index is the index of the frame that is shown.
    """

    def __init__(self):
        self.slider = ipywidgets.SelectionSlider(options=["-"], layout={"width": "360px"})
        self._play = ipywidgets.Play(max=0, repeat=True, show_repeat=False)
        self._speed = ipywidgets.Dropdown(
            options={"1×": 1, "½×": 2, "¼×": 4}, description="speed", layout={"width": "140px"}
        )
        self._seconds = 0.1
        self._speed.observe(lambda _: self._set_interval(), "value")
        super().__init__([self._play, self.slider, self._speed] if is_live() else [])
        if is_live():
            ipywidgets.jslink((self._play, "value"), (self.slider, "index"))

    def load(self, labels: list[str], *, seconds: float) -> None:
        """Play another clip: the label of each of its frames, and the seconds between two."""
        self._play.playing = False
        self.slider.options = labels
        self._play.value, self._play.max = 0, len(labels) - 1
        self._seconds = seconds
        self._set_interval()

    def _set_interval(self) -> None:
        self._play.interval = round(1000 * self._seconds * self._speed.value)
