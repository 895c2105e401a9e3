"""Grades and mean maps of explanations, on heat and boxes whose overlap is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab import explanation
from vidlab.errors import MetricError
from vidlab.explanation import pointing

FRAME = (240, 320)


def boxes_of(*rows):
    """Make boxes of (frame, part, x0, y0, x1, y1)."""
    return pd.DataFrame(rows, columns=["frame", "part", "x0", "y0", "x1", "y1"])


def spot(x, y, *, rows=24, columns=32, frames=1):
    """Make heat that is one hot cell, the one with the point (x, y) of a 320×240 frame."""
    heat = np.zeros((frames, rows, columns), np.float32)
    heat[:, int(y * rows / 240), int(x * columns / 320)] = 1
    return heat


def record(maps, *, method="grad_cam", score=0.5):
    return explanation.Explanation(
        maps=np.float32(maps), size=FRAME, layer="conv", score=score, target=0, method=method
    )


def grade(maps, boxes, **options):
    return explanation.grade_frames([record(maps)], [boxes], classes=["Jump"], **options)


@pytest.mark.parametrize(
    ("point", "hit"),
    [
        ((105, 105), 1.0),
        ((85, 105), 1.0),  # 15 pixels to the left
        ((75, 105), 0.0),
        ((135, 135), 0.0),  # 15 pixels in either direction are 21 together
        ((215, 105), 0.0),  # the person counts for nothing
        (None, 0.0),  # a frame without heat hits nothing
    ],
    ids=["inside", "near", "beyond", "corner", "person", "cold"],
)
def test_a_point_hits_a_box_within_the_tolerance(point, hit):
    boxes = boxes_of((0, "object", 100, 100, 120, 120), (0, "person", 200, 90, 230, 230))
    maps = np.zeros((1, 24, 32)) if point is None else spot(*point)
    graded = grade(maps, boxes)
    assert graded["hit"].tolist() == [hit]
    assert graded["evidence"].tolist() == [point is not None]


def test_any_box_of_the_evidence_will_do_and_frames_without_boxes_are_not_graded():
    boxes = boxes_of(
        (7, "limb", 0, 0, 30, 30), (7, "object", 300, 0, 320, 20), (8, "limb", 0, 0, 9, 9)
    )
    graded = grade(spot(305, 5, frames=3), boxes, numbers=[[7, 8, 9]])
    assert graded[["frame", "hit"]].to_numpy().tolist() == [[7, 1], [8, 0]]


@given(st.integers(0, 319), st.integers(0, 239), st.sampled_from([(7, 7), (14, 14), (24, 32)]))
def test_the_peak_is_in_the_cell_of_the_hot_point(x, y, shape):
    found_x, found_y = pointing.peaks(spot(x, y, rows=shape[0], columns=shape[1]))[0]
    assert abs(found_x - x) <= 320 / shape[1]
    assert abs(found_y - y) <= 240 / shape[0]


@pytest.mark.parametrize(
    ("heat", "corners", "expected"),
    [
        ({(0, 0): 2, (0, 3): 1, (0, 7): 1}, [(0, 0, 160, 240), (80, 0, 160, 120)], (0.75, 0.5)),
        (1, [(33, 41, 187, 203)], [(187 - 33) * (203 - 41) / (320 * 240)] * 2),
        (0, [(0, 0, 320, 120)], (0, 0.5)),
    ],
    ids=["union", "even", "cold"],
)
def test_energy_is_the_share_of_heat_in_the_union_of_the_boxes(heat, corners, expected):
    maps = np.zeros((6, 8))
    for place, value in heat.items() if isinstance(heat, dict) else [(slice(None), heat)]:
        maps[place] = value
    found = pointing.energy_inside(maps, np.array(corners))
    np.testing.assert_allclose(found, expected)


def test_a_summary_has_a_row_for_each_method_and_class_and_all_together():
    boxes = boxes_of((0, "limb", 0, 0, 20, 20), (1, "limb", 0, 0, 20, 20))
    good, bad = record(spot(10, 10, frames=2)), record(spot(300, 200, frames=2))
    other = record(spot(10, 10, frames=2), method="saliency")
    graded = explanation.grade_frames(
        [good, bad, other], [boxes] * 3, classes=["Jump", "Run", "Run"]
    )
    table = explanation.summary(graded)
    pooled = ("grad_cam", "all classes")
    assert table["pointing"].to_dict() == {
        ("grad_cam", "Jump"): 1,
        ("grad_cam", "Run"): 0,
        ("saliency", "Run"): 1,
        pooled: 0.5,
        ("saliency", "all classes"): 1,
    }
    assert table.loc[pooled, ["videos", "frames"]].tolist() == [2, 4]


def test_baselines_are_graded_like_heat():
    boxes = boxes_of((0, "limb", 150, 110, 170, 130), (0, "person", 140, 100, 180, 140))
    centre = [np.array([[160.0, 120.0]])]
    options = {"classes": ["Jump"], "numbers": [[0]], "method": "centre"}
    assert explanation.grade_points(centre, [boxes], **options)["hit"].item() == 1
    points = explanation.random_points(boxes, numbers=[0] * 200, seed=3)
    assert (points >= (140, 100)).all()
    assert (points <= (180, 140)).all()
    assert np.ptp(points[:, 0]) > 30
    assert np.isnan(explanation.random_points(boxes, numbers=[5], seed=0)).all()


def test_without_boxes_there_are_no_grades():
    graded = [
        grade(spot(1, 1), boxes_of()),
        explanation.grade_points([], [], classes=[], numbers=[], method="centre"),
    ]
    together = explanation.summary(pd.concat(graded, ignore_index=True))
    assert together.empty
    assert list(together.columns) == ["videos", "frames", "pointing", "energy", "area", "evidence"]
    assert together.index.names == ["method", "class_name"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(MetricError, match=r"of \[1\] frames.*\[2\] numbers.*indices"):
        grade(spot(1, 1), boxes_of(), numbers=[[1, 2]])
    with pytest.raises(MetricError, match=r"0 explanations of .*, 1 tables"):
        explanation.grade_frames([], [boxes_of()], classes=[])
    with pytest.raises(MetricError, match="1 explanations and 2 labels"):
        explanation.mean_maps([record(spot(1, 1))], labels=[0, 1], classes=["A", "B"])


def test_mean_maps_weigh_videos_alike_and_tell_centre_from_border():
    middle, corner = spot(160, 120), 100 * spot(1, 1)
    records = [record(middle), record(corner), record(middle)]
    found = explanation.mean_maps(records, labels=[0, 0, 1], classes=["A", "B", "C"])
    assert list(found.heats) == ["A", "B"]
    assert found.table.loc["B", ["centre", "border"]].tolist() == pytest.approx([1, 0])
    assert found.table.loc["A", ["centre", "border"]].tolist() == pytest.approx([0.5, 0.5])
    assert found.heats["A"].sum() == pytest.approx(1)
