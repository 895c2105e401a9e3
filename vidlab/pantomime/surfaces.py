"""Walls, floors and landscapes: the large surfaces of a scene, in perspective.

All lengths are pixels of the canvas; `edge` is where wall and floor, or sky and ground, meet.
"""

from __future__ import annotations

import numpy as np

from vidlab.pantomime.camera import CANVAS
from vidlab.pantomime.paint import Colour, Pen, mix, tone

__all__ = [
    "FLOORS",
    "GROUNDS",
    "WALLPAPERS",
    "draw_floor",
    "draw_ground",
    "draw_landscape",
    "draw_wallpaper",
]

WALLPAPERS = ("plain", "stripes", "dots", "panels", "bricks", "tiles")
FLOORS = ("planks", "tiles", "carpet")
GROUNDS = ("grass", "sand", "paving")


def draw_wallpaper(pen: Pen, pattern: str, *, colour: Colour, edge: int) -> None:
    """Draw one of `WALLPAPERS` on the wall above `edge`."""
    width = CANVAS[0]
    line = tone(colour, 0.86)
    if pattern == "stripes":
        for x in range(0, width, 26):
            pen.rectangle((x, 0), (x + 12, edge), tone(colour, 0.93))
    elif pattern == "dots":
        for row, y in enumerate(range(6, edge, 18)):
            for x in range(6 + 10 * (row % 2), width, 20):
                pen.ellipse((x, y), (2.6, 2.6), line)
    elif pattern == "panels":
        pen.rectangle((0, edge - 70), (width, edge), tone(colour, 1.25))
        pen.rectangle((0, edge - 74), (width, edge - 70), tone(colour, 0.7))
        for x in range(4, width, 46):
            pen.rectangle((x, edge - 62), (x + 38, edge - 16), tone(colour, 1.08))
    elif pattern == "bricks":
        for row, y in enumerate(range(edge, 0, -11)):
            pen.line((0, y), (width, y), 1.4, line)
            for x in range(-(row % 2) * 14, width, 28):
                pen.line((x, y), (x, y - 11), 1.4, line)
    elif pattern == "tiles":
        for y in range(edge, 0, -24):
            pen.line((0, y), (width, y), 1.6, tone(colour, 1.3))
        for x in range(0, width, 24):
            pen.line((x, 0), (x, edge), 1.6, tone(colour, 1.3))


def draw_floor(
    pen: Pen, pattern: str, *, colour: Colour, wall: Colour, vanishing: float, edge: int
) -> None:
    """Draw one of `FLOORS` below `edge`, its lines meeting above x = `vanishing`."""
    width, height = CANVAS
    line = tone(colour, 0.66)
    gap = {"planks": 15, "tiles": 26, "carpet": 0}[pattern]
    if not gap:
        middle = (vanishing, (edge + height) / 2 + 6)
        rug = tone(mix(wall, colour, 0.3), 0.8)
        pen.ellipse(middle, (150, (height - edge) * 0.40), tone(rug, 0.75))
        pen.ellipse(middle, (140, (height - edge) * 0.35), rug)
        pen.ellipse(middle, (96, (height - edge) * 0.22), tone(rug, 1.15))
        return
    for x in np.arange(-width, 2 * width, gap):
        top = vanishing + (x - vanishing) * 0.62
        near = vanishing + (x - vanishing) * 1.45
        pen.line((top, edge), (near, height), 1.1, line)
    for i, y in enumerate(_depths(edge, 7)[1:-1]):
        if pattern == "tiles":
            pen.line((0, y), (width, y), 1.1, line)
        else:
            for x in range((i * 37) % 80, width, 110):
                pen.line((x, y), (x + 14, y), 1.1, line)


def draw_landscape(
    pen: Pen, rng: np.random.Generator, *, sky: Colour, ground: Colour, edge: int
) -> None:
    """Draw clouds, two ranges of hills and, half the time, a fence."""
    width = CANVAS[0]
    for _ in range(int(rng.integers(1, 4))):
        x, y, size = rng.uniform(0, width), rng.uniform(20, edge * 0.5), rng.uniform(0.7, 1.4)
        for dx, dy, r in ((-30, 4, 22), (0, -4, 30), (32, 4, 24)):
            pen.soft(
                (x + dx * size, y + dy),
                (r * size * 1.5, r * size * 0.8),
                (255, 255, 255),
                strength=0.7,
            )
    far = mix(sky, (70, 110, 96), 0.45)
    x = np.linspace(0, width, 40)
    for layer in range(2):
        phase, height = rng.uniform(0, 6, 3), rng.uniform(18, 46) * (1 - 0.4 * layer)
        ridge = sum(np.sin(x / scale + p) for scale, p in zip((60, 33, 110), phase, strict=True))
        top = edge - height * (1 + 0.28 * ridge)
        outline = np.concatenate([np.stack([x, top], axis=1), [(width, edge + 1), (0, edge + 1)]])
        pen.polygon(outline, far)
        far = mix(far, ground, 0.55)
    if rng.random() < 0.5:
        wood = tone((198, 176, 148), rng.uniform(0.6, 1.2))
        for y in (edge - 26, edge - 12):
            pen.line((0, y), (width, y), 4, tone(wood, 0.8))
        for post in range(int(rng.integers(0, 14)), width, 17):
            pen.polygon([(post, edge + 2), (post + 7, edge + 2), (post + 7, edge - 30),
                          (post + 3.5, edge - 35), (post, edge - 30)], wood)  # fmt: skip


def draw_ground(
    pen: Pen, pattern: str, *, rng: np.random.Generator, colour: Colour, vanishing: float, edge: int
) -> None:
    """Draw one of `GROUNDS` below `edge`."""
    width, height = CANVAS
    if pattern == "paving":
        for y in _depths(edge, 6)[1:-1]:
            pen.line((0, y), (width, y), 1.1, tone(colour, 0.72))
        for x in np.arange(-width, 2 * width, 40):
            top = vanishing + (x - vanishing) * 0.55
            pen.line(
                (top, edge), (vanishing + (x - vanishing) * 1.6, height), 1.1, tone(colour, 0.72)
            )
        return
    for share, x in rng.random((130, 2)):
        y = edge + 2 + (height - edge) * share**1.3
        long = 2 + 5 * share if pattern == "grass" else 1.0
        shade = tone(colour, rng.choice((0.75, 1.12)))
        pen.line((x * width, y), (x * width + rng.uniform(-2, 2), y - long), 1.3, shade)


def _depths(edge: int, count: int) -> np.ndarray:
    """Return heights of floor lines that come closer together towards the wall."""
    depth = 1 / np.linspace(1.0, 0.42, count)
    return edge + (CANVAS[1] - edge) * (depth - 1) / (depth[-1] - 1)
