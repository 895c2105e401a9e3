"""From (class, group, clip) to frames and boxes.

Takes actions, scenes, bodies, props and the camera from their modules; gives rendered clips to
`dataset` and to whoever wants to look at one. A group draws its scene, palette, body and camera
from one distribution shared by all classes; the clips of a group differ a little. A reversed pair
shares its draw, and its second class is the first one's frames from last to first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd

from vidlab.errors import DatasetError
from vidlab.pantomime.actions import (
    ACTIONS,
    CLASSES,
    REVERSED_PAIRS,
    Action,
    Manner,
    Moment,
    random_manner,
)
from vidlab.pantomime.body import Build, random_build
from vidlab.pantomime.camera import FRAME, MARGIN, Camera, Film, random_camera
from vidlab.pantomime.figure import PARTS, Look, draw_part, random_look
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.props import PropStyle, draw_prop, random_prop_style
from vidlab.pantomime.scenes import Scene, draw_scene, random_scene

__all__ = [
    "FPS",
    "FRAME_COUNTS",
    "Rendered",
    "contact_sheet",
    "draw_moment",
    "drawn_class",
    "render",
]

FPS = 25.0
FRAME_COUNTS = {"smoke": (20, 28), "quick": (25, 50), "full": (25, 100)}
_FIRST = {second: first for first, second in REVERSED_PAIRS}


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
        """Return the same clip from its last frame to its first."""
        boxes = self.boxes.assign(
            frame=(len(self.frames) - 1 - self.boxes["frame"]).astype("int32")
        )
        order = boxes["frame"].argsort(kind="stable")
        return Rendered(self.frames[::-1], boxes.iloc[order].reset_index(drop=True))


@dataclass(frozen=True)
class _Draw:
    """What a group has drawn, or one of its clips."""

    scene: Scene
    build: Build
    look: Look
    style: PropStyle
    camera: Camera
    manner: Manner
    share: float
    across: float
    down: float
    mirrored: bool
    grain: float
    vignette: float


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


def render(
    class_name: str, group: int, clip: int, *, seed: int = 0, size: str = "quick"
) -> Rendered:
    """Render one clip.

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

    Raises
    ------
    DatasetError
        An unknown class or size.
    """
    drawn = drawn_class(class_name)
    if size not in FRAME_COUNTS:
        raise DatasetError(
            f"Expected a size. Received: {size!r}. Use one of {', '.join(FRAME_COUNTS)}."
        )
    key = (seed, CLASSES.index(drawn), group)
    draw = _draw_group(np.random.default_rng(np.random.SeedSequence(key)))
    rng = np.random.default_rng(np.random.SeedSequence((*key, clip)))
    low, high = FRAME_COUNTS[size]
    frames = int(rng.integers(low, high + 1))
    clip_draw = _vary(draw, rng)
    made = _film(ACTIONS[drawn], clip_draw, frames=frames, rng=rng)
    return made if drawn == class_name else made.reversed()


def _draw_group(rng: np.random.Generator) -> _Draw:
    return _Draw(
        scene=random_scene(rng),
        build=random_build(rng),
        look=random_look(rng),
        style=random_prop_style(rng),
        camera=random_camera(rng),
        manner=random_manner(rng),
        share=float(rng.random()),
        across=float(rng.random()),
        down=float(rng.random()),
        mirrored=bool(rng.random() < 0.5),
        grain=float(rng.uniform(1.0, 3.2)),
        vignette=float(rng.uniform(0.15, 0.45)),
    )


def _vary(draw: _Draw, rng: np.random.Generator) -> _Draw:
    """Return a clip's own variation of its group's draw."""

    def near(value: float, spread: float) -> float:
        return float(np.clip(value + rng.uniform(-spread, spread), 0, 1))

    manner = draw.manner
    return replace(
        draw,
        scene=draw.scene.lit(draw.scene.exposure * float(rng.uniform(0.96, 1.04))),
        camera=random_camera(rng),
        manner=Manner(
            tempo=near(manner.tempo, 0.25),
            start=float(rng.random()),
            vigour=near(manner.vigour, 0.2),
            turn=near(manner.turn, 0.12),
            habit=near(manner.habit, 0.15),
        ),
        share=near(draw.share, 0.08),
        across=near(draw.across, 0.08),
        down=near(draw.down, 0.08),
    )


def _film(action: Action, draw: _Draw, *, frames: int, rng: np.random.Generator) -> Rendered:
    progress = np.linspace(0, 1, frames)
    placed = _place(action, draw, seconds=(frames - 1) / FPS)
    canvas = draw_scene(draw.scene)
    film = Film(rng, grain=draw.grain, vignette=draw.vignette)
    paths = draw.camera.path(frames, rng=rng)
    pictures = np.empty((frames, FRAME[1], FRAME[0], 3), np.uint8)
    rows = []
    for i, matrix in enumerate(paths):
        picture = cv2.warpAffine(
            canvas, matrix, FRAME, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        moment = action.moment(draw.build, float(progress[i]), i / FPS, draw.manner)
        pen = Pen(picture, matrix=_joined(matrix, placed), light=draw.scene.light)
        draw_moment(
            pen, moment, draw.look, draw.style, action=action, outdoors=not draw.scene.indoors
        )
        rows += [(i, *row) for row in _visible(pen.boxes())]
        pictures[i] = film.develop(picture)
    columns = ["frame", "part", "x0", "y0", "x1", "y1"]
    boxes = pd.DataFrame(rows, columns=columns)
    kinds = {"frame": "int32", **dict.fromkeys(columns[2:], "float32")}
    return Rendered(pictures, boxes.astype(kinds))


def draw_moment(
    pen: Pen,
    moment: Moment,
    look: Look,
    style: PropStyle,
    *,
    action: Action,
    outdoors: bool = False,
) -> None:
    """Draw shadows, props and body of a moment, marking the person, the object and the limbs."""
    for x, y in moment.contacts:
        pen.soft((x, 0.0), (0.13, 0.035), (0, 0, 0), strength=0.62 * max(0.25, 1 - 5 * y))
    placements = {placement.kind: placement for placement in moment.props}
    for step in moment.order:
        if step in PARTS:
            marks = ("person", f"limb {step}") if step in action.limbs else ("person",)
            with pen.marking(*marks):
                draw_part(pen, moment.figure, look, part=step)
        elif step in action.evidence:
            with pen.marking("object"):
                draw_prop(pen, placements[step], style)
        elif step != "wall" or outdoors:
            draw_prop(pen, placements[step], style)


def _place(action: Action, draw: _Draw, *, seconds: float) -> np.ndarray:
    """Return the map from body heights to canvas pixels that keeps the whole act in the picture."""
    bare = Pen(None)
    with bare.marking("all"):
        for share in np.linspace(0, 1, 7):
            moment = action.moment(draw.build, float(share), float(share) * seconds, draw.manner)
            draw_moment(bare, moment, draw.look, draw.style, action=action)
    x0, y0, x1, y1 = bare.boxes()["all"]
    width, height = FRAME
    y0 = action.cut if action.cut else min(y0, 0.0)
    low, high = (0.76, 0.90) if action.cut else (0.66, 0.86)
    scale = (low + (high - low) * draw.share) * height / (y1 - y0)
    scale = min(scale, 0.90 * width / (x1 - x0))
    floor = draw.scene.floor
    if action.at_wall:
        scale = min(scale, (floor - 8) / (y1 - 0.11))
        bottom = floor + 0.11 * scale
    elif action.cut:
        bottom = height + 6 + action.cut * scale
    else:
        lowest = min(max(floor + 12, 0.84 * height), 0.95 * height)
        bottom = max(lowest + (0.965 * height - lowest) * draw.down, y1 * scale + 10)
    side = -1.0 if draw.mirrored else 1.0
    left, right = (-x1, -x0) if draw.mirrored else (x0, x1)
    free = width - (right - left) * scale
    margin = min(14.0, free / 2)
    x = margin - left * scale + (free - 2 * margin) * draw.across
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


def contact_sheet(
    *, seed: int = 0, group: int | None = None, columns: int = 6, size: str = "quick"
) -> np.ndarray:
    """Draw every class as a row of `columns` frames from first to last.

    Parameters
    ----------
    seed
        The dataset's seed.
    group
        The group shown; None shows a different group in every row (twins share theirs).
    columns
        Frames in a row.
    size
        As for `render`.

    Returns
    -------
    uint8, (12 · 240, columns · 320, 3)
        RGB, each row beginning with its class's name.
    """
    rows = []
    for class_name in CLASSES:
        number = group if group is not None else 1 + CLASSES.index(drawn_class(class_name))
        frames = render(class_name, number, 1, seed=seed, size=size).frames
        picks = np.linspace(0, len(frames) - 1, columns).round().astype(int)
        row = np.concatenate(list(frames[picks]), axis=1).copy()
        for colour, thick in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(row, class_name, (8, 24), font, 0.7, colour, thick, cv2.LINE_AA)
        rows.append(row)
    return np.concatenate(rows)
