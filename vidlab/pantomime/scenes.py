"""Furnished rooms and outdoor places with depth, light and a palette, drawn behind the action.

Every action draws its scenes from the same distribution.
"""

from dataclasses import dataclass

import numpy as np

from vidlab.pantomime.camera import CANVAS, FRAME, MARGIN
from vidlab.pantomime.furniture import HANGING, OUTDOORS, STANDING, draw_item
from vidlab.pantomime.paint import Colour, Pen, mix, tone

__all__ = ["Item", "Scene", "draw_scene", "random_scene"]

WALLPAPERS = ("plain", "stripes", "dots", "panels", "bricks", "tiles")
FLOORS = ("planks", "tiles", "carpet")
GROUNDS = ("grass", "sand", "paving")


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
        _wallpaper(pen, scene, edge)
        _floor(pen, scene, edge)
        skirting = mix(scene.wall, (245, 242, 235), 0.6)
        pen.rectangle((0, edge - 9), (width, edge), skirting)
        pen.rectangle((0, edge - 1.5), (width, edge + 1), tone(skirting, 0.5))
    else:
        _landscape(pen, rng, scene, edge)
        _ground(pen, rng, scene, edge)
    for item in scene.items:
        matrix = np.array([[item.size, 0, item.x], [0, -item.size, item.y]])
        draw_item(Pen(image, matrix=matrix, light=scene.light), item.name, item.colour, rng)
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
            name = str(rng.choice(list(STANDING)))
            add(name, x, floor + rng.uniform(2, 9), rng.uniform(170, 240))
    else:
        for x in rng.permutation(slots)[: int(rng.integers(2, 6))] + rng.uniform(-20, 20):
            name = str(rng.choice(list(OUTDOORS)))
            add(name, x, floor + rng.uniform(0, 8), rng.uniform(120, 230))
    return tuple(items)


def _daylight(pen: Pen, scene: Scene, edge: int) -> None:
    """Let light fall from the side: a bright cone on the wall's foot and the floor."""
    side = np.sign(scene.light[0])
    width, height = CANVAS
    window = next((item for item in scene.items if item.name == "window"), None)
    if window is not None:
        x, reach = window.x, window.size * 0.2
        drift = -side * 46
        top, low = x + drift * 0.3, x + drift
        cone = [(top - reach, edge + 3), (top + reach, edge + 3)]
        cone += [(low + reach * 1.5, height - 20), (low - reach * 1.5, height - 20)]
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


def _fade(area: np.ndarray, top: Colour, bottom: Colour) -> None:
    share = np.linspace(0, 1, len(area))[:, None, None]
    area[:] = np.asarray(top) * (1 - share) + np.asarray(bottom) * share


def _wallpaper(pen: Pen, scene: Scene, edge: int) -> None:
    """Draw one of `WALLPAPERS` on the wall above `edge`."""
    pattern, colour, width = scene.wall_pattern, scene.wall, CANVAS[0]
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


def _floor(pen: Pen, scene: Scene, edge: int) -> None:
    """Draw one of `FLOORS` below `edge`, its lines meeting above the vanishing point."""
    (width, height), colour, vanishing = CANVAS, scene.ground, scene.vanishing
    line = tone(colour, 0.66)
    if scene.ground_pattern == "carpet":
        middle = (vanishing, (edge + height) / 2 + 6)
        rug = tone(mix(scene.wall, colour, 0.3), 0.8)
        pen.ellipse(middle, (150, (height - edge) * 0.40), tone(rug, 0.75))
        pen.ellipse(middle, (140, (height - edge) * 0.35), rug)
        pen.ellipse(middle, (96, (height - edge) * 0.22), tone(rug, 1.15))
        return
    tiled = scene.ground_pattern == "tiles"
    for x in np.arange(-width, 2 * width, 26 if tiled else 15):
        top = vanishing + (x - vanishing) * 0.62
        near = vanishing + (x - vanishing) * 1.45
        pen.line((top, edge), (near, height), 1.1, line)
    for i, y in enumerate(_depths(edge, 7)[1:-1]):
        if tiled:
            pen.line((0, y), (width, y), 1.1, line)
        else:
            for x in range((i * 37) % 80, width, 110):
                pen.line((x, y), (x + 14, y), 1.1, line)


def _landscape(pen: Pen, rng: np.random.Generator, scene: Scene, edge: int) -> None:
    """Draw clouds, two ranges of hills and, half the time, a fence."""
    width = CANVAS[0]
    for _ in range(int(rng.integers(1, 4))):
        x, y, size = rng.uniform(0, width), rng.uniform(20, edge * 0.5), rng.uniform(0.7, 1.4)
        for dx, dy, r in ((-30, 4, 22), (0, -4, 30), (32, 4, 24)):
            radii = (r * size * 1.5, r * size * 0.8)
            pen.soft((x + dx * size, y + dy), radii, (255, 255, 255), strength=0.7)
    far = mix(scene.wall, (70, 110, 96), 0.45)
    x = np.linspace(0, width, 40)
    for layer in range(2):
        phase, height = rng.uniform(0, 6, 3), rng.uniform(18, 46) * (1 - 0.4 * layer)
        ridge = sum(np.sin(x / scale + p) for scale, p in zip((60, 33, 110), phase, strict=True))
        top = edge - height * (1 + 0.28 * ridge)
        outline = np.concatenate([np.stack([x, top], axis=1), [(width, edge + 1), (0, edge + 1)]])
        pen.polygon(outline, far)
        far = mix(far, scene.ground, 0.55)
    if rng.random() < 0.5:
        pale = [(0, 2), (7, 2), (7, -30), (3.5, -35), (0, -30)]
        wood = tone((198, 176, 148), rng.uniform(0.6, 1.2))
        for y in (edge - 26, edge - 12):
            pen.line((0, y), (width, y), 4, tone(wood, 0.8))
        for post in range(int(rng.integers(0, 14)), width, 17):
            pen.polygon(np.add(pale, (post, edge)), wood)


def _ground(pen: Pen, rng: np.random.Generator, scene: Scene, edge: int) -> None:
    """Draw one of `GROUNDS` below `edge`."""
    (width, height), colour, vanishing = CANVAS, scene.ground, scene.vanishing
    if scene.ground_pattern == "paving":
        line = tone(colour, 0.72)
        for y in _depths(edge, 6)[1:-1]:
            pen.line((0, y), (width, y), 1.1, line)
        for x in np.arange(-width, 2 * width, 40) - vanishing:
            top, near = vanishing + x * 0.55, vanishing + x * 1.6
            pen.line((top, edge), (near, height), 1.1, line)
        return
    for share, x in rng.random((130, 2)):
        y = edge + 2 + (height - edge) * share**1.3
        long = 2 + 5 * share if scene.ground_pattern == "grass" else 1.0
        shade = tone(colour, rng.choice((0.75, 1.12)))
        pen.line((x * width, y), (x * width + rng.uniform(-2, 2), y - long), 1.3, shade)


def _depths(edge: int, count: int) -> np.ndarray:
    """Return heights of floor lines that come closer together towards the wall."""
    depth = 1 / np.linspace(1.0, 0.42, count)
    return edge + (CANVAS[1] - edge) * (depth - 1) / (depth[-1] - 1)
