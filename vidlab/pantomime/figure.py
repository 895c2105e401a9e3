"""Draws a dressed body with a face on any skeleton, part by part."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from vidlab.pantomime.body import SIDES, Skeleton
from vidlab.pantomime.paint import Colour, Pen, mix, random_colour, tone

__all__ = ["HAIRSTYLES", "PARTS", "Look", "draw_figure", "draw_part", "random_look"]

HAIRSTYLES = ("short", "long", "bun", "bald", "cap")
PARTS = ("far_arm", "far_leg", "near_leg", "torso", "head", "near_arm")
_SKINS = ((250, 218, 190), (236, 188, 150), (214, 160, 118), (176, 118, 80), (128, 82, 56))
_HAIRS = (
    (40, 28, 24),
    (92, 58, 34),
    (150, 100, 50),
    (214, 176, 100),
    (160, 160, 165),
    (150, 60, 30),
)
_CLOTHES = (
    (206, 58, 56), (232, 136, 44), (238, 200, 70), (76, 160, 88), (48, 128, 160), (60, 88, 180),
    (128, 84, 168), (220, 110, 150), (236, 236, 230), (70, 74, 84), (120, 190, 190), (150, 44, 70),
)  # fmt: skip
_TROUSERS = (
    (44, 56, 96), (70, 70, 78), (96, 78, 60), (38, 40, 48), (110, 120, 90), (150, 130, 104),
    (80, 104, 150), (112, 52, 58), (190, 182, 168), (54, 92, 84),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """Skin, hair and clothes; colours are RGB 0..255."""

    skin: Colour
    hair: Colour
    hairstyle: str
    shirt: Colour
    trousers: Colour
    shoes: Colour
    long_sleeves: bool
    shorts: bool
    striped: bool


def random_look(rng: np.random.Generator) -> Look:
    """Draw skin, hair and clothes."""
    one = partial(random_colour, rng, spread=9)
    return Look(
        skin=one(_SKINS),
        hair=one(_HAIRS),
        hairstyle=str(rng.choice(HAIRSTYLES, p=(0.4, 0.22, 0.15, 0.08, 0.15))),
        shirt=one(_CLOTHES),
        trousers=one(_TROUSERS),
        shoes=one(((40, 40, 44), (230, 230, 230), (120, 70, 40), (190, 60, 60))),
        long_sleeves=bool(rng.random() < 0.5),
        shorts=bool(rng.random() < 0.3),
        striped=bool(rng.random() < 0.3),
    )


def draw_figure(pen: Pen, figure: Skeleton, look: Look) -> None:
    """Draw the whole body, far limbs first."""
    for part in PARTS:
        draw_part(pen, figure, look, part=part)


def draw_part(pen: Pen, figure: Skeleton, look: Look, *, part: str) -> None:
    """Draw one of `PARTS`; the pen's unit is a body height, its y axis points up."""
    if part == "torso":
        _torso(pen, figure, look)
    elif part == "head":
        _head(pen, figure, look)
    else:
        side, limb = part.split("_")
        shade = 0.80 if side == "far" and figure.turn < 0.5 else 1.0
        {"arm": _arm, "leg": _leg}[limb](pen, figure, look, side=side, shade=shade)


def _arm(pen: Pen, figure: Skeleton, look: Look, *, side: str, shade: float) -> None:
    shoulder, elbow, hand = (figure[f"{side}_{name}"] for name in ("shoulder", "elbow", "hand"))
    radii = np.array((0.043, 0.034, 0.023)) * (0.5 + 0.5 * figure.build.breadth)
    skin, shirt = tone(look.skin, shade), tone(look.shirt, shade)
    wrist = elbow + (hand - elbow) * 0.88
    pen.limb((shoulder, elbow, wrist), radii, (shirt, shirt if look.long_sleeves else skin))
    ahead = (hand - elbow) / max(np.hypot(*(hand - elbow)), 1e-9)
    pen.limb((wrist, hand + ahead * 0.022), (0.021, 0.023), (skin,))


def _leg(pen: Pen, figure: Skeleton, look: Look, *, side: str, shade: float) -> None:
    hip, knee, ankle, toe = (figure[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "toe"))
    radii = np.array((0.062, 0.045, 0.030)) * (0.5 + 0.5 * figure.build.breadth)
    trousers, shoes = tone(look.trousers, shade), tone(look.shoes, shade)
    lower = tone(look.skin, shade) if look.shorts else trousers
    pen.limb((hip, knee, ankle), radii, (trousers, lower))
    down = (ankle - knee) / max(np.hypot(*(ankle - knee)), 1e-9)
    pen.limb((ankle + down * 0.004, toe), (0.031, 0.023), (shoes,))


def _torso(pen: Pen, figure: Skeleton, look: Look) -> None:
    breadth = figure.build.breadth
    shoulders = [figure[f"{side}_shoulder"] for side in SIDES]
    hips = [figure[f"{side}_hip"] for side in SIDES]
    pelvis, chest = figure["pelvis"], figure["chest"]
    spine = chest - pelvis
    waist = [hip + spine * 0.10 for hip in hips]
    neck = [chest - spine * 0.05, chest + (figure["head"] - chest) * 0.5]
    pen.limb(neck, (0.036, 0.032), (tone(look.skin, 0.86),))
    pen.hull(hips, (0.060 * breadth, 0.060 * breadth), look.trousers)
    side_chest = 0.062 if figure.turn < 0.5 else 0.048
    rounds = (side_chest * breadth,) * 2 + (0.056 * breadth,) * 2
    pen.hull([*shoulders, *waist], rounds, look.shirt)
    if look.striped:
        stripe = mix(look.shirt, (255, 255, 255), 0.55)
        for share in (0.34, 0.62):
            ends = [w + (s - w) * share for w, s in zip(waist, shoulders, strict=True)]
            pen.limb(ends, (0.020, 0.020), (stripe,))


def _head(pen: Pen, figure: Skeleton, look: Look) -> None:
    """Draw the head in its own units: 1 is half its width, +x where a profile looks, y up."""
    face = pen.at(figure["head"], angle=-figure.tilt, size=figure.build.head)
    profile = 1.0 - figure.turn
    ahead = 0.42 * profile  # how far the face has turned from the middle of the head
    skin, hair = look.skin, look.hair
    if look.hairstyle == "long":
        face.hull([(-0.22 - ahead, 0.2), (-0.30 - ahead, -0.95)], (1.0, 0.72), hair)
        if figure.turn >= 0.5:
            face.hull([(0.25, 0.2), (0.35, -0.95)], (0.95, 0.6), hair)
    if look.hairstyle == "bun":
        face.ball((-0.75 * profile - 0.05, 1.15 - 0.3 * profile), (0.46, 0.46), hair)
    face.hull([(0.0, 0.14), (0.26 * profile, -0.46)], (0.97, 0.69), skin)
    if profile > 0.35:
        face.polygon([(0.78, 0.22), (1.20, -0.16), (0.80, -0.26)], skin)
    else:
        face.polygon(
            [(ahead, 0.12), (ahead + 0.16 + ahead, -0.22), (ahead - 0.1, -0.2)], tone(skin, 0.78)
        )
        if look.hairstyle != "long":
            face.ellipse((-0.95 + 0.2 * ahead, -0.05), (0.16, 0.26), tone(skin, 0.85))
            if ahead < 0.1:
                face.ellipse((0.95, -0.05), (0.16, 0.26), tone(skin, 0.85))
    _hair(face, look, profile=profile)
    if profile > 0.35:
        if look.hairstyle != "long":
            face.ellipse((-0.12, -0.08), (0.17, 0.27), tone(skin, 0.80))
        _eye(face, (0.60, 0.16), look, width=0.16)
        face.stroke([(0.55, -0.62), (0.84, -0.55)], 0.10, (140, 50, 50))
    else:
        _eye(face, (ahead - 0.38, 0.14), look, width=0.19)
        _eye(face, (ahead + 0.38, 0.14), look, width=0.19 - 0.1 * ahead)
        lips = np.array([(-0.24, -0.48), (-0.1, -0.54), (0.1, -0.54), (0.24, -0.48)])
        face.stroke(lips + np.array((ahead, 0)), 0.12, (150, 56, 56))


def _eye(face: Pen, centre: tuple[float, float], look: Look, *, width: float) -> None:
    x, y = centre
    face.ellipse((x, y), (width, 0.13), (245, 245, 242))
    face.ellipse((x + 0.03, y), (0.10, 0.13), (36, 28, 26))
    if look.hairstyle != "cap":
        brow = tone(look.hair, 0.8) if look.hairstyle != "bald" else tone(look.skin, 0.6)
        arch = np.array([(x - 0.2, y + 0.23), (x, y + 0.29), (x + 0.2, y + 0.25)])
        face.stroke(arch, 0.065, brow)


def _hair(face: Pen, look: Look, *, profile: float) -> None:
    if look.hairstyle == "bald":
        return
    front, back = np.radians(28 + 14 * profile), np.radians(158 + 72 * profile)
    angles = np.linspace(front, back, 15)
    outer = np.stack([np.cos(angles) * 1.06, np.sin(angles) * 1.22], axis=1)
    if look.hairstyle == "cap":
        colour = mix(look.shoes, (200, 40, 60), 0.4)
        angles = np.linspace(np.radians(18), np.radians(172), 15)
        crown = np.stack([np.cos(angles) * 1.08, np.sin(angles) * 1.24], axis=1)
        face.polygon(crown, colour)
        peak = [(-0.6 + 0.5 * profile, 0.38), (0.6 + 0.9 * profile, 0.36)]
        face.limb(peak, (0.13, 0.08), (tone(colour, 0.8),))
        return
    inner = [(0.22 * profile - 0.55, 0.30 - 0.72 * profile), (0.30 * profile - 0.50, 0.34)]
    inner += [(-0.05 + 0.3 * profile, 0.52), (0.60, 0.58)]
    face.polygon(np.concatenate([outer, inner]), look.hair)
    shine = np.stack([np.cos(angles[3:9]) * 0.82, np.sin(angles[3:9]) * 0.98], axis=1)
    face.stroke(shine, 0.14, tone(look.hair, 1.22))
