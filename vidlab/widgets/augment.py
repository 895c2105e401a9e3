"""A clip as it is beside the clip as training augments it, while the options are moved."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

from vidlab import plots
from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler, Uniform
from vidlab.plots import Drawing
from vidlab.widgets.explorer import is_live
from vidlab.widgets.footage import Footage, jpeg
from vidlab.widgets.panel import Gallery, Player, VideoPanel

__all__ = ["AugmentExplorer"]

_DRAWS = 6  # shown as stills
_SLIDERS = {  # description, and the least and the largest value
    "rotation": ("rotation, ±°", 0, 45),
    "zoom": ("zoom, ±", 0, 0.5),
    "shift": ("shift, ±", 0, 0.5),
    "crop": ("crop, at least", 0.3, 1),
    "brightness": ("brightness, ±", 0, 1),
}
_WHY = {
    "clip": "One draw for the clip: all frames are varied alike, as if the camera had stood "
    "elsewhere, and what moves is still the action. This is how clips are trained on.",
    "frame": "A draw for every frame: each one jumps by itself, and the motion of the action "
    "drowns in that. No camera records this. A model that looks at single frames does not mind, "
    "but a model of motion would learn from noise.",
}
_HELP = (
    "Left the frames as they were filmed, beside them as a training step gets them; pixels from "
    "beyond the border mirror the image. An option is the largest change, and every draw takes "
    "some part of it. Is the label of each still true? Predictions are made on the frames as they "
    "are."
)


class AugmentExplorer(VideoPanel):
    """A clip and its augmented form, playing in step, with several draws as stills beside them.

    Parameters
    ----------
    source
        A video file, or an index whose videos can be chosen.
    options
        Of `vidlab.augment.Augment`, by name, such as ``{"rotation": 20, "flip": False}``.
    seed
        Makes the draws repeatable; another one gives other draws.
    size
        Height and width in pixels that the frames are shrunk to lie within. The smaller, the faster
        a change is shown.
    sampling
        Picks the frames: 16, spread evenly, if left out.

    Raises
    ------
    ModelError
        If an option is out of its range.
    """

    def __init__(
        self,
        source: str | Path | VideoIndex,
        *,
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
        size: tuple[int, int] = (120, 160),
        sampling: Sampler | None = None,
    ):
        super().__init__(source)
        self._footage: Footage | None = None
        self._size, self._sampling = size, sampling or Uniform(16)
        self._draws: list[np.ndarray] = []
        self._each = ipywidgets.ToggleButtons(
            options={"one draw for the clip": "clip", "one for every frame": "frame"},
            style={"button_width": "auto"},
        )
        self._seed = ipywidgets.BoundedIntText(seed, 0, 2**31, description="seed")
        usual = ipywidgets.Button(description="as usual", tooltip="The options vidlab trains with")
        start = asdict(Augment(**(options or {})))
        self._options = {"flip": ipywidgets.Checkbox(start["flip"], description="flip")}
        for name, (description, least, most) in _SLIDERS.items():
            self._options[name] = ipywidgets.FloatSlider(
                start[name],
                min=min(least, start[name]),
                max=max(most, start[name]),
                step=1 if name == "rotation" else 0.01,
                description=description,
                style={"description_width": "100px"},
            )
        self._clips = Gallery(width=320, selectable=False)
        self._stills = Gallery(width=100)
        self._player = Player()
        self._text = ipywidgets.HTML()
        if is_live():
            ipywidgets.jslink((self._player.slider, "index"), (self._clips, "frame"))
        self._clips.layout, self._stills.layout = {"width": "670px"}, {"width": "340px"}
        self.lay_out(
            self.picker,
            [self._each, self._seed],
            ipywidgets.HBox([self._clips, self._stills]),
            self._player,
            [*self._options.values(), usual],
            self._text,
            self.status,
            how=_HELP,
        )
        self.on_change(self._show, self._each, self._seed, *self._options.values())
        self.on_change(self._select, self._stills)
        self.on_change(self._reset, usual)
        self.open_video()

    def show_video(self, path: Path) -> None:
        """Show a video, augmented as the last one."""
        self._footage = None
        self._footage = Footage.of_file(path, sampling=self._sampling, size=self._size)
        seconds, numbers = self._footage.seconds, self._footage.numbers
        labels = [f"{s:.2f} s · frame {n}" for s, n in zip(seconds, numbers, strict=True)]
        self._player.load(labels, seconds=float(np.diff(seconds).mean()) if len(labels) > 1 else 1)
        self._show()

    def _reset(self) -> None:
        for name, value in asdict(Augment()).items():
            self._options[name].value = value

    def _select(self) -> None:
        """Play the draw that was selected, or go to the frame."""
        if self._each.value == "clip":
            self._show()
        elif self._stills.selected >= 0:
            self._player.slider.index = self._stills.selected

    def _show(self) -> None:
        """Show the clip as it is augmented now."""
        if self._footage is None:
            return
        augment = Augment(**{name: control.value for name, control in self._options.items()})
        rng = np.random.default_rng(self._seed.value)
        frames, numbers = self._footage.frames, self._footage.numbers
        if self._each.value == "clip":
            variations = [augment.draw(rng) for _ in range(_DRAWS)]
            draw = max(0, self._stills.selected)
            clip, middle = variations[draw](frames), len(frames) // 2
            self._draws = [variation(frames[middle]) for variation in variations]
            captions = [f"draw {number}" for number in range(1, _DRAWS + 1)]
            caption = f"augmented: draw {draw + 1}, what a training step gets"
        else:
            clip = [augment.draw(rng)(frame) for frame in frames]
            draw, self._draws = -1, clip[:_DRAWS]
            captions = [f"frame {number}" for number in numbers[:_DRAWS]]
            caption = "augmented: a draw for every frame"
        clips = [[jpeg(frame) for frame in frames], [jpeg(frame) for frame in clip]]
        self._clips.show(clips, ["as it is", caption])
        self._stills.show([jpeg(still) for still in self._draws], captions, selected=draw)
        self._text.value = f"<code>{self._code}</code><br>{_WHY[self._each.value]}"

    @property
    def _code(self) -> str:
        """The options as they are now, without those that are as usual."""
        usual = asdict(Augment())
        options = {name: control.value for name, control in self._options.items()}
        changed = [f"{name}={value!r}" for name, value in options.items() if value != usual[name]]
        return f"Augment({', '.join(changed)})"

    def figure(self) -> Drawing | None:
        """Draw a frame as it is and augmented several times."""
        if self._footage is None:
            return None
        frames = self._footage.frames
        title = textwrap.fill(f"{self._footage.title}: {self._code}", 110)
        if self._each.value == "frame":
            title += "\nFrames in succession, each with a draw of its own"
        original = frames[len(frames) // 2 if self._each.value == "clip" else 0]
        names = ["original", *(f"draw {number + 1}" for number in range(len(self._draws)))]
        return plots.frame_strip(
            [original, *self._draws], titles=names, title=title, columns=1 + _DRAWS
        )

    def about(self) -> str:
        """Name the video and the options."""
        return f", {self._footage.title}, {self._code}" if self._footage is not None else ""
