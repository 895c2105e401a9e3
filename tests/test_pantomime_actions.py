import numpy as np
import pytest

from vidlab.pantomime.actions import ACTIONS, CLASSES, REVERSED_PAIRS
from vidlab.pantomime.body import SIDES, Build, random_build
from vidlab.pantomime.figure import PARTS
from vidlab.pantomime.moments import Manner, random_manner
from vidlab.pantomime.props import PROPS, DoorShape

STEPS = np.linspace(0, 1, 21)


def people():
    rng = np.random.default_rng(5)
    return [(Build(), Manner())] + [(random_build(rng), random_manner(rng)) for _ in range(4)]


def moments(name, build, manner, seconds=1.6):
    act = ACTIONS[name].moment
    return [act(build, manner, progress=p, seconds=p * seconds) for p in STEPS.tolist()]


def prop(moment, kind):
    return next(placement for placement in moment.props if placement.kind == kind)


def test_the_twelve_classes_are_the_drawn_ones_and_the_reversed_ones():
    assert list(CLASSES) == sorted(CLASSES)
    assert len(CLASSES) == 12
    assert set(ACTIONS) | {second for _, second in REVERSED_PAIRS} == set(CLASSES)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_moment_draws_each_part_once_and_every_prop_it_places(name):
    build, manner = people()[1]
    for moment in moments(name, build, manner):
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
def test_a_reversible_act_goes_one_way_from_its_first_state_to_its_last(name, state):
    for build, manner in people():
        states = np.array([state(moment) for moment in moments(name, build, manner)])
        assert (np.diff(states) >= -1e-9).all()
        assert states[-1] > states[0]


def test_the_door_is_eased_the_same_at_both_ends():
    opening = np.array([prop(m, "door").opening for m in moments("OpenDoor", Build(), Manner())])
    assert opening + opening[::-1] == pytest.approx(opening.max())


def test_the_hand_never_leaves_the_door_handle():
    for build, manner in people():
        for moment in moments("OpenDoor", build, manner):
            door = prop(moment, "door")
            handle = np.array(door.position) + DoorShape().handle(door.opening)
            assert np.hypot(*(moment.figure["near_hand"] - handle)) < 0.03


def test_both_hands_are_on_the_box_while_it_moves():
    for build, manner in people():
        for moment in moments("PickUp", build, manner)[10:]:
            box = prop(moment, "box")
            for side in SIDES:
                off = np.abs(moment.figure[f"{side}_hand"] - box.position)
                assert off[0] < 0.17 * box.size
                assert off[1] < 0.18 * box.size


@pytest.mark.parametrize(
    "name", ["PickUp", "SitDown", "BrushingTeeth", "PlayingFlute", "PlayingCello"]
)
def test_feet_do_not_slide_where_nobody_walks(name):
    for build, manner in people():
        feet = np.array(
            [[m.figure[f"{side}_ankle"] for side in SIDES] for m in moments(name, build, manner)]
        )
        assert np.ptp(feet, axis=0).max() < 0.012


def test_hands_stand_still_in_push_ups_and_travel_when_walking():
    for build, manner in people():
        still = [m.figure["near_hand"] for m in moments("HandstandPushups", build, manner)]
        walk = [m.figure["near_hand"] for m in moments("HandstandWalking", build, manner)]
        assert np.ptp(still, axis=0).max() < 0.01
        assert np.ptp(walk, axis=0)[0] > 0.25


def test_push_ups_bend_the_arms_and_walking_keeps_them_straight():
    heights = {}
    for name in ("HandstandPushups", "HandstandWalking"):
        chest = [m.figure["chest"][1] for m in moments(name, Build(), Manner())]
        heights[name] = np.ptp(chest)
    assert heights["HandstandPushups"] > 3 * heights["HandstandWalking"]
