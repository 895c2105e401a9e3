"""Frames of a video as the page shows them and as a model takes them, and thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vidlab.data import video
from vidlab.data.sampling import Sampler, choose
from vidlab.plots import as_pictures

__all__ = ["Footage", "fitted", "jpeg", "thumbnail"]

LARGEST = (640, 360)  # high and wide in pixels, on a page, next to one or two others
_THUMBNAIL = (288, 144)
_QUALITY = 75  # of JPEG


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
        cls, path: str | Path, *, sampling: Sampler, size: tuple[int, int] = LARGEST
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

    def packed(self) -> dict:
        """Give what the page plays."""
        return {
            "title": self.title,
            "frames": [jpeg(frame) for frame in self.frames],
            "numbers": self.numbers.tolist(),
            "seconds": [round(float(second), 3) for second in self.seconds],
            "size": list(self.frames.shape[1:3]),
        }


def thumbnail(path: Path) -> bytes:
    """Pack the middle frame of a video, small.

    Raises
    ------
    VideoError
        If there is no such video, or it cannot be read.
    """
    info = video.probe(path)
    size = fitted((info.height, info.width), within=_THUMBNAIL)
    return jpeg(video.read_frames(path, [info.frames // 2], size=size)[0])


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
