"""A hand-held camera, an affine map a frame: pan, shake, zoom and roll; vignette and film grain."""

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["CANVAS", "FRAME", "MARGIN", "Camera", "Film", "FilmLook", "random_camera"]

FRAME = (320, 240)  # width, height
MARGIN = (36, 28)
CANVAS = (FRAME[0] + 2 * MARGIN[0], FRAME[1] + 2 * MARGIN[1])


@dataclass(frozen=True)
class Camera:
    """How the camera is held; lengths in pixels, angles in degrees.

    `pan` is how far the picture moves from the first frame to the last, `zoom` by what factor it
    grows, `shake` how strongly the hand trembles.
    """

    pan: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    shake: float = 0.0
    roll: float = 0.0

    def path(self, frames: int, *, rng: np.random.Generator) -> np.ndarray:
        """Return the maps from canvas to frame pixels, float64, (frames, 2, 3)."""
        progress = np.linspace(-0.5, 0.5, frames)
        centre = np.array(FRAME) / 2
        tremble = _smooth_noise(frames, columns=3, rng=rng) * self.shake
        zoom = self.zoom**progress
        angle = np.radians(self.roll + tremble[:, 2] * 0.12)
        shift = progress[:, None] * self.pan + tremble[:, :2]
        maps = np.empty((frames, 2, 3))
        maps[:, 0, 0] = maps[:, 1, 1] = np.cos(angle) * zoom
        maps[:, 1, 0] = np.sin(angle) * zoom
        maps[:, 0, 1] = -maps[:, 1, 0]
        middle = centre + np.array(MARGIN)
        maps[:, :, 2] = centre + shift - maps[:, :, :2] @ middle
        return maps


@dataclass(frozen=True)
class FilmLook:
    """What film adds to a picture.

    Attributes
    ----------
    grain
        Standard deviation of the noise, in grey levels.
    vignette
        How much darker the corners are, 0..1.
    balance
        What red, green and blue are multiplied by: exposure and white balance.
    """

    grain: float
    vignette: float
    balance: tuple[float, float, float]


class Film:
    """Grain and vignette; the same tiles for a whole clip, laid at random for each frame."""

    def __init__(self, rng: np.random.Generator, look: FilmLook, *, frames: int):
        width, height = FRAME
        noise = rng.standard_normal((height + 64, width + 64, 1), dtype=np.float32) * look.grain
        # Grains a little larger than a pixel look like film and cost less to store.
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * 2.1
        noise = np.repeat(noise[..., None], 3, axis=2)
        self._brighter = np.clip(noise, 0, 255).astype(np.uint8)
        self._darker = np.clip(-noise, 0, 255).astype(np.uint8)
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
        distance = (x[None, :] ** 2 + y[:, None] ** 2) / 2
        gain = (1 - look.vignette * distance**1.5)[..., None] * np.asarray(look.balance)
        self._top = float(gain.max())
        self._gain = np.round(gain * (255 / self._top)).astype(np.uint8)
        self._offsets = rng.integers(0, 64, (frames, 2))

    def develop(self, frame: np.ndarray, *, number: int) -> np.ndarray:
        """Return frame `number`, uint8 (240, 320, 3), darkened in the corners and grained."""
        width, height = FRAME
        x, y = self._offsets[number]
        frame = cv2.multiply(frame, self._gain, scale=self._top / 255)
        frame = cv2.add(frame, self._brighter[y : y + height, x : x + width])
        return cv2.subtract(frame, self._darker[y : y + height, x : x + width])


def random_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera."""
    return Camera(
        pan=(float(rng.uniform(-9, 9)), float(rng.uniform(-4, 4))),
        zoom=float(rng.uniform(0.95, 1.05)),
        shake=float(rng.uniform(0.2, 1.3)),
        roll=float(rng.uniform(-0.8, 0.8)),
    )


def _smooth_noise(frames: int, *, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Return a slow random walk around zero, (frames, columns), of about unit size."""
    noise = rng.standard_normal((frames + 10, columns))
    kernel = np.hanning(11)
    kernel /= np.sqrt((kernel**2).sum())
    smooth = [np.convolve(noise[:, i], kernel, mode="valid") for i in range(columns)]
    return np.stack(smooth, axis=1)
