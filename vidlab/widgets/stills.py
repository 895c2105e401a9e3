"""Single frames of many videos, as a model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vidlab.data import video
from vidlab.errors import VideoError
from vidlab.plots import as_pictures
from vidlab.plots.pictures import spread

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["Stills"]

_VIDEOS = 48  # whose frames are read, at most
_EACH = 2  # frames of a video
_SIDE = 224  # pixels, for a model that takes any size


@dataclass(frozen=True, eq=False)
class Stills:
    """Single frames, and where they are from.

    Attributes
    ----------
    frames : numpy.ndarray
        uint8, (frames, height, width, 3).
    names : list of str
        What is written under each: its class, or its video.
    origins : numpy.ndarray
        (frames,): the video each is of; frames that were given are all of videos of their own.
    says : str
        How many there are of how many, and what could not be read.
    """

    frames: np.ndarray
    names: list[str]
    origins: np.ndarray
    says: str

    @classmethod
    def of(
        cls,
        source: np.ndarray | VideoIndex | Sequence[str | Path],
        *,
        size: tuple[int | None, int | None],
    ) -> Stills:
        """Take at most 96 frames: of arrays evenly, of videos two of each of at most 48.

        Parameters
        ----------
        source
            Frames (frames, height, width, 3), 0 to 255, or videos.
        size
            Height and width that a model takes.

        Raises
        ------
        VideoError
            If no video can be read.
        MetricError
            If an array holds no pictures.
        """
        size = tuple(side or _SIDE for side in size)
        if isinstance(source, np.ndarray):
            return cls._of_frames(source, size=size)
        if hasattr(source, "table"):
            table = source.table.iloc[spread(len(source), _VIDEOS)]
            paths, names = [Path(path) for path in table["path"]], table["class_name"].tolist()
        else:
            paths = [Path(source[place]) for place in spread(len(source), _VIDEOS)]
            names = [path.stem for path in paths]
        return cls._of_videos(paths, names, size=size, of=len(source))

    @classmethod
    def _of_frames(cls, frames: np.ndarray, *, size: tuple[int, int]) -> Stills:
        places = spread(len(frames), _VIDEOS * _EACH)
        chosen = as_pictures(frames[places], dimensions=4)
        if chosen.shape[1:3] != size:
            chosen = np.stack([cv2.resize(one, size[::-1]) for one in chosen])
        names = [f"frame {place}" for place in places]
        return cls(chosen, names, places, f"{len(places)} of {len(frames)} frames")

    @classmethod
    def _of_videos(
        cls, paths: list[Path], names: list[str], *, size: tuple[int, int], of: int
    ) -> Stills:
        with ThreadPoolExecutor(max_workers=4) as pool:
            read = list(pool.map(lambda path: _read(path, size=size), paths))
        problems = [one for one in read if isinstance(one, VideoError)]
        good = [place for place, one in enumerate(read) if not isinstance(one, VideoError)]
        if not good:
            raise (
                problems[0]
                if problems
                else VideoError(
                    "Expected videos to show to the model. Received: none. Pass frames= of some."
                )
            )
        says = f"{_EACH * len(good)} frames of {len(good)} of {of} videos"
        if problems:
            says += f"; {len(problems)} could not be read. {problems[0]}"
        return cls(
            frames=np.concatenate([read[place] for place in good]),
            names=[names[place] for place in good for _ in range(_EACH)],
            origins=np.repeat(good, _EACH),
            says=says,
        )


def _read(path: Path, *, size: tuple[int, int]) -> np.ndarray | VideoError:
    """Read two frames, a quarter from the beginning and from the end, or say why not."""
    try:
        last = video.probe(path).frames - 1
        return video.read_frames(path, [round(last / 4), round(3 * last / 4)], size=size)
    except VideoError as error:
        return error
