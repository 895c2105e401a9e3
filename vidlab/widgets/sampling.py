"""A video's time line, and which of its frames each sampler picks, while the options are moved.

Takes videos through `library` and picks from `samplers`; gives `SamplingExplorer` to notebooks.
Choosing frames is arithmetic, so it is answered at once; frames are read when they are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from vidlab import plots
from vidlab.data import video
from vidlab.data.sampling import Sampler, Uniform
from vidlab.data.video import VideoInfo
from vidlab.plots import Drawing
from vidlab.widgets.explorer import page
from vidlab.widgets.footage import fitted, jpeg
from vidlab.widgets.library import Library, LibraryExplorer
from vidlab.widgets.samplers import SamplerRows

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["SamplingExplorer"]

_ALONG = 10  # thumbnails over the line of time
_SMALL, _LARGE = (60, 80), (400, 320)  # pixels: of those, and of frames that are looked at
_SHOWN = 32  # picks of a row, at most


class SamplingExplorer(LibraryExplorer):
    """A video's time line with one row a sampler, and a tick at each frame it picks.

    Parameters
    ----------
    source
        A video file, or an index whose videos can be chosen on the page.
    samplers
        Name to sampler, or samplers; one of every kind in `vidlab.sampling` when left out. Their
        options can be changed on the page.
    seed
        Draws for those that choose at random while training.

    Attributes
    ----------
    film : dict
        The video: its title, frames and frames per second, with thumbnails along it.
    rows : list of dict
        For each sampler its options, its picks (int32 bytes), and what they cover.
    strip, seen : dict
        The frames that the chosen row picks, and the frame that was looked at last.
    draw : int
        0 for the choice made for predictions, without chance; from 1 on, draws as in training.

    Raises
    ------
    SamplingError
        If there is no sampler.
    """

    _esm = page("parts.js", "player.js", "library.js", "sampling.js", render="renderSampling")
    _css = page("look.css", "fields.css", "sampling.css")

    film = traitlets.Dict().tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    strip = traitlets.Dict().tag(sync=True)
    seen = traitlets.Dict().tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        source: str | Path | VideoIndex,
        *,
        samplers: Mapping[str, Sampler] | Sequence[Sampler] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self._info: VideoInfo | None = None
        self._samplers = SamplerRows(samplers, seed=seed)
        self._chosen = next(iter(self._samplers))
        with self.problems_told():
            self.videos = Library(source)
            self.open_video(self.videos.first)

    def open_video(self, video_id: str) -> None:
        """Put another video in place.

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
        self._info, self.film, self.strip, self.seen = None, {}, {}, {}
        self.rows = []
        info = video.probe(path)
        along = Uniform(_ALONG).indices(info.frames)
        thumbnails = self._read(info, along, within=_SMALL)
        self._info = info
        self._samplers.fit(info.frames, fps=info.fps)
        self.film = {
            "title": video_id,
            "frames": info.frames,
            "fps": info.fps,
            "size": [info.height, info.width],
            "thumbnails": [thumbnails[number] for number in along.tolist()],
        }
        self.tell("")
        self.rows = self._samplers.packed()
        self.choose(self._chosen)

    def change(self, row: str, option: str, value: Any) -> None:
        """Change an option of a sampler; one that does not fit is told in the sampler's row.

        Parameters
        ----------
        row, option
            Names of a sampler and of one of its options.
        value
            Of the option; for a sampler within a sampler, the name of a row.

        Raises
        ------
        SamplingError
            If there is no such row or option.
        """
        self._samplers.change(row, option, value)
        self._show_picks()

    def draw_number(self, number: int) -> None:
        """Show what is drawn the nth time while training, or, with 0, what predictions use."""
        self.draw = self._samplers.draw = max(0, int(number))
        self._show_picks()

    def choose(self, row: str) -> None:
        """Show the frames that a sampler picks, at most 32 of them, spread evenly over all.

        Parameters
        ----------
        row
            The sampler's name.

        Raises
        ------
        SamplingError
            If there is no such row.
        """
        picks = self._samplers.picks(row) if self._info else np.array([], np.int64)
        self._chosen = row
        if not len(picks):
            self.strip = {"row": row, "numbers": [], "pictures": [], "of": 0}
            return
        places = np.unique(np.linspace(0, len(picks) - 1, min(_SHOWN, len(picks))).round())
        numbers = picks[places.astype(int)]
        pictures = self._read(self._info, numbers, within=_LARGE)
        self.strip = {
            "row": row,
            "numbers": numbers.tolist(),
            "pictures": [pictures[number] for number in numbers.tolist()],
            "of": len(picks),
        }

    def look(self, number: int) -> None:
        """Show a frame of the video.

        Parameters
        ----------
        number
            From 0; beyond the ends it is the first or the last.
        """
        if self._info is None:
            return
        number = min(max(int(number), 0), self._info.frames - 1)
        self.seen = {
            "title": self.film["title"],
            "number": number,
            "picture": self._read(self._info, [number], within=_LARGE)[number],
        }

    def picks(self) -> dict[str, np.ndarray]:
        """Give the frames each sampler picks now, int64, (picks,), of those that can."""
        found = {name: self._samplers.picks(name) for name in self._samplers} if self._info else {}
        return {name: chosen for name, chosen in found.items() if len(chosen)}

    @property
    def answers(self) -> Mapping[str, Callable[..., None]]:
        """``find`` and open a ``video``, ``change`` options, ``draw``, ``choose``, ``look``."""
        return {
            "find": self.find,
            "video": self.open_video,
            "change": self.change,
            "draw": self.draw_number,
            "choose": self.choose,
            "look": self.look,
        }

    def receive(self, message: dict[str, Any], buffers: Sequence[memoryview] = ()) -> None:
        """Do what the page asks for, and tell that it is done: the page sends no more till then."""
        super().receive(message, buffers)
        self.answered += 1

    @property
    def is_drawn_at_once(self) -> bool:
        """Never: a row of pictures takes longer than the explorer itself."""
        return False

    def figure(self) -> Drawing | None:
        """Draw the time line with the picks of each sampler, and frames of the chosen one."""
        picks = self.picks()
        if not picks:
            return None
        info = self._info
        size = fitted((info.height, info.width), within=(160, 160))
        drawn = f" in training, draw {self.draw}" if self.draw else ""
        return plots.sampling_strip(
            {self._samplers.titled(name): chosen for name, chosen in picks.items()},
            info.frames,
            fps=info.fps,
            read=lambda numbers: video.read_frames(info.path, numbers, size=size),
            with_frames=[self._samplers.titled(self._chosen)],
            title=f"{self.film['title']}: which frames each sampler picks{drawn}",
        )

    def describe(self) -> str:
        """Name the video, and say how many frames each sampler picks."""
        if self._info is None:
            return super().describe()
        counts = (
            f"{self._samplers.titled(name)} {len(chosen)}" for name, chosen in self.picks().items()
        )
        return (
            f"SamplingExplorer, {self.film['title']}, {self._info.frames} frames. Picked by "
            f"{', '.join(counts)}. Run this cell in JupyterLab to move their options."
        )

    def _show_picks(self) -> None:
        if self._info is not None:
            self.rows = self._samplers.packed()

    def _read(
        self, info: VideoInfo, numbers: Sequence[int] | np.ndarray, *, within: tuple[int, int]
    ) -> dict[int, bytes]:
        """Read frames, each once, and pack them by their numbers."""
        wanted = np.unique(numbers)
        size = fitted((info.height, info.width), within=within)
        frames = video.read_frames(info.path, wanted, size=size)
        return dict(zip(wanted.tolist(), map(jpeg, frames), strict=True))
