"""Drawn still pictures, and what is true of each.

The stills of a scene are drawn together, for drawing the background takes longest.
"""

from __future__ import annotations

import os
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from vidlab.pantomime.body import SIDES, Skeleton, random_build, random_pose, skeleton
from vidlab.pantomime.camera import FRAME, Film, random_camera
from vidlab.pantomime.figure import draw_figure, random_look
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.parallel import process_map
from vidlab.pantomime.props import Placement, draw_prop, random_prop_style
from vidlab.pantomime.rendering import sample_group
from vidlab.pantomime.scenes import draw_scene
from vidlab.progress import progress

__all__ = [
    "ATTRIBUTES",
    "KEYPOINTS",
    "THINGS",
    "Stills",
    "keypoint_maps",
    "resized",
    "scene_stills",
    "stills",
]

_BACKGROUNDS = (
    "plain", "stripes", "dots", "panels", "bricks", "tiles", "sky",
    "planks", "carpet", "grass", "sand", "paving",
)  # fmt: skip
_SECTORS = 8  # of 45 degrees each
_SMALL = ("flute", "toothbrush", "foam", "cup", "bow")
_STILLS_PER_SCENE = 4
_IN_FRONT = 0.35  # how often the body is drawn over the thing rather than behind it
_LIMBS = ("hand", "elbow", "knee", "ankle")
_JOINTS = ("head", "chest", "pelvis", *(f"{s}_{joint}" for joint in _LIMBS for s in SIDES))
_NOWHERE = (-1.0, -1.0)

THINGS: tuple[str, ...] = (
    "nothing", "door", "box", "chair", "stool", "cello", "bow", "flute", "toothbrush", "foam",
    "cup",
)  # fmt: skip
"""What a still may show beside the body: exactly one of these."""

ATTRIBUTES: tuple[str, ...] = (
    *(f"trunk towards {45 * i}°" for i in range(_SECTORS)),
    *(f"a hand towards {45 * i}°" for i in range(_SECTORS)),
    *(f"a foot towards {45 * i}°" for i in range(_SECTORS)),
    "elbow bent",
    "knee bent",
    "seen from the front",
    "faces right",
    "door ajar",
    *(f"place: {name}" for name in _BACKGROUNDS),
)
"""Binary attributes of a still."""

KEYPOINTS: tuple[str, ...] = ("head", "chest", "pelvis", *_LIMBS, *THINGS[1:])
"""Keypoints located in a still; the last ones are things, at their middle."""


class Stills(NamedTuple):
    """Drawn pictures and what is true of them.

    Attributes
    ----------
    pictures : uint8, (count, height, width, 3)
        RGB.
    things : int64, (count,)
        Position in `THINGS`.
    attributes : float32, (count, attributes)
        1 where `ATTRIBUTES` holds, else 0.
    points : float32, (count, joints + 1, 2)
        Where the joints and the middle of the thing are: x and y as shares of width and height,
        0–1 inside the picture; −1 for a thing that is not there.
    """

    pictures: np.ndarray
    things: np.ndarray
    attributes: np.ndarray
    points: np.ndarray


def scene_stills(seed: int) -> Stills:
    """Draw the few stills, 240×320, that share a scene; `seed` decides all that is random."""
    rng = np.random.default_rng((20, seed))
    params = sample_group(rng)
    scene, canvas = params.scene, draw_scene(params.scene)
    film = Film(rng, params.film, frames=_STILLS_PER_SCENE)
    places = {f"place: {scene.wall_pattern}", f"place: {scene.ground_pattern}"}
    parts = []
    for number in range(_STILLS_PER_SCENE):
        matrix = random_camera(rng).path(2, rng=rng)[0]
        picture = cv2.warpAffine(canvas, matrix, FRAME, borderMode=cv2.BORDER_REPLICATE)
        thing, found, points = _draw_content(picture, rng, light=scene.light)
        attributes = [name in found | places for name in ATTRIBUTES]
        parts.append(
            (film.develop(picture, number=number), THINGS.index(thing), attributes, points / FRAME)
        )
    pictures, things, attributes, points = zip(*parts, strict=True)
    return Stills(
        np.stack(pictures),
        np.array(things),
        np.asarray(attributes, np.float32),
        np.asarray(points, np.float32),
    )


def keypoint_maps(drawn: Stills, *, rows: int, columns: int) -> np.ndarray:
    """Keypoint maps: a coarse grid, as large as the feature map, marked where something is.

    Returns
    -------
    numpy.ndarray
        float32, (count, rows, columns, `KEYPOINTS`), 1 where the joint or thing is, else 0.
    """
    grid = np.zeros((len(drawn.things), rows, columns, len(KEYPOINTS)), np.float32)
    names = [name.removeprefix("near_").removeprefix("far_") for name in _JOINTS]
    for column, name in enumerate((*names, "thing")):
        points = drawn.points[:, column]
        inside = np.flatnonzero(((points >= 0) & (points < 1)).all(axis=1))
        x, y = (points[inside] * np.float32([columns, rows])).astype(int).T
        thing = len(KEYPOINTS) - len(THINGS) + drawn.things[inside]
        grid[inside, y, x, thing if name == "thing" else KEYPOINTS.index(name)] = 1
    return grid


def stills(
    count: int, *, seed: int = 0, size: tuple[int, int] = (112, 112), jobs: int | None = None
) -> Stills:
    """Draw `count` stills, rounded up to whole scenes, in `jobs` processes (one a core by default).

    Stills of different seeds share no scene.
    """
    scenes = -(-count // _STILLS_PER_SCENE)
    seeds = range(seed * 10_000_000, seed * 10_000_000 + scenes)
    drawn = process_map(partial(_small_stills, size=size), seeds, jobs=jobs or os.cpu_count() or 1)
    parts = list(progress(drawn, desc="stills", total=scenes, unit="scene"))
    return Stills(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _draw_content(
    picture: np.ndarray, rng: np.random.Generator, *, light
) -> tuple[str, set[str], np.ndarray]:
    """Draw a body and at most one thing; return the thing, the attributes that hold, the points."""
    figure = skeleton(random_build(rng), random_pose(rng))
    thing = _random_thing(rng, figure)
    height, width = picture.shape[:2]
    scale = height * rng.uniform(0.65, 0.95)
    x, bottom = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.88, 0.98)
    if rng.random() < 0.3 or (thing is not None and thing.kind in _SMALL):
        scale, bottom = 1.8 * scale, bottom + 0.8 * scale  # the upper body fills the picture
    side = float(rng.choice((-1, 1)))
    pen = Pen(picture, matrix=np.array([[side * scale, 0, x], [0, -scale, bottom]]), light=light)
    style, look = random_prop_style(rng), random_look(rng)
    in_front = rng.random() < _IN_FRONT
    if not in_front:
        draw_figure(pen, figure, look)
    with pen.marking("thing"):
        if thing is not None:
            draw_prop(pen, thing, style)
    if in_front:
        draw_figure(pen, figure, look)
    found = _pose_attributes(figure, side)
    points = [pen.matrix[:, :2] @ figure[name] + pen.matrix[:, 2] for name in _JOINTS]
    box = pen.boxes().get("thing")
    if thing is None or _share_inside(box) < 0.4:
        return "nothing", found, np.array([*points, np.multiply(_NOWHERE, FRAME)])
    if thing.kind == "door" and thing.opening > 25:
        found.add("door ajar")
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return thing.kind, found, np.array([*points, middle])


def _random_thing(rng: np.random.Generator, figure: Skeleton) -> Placement | None:
    """Put a thing near the body, a small one mostly at a hand or the mouth; or nothing."""
    kind = str(rng.choice(THINGS))
    if kind == "nothing":
        return None
    stands = kind in ("door", "chair", "stool")
    position = np.array([rng.uniform(-0.5, 0.5), 0.0 if stands else rng.uniform(0.1, 0.8)])
    if kind in (*_SMALL, "box") and rng.random() < 0.75:
        near = figure["near_hand"] if rng.random() < 0.6 else figure.mouth
        position = near + rng.normal(0, 0.03, 2)
    return Placement(
        kind,
        tuple(position.tolist()),
        angle=0.0 if stands else float(rng.uniform(-60, 60)),
        size=float(rng.uniform(0.9, 1.25)),
        opening=float(rng.uniform(0, 100)) if kind == "door" else 0.0,
    )


def _share_inside(box: tuple[float, float, float, float]) -> float:
    """Return how much of a box, (x0, y0, x1, y1) in pixels, is in the picture, 0–1."""
    x0, y0, x1, y1 = box
    across, down = np.clip((x1, y1), 0, FRAME) - np.clip((x0, y0), 0, FRAME)
    return across * down / max((x1 - x0) * (y1 - y0), 1e-9)


def _pose_attributes(figure: Skeleton, side: float) -> set[str]:
    """Name how the body is held; `side` is -1 where it is drawn mirrored."""

    def sector(start: str, end: str) -> int:
        across, up = (figure[end] - figure[start]) * (side, 1)
        return 45 * (round(np.degrees(np.arctan2(up, across)) / 45) % _SECTORS)

    def bend(start: str, joint: str, end: str) -> float:
        first, second = figure[joint] - figure[start], figure[end] - figure[joint]
        cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    found = {f"trunk towards {sector('pelvis', 'chest')}°"}
    for near in SIDES:
        found.add(f"a hand towards {sector(f'{near}_shoulder', f'{near}_hand')}°")
        found.add(f"a foot towards {sector(f'{near}_hip', f'{near}_ankle')}°")
        if bend(f"{near}_shoulder", f"{near}_elbow", f"{near}_hand") > 60:
            found.add("elbow bent")
        if bend(f"{near}_hip", f"{near}_knee", f"{near}_ankle") > 45:
            found.add("knee bent")
    if figure.turn >= 0.5:
        found.add("seen from the front")
    elif side > 0:
        found.add("faces right")
    return found


def _small_stills(seed: int, *, size: tuple[int, int]) -> Stills:
    drawn = scene_stills(seed)
    return drawn._replace(pictures=resized(drawn.pictures, size))


def resized(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the pictures at `size`, height and width in pixels."""
    if pictures.shape[1:3] == tuple(size):
        return pictures
    across = size[::-1]
    return np.stack([cv2.resize(p, across, interpolation=cv2.INTER_AREA) for p in pictures])
