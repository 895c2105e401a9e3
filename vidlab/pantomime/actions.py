"""The twelve classes: each drawn action as a function of time, and what to look at in it.

An action is a function of progress (0 at the clip's first frame, 1 at its last) and, where it
repeats itself, of seconds. The second class of each reversed pair has no function of its own: it is
the first one's frames from the last to the first. So opening a door and sitting down move from one
state to another in one go, eased the same at both ends, and the crank turns evenly from any angle
to any other: the reverse of each is as natural as the action itself. The two handstands share their
pose and differ by what moves; flute and toothbrush share what the arms do at the mouth and differ
by what the hands hold.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np

from vidlab.data.index import ReversedPair
from vidlab.pantomime.body import (
    ANKLE,
    SIDES,
    Build,
    Pose,
    Skeleton,
    axes,
    feet_on_floor,
    plant,
    reach,
    skeleton,
    stand,
)
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.props import DoorShape, Placement

__all__ = ["ACTIONS", "CLASSES", "REVERSED_PAIRS", "Action", "Moment", "MotionStyle"]

ARMS, LEGS = ("near_arm", "far_arm"), ("near_leg", "far_leg")
REVERSED_PAIRS = (
    ReversedPair("OpenDoor", "CloseDoor"),
    ReversedPair("SitDown", "StandUp"),
    ReversedPair("CrankForwards", "CrankBackwards", cyclic=True),
)
_UPSIDE_DOWN = ("far_leg", "far_arm", "head", "torso", "near_leg", "near_arm")


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


def _open_door(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Take the handle and walk the door open; the hand never leaves it."""
    shape = DoorShape()
    swing = _ease((progress - 0.04) / 0.92)
    widest = _between(90, 102, style.vigour)
    base = np.array([0.27, 0.11])
    first, handle, last = (base + shape.handle(angle) for angle in (0.0, swing * widest, widest))
    # The body follows the handle at arm's length; each foot takes one step of the whole way.
    x, way = handle[0] - 0.24, last[0] - first[0]
    gone = (handle[0] - first[0]) / way
    steps = [_ease((gone - begin) / 0.42) for begin in (0.08, 0.50)]
    start = first[0] - 0.24
    spots = [start + off + way * step for off, step in zip((-0.04, 0.05), steps, strict=True)]
    furthest = max(abs(spot - x) for spot in spots) + 0.03
    legs = min(0.975 * build.leg, 0.99 * np.sqrt(build.leg**2 - furthest**2))
    pose = Pose(
        lean=5 + 8 * np.sin(np.pi * swing),
        nod=-2,
        turn=_between(0.12, 0.42, style.turn),
        far_arm=(-14 + 26 * swing, 18),
        pelvis=(float(x), float(legs + ANKLE)),
    )
    figure = skeleton(build, pose)
    for side, spot, step in zip(SIDES, spots, steps, strict=True):
        lift = 0.04 * np.sin(np.pi * step)
        figure = plant(figure, side, at=np.array([spot, ANKLE + lift]))
    figure = reach(figure, "near", to=handle)
    props = Placement("wall", tuple(base)), Placement("door", tuple(base), opening=swing * widest)
    edge = float(base[0] + shape.edge(swing * widest)[0])
    return Moment(figure, ("wall", "door", *PARTS), props, (*feet_on_floor(figure), (edge, 0.0)))


def _sit_down(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Lower the body onto a chair, leaning forward on the way."""
    share = _ease((progress - 0.04) / 0.92)
    chair = -0.21
    start, end = np.array([0.0, build.leg * 0.985 + ANKLE]), np.array([chair + 0.01, 0.355])
    pelvis = start + (end - start) * share
    pelvis[0] -= 0.035 * np.sin(np.pi * share)
    pose = Pose(
        lean=_between(28, 40, style.vigour) * np.sin(np.pi * share) - 3 * share,
        nod=-12 * np.sin(np.pi * share),
        turn=_between(0.08, 0.40, style.turn),
        pelvis=tuple(pelvis),
    )
    figure = stand(build, pose, feet=(0.01, 0.06))
    for side in SIDES:
        hang = figure[f"{side}_shoulder"] + np.array([0.03, -0.97 * build.arm])
        knee = figure[f"{side}_knee"] + np.array([-0.035, 0.055])
        figure = reach(figure, side, to=hang + (knee - hang) * share)
    legs = (chair - 0.12, 0.0), (chair + 0.12, 0.0)
    props = (Placement("chair", (chair, 0.0)),)
    return Moment(figure, ("chair", *PARTS), props, (*feet_on_floor(figure), *legs))


def _turn_crank(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Turn the crank of a mill with both hands, over the top and away from the body.

    First and last angle are drawn on their own, so that the two tell nothing of the direction; one
    or two whole turns are between them, as far as two turns a second allow, so that 16 frames show
    every turn in steps of less than half of one. The angle alone decides the pose.
    """
    whole = min(int(2 * style.seconds) - 1, 2)
    turned = style.start + ((style.end - style.start) % 1 + whole) * progress
    across, up = np.sin(2 * np.pi * turned), np.cos(2 * np.pi * turned)
    hub, radius = np.array([0.27, 0.66]), _between(0.125, 0.140, style.vigour)
    handle = hub + radius * np.array([across, up])
    pose = Pose(
        lean=_between(13, 19, style.habit) + 14 * across - 8 * up,
        nod=-4,
        turn=_between(0.08, 0.40, style.turn),
        pelvis=(0.01 + 0.05 * across, build.leg * 0.92 + ANKLE + 0.01 * up),
    )
    figure = stand(build, pose, feet=(-0.11, 0.11))
    for side, grip in zip(SIDES, ((0.0, 0.0), (0.015, 0.010)), strict=True):
        figure = reach(figure, side, to=handle + grip)
    crank = Placement("crank", tuple(hub), angle=-360 * turned, size=radius)
    props = Placement("mill", (hub[0], 0.0)), crank
    legs = (hub[0] - 0.16, 0.0), (hub[0] + 0.16, 0.0)
    return Moment(figure, ("mill", "crank", *PARTS), props, (*feet_on_floor(figure), *legs))


def _jumping_jack(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Jump between legs together, arms down, and legs apart, arms up."""
    cycle = 2 * np.pi * (style.start + _between(1.0, 1.5, style.tempo) * seconds)
    spread = 0.5 - 0.5 * np.cos(cycle)
    hop = _between(0.02, 0.05, style.vigour) * abs(np.sin(cycle))
    feet = 0.05 + _between(0.15, 0.20, style.vigour) * spread
    drop = np.sqrt((build.leg * 0.99) ** 2 - (feet - build.hips) ** 2)
    raised = 10 + _between(140, 155, style.habit) * spread
    arms = (raised, 14 - 6 * spread)
    turn, pelvis = _between(0.86, 1.0, style.turn), (0.0, float(drop + ANKLE + hop))
    pose = Pose(near_arm=arms, far_arm=arms, turn=turn, pelvis=pelvis)
    figure = stand(build, pose, feet=(-feet, feet), lift=hop)
    return Moment(figure, PARTS, contacts=feet_on_floor(figure))


def _handstand_pushups(
    build: Build, style: MotionStyle, *, progress: float, seconds: float
) -> Moment:
    """Bend and stretch the arms in a handstand, the hands fixed."""
    cycle = 2 * np.pi * (style.start + _between(0.75, 1.2, style.tempo) * seconds)
    bend = (0.5 - 0.5 * np.cos(cycle)) * _between(0.8, 1.0, style.vigour)
    apart = _between(0, 14, style.habit)
    sway = 2.5 * np.sin(cycle * 0.5 + 6 * style.habit)
    legs = ((apart + 2 * sway, 3), (-apart + 2 * sway, 3))
    figure = _handstand(build, style, x=0.0, bend=bend, sway=sway, legs=legs)
    spots = (0.085, -0.075)  # upside down, the near side is on the right
    for side, spot, bend in zip(SIDES, spots, (1, -1), strict=True):
        figure = reach(figure, side, to=np.array([spot, 0.03]), bend=bend)
    return Moment(figure, _UPSIDE_DOWN, contacts=tuple((spot, 0.0) for spot in spots))


def _handstand_walking(
    build: Build, style: MotionStyle, *, progress: float, seconds: float
) -> Moment:
    """Walk on the hands, one at a time, the legs split and swaying."""
    cycle = style.start + _between(1.1, 1.6, style.tempo) * seconds
    stride = _between(0.13, 0.18, style.vigour)
    way = -(stride * (cycle - style.start) * 2)  # upside down, the face is towards −x
    split, beat = _between(9, 32, style.habit), np.sin(2 * np.pi * cycle)
    legs = (
        (split + 12 * beat, 14 + 18 * style.habit),
        (-split * 0.7 + 12 * beat, 22 + 12 * np.cos(2 * np.pi * cycle)),
    )
    figure = _handstand(build, style, x=way, bend=0.08, sway=5 * beat, legs=legs)
    contacts = []
    for side, phase, sign in zip(SIDES, (0.0, 0.5), (1, -1), strict=True):
        place, lift = _gait(cycle + phase)
        spot = -stride * 2 * (place - style.start - phase) + 0.08 * sign
        figure = reach(figure, side, to=np.array([spot, 0.03 + 0.05 * lift]), bend=sign)
        contacts.append((float(spot), 0.05 * float(lift)))
    return Moment(figure, _UPSIDE_DOWN, contacts=tuple(contacts))


def _handstand(
    build: Build, style: MotionStyle, *, x: float, bend: float, sway: float, legs: tuple
) -> Skeleton:
    """Stand on the hands; `bend` 0..1 lowers the body, `legs` are (hip, knee) of both legs."""
    height = build.arm * _between(0.985, 0.60, bend) + 0.03
    lean = 180 + sway
    pelvis = np.array([x + 0.02 * bend, height - 0.02]) - axes(lean)[1] * build.trunk
    turn, (near, far) = _between(0.25, 0.49, style.turn), legs
    pose = Pose(lean, 14, near_leg=near, far_leg=far, turn=turn, pelvis=tuple(pelvis))
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
    return float(whole + 0.25 + _ease(swing)), float(np.sin(np.pi * swing))


def _playing_cello(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Bow a cello from seated, the other hand moving on its neck."""
    cycle = 2 * np.pi * (style.start + _between(0.7, 1.2, style.tempo) * seconds)
    drawn = np.sin(cycle)
    hips = 0.335
    pose = Pose(
        lean=2.5 * drawn,
        nod=_between(4, 12, style.habit) + 3 * np.sin(cycle * 0.5),
        turn=_between(0.8, 1.0, style.turn),
        pelvis=(0.0, hips),
    )
    figure = skeleton(build, pose)
    joints = {}
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        joints[f"{side}_knee"] = np.array([sign * 0.185, 0.285])
        joints[f"{side}_ankle"] = np.array([sign * 0.165, ANKLE + 0.005])
        joints[f"{side}_toe"] = np.array([sign * 0.20, ANKLE - 0.018])
    figure = figure.moved(**joints)
    cello = Placement("cello", (-0.01, 0.345), angle=_between(-19, -14, style.habit))
    up = axes(-cello.angle)[1]
    anchor = np.array(cello.position)
    strings = anchor - up * 0.02
    angle = _between(-10, 4, style.vigour) + 3 * drawn
    ahead = axes(-angle)[0]
    frog = strings - ahead * (0.20 + 0.10 * drawn)
    stopped = 0.30 + 0.07 * np.sin(cycle * 0.5 + 5 * style.vigour) + 0.006 * np.sin(cycle * 5)
    figure = reach(figure, "near", to=frog + np.array([0, 0.012]), bend=-1)
    elbow = figure["far_shoulder"] + build.upper_arm * np.array([0.80, -0.30 + 1.2 * stopped])
    figure = figure.moved(far_elbow=elbow, far_hand=anchor + up * stopped + (0.018, 0.0))
    order = ("stool", "torso", "far_leg", "near_leg", "head", "cello", "bow", "far_arm", "near_arm")
    props = Placement("stool", (0.0, 0.0)), cello, Placement("bow", tuple(frog), angle=angle)
    return Moment(figure, order, props, (*feet_on_floor(figure), (0.0, 0.0)))


def _brushing_teeth(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Brush with one hand, a mug in the other."""
    cycle = 2 * np.pi * (style.start + _between(2.2, 3.4, style.tempo) * seconds)
    stroke = _between(0.020, 0.032, style.vigour) * np.sin(cycle)
    sway = 2.0 * np.sin(cycle * 0.21 + 6 * style.habit)
    figure = _upper_body(build, style, sway=sway, nod=2 * sway)
    mouth = figure.mouth
    angle = _between(4, 24, style.habit)
    ahead = axes(-angle)[0]
    bristles = mouth + ahead * (stroke - 0.004) + np.array([0, 0.012])
    # So close to the shoulder the elbow points partly at the viewer; it keeps its place.
    elbow = figure["near_shoulder"] + build.upper_arm * np.array([-0.74, -0.36 + 2 * stroke])
    figure = figure.moved(near_elbow=elbow, near_hand=bristles - ahead * 0.13 - (0, 0.008))
    cup = np.array([0.095 + 0.02 * style.vigour, _between(0.60, 0.68, style.vigour)])
    cup = cup + np.array([0.0, 0.004 * np.sin(cycle * 0.3)])
    figure = reach(figure, "far", to=cup + np.array([0.02, -0.012]))
    order = ("far_leg", "near_leg", "torso", "head", "cup", "far_arm")
    order = (*order, "foam", "toothbrush", "near_arm")
    brush = Placement("toothbrush", tuple(bristles), angle=angle)
    props = Placement("foam", tuple(mouth)), brush, Placement("cup", tuple(cup))
    return Moment(figure, order, props)


def _playing_flute(build: Build, style: MotionStyle, *, progress: float, seconds: float) -> Moment:
    """Hold a flute to the side and sway with it."""
    cycle = 2 * np.pi * (style.start + _between(0.5, 0.9, style.tempo) * seconds)
    sway = _between(1.5, 3.5, style.vigour) * np.sin(cycle)
    figure = _upper_body(build, style, sway=sway, nod=1.5 * sway)
    angle = _between(-4, 16, style.habit) + 5 * np.sin(cycle + 1)
    ahead = -axes(-angle)[0]
    mouth = figure.mouth + np.array([0.0, -0.008])
    finger = 0.006 * np.sin(cycle * 4.6)
    figure = reach(figure, "near", to=mouth + ahead * 0.27 + np.array([0, -0.018 + finger]), bend=1)
    figure = reach(figure, "far", to=mouth + ahead * 0.13 + np.array([0, -0.018 - finger]), bend=1)
    order = ("far_leg", "near_leg", "torso", "head", "flute", "far_arm", "near_arm")
    return Moment(figure, order, (Placement("flute", tuple(mouth), angle=angle),))


def _upper_body(build: Build, style: MotionStyle, *, sway: float, nod: float) -> Skeleton:
    turn = _between(0.68, 0.96, style.turn)
    pose = Pose(sway, nod, turn=turn, pelvis=(0.0, build.leg * 0.985 + ANKLE))
    return stand(build, pose, feet=(-0.075, 0.075))


def _ease(value: float) -> float:
    """Return a smooth step from 0 to 1, the same forwards and backwards.

    Examples
    --------
    >>> _ease(-1), _ease(0.25) + _ease(0.75), _ease(2)
    (0.0, 1.0, 1.0)
    """
    value = float(np.clip(value, 0, 1))
    return value * value * (3 - 2 * value)


def _between(low: float, high: float, share: float) -> float:
    """Return what lies `share` of the way from `low` to `high`.

    Examples
    --------
    >>> _between(10, 20, 0.25)
    12.5
    """
    return low + (high - low) * share


ACTIONS = {
    "OpenDoor": Action(_open_door, ("near_arm",), ("door",), at_wall=True, number=5),
    "CrankForwards": Action(_turn_crank, ARMS, ("crank",), cut=0.36, number=6),
    "SitDown": Action(_sit_down, LEGS, ("chair",), number=10),
    "JumpingJack": Action(_jumping_jack, (*ARMS, *LEGS), number=4),
    "HandstandPushups": Action(_handstand_pushups, ARMS, number=2),
    "HandstandWalking": Action(_handstand_walking, (*ARMS, *LEGS), number=3),
    "PlayingCello": Action(_playing_cello, ARMS, ("cello", "bow"), number=7),
    "BrushingTeeth": Action(
        _brushing_teeth, ("near_arm",), ("toothbrush", "foam", "cup"), cut=0.44, number=0
    ),
    "PlayingFlute": Action(_playing_flute, ARMS, ("flute",), cut=0.44, number=8),
}
CLASSES = tuple(sorted([*ACTIONS, *dict(REVERSED_PAIRS).values()]))
