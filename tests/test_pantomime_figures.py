"""Bodies, props and actions before they are filmed: joints, where they are drawn, how they move."""

from dataclasses import replace

import numpy as np
import pytest

from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS, MotionStyle
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
PEOPLE += [(random_build(RNG), MotionStyle(*RNG.random(5))) for _ in range(4)]


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
        ("SitDown", lambda moment: -moment.figure["pelvis"][1]),
    ],
    ids=["OpenDoor", "SitDown"],
)
def test_an_action_between_two_states_goes_one_way_from_its_first_state_to_its_last(name, state):
    for person in PEOPLE:
        states = np.array([state(moment) for moment in moments(name, *person)])
        assert (np.diff(states) >= -1e-9).all()
        assert states[-1] > states[0]
        # Eased the same at both ends.
        assert states + states[::-1] == pytest.approx(states[0] + states[-1])


@pytest.mark.parametrize("person", PEOPLE)
def test_hands_stay_on_the_handles_of_door_and_crank(person):
    for moment in moments("OpenDoor", *person):
        door = prop(moment, "door")
        handle = np.array(door.position) + DoorShape().handle(door.opening)
        assert distance(moment.figure["near_hand"], handle) < 0.03
    for moment in moments("CrankForwards", *person):
        crank = prop(moment, "crank")
        angle = np.radians(crank.angle)
        handle = crank.position + crank.size * np.array([-np.sin(angle), np.cos(angle)])
        for side in SIDES:
            assert distance(moment.figure[f"{side}_hand"], handle) < 0.03


@pytest.mark.parametrize(
    "name", ["CrankForwards", "SitDown", "BrushingTeeth", "PlayingFlute", "PlayingCello"]
)
def test_feet_do_not_slide_where_nobody_walks(name):
    for person in PEOPLE:
        feet = [[m.figure[f"{side}_ankle"] for side in SIDES] for m in moments(name, *person)]
        assert np.ptp(feet, axis=0).max() < 0.012


@pytest.mark.parametrize(("seconds", "whole"), [(0.84, 0), (1, 1), (1.48, 1), (1.56, 2), (3.96, 2)])
def test_a_crank_turns_evenly_from_any_angle_to_any_other(seconds, whole):
    """Over the top it moves away from the body, which looks towards +x."""
    for start, end in RNG.random((20, 2)).tolist():
        style = MotionStyle(start=start, end=end, seconds=seconds)
        turned = [-prop(m, "crank").angle / 360 for m in moments("CrankForwards", Build(), style)]
        assert np.diff(turned) == pytest.approx(np.diff(turned)[0])
        assert (turned[0], turned[-1] % 1) == pytest.approx((start, end))
        assert int(turned[-1] - turned[0]) == whole
        assert (turned[-1] - turned[0]) / seconds <= 2


def test_the_angle_of_the_crank_alone_decides_the_pose():
    for build, style in PEOPLE:
        still = replace(style, start=0.3, end=0.3)
        first, *_, last = moments("CrankForwards", build, still)
        for name, joint in first.figure.joints.items():
            assert joint == pytest.approx(last.figure[name])


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
