"""The twelve actions: where body and props are at each moment of an action.

Takes builds and joints from `body` and placements from `props`; gives moments to `rendering`.
An action is a function of progress (0 at the clip's first frame, 1 at its last) and, where it
repeats itself, of seconds. The second class of each reversed pair has no function of its own: it
is the first one's frames from the last to the first, so their motion is eased symmetrically.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vidlab.pantomime.body import ANKLE, SIDES, Build, Pose, Skeleton, plant, reach, skeleton
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.props import DoorShape, Placement

__all__ = ["ACTIONS", "CLASSES", "REVERSED_PAIRS", "Action", "Manner", "Moment", "random_manner"]

CLASSES = (
    "BrushingTeeth",
    "CloseDoor",
    "HandstandPushups",
    "HandstandWalking",
    "JumpingJack",
    "OpenDoor",
    "PickUp",
    "PlayingCello",
    "PlayingFlute",
    "PutDown",
    "SitDown",
    "StandUp",
)
REVERSED_PAIRS = (("OpenDoor", "CloseDoor"), ("PickUp", "PutDown"), ("SitDown", "StandUp"))


@dataclass(frozen=True)
class Manner:
    """How a person does it; every field in 0..1, each action makes its own use of them."""

    tempo: float = 0.5
    start: float = 0.0
    vigour: float = 0.5
    turn: float = 0.5
    habit: float = 0.5


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
    """A function from build, progress, seconds and manner to a moment, and what to look at.

    Attributes
    ----------
    limbs
        The body parts that move to do it.
    evidence
        The kinds of props that tell it.
    cut
        The picture ends at this height of the body, in body heights; 0 shows it down to the feet.
    at_wall
        Whether it happens at the foot of the back wall.
    """

    moment: Callable[[Build, float, float, Manner], Moment]
    limbs: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    cut: float = 0.0
    at_wall: bool = False


def random_manner(rng: np.random.Generator) -> Manner:
    """Draw a manner."""
    return Manner(*(float(value) for value in rng.random(5)))


def _ease(value: float) -> float:
    """Return a smooth step from 0 to 1, the same forwards and backwards."""
    value = float(np.clip(value, 0, 1))
    return value * value * (3 - 2 * value)


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def _order(*inserted: tuple[str, str], parts: tuple[str, ...] = PARTS) -> tuple[str, ...]:
    """Return the body parts with each (kind, part) prop drawn right before the part."""
    order = list(parts)
    for kind, part in inserted:
        order.insert(order.index(part) if part in order else len(order), kind)
    return tuple(order)


def _stand(build: Build, pose: Pose, *, feet: tuple[float, float], height: float) -> Skeleton:
    """Stand on two planted feet at x positions `feet`, the hips at `height`."""
    x = pose.pelvis[0] if pose.pelvis else sum(feet) / 2
    figure = skeleton(build, Pose(**{**pose.__dict__, "pelvis": (x, height)}))
    for side, foot in zip(SIDES, feet, strict=True):
        figure = plant(figure, side, at=np.array([foot, ANKLE]))
    return figure


def _feet(figure: Skeleton) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(figure[f"{side}_ankle"][0]) + 0.02, float(figure[f"{side}_ankle"][1]) - ANKLE)
        for side in SIDES
    )


def _open_door(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    shape = DoorShape()
    swing = _ease((progress - 0.04) / 0.92)
    opening = swing * _between(92, 108, manner.vigour)
    base = np.array([0.27, 0.11])
    handle = base + shape.handle(opening)
    walk = 0.40
    steps = [_ease((swing - begin) / 0.34) for begin in (0.16, 0.52)]
    spots = (-0.05 + walk * steps[0], 0.05 + walk * steps[1])
    lifts = [0.035 * np.sin(np.pi * step) for step in steps]
    x = -0.02 + walk * (0.5 * steps[0] + 0.5 * steps[1])
    height = build.leg * 0.975 + ANKLE
    pose = Pose(
        lean=4 + 9 * np.sin(np.pi * swing),
        nod=-2,
        turn=_between(0.12, 0.42, manner.turn),
        far_arm=(-14 + 26 * swing, 18),
        pelvis=(x, height),
    )
    figure = skeleton(build, pose)
    for side, spot, lift in zip(SIDES, spots, lifts, strict=True):
        figure = plant(figure, side, at=np.array([spot, ANKLE + lift]))
    figure = reach(figure, "near", to=handle)
    door = Placement("door", tuple(base), opening=opening)
    return Moment(
        figure,
        ("wall", "door", *PARTS),
        (Placement("wall", tuple(base)), door),
        (*_feet(figure), (float(base[0] + shape.edge(opening)[0]), 0.0)),
    )


def _pick_up(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    down, lift = _ease((progress - 0.02) / 0.42), _ease((progress - 0.42) / 0.54)
    crouch = down * (1 - lift)
    feet = (-0.03, 0.05)
    deep = _between(0.17, 0.23, manner.vigour)
    pose = Pose(
        lean=3 + _between(60, 68, manner.habit) * crouch - 5 * lift,
        nod=-16 * crouch,
        turn=_between(0.08, 0.40, manner.turn),
        pelvis=(0.0 - 0.10 * crouch, build.leg * 0.985 + ANKLE - deep * crouch),
    )
    figure = _stand(build, pose, feet=feet, height=pose.pelvis[1])
    size = _between(0.92, 1.2, manner.habit)
    floor = np.array([0.30, 0.10 * size])
    held = np.array([0.27, 0.60])
    box = floor + (held - floor) * lift + np.array([0.05 * np.sin(np.pi * lift), 0])
    hang = figure["near_shoulder"] + np.array([0.05, -0.97 * build.arm])
    for side, grip in (("near", (-0.06, 0.035)), ("far", (0.03, 0.06))):
        target = hang + (box + np.array(grip) * size - hang) * down
        figure = reach(figure, side, to=target)
    return Moment(
        figure,
        _order(("box", "near_arm")),
        (Placement("box", tuple(box), size=size),),
        (*_feet(figure), (float(box[0]), float(box[1] - floor[1]))),
    )


def _sit_down(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    share = _ease((progress - 0.04) / 0.92)
    chair = -0.21
    start, end = np.array([0.0, build.leg * 0.985 + ANKLE]), np.array([chair + 0.01, 0.355])
    pelvis = start + (end - start) * share
    pelvis[0] -= 0.035 * np.sin(np.pi * share)
    pose = Pose(
        lean=_between(28, 40, manner.vigour) * np.sin(np.pi * share) - 3 * share,
        nod=-12 * np.sin(np.pi * share),
        turn=_between(0.08, 0.40, manner.turn),
        pelvis=tuple(pelvis),
    )
    figure = _stand(build, pose, feet=(0.01, 0.06), height=pelvis[1])
    for side in SIDES:
        hang = figure[f"{side}_shoulder"] + np.array([0.03, -0.97 * build.arm])
        knee = figure[f"{side}_knee"] + np.array([-0.035, 0.055])
        figure = reach(figure, side, to=hang + (knee - hang) * share)
    return Moment(
        figure,
        ("chair", *PARTS),
        (Placement("chair", (chair, 0.0)),),
        (*_feet(figure), (chair - 0.12, 0.0), (chair + 0.12, 0.0)),
    )


def _jumping_jack(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    cycle = 2 * np.pi * (manner.start + _between(1.0, 1.5, manner.tempo) * seconds)
    spread = 0.5 - 0.5 * np.cos(cycle)
    hop = _between(0.02, 0.05, manner.vigour) * abs(np.sin(cycle))
    feet = 0.05 + _between(0.15, 0.20, manner.vigour) * spread
    drop = np.sqrt((build.leg * 0.99) ** 2 - (feet - build.hips) ** 2)
    raised = 10 + _between(140, 155, manner.habit) * spread
    arms = (raised, 14 - 6 * spread)
    pose = Pose(
        turn=_between(0.86, 1.0, manner.turn),
        near_arm=arms,
        far_arm=arms,
        pelvis=(0.0, float(drop + ANKLE + hop)),
    )
    figure = skeleton(build, pose)
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        figure = plant(figure, side, at=np.array([sign * feet, ANKLE + hop]))
    return Moment(figure, PARTS, contacts=_feet(figure))


def _handstand(
    build: Build, *, x: float, bend: float, sway: float, turn: float, legs: tuple
) -> Skeleton:
    """Stand on the hands; `bend` 0..1 lowers the body, `legs` are (hip, knee) of both legs."""
    height = build.arm * _between(0.985, 0.60, bend) + 0.03
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


def _handstand_order(figure: Skeleton) -> tuple[str, ...]:
    return ("far_leg", "far_arm", "head", "torso", "near_leg", "near_arm")


def _handstand_pushups(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    cycle = 2 * np.pi * (manner.start + _between(0.75, 1.2, manner.tempo) * seconds)
    bend = (0.5 - 0.5 * np.cos(cycle)) * _between(0.8, 1.0, manner.vigour)
    apart = _between(0, 9, manner.habit)
    sway = 2.5 * np.sin(cycle * 0.5 + 6 * manner.habit)
    legs = ((apart + 2 * sway, 3), (-apart + 2 * sway, 3))
    turn = _between(0.25, 0.49, manner.turn)
    figure = _handstand(build, x=0.0, bend=bend, sway=sway, turn=turn, legs=legs)
    spots = (0.045, -0.035)
    for side, spot in zip(SIDES, spots, strict=True):
        figure = reach(figure, side, to=np.array([spot, 0.03]))
    return Moment(figure, _handstand_order(figure), contacts=tuple((spot, 0.0) for spot in spots))


def _handstand_walking(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    pace = _between(1.1, 1.6, manner.tempo)
    cycle = manner.start + pace * seconds
    stride = _between(0.13, 0.18, manner.vigour)
    travelled = stride * (cycle - manner.start) * 2
    way = -travelled  # upside down, the face is towards −x
    sway = 5 * np.sin(2 * np.pi * cycle)
    split = _between(20, 36, manner.habit)
    beat = np.sin(2 * np.pi * cycle)
    legs = (
        (split + 12 * beat, 14 + 18 * manner.habit),
        (-split * 0.7 + 12 * beat, 22 + 12 * np.cos(2 * np.pi * cycle)),
    )
    turn = _between(0.25, 0.49, manner.turn)
    figure = _handstand(build, x=way, bend=0.08, sway=sway, turn=turn, legs=legs)
    contacts = []
    for side, phase in zip(SIDES, (0.0, 0.5), strict=True):
        place, lift = _gait(cycle + phase)
        spot = -stride * 2 * (place - manner.start - phase) + 0.005
        figure = reach(figure, side, to=np.array([spot, 0.03 + 0.05 * lift]))
        contacts.append((float(spot), 0.05 * float(lift)))
    return Moment(figure, _handstand_order(figure), contacts=tuple(contacts))


def _gait(cycle: float) -> tuple[float, float]:
    """Return where a hand is, in cycles, and how far it is lifted: still half the time."""
    whole, part = np.floor(cycle), cycle - np.floor(cycle)
    swing = np.clip((part - 0.5) / 0.5, 0, 1)
    return float(whole + 0.25 + _ease(swing)), float(np.sin(np.pi * swing))


def _playing_cello(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    cycle = 2 * np.pi * (manner.start + _between(0.7, 1.2, manner.tempo) * seconds)
    drawn = np.sin(cycle)
    hips = 0.335
    pose = Pose(
        lean=2.5 * drawn,
        nod=_between(4, 12, manner.habit) + 3 * np.sin(cycle * 0.5),
        turn=_between(0.8, 1.0, manner.turn),
        pelvis=(0.0, hips),
    )
    figure = skeleton(build, pose)
    joints = {}
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        joints[f"{side}_knee"] = np.array([sign * 0.185, 0.285])
        joints[f"{side}_ankle"] = np.array([sign * 0.165, ANKLE + 0.005])
        joints[f"{side}_toe"] = np.array([sign * 0.20, ANKLE - 0.018])
    figure = figure.moved(**joints)
    cello = Placement("cello", (-0.01, 0.345), angle=_between(-19, -14, manner.habit))
    tilt = np.radians(cello.angle)
    up = np.array([-np.sin(tilt), np.cos(tilt)])
    anchor = np.array(cello.position)
    strings = anchor - up * 0.02
    angle = _between(-10, 4, manner.vigour) + 3 * drawn
    ahead = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    frog = strings - ahead * (0.20 + 0.10 * drawn)
    stopped = 0.30 + 0.07 * np.sin(cycle * 0.5 + 5 * manner.vigour) + 0.006 * np.sin(cycle * 5)
    figure = reach(figure, "near", to=frog + np.array([0, 0.012]), bend=-1)
    figure = reach(figure, "far", to=anchor + up * stopped + np.array([0.02, 0.0]), bend=-1)
    order = ("stool", "torso", "far_leg", "near_leg", "head", "cello", "bow", "far_arm", "near_arm")
    return Moment(
        figure,
        order,
        (Placement("stool", (0.0, 0.0)), cello, Placement("bow", tuple(frog), angle=angle)),
        (*_feet(figure), (0.0, 0.0)),
    )


def _upper_body(build: Build, *, sway: float, nod: float, turn: float) -> Skeleton:
    pose = Pose(lean=sway, nod=nod, turn=turn, pelvis=(0.0, build.leg * 0.985 + ANKLE))
    figure = skeleton(build, pose)
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        figure = plant(figure, side, at=np.array([sign * 0.075, ANKLE]))
    return figure


def _brushing_teeth(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    cycle = 2 * np.pi * (manner.start + _between(2.2, 3.4, manner.tempo) * seconds)
    stroke = _between(0.020, 0.032, manner.vigour) * np.sin(cycle)
    sway = 2.0 * np.sin(cycle * 0.21 + 6 * manner.habit)
    turn = _between(0.62, 0.95, manner.turn)
    figure = _upper_body(build, sway=sway, nod=2 * sway, turn=turn)
    mouth = figure.mouth
    angle = _between(4, 24, manner.habit)
    ahead = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    bristles = mouth + ahead * (stroke - 0.004) + np.array([0, 0.012])
    figure = reach(figure, "near", to=bristles - ahead * 0.13 - np.array([0, 0.008]), bend=1)
    cup = np.array([0.095 + 0.02 * manner.vigour, _between(0.60, 0.68, manner.vigour)])
    cup = cup + np.array([0.0, 0.004 * np.sin(cycle * 0.3)])
    figure = reach(figure, "far", to=cup + np.array([0.02, -0.012]))
    return Moment(
        figure,
        _order(("foam", "near_arm"), ("toothbrush", "near_arm"), ("cup", "far_arm"),
               parts=("far_leg", "near_leg", "torso", "head", "far_arm", "near_arm")),
        (
            Placement("foam", tuple(mouth)),
            Placement("toothbrush", tuple(bristles), angle=angle),
            Placement("cup", tuple(cup)),
        ),
    )  # fmt: skip


def _playing_flute(build: Build, progress: float, seconds: float, manner: Manner) -> Moment:
    cycle = 2 * np.pi * (manner.start + _between(0.5, 0.9, manner.tempo) * seconds)
    sway = _between(1.5, 3.5, manner.vigour) * np.sin(cycle)
    turn = _between(0.62, 0.95, manner.turn)
    figure = _upper_body(build, sway=sway, nod=1.5 * sway, turn=turn)
    angle = _between(-4, 16, manner.habit) + 5 * np.sin(cycle + 1)
    ahead = -np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    mouth = figure.mouth + np.array([0.0, -0.008])
    finger = 0.006 * np.sin(cycle * 4.6)
    figure = reach(figure, "near", to=mouth + ahead * 0.27 + np.array([0, -0.018 + finger]), bend=1)
    figure = reach(figure, "far", to=mouth + ahead * 0.13 + np.array([0, -0.018 - finger]), bend=1)
    return Moment(
        figure,
        _order(("flute", "far_arm"),
               parts=("far_leg", "near_leg", "torso", "head", "far_arm", "near_arm")),
        (Placement("flute", tuple(mouth), angle=angle),),
    )  # fmt: skip


_ARMS, _LEGS = ("near_arm", "far_arm"), ("near_leg", "far_leg")
ACTIONS = {
    "OpenDoor": Action(_open_door, ("near_arm",), ("door",), at_wall=True),
    "PickUp": Action(_pick_up, _ARMS, ("box",)),
    "SitDown": Action(_sit_down, _LEGS, ("chair",)),
    "JumpingJack": Action(_jumping_jack, (*_ARMS, *_LEGS)),
    "HandstandPushups": Action(_handstand_pushups, _ARMS),
    "HandstandWalking": Action(_handstand_walking, (*_ARMS, *_LEGS)),
    "PlayingCello": Action(_playing_cello, _ARMS, ("cello", "bow")),
    "BrushingTeeth": Action(
        _brushing_teeth, ("near_arm",), ("toothbrush", "foam", "cup"), cut=0.44
    ),
    "PlayingFlute": Action(_playing_flute, _ARMS, ("flute",), cut=0.44),
}
