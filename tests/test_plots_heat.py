"""Explanations on frames: judged by pixels of overlays, labels and lines."""

import numpy as np
import pytest

from vidlab import plots
from vidlab.errors import MetricError
from vidlab.explanation.records import explained


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (10, 24, 32, 3), dtype=np.uint8)


def record(maps, target=0):
    return explained(maps, size=(24, 32), layer="conv", score=0.5, target=target, method="grad_cam")


@pytest.fixture
def found():
    return record(np.random.default_rng(1).random((10, 3, 4)))


def test_cold_places_stay_as_filmed_and_hot_ones_glow(clip):
    heat = np.zeros((10, 24, 32), np.float32)
    heat[:, :12] = 1
    shown = plots.overlay(clip, heat)
    assert shown.dtype == np.uint8
    assert np.array_equal(shown[:, 12:], clip[:, 12:])
    brightest = np.array([252, 255, 164])  # the end of the colour map
    np.testing.assert_allclose(shown[:, :12], 0.25 * clip[:, :12] + 0.75 * brightest, atol=2)


def test_small_heat_is_enlarged_to_the_frames(clip):
    heat = np.zeros((10, 3, 4), np.float32)
    heat[:, 0, 0] = 1
    changed = (plots.overlay(clip, heat) != clip).any(axis=(0, 3))
    assert changed[:8, :8].all()
    assert not changed[12:].any()


def test_every_frame_needs_its_heat(clip):
    with pytest.raises(MetricError, match=r"10 heatmaps.*\(9, 24, 32\).*that were explained"):
        plots.overlay(clip, np.zeros((9, 24, 32)))


def test_a_strip_has_a_row_for_each_explanation_and_the_curves_of_all_frames(clip, found):
    other = record(found.maps[::-1])
    figure = plots.heat_strip(clip, {"true": found, "said": other}, seconds=np.arange(10) / 25)
    rows = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert rows == ["frames", "true", "said"]
    assert len([axes for axes in figure.axes if axes.images]) == 3 * 8
    curves = [line for line in figure.axes[-1].get_lines() if not line.get_label().startswith("_")]
    assert [line.get_label() for line in curves] == ["true", "said"]
    np.testing.assert_allclose(curves[0].get_ydata(), found.frame_importance)
    np.testing.assert_allclose(curves[1].get_xdata(), np.arange(10) / 25)
    assert figure.axes[1].get_title("right") == "0.04 s"


def test_no_evidence_is_written_over_the_row(clip):
    figure = plots.heat_strip(clip, {"PlayingCello": record(np.zeros((10, 3, 4)))}, most=3)
    rows = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert rows == ["frames", "PlayingCello: no positive evidence"]
    assert len([axes for axes in figure.axes if axes.images]) == 2 * 3


def test_a_strip_of_other_frames_is_refused(clip, found):
    with pytest.raises(MetricError, match=r"9 frames.*'true': 10.*that were explained"):
        plots.heat_strip(clip[:9], {"true": found})
    with pytest.raises(MetricError, match="no explanation"):
        plots.heat_strip(clip, {})


def test_each_measure_of_importance_has_a_panel_in_its_own_unit():
    measures = {"gradient (score)": np.array([3.0, -2.0]), "lost (probability)": np.array([0, 0.1])}
    figure = plots.importance_over_time(measures, seconds=[0.0, 0.4])
    assert [axes.get_title("left") for axes in figure.axes] == list(measures)
    assert figure.axes[0].get_lines()[1].get_ydata().tolist() == [3.0, -2.0]
    assert figure.axes[1].get_xlabel() == "time in the video (s)"


def test_measures_of_different_frames_are_refused():
    with pytest.raises(MetricError, match=r"'a': 2, 'b': 3.*same frames"):
        plots.importance_over_time({"a": np.zeros(2), "b": np.zeros(3)})
