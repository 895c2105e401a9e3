"""Playing the cello, playing the flute, brushing one's teeth.

Flute and toothbrush share what the arms do at the mouth and differ by what the hands hold.
"""

from __future__ import annotations

import numpy as np

from vidlab.pantomime.body import ANKLE, SIDES, Build, Pose, Skeleton, reach, skeleton
from vidlab.pantomime.motion import (
    Moment,
    MotionStyle,
    between,
    drawing_order,
    feet_on_floor,
    stand,
)
from vidlab.pantomime.props import Placement

__all__ = ["brushing_teeth", "playing_cello", "playing_flute"]

_BUST = ("far_leg", "near_leg", "torso", "head", "far_arm", "near_arm")


def playing_cello(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Bow a cello from seated, the other hand moving on its neck."""
    cycle = 2 * np.pi * (style.start + between(0.7, 1.2, style.tempo) * seconds)
    drawn = np.sin(cycle)
    hips = 0.335
    pose = Pose(
        lean=2.5 * drawn,
        nod=between(4, 12, style.habit) + 3 * np.sin(cycle * 0.5),
        turn=between(0.8, 1.0, style.turn),
        pelvis=(0.0, hips),
    )
    figure = skeleton(build, pose)
    joints = {}
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        joints[f"{side}_knee"] = np.array([sign * 0.185, 0.285])
        joints[f"{side}_ankle"] = np.array([sign * 0.165, ANKLE + 0.005])
        joints[f"{side}_toe"] = np.array([sign * 0.20, ANKLE - 0.018])
    figure = figure.moved(**joints)
    cello = Placement("cello", (-0.01, 0.345), angle=between(-19, -14, style.habit))
    tilt = np.radians(cello.angle)
    up = np.array([-np.sin(tilt), np.cos(tilt)])
    anchor = np.array(cello.position)
    strings = anchor - up * 0.02
    angle = between(-10, 4, style.vigour) + 3 * drawn
    ahead = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    frog = strings - ahead * (0.20 + 0.10 * drawn)
    stopped = 0.30 + 0.07 * np.sin(cycle * 0.5 + 5 * style.vigour) + 0.006 * np.sin(cycle * 5)
    figure = reach(figure, "near", to=frog + np.array([0, 0.012]), bend=-1)
    elbow = figure["far_shoulder"] + build.upper_arm * np.array([0.80, -0.30 + 1.2 * stopped])
    figure = figure.moved(far_elbow=elbow, far_hand=anchor + up * stopped + (0.018, 0.0))
    order = ("stool", "torso", "far_leg", "near_leg", "head", "cello", "bow", "far_arm", "near_arm")
    return Moment(
        figure,
        order,
        (Placement("stool", (0.0, 0.0)), cello, Placement("bow", tuple(frog), angle=angle)),
        (*feet_on_floor(figure), (0.0, 0.0)),
    )


def brushing_teeth(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Brush with one hand, a mug in the other."""
    cycle = 2 * np.pi * (style.start + between(2.2, 3.4, style.tempo) * seconds)
    stroke = between(0.020, 0.032, style.vigour) * np.sin(cycle)
    sway = 2.0 * np.sin(cycle * 0.21 + 6 * style.habit)
    turn = between(0.68, 0.96, style.turn)
    figure = _upper_body(build, sway=sway, nod=2 * sway, turn=turn)
    mouth = figure.mouth
    angle = between(4, 24, style.habit)
    ahead = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    bristles = mouth + ahead * (stroke - 0.004) + np.array([0, 0.012])
    # So close to the shoulder the elbow points partly at the viewer; it keeps its place.
    elbow = figure["near_shoulder"] + build.upper_arm * np.array([-0.74, -0.36 + 2 * stroke])
    figure = figure.moved(near_elbow=elbow, near_hand=bristles - ahead * 0.13 - (0, 0.008))
    cup = np.array([0.095 + 0.02 * style.vigour, between(0.60, 0.68, style.vigour)])
    cup = cup + np.array([0.0, 0.004 * np.sin(cycle * 0.3)])
    figure = reach(figure, "far", to=cup + np.array([0.02, -0.012]))
    return Moment(
        figure,
        drawing_order(
            ("foam", "near_arm"), ("toothbrush", "near_arm"), ("cup", "far_arm"), parts=_BUST
        ),
        (
            Placement("foam", tuple(mouth)),
            Placement("toothbrush", tuple(bristles), angle=angle),
            Placement("cup", tuple(cup)),
        ),
    )


def playing_flute(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Hold a flute to the side and sway with it."""
    cycle = 2 * np.pi * (style.start + between(0.5, 0.9, style.tempo) * seconds)
    sway = between(1.5, 3.5, style.vigour) * np.sin(cycle)
    turn = between(0.68, 0.96, style.turn)
    figure = _upper_body(build, sway=sway, nod=1.5 * sway, turn=turn)
    angle = between(-4, 16, style.habit) + 5 * np.sin(cycle + 1)
    ahead = -np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    mouth = figure.mouth + np.array([0.0, -0.008])
    finger = 0.006 * np.sin(cycle * 4.6)
    figure = reach(figure, "near", to=mouth + ahead * 0.27 + np.array([0, -0.018 + finger]), bend=1)
    figure = reach(figure, "far", to=mouth + ahead * 0.13 + np.array([0, -0.018 - finger]), bend=1)
    return Moment(
        figure,
        drawing_order(("flute", "far_arm"), parts=_BUST),
        (Placement("flute", tuple(mouth), angle=angle),),
    )


def _upper_body(build: Build, *, sway: float, nod: float, turn: float) -> Skeleton:
    pose = Pose(lean=sway, nod=nod, turn=turn, pelvis=(0.0, build.leg * 0.985 + ANKLE))
    return stand(build, pose, feet=(-0.075, 0.075))
