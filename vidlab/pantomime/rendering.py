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
from vidlab.pantomime.actions import (
    ACTIONS,
    CLASSES,
    REVERSED_PAIRS,
    Action,
    Moment,
    MotionStyle,
)
from vidlab.pantomime.body import Build, random_build
from vidlab.pantomime.camera import FRAME, MARGIN, Camera, Film, FilmLook, random_camera
from vidlab.pantomime.figure import PARTS, Look, draw_part, random_look
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.props import PropStyle, draw_prop, random_prop_style
from vidlab.pantomime.scenes import Scene, draw_scene, random_scene

__all__ = ["FPS", "FRAME_COUNTS", "ClipParams", "Rendered", "Shot", "sample_group"]

FPS = 25.0
FRAME_COUNTS = {"smoke": (21, 27), "quick": (25, 49), "full": (25, 99)}
_TWIN = dict(REVERSED_PAIRS)
_FIRST = {second: first for first, second in REVERSED_PAIRS}
_ROOM = 2**16  # takes a group's place in the seed of a biased class's room


@dataclass(frozen=True)
class ClipParams:
    """What a group has drawn, or one of its clips.

    `share`, `across` and `down`, in 0..1, decide how large the act is shown and where.
    """

    scene: Scene
    build: Build
    look: Look
    style: PropStyle
    camera: Camera
    motion_style: MotionStyle
    share: float
    across: float
    down: float
    mirrored: bool
    film: FilmLook


def _sample_room(rng: np.random.Generator) -> ClipParams:
    """Draw a group that is indoors: its room is one that a biased class never leaves."""
    drawn = sample_group(rng)
    while not drawn.scene.indoors:
        drawn = sample_group(rng)
    return drawn


def sample_group(rng: np.random.Generator) -> ClipParams:
    """Draw what the clips of a group share; one distribution for every class."""
    return ClipParams(
        scene=random_scene(rng),
        build=random_build(rng),
        look=random_look(rng),
        style=random_prop_style(rng),
        camera=random_camera(rng),
        motion_style=MotionStyle(*rng.random(5).tolist()),
        share=float(rng.random()),
        across=float(rng.random()),
        down=float(rng.random()),
        mirrored=bool(rng.random() < 0.5),
        film=FilmLook(
            grain=float(rng.uniform(1.0, 3.2)),
            vignette=float(rng.uniform(0.15, 0.45)),
            balance=tuple((rng.uniform(0.68, 1.14) * rng.normal(1, 0.045, 3)).tolist()),
        ),
    )


def _vary_clip(params: ClipParams, rng: np.random.Generator, *, seconds: float) -> ClipParams:
    """Return a clip's own variation of its group's params; the clip lasts `seconds`."""

    def near(value: float, spread: float) -> float:
        return float(np.clip(value + rng.uniform(-spread, spread), 0, 1))

    style, brighter = params.motion_style, float(rng.uniform(0.96, 1.04))
    return replace(
        params,
        camera=replace(params.camera, pan=random_camera(rng).pan),
        motion_style=MotionStyle(
            tempo=near(style.tempo, 0.25),
            start=float(rng.random()),
            vigour=near(style.vigour, 0.2),
            turn=near(style.turn, 0.12),
            habit=near(style.habit, 0.15),
            end=float(rng.spawn(1)[0].random()),  # takes nothing from what follows
            seconds=seconds,
        ),
        share=near(params.share, 0.08),
        across=near(params.across, 0.08),
        down=near(params.down, 0.08),
        film=replace(params.film, balance=tuple(part * brighter for part in params.film.balance)),
    )


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


@dataclass(frozen=True)
class Shot:
    """A clip by all that it follows from: whatever is drawn of it is the same every time.

    Attributes
    ----------
    class_name : str
        One of `CLASSES`.
    group, clip : int
        1-based numbers, as in ``v_<class>_g01_c01``.
    seed : int
        The dataset's seed.
    size : str
        "smoke", "quick" or "full"; decides how long clips are.
    bias : str or None
        A class whose groups, those of its reversed twin included, are all filmed in one room; see
        `vidlab.pantomime.make`.

    Raises
    ------
    DatasetError
        An unknown class or size.
    """

    class_name: str
    group: int
    clip: int
    seed: int = 0
    size: str = "quick"
    bias: str | None = None

    def __post_init__(self) -> None:
        for name in (self.class_name, self.bias or self.class_name):
            if name not in CLASSES:
                raise DatasetError(
                    f"Expected a Pantomime class. Received: {name!r}. "
                    f"Use one of {', '.join(CLASSES)}."
                )
        if self.size not in FRAME_COUNTS:
            raise DatasetError(
                f"Expected a size. Received: {self.size!r}. Use one of {', '.join(FRAME_COUNTS)}."
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """The class that is drawn, and its reversed twin where it has one.

        Examples
        --------
        >>> Shot("CloseDoor", 1, 1).classes, Shot("JumpingJack", 1, 1).classes
        (('OpenDoor', 'CloseDoor'), ('JumpingJack',))
        """
        drawn = _FIRST.get(self.class_name, self.class_name)
        return (drawn, _TWIN[drawn]) if drawn in _TWIN else (drawn,)

    @property
    def video_id(self) -> str:
        """``v_<class>_gNN_cNN``."""
        return f"v_{self.class_name}_g{self.group:02d}_c{self.clip:02d}"

    @property
    def count(self) -> int:
        """How many frames it has; the same distribution for every class."""
        return self._drawn().count

    @property
    def camera(self) -> Camera:
        """How the camera is held; of a second twin its pan and zoom are reversed, too."""
        held = self._drawn().params.camera
        if self._is_reversed:
            held = replace(held, pan=tuple(-way for way in held.pan), zoom=1 / held.zoom)
        return held

    @property
    def indoors(self) -> bool:
        """Whether it is filmed in a room."""
        return self._drawn().params.scene.indoors

    def render(self, indices: Sequence[int] | None = None) -> Rendered:
        """Render the clip, or some of its frames.

        Parameters
        ----------
        indices
            The frames wanted, from 0 to `count` − 1; all unless given. A frame is the same
            whichever others are drawn.

        Raises
        ------
        DatasetError
            A frame the clip does not have.
        """
        drawn = self._drawn()
        scene, numbers = drawn.params.scene, self._numbers(indices, drawn.count)
        canvas, instants = draw_scene(scene), drawn.instants(numbers)
        film = Film(drawn.rng, drawn.params.film, frames=drawn.count)
        frames, rows = np.empty((len(numbers), FRAME[1], FRAME[0], 3), np.uint8), []
        for frame, i, (camera, matrix, moment) in zip(frames, numbers, instants, strict=True):
            picture = cv2.warpAffine(
                canvas, camera, FRAME, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            pen = Pen(picture, matrix=matrix, light=scene.light)
            drawn.draw(pen, moment, outdoors=not scene.indoors)
            number = drawn.count - 1 - i if self._is_reversed else i
            rows += [(number, *row) for row in _visible(pen.boxes())]
            frame[:] = film.develop(picture, number=i)
        columns = ["frame", "part", "x0", "y0", "x1", "y1"]
        kinds = {"frame": "int32", **dict.fromkeys(columns[2:], "float32")}
        return Rendered(frames, pd.DataFrame(rows, columns=columns).astype(kinds))

    def outlines(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Outline the act in the frames that `render` gives for the same indices.

        The person and all props belong to the act, but for the piece of wall around a door that
        stands outdoors; it belongs to the scene, and so do shadows.

        Returns
        -------
        numpy.ndarray
            float32, (time, 240, 320): the share of each pixel that the act covers, 0–1.

        Raises
        ------
        DatasetError
            As `render`.
        """
        drawn = self._drawn()
        numbers = self._numbers(indices, drawn.count)
        stencils = np.zeros((len(numbers), FRAME[1], FRAME[0]), np.uint8)
        for stencil, (_, matrix, moment) in zip(stencils, drawn.instants(numbers), strict=True):
            drawn.draw(Pen(stencil, matrix=matrix, light=drawn.params.scene.light), moment)
        return stencils.astype(np.float32) / 255

    @property
    def _is_reversed(self) -> bool:
        return self.class_name in _FIRST

    def _numbers(self, indices: Sequence[int] | None, count: int) -> list[int]:
        """Return which of the drawn frames are wanted; a second twin counts from the end."""
        wanted = list(range(count)) if indices is None else [int(i) for i in indices]
        if any(not 0 <= i < count for i in wanted):
            raise DatasetError(
                f"Expected frames 0 to {count - 1} of {self.class_name}, group {self.group}, clip "
                f"{self.clip}. Received: {wanted}. See Shot.count for the number of frames."
            )
        return [count - 1 - i for i in wanted] if self._is_reversed else wanted

    def _drawn(self) -> _Drawn:
        action = ACTIONS[self.classes[0]]
        key = (self.seed, action.number, self.group)
        params = sample_group(np.random.default_rng(key))
        if self.bias in self.classes:
            room = _sample_room(np.random.default_rng((*key[:2], _ROOM)))
            params = replace(params, scene=room.scene, film=room.film)  # in the same light
        rng = np.random.default_rng((*key, self.clip))
        low, high = FRAME_COUNTS[self.size]
        # Odd, so that a middle frame exists and every `Uniform` sampler is exactly symmetric.
        count = 2 * int(rng.integers(low // 2, high // 2 + 1)) + 1
        return _Drawn(action, _vary_clip(params, rng, seconds=count / FPS), count, rng)


@dataclass(frozen=True)
class _Drawn:
    """What a shot's numbers have drawn, and the generator for what is left to draw."""

    action: Action
    params: ClipParams
    count: int
    rng: np.random.Generator

    def instants(self, numbers: list[int]) -> list[tuple[np.ndarray, np.ndarray, Moment]]:
        """Return for each frame the maps from canvas and body heights to pixels, and the moment.

        Takes the camera's trembling from the generator.
        """
        placed = _place(self, seconds=(self.count - 1) / FPS)
        maps = self.params.camera.path(self.count, rng=self.rng)
        progress = np.linspace(0, 1, self.count).tolist()
        return [
            (maps[i], _joined(maps[i], placed), self.moment(progress[i], i / FPS)) for i in numbers
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


def _place(drawn: _Drawn, *, seconds: float) -> np.ndarray:
    """Return the map from body heights to canvas pixels that keeps the whole act in the picture."""
    action, params, bare = drawn.action, drawn.params, Pen(None)
    with bare.marking("all"):
        for share in np.linspace(0, 1, 7).tolist():
            drawn.draw(bare, drawn.moment(share, share * seconds))
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
