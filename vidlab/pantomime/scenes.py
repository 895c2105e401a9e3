"""Furnished rooms and outdoor places with depth, light and a palette, drawn behind the action.

Every action draws its scenes from the same distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidlab.pantomime.camera import CANVAS, FRAME, MARGIN
from vidlab.pantomime.furniture import HANGING, OUTDOORS, STANDING, draw_item
from vidlab.pantomime.paint import Colour, Pen, mix, tone
from vidlab.pantomime.surfaces import (
    FLOORS,
    GROUNDS,
    WALLPAPERS,
    draw_floor,
    draw_ground,
    draw_landscape,
    draw_wallpaper,
)

__all__ = ["Item", "Scene", "draw_scene", "random_scene"]


@dataclass(frozen=True)
class Item:
    """A piece of furniture: name, middle x and height in pixels of the canvas, size, colour."""

    name: str
    x: float
    y: float
    size: float
    colour: Colour


@dataclass(frozen=True)
class Scene:
    """A place, as data.

    Attributes
    ----------
    indoors
        A room, or a place under the sky.
    floor
        Where wall (or horizon) and floor meet, in pixels of the frame from its top.
    wall, ground : RGB
        The main colours; `wall` is the sky outdoors.
    wall_pattern, ground_pattern
        Wallpaper and flooring, or kind of ground.
    light
        Where the light comes from, (x, y) with y down; negative x is from the left.
    vanishing
        Where the floor's lines meet, x in pixels of the canvas.
    items
        Furniture, from the back to the front.
    texture_seed
        Decides the small accidental details.
    """

    indoors: bool
    floor: float
    wall: Colour
    ground: Colour
    wall_pattern: str
    ground_pattern: str
    light: tuple[float, float]
    vanishing: float
    items: tuple[Item, ...]
    texture_seed: int


def random_scene(rng: np.random.Generator) -> Scene:
    """Draw a room (three of four times) or an outdoor place."""
    indoors = bool(rng.random() < 0.75)
    floor = float(rng.uniform(0.69, 0.83)) * FRAME[1]
    side = float(rng.choice((-1.0, 1.0)))
    if indoors:
        wall, ground = _hue(rng, 0.1, 0.5, 110, 235), _hue(rng, 0.1, 0.45, 56, 214)
        if rng.random() < 0.5:
            ground = mix((150, 106, 68), ground, rng.uniform(0, 0.5))
        patterns = str(rng.choice(WALLPAPERS)), str(rng.choice(FLOORS))
    else:
        wall = mix((120, 176, 232), (250, 190, 150), float(rng.random() ** 2))
        patterns = "sky", str(rng.choice(GROUNDS))
        base = {"grass": (104, 146, 72), "sand": (214, 188, 140), "paving": (150, 148, 146)}
        ground = tuple(np.clip(np.array(base[patterns[1]]) + rng.normal(0, 14, 3), 20, 240))
    return Scene(
        indoors=indoors,
        floor=floor,
        wall=wall,
        ground=tuple(float(c) for c in ground),
        wall_pattern=patterns[0],
        ground_pattern=patterns[1],
        light=(side * float(rng.uniform(0.4, 0.9)), -0.8),
        vanishing=CANVAS[0] / 2 + float(rng.uniform(-90, 90)),
        items=_furnish(rng, indoors=indoors, floor=floor + MARGIN[1]),
        texture_seed=int(rng.integers(2**31)),
    )


def draw_scene(scene: Scene) -> np.ndarray:
    """Draw the scene, uint8 (CANVAS height, CANVAS width, 3), RGB."""
    rng = np.random.default_rng(scene.texture_seed)
    width, height = CANVAS
    edge = round(scene.floor) + MARGIN[1]
    image = np.empty((height, width, 3), np.uint8)
    _fade(image[:edge], tone(scene.wall, 1.08), tone(scene.wall, 0.88))
    _fade(image[edge:], tone(scene.ground, 0.78), tone(scene.ground, 1.06))
    pen = Pen(image, light=scene.light)
    if scene.indoors:
        draw_wallpaper(pen, scene.wall_pattern, colour=scene.wall, edge=edge)
        draw_floor(
            pen,
            scene.ground_pattern,
            colour=scene.ground,
            wall=scene.wall,
            vanishing=scene.vanishing,
            edge=edge,
        )
        skirting = mix(scene.wall, (245, 242, 235), 0.6)
        pen.rectangle((0, edge - 9), (width, edge), skirting)
        pen.rectangle((0, edge - 1.5), (width, edge + 1), tone(skirting, 0.5))
    else:
        draw_landscape(pen, rng, sky=scene.wall, ground=scene.ground, edge=edge)
        draw_ground(
            pen,
            scene.ground_pattern,
            rng=rng,
            colour=scene.ground,
            vanishing=scene.vanishing,
            edge=edge,
        )
    for item in scene.items:
        holder = Pen(
            image,
            matrix=np.array([[item.size, 0, item.x], [0, -item.size, item.y]]),
            light=scene.light,
        )
        draw_item(holder, item.name, colour=item.colour, rng=rng)
    _daylight(pen, scene, edge)
    _patches(pen, rng)
    return image


def _hue(rng: np.random.Generator, low: float, high: float, dark: float, bright: float) -> Colour:
    """Draw a colour of saturation `low`..`high` and brightness `dark`..`bright`."""
    hue, saturation, value = rng.random() * 6, rng.uniform(low, high), rng.uniform(dark, bright)
    wheel = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return tuple(float(c) for c in value * (1 - saturation + saturation * wheel))


def _furnish(rng: np.random.Generator, *, indoors: bool, floor: float) -> tuple[Item, ...]:
    items = []

    def add(name: str, x: float, y: float, size: float) -> None:
        items.append(Item(name, float(x), float(y), float(size), _hue(rng, 0.2, 0.75, 90, 220)))

    slots = np.linspace(30, CANVAS[0] - 30, 5) + rng.uniform(-18, 18, 5)
    if indoors:
        window = int(rng.integers(-1, 5))
        for slot, x in enumerate(slots):
            draw = rng.random()
            if slot == window:
                add("window", x, floor - rng.uniform(92, 108), rng.uniform(200, 250))
            elif draw < 0.55:
                name = str(rng.choice([name for name in HANGING if name != "window"]))
                add(name, x, floor - rng.uniform(85, 135), rng.uniform(200, 290))
        for x in rng.permutation(slots)[: int(rng.integers(1, 4))] + rng.uniform(-15, 15):
            add(
                str(rng.choice(list(STANDING))), x, floor + rng.uniform(2, 9), rng.uniform(170, 240)
            )
    else:
        for x in rng.permutation(slots)[: int(rng.integers(2, 6))] + rng.uniform(-20, 20):
            add(
                str(rng.choice(list(OUTDOORS))), x, floor + rng.uniform(0, 8), rng.uniform(120, 230)
            )
    return tuple(items)


def _fade(area: np.ndarray, top: Colour, bottom: Colour) -> None:
    share = np.linspace(0, 1, len(area))[:, None, None]
    area[:] = np.asarray(top) * (1 - share) + np.asarray(bottom) * share


def _daylight(pen: Pen, scene: Scene, edge: int) -> None:
    """Let light fall from the side: a bright cone on the wall's foot and the floor."""
    side = np.sign(scene.light[0])
    width, height = CANVAS
    window = next((item for item in scene.items if item.name == "window"), None)
    if window is not None:
        x, reach = window.x, window.size * 0.2
        drift = -side * 46
        top, low = x + drift * 0.3, x + drift
        cone = np.array(
            [
                (top - reach, edge + 3),
                (top + reach, edge + 3),
                (low + reach * 1.5, height - 20),
                (low - reach * 1.5, height - 20),
            ]
        )
        pen.wash(cone, (255, 246, 214), strength=0.38, blur=3)
    far = width / 2 - side * width * 0.5
    pen.soft((far, height * 0.5), (width * 0.6, height * 0.9), (20, 20, 40), strength=0.28)
    pen.soft((width - far, 30), (width * 0.55, height * 0.7), (255, 246, 224), strength=0.22)


def _patches(pen: Pen, rng: np.random.Generator) -> None:
    """Let lamps and shadows from outside the picture fall on it, as every real place has them."""
    width, height = CANVAS
    for _ in range(4):
        centre = rng.uniform((0, 0), (width, height))
        radii = rng.uniform(0.2, 0.55, 2) * (width, height)
        colour = _hue(rng, 0.2, 0.8, 20, 255)
        pen.soft(centre, radii, colour, strength=float(rng.uniform(0.1, 0.5)))
