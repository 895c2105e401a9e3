"""Bodies, props and actions before they are filmed: joints, where they are drawn, how they move."""

import numpy as np
import pytest

from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS
from vidlab.pantomime.body import (
    SIDES,
    Build,
    Pose,
    plant,
    random_build,
    random_pose,
    reach,
    skeleton,
)
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.motion import MotionStyle, random_motion_style
from vidlab.pantomime.props import PROPS, DoorShape


def distance(first, second):
    return float(np.hypot(*(np.asarray(first) - np.asarray(second))))


@pytest.mark.parametrize("seed", range(8))
def test_bones_keep_their_lengths_even_where_a_hand_cannot_reach(seed):
    rng = np.random.default_rng(seed)
    build = random_build(rng)
    figure = skeleton(build, random_pose(rng))
    bones = {
        ("shoulder", "elbow"): build.upper_arm,
        ("elbow", "hand"): build.forearm,
        ("hip", "knee"): build.thigh,
        ("knee", "ankle"): build.shank,
    }
    hand = figure["near_shoulder"] + rng.uniform(-0.15, 0.15, 2)
    far_off = plant(reach(figure, "near", to=hand + 2), "far", at=hand - 2)
    for posed in (figure, far_off):
        for (first, second), length in bones.items():
            for side in SIDES:
                between = distance(posed[f"{side}_{first}"], posed[f"{side}_{second}"])
                assert between == pytest.approx(length, abs=1e-3)
    assert distance(figure["pelvis"], figure["chest"]) == pytest.approx(build.trunk)


@pytest.mark.parametrize(
    ("pose", "axis", "joints"),
    [
        (Pose(), 1, ["near_ankle", "pelvis", "chest", "head"]),
        (Pose(), 1, ["far_hand", "far_elbow", "far_shoulder"]),
        (Pose(lean=180), 1, ["head", "pelvis", "near_ankle"]),
        (Pose(near_leg=(0, 60), turn=0), 0, ["near_ankle", "near_knee"]),
        (Pose(near_arm=(0, 60), turn=0), 0, ["near_elbow", "near_hand"]),
        (Pose(near_arm=(90, 0), far_arm=(90, 0), turn=1), 0, ["near_hand", "head", "far_hand"]),
    ],
    ids=["upright", "arms hang", "upside down", "knee backwards", "elbow forwards", "arms spread"],
)
def test_joints_follow_each_other_from_left_to_right_or_upwards(pose, axis, joints):
    figure = skeleton(Build(), pose)
    assert (np.diff([figure[name][axis] for name in joints]) > 0).all()


# ---- actions

STEPS = np.linspace(0, 1, 21)
RNG = np.random.default_rng(5)
PEOPLE = [(Build(), MotionStyle())]
PEOPLE += [(random_build(RNG), random_motion_style(RNG)) for _ in range(4)]


def moments(name, build, style, seconds=1.6):
    act = ACTIONS[name].moment
    return [act(build, style, progress=p, seconds=p * seconds) for p in STEPS.tolist()]


def prop(moment, kind):
    return next(placement for placement in moment.props if placement.kind == kind)


def test_the_twelve_classes_are_the_drawn_ones_and_the_reversed_ones():
    assert list(CLASSES) == sorted(CLASSES)
    assert len(CLASSES) == 12
    assert set(ACTIONS) | {second for _, second in REVERSED_PAIRS} == set(CLASSES)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_moment_draws_each_part_once_and_every_prop_it_places(name):
    for moment in moments(name, *PEOPLE[1]):
        kinds = [placement.kind for placement in moment.props]
        assert sorted(moment.order) == sorted([*PARTS, *kinds])
        assert set(ACTIONS[name].evidence) <= set(kinds) <= set(PROPS)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("OpenDoor", lambda moment: prop(moment, "door").opening),
        ("PickUp", lambda moment: prop(moment, "box").position[1]),
        ("SitDown", lambda moment: -moment.figure["pelvis"][1]),
    ],
    ids=["OpenDoor", "PickUp", "SitDown"],
)
def test_a_reversible_action_goes_one_way_from_its_first_state_to_its_last(name, state):
    for person in PEOPLE:
        states = np.array([state(moment) for moment in moments(name, *person)])
        assert (np.diff(states) >= -1e-9).all()
        assert states[-1] > states[0]
        if name != "PickUp":  # eased the same at both ends
            assert states + states[::-1] == pytest.approx(states[0] + states[-1])


@pytest.mark.parametrize("person", PEOPLE)
def test_hands_stay_on_the_door_handle_and_on_the_box(person):
    for moment in moments("OpenDoor", *person):
        door = prop(moment, "door")
        handle = np.array(door.position) + DoorShape().handle(door.opening)
        assert distance(moment.figure["near_hand"], handle) < 0.03
    for moment in moments("PickUp", *person)[10:]:
        box = prop(moment, "box")
        for side in SIDES:
            off = np.abs(moment.figure[f"{side}_hand"] - box.position)
            assert (off < np.array([0.17, 0.18]) * box.size).all()


@pytest.mark.parametrize(
    "name", ["PickUp", "SitDown", "BrushingTeeth", "PlayingFlute", "PlayingCello"]
)
def test_feet_do_not_slide_where_nobody_walks(name):
    for person in PEOPLE:
        feet = [[m.figure[f"{side}_ankle"] for side in SIDES] for m in moments(name, *person)]
        assert np.ptp(feet, axis=0).max() < 0.012


def test_push_ups_bend_still_arms_and_walking_on_hands_moves_straight_ones():
    travelled, height = {}, {}
    for name in ("HandstandPushups", "HandstandWalking"):
        for person in PEOPLE:
            hands = [m.figure["near_hand"] for m in moments(name, *person)]
            travelled.setdefault(name, []).append(np.ptp(hands, axis=0))
        chest = [m.figure["chest"][1] for m in moments(name, *PEOPLE[0])]
        height[name] = np.ptp(chest)
    assert np.max(travelled["HandstandPushups"]) < 0.01
    assert np.min(travelled["HandstandWalking"], axis=0)[0] > 0.25
    assert height["HandstandPushups"] > 3 * height["HandstandWalking"]
