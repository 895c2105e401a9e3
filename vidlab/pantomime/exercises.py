"""Jumping jacks, handstand push-ups, walking on the hands.

The two handstands share their pose and differ by what moves: arms that bend, or hands that step.
"""

from __future__ import annotations

import numpy as np

from vidlab.pantomime.body import ANKLE, SIDES, Build, Pose, Skeleton, reach, skeleton
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.motion import Moment, MotionStyle, between, ease, feet_on_floor, stand

__all__ = ["handstand_pushups", "handstand_walking", "jumping_jack"]

_UPSIDE_DOWN = ("far_leg", "far_arm", "head", "torso", "near_leg", "near_arm")


def jumping_jack(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Jump between legs together, arms down, and legs apart, arms up."""
    cycle = 2 * np.pi * (style.start + between(1.0, 1.5, style.tempo) * seconds)
    spread = 0.5 - 0.5 * np.cos(cycle)
    hop = between(0.02, 0.05, style.vigour) * abs(np.sin(cycle))
    feet = 0.05 + between(0.15, 0.20, style.vigour) * spread
    drop = np.sqrt((build.leg * 0.99) ** 2 - (feet - build.hips) ** 2)
    raised = 10 + between(140, 155, style.habit) * spread
    arms = (raised, 14 - 6 * spread)
    pose = Pose(
        turn=between(0.86, 1.0, style.turn),
        near_arm=arms,
        far_arm=arms,
        pelvis=(0.0, float(drop + ANKLE + hop)),
    )
    figure = stand(build, pose, feet=(-feet, feet), lift=hop)
    return Moment(figure, PARTS, contacts=feet_on_floor(figure))


def handstand_pushups(
    build: Build, style: MotionStyle, *, progress: float, seconds: float
) -> Moment:
    """Bend and stretch the arms in a handstand, the hands fixed."""
    cycle = 2 * np.pi * (style.start + between(0.75, 1.2, style.tempo) * seconds)
    bend = (0.5 - 0.5 * np.cos(cycle)) * between(0.8, 1.0, style.vigour)
    apart = between(0, 14, style.habit)
    sway = 2.5 * np.sin(cycle * 0.5 + 6 * style.habit)
    legs = ((apart + 2 * sway, 3), (-apart + 2 * sway, 3))
    turn = between(0.25, 0.49, style.turn)
    figure = _handstand(build, x=0.0, bend=bend, sway=sway, turn=turn, legs=legs)
    spots = (0.085, -0.075)  # upside down, the near side is on the right
    for side, spot, bend in zip(SIDES, spots, (1, -1), strict=True):
        figure = reach(figure, side, to=np.array([spot, 0.03]), bend=bend)
    return Moment(figure, _UPSIDE_DOWN, contacts=tuple((spot, 0.0) for spot in spots))


def handstand_walking(
    build: Build, style: MotionStyle, *, progress: float, seconds: float
) -> Moment:
    """Walk on the hands, one at a time, the legs split and swaying."""
    pace = between(1.1, 1.6, style.tempo)
    cycle = style.start + pace * seconds
    stride = between(0.13, 0.18, style.vigour)
    travelled = stride * (cycle - style.start) * 2
    way = -travelled  # upside down, the face is towards −x
    sway = 5 * np.sin(2 * np.pi * cycle)
    split = between(9, 32, style.habit)
    beat = np.sin(2 * np.pi * cycle)
    legs = (
        (split + 12 * beat, 14 + 18 * style.habit),
        (-split * 0.7 + 12 * beat, 22 + 12 * np.cos(2 * np.pi * cycle)),
    )
    turn = between(0.25, 0.49, style.turn)
    figure = _handstand(build, x=way, bend=0.08, sway=sway, turn=turn, legs=legs)
    contacts = []
    for side, phase, sign in zip(SIDES, (0.0, 0.5), (1, -1), strict=True):
        place, lift = _gait(cycle + phase)
        spot = -stride * 2 * (place - style.start - phase) + 0.08 * sign
        figure = reach(figure, side, to=np.array([spot, 0.03 + 0.05 * lift]), bend=sign)
        contacts.append((float(spot), 0.05 * float(lift)))
    return Moment(figure, _UPSIDE_DOWN, contacts=tuple(contacts))


def _handstand(
    build: Build, *, x: float, bend: float, sway: float, turn: float, legs: tuple
) -> Skeleton:
    """Stand on the hands; `bend` 0..1 lowers the body, `legs` are (hip, knee) of both legs."""
    height = build.arm * between(0.985, 0.60, bend) + 0.03
    lean = 180 + sway
    up = np.array([np.sin(np.radians(lean)), np.cos(np.radians(lean))])
    chest = np.array([x + 0.02 * bend, height - 0.02])
    pose = Pose(
        lean=lean,
        nod=14,
        turn=turn,
        near_leg=legs[0],
        far_leg=legs[1],
        pelvis=tuple(chest - up * build.trunk),
    )
    figure = skeleton(build, pose)
    points = {}
    for side in SIDES:  # pointed toes
        shin = figure[f"{side}_ankle"] - figure[f"{side}_knee"]
        shin = shin / np.hypot(*shin)
        aside = np.array([shin[1], -shin[0]])
        points[f"{side}_toe"] = figure[f"{side}_ankle"] + 0.06 * shin - 0.045 * aside
    return figure.moved(**points)


def _gait(cycle: float) -> tuple[float, float]:
    """Return where a hand is, in cycles, and how far it is lifted: still half the time."""
    whole, part = np.floor(cycle), cycle - np.floor(cycle)
    swing = np.clip((part - 0.5) / 0.5, 0, 1)
    return float(whole + 0.25 + ease(swing)), float(np.sin(np.pi * swing))
