"""The only place that opens video files: what a file holds, exact frames from it, and a new file.

Takes paths from `index`, drawn frames from `pantomime`, and from `containers` whether a header can
be believed; gives `uint8` RGB frames to `clips`.

Frames are found by counting from the start (grab), and only those asked for are converted to
pictures (retrieve). Seeking by frame number is never used: on files with frames that depend on
each other it lands on the wrong one, and it is slower.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from vidlab.data import containers
from vidlab.errors import FrameIndexError, MissingVideoError, UnreadableVideoError, VideoError

__all__ = ["SUFFIXES", "VideoInfo", "probe", "read_frames", "write"]

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
"""File name endings that count as videos, in lower case."""

_FALLBACK_FPS = 25.0
_PARTIAL = ".part.avi"

# A damaged file is reported by an exception that names it; the decoders' own lines on stderr name
# no file and would flood a notebook. Whoever wants them sets these variables.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
if "OPENCV_LOG_LEVEL" not in os.environ:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says about itself, after its rotation is applied.

    Attributes
    ----------
    path
        The file.
    frames
        How many frames it holds.
    fps
        Frames per second; 25 where the file names no rate.
    width, height
        Size in pixels as `read_frames` returns it, so a video filmed upright is taller than wide.
    codec
        Four characters that name the compression, such as ``"XVID"``, ``"MJPG"`` or ``"h264"``.
    rotation
        Degrees the decoder turns the stored pictures by: 0, 90, 180 or 270.
    """

    path: Path
    frames: int
    fps: float
    width: int
    height: int
    codec: str
    rotation: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.frames / self.fps


def probe(path: str | Path, *, count: bool = False) -> VideoInfo:
    """Read what a video file holds, from its header where that can be trusted.

    Parameters
    ----------
    path
        A video file.
    count
        Count the frames by going through all of them instead of believing the header. This happens
        by itself where the header names no plausible number or another than the file's own list of
        pictures (AVI), or where the file is shorter than its header says it should be.

    Returns
    -------
    VideoInfo

    Raises
    ------
    MissingVideoError
        There is no such file.
    UnreadableVideoError
        The file is empty, is not a video, or is cut off.
    """
    path = Path(path)
    with _opened(path) as capture:
        said = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        fps = capture.get(cv2.CAP_PROP_FPS)
        info = VideoInfo(
            path=path,
            frames=said,
            fps=fps if np.isfinite(fps) and fps > 0 else _FALLBACK_FPS,
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            codec=_codec(capture),
            rotation=int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360,
        )
        cut_off = containers.is_cut_off(path)
        if not (count or cut_off or _is_implausible(path, said)):
            return info
        counted = _skip(capture)
    if counted == 0 or (cut_off and counted < said):
        raise _cut_off_error(path, counted, said)
    return replace(info, frames=counted)


def read_frames(
    path: str | Path, indices: Iterable[int], *, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Read exactly the frames asked for, in the order asked for.

    Parameters
    ----------
    path
        A video file.
    indices
        Frame numbers from 0, in any order; a number may come more than once.
    size
        ``(height, width)`` in pixels to resize each frame to, straight after decoding, so that no
        stack of full-size frames is held. Shrinking to less than two thirds averages areas;
        anything else interpolates linearly.

    Returns
    -------
    numpy.ndarray
        uint8, ``(len(indices), height, width, 3)``, RGB, rotated as the file says.

    Raises
    ------
    MissingVideoError
        There is no such file.
    UnreadableVideoError
        The file is empty, is not a video, or ends before a frame its header promises.
    FrameIndexError
        A frame number is negative or past the end.
    """
    path = Path(path)
    wanted = _checked_indices(path, indices)
    chosen, places = np.unique(wanted, return_inverse=True)
    pictures = None
    with _opened(path) as capture:
        said = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        position = 0
        for row, number in enumerate(chosen):
            grabbed = _skip(capture, number - position + 1)
            position += grabbed
            ok, picture = capture.retrieve() if position == number + 1 else (False, None)
            if not ok:
                raise _end_error(path, int(chosen[-1]), position, said)
            picture = cv2.cvtColor(_resized(picture, size), cv2.COLOR_BGR2RGB)
            if pictures is None:
                pictures = np.empty((len(chosen), *picture.shape), np.uint8)
            pictures[row] = picture
    # Ascending numbers without repeats, the usual case, need no second copy.
    return pictures if np.array_equal(wanted, chosen) else pictures[places]


def write(
    path: str | Path, frames: Iterable[np.ndarray], *, fps: float = 25.0, quality: int = 90
) -> Path:
    """Write frames to an AVI file in which every frame is a picture of its own (Motion JPEG).

    Each frame is compressed by itself at a constant quality, so the same frame gives the same
    bytes wherever it stands, and the file does not tell in which order its frames were made. The
    encoder is OpenCV's own, the same on every platform. The file appears under its name only when
    it is complete.

    Parameters
    ----------
    path
        The file to write, ending in ``.avi``; its folder is made if need be.
    frames
        uint8 RGB pictures ``(height, width, 3)``, all of one size; any iterable, so a video need
        not be in memory as a whole.
    fps
        Frames per second, a whole number: the encoder stores no other.
    quality
        JPEG quality, 1 to 100.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    VideoError
        There are no frames, a frame is not as described, or the options are out of range.
    OSError
        The file could not be written, for example because the disk is full.
    """
    path = Path(path)
    if path.suffix.lower() != ".avi":
        raise VideoError(
            f"Expected a file name ending in .avi. Received: {path}. Motion JPEG is written to AVI "
            "files; change the ending."
        )
    if not (fps >= 1 and float(fps).is_integer() and 1 <= quality <= 100):
        raise VideoError(
            f"Expected a whole number of fps and quality 1 to 100. Received for {path}: "
            f"fps={fps}, quality={quality}. Change the one out of range."
        )
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise VideoError(
            f"Expected at least one frame to write. Received for {path}: none. An iterator that "
            "was read once is empty the second time; pass a list or an array."
        )
    shape = _checked_picture(path, first, np.shape(first)).shape
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{_PARTIAL}")
    try:
        written = _encode(
            partial, chain([first], pictures), path=path, shape=shape, fps=fps, quality=quality
        )
        if not partial.exists() or probe(partial).frames != written:
            raise OSError(
                f"Expected {written} frames in {path}. Received an incomplete file. Check that "
                "the disk has space and that you may write there."
            )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _encode(partial: Path, pictures: Iterable[np.ndarray], *, path, shape, fps, quality) -> int:
    """Write `pictures`, meant for `path`, to `partial`; return how many there were."""
    height, width, _ = shape
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(
        os.path.abspath(partial), cv2.CAP_OPENCV_MJPEG, fourcc, float(fps), (width, height)
    )
    try:
        if not writer.isOpened():
            raise OSError(
                f"Expected a folder that can be written to. Received: {path.parent}. Check its "
                "permissions, or choose another folder."
            )
        writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
        written = 0
        for picture in pictures:
            _checked_picture(path, picture, shape, number=written)
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            written += 1
    finally:
        writer.release()
    return written


def _checked_picture(path: Path, picture, shape: tuple, *, number: int = 0) -> np.ndarray:
    fits = (
        isinstance(picture, np.ndarray)
        and picture.dtype == np.uint8
        and picture.ndim == 3
        and picture.shape[2] == 3
        and min(picture.shape) > 0
        and picture.shape == shape
    )
    if not fits:
        wanted = f"{shape[0]}, {shape[1]}" if number else "height, width"
        raise VideoError(
            f"Expected RGB frames, uint8 ({wanted}, 3). Received for {path}, frame {number}: "
            f"{getattr(picture, 'dtype', type(picture).__name__)} {np.shape(picture)}. Convert "
            "with np.clip(frame, 0, 255).astype(np.uint8), and resize all frames alike."
        )
    return picture


def _checked_indices(path: Path, indices: Iterable[int]) -> np.ndarray:
    wanted = np.asarray(indices if isinstance(indices, np.ndarray) else list(indices))
    if wanted.ndim != 1 or wanted.size == 0 or not np.issubdtype(wanted.dtype, np.integer):
        raise FrameIndexError(
            f"Expected a list of whole frame numbers, at least one. Received for {path}: "
            f"{wanted.dtype} {wanted.shape}. Use a sampler from vidlab.data.sampling, or range(n)."
        )
    if wanted.min() < 0:
        raise FrameIndexError(
            f"Expected frame numbers from 0. Received for {path}: {wanted.min()}. Count from the "
            "end yourself: probe(path).frames - 1 is the last frame."
        )
    return wanted.astype(np.int64)


def _resized(picture: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None or picture.shape[:2] == tuple(size):
        return picture
    shrinking = [before / after for before, after in zip(picture.shape[:2], size, strict=True)]
    # Averaging over areas takes as long as decoding. It is worth that where a pixel covers more
    # than the two by two that linear interpolation looks at.
    averaged = min(shrinking) >= 1 and max(shrinking) > 1.5
    how = cv2.INTER_AREA if averaged else cv2.INTER_LINEAR
    return cv2.resize(picture, (size[1], size[0]), interpolation=how)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise MissingVideoError(
            f"Expected a video file. Received: {path} ({what}). Check the spelling, or make the "
            "index again if files were moved."
        )
    if path.stat().st_size == 0:
        raise UnreadableVideoError(
            f"Expected a readable video. Received: {path} (0 bytes). Remove it or get it again: "
            "vidlab data verify lists all such files."
        )
    # One decoder thread: many videos are read side by side, and threads inside each only wait.
    options = [cv2.CAP_PROP_N_THREADS, 1]
    capture = cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG, options)
    try:
        if not capture.isOpened():
            raise UnreadableVideoError(
                f"Expected a readable video. Received: {path} ({path.stat().st_size} bytes that "
                "no video decoder knows). It is not a video or its start is damaged: remove it or "
                "get it again."
            )
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        yield capture
    finally:
        capture.release()


def _skip(capture: cv2.VideoCapture, most: int | None = None) -> int:
    """Go forward `most` frames, or to the end; return how many there were."""
    done = 0
    while (most is None or done < most) and capture.grab():
        done += 1
    return done


def _codec(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return code.to_bytes(4, "little").decode("latin-1").strip("\0 ")


def _is_implausible(path: Path, said: int) -> bool:
    """Tell whether a header's frame count cannot be believed."""
    if said <= 0 or said > path.stat().st_size or containers.holds_no_count(path):
        return True
    return containers.listed_frames(path) not in (None, said)


def _cut_off_error(path: Path, readable: int, said: int) -> UnreadableVideoError:
    return UnreadableVideoError(
        f"Expected {max(said, 1)} frames, as the file's header says. Received: {path}, of which "
        f"{readable} can be read. The file is cut off or damaged: get it again, or remove it."
    )


def _end_error(path: Path, asked: int, readable: int, said: int) -> VideoError:
    """Say why frame `asked` cannot be had from a video that ended after `readable` frames."""
    if readable < said and (asked < said or containers.is_cut_off(path)):
        return _cut_off_error(path, readable, said)
    return FrameIndexError(
        f"Expected frame numbers 0 to {readable - 1}. Received for {path}: {asked}. Ask for "
        f"frames the video has; vidlab.video.probe(path, count=True).frames is {readable}."
    )
