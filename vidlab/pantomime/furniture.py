"""What stands and hangs in the scenes: windows, pictures, shelves, plants, lamps, sofas, trees.

None of them is a prop of an action, so nothing in the background tells an action. Each is drawn
with its foot (or its middle, where it hangs) at the pen's origin, one unit being the height of a
room, y up.
"""

import numpy as np

from vidlab.pantomime.body import axes
from vidlab.pantomime.paint import Colour, Pen, mix, tone

__all__ = ["HANGING", "OUTDOORS", "STANDING", "draw_item"]

_LEAF = (70, 128, 66)
_WOOD = (128, 86, 52)


def draw_item(pen: Pen, name: str, colour: Colour, rng: np.random.Generator) -> None:
    """Draw one of `STANDING`, `HANGING` or `OUTDOORS` at the pen's origin."""
    {**STANDING, **HANGING, **OUTDOORS}[name](pen, colour, rng)


def _plant(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0), (0.13, 0.025), (0, 0, 0), strength=0.45)
    for angle in np.linspace(-62, 62, 9) + rng.uniform(-7, 7, 9):
        length = rng.uniform(0.22, 0.40)
        leaf = tone(_LEAF, rng.uniform(0.7, 1.2))
        tip = axes(angle)[1] * length
        middle = tip * 0.55 + np.array((0, 0.15))
        end = tip + np.array((0, 0.12))
        pen.limb([(0, 0.13), middle, end], (0.008, 0.030, 0.004), (leaf,) * 2)
    pen.polygon([(-0.075, 0.15), (0.075, 0.15), (0.055, 0), (-0.055, 0)], tone(colour, 0.7))
    pen.polygon([(-0.07, 0.15), (0.02, 0.15), (0.01, 0), (-0.05, 0)], colour)


def _lamp(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0.62), (0.42, 0.42), (255, 236, 180), strength=0.35)
    pen.limb([(0, 0.02), (0, 0.6)], (0.010, 0.010), ((70, 66, 64),))
    pen.ellipse((0, 0.015), (0.075, 0.016), (60, 56, 54))
    shade = mix(colour, (255, 240, 200), 0.6)
    pen.polygon([(-0.11, 0.55), (0.11, 0.55), (0.065, 0.70), (-0.065, 0.70)], shade)
    pen.polygon([(-0.05, 0.55), (0.03, 0.55), (0.02, 0.70), (-0.03, 0.70)], tone(shade, 1.3))


def _shelf(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    wood = mix(_WOOD, colour, 0.25)
    high, wide = rng.uniform(0.5, 0.85), rng.uniform(0.26, 0.42)
    pen.soft((0, 0), (wide * 0.7, 0.03), (0, 0, 0), strength=0.5)
    pen.rectangle((-wide / 2, 0), (wide / 2, high), tone(wood, 0.55))
    rows = int(rng.integers(3, 5))
    for row in range(rows):
        y, x = high * row / rows, -wide / 2 + 0.02
        while x < wide / 2 - 0.04:
            width = rng.uniform(0.014, 0.034)
            book = tone(tuple(rng.uniform(50, 225, 3)), 0.95)
            if rng.random() < 0.85:
                pen.rectangle((x, y), (x + width, y + high / rows * rng.uniform(0.55, 0.82)), book)
            x += width + 0.003
        pen.rectangle((-wide / 2, y - 0.008), (wide / 2, y + 0.012), wood)
    for x in (-wide / 2, wide / 2 - 0.018):
        pen.rectangle((x, 0), (x + 0.018, high), tone(wood, 1.08))
    pen.rectangle((-wide / 2, high - 0.012), (wide / 2, high + 0.012), tone(wood, 1.15))


def _sofa(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    wide = rng.uniform(0.50, 0.72)
    x = wide / 2
    pen.soft((0, 0), (wide * 0.62, 0.04), (0, 0, 0), strength=0.55)
    back, seat = (
        [(-x, high), (x, high), (x, low), (-x, low)] for high, low in ((0.27, 0.1), (0.13, 0.07))
    )
    pen.hull(back, (0.04,) * 4, tone(colour, 0.85))
    pen.hull(seat, (0.035,) * 4, colour)
    for side in (-x, x):
        pen.limb([(side, 0.06), (side, 0.19)], (0.05, 0.05), (tone(colour, 0.95),))
    cushion = tone(tuple(rng.uniform(80, 235, 3)), 1)
    pen.hull([(-0.1, 0.22), (0.02, 0.24), (0.0, 0.16), (-0.1, 0.15)], (0.02,) * 4, cushion)


def _table(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    wood, wide = mix(_WOOD, colour, 0.3), rng.uniform(0.30, 0.48)
    pen.soft((0, 0), (wide * 0.6, 0.03), (0, 0, 0), strength=0.45)
    for x in (-wide / 2 + 0.03, wide / 2 - 0.03):
        pen.rectangle((x - 0.012, 0), (x + 0.012, 0.25), tone(wood, 0.7))
    pen.rectangle((-wide / 2, 0.24), (wide / 2, 0.275), wood)
    pen.rectangle((-wide / 2, 0.265), (wide / 2, 0.28), tone(wood, 1.3))
    pen.hull([(0.05, 0.30), (0.05, 0.36)], (0.028, 0.018), colour)
    for angle in (-28, 0, 26):
        tip = axes(angle)[1] * 0.13 + (0.05, 0.37)
        pen.limb([(0.05, 0.37), tip], (0.004, 0.004), (_LEAF,))
        pen.ball(tip, (0.022, 0.022), tuple(rng.uniform(120, 250, 3)))


def _drawers(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    wide, high = rng.uniform(0.26, 0.46), rng.uniform(0.26, 0.40)
    pen.soft((0, 0), (wide * 0.65, 0.03), (0, 0, 0), strength=0.5)
    pen.rectangle((-wide / 2, 0.015), (wide / 2, high), tone(colour, 0.8))
    for row in range(3):
        y0, y1 = 0.03 + (high - 0.04) * row / 3, 0.03 + (high - 0.04) * (row + 0.86) / 3
        pen.rectangle((-wide / 2 + 0.015, y0), (wide / 2 - 0.015, y1), colour)
        pen.ball((0, (y0 + y1) / 2), (0.012, 0.012), (220, 200, 150))
    pen.rectangle(
        (-wide / 2 - 0.01, high - 0.01), (wide / 2 + 0.01, high + 0.015), tone(colour, 1.2)
    )


def _window(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    wide, high = rng.uniform(0.30, 0.46), rng.uniform(0.36, 0.46)
    x, y = wide / 2, high / 2
    pen.rectangle((-x - 0.025, -y - 0.025), (x + 0.025, y + 0.025), (236, 232, 224))
    sky = mix((150, 196, 236), (250, 214, 170), rng.uniform(0, 0.7))
    bands = 6
    for band in range(bands):
        share = band / bands
        pen.rectangle((-x, -y + high * share), (x, y), mix(tone(sky, 1.35), sky, share))
    pen.polygon(
        [(-x, -y), (x, -y), (x, -y * 0.5), (0.05, -y * 0.25), (-x, -y * 0.6)], mix(_LEAF, sky, 0.35)
    )
    pen.rectangle((-0.010, -y), (0.010, y), (236, 232, 224))
    pen.rectangle((-x, 0.03), (x, 0.048), (236, 232, 224))
    pen.rectangle((-x - 0.04, -y - 0.045), (x + 0.04, -y - 0.022), (214, 208, 198))
    for side in (-1, 1):
        edge = side * (x + 0.045)
        top = np.array([(edge, y + 0.06), (side * (x - 0.06), y + 0.06)])
        low = np.array([(edge, -y - 0.08), (side * (x - 0.01), -y - 0.08)])
        pen.polygon([*top, *low[::-1]], colour)
        for fold in (0.35, 0.7):
            ends = (end[0] + (end[1] - end[0]) * fold for end in (top, low))
            pen.line(*ends, 0.010, tone(colour, 0.72))
    pen.line((-x - 0.09, y + 0.065), (x + 0.09, y + 0.065), 0.016, (110, 84, 60))


def _picture(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    x, y = rng.uniform(0.06, 0.13), rng.uniform(0.06, 0.12)
    pen.rectangle((-x + 0.01, -y - 0.018), (x + 0.018, y), (40, 36, 34))
    pen.rectangle(
        (-x - 0.012, -y - 0.012), (x + 0.012, y + 0.012), mix(_WOOD, (240, 220, 160), rng.random())
    )
    pen.rectangle((-x, -y), (x, y), mix(colour, (245, 240, 230), 0.55))
    pen.rectangle((-x, -y), (x, -y * rng.uniform(0, 0.6)), tone(colour, 0.7))
    pen.ellipse(
        (rng.uniform(-0.4, 0.4) * x, 0.25 * y), (x * 0.3, x * 0.3), tuple(rng.uniform(40, 250, 3))
    )


def _clock(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.ellipse((0, 0), (0.062, 0.062), tone(colour, 0.7))
    pen.ellipse((0, 0), (0.050, 0.050), (246, 244, 238))
    for angle, length in zip(rng.uniform(0, 360, 2), (0.028, 0.042), strict=True):
        tip = axes(angle)[1] * length
        pen.line((0, 0), tip, 0.009, (40, 36, 34))


def _board(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    wide = rng.uniform(0.20, 0.34)
    pen.rectangle((-wide / 2, -0.010), (wide / 2, 0.012), mix(_WOOD, colour, 0.2))
    x = -wide / 2 + 0.03
    while x < wide / 2 - 0.03:
        item = tuple(rng.uniform(60, 235, 3))
        high = rng.uniform(0.04, 0.10)
        pen.limb([(x, 0.03), (x, high)], (0.016, rng.uniform(0.008, 0.018)), (item,))
        x += rng.uniform(0.04, 0.08)


def _tree(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0), (0.24, 0.03), (0, 0, 0), strength=0.4)
    pen.limb([(0, 0), (0.01, 0.4)], (0.035, 0.02), (tone(_WOOD, 0.8),))
    crown = tone(mix(_LEAF, colour, 0.2), rng.uniform(0.75, 1.15))
    for x, y, r in ((-0.11, 0.44, 0.13), (0.12, 0.46, 0.13), (0, 0.58, 0.16), (0.02, 0.42, 0.12)):
        x, y = x + rng.uniform(-0.02, 0.02), y + rng.uniform(-0.02, 0.02)
        pen.ball((x, y), (r, r * 0.9), crown)


def _fir(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0), (0.16, 0.025), (0, 0, 0), strength=0.4)
    pen.limb([(0, 0), (0, 0.2)], (0.02, 0.02), (tone(_WOOD, 0.7),))
    green = tone((48, 98, 74), rng.uniform(0.8, 1.2))
    for y, half in ((0.10, 0.17), (0.26, 0.13), (0.42, 0.09)):
        pen.polygon([(-half, y), (half, y), (0, y + 0.28)], tone(green, 0.8))
        pen.polygon([(-half, y), (half * 0.1, y), (0, y + 0.28)], green)


def _bush(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0), (0.20, 0.03), (0, 0, 0), strength=0.4)
    green = tone(_LEAF, rng.uniform(0.7, 1.1))
    for x, r in ((-0.10, 0.08), (0.10, 0.08), (0.0, 0.11)):
        pen.ball((x, r * 0.9), (r * 1.1, r), green)
    for x, y in rng.uniform((-0.13, 0.05), (0.13, 0.17), (7, 2)):
        pen.ellipse((x, y), (0.012, 0.012), colour)


def _post(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0), (0.07, 0.015), (0, 0, 0), strength=0.4)
    pen.limb([(0, 0), (0, 0.78)], (0.014, 0.011), ((74, 78, 84),))
    pen.soft((0, 0.82), (0.14, 0.14), (255, 244, 200), strength=0.5)
    pen.ball((0, 0.82), (0.045, 0.045), (250, 240, 205))


def _rock(pen: Pen, colour: Colour, rng: np.random.Generator) -> None:
    pen.soft((0, 0), (0.17, 0.03), (0, 0, 0), strength=0.45)
    stone = [(-0.08, 0.04), (0.07, 0.04), (0.0, rng.uniform(0.07, 0.14))]
    pen.hull(stone, (0.04, 0.05, 0.05), (142, 138, 132))


STANDING, HANGING, OUTDOORS = (
    {draw.__name__.removeprefix("_"): draw for draw in place}
    for place in (
        (_plant, _lamp, _shelf, _sofa, _table, _drawers),
        (_window, _picture, _clock, _board),
        (_tree, _fir, _bush, _post, _rock),
    )
)
