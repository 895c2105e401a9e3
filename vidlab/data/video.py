"""Video files: what a file holds, exact frames from it, and a new file. Nothing else opens them.

Frames are found by counting from the start (grab), and only those wanted are converted to images
(retrieve). Seeking by frame number is never used: on files with frames that depend on each other it
lands on the wrong one, and it is slower. The container (AVI, MP4), a row of labelled pieces with
their lengths, shows without decoding whether a header can be believed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from vidlab.errors import FrameIndexError, MissingVideoError, UnreadableVideoError, VideoError
from vidlab.files import replacing

__all__ = ["SUFFIXES", "VideoInfo", "probe", "read_frames", "write"]

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
"""File name endings that count as videos, in lower case."""

_FALLBACK_FPS = 25.0
_MATROSKA = b"\x1a\x45\xdf\xa3"  # mkv and webm
_ENTRY = np.dtype(
    [("stream", "S2"), ("kind", "S2"), ("flags", "<u4"), ("at", "<u4"), ("size", "<u4")]
)
_IMAGE_KINDS = (b"dc", b"db")

# A damaged file is reported by an exception that names it; the decoders' own lines on stderr name
# no file and would flood a notebook. Set these variables to see them.
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
    count
        Count the frames by going through all of them instead of believing the header. This happens
        by itself where the header names no plausible number or another than the file's own list of
        frames (AVI), or where the file is shorter than its header says it should be.

    Raises
    ------
    MissingVideoError
        There is no such file.
    UnreadableVideoError
        The file is empty, is not a video, or is cut off.
    """
    path = Path(path)
    with _opened(path) as capture:
        named = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        fps = capture.get(cv2.CAP_PROP_FPS)
        info = VideoInfo(
            path=path,
            frames=named,
            fps=fps if np.isfinite(fps) and fps > 0 else _FALLBACK_FPS,
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            codec=_codec(capture),
            rotation=int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360,
        )
        cut_off = _is_cut_off(path)
        if not (count or cut_off or _is_implausible(path, named)):
            return info
        counted = _skip(capture)
    if counted == 0 or (cut_off and counted < named):
        raise _cut_off_error(path, counted, named)
    return replace(info, frames=counted)


def read_frames(
    path: str | Path, indices: Iterable[int], *, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Read exactly these frames, in this order.

    Parameters
    ----------
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
    numbers, rows = np.unique(wanted, return_inverse=True)
    frames = None
    with _opened(path) as capture:
        named = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        position = 0
        for row, number in enumerate(numbers):
            position += _skip(capture, number - position + 1)
            ok, frame = capture.retrieve() if position == number + 1 else (False, None)
            if not ok:
                raise _end_error(path, int(numbers[-1]), position, named)
            frame = cv2.cvtColor(_resized(frame, size), cv2.COLOR_BGR2RGB)
            if frames is None:
                frames = np.empty((len(numbers), *frame.shape), np.uint8)
            frames[row] = frame
    # Ascending numbers without repeats, the usual case, need no second copy.
    return frames if np.array_equal(wanted, numbers) else frames[rows]


def write(
    path: str | Path, frames: Iterable[np.ndarray], *, fps: float = 25.0, quality: int = 90
) -> Path:
    """Write frames to an AVI file in which every frame is an image of its own (Motion JPEG).

    Each frame is compressed by itself at a constant quality, so the same frame gives the same
    bytes wherever it stands, and the file does not depend on the order its frames were made in. The
    encoder is OpenCV's own, the same on every platform. The file appears under its name only when
    it is complete.

    Parameters
    ----------
    path
        Ending in ``.avi``; its folder is made if need be.
    frames
        uint8 RGB ``(height, width, 3)``, all of one size; any iterable, so a video need not be in
        memory as a whole.
    fps
        Frames per second, a whole number: the encoder stores no other.
    quality
        JPEG quality, 1 to 100.

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
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoError(
            f"Expected at least one frame to write. Received for {path}: none. An iterator that "
            "was read once is empty the second time; pass a list or an array."
        )
    with replacing(path) as temporary:
        written = _encode(temporary, chain([first], frames), path=path, fps=fps, quality=quality)
        if not temporary.exists() or probe(temporary).frames != written:
            raise OSError(
                f"Expected {written} frames in {path}. Received an incomplete file. Check that "
                "the disk has space and that you may write there."
            )
    return path


def _encode(temporary: Path, frames: Iterable[np.ndarray], *, path, fps, quality) -> int:
    """Write `frames`, meant for `path`, to `temporary`; return how many there were."""
    writer, written, shape = cv2.VideoWriter(), 0, None
    try:
        for frame in frames:
            shape = shape or np.shape(frame)
            _check_frame(path, frame, shape, number=written)
            if not written:
                fourcc, size = writer.fourcc(*"MJPG"), (shape[1], shape[0])
                file = os.path.abspath(temporary)
                if not writer.open(file, cv2.CAP_OPENCV_MJPEG, fourcc, float(fps), size):
                    raise OSError(
                        f"Expected a folder that can be written to. Received: {path.parent}. "
                        "Check its permissions, or choose another folder."
                    )
                writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            written += 1
    finally:
        writer.release()
    return written


def _check_frame(path: Path, frame, shape: tuple, *, number: int) -> None:
    is_rgb = getattr(frame, "dtype", None) == np.uint8 and frame.shape[2:] == (3,) and frame.size
    if not is_rgb or frame.shape != shape:
        wanted = f"{shape[0]}, {shape[1]}" if number else "height, width"
        raise VideoError(
            f"Expected RGB frames, uint8 ({wanted}, 3). Received for {path}, frame {number}: "
            f"{getattr(frame, 'dtype', type(frame).__name__)} {np.shape(frame)}. Convert "
            "with np.clip(frame, 0, 255).astype(np.uint8), and resize all frames alike."
        )


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


def _resized(frame: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None or frame.shape[:2] == tuple(size):
        return frame
    shrinking = [before / after for before, after in zip(frame.shape[:2], size, strict=True)]
    # Averaging over areas takes as long as decoding. It is worth that where a pixel covers more
    # than the two by two that linear interpolation looks at.
    averaged = min(shrinking) >= 1 and max(shrinking) > 1.5
    method = cv2.INTER_AREA if averaged else cv2.INTER_LINEAR
    return cv2.resize(frame, (size[1], size[0]), interpolation=method)


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


def _is_implausible(path: Path, frames: int) -> bool:
    """Whether a header's frame count cannot be believed."""
    if frames <= 0 or frames > path.stat().st_size:
        return True
    with path.open("rb") as file:
        if file.read(4) == _MATROSKA:  # stores a duration, but no number of frames
            return True
    return _listed_frames(path) not in (None, frames)


def _listed_frames(path: Path) -> int | None:
    """Count the frames that the list at the end of an AVI file (``idx1``) names.

    None where a file is no AVI file, has no such list, is larger than one RIFF piece (its list
    names the frames of the first alone), or is damaged so that the list cannot be reached.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"AVI ":
            return None
        whole = 8 + int.from_bytes(start[4:8], "little")
        pieces = _pieces(file, start=12, end=min(whole, size))
        listed = next((file.read(min(n, size)) for name, n in pieces if name == b"idx1"), b"")
        file.seek(whole + whole % 2)
        if file.read(4) == b"RIFF":
            return None
    entries = np.frombuffer(listed, _ENTRY, count=len(listed) // _ENTRY.itemsize)
    images = entries[np.isin(entries["kind"], _IMAGE_KINDS)]
    return int((images["stream"] == images["stream"][0]).sum()) if len(images) else None


def _pieces(file: BinaryIO, *, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Go through the pieces of an AVI file: each one's name and length, the file at its content."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        yield head[:4], length
        start += 8 + length + length % 2


def _is_cut_off(path: Path) -> bool:
    """Whether an AVI or MP4 file is shorter than its own structure says."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(12)
        if start[:4] == b"RIFF":
            return 8 + int.from_bytes(start[4:8], "little") > size
        position = 0
        while start[4:8] == b"ftyp" and position < size:  # through the boxes of an MP4 file
            file.seek(position)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:  # a long box: its length follows in eight bytes
                length = int.from_bytes(head[8:16], "big")
            if length == 0:  # the last box may reach to the end of the file
                return False
            position += max(length, 8)
        return position > size


def _cut_off_error(path: Path, readable: int, frames: int) -> UnreadableVideoError:
    return UnreadableVideoError(
        f"Expected {max(frames, 1)} frames, as the file's header says. Received: {path}, of which "
        f"{readable} can be read. The file is cut off or damaged: get it again, or remove it."
    )


def _end_error(path: Path, wanted: int, readable: int, frames: int) -> VideoError:
    """Why frame `wanted` cannot be read from a video that ended after `readable` frames."""
    if readable < frames and (wanted < frames or _is_cut_off(path)):
        return _cut_off_error(path, readable, frames)
    return FrameIndexError(
        f"Expected frame numbers 0 to {readable - 1}. Received for {path}: {wanted}. Choose "
        f"frames the video has; vidlab.video.probe(path, count=True).frames is {readable}."
    )
