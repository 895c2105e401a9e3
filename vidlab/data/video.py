"""Video files: what a file holds, exact frames from it, and a new file. Nothing else opens them.

Frames are found by counting from the start, and only those wanted are converted to images. Seeking
by frame number is never used: on files with frames that depend on each other it lands on the wrong
one, and it is slower. How many frames a video has is how many can be decoded, whatever its header
says: they are counted once, and the number is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from vidlab.data import containers, video_files
from vidlab.data.decoding import Decoder, cut_off_error, opened, safe_name
from vidlab.errors import FrameIndexError, VideoError
from vidlab.files import replacing

__all__ = ["SUFFIXES", "VideoInfo", "known", "probe", "read_frames", "write"]

SUFFIXES = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)
"""File name endings that count as videos, in lower case."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds, as it is shown: rotation and the aspect of its pixels are applied.

    Attributes
    ----------
    path
        The file.
    frames
        How many frames can be decoded.
    fps
        Frames per second; the mean where the rate varies, 25 where the file names none.
    width, height
        Size in pixels as `read_frames` returns it, so a video filmed upright is taller than wide.
    codec
        Four characters that name the compression, such as ``"XVID"``, ``"MJPG"`` or ``"h264"``.
    rotation
        Degrees the decoder turns the stored pictures by: 0, 90, 180 or 270.
    named
        How many frames the header says there are, or the numbers of images; None where files of
        its kind store no number.
    times
        When each frame is shown, in seconds from the first; None where the rate does not vary, so
        that frame i is shown at ``i / fps``.
    """

    path: Path
    frames: int
    fps: float
    width: int
    height: int
    codec: str
    rotation: int
    named: int | None = None
    times: tuple[float, ...] | None = None

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.frames / self.fps

    def seconds_at(self, indices: np.ndarray) -> np.ndarray:
        """When frames are shown, in seconds from the first one: float64, as many as `indices`."""
        indices = np.asarray(indices)
        return indices / self.fps if self.times is None else np.array(self.times)[indices]


def probe(path: str | Path, *, count: bool = False) -> VideoInfo:
    """Read what a video file holds: decoded once to its end, and then known until it changes.

    Parameters
    ----------
    count
        Decode it again, even where it is known: a disk can lose bytes without a trace.

    Raises
    ------
    MissingVideoError
        There is no such file.
    UnreadableVideoError
        No frame of the file can be decoded, or it is cut off; the message says why.
    """
    path = Path(path)
    info = None if count else known(path)
    if info is None:
        key = video_files.key_of(path) if path.is_file() else ""
        info = _decoded(path, pictures=count and not key)
        if key:
            video_files.keep(key, {k: v for k, v in vars(info).items() if k != "path"})
    return info


def known(path: Path) -> VideoInfo | None:
    """Say what a file holds without decoding it; None where that is not known."""
    try:
        kept = video_files.find(video_files.key_of(path))
    except OSError:  # a folder of images, or opening it will say what is wrong
        return None
    return kept and VideoInfo(path=path, **kept | {"times": kept["times"] and tuple(kept["times"])})


def _decoded(path: Path, *, pictures: bool) -> VideoInfo:
    """Go through a whole video, and with `pictures` convert every one, as only images need."""
    with opened(path) as decoder:
        stamps = []
        for seconds, picture in decoder:
            stamps.append(seconds)
            if pictures:
                picture()
        if len(stamps) < decoder.named and containers.is_cut_off(path):
            raise cut_off_error(path, len(stamps), decoder.named)
        times, fps = _timing(np.array(stamps), fps=decoder.fps)
        return VideoInfo(
            path,
            frames=len(stamps),
            fps=fps,
            width=decoder.width,
            height=decoder.height,
            codec=decoder.codec,
            rotation=decoder.rotation,
            named=_named(path, decoder, frames=len(stamps)),
            times=times,
        )


def _named(path: Path, decoder: Decoder, *, frames: int) -> int | None:
    """How many frames the header says there are, if it does, less those that it hides itself."""
    if path.is_dir():
        return decoder.named
    if not containers.names_frames(path):
        return None
    shown = containers.shown_seconds(path)
    all_shown = shown is not None and abs(shown * decoder.fps - frames) < 1.5
    return frames if all_shown else decoder.named


def _timing(stamps: np.ndarray, *, fps: float) -> tuple[tuple[float, ...] | None, float]:
    """The times of frames and their mean rate; no times where the rate is the same throughout."""
    steps = np.diff(stamps)
    forward = steps > 0
    if not forward.any():
        return None, fps
    usual = float(np.median(steps[forward]))
    # Stamps start anew where recordings were joined, and are absent from the last frames of some.
    steps = np.where(forward, steps, usual)
    if np.abs(steps - usual).max() <= usual / 2:
        return None, fps
    times = np.concatenate([[0], np.cumsum(steps)])
    return tuple(times.round(6).tolist()), float(len(times) / (times[-1] + steps[-1]))


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
        uint8, ``(len(indices), height, width, 3)``, RGB, turned as the file says; without `size`,
        of the width and height of `VideoInfo`.

    Raises
    ------
    MissingVideoError
        There is no such file.
    UnreadableVideoError
        No frame of the file can be decoded, or it is cut off before one of these.
    FrameIndexError
        A frame number is negative or past the end.
    """
    path = Path(path)
    wanted = _checked_indices(path, indices)
    numbers, rows = np.unique(wanted, return_inverse=True)
    with opened(path) as decoder:
        size, row = size or (decoder.height, decoder.width), 0
        frames = np.empty((len(numbers), *size, 3), np.uint8)
        for position, (_, picture) in enumerate(decoder):
            if position < numbers[row]:
                continue
            if (frame := picture()) is None:
                break
            frames[row] = cv2.cvtColor(_resized(frame, size), cv2.COLOR_BGR2RGB)
            row += 1
            if row == len(numbers):
                break
        if row < len(numbers):
            raise _end_error(path, int(numbers[-1]), position + 1, decoder.named)
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
        Frames per second, above 0.
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
    if not (0 < fps < 1e6 and 1 <= quality <= 100):
        raise VideoError(
            f"Expected fps above 0 and quality 1 to 100. Received for {path}: "
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
        if not _is_complete(temporary, frames=written):
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
                whole = max(round(fps), 1)
                with safe_name(temporary) as file:
                    is_open = writer.open(file, cv2.CAP_OPENCV_MJPEG, fourcc, float(whole), size)
                if not is_open:
                    raise OSError(
                        f"Expected a folder that can be written to. Received: {path.parent}. "
                        "Check its permissions, or choose another folder."
                    )
                writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            written += 1
    finally:
        writer.release()
    if fps != whole:
        _set_rate(temporary, fps)
    return written


def _set_rate(path: Path, fps: float) -> None:
    """Write a rate into the header of an AVI file, where the encoder puts whole numbers only."""
    with path.open("r+b") as file:
        start = file.read(512)
        rate = int(1e6 / fps), 1000, round(fps * 1000)  # microseconds a frame; scale, rate
        places = start.index(b"avih") + 8, start.index(b"strh") + 28, start.index(b"strh") + 32
        for place, number in zip(places, rate, strict=True):
            file.seek(place)
            file.write(number.to_bytes(4, "little"))


def _is_complete(path: Path, *, frames: int) -> bool:
    if not path.exists() or containers.is_cut_off(path):
        return False
    with opened(path) as decoder:
        return decoder.named == frames


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


def _resized(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frame.shape[:2] == tuple(size):
        return frame
    shrinking = [before / after for before, after in zip(frame.shape[:2], size, strict=True)]
    # Averaging over areas takes as long as decoding. It is worth that where a pixel covers more
    # than the two by two that linear interpolation looks at.
    averaged = min(shrinking) >= 1 and max(shrinking) > 1.5
    method = cv2.INTER_AREA if averaged else cv2.INTER_LINEAR
    return cv2.resize(frame, (size[1], size[0]), interpolation=method)


def _end_error(path: Path, wanted: int, readable: int, named: int) -> VideoError:
    """Why frame `wanted` cannot be read from a video that ended after `readable` frames."""
    if readable < named and containers.is_cut_off(path):
        return cut_off_error(path, readable, named)
    return FrameIndexError(
        f"Expected frame numbers 0 to {readable - 1}. Received for {path}: {wanted}. Choose "
        f"frames the video has; vidlab.video.probe(path).frames is {readable}."
    )
