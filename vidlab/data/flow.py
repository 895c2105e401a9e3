"""Optical flow: how far, and where to, each point of a picture moves until the next one.

Flow is computed by OpenCV: DIS (Kroeger et al. 2016, *Fast optical flow using dense inverse
search*) in three presets, or Farneback (2003, *Two-frame motion estimation based on polynomial
expansion*). It is kept as ``uint8``, as shares of the picture, so that it means the same at every
size: 128 is no motion, and ±127 a displacement of ±`BOUND` of the width (horizontal component) or
of the height (vertical), which is ±20 pixels of UCF-101's 320. What moves farther is cut off there;
a step is a sixth of a pixel.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vidlab.data import video
from vidlab.errors import DatasetError

__all__ = [
    "BOUND",
    "METHODS",
    "REST",
    "colours",
    "decode",
    "dense_flow",
    "encode",
    "pairs_of_video",
    "pictures_of",
    "subtract_mean",
    "trajectories",
    "wheel",
]

BOUND = 1 / 16
"""The largest displacement that is kept, as a share of the width or of the height."""
REST = 128
"""What stands for no motion in ``uint8``."""
METHODS = ("dis-ultrafast", "dis-fast", "dis-medium", "farneback")
"""What flow can be computed by, from the fastest to the slowest."""

_SCALE = 127 / BOUND
_SHORTER_SIDE = 240  # pixels: larger pictures are shrunk to it before their flow is computed
_PRESETS = {
    "dis-ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "dis-fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "dis-medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


def dense_flow(first: np.ndarray, second: np.ndarray, *, method: str = "dis-fast") -> np.ndarray:
    """Compute the optical flow from one picture to the next.

    Parameters
    ----------
    first, second
        uint8, (height, width, 3) RGB or (height, width) grey, of one size, 12 pixels or more.
    method
        One of `METHODS`.

    Returns
    -------
    numpy.ndarray
        float32, (height, width, 2): by how many pixels each point of `first` has moved to the right
        and down in `second`.

    Raises
    ------
    DatasetError
        If the pictures differ in size or are too small, or there is no such method.
    """
    if method not in METHODS:
        raise DatasetError(
            f"Expected a method out of {', '.join(METHODS)}. Received: {method!r}. "
            "dis-fast is a good compromise."
        )
    first, second = (_grey(picture) for picture in (first, second))
    if first.shape != second.shape or min(first.shape) < 12:
        raise DatasetError(
            "Expected two pictures of one size, at least 12×12 pixels. "
            f"Received: {first.shape} and {second.shape}. Read both at one size."
        )
    if method == "farneback":
        return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return cv2.DISOpticalFlow_create(_PRESETS[method]).calc(first, second, None)


def encode(shares: np.ndarray) -> np.ndarray:
    """Round displacements, as shares of width and height, to ``uint8``; `REST` is no motion.

    Examples
    --------
    >>> encode(np.array([0.0, BOUND, -2 * BOUND]))
    array([128, 255,   1], dtype=uint8)
    """
    return (np.clip(np.rint(shares * _SCALE), -127, 127) + REST).astype(np.uint8)


def decode(stored: np.ndarray) -> np.ndarray:
    """Return the displacements that ``uint8`` stands for, float32, as shares of width and height.

    Examples
    --------
    >>> decode(np.array([128, 255], np.uint8)).tolist()
    [0.0, 0.0625]
    """
    return (stored.astype(np.float32) - REST) / np.float32(_SCALE)


def pairs_of_video(
    path: str | Path,
    pairs: np.ndarray,
    *,
    size: tuple[int, int],
    method: str = "dis-fast",
    backward: bool = False,
) -> np.ndarray:
    """Compute the flow of pairs of neighbouring frames of a video.

    Parameters
    ----------
    pairs
        int64, (pairs,): pair i is of the frames i and i + 1.
    size
        Height and width in pixels at which the flow is kept; it is computed at the video's own
        size, of at most 240 pixels along the shorter side.
    backward
        From frame i + 1 to frame i, as of the video played in reverse. (The forward flow with its
        sign changed belongs to other points.)

    Returns
    -------
    numpy.ndarray
        ``uint8``, (pairs, height, width, 2): see `encode`.

    Raises
    ------
    VideoError
        If the video cannot be read.
    """
    numbers, rows = np.unique(pairs, return_inverse=True)
    if not len(numbers):
        return np.empty((0, *size, 2), np.uint8)
    info = video.probe(path)
    shrinking = min(1.0, _SHORTER_SIDE / min(info.height, info.width))
    working = round(info.height * shrinking), round(info.width * shrinking)
    wanted = np.unique(np.concatenate([numbers, numbers + 1]))
    frames = video.read_frames(path, wanted, size=working)
    grey = {number: _grey(frame) for number, frame in zip(wanted.tolist(), frames, strict=True)}
    found = []
    for number in numbers.tolist():
        pair = (grey[number + 1], grey[number]) if backward else (grey[number], grey[number + 1])
        shares = dense_flow(*pair, method=method) / working[::-1]
        found.append(encode(cv2.resize(shares, size[::-1], interpolation=cv2.INTER_AREA)))
    return np.stack(found)[rows]


def subtract_mean(shares: np.ndarray) -> np.ndarray:
    """Subtract from each component its mean over the picture, a crude guess of camera motion.

    Simonyan & Zisserman 2014, section 3.1.

    Parameters
    ----------
    shares
        float32, (…, height, width, 2).
    """
    return shares - shares.mean(axis=(-3, -2), keepdims=True)


def trajectories(shares: np.ndarray) -> np.ndarray:
    """Follow each point of the first picture: sample every field where the ones before lead.

    *Trajectory stacking* of Simonyan & Zisserman 2014, equation 2.

    Parameters
    ----------
    shares
        float32, (time, height, width, 2): flow of consecutive pairs.

    Returns
    -------
    numpy.ndarray
        The same shape; the first field is as it was. Beyond the border the nearest flow counts.
    """
    height, width = shares.shape[1:3]
    points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    followed = []
    for field in shares.astype(np.float32):
        here = cv2.remap(field, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        followed.append(here)
        points = points + here * np.array([width, height], np.float32)
    return np.stack(followed)


def colours(flow: np.ndarray, *, largest: float | None = None) -> np.ndarray:
    """Draw flow as colours: the hue is where to, the strength how far; white is no motion.

    Parameters
    ----------
    flow
        (…, height, width, 2): to the right and down, in any unit.
    largest
        The length drawn in full colour; the longest there is when left out.

    Returns
    -------
    numpy.ndarray
        uint8, (…, height, width, 3), RGB: red is to the right, then, turning clockwise as seen on
        the screen, yellow-green down, cyan left, violet up.
    """
    flow = np.asarray(flow, np.float32)
    length = np.hypot(flow[..., 0], flow[..., 1])
    largest = float(length.max()) if largest is None else largest
    turn = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    strength = np.clip(length / max(largest, 1e-9), 0, 1)
    hsv = np.stack([turn * 360, strength, np.ones_like(turn)], axis=-1).astype(np.float32)
    wide = hsv.reshape(-1, hsv.shape[-2], 3)  # OpenCV takes one picture
    rgb = cv2.cvtColor(wide, cv2.COLOR_HSV2RGB)
    return np.rint(255 * rgb).astype(np.uint8).reshape(hsv.shape)


def pictures_of(stacked: np.ndarray, *, size: tuple[int, int]) -> np.ndarray:
    """Draw what a `vidlab.streams.Flow` has read: at each frame the mean of its pairs, by colours.

    Parameters
    ----------
    stacked
        ``uint8``, (time, height, width, 2 · pairs).
    size
        Height and width of the pictures.

    Returns
    -------
    numpy.ndarray
        uint8, (time, height, width, 3), RGB: see `colours`.
    """
    fields = decode(stacked.reshape(*stacked.shape[:-1], -1, 2)).mean(axis=-2)
    return colours(np.stack([cv2.resize(field, size[::-1]) for field in fields * size[::-1]]))


def wheel(side: int) -> np.ndarray:
    """Draw the colours of all directions, uint8, (side, side, 3): at the rim the full ones."""
    middle = (side - 1) / 2
    points = np.stack(np.meshgrid(*2 * [np.arange(side) - middle]), axis=-1)
    drawn = colours(points, largest=middle)
    drawn[np.hypot(*np.moveaxis(points, -1, 0)) > middle] = 255
    return drawn


def _grey(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
