"""Augmentation: random variations of pictures while training, one draw for a whole clip.

The literature's crop, rotation,
brightness, shift, zoom and horizontal flip (Newman 2020: the first frame's draw is applied to every
frame). `Augment` holds the limits, `Augment.draw` draws a `Variation` within them, and calling that
varies frames. A draw names no pixels, so that one serves all inputs of a clip, whatever their size.

All geometry is composed into one affine map, so a picture is resampled once and loses sharpness
once. Pixels from beyond the border mirror the picture.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from vidlab.errors import ModelError

__all__ = ["VIEWS", "Augment", "Variation", "warped"]

VIEWS = 4
"""How many varied views of a training video are kept where a part of a model is computed once."""

_RANGES = {
    **{"rotation": (0, 180), "zoom": (0, 0.99), "shift": (0, 1), "brightness": (0, 1)},
    "crop": (0.01, 1),
}


@dataclass(frozen=True)
class Augment:
    """How far pictures may be varied; what is drawn lies within these limits, evenly spread.

    Parameters
    ----------
    flip
        Whether half the draws are mirrored left to right.
    rotation
        Largest turn to either side, in degrees.
    zoom
        Largest change of scale to either side, 0..1: 0.1 shows between 0.9 and 1.1 of the width.
    shift
        Largest move along either axis, as a share of the height or width, 0..1.
    crop
        Smallest share of height and width that is kept, 0.01..1. The part kept lies
        anywhere in the picture and is enlarged to the full size. 1 keeps all.
    brightness
        Largest change of brightness to either side, 0..1: 0.2 multiplies by 0.8 to 1.2.

    Raises
    ------
    ModelError
        If an option is out of its range.
    """

    flip: bool = True
    rotation: float = 10.0
    zoom: float = 0.1
    shift: float = 0.1
    crop: float = 1.0
    brightness: float = 0.2

    def __post_init__(self):
        for option, (least, most) in _RANGES.items():
            if not least <= (value := getattr(self, option)) <= most:
                raise ModelError(
                    f"Expected {option} between {least:g} and {most:g}. Received: {value}. "
                    f"{1 if least else 0} switches it off."
                )

    def draw(self, rng: np.random.Generator) -> Variation:
        """Draw a variation for all frames and all inputs of a clip.

        Every draw takes as many numbers from `rng`, whatever is switched on: changing one option
        leaves the others' draws as they were.
        """
        side, turn, part, zoom, right, down, part_right, part_down, light = rng.uniform(-1, 1, 9)
        kept = 1 - (1 - self.crop) * (part + 1) / 2  # crop..1
        room = (1 - kept) / 2  # for the part kept, to either side of the middle
        return Variation(
            flipped=bool(self.flip and side < 0),
            angle=float(self.rotation * turn),
            scale=float(kept * (1 + self.zoom * zoom)),
            right=float(self.shift * right + room * part_right),
            down=float(self.shift * down + room * part_down),
            brightness=float(1 + self.brightness * light),
        )

    def view(self, video_id: str, number: int) -> Variation:
        """Draw the variation of one kept view of a video, the same in every training."""
        return self.draw(np.random.default_rng([number, zlib.crc32(video_id.encode())]))


@dataclass(frozen=True)
class Variation:
    """One draw: the part of the picture that is shown, and how bright.

    Attributes
    ----------
    flipped : bool
        Whether left and right are exchanged.
    angle : float
        By how many degrees the part is turned, clockwise.
    scale : float
        Its height and width, as a share of the picture's.
    right, down : float
        How far its centre lies from the picture's, as a share of the width and of the height.
    brightness : float
        What the pixels are multiplied by.

    Examples
    --------
    >>> frames = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
    >>> Variation(flipped=True, brightness=2.0)(frames)[0, :, 0].tolist()
    [18, 12, 6, 0]
    """

    flipped: bool = False
    angle: float = 0.0
    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0
    brightness: float = 1.0

    def matrix(self, height: int, width: int) -> np.ndarray:
        """Affine map from a pixel (x, y) of the result to its source in the picture.

        Both are measured from the centre, mirrored, turned, scaled and moved.

        Returns
        -------
        numpy.ndarray
            ``float64``, (2, 3), in pixels; OpenCV takes it with ``WARP_INVERSE_MAP``.
        """
        turn = math.radians(self.angle)
        cosine, sine = self.scale * math.cos(turn), self.scale * math.sin(turn)
        mirror = -1 if self.flipped else 1
        linear = np.array([[mirror * cosine, -sine], [mirror * sine, cosine]])
        centre = np.array([width - 1, height - 1]) / 2
        moved = centre - linear @ centre + [width * self.right, height * self.down]
        return np.column_stack([linear, moved])

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Vary all `frames` alike, bilinearly; values are rounded and end at 0 and 255.

        Parameters
        ----------
        frames
            uint8, (…, height, width, 3).

        Returns
        -------
        numpy.ndarray
            The same shape and type.

        Raises
        ------
        ModelError
            If `frames` has another shape or type.
        """
        frames = np.asarray(frames)
        if frames.ndim < 3 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ModelError(
                "Expected frames of shape (…, height, width, 3) and type uint8. "
                f"Received: shape {frames.shape}, {frames.dtype}. Vary frames as they are read, "
                "before anything is computed with them."
            )
        height, width = frames.shape[-3:-1]
        matrix = self.matrix(height, width)
        varied = np.empty(frames.shape, np.uint8)
        each = (-1, height, width, 3)
        for frame, result in zip(frames.reshape(each), varied.reshape(each), strict=True):
            cv2.convertScaleAbs(warped(frame, matrix), dst=result, alpha=self.brightness)
        return varied


def warped(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Resample a picture of at most four channels by a `Variation.matrix`, bilinearly."""
    return cv2.warpAffine(
        picture,
        matrix,
        picture.shape[1::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
