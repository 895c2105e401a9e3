"""Frames of a video as the page shows them and as a model takes them, and thumbnails."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vidlab.data import video
from vidlab.data.sampling import Sampler, choose
from vidlab.errors import VideoError
from vidlab.plots import as_pictures

__all__ = ["Footage", "Thumbnails", "fitted", "jpeg"]

_LARGEST = (640, 360)  # pixels a frame has on the page, next to one or two others
_QUALITY = 82


@dataclass(frozen=True, eq=False)
class Footage:
    """Some frames of a video, in the order they are played.

    Attributes
    ----------
    title : str
        Names the video.
    frames : numpy.ndarray
        uint8, (time, height, width, 3), for the eye.
    numbers : numpy.ndarray
        ``int64``, (time,): which frames of the video they are.
    seconds : numpy.ndarray
        ``float64``, (time,): when they are shown in the video.
    path : Path or None
        The file; None where the frames were given.
    """

    title: str
    frames: np.ndarray
    numbers: np.ndarray
    seconds: np.ndarray
    path: Path | None = None

    @classmethod
    def of_file(
        cls, path: str | Path, *, sampling: Sampler, size: tuple[int, int] = _LARGEST
    ) -> Footage:
        """Read the frames that a sampler picks, shrunk to lie within a size (height, width).

        Raises
        ------
        VideoError
            If there is no such video, or it cannot be read.
        SamplingError
            If the sampler cannot serve a video of this length.
        """
        info = video.probe(path)
        numbers = np.asarray(choose(sampling, info))
        size = fitted((info.height, info.width), within=size)
        frames = video.read_frames(path, numbers, size=size)
        return cls(Path(path).stem, frames, numbers, info.seconds_at(numbers), Path(path))

    @classmethod
    def of_frames(cls, frames: np.ndarray, *, fps: float = 25.0) -> Footage:
        """Take frames, (time, height, width, 3), 0 to 255, as those of a whole clip."""
        frames = as_pictures(frames, dimensions=4)
        numbers = np.arange(len(frames))
        return cls(f"clip of {len(frames)} frames", frames, numbers, numbers / fps)

    def for_model(self, size: tuple[int | None, int | None]) -> np.ndarray:
        """Give the frames at a model's size (height, width): uint8, (time, height, width, 3)."""
        if None in size or self.frames.shape[1:3] == tuple(size):
            return self.frames
        if self.path is None:
            return np.stack([cv2.resize(frame, size[::-1]) for frame in self.frames])
        return video.read_frames(self.path, self.numbers, size=size)

    def packed(self) -> dict:
        """Give what the page plays."""
        return {
            "title": self.title,
            "frames": [jpeg(frame) for frame in self.frames],
            "numbers": self.numbers.tolist(),
            "seconds": [round(float(second), 3) for second in self.seconds],
            "size": list(self.frames.shape[1:3]),
        }


class Thumbnails:
    """The middle frames of videos, small; those looked at last are kept.

    Parameters
    ----------
    width
        In pixels.
    most
        How many are kept: each has about 4 kB.
    """

    def __init__(self, *, width: int = 144, most: int = 600):
        self._width, self._most = width, most
        self._kept: OrderedDict[Path, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, paths: list[Path]) -> list[bytes | VideoError]:
        """Give the JPEG of each video, or why there is none."""
        missing = [path for path in dict.fromkeys(paths) if path not in self._kept]
        found: dict[Path, bytes | VideoError] = {}
        if missing:
            with ThreadPoolExecutor(max_workers=4) as pool:
                found = dict(zip(missing, pool.map(self._made, missing), strict=True))
        for path in paths:
            if path in self._kept:
                found[path] = self._kept[path]
                self._kept.move_to_end(path)
            elif isinstance(found[path], bytes):
                self._kept[path] = found[path]
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return [found[path] for path in paths]

    def _made(self, path: Path) -> bytes | VideoError:
        try:
            info = video.probe(path)
            size = fitted((info.height, info.width), within=(2 * self._width, self._width))
            return jpeg(video.read_frames(path, [info.frames // 2], size=size)[0])
        except VideoError as error:
            return error


def jpeg(picture: np.ndarray) -> bytes:
    """Pack a picture, uint8 (height, width, 3)."""
    bgr = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
    _, packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return packed.tobytes()


def fitted(size: tuple[int, int], *, within: tuple[int, int]) -> tuple[int, int]:
    """Shrink (height, width) to lie within a size, never enlarge."""
    height, width = size
    share = min(1.0, within[0] / height, within[1] / width)
    return max(1, round(height * share)), max(1, round(width * share))
