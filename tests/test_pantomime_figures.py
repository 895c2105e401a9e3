"""Bodies, props and actions before they are filmed: joints, where they are drawn, how they move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    two_bone,
)
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.motion import MotionStyle, random_motion_style
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.props import PROPS, DoorShape, Placement, draw_prop, random_prop_style

WHITE = (255, 255, 255)
coordinates = st.floats(-2, 2)
lengths = st.floats(0.1, 1.0)


def distance(first, second):
    return float(np.hypot(*(np.asarray(first) - np.asarray(second))))


@settings(max_examples=40)
@given(x=coordinates, y=coordinates, upper=lengths, lower=lengths, bend=st.sampled_from([-1, 1]))
def test_two_bones_keep_their_lengths_bend_and_end_where_they_can(x, y, upper, lower, bend):
    root, target = np.array([0.3, -0.2]), np.array([x, y])
    middle, end = two_bone(root, target, upper=upper, lower=lower, bend=bend)
    assert distance(root, middle) == pytest.approx(upper, abs=1e-6)
    assert distance(middle, end) == pytest.approx(lower, abs=1e-3)
    way, first = end - root, middle - root
    assert bend * (way[0] * first[1] - way[1] * first[0]) >= -1e-9
    if abs(upper - lower) + 0.001 < distance(root, target) < (upper + lower) * 0.999:
        assert end == pytest.approx(target, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_bones_keep_their_lengths_in_any_pose(seed):
    rng = np.random.default_rng(seed)
    build = random_build(rng)
    figure = skeleton(build, random_pose(rng))
    bones = {
        ("shoulder", "elbow"): build.upper_arm,
        ("elbow", "hand"): build.forearm,
        ("hip", "knee"): build.thigh,
        ("knee", "ankle"): build.shank,
    }
    for (first, second), length in bones.items():
        for side in SIDES:
            assert distance(figure[f"{side}_{first}"], figure[f"{side}_{second}"]) == (
                pytest.approx(length)
            )
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


@pytest.mark.parametrize("turn", [0.1, 0.9], ids=["profile", "front"])
def test_hands_and_feet_go_where_they_are_sent(turn):
    figure = skeleton(Build(), Pose(turn=turn, pelvis=(0, 0.45)))
    hand = figure["near_shoulder"] + (-0.1, -0.18)
    figure = plant(reach(figure, "near", to=hand), "far", at=np.array([0.05, 0.035]))
    assert figure["near_hand"] == pytest.approx(hand)
    assert figure["far_ankle"] == pytest.approx([0.05, 0.035])


# ---- the pen


def drawn_extent(image):
    """Return (x0, y0, x1, y1) around the pixels that are clearly not black."""
    rows, columns = np.nonzero(image.max(axis=2) > 16)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_nested_pens_place_turn_and_scale_what_they_draw():
    image = np.zeros((120, 160, 3), np.uint8)
    Pen(image).at((80, 60), angle=90, size=10).rectangle((0, -0.5), (3, 0.5), WHITE)
    # Three units along x, turned by a quarter, are thirty pixels along y.
    assert drawn_extent(image) == pytest.approx((75, 60, 85, 90), abs=1)


@pytest.mark.parametrize("kind", sorted(PROPS))
def test_marks_give_the_box_of_the_pixels_drawn_in_their_block(kind):
    image = np.zeros((300, 400, 3), np.uint8)
    pen = Pen(image, matrix=np.array([[130.0, 0, 180], [0, -130.0, 240]]))
    style = random_prop_style(np.random.default_rng(3))
    with pen.marking("object"):
        draw_prop(pen, Placement(kind, (0.0, 0.1), angle=12, opening=40), style)
    extent = drawn_extent(image)
    pen.ellipse((9, 9), (1, 1), WHITE)
    assert pen.boxes()["object"] == pytest.approx(extent, abs=3)


@pytest.mark.parametrize(("x", "shadowed"), [(50, 70), (0, 20), (-90, 0)])
def test_a_soft_shadow_leaves_the_rest_alone_also_over_the_edge(x, shadowed):
    image = np.full((100, 100, 3), 200, np.uint8)
    Pen(image).soft((x, 50), (20, 20), (0, 0, 0), strength=0.8)
    assert (image[:, shadowed + 2 :] == 200).all()
    assert (image[50, max(x, 0)].max() < 60) == (shadowed > 0)


def test_a_stencil_is_full_wherever_something_is_drawn_whatever_its_colour():
    stencil = np.zeros((40, 60), np.uint8)
    pen = Pen(stencil)
    pen.soft((30, 20), (20, 15), (0, 0, 0), strength=1.0)
    pen.wash(np.array([[0, 0], [60, 0], [60, 40]]), WHITE, strength=1.0)
    assert not stencil.any()
    pen.ball((20, 20), (8, 8), (0, 0, 0))
    pen.at((40, 20)).stroke(np.array([[0, -8], [0, 8]]), 4, (9, 9, 9))
    assert (stencil[16:25, 16:25] == 255).all()
    assert (stencil[20, 40], stencil[0, 0]) == (255, 0)


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
