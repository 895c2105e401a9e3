"""Decoders of videos: OpenCV's, PyAV's for what that one cannot decode, and folders of images.

All iterate over frames: when each is shown, in seconds from anywhere, and a function that converts
it to an image, uint8 BGR, turned as the file says (None where that fails).
PyAV is optional (``pip install av``) and is used by itself where it is installed.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from vidlab.data import containers, video_files
from vidlab.errors import MissingVideoError, UnreadableVideoError

__all__ = ["Decoder", "ImageFolder", "OpenCv", "PyAv", "cut_off_error", "opened", "safe_name"]

Frame = tuple[float, Callable[[], np.ndarray | None]]

_FALLBACK_FPS = 25.0
_NAMES = {"AV01": "AV1"}  # codecs that OpenCV's own builds cannot decode

# A damaged file is reported by an exception that names it; the decoders' own lines on stderr name
# no file and would flood a notebook. Set these variables to see them.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
if "OPENCV_LOG_LEVEL" not in os.environ:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class OpenCv:
    """OpenCV's decoder; the first frame is decoded when the file is opened.

    Attributes
    ----------
    codec
        Four characters that name the compression; empty where no stream of pictures was found.
    named
        How many frames the decoder says there are, before any is decoded: stored, or guessed.
    fps, width, height, rotation
        As in `vidlab.video.VideoInfo`.
    has_frames
        Whether any frame can be decoded.
    """

    def __init__(self, name: str):
        # One decoder thread: many videos are read side by side, threads inside each only wait.
        self._capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        get = self._capture.get
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        code = max(int(get(cv2.CAP_PROP_FOURCC)), 0)
        self.codec = code.to_bytes(4, "little").decode("latin-1").strip("\0 ")
        self.named = int(get(cv2.CAP_PROP_FRAME_COUNT))
        self.fps = _rate(get(cv2.CAP_PROP_FPS))
        self.rotation = int(get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        size = int(get(cv2.CAP_PROP_FRAME_WIDTH)), int(get(cv2.CAP_PROP_FRAME_HEIGHT))
        aspect = get(cv2.CAP_PROP_SAR_NUM), get(cv2.CAP_PROP_SAR_DEN)
        self.width, self.height = _with_square_pixels(size, aspect, rotation=self.rotation)
        self.has_frames = self._capture.grab()

    def __iter__(self) -> Iterator[Frame]:
        grabbed = self.has_frames
        while grabbed:
            seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield seconds, lambda: self._capture.retrieve()[1]
            grabbed = self._capture.grab()

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class PyAv:
    """PyAV's decoder, with the same attributes as `OpenCv`."""

    def __init__(self, name: str):
        import av

        av.logging.set_level(None)
        self._container = av.open(name)
        stream = self._container.streams.video[0]
        if stream.codec_context is None:
            raise ValueError("no decoder")
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        self._frames = self._decoded(stream, av.error.FFmpegError)
        self.codec, self.named = stream.codec_context.codec.canonical_name, stream.frames
        self.fps = _rate(float(stream.average_rate or stream.guessed_rate or 0))
        self._first = next(self._frames, None)
        self.has_frames = self._first is not None
        self.rotation = -self._first.rotation % 360 if self.has_frames else 0
        aspect = stream.sample_aspect_ratio or 0
        size = (stream.width, stream.height)[:: -1 if self.rotation % 180 else 1]
        aspect = (aspect.numerator, aspect.denominator) if aspect else (0, 0)
        self.width, self.height = _with_square_pixels(size, aspect, rotation=self.rotation)

    def _decoded(self, stream, damage) -> Iterator:
        for packet in self._container.demux(stream):
            try:
                yield from packet.decode()
            except damage:  # as OpenCV does, go on with the next packet
                continue

    def __iter__(self) -> Iterator[Frame]:
        for frame in chain([self._first], self._frames):
            yield frame.time or 0.0, partial(self._picture, frame)

    def _picture(self, frame) -> np.ndarray:
        picture = frame.to_ndarray(format="bgr24")
        return np.ascontiguousarray(np.rot90(picture, -self.rotation // 90))

    def close(self) -> None:
        """Close the file."""
        self._container.close()


class ImageFolder:
    """The images of a folder, such as Jester and Something-Something have for each video.

    Its attributes are those of `OpenCv`. Images name no rate: 25 frames a second are assumed. Where
    their numbers have gaps, `named` and the times go by the numbers.
    """

    codec, fps, rotation = "images", 25.0, 0

    def __init__(self, folder: Path) -> None:
        self._files = video_files.files_of(folder)
        numbers = np.array([video_files.number_of(file) for file in self._files])
        steps, counts = np.unique(np.diff(numbers), return_counts=True)
        usual = steps[np.argmax(counts)] if len(steps) else 1  # every fifth frame may be kept
        self._positions = (numbers - numbers[:1]) / max(usual, 1)
        self.named = int(self._positions[-1]) + 1 if self._files else 0
        first = _image(self._files[0]) if self._files else None
        self.has_frames = first is not None
        self.height, self.width = first.shape[:2] if self.has_frames else (0, 0)

    def __iter__(self) -> Iterator[Frame]:
        for position, file in zip(self._positions, self._files, strict=True):
            yield float(position / self.fps), partial(self._picture, file)

    def _picture(self, file: Path) -> np.ndarray:
        picture = _image(file)
        if picture is None:
            raise UnreadableVideoError(
                f"Expected an image that can be read. Received: {file}. Get it again, or remove "
                "the folder: it is one video."
            )
        return picture

    def close(self) -> None:
        """Nothing stays open."""


def _image(file: Path) -> np.ndarray | None:
    content = np.fromfile(file, np.uint8)  # reads names that imread does not
    return cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None


Decoder = OpenCv | PyAv | ImageFolder


def _rate(fps: float) -> float:
    return fps if np.isfinite(fps) and fps > 0 else _FALLBACK_FPS


def _with_square_pixels(size, aspect, *, rotation: int) -> tuple[int, int]:
    """Width and height at which a picture of pixels `aspect` wide and high looks right."""
    width, height = size
    ratio = aspect[0] / aspect[1] if aspect[1] > 0 else 1
    if not 1 / 4 <= ratio <= 4:  # no camera or disc has such pixels: a damaged header
        return width, height
    return (width, round(height * ratio)) if rotation % 180 else (round(width * ratio), height)


@contextmanager
def safe_name(path: Path) -> Iterator[str]:
    """Name a file so that OpenCV can open it: a name that is no UTF-8 would end Python."""
    name = os.path.abspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder, f"video{path.suffix.encode('ascii', 'replace').decode()}")
            link.symlink_to(name)
            yield str(link)
    else:
        yield name


@contextmanager
def opened(path: Path) -> Iterator[Decoder]:
    """Open a video, a file or a folder of images, at its first frame.

    Raises
    ------
    MissingVideoError
        There is no such file.
    UnreadableVideoError
        No frame of it can be decoded; the message says why.
    """
    if path.is_dir() and (folder := ImageFolder(path)).has_frames:
        yield folder
        return
    _check_file(path)
    with safe_name(path) as name:
        decoder = OpenCv(name)
        try:
            if not decoder.has_frames:
                codec = decoder.codec or containers.codec_named(path)
                decoder.close()
                decoder, has_second = _second(name, decoder)
                if not decoder.has_frames:
                    raise _unreadable(path, codec=codec, has_second=has_second)
            yield decoder
        finally:
            decoder.close()


def _second(name: str, first: OpenCv) -> tuple[Decoder, bool]:
    """Open a file with PyAV, if that can; say also whether PyAV is installed."""
    try:
        import av
    except ImportError:
        return first, False
    try:
        return PyAv(name), True
    except (av.error.FFmpegError, IndexError, ValueError):  # no video, no stream, no decoder
        return first, True


def _check_file(path: Path) -> None:
    if not path.is_file():
        what, remedy = (
            ("a folder" if path.is_dir() else "no such file"),
            "Check the spelling, or make the index again if files were moved.",
        )
        if re.match(r"[A-Za-z][A-Za-z+.-]+:/", str(path)):
            what, remedy = "an address", "Download the video, and give its file."
        elif str(path).isdecimal():
            what, remedy = "no such file", "Cameras are not read: record a video file first."
        raise MissingVideoError(f"Expected a video file. Received: {path} ({what}). {remedy}")
    if path.stat().st_size == 0:
        raise UnreadableVideoError(
            f"Expected a readable video. Received: {path} (0 bytes). Remove it or get it again: "
            "vidlab data verify lists all such files."
        )
    if other := containers.other_kind(path):
        kind, remedy = other
        raise UnreadableVideoError(
            f"Expected a video. Received: {path} ({path.stat().st_size} bytes, {kind}). {remedy}."
        )


def _unreadable(path: Path, *, codec: str, has_second: bool) -> UnreadableVideoError:
    """Say why no frame of a file can be decoded."""
    if containers.is_cut_off(path):
        return cut_off_error(path, 0)
    if containers.lacks_pictures(path):
        return UnreadableVideoError(
            f"Expected a video. Received: {path}, which holds sound and no pictures. Remove it, or "
            "get the file with its pictures."
        )
    if codec:
        reason = "neither OpenCV nor PyAV can decode, or whose pictures are damaged"
        remedy = "Get it again, or convert it to H.264"
        if not has_second:
            reason = "this OpenCV cannot decode" + ", or it is damaged" * (codec not in _NAMES)
            remedy = "Install PyAV, a second decoder that is then used: pip install av"
        return UnreadableVideoError(
            "Expected a video that can be decoded. Received: "
            f"{path}, compressed as {_NAMES.get(codec, codec)}, which {reason}. {remedy}."
        )
    return UnreadableVideoError(
        f"Expected a readable video. Received: {path} ({path.stat().st_size} bytes that no video "
        "decoder knows). It is not a video or its start is damaged: get it again, or remove it."
    )


def cut_off_error(path: Path, readable: int, named: int = 0) -> UnreadableVideoError:
    """The error of a file whose end is missing."""
    wanted = f"{named} frames, as the file's header says" if named > 0 else "a whole video"
    return UnreadableVideoError(
        f"Expected {wanted}. Received: {path}, of which {readable or 'no'} frames can be read. The "
        "file is cut off: get it again, or remove it."
    )
