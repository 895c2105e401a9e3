"""One instant of an action (body, props, drawing order), and the motions actions are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np

from vidlab.pantomime.body import ANKLE, SIDES, Build, Pose, Skeleton, plant, skeleton
from vidlab.pantomime.props import Placement

__all__ = [
    "ARMS",
    "LEGS",
    "Action",
    "Moment",
    "MotionStyle",
    "between",
    "ease",
    "feet_on_floor",
    "random_motion_style",
    "stand",
]

ARMS, LEGS = ("near_arm", "far_arm"), ("near_leg", "far_leg")


@dataclass(frozen=True)
class MotionStyle:
    """How a person does it: `seconds` is how long, and all else is in 0..1.

    Each action makes its own use of them.
    """

    tempo: float = 0.5
    start: float = 0.0
    vigour: float = 0.5
    turn: float = 0.5
    habit: float = 0.5
    end: float = 0.0
    seconds: float = 1.6


@dataclass(frozen=True)
class Moment:
    """One instant: the body, the props, and the order in which they are drawn.

    `order` names body parts (`figure.PARTS`) and the kinds of the placed props; `contacts` are
    the places, (x, y), that touch the floor or hang just above it.
    """

    figure: Skeleton
    order: tuple[str, ...]
    props: tuple[Placement, ...] = ()
    contacts: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Action:
    """A function from (build, style, *, progress, seconds) to a moment, and what to look at.

    Attributes
    ----------
    limbs
        The body parts that move to do it.
    evidence
        The kinds of props that tell it.
    cut
        The picture ends at about this height of the body, in body heights; 0 shows the feet too.
    at_wall
        Whether it happens at the foot of the back wall.
    number
        The action's part in the seeds of its clips: it stays when other actions come or go.
    """

    moment: Callable[..., Moment]
    limbs: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    cut: float = 0.0
    at_wall: bool = False
    _: KW_ONLY
    number: int


def random_motion_style(rng: np.random.Generator) -> MotionStyle:
    """Draw a style."""
    return MotionStyle(*(float(value) for value in rng.random(5)))


def ease(value: float) -> float:
    """Return a smooth step from 0 to 1, the same forwards and backwards.

    Examples
    --------
    >>> ease(-1), ease(0.25) + ease(0.75), ease(2)
    (0.0, 1.0, 1.0)
    """
    value = float(np.clip(value, 0, 1))
    return value * value * (3 - 2 * value)


def between(low: float, high: float, share: float) -> float:
    """Return what lies `share` of the way from `low` to `high`.

    Examples
    --------
    >>> between(10, 20, 0.25)
    12.5
    """
    return low + (high - low) * share


def stand(build: Build, pose: Pose, *, feet: tuple[float, float], lift: float = 0.0) -> Skeleton:
    """Stand on two feet at x positions `feet`, `lift` above the floor."""
    figure = skeleton(build, pose)
    for side, foot in zip(SIDES, feet, strict=True):
        figure = plant(figure, side, at=np.array([foot, ANKLE + lift]))
    return figure


def feet_on_floor(figure: Skeleton) -> tuple[tuple[float, float], ...]:
    """Return where the feet throw their shadows, and how high above the floor they are."""
    return tuple(
        (float(figure[f"{side}_ankle"][0]) + 0.02, float(figure[f"{side}_ankle"][1]) - ANKLE)
        for side in SIDES
    )
