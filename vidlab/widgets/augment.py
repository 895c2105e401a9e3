"""A clip as it is beside the clip as training varies it, while the options are moved.

Takes videos through `library` and what `augment.Augment` makes of them; gives `AugmentExplorer` to
notebooks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import traitlets

from vidlab import plots
from vidlab.data.augment import Augment
from vidlab.data.sampling import Sampler, Uniform
from vidlab.errors import ModelError
from vidlab.plots import Drawing
from vidlab.widgets.explorer import page
from vidlab.widgets.footage import Footage, jpeg
from vidlab.widgets.library import Library, LibraryExplorer

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["AugmentExplorer"]

Each = Literal["clip", "frame"]
_EACH = ("clip", "frame")
_DRAWS = 6  # shown as stills
_TITLE = 110  # letters in a line of the picture's title


class AugmentExplorer(LibraryExplorer):
    """A clip and its varied form, playing in step, with several draws as stills beside them.

    Parameters
    ----------
    source
        A video file, or an index whose videos can be chosen on the page.
    options
        Of `vidlab.augment.Augment`, by name, such as ``{"rotation": 20, "flip": False}``; those
        left out are as usual. All can be changed on the page.
    seed
        Makes the draws repeatable; another one gives other draws.
    size
        Height and width in pixels that the frames are shrunk to lie within. The smaller, the faster
        a change is answered.
    sampling
        Picks the frames: 16, spread evenly, if left out.

    Attributes
    ----------
    film : dict
        The clip as it is.
    answer : dict
        The clip as it was varied, stills of several draws, and the options in words.
    """

    _esm = page("parts.js", "player.js", "library.js", "augment.js", render="renderAugment")
    _css = page("look.css", "fields.css", "augment.css")

    film = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        source: str | Path | VideoIndex,
        *,
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
        size: tuple[int, int] = (120, 160),
        sampling: Sampler | None = None,
    ):
        super().__init__()
        self._options = dict(options or {})
        self._seed, self._each, self._draw = seed, "clip", 0
        self._size, self._sampling = size, sampling or Uniform(16)
        self._footage: Footage | None = None
        self._stills: list[np.ndarray] = []
        with self.problems_told():
            self.videos = Library(source)
            self.open_video(self.videos.first)

    def open_video(self, video_id: str) -> None:
        """Put another video in place, and vary it as the last one.

        Parameters
        ----------
        video_id
            One of the index.

        Raises
        ------
        DatasetError
            If the index has no such video.
        VideoError
            If it cannot be read.
        """
        path = self.take(video_id)
        self._footage = None
        self.film, self.answer = {}, {}
        self._footage = Footage.of_file(path, sampling=self._sampling, size=self._size)
        self.film = {**self._footage.packed(), "title": video_id}
        self.vary()

    def vary(
        self,
        *,
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
        each: Each | None = None,
        draw: int | None = None,
    ) -> None:
        """Vary the clip as `vidlab.augment.Augment` does while training.

        What is left out stays as it was before.

        Parameters
        ----------
        options, seed
            As in the constructor.
        each
            ``"clip"``: all frames share a draw; ``"frame"``: each has its own, as if they were
            separate pictures.
        draw
            Which of the six draws is played, 0 to 5, where there is one for the clip.

        Raises
        ------
        ModelError
            If an option is unknown or out of its range. What was shown stays.
        """
        if self._footage is None:
            return
        options = {**self._options, **(options or {})}
        seed = self._seed if seed is None else int(seed)
        each = self._each if each is None else each
        draw = self._draw if draw is None else min(max(int(draw), 0), _DRAWS - 1)
        if each not in _EACH:
            raise ModelError(
                f"Expected a draw for each {' or '.join(_EACH)}. Received: {each!r}. Choose one."
            )
        augment, usual = _augment(options), asdict(Augment())
        chosen = asdict(augment)
        clip, stills, numbers = self._varied(augment, seed=seed, each=each, draw=draw)
        self._options, self._seed, self._each, self._draw = chosen, seed, each, draw
        self._stills = stills
        changed = {name: value for name, value in chosen.items() if value != usual[name]}
        self.answer = {
            "options": chosen,
            "usual": usual,
            "seed": seed,
            "each": each,
            "draw": draw,
            "frames": [jpeg(frame) for frame in clip],
            "stills": [jpeg(still) for still in stills],
            "numbers": numbers,
            "words": _in_words(chosen),
            "code": f"Augment({', '.join(f'{name}={value!r}' for name, value in changed.items())})",
        }
        self.tell("")

    @property
    def answers(self) -> Mapping[str, Callable[..., None]]:
        """``find`` and open a ``video``, and ``vary`` it."""
        return {"find": self.find, "video": self.open_video, "vary": self.vary}

    def receive(self, message: dict[str, Any], buffers: Sequence[memoryview] = ()) -> None:
        """Do what the page asks for, and tell that it is done: the page sends no more till then."""
        super().receive(message, buffers)
        self.answered += 1

    def figure(self) -> Drawing | None:
        """Draw a frame as it is and varied several times."""
        if self._footage is None:
            return None
        frame = self._footage.frames[len(self._footage.frames) // 2]
        if not self.answer:
            return plots.frame_strip(
                frame[None], titles=["original"], title=f"{self._footage.title}\n{self._said}"
            )
        title = textwrap.fill(f"{self._footage.title}: {self.answer['words']}", _TITLE)
        if self._each == "frame":
            title += "\nFrames in succession, each with a draw of its own"
            frame = self._footage.frames[0]
        names = ["original", *(f"draw {number + 1}" for number in range(len(self._stills)))]
        pictures = [frame, *self._stills]
        return plots.frame_strip(pictures, titles=names, title=title, columns=1 + _DRAWS)

    def describe(self) -> str:
        """Name the video, and say in words what is switched on."""
        if self._footage is None:
            return super().describe()
        said = self.answer.get("words") or self._said
        return (
            f"AugmentExplorer, {self._footage.title}. {said} Run this cell in JupyterLab to play "
            "the clip and to move the options."
        )

    @property
    def _said(self) -> str:
        return self.status.get("text", "")

    def _varied(
        self, augment: Augment, *, seed: int, each: Each, draw: int
    ) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray], list[int]]:
        """Give the varied clip, stills of several draws, and which frames those are."""
        frames, numbers = self._footage.frames, self._footage.numbers
        rng = np.random.default_rng(seed)
        if each == "clip":
            middle = len(frames) // 2
            variations = [augment.draw(rng) for _ in range(_DRAWS)]
            stills = [variation(frames[middle]) for variation in variations]
            return variations[draw](frames), stills, [int(numbers[middle])] * _DRAWS
        clip = [augment.draw(rng)(frame) for frame in frames]
        return clip, clip[:_DRAWS], numbers[:_DRAWS].tolist()


def _augment(options: Mapping[str, Any]) -> Augment:
    known = asdict(Augment())
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ModelError(
            f"Expected options of Augment: {', '.join(known)}. Received: {', '.join(unknown)}. "
            "Correct the name."
        )
    return Augment(**options)


def _in_words(options: Mapping[str, Any]) -> str:
    """Say what is switched on."""
    parts = []
    if options["flip"]:
        parts.append("mirrored (half of all)")
    if options["rotation"]:
        parts.append(f"turned by up to {options['rotation']:g}° to either side")
    if options["zoom"]:
        parts.append(f"scaled by up to {options['zoom']:.0%} in or out")
    if options["shift"]:
        parts.append(f"moved by up to {options['shift']:.0%} of the height and width")
    if options["crop"] < 1:
        parts.append(f"cut to a part of at least {options['crop']:.0%} of the height and width")
    if options["brightness"]:
        parts.append(f"made up to {options['brightness']:.0%} brighter or darker")
    if not parts:
        return "Nothing is switched on: the clip stays as it is."
    return f"Switched on: {', '.join(parts)}."
