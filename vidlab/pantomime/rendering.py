"""From (class, group, clip) to frames, boxes and outlines.

A group draws its scene, palette, body and camera from one distribution shared by all classes; its
clips differ a little. A reversed pair shares its parameters, and its second class is the first
one's frames from last to first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd

from vidlab.errors import DatasetError
from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS
from vidlab.pantomime.camera import FRAME, MARGIN, Camera, Film
from vidlab.pantomime.figure import PARTS, draw_part
from vidlab.pantomime.motion import Action, Moment
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.props import draw_prop
from vidlab.pantomime.scene_sampling import (
    ClipParams,
    move_to_room,
    sample_group,
    sample_room,
    vary_clip,
)
from vidlab.pantomime.scenes import draw_scene

__all__ = [
    "FPS",
    "FRAME_COUNTS",
    "Rendered",
    "camera",
    "clip_length",
    "drawn_class",
    "indoors",
    "outlines",
    "render",
]

FPS = 25.0
FRAME_COUNTS = {"smoke": (21, 27), "quick": (25, 49), "full": (25, 99)}
_FIRST = {second: first for first, second in REVERSED_PAIRS}
_ROOM = 2**16  # takes a group's place in the seed of a biased class's room


@dataclass(frozen=True)
class Rendered:
    """A clip before encoding.

    Attributes
    ----------
    frames : uint8, (time, 240, 320, 3)
        RGB.
    boxes : pandas.DataFrame
        frame (int32), part ("person", "object", "limb"), x0, y0, x1, y1 (float32, pixels).
    """

    frames: np.ndarray
    boxes: pd.DataFrame

    def reversed(self) -> Rendered:
        """Return the same whole clip from its last frame to its first."""
        numbers = (len(self.frames) - 1 - self.boxes["frame"]).astype("int32")
        boxes = self.boxes.assign(frame=numbers).sort_values("frame", kind="stable")
        return Rendered(self.frames[::-1], boxes.reset_index(drop=True))


def drawn_class(class_name: str) -> str:
    """Return the class whose frames are drawn: a reversed pair's first, else the class itself.

    Examples
    --------
    >>> drawn_class("CloseDoor"), drawn_class("JumpingJack")
    ('OpenDoor', 'JumpingJack')
    """
    if class_name not in CLASSES:
        raise DatasetError(
            f"Expected a Pantomime class. Received: {class_name!r}. "
            f"Use one of {', '.join(CLASSES)}."
        )
    return _FIRST.get(class_name, class_name)


def clip_length(
    class_name: str, group: int, clip: int, *, seed: int = 0, size: str = "quick"
) -> int:
    """Return how many frames a clip has; the same distribution for every class."""
    return _sample(class_name, group, clip, seed=seed, size=size, bias=None).count


def camera(class_name: str, group: int, clip: int, **edition) -> Camera:
    """Return how the camera of a clip was held; parameters are those of `render`."""
    shot = _sample(class_name, group, clip, **edition)
    held = shot.params.camera
    pan = tuple(-way for way in held.pan)
    return replace(held, pan=pan, zoom=1 / held.zoom) if shot.is_reversed else held


def indoors(class_name: str, group: int, clip: int, **edition) -> bool:
    """Return whether a clip is filmed in a room; parameters are those of `render`."""
    return _sample(class_name, group, clip, **edition).params.scene.indoors


def render(
    class_name: str,
    group: int,
    clip: int,
    *,
    seed: int = 0,
    size: str = "quick",
    bias: str | None = None,
    indices: Sequence[int] | None = None,
) -> Rendered:
    """Render one clip, or some of its frames.

    Parameters
    ----------
    class_name
        One of `CLASSES`.
    group, clip
        1-based numbers, as in ``v_<class>_g01_c01``.
    seed
        The dataset's seed.
    size
        "smoke", "quick" or "full"; decides how long clips are.
    bias
        A class whose groups, those of its reversed twin included, are all filmed in one room; see
        `vidlab.pantomime.make`.
    indices
        The frames wanted, from 0 to `clip_length` − 1; all unless given. A frame is the same
        whichever others are drawn.

    Raises
    ------
    DatasetError
        An unknown class or size, or a frame the clip does not have.
    """
    shot = _sample(class_name, group, clip, seed=seed, size=size, bias=bias)
    numbers = shot.drawn_numbers(indices)
    canvas, moments = draw_scene(shot.params.scene), shot.moments(numbers)
    film = Film(shot.rng, shot.params.film, frames=shot.count)
    frames, rows = np.empty((len(numbers), FRAME[1], FRAME[0], 3), np.uint8), []
    for frame, i, (camera, matrix, moment) in zip(frames, numbers, moments, strict=True):
        picture = cv2.warpAffine(
            canvas, camera, FRAME, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        pen = Pen(picture, matrix=matrix, light=shot.params.scene.light)
        shot.draw(pen, moment, outdoors=not shot.params.scene.indoors)
        number = shot.count - 1 - i if shot.is_reversed else i
        rows += [(number, *row) for row in _visible(pen.boxes())]
        frame[:] = film.develop(picture, number=i)
    columns = ["frame", "part", "x0", "y0", "x1", "y1"]
    kinds = {"frame": "int32", **dict.fromkeys(columns[2:], "float32")}
    return Rendered(frames, pd.DataFrame(rows, columns=columns).astype(kinds))


def outlines(
    class_name: str,
    group: int,
    clip: int,
    *,
    seed: int = 0,
    size: str = "quick",
    bias: str | None = None,
    indices: Sequence[int] | None = None,
) -> np.ndarray:
    """Outline the act in the frames that `render` gives for the same arguments.

    The person and all props belong to the act, but for the piece of wall around a door that stands
    outdoors; it belongs to the scene, and so do shadows. Parameters are those of `render`.

    Returns
    -------
    numpy.ndarray
        float32, (time, 240, 320): the share of each pixel that the act covers, 0–1.

    Raises
    ------
    DatasetError
        As `render`.
    """
    shot = _sample(class_name, group, clip, seed=seed, size=size, bias=bias)
    numbers = shot.drawn_numbers(indices)
    stencils = np.zeros((len(numbers), FRAME[1], FRAME[0]), np.uint8)
    for stencil, (_, matrix, moment) in zip(stencils, shot.moments(numbers), strict=True):
        shot.draw(Pen(stencil, matrix=matrix, light=shot.params.scene.light), moment)
    return stencils.astype(np.float32) / 255


@dataclass(frozen=True)
class _Shot:
    """A clip to be drawn: its parameters, and the generator for what is left to draw."""

    name: str
    action: Action
    params: ClipParams
    count: int
    is_reversed: bool
    rng: np.random.Generator

    def drawn_numbers(self, indices: Sequence[int] | None) -> list[int]:
        """Return which of the drawn frames are wanted; a second twin counts from the end."""
        wanted = list(range(self.count)) if indices is None else [int(i) for i in indices]
        if any(not 0 <= i < self.count for i in wanted):
            raise DatasetError(
                f"Expected frames 0 to {self.count - 1} of {self.name}. Received: {wanted}. See "
                "clip_length for the number of frames."
            )
        return [self.count - 1 - i for i in wanted] if self.is_reversed else wanted

    def moments(self, numbers: list[int]) -> list[tuple[np.ndarray, np.ndarray, Moment]]:
        """Return for each frame the maps from canvas and body heights to pixels, and the moment.

        Takes the camera's trembling from the generator.
        """
        params, seconds = self.params, (self.count - 1) / FPS
        placed = _place(self, seconds=seconds)
        progress, maps = np.linspace(0, 1, self.count), params.camera.path(self.count, rng=self.rng)
        return [
            (maps[i], _joined(maps[i], placed), self.moment(float(progress[i]), i / FPS))
            for i in numbers
        ]

    def moment(self, progress: float, seconds: float) -> Moment:
        """Return one instant of the action."""
        build, style = self.params.build, self.params.motion_style
        return self.action.moment(build, style, progress=progress, seconds=seconds)

    def draw(self, pen: Pen, moment: Moment, *, outdoors: bool = False) -> None:
        """Draw shadows, props and body, marking the person, the object and the limbs."""
        for x, y in moment.contacts:
            pen.soft((x, 0.0), (0.13, 0.035), (0, 0, 0), strength=0.62 * max(0.25, 1 - 5 * y))
        placements = {placement.kind: placement for placement in moment.props}
        for step in moment.order:
            if step in PARTS:
                limb = [f"limb {step}"] if step in self.action.limbs else []
                with pen.marking("person", *limb):
                    draw_part(pen, moment.figure, self.params.look, part=step)
            elif step != "wall" or outdoors:
                with pen.marking(*(["object"] if step in self.action.evidence else [])):
                    draw_prop(pen, placements[step], self.params.style)


def _sample(
    class_name: str,
    group: int,
    clip: int,
    *,
    seed: int = 0,
    size: str = "quick",
    bias: str | None = None,
) -> _Shot:
    drawn = drawn_class(class_name)
    if size not in FRAME_COUNTS:
        raise DatasetError(
            f"Expected a size. Received: {size!r}. Use one of {', '.join(FRAME_COUNTS)}."
        )
    action = ACTIONS[drawn]
    key = (seed, action.number, group)
    params = sample_group(np.random.default_rng(key))
    if bias is not None and drawn_class(bias) == drawn:
        params = move_to_room(params, sample_room(np.random.default_rng((*key[:2], _ROOM))))
    rng = np.random.default_rng((*key, clip))
    low, high = FRAME_COUNTS[size]
    # Odd, so that a middle frame exists and every `Uniform` sampler is exactly symmetric.
    count = 2 * int(rng.integers(low // 2, high // 2 + 1)) + 1
    params = vary_clip(params, rng, seconds=count / FPS)
    name = f"{class_name}, group {group}, clip {clip}"
    is_reversed = drawn != class_name
    return _Shot(name, action, params, count, is_reversed, rng)


def _place(shot: _Shot, *, seconds: float) -> np.ndarray:
    """Return the map from body heights to canvas pixels that keeps the whole act in the picture."""
    action, params, bare = shot.action, shot.params, Pen(None)
    with bare.marking("all"):
        for share in np.linspace(0, 1, 7).tolist():
            shot.draw(bare, shot.moment(share, share * seconds))
    x0, y0, x1, y1 = bare.boxes()["all"]
    width, height = FRAME
    cut = action.cut and action.cut + 0.16 * (params.down - 0.6)
    y0 = cut if cut else min(y0, 0.0)
    low, high = (0.70, 0.92) if cut else (0.64, 0.87)
    scale = (low + (high - low) * params.share) * height / (y1 - y0)
    scale = min(scale, 0.86 * width / (x1 - x0))
    floor = params.scene.floor
    if action.at_wall:
        scale = min(scale, (floor - 8) / (y1 - 0.11))
        bottom = floor + 0.11 * scale
    elif cut:
        bottom = height + 6 + cut * scale
    else:
        lowest = min(max(floor + 12, 0.84 * height), 0.95 * height)
        bottom = max(lowest + (0.965 * height - lowest) * params.down, y1 * scale + 14)
    side = -1.0 if params.mirrored else 1.0
    left, right = (-x1, -x0) if params.mirrored else (x0, x1)
    free = width - (right - left) * scale
    margin = min(14.0, free / 2)
    x = margin - left * scale + (free - 2 * margin) * params.across
    return np.array([[side * scale, 0, x + MARGIN[0]], [0, -scale, bottom + MARGIN[1]]])


def _joined(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the map that applies `inner` first and `outer` to its result."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def _visible(boxes: dict[str, tuple]) -> list[tuple]:
    """Return (part, x0, y0, x1, y1) rows clipped to the frame, without what is outside."""
    rows = []
    for name, (x0, y0, x1, y1) in boxes.items():
        x0, x1 = np.clip((x0, x1), 0, FRAME[0])
        y0, y1 = np.clip((y0, y1), 0, FRAME[1])
        if x1 - x0 > 1 and y1 - y0 > 1:
            rows.append((name.split(" ")[0], float(x0), float(y0), float(x1), float(y1)))
    return rows
