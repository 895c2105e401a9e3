"""Rendered clips: the same from the same seed, twins reversed, boxes and outlines on the act."""

import numpy as np
import pytest

from vidlab.errors import DatasetError
from vidlab.pantomime import CLASSES, REVERSED_PAIRS, Shot, contact_sheet, rendering
from vidlab.pantomime.actions import ACTIONS
from vidlab.pantomime.rendering import FRAME_COUNTS

EDGES = ["x0", "y0", "x1", "y1"]


def some_frames(name, group, *, clip=1, count=3):
    shot = Shot(name, group, clip)
    return shot.render(np.linspace(0, shot.count - 1, count).astype(int))


def edges_around(mask):
    """Return (x0, y0, x1, y1) around what is True."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize(("first", "second"), [tuple(pair) for pair in REVERSED_PAIRS])
def test_twins_are_each_others_exact_reverse_grain_and_boxes_included(first, second):
    forward, backward = (Shot(name, 3, 1, size="smoke").render() for name in (first, second))
    again = forward.reversed()
    assert np.array_equal(again.frames, backward.frames)
    assert not np.array_equal(forward.frames[0], forward.frames[-1])
    assert again.boxes["frame"].is_monotonic_increasing
    boxes = [
        one.boxes.sort_values(["frame", "part", *EDGES]).to_numpy() for one in (again, backward)
    ]
    assert np.array_equal(*boxes)


def test_a_frame_is_the_same_whichever_others_are_drawn():
    whole = Shot("CrankBackwards", 4, 2, size="smoke").render()
    some = Shot("CrankBackwards", 4, 2, size="smoke").render([9, 0, 9])
    assert np.array_equal(some.frames, whole.frames[[9, 0, 9]])
    assert set(some.boxes["frame"]) == {0, 9}
    found, wanted = (made.boxes.query("frame == 0").to_numpy() for made in (some, whole))
    assert np.array_equal(found, wanted)


def test_seed_group_clip_and_class_each_change_the_frames():
    clips = [
        ("JumpingJack", 1, 1, 0),
        ("JumpingJack", 1, 1, 1),
        ("JumpingJack", 2, 1, 0),
        ("JumpingJack", 1, 2, 0),
        ("HandstandWalking", 1, 1, 0),
    ]
    frames = {Shot(*clip, seed=seed).render([3]).frames.tobytes() for *clip, seed in clips}
    assert len(frames) == 5


@pytest.fixture
def scene_of(monkeypatch):
    """Give the function that tells in which scene a clip takes place."""
    drawn = []
    draw_scene = rendering.draw_scene
    monkeypatch.setattr(rendering, "draw_scene", lambda s: drawn.append(s) or draw_scene(s))

    def scene(*clip, **options):
        Shot(*clip, **options).render([0])
        return drawn[-1]

    return scene


@pytest.mark.parametrize("bias", ["OpenDoor", "CloseDoor"])
def test_a_biased_class_and_its_twin_are_always_in_one_room(scene_of, bias):
    room = scene_of("OpenDoor", 1, 1, bias=bias)
    assert room.indoors
    assert all(scene_of("CloseDoor", group, 2, bias=bias) == room for group in (1, 7, 8, 25))
    assert scene_of("OpenDoor", 1, 1) != scene_of("OpenDoor", 2, 1)
    assert scene_of("OpenDoor", 1, 1, bias=bias, seed=1) != room
    assert scene_of("JumpingJack", 1, 1, bias="JumpingJack") != room


@pytest.mark.parametrize("size", sorted(FRAME_COUNTS))
def test_lengths_lie_in_the_sizes_range_and_twins_are_equally_long(size):
    low, high = FRAME_COUNTS[size]
    for group in range(1, 9):
        lengths = {name: Shot(name, group, 1, size=size).count for name in CLASSES}
        assert all(low <= length <= high and length % 2 for length in lengths.values())
        assert all(lengths[first] == lengths[second] for first, second in REVERSED_PAIRS)
        assert len(set(lengths.values())) > 2


@pytest.mark.parametrize("name", CLASSES)
def test_boxes_lie_in_the_frame_hold_the_evidence_and_the_whole_act_is_large(name):
    action = ACTIONS[Shot(name, 1, 1).classes[0]]
    counts = {"person": 1, "object": int(bool(action.evidence)), "limb": len(action.limbs)}
    for group in (1, 6, 11):
        boxes = some_frames(name, group).boxes
        assert (boxes[["x0", "y0"]] >= 0).all(axis=None)
        assert (boxes[["x1", "y1"]] <= np.array([320, 240])).all(axis=None)
        assert (boxes[["x0", "y0"]].to_numpy() < boxes[["x1", "y1"]].to_numpy()).all()
        for _, rows in boxes.groupby("frame"):
            assert {part: (rows["part"] == part).sum() for part in counts} == counts
            person, limbs = (rows[rows["part"] == part] for part in ("person", "limb"))
            assert (limbs["x0"] >= person["x0"].item() - 0.01).all()
            assert (limbs["y1"] <= person["y1"].item() + 0.01).all()
        if not action.cut:
            act = boxes[boxes["part"] != "limb"]
            x0, y0, x1, y1 = *act[["x0", "y0"]].min(), *act[["x1", "y1"]].max()
            assert x0 > 0 < y0
            assert x1 < 320
            assert y1 < 240
            assert 0.5 * 240 < y1 - y0 < 0.95 * 240


@pytest.mark.parametrize("name", CLASSES)
def test_an_outline_holds_what_stays_when_the_scene_changes(name, monkeypatch):
    """Before a black and a white wall the act looks the same; all else differs, but for shadows."""
    shot = Shot(name, 2, 1, size="smoke", bias=name)  # biased rooms are indoors
    covered = shot.outlines([13, 2])
    assert (covered.shape, covered.dtype) == ((2, 240, 320), np.float32)
    monkeypatch.setattr(rendering.Film, "develop", lambda self, frame, *, number: frame)
    frames = []
    for grey in (0, 255):
        wall = np.full((300, 400, 3), grey, np.uint8)
        monkeypatch.setattr(rendering, "draw_scene", lambda scene, wall=wall: wall)
        frames.append(shot.render([13, 2]).frames.astype(int))
    differs = (frames[1] - frames[0]).mean(axis=-1) / 255
    assert 0.02 < covered.mean() < 0.5
    assert (differs[covered == 1] < 0.01).all()  # both are rounded to 255ths, stroke by stroke
    assert (differs <= 1.03 - covered).all()  # shadows make it less
    assert (differs[covered == 0] > 0).all()
    assert (differs[covered == 0] == 1).mean() > 0.97


@pytest.mark.parametrize(
    ("name", "group"), [("OpenDoor", 18), ("StandUp", 4), ("HandstandWalking", 4)]
)
def test_an_outline_reaches_as_far_as_the_boxes_of_person_and_things(scene_of, name, group):
    """Outdoors a door has a piece of wall around it, which is in no box."""
    assert name != "OpenDoor" or not scene_of(name, group, 1).indoors
    covered = Shot(name, group, 1).outlines([5])[0]
    boxes = Shot(name, group, 1).render([5]).boxes
    around = *boxes[["x0", "y0"]].min(), *boxes[["x1", "y1"]].max()
    assert edges_around(covered > 0.5) == pytest.approx(around, abs=2)


def test_twins_have_each_others_outlines():
    one, other = Shot("SitDown", 3, 1), Shot("StandUp", 3, 1)
    last = one.count - 1
    assert np.array_equal(one.outlines([4, 9]), other.outlines([last - 4, last - 9]))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Swimming", {}, "Swimming.*Use one of BrushingTeeth"),
        ("OpenDoor", {"size": "huge"}, "huge.*smoke, quick, full"),
        ("OpenDoor", {"bias": "Swimming"}, "Swimming.*BrushingTeeth"),
        ("OpenDoor", {}, "frames 0 to .*OpenDoor.*999.*count"),
    ],
    ids=["class", "size", "bias", "frame"],
)
@pytest.mark.parametrize("draw", [Shot.render, Shot.outlines])
def test_what_does_not_exist_is_refused_with_what_does(draw, name, options, message):
    with pytest.raises(DatasetError, match=message):
        draw(Shot(name, 1, 1, **options), [999])


def test_the_contact_sheet_has_a_row_for_each_class():
    sheet = contact_sheet()
    assert (sheet.shape, sheet.dtype) == ((12 * 240, 6 * 320, 3), np.uint8)
