"""The random parameters of a clip: person, place, motion style and camera, by group and clip."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vidlab.pantomime.body import Build, random_build
from vidlab.pantomime.camera import Camera, FilmLook, random_camera
from vidlab.pantomime.figure import Look, random_look
from vidlab.pantomime.motion import MotionStyle, random_motion_style
from vidlab.pantomime.props import PropStyle, random_prop_style
from vidlab.pantomime.scenes import Scene, random_scene

__all__ = ["ClipParams", "move_to_room", "sample_group", "sample_room", "vary_clip"]


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


def sample_room(rng: np.random.Generator) -> ClipParams:
    """Draw a group that is indoors: its room is one that a biased class never leaves."""
    drawn = sample_group(rng)
    while not drawn.scene.indoors:
        drawn = sample_group(rng)
    return drawn


def move_to_room(params: ClipParams, room: ClipParams) -> ClipParams:
    """Move a group into the room of another, where it is filmed in the same light."""
    return replace(params, scene=room.scene, film=room.film)


def sample_group(rng: np.random.Generator) -> ClipParams:
    """Draw what the clips of a group share; one distribution for every class."""
    return ClipParams(
        scene=random_scene(rng),
        build=random_build(rng),
        look=random_look(rng),
        style=random_prop_style(rng),
        camera=random_camera(rng),
        motion_style=random_motion_style(rng),
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


def vary_clip(params: ClipParams, rng: np.random.Generator, *, seconds: float) -> ClipParams:
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
