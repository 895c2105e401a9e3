"""Who does it, where, how, and how it is filmed: the draw of a group and of its clips.

Takes random scenes, bodies, clothes, props, manners and cameras from their modules; gives draws
to `rendering`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vidlab.pantomime.body import Build, random_build
from vidlab.pantomime.camera import Camera, random_camera
from vidlab.pantomime.figure import Look, random_look
from vidlab.pantomime.moments import Manner, random_manner
from vidlab.pantomime.props import PropStyle, random_prop_style
from vidlab.pantomime.scenes import Scene, random_scene

__all__ = ["Draw", "draw_group", "draw_room", "moved", "vary"]


@dataclass(frozen=True)
class Draw:
    """What a group has drawn, or one of its clips.

    `share`, `across` and `down`, in 0..1, decide how large the act is shown and where; `balance`
    is what red, green and blue are multiplied by.
    """

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
    balance: tuple[float, float, float]


def draw_room(rng: np.random.Generator) -> Draw:
    """Draw a group that is indoors: its room is one that a biased class never leaves."""
    drawn = draw_group(rng)
    while not drawn.scene.indoors:
        drawn = draw_group(rng)
    return drawn


def moved(draw: Draw, room: Draw) -> Draw:
    """Move a group into the room of another, where it is filmed in the same light."""
    return replace(
        draw, scene=room.scene, grain=room.grain, vignette=room.vignette, balance=room.balance
    )


def draw_group(rng: np.random.Generator) -> Draw:
    """Draw what the clips of a group share; one distribution for every class."""
    return Draw(
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
        balance=tuple((rng.uniform(0.68, 1.14) * rng.normal(1, 0.045, 3)).tolist()),
    )


def vary(draw: Draw, rng: np.random.Generator) -> Draw:
    """Return a clip's own variation of its group's draw."""

    def near(value: float, spread: float) -> float:
        return float(np.clip(value + rng.uniform(-spread, spread), 0, 1))

    manner, brighter = draw.manner, float(rng.uniform(0.96, 1.04))
    return replace(
        draw,
        camera=replace(draw.camera, pan=random_camera(rng).pan),
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
        balance=tuple(part * brighter for part in draw.balance),
    )
