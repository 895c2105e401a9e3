"""Opening a door, sitting down, turning a crank: the actions that are also shown in reverse.

The first two move from one state to another in one go, eased the same at both ends; the crank turns
evenly from any angle to any other. So the reverse of each is as natural as the action itself.
"""

from __future__ import annotations

import numpy as np

from vidlab.pantomime.body import ANKLE, SIDES, Build, Pose, plant, reach, skeleton
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.motion import (
    Moment,
    MotionStyle,
    between,
    ease,
    feet_on_floor,
    stand,
)
from vidlab.pantomime.props import DoorShape, Placement

__all__ = ["open_door", "sit_down", "turn_crank"]


def open_door(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Take the handle and walk the door open; the hand never leaves it."""
    shape = DoorShape()
    swing = ease((progress - 0.04) / 0.92)
    widest = between(90, 102, style.vigour)
    base = np.array([0.27, 0.11])
    first, handle, last = (base + shape.handle(angle) for angle in (0.0, swing * widest, widest))
    # The body follows the handle at arm's length; each foot takes one step of the whole way.
    x, way = handle[0] - 0.24, last[0] - first[0]
    gone = (handle[0] - first[0]) / way
    steps = [ease((gone - begin) / 0.42) for begin in (0.08, 0.50)]
    start = first[0] - 0.24
    spots = [start + off + way * step for off, step in zip((-0.04, 0.05), steps, strict=True)]
    furthest = max(abs(spot - x) for spot in spots) + 0.03
    legs = min(0.975 * build.leg, 0.99 * np.sqrt(build.leg**2 - furthest**2))
    pose = Pose(
        lean=5 + 8 * np.sin(np.pi * swing),
        nod=-2,
        turn=between(0.12, 0.42, style.turn),
        far_arm=(-14 + 26 * swing, 18),
        pelvis=(float(x), float(legs + ANKLE)),
    )
    figure = skeleton(build, pose)
    for side, spot, step in zip(SIDES, spots, steps, strict=True):
        lift = 0.04 * np.sin(np.pi * step)
        figure = plant(figure, side, at=np.array([spot, ANKLE + lift]))
    figure = reach(figure, "near", to=handle)
    door = Placement("door", tuple(base), opening=swing * widest)
    return Moment(
        figure,
        ("wall", "door", *PARTS),
        (Placement("wall", tuple(base)), door),
        (*feet_on_floor(figure), (float(base[0] + shape.edge(swing * widest)[0]), 0.0)),
    )


def sit_down(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Lower the body onto a chair, leaning forward on the way."""
    share = ease((progress - 0.04) / 0.92)
    chair = -0.21
    start, end = np.array([0.0, build.leg * 0.985 + ANKLE]), np.array([chair + 0.01, 0.355])
    pelvis = start + (end - start) * share
    pelvis[0] -= 0.035 * np.sin(np.pi * share)
    pose = Pose(
        lean=between(28, 40, style.vigour) * np.sin(np.pi * share) - 3 * share,
        nod=-12 * np.sin(np.pi * share),
        turn=between(0.08, 0.40, style.turn),
        pelvis=tuple(pelvis),
    )
    figure = stand(build, pose, feet=(0.01, 0.06))
    for side in SIDES:
        hang = figure[f"{side}_shoulder"] + np.array([0.03, -0.97 * build.arm])
        knee = figure[f"{side}_knee"] + np.array([-0.035, 0.055])
        figure = reach(figure, side, to=hang + (knee - hang) * share)
    return Moment(
        figure,
        ("chair", *PARTS),
        (Placement("chair", (chair, 0.0)),),
        (*feet_on_floor(figure), (chair - 0.12, 0.0), (chair + 0.12, 0.0)),
    )


def turn_crank(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Turn the crank of a mill with both hands, over the top and away from the body.

    First and last angle are drawn on their own, so that the two tell nothing of the direction; one
    or two whole turns are between them, as far as two turns a second allow, so that 16 frames show
    every turn in steps of less than half of one. The angle alone decides the pose.
    """
    whole = min(int(2 * style.seconds) - 1, 2)
    turned = style.start + ((style.end - style.start) % 1 + whole) * progress
    across, up = np.sin(2 * np.pi * turned), np.cos(2 * np.pi * turned)
    hub, radius = np.array([0.27, 0.66]), between(0.125, 0.140, style.vigour)
    handle = hub + radius * np.array([across, up])
    pose = Pose(
        lean=between(13, 19, style.habit) + 14 * across - 8 * up,
        nod=-4,
        turn=between(0.08, 0.40, style.turn),
        pelvis=(0.01 + 0.05 * across, build.leg * 0.92 + ANKLE + 0.01 * up),
    )
    figure = stand(build, pose, feet=(-0.11, 0.11))
    for side, grip in zip(SIDES, ((0.0, 0.0), (0.015, 0.010)), strict=True):
        figure = reach(figure, side, to=handle + grip)
    return Moment(
        figure,
        ("mill", "crank", *PARTS),
        (
            Placement("mill", (hub[0], 0.0)),
            Placement("crank", tuple(hub), angle=-360 * turned, size=radius),
        ),
        (*feet_on_floor(figure), (hub[0] - 0.16, 0.0), (hub[0] + 0.16, 0.0)),
    )
