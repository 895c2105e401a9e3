"""The things the actions are done with: door, chair, crank, stool, cello, flute, toothbrush, cup.

And a box, which only the stills for pretraining show.

Each prop is drawn in body heights around an anchor of its own, so any of them can be drawn
anywhere, at any size and angle: ``draw_prop(pen, Placement("cello", (0.3, 0.3), angle=20),
style)``.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from vidlab.pantomime.paint import Colour, Pen, mix, random_colour, tone

__all__ = ["PROPS", "DoorShape", "Placement", "PropStyle", "draw_prop", "random_prop_style"]

_WOODS = ((150, 92, 48), (118, 66, 36), (186, 128, 72), (96, 58, 40), (168, 76, 40))
_PAINTS = (
    (186, 62, 54), (62, 108, 168), (80, 142, 92), (214, 170, 66), (226, 222, 210), (120, 82, 140),
    (64, 140, 146), (208, 120, 70), (92, 98, 108),
)  # fmt: skip


@dataclass(frozen=True)
class PropStyle:
    """Colours (RGB 0..255) and a variant number 0..2 of a prop's details."""

    main: Colour
    wood: Colour
    accent: Colour
    variant: int


@dataclass(frozen=True)
class Placement:
    """A prop somewhere: kind (one of `PROPS`), anchor, turn in degrees, size, and how open."""

    kind: str
    position: tuple[float, float]
    angle: float = 0.0
    size: float = 1.0
    opening: float = 0.0


@dataclass(frozen=True)
class DoorShape:
    """A door in body heights: the free edge of the closed leaf is at x = 0, the hinge at `width`.

    The leaf opens towards the viewer: at `angle` degrees its free edge has come nearer and
    therefore lower and taller.
    """

    width: float = 0.43
    height: float = 1.12
    handle_at: float = 0.56

    def edge(self, angle: float, *, share: float = 1.0) -> tuple[float, float, float]:
        """Return (x, bottom y, top y) of the leaf, `share` of the way from hinge to free edge."""
        radians = np.radians(angle)
        near = np.sin(radians) * share
        x = self.width * (1 - share * np.cos(radians) + 0.13 * near)
        return float(x), float(-0.10 * near), float(self.height + 0.035 * near)

    def handle(self, angle: float) -> np.ndarray:
        """Return where the handle is."""
        x, low, high = self.edge(angle, share=0.88)
        return np.array([x, low + (high - low) * self.handle_at / self.height])


def random_prop_style(rng: np.random.Generator) -> PropStyle:
    """Draw colours and a variant."""
    one = partial(random_colour, rng, spread=8)
    return PropStyle(one(_PAINTS), one(_WOODS), one(_PAINTS), int(rng.integers(3)))


def draw_prop(pen: Pen, placement: Placement, style: PropStyle) -> None:
    """Draw a prop; the pen's unit is a body height, its y axis points up."""
    local = pen.at(placement.position, angle=placement.angle, size=placement.size)
    PROPS[placement.kind](local, style, placement.opening)


def _wall(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a piece of wall around a door that stands outdoors."""
    shape = DoorShape()
    x0, x1, top = -0.16, shape.width + 0.16, shape.height + 0.16
    stone = mix(style.accent, (190, 180, 168), 0.75)
    pen.rectangle((x0, -0.01), (x1, top), stone)
    for row in range(9):
        y = row * top / 9
        pen.rectangle((x0, y), (x1, y + 0.008), tone(stone, 0.82))
    pen.polygon(
        ((x0 - 0.03, top), (x1 + 0.03, top), (x1, top + 0.05), (x0, top + 0.05)), tone(stone, 0.7)
    )


def _door(pen: Pen, style: PropStyle, opening: float) -> None:
    shape = DoorShape()
    width, height = shape.width, shape.height
    leaf = style.wood if style.variant == 0 else style.main
    frame = mix(leaf, (240, 235, 225), 0.72)
    t = 0.045
    pen.rectangle((-t, 0), (width + t, height + t), frame)
    beyond = mix(style.accent, (250, 240, 205), 0.65) if style.variant < 2 else (34, 32, 44)
    pen.rectangle((0, 0), (width, height), tone(beyond, 0.9))
    pen.polygon(((0, 0), (width, 0), (width * 0.8, 0.16), (width * 0.2, 0.16)), tone(beyond, 0.6))
    pen.rectangle((width * 0.2, 0.16), (width * 0.8, height), tone(beyond, 1.12))
    lit = tone(leaf, 1.0 - 0.22 * np.sin(np.radians(opening)))

    def part(left: float, right: float, low: float, high: float, colour: Colour) -> None:
        """Fill part of the leaf: shares of its width from the hinge, and of its height."""
        corners = []
        for share, levels in ((left, (low, high)), (right, (high, low))):
            x, bottom, top = shape.edge(opening, share=share)
            corners += [(x, bottom + (top - bottom) * level) for level in levels]
        pen.polygon(tuple(corners), colour)

    part(0, 1, 0, 1, tone(lit, 0.62))
    part(0.03, 0.97, 0.01, 0.99, lit)
    panels = {
        0: ((0.12, 0.46), (0.54, 0.92)),
        1: ((0.08, 0.30), (0.36, 0.62), (0.68, 0.93)),
        2: ((0.10, 0.92),),
    }[style.variant]
    for low, high in panels:
        part(0.18, 0.76, low, high, tone(lit, 0.74))
        part(0.22, 0.73, low + 0.02, high - 0.012, tone(lit, 1.10))
    x, y = shape.handle(opening)
    pen.ball((x, y), (0.026, 0.026), (226, 200, 110))


def _box(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a box around its middle, 0.28 wide and 0.23 high with its lid in perspective."""
    colour = (196, 148, 92) if style.variant == 0 else style.main
    w, h, d = 0.14, 0.10, 0.055
    pen.rectangle((-w, -h), (w, h), tone(colour, 0.72))
    pen.rectangle((-w + 0.01, -h + 0.01), (w - 0.01, h), colour)
    pen.polygon(((-w, h), (w, h), (w - 0.03, h + d), (-w + 0.03, h + d)), tone(colour, 1.25))
    tape = mix(style.accent, (240, 230, 200), 0.5)
    if style.variant == 2:
        for y in (-0.055, 0.045):
            pen.rectangle((-w, y), (w, y + 0.022), tone(colour, 0.6))
    else:
        pen.rectangle((-0.022, -h), (0.022, h), tape)
        pen.polygon(((-0.022, h), (0.022, h), (0.018, h + d), (-0.018, h + d)), tone(tape, 1.2))


def _chair(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a chair that faces +x: anchor on the floor below the seat's middle."""
    wood, seat = style.wood, style.main if style.variant else style.wood
    h = 0.27
    for x, lean, shade in ((-0.10, -0.02, 0.62), (0.13, 0.02, 0.62)):
        pen.limb([(x, h), (x + lean, 0.035)], (0.015, 0.012), (tone(wood, shade),))
    pen.limb([(-0.13, h), (-0.20, 0.60)], (0.018, 0.018), (tone(wood, 0.7),))
    pen.polygon(((-0.16, h), (0.14, h), (0.17, h + 0.035), (-0.13, h + 0.035)), tone(seat, 1.15))
    pen.limb([(-0.15, h - 0.005), (0.155, h - 0.005)], (0.022, 0.022), (seat,))
    for x, lean in ((-0.14, -0.02), (0.15, 0.02)):
        pen.limb([(x, h - 0.01), (x + lean, 0.012)], (0.017, 0.014), (wood,))
    pen.limb([(-0.15, h), (-0.23, 0.62)], (0.019, 0.020), (wood,))
    for share in (0.45, 0.70, 0.95):
        x, y = -0.15 - 0.08 * share, h + 0.35 * share
        pen.limb([(x, y), (x + 0.035, y - 0.01)], (0.022, 0.018), (seat,))


def _stool(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a round stool without a back: anchor on the floor below its middle."""
    for x in (-0.09, 0.09, 0.0):
        pen.limb([(x * 0.8, 0.25), (x * 1.2, 0.012)], (0.015, 0.012), (tone(style.wood, 0.8),))
    pen.ball((0, 0.255), (0.125, 0.036), style.main)


def _cello(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a cello, neck along +y: anchor in the middle of its body; 0.9 long over all."""
    wood = style.wood
    dark, black = tone(wood, 0.55), (36, 28, 26)
    pen.stroke([(0, -0.24), (0, -0.33)], 0.014, (60, 60, 64))
    pen.hull([(0, -0.105), (0, -0.11)], (0.140, 0.138), dark)
    for scale, colour in ((1.0, dark), (0.93, wood)):
        pen.ball((0, -0.105), (0.145 * scale, 0.138 * scale), colour)
        pen.ball((0, 0.125), (0.112 * scale, 0.108 * scale), colour)
        pen.polygon(
            np.array([(-0.085, 0.07), (0.085, 0.07), (0.088, -0.06), (-0.088, -0.06)])
            * (scale if scale == 1 else 0.9),
            colour,
        )
    light = tone(wood, 1.18)
    pen.ellipse((-0.03, -0.10), (0.07, 0.09), light)
    pen.ellipse((-0.02, 0.12), (0.055, 0.07), light)
    for side in (-1, 1):
        pen.ellipse((side * 0.105, 0.015), (0.026, 0.036), dark)
        curve = np.array([(0.060, 0.035), (0.052, 0.0), (0.066, -0.03), (0.056, -0.065)])
        pen.stroke(curve * (side, 1), 0.011, black)
    pen.polygon([(-0.017, -0.01), (0.017, -0.01), (0.012, 0.47), (-0.012, 0.47)], black)
    pen.polygon([(-0.014, 0.24), (0.014, 0.24), (0.011, 0.50), (-0.011, 0.50)], dark)
    pen.polygon([(-0.022, -0.21), (0.022, -0.21), (0.014, -0.08), (-0.014, -0.08)], black)
    pen.line((-0.036, -0.05), (0.036, -0.05), 0.016, (224, 190, 130))
    for x in (-0.007, 0.007):
        pen.stroke([(x, -0.12), (x, 0.50)], 0.003, (215, 210, 200))
    pen.ball((0.0, 0.53), (0.024, 0.034), dark)
    for y, side in ((0.50, -1), (0.50, 1), (0.535, -1), (0.535, 1)):
        pen.line((0, y), (side * 0.042, y), 0.011, black)


def _bow(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a bow along +x from the frog, where it is held, to the tip; 0.42 long."""
    pen.line((0.0, -0.010), (0.40, -0.010), 0.008, (240, 236, 224))
    pen.limb([(-0.02, 0.008), (0.42, 0.004)], (0.009, 0.007), (tone(style.wood, 0.6),))
    pen.line((0.0, -0.012), (0.035, -0.012), 0.024, (40, 32, 30))


def _flute(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a flute along −x: anchor at the mouth hole; 0.40 long."""
    metal = (206, 212, 222) if style.variant else (222, 190, 104)
    pen.limb([(0.05, 0), (-0.37, 0)], (0.0145, 0.0125), (metal,))
    for x in (-0.08, -0.115, -0.15, -0.20, -0.235, -0.27, -0.31):
        pen.ball((x, 0.012), (0.012, 0.010), tone(metal, 0.72))
    for x in (-0.055, -0.175, -0.335):
        pen.line((x, -0.016), (x, 0.016), 0.010, tone(metal, 0.6))
    pen.limb([(-0.015, 0.006), (0.02, 0.006)], (0.014, 0.014), (tone(metal, 1.3),))


def _toothbrush(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a toothbrush along −x: anchor at the bristles; 0.17 long."""
    pen.limb([(0.012, -0.012), (-0.06, -0.012)], (0.008, 0.007), (style.main,))
    pen.limb([(-0.06, -0.012), (-0.16, -0.014)], (0.010, 0.012), (style.main,))
    for x in (-0.016, -0.003, 0.010):
        pen.line((x, -0.006), (x, 0.016), 0.011, (250, 250, 250))


def _foam(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw toothpaste foam around its middle."""
    for x, y, r in (
        (0, 0, 0.020),
        (0.020, -0.006, 0.014),
        (-0.020, -0.004, 0.013),
        (0.004, -0.018, 0.012),
    ):
        pen.ball((x, y), (r, r * 0.8), (250, 250, 252))


def _cup(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a tooth mug around its middle, 0.09 high."""
    colour = style.accent
    pen.limb([(0.035, 0.02), (0.062, 0.0), (0.035, -0.022)], (0.008,) * 3, (tone(colour, 0.8),) * 2)
    pen.polygon(
        ((-0.040, 0.045), (0.040, 0.045), (0.033, -0.05), (-0.033, -0.05)), tone(colour, 0.72)
    )
    pen.polygon(((-0.036, 0.045), (0.016, 0.045), (0.012, -0.046), (-0.030, -0.046)), colour)
    pen.ellipse((0, 0.045), (0.040, 0.011), tone(colour, 1.4))


def _mill(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a mill on legs: anchor on the floor below the hub of its crank, which is 0.66 high."""
    wood = style.wood
    for x in (-0.16, 0.16):
        pen.limb([(x * 0.5, 0.48), (x, 0.012)], (0.024, 0.020), (tone(wood, 0.72),))
    pen.polygon(((-0.17, 0.95), (0.17, 0.95), (0.09, 0.82), (-0.09, 0.82)), tone(wood, 0.82))
    pen.rectangle((-0.17, 0.94), (0.17, 0.965), tone(wood, 1.15))
    pen.rectangle((-0.13, 0.46), (0.13, 0.84), wood)


def _crank(pen: Pen, style: PropStyle, opening: float) -> None:
    """Draw a wheel with a crank along +y: anchor at the hub, the handle 1 from it.

    The handle's half of the wheel is pale, the other one, which balances it, is dark.
    """
    pale, iron = mix(style.accent, (245, 240, 228), 0.72), (44, 42, 48)
    pen.ellipse((0, 0), (1.5, 1.5), iron)
    half = np.radians(np.linspace(0, 180, 24))
    pen.polygon(np.stack([np.cos(half), np.sin(half)], axis=1) * 1.37, pale)
    pen.limb([(0, 0), (0, 1)], (0.24, 0.15), (iron,))
    pen.ball((0, 0), (0.22, 0.22), (150, 150, 156))
    pen.ball((0, 1), (0.26, 0.26), (226, 60, 44))


_DRAWN = (_wall, _door, _box, _chair, _stool, _cello, _bow, _flute, _toothbrush, _foam, _cup)
PROPS = {draw.__name__.removeprefix("_"): draw for draw in (*_DRAWN, _mill, _crank)}
