"""Grades of explanations, on heat and boxes whose overlap is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab.errors import MetricError
from vidlab.explanation.records import explained
from vidlab.explanation.trust import grading, means, pointing

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
    return explained(maps, size=FRAME, layer="conv", score=score, target=0, method=method)


@pytest.mark.parametrize(
    ("point", "hit"),
    [
        ((105, 105), 1.0),
        ((85, 105), 1.0),  # 15 pixels to the left
        ((75, 105), 0.0),
        ((135, 135), 0.0),  # 15 pixels in either direction are 21 together
        ((215, 105), 0.0),  # the person counts for nothing
    ],
    ids=["inside", "near", "beyond", "corner", "person"],
)
def test_a_point_hits_a_box_within_the_tolerance(point, hit):
    boxes = boxes_of((0, "object", 100, 100, 120, 120), (0, "person", 200, 90, 230, 230))
    assert pointing.pointing_game(spot(*point), boxes).tolist() == [hit]


def test_any_box_of_the_evidence_will_do_and_frames_are_told_apart_by_number():
    boxes = boxes_of(
        (7, "limb", 0, 0, 30, 30), (7, "object", 300, 0, 320, 20), (8, "limb", 0, 0, 9, 9)
    )
    heat = spot(305, 5, frames=3)
    found = pointing.pointing_game(heat, boxes, numbers=[7, 8, 9])
    np.testing.assert_array_equal(found, [1.0, 0.0, np.nan])


def test_a_frame_without_heat_hits_nothing():
    boxes = boxes_of((0, "limb", 0, 0, 320, 240))
    assert pointing.pointing_game(np.zeros((1, 4, 4)), boxes).tolist() == [0.0]


@given(st.integers(0, 319), st.integers(0, 239), st.sampled_from([(7, 7), (14, 14), (24, 32)]))
def test_the_peak_is_in_the_cell_of_the_hot_point(x, y, shape):
    found_x, found_y = pointing.peaks(spot(x, y, rows=shape[0], columns=shape[1]))[0]
    assert abs(found_x - x) <= 320 / shape[1]
    assert abs(found_y - y) <= 240 / shape[0]


def test_energy_is_the_share_of_heat_in_the_union_of_the_boxes():
    boxes = boxes_of((0, "limb", 0, 0, 160, 240), (0, "object", 80, 0, 160, 120))
    heat = np.zeros((1, 6, 8))
    heat[0, 0, 0], heat[0, 0, 3], heat[0, 0, 7] = 2, 1, 1
    energy, area = pointing.energy_inside(heat, boxes)
    assert energy.tolist() == [0.75]
    assert area.tolist() == [0.5]


def test_even_heat_has_as_much_energy_in_the_boxes_as_they_have_area():
    boxes = boxes_of((0, "limb", 33, 41, 187, 203))
    energy, area = pointing.energy_inside(np.ones((1, 7, 7)), boxes)
    np.testing.assert_allclose(energy, area)
    np.testing.assert_allclose(area, (187 - 33) * (203 - 41) / (320 * 240))


def test_a_grade_has_a_row_for_each_method_and_class_and_all_together():
    boxes = boxes_of((0, "limb", 0, 0, 20, 20), (1, "limb", 0, 0, 20, 20))
    good, bad = record(spot(10, 10, frames=2)), record(spot(300, 200, frames=2))
    other = record(spot(10, 10, frames=2), method="saliency")
    table = grading.grade([good, bad, other], [boxes] * 3, classes=["Jump", "Run", "Run"])
    assert table.loc[("grad_cam", "Jump"), "pointing"] == 1
    assert table.loc[("grad_cam", "Run"), "pointing"] == 0
    assert table.loc[("grad_cam", grading.ALL), ["videos", "frames"]].tolist() == [2, 4]
    assert table.loc[("grad_cam", grading.ALL), "pointing"] == 0.5
    assert table.loc[("saliency", grading.ALL), "pointing"] == 1


def test_frames_without_boxes_are_not_graded():
    graded = grading.grade_frames(
        [record(spot(10, 10, frames=3))],
        [boxes_of((4, "limb", 0, 0, 20, 20))],
        classes=["Jump"],
        numbers=[[2, 4, 6]],
    )
    assert graded["frame"].tolist() == [4]
    assert grading.grade_frames([], [], classes=[]).empty


def test_baselines_are_graded_like_heat():
    boxes = boxes_of((0, "limb", 150, 110, 170, 130), (0, "person", 140, 100, 180, 140))
    centre = [np.array([[160.0, 120.0]])]
    options = {"classes": ["Jump"], "numbers": [[0]]}
    assert grading.grade_points(centre, [boxes], method="centre", **options)["hit"].item() == 1
    points = pointing.random_points(boxes, numbers=[0] * 200, seed=3)
    assert (points >= (140, 100)).all()
    assert (points <= (180, 140)).all()
    assert np.ptp(points[:, 0]) > 30
    assert np.isnan(pointing.random_points(boxes, numbers=[5], seed=0)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pointing.peaks(np.zeros((4, 4))), r"time, rows, columns.*\(4, 4\).*heat\[None\]"),
        (
            lambda: pointing.pointing_game(spot(1, 1), boxes_of(), numbers=[1, 2]),
            "each of 1 frames.*2.*indices",
        ),
        (lambda: grading.grade([], [boxes_of()], classes=[]), "0 explanations, 1 tables"),
    ],
    ids=["shape", "numbers", "lengths"],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(MetricError, match=message):
        call()


def test_mean_maps_weigh_videos_alike_and_tell_centre_from_border():
    middle, corner = spot(160, 120), 100 * spot(1, 1)
    found = means.mean_maps(
        [record(middle), record(corner), record(middle)], labels=[0, 0, 1], classes=["A", "B", "C"]
    )
    assert list(found.heats) == ["A", "B"]
    assert found.table.loc["B", ["centre", "border"]].tolist() == pytest.approx([1, 0])
    assert found.table.loc["A", ["centre", "border"]].tolist() == pytest.approx([0.5, 0.5])
    assert found.heats["A"].sum() == pytest.approx(1)


def test_contributions_name_the_videos_the_evidence_comes_from():
    maps = [spot(160, 120), 3 * spot(1, 1), spot(1, 1)]
    found = means.contributions(
        [record(m) for m in maps], labels=[0, 0, 1], classes=["A", "B"], video_ids=["x", "y", "z"]
    )
    assert found["video_id"].tolist() == ["y", "x", "z"]
    assert found["share"].tolist() == pytest.approx([0.75, 0.25, 1.0])
    assert found["border"].tolist() == pytest.approx([1, 0, 1])


def test_mean_maps_need_a_label_for_each():
    with pytest.raises(MetricError, match="1 explanations and 2 labels"):
        means.mean_maps([record(spot(1, 1))], labels=[0, 1], classes=["A", "B"])


def test_without_boxes_there_are_no_grades():
    nothing = boxes_of()
    graded = [
        grading.grade_frames([record(spot(1, 1))], [nothing], classes=["A"]),
        grading.grade_points([], [], classes=[], numbers=[], method="centre"),
        grading.grade_points([[[1, 1]]], [nothing], classes=["A"], numbers=[[0]], method="centre"),
    ]
    together = grading.summary(pd.concat(graded, ignore_index=True))
    assert together.empty
    assert list(together.columns) == ["videos", "frames", "pointing", "energy", "area", "evidence"]
    assert together.index.names == ["method", "class_name"]
