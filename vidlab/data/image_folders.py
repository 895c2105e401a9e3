"""Videos kept as a folder of numbered images, one a frame, as Jester and Something-Something have.

Such a folder is opened by an object with the attributes and methods of a decoder.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from vidlab.errors import UnreadableVideoError

__all__ = ["ImageFolder", "content_digest", "files_of", "frame_names", "frames_of", "size_and_time"]

_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>\d+)")


def frame_names(names: Iterable[str]) -> list[str]:
    """Choose the images that are the frames of a video from the names in a folder.

    Frames are numbered and named alike. Stored optical flow (``flow_x_00001.jpg``) is left out, and
    of several kinds of image the one with most files is taken.

    Returns
    -------
    list of str
        In the order of their numbers; empty where fewer than two images are numbered alike.

    Examples
    --------
    >>> frame_names(["img_10.jpg", "img_9.jpg", "flow_x_9.jpg", "notes.txt"])
    ['img_9.jpg', 'img_10.jpg']
    """
    kinds = defaultdict(list)
    for name in names:
        file = Path(name)
        match = _NUMBERED.fullmatch(file.stem)
        if file.suffix.lower() in _SUFFIXES and match and not name.startswith("."):
            kinds[match["prefix"].lower()].append((int(match["number"]), name))
    images = [kind for prefix, kind in sorted(kinds.items()) if not prefix.startswith("flow")]
    most = max(images, key=len, default=[])
    return [name for _, name in sorted(most)] if len(most) > 1 else []


def frames_of(folder: Path) -> list[Path]:
    """List the frames in a folder, in order."""
    return [folder / name for name in frame_names(file.name for file in folder.iterdir())]


def files_of(video: Path) -> list[Path]:
    """List the files of a video: itself, or the frames in its folder."""
    return frames_of(video) if video.is_dir() else [video]


def size_and_time(video: Path) -> tuple[int, int]:
    """Give the bytes of a video and its last change in ns."""
    stats = [file.stat() for file in files_of(video)]
    return sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)


def content_digest(video: Path) -> str:
    """Digest the content of a video; an unchanged one is read once."""
    return _digest(video, *size_and_time(video))


@lru_cache(maxsize=100_000)
def _digest(video: Path, size: int, changed: int) -> str:
    digests = []
    for each in files_of(video):
        with each.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256"))
    whole = hashlib.sha256(b"".join(each.digest() for each in digests))
    return (whole if len(digests) > 1 else digests[0]).hexdigest()


class ImageFolder:
    """The frames of a folder, one after the other.

    Attributes
    ----------
    frames
        The files, in order.
    codec, named, fps, rotation, width, height, has_frames, seconds
        As a decoder of video files has them. Images name no rate: 25 frames a second are assumed.
        Where their numbers have gaps, `named` and `seconds` go by the numbers.
    """

    codec, fps, rotation = "images", 25.0, 0

    def __init__(self, folder: Path) -> None:
        self.frames, self._next = frames_of(folder), 0
        numbers = np.array([int(_NUMBERED.fullmatch(file.stem)["number"]) for file in self.frames])
        steps, counts = np.unique(np.diff(numbers), return_counts=True)
        usual = steps[np.argmax(counts)] if len(steps) else 1  # every fifth frame may be kept
        self._positions = (numbers - numbers[:1]) / max(usual, 1)
        self.named = int(self._positions[-1]) + 1 if self.frames else 0
        first = self._read(0) if self.frames else None
        self.has_frames = first is not None
        self.height, self.width = first.shape[:2] if self.has_frames else (0, 0)

    def grab(self) -> bool:
        """Go to the next frame, and say whether there was one."""
        self._next += 1
        return self._next <= len(self.frames)

    @property
    def seconds(self) -> float:
        """Time of the frame."""
        return float(self._positions[self._next - 1] / self.fps)

    def picture(self) -> np.ndarray:
        """Read the frame: uint8 BGR."""
        picture = self._read(self._next - 1)
        if picture is None:
            raise UnreadableVideoError(
                f"Expected an image that can be read. Received: {self.frames[self._next - 1]}. Get "
                "it again, or remove the folder: it is one video."
            )
        return picture

    def close(self) -> None:
        """Nothing stays open."""

    def _read(self, number: int) -> np.ndarray | None:
        content = np.fromfile(self.frames[number], np.uint8)  # reads names that imread does not
        return cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
