import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab.pantomime.body import (
    SIDES,
    Build,
    Pose,
    plant,
    random_build,
    random_pose,
    reach,
    skeleton,
    two_bone,
)

coordinates = st.floats(-2, 2)
lengths = st.floats(0.1, 1.0)


def distance(first, second):
    return float(np.hypot(*(np.asarray(first) - np.asarray(second))))


@given(x=coordinates, y=coordinates, upper=lengths, lower=lengths, bend=st.sampled_from([-1, 1]))
def test_two_bones_keep_their_lengths_and_end_where_they_can(x, y, upper, lower, bend):
    root, target = np.array([0.3, -0.2]), np.array([x, y])
    middle, end = two_bone(root, target, upper=upper, lower=lower, bend=bend)
    assert distance(root, middle) == pytest.approx(upper, abs=1e-6)
    assert distance(middle, end) == pytest.approx(lower, abs=1e-3)
    away = distance(root, target)
    if abs(upper - lower) + 0.001 < away < (upper + lower) * 0.999:
        assert end == pytest.approx(target, abs=1e-6)


def test_bend_chooses_the_side_of_the_joint():
    root, target = np.zeros(2), np.array([1.0, 0.0])
    left, _ = two_bone(root, target, upper=0.6, lower=0.6, bend=1)
    right, _ = two_bone(root, target, upper=0.6, lower=0.6, bend=-1)
    assert left[1] > 0 > right[1]


@pytest.mark.parametrize("seed", range(12))
def test_bones_keep_their_lengths_in_any_pose(seed):
    rng = np.random.default_rng(seed)
    build = random_build(rng)
    figure = skeleton(build, random_pose(rng))
    for side in SIDES:
        assert distance(figure[f"{side}_shoulder"], figure[f"{side}_elbow"]) == pytest.approx(
            build.upper_arm
        )
        assert distance(figure[f"{side}_elbow"], figure[f"{side}_hand"]) == pytest.approx(
            build.forearm
        )
        assert distance(figure[f"{side}_hip"], figure[f"{side}_knee"]) == pytest.approx(build.thigh)
        assert distance(figure[f"{side}_knee"], figure[f"{side}_ankle"]) == pytest.approx(
            build.shank
        )
    assert distance(figure["pelvis"], figure["chest"]) == pytest.approx(build.trunk)


def test_the_zero_pose_stands_upright_with_hanging_arms():
    figure = skeleton(Build(), Pose())
    assert figure["head"][1] > figure["chest"][1] > figure["pelvis"][1]
    for side in SIDES:
        assert (
            figure[f"{side}_hand"][1] < figure[f"{side}_elbow"][1] < figure[f"{side}_shoulder"][1]
        )
        assert 0 < figure[f"{side}_ankle"][1] < 0.05


def test_knees_bend_backwards_and_elbows_forwards_in_profile():
    figure = skeleton(Build(), Pose(near_leg=(0, 60), near_arm=(0, 60), turn=0))
    assert figure["near_ankle"][0] < figure["near_knee"][0]
    assert figure["near_hand"][0] > figure["near_elbow"][0]


def test_arms_open_to_both_sides_in_a_front_view():
    figure = skeleton(Build(), Pose(near_arm=(90, 0), far_arm=(90, 0), turn=1))
    assert figure["near_hand"][0] < -0.3
    assert figure["far_hand"][0] > 0.3


def test_half_a_turn_stands_the_body_on_its_head():
    figure = skeleton(Build(), Pose(lean=180))
    assert figure["head"][1] < figure["pelvis"][1] < figure["near_ankle"][1]


@pytest.mark.parametrize("turn", [0.1, 0.9], ids=["profile", "front"])
def test_hands_and_feet_go_where_they_are_asked(turn):
    figure = skeleton(Build(), Pose(turn=turn, pelvis=(0, 0.45)))
    hand = figure["near_shoulder"] + (-0.1, -0.18)
    figure = reach(figure, "near", to=hand)
    figure = plant(figure, "far", at=np.array([0.05, 0.035]))
    assert figure["near_hand"] == pytest.approx(hand)
    assert figure["far_ankle"] == pytest.approx([0.05, 0.035])
