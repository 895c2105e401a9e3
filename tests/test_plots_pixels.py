"""Pictures of pixels, of time and of evidence: what is drawn, judged by labels and artists."""

import numpy as np
import pandas as pd
import pytest

from vidlab import pantomime, plots
from vidlab.errors import MetricError


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (6, 24, 32, 3), dtype=np.uint8)


def test_pixel_values_writes_each_number_of_each_channel_once(clip):
    figure = plots.pixel_values(clip[0], top=8, left=16)
    panels = [axes for axes in figure.axes if axes.texts]
    assert len(panels) == 3
    for channel, axes in enumerate(panels):
        written = [int(text.get_text()) for text in axes.texts]
        assert written == clip[0, 8:16, 16:24, channel].ravel().tolist()


@pytest.mark.parametrize(("top", "left", "size"), [(17, 0, 8), (0, 25, 8), (-1, 0, 8), (0, 0, 11)])
def test_pixel_values_refuses_a_square_outside_the_frame(clip, top, left, size):
    with pytest.raises(MetricError, match="Move or shrink it"):
        plots.pixel_values(clip[0], top=top, left=left, size=size)


def test_time_slice_stacks_the_row_of_every_frame_with_time_downwards(clip):
    frame, rows = plots.time_slice(clip, row=5, fps=2.0).axes
    assert np.array_equal(rows.images[0].get_array(), clip[:, 5])
    assert rows.get_ylim() == (3.0, 0.0)
    assert np.array_equal(frame.images[0].get_array(), clip[3])


def test_time_slice_refuses_a_row_below_the_frame(clip):
    with pytest.raises(MetricError, match="a row from 0 to 23"):
        plots.time_slice(clip, row=24)


def test_change_over_time_places_each_change_at_its_later_frame():
    figure = plots.change_over_time({"still": np.zeros(4), "moving": np.arange(4.0)}, fps=2.0)
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["still", "moving"]
    assert lines[1].get_xdata().tolist() == [0.5, 1.0, 1.5, 2.0]
    assert lines[1].get_ydata().tolist() == [0, 1, 2, 3]


def test_change_over_time_refuses_a_single_frame():
    with pytest.raises(MetricError, match="at least two frames"):
        plots.change_over_time({"one frame": np.zeros(0)})


def test_evidence_boxes_go_to_the_frames_they_belong_to(clip):
    boxes = pd.DataFrame(
        [(2, "person", 1.0, 2.0, 5.0, 9.0), (4, "object", 3.0, 3.0, 6.0, 6.0)],
        columns=["frame", "part", "x0", "y0", "x1", "y1"],
    )
    figure = plots.evidence_boxes(clip[[0, 2, 4]], boxes, numbers=[0, 2, 4])
    corners = [{patch.get_xy() for patch in axes.patches} for axes in figure.axes]
    assert corners == [set(), {(1.0, 2.0)}, {(3.0, 3.0)}]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["person", "object"]


def test_frames_without_boxes_are_drawn_as_they_are(clip, tmp_path):
    boxes = pantomime.boxes_of("v_Diving_g01_c01", root=tmp_path)
    figure = plots.evidence_boxes(clip[:2], boxes, numbers=[0, 1])
    assert not figure.legends
    assert not any(axes.patches for axes in figure.axes)


def test_twins_share_group_and_clip_across_a_reversed_pair():
    names = ["video_id", "class_name", "group", "clip", "frames", "fps", "path"]
    rows = [
        ("s1", "SitDown", "g01", 1, 30, 25.0, "s1.avi"),
        ("s2", "SitDown", "g02", 1, 31, 25.0, "s2.avi"),
        ("u1", "StandUp", "g01", 1, 30, 25.0, "u1.avi"),
        ("u2", "StandUp", "g02", 2, 31, 25.0, "u2.avi"),
        ("j1", "JumpingJack", "g01", 1, 30, 25.0, "j1.avi"),
    ]
    found = pantomime.twins(pd.DataFrame(rows, columns=names))
    assert found[["video_id", "twin_id"]].to_numpy().tolist() == [["s1", "u1"]]


def test_a_dataset_without_reversed_pairs_has_no_twins():
    names = ["video_id", "class_name", "group", "clip", "frames", "fps", "path"]
    table = pd.DataFrame([("d", "Diving", "g01", 1, 30, 25.0, "d.avi")], columns=names)
    assert pantomime.twins(table).empty
