"""Anti-aliased, shaded drawing with a pen that knows where it stands.

A pen holds an image and an affine map from its own coordinates to pixels, so a cello or a hand is
drawn once in its own units, and lands wherever, however turned and however large the pen is held.
Everything drawn under a mark is remembered, which gives exact boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

__all__ = ["Colour", "Pen", "mix", "random_colour", "tone"]

Colour = tuple[float, float, float]
Point = Sequence[float]  # x, y
Points = Sequence[Point] | np.ndarray

_SHIFT = 4  # fractional bits of the coordinates given to OpenCV
_ARC = np.linspace(-np.pi / 2, np.pi / 2, 7)
_HALF = np.stack([np.cos(_ARC), np.sin(_ARC)], axis=1)
_ROUND = np.linspace(0, 2 * np.pi, 28, endpoint=False)
_CIRCLE = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1)
_SOFT = 64
_TONES = ((1.0, 0.0, 0.70), (0.82, 0.16, 1.0), (0.40, 0.38, 1.16))  # radius, offset, tone
_FULL_TONES = (
    (1.0, 0.0, 0.74), (0.94, 0.05, 0.88), (0.87, 0.12, 1.0), (0.66, 0.34, 1.03), (0.42, 0.55, 1.06),
)  # fmt: skip


def _soft_disc() -> np.ndarray:
    axis = (np.arange(_SOFT) + 0.5) / _SOFT * 2 - 1
    distance = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    return (np.clip(1 - distance, 0, 1) ** 1.3).astype(np.float32)


_DISC = _soft_disc()


def tone(colour: Colour, factor: float) -> Colour:
    """Darken (`factor` < 1) or lighten towards white (`factor` > 1) a colour.

    Examples
    --------
    >>> tone((100, 50, 200), 0.5)
    (50.0, 25.0, 100.0)
    >>> tone((100, 50, 200), 2.0)
    (255.0, 255.0, 255.0)
    """
    if factor <= 1:
        return tuple(float(c) * factor for c in colour)
    return mix(colour, (255, 255, 255), factor - 1)


def mix(first: Colour, second: Colour, share: float = 0.5) -> Colour:
    """Mix two colours; `share` in 0..1 is how much of the second there is.

    Examples
    --------
    >>> mix((0, 0, 0), (100, 200, 40), 0.25)
    (25.0, 50.0, 10.0)
    """
    return tuple(
        float(a) * (1 - share) + float(b) * share for a, b in zip(first, second, strict=True)
    )


def random_colour(rng: np.random.Generator, colours: Sequence[Colour], *, spread: float) -> Colour:
    """Draw one of some colours, and a colour near it."""
    return tuple(float(c) for c in np.clip(rng.choice(colours) + rng.normal(0, spread, 3), 8, 250))


class Pen:
    """Draws on an image in coordinates of its own.

    Parameters
    ----------
    image : uint8, (height, width, 3), RGB, or (height, width), or None
        Drawn on in place. One of two dimensions is a stencil: all that is drawn is 255 there,
        whatever its colour, and shadows and glows are left out. None draws nothing and only
        remembers what was marked.
    matrix : float, (2, 3)
        From the pen's coordinates to pixels; the identity unless given.
    light : (x, y)
        Where the light comes from, in pixels (y down); shading is lighter on that side.
    """

    def __init__(
        self,
        image: np.ndarray | None,
        *,
        matrix: np.ndarray | None = None,
        light: tuple[float, float] = (-0.6, -0.8),
    ):
        self.image = image
        self.matrix = np.array([[1.0, 0, 0], [0, 1, 0]]) if matrix is None else np.asarray(matrix)
        self.scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))
        self.light = np.asarray(light, dtype=float) / max(np.hypot(*light), 1e-9)
        self.marks: dict[str, list[np.ndarray]] = {}
        self._active: list[str] = []

    def at(self, position: Point, *, angle: float = 0.0, size: float = 1.0) -> Pen:
        """Return a pen standing at `position`, turned by `angle` degrees, `size` times as large.

        Marks made with it are remembered by this pen too.
        """
        cos, sin = np.cos(np.radians(angle)) * size, np.sin(np.radians(angle)) * size
        inner = np.array([[cos, -sin], [sin, cos]])
        linear = self.matrix[:, :2]
        offset = linear @ np.asarray(position, dtype=float) + self.matrix[:, 2]
        nested = Pen(self.image, matrix=np.column_stack([linear @ inner, offset]))
        nested.light, nested.marks, nested._active = self.light, self.marks, self._active
        return nested

    @contextmanager
    def marking(self, *names: str) -> Iterator[None]:
        """Remember, under each of `names`, all that is drawn inside the block."""
        self._active.extend(names)
        try:
            yield
        finally:
            del self._active[len(self._active) - len(names) :]

    def boxes(self) -> dict[str, tuple[float, float, float, float]]:
        """Return (x0, y0, x1, y1) in pixels around all that was drawn under each mark."""
        found = {}
        for name, pieces in self.marks.items():
            points = np.concatenate(pieces)
            found[name] = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
        return found

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill a polygon."""
        self._fill(self._pixels(points), colour)

    def rectangle(self, first: Point, last: Point, colour: Colour) -> None:
        """Fill an upright rectangle, from one corner to the opposite one."""
        (x0, y0), (x1, y1) = first, last
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def ellipse(self, centre: Point, radii: Sequence[float], colour: Colour) -> None:
        """Fill an upright ellipse of the two `radii`."""
        self._fill(self._pixels(_CIRCLE * radii + centre), colour)

    def ball(self, centre: Point, radii: Sequence[float], colour: Colour) -> None:
        """Fill an ellipse shaded like a ball."""
        centre = self._pixels(np.asarray([centre], dtype=float))[0]
        linear = self.matrix[:, :2]
        reach = (_CIRCLE * radii) @ linear.T
        step = self.light * float(np.abs(reach).max())
        for radius, offset, shade in _TONES:
            self._fill(reach * radius + centre + step * offset, tone(colour, shade))

    def line(self, first: Point, second: Point, width: float, colour: Colour) -> None:
        """Draw a line of `width` with flat ends."""
        first, second = np.asarray(first, float), np.asarray(second, float)
        along = second - first
        across = np.array([-along[1], along[0]]) / max(np.hypot(*along), 1e-9) * width / 2
        self.polygon([first + across, second + across, second - across, first - across], colour)

    def stroke(self, points: Points, width: float, colour: Colour) -> None:
        """Draw a thin open curve through `points`, at least one pixel wide."""
        pixels = self._pixels(points)
        self._remember(pixels)
        if self.image is not None:
            ink, thick = self._ink(colour), max(1, round(width * self.scale))
            cv2.polylines(self.image, [_fixed(pixels)], False, ink, thick, cv2.LINE_AA, _SHIFT)

    def limb(self, joints: Points, radii: Sequence[float], colours: Sequence[Colour]) -> None:
        """Draw rounded, tapering, shaded segments from joint to joint.

        Parameters
        ----------
        joints
            n points.
        radii
            n radii, one at each joint.
        colours
            n − 1 colours, one for each segment.
        """
        points = self._pixels(np.asarray(joints, dtype=float))
        sizes = np.asarray(radii, dtype=float) * self.scale
        for radius, offset, shade in _TONES:
            for i, colour in enumerate(colours):
                middles = points[i : i + 2] + np.outer(sizes[i : i + 2], self.light * offset)
                self._fill(_capsule(middles, sizes[i : i + 2] * radius), tone(colour, shade))

    def hull(self, centres: Points, radii: Sequence[float], colour: Colour) -> None:
        """Fill the shaded convex hull of discs, such as a trunk around shoulders and hips."""
        points = self._pixels(np.asarray(centres, dtype=float))
        sizes = np.asarray(radii, dtype=float)[:, None, None] * self.scale
        outline = (points[:, None, :] + _CIRCLE[None] * sizes).reshape(-1, 2)
        outline = cv2.convexHull(outline.astype(np.float32))[:, 0, :].astype(float)
        middle = points.mean(axis=0)
        step = self.light * float(sizes.mean())
        for radius, offset, shade in _FULL_TONES:
            self._fill((outline - middle) * radius + middle + step * offset, tone(colour, shade))

    def soft(
        self, centre: Point, radii: Sequence[float], colour: Colour, *, strength: float
    ) -> None:
        """Blend a soft-edged ellipse in: a contact shadow (black) or a glow (bright).

        `strength` in 0..1 is the share of `colour` in the middle. Not remembered by marks.
        """
        if self.image is None or self.image.ndim == 2:
            return
        x, y = self._pixels(np.asarray([centre], dtype=float))[0]
        rx, ry = abs(radii[0]) * self.scale, abs(radii[1]) * self.scale
        x0, x1 = round(x - rx), round(x + rx) + 1
        y0, y1 = round(y - ry), round(y + ry) + 1
        height, width = self.image.shape[:2]
        cx0, cx1, cy0, cy1 = max(x0, 0), min(x1, width), max(y0, 0), min(y1, height)
        if cx0 >= cx1 or cy0 >= cy1:
            return
        share = cv2.resize(_DISC, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        share = share[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0, None] * strength
        _blend(self.image[cy0:cy1, cx0:cx1], colour, share)

    def wash(self, points: Points, colour: Colour, *, strength: float, blur: float = 0) -> None:
        """Blend a see-through polygon in, its edge softened over `blur` pixels."""
        if self.image is None or self.image.ndim == 2:
            return
        mask = np.zeros(self.image.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_fixed(self._pixels(points))], 255, cv2.LINE_AA, _SHIFT)
        if blur:
            mask = cv2.GaussianBlur(mask, (0, 0), blur)
        _blend(self.image, colour, mask[..., None].astype(np.float32) * (strength / 255))

    def _pixels(self, points: Points) -> np.ndarray:
        return np.asarray(points, dtype=float) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def _remember(self, pixels: np.ndarray) -> None:
        for name in self._active:
            self.marks.setdefault(name, []).append(pixels)

    def _fill(self, pixels: np.ndarray, colour: Colour) -> None:
        self._remember(pixels)
        if self.image is not None:
            cv2.fillPoly(self.image, [_fixed(pixels)], self._ink(colour), cv2.LINE_AA, _SHIFT)

    def _ink(self, colour: Colour) -> Colour | int:
        return 255 if self.image.ndim == 2 else colour


def _fixed(pixels: np.ndarray) -> np.ndarray:
    """Round to the fractions of a pixel that OpenCV draws by."""
    return np.round(pixels * (1 << _SHIFT)).astype(np.int32)


def _blend(region: np.ndarray, colour: Colour, share: np.ndarray) -> None:
    region[:] = region + share * (np.asarray(colour, np.float32) - region)


def _capsule(middles: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the outline of two discs and what lies between them, (14, 2) pixels."""
    first, second = middles
    along = second - first
    length = np.hypot(*along)
    x, y = along / length if length > 1e-6 else (1.0, 0.0)
    turned = _HALF @ np.array([[x, y], [-y, x]])
    return np.concatenate([second + turned * radii[1], first - turned * radii[0]])
