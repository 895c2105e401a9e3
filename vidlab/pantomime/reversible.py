"""Opening a door, picking up a box, sitting down: the actions that are also shown in reverse.

Each moves from its first state to its last in one go, eased the same at both ends, so that its
reverse is as natural as itself.
"""

from __future__ import annotations

import numpy as np

from vidlab.pantomime.body import ANKLE, SIDES, Build, Pose, plant, reach, skeleton
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.motion import (
    Moment,
    MotionStyle,
    between,
    drawing_order,
    ease,
    feet_on_floor,
    stand,
)
from vidlab.pantomime.props import DoorShape, Placement

__all__ = ["open_door", "pick_up", "sit_down"]


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


def pick_up(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Crouch, grip a box on the floor, and lift it to the chest."""
    down, lift = ease((progress - 0.02) / 0.42), ease((progress - 0.42) / 0.54)
    crouch = down * (1 - lift)
    feet = (-0.03, 0.05)
    deep = between(0.17, 0.23, style.vigour)
    pose = Pose(
        lean=3 + between(60, 68, style.habit) * crouch - 5 * lift,
        nod=-16 * crouch,
        turn=between(0.08, 0.40, style.turn),
        pelvis=(0.0 - 0.10 * crouch, build.leg * 0.985 + ANKLE - deep * crouch),
    )
    figure = stand(build, pose, feet=feet)
    size = between(0.92, 1.2, style.habit)
    floor = np.array([0.30, 0.10 * size])
    held = np.array([0.27, 0.60])
    box = floor + (held - floor) * lift + np.array([0.05 * np.sin(np.pi * lift), 0])
    hang = figure["near_shoulder"] + np.array([0.05, -0.97 * build.arm])
    for side, grip in (("near", (-0.06, 0.035)), ("far", (0.03, 0.06))):
        target = hang + (box + np.array(grip) * size - hang) * down
        figure = reach(figure, side, to=target)
    return Moment(
        figure,
        drawing_order(("box", "near_arm")),
        (Placement("box", tuple(box), size=size),),
        (*feet_on_floor(figure), (float(box[0]), float(box[1] - floor[1]))),
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
