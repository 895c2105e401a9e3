"""Figures of frames, heatmaps, filters and predictions over time, judged by pixels and labels."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.drawn import SIZES, labels, legend, names, texts
from vidlab import plots
from vidlab.errors import MetricError
from vidlab.explanation import Explanation

RNG = np.random.default_rng(0)


def coloured(count, *, size=(6, 8)):
    """Make frames whose number is their grey."""
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((*size, 3), np.uint8)


@pytest.fixture(autouse=True)
def style():
    """Draw as notebooks do, whatever was drawn before."""
    plots.use_style()


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (10, 24, 32, 3), dtype=np.uint8)


def shown(figure):
    return [axes for axes in figure.axes if axes.images]


def pixels(figure):
    """The upper left value of each picture."""
    return [axes.images[0].get_array()[0, 0, 0] for axes in shown(figure)]


def strip(axes, *, width=8):
    """The upper left value of each frame of a strip; a pixel lies between two frames."""
    return axes.images[0].get_array()[0, :: width + 1, 0].tolist()


def row_names(figure):
    return [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]


def titles(figure):
    return [axes.get_title() for axes in shown(figure)]


def test_frames_go_on_in_the_next_row():
    figure = plots.frame_strip(coloured(11), columns=4)
    assert titles(figure) == [f"frame {number}" for number in range(11)]
    assert pixels(figure) == list(range(11))
    assert len(figure.axes) == 12


@SIZES
def test_a_contact_sheet_names_every_row(count):
    images = np.stack([coloured(3)] * count)
    figure = plots.contact_sheet(images, names(count), column_names=["first", "middle", "last"])
    assert [name for axes in figure.axes for name in labels(axes.yaxis)] == names(count)
    assert labels(figure.axes[0].xaxis) == ["first", "middle", "last"]
    sheet = figure.axes[0].images[0].get_array()
    assert [sheet[2, left, 0] for left in (2, 14, 26)] == [0, 1, 2]
    assert sheet[6, 2, 0] == sheet[2, 8, 0] == 255


def test_sampling_strip_draws_every_pick_and_reads_only_the_ten_frames_it_shows():
    read = []

    def frames(indices):
        read.extend(indices.tolist())
        return coloured(30)[indices]

    picks = {"Uniform(4)": np.array([0, 10, 20, 29]), "Window(40)": np.arange(40) % 30}
    figure = plots.sampling_strip(picks, 30, fps=10.0, read=frames)
    lines, thumbnails = figure.axes[0::2], figure.axes[1::2]
    np.testing.assert_allclose(
        lines[0].collections[0].get_offsets(), [[0, 0], [1, 0], [2, 0], [2.9, 0]]
    )
    # Frames 0 to 9 are picked twice; the second pick is drawn above the first.
    assert (lines[1].collections[0].get_offsets()[:, 1] == 1).sum() == 10
    assert lines[0].get_title(loc="left") == "Uniform(4): 4 picks"
    assert lines[1].get_title(loc="left") == "Window(40): 40 picks, 10 of them shown"
    pictures = [strip(axes) for axes in thumbnails]
    assert texts(thumbnails[0]) == ["0", "10", "20", "29"]
    assert pictures[0] == [0, 10, 20, 29]
    assert len(pictures[1]) == 10
    assert read == sorted({*pictures[0], *pictures[1]})
    assert "30 frames, 3.0 s" in figure.get_suptitle()
    figure = plots.sampling_strip(picks, 30, read=frames, with_frames=["Uniform(4)"])
    assert [strip(axes) for axes in figure.axes if axes.images] == [[0, 10, 20, 29]]
    assert figure.axes[2].get_title(loc="left") == "Window(40): 40 picks"


@pytest.mark.parametrize("count", [2, 6])
def test_unrolled_draws_the_cell_once_rolled_up_and_once_a_frame(clip, count):
    (axes,) = plots.unrolled(clip[:count]).axes
    assert texts(axes).count("GRU") == 1 + count
    numbered = [name for name in texts(axes) if name.startswith("x")]
    assert numbered == [f"x{chr(0x2080 + number)}" for number in range(1, count + 1)]
    assert np.array_equal([image.get_array() for image in axes.images], [clip[0], *clip[:count]])
    assert f"h{chr(0x2080 + count)}" in texts(axes)
    (axes,) = plots.unrolled(coloured(count, size=(64, 36))).axes  # upright, below the cells
    left, right, bottom, top = axes.images[0].get_extent()
    assert (right - left) / (top - bottom) == pytest.approx(36 / 64)
    assert top <= 0.8


def test_fusion_draws_the_frames_that_each_network_reads_and_what_each_unit_has_seen(clip):
    figure = plots.fusion(clip)
    shown = {axes.get_title("left"): axes for axes in figure.axes}
    read = {n: [i for i, x in enumerate(a.images) if x.get_alpha() == 1] for n, a in shown.items()}
    everything = list(range(8))
    assert read == {
        "single frame": [4],
        "early fusion": everything,
        "slow fusion": everything,
        "late fusion": [0, 7],
        "segment consensus": [0, 2, 5, 7],
        "3-D convolution": everything,
    }
    colours = {
        name: [unit.get_edgecolor() for unit in axes.patches] for name, axes in shown.items()
    }
    one, several = colours["single frame"][0], colours["early fusion"][0]
    assert colours["late fusion"] == [one] * 4 + [several]
    *towers, mean = colours["segment consensus"]
    assert towers == [one] * 8
    assert mean not in (one, several)
    assert set(colours["slow fusion"] + colours["3-D convolution"]) == {several}


def record(maps, target=0):
    about = {"size": (24, 32), "layer": "conv", "score": 0.5, "method": "grad_cam"}
    return Explanation(maps=np.float32(maps), target=target, **about)


def test_cold_stays_as_filmed_and_hot_glows(clip):
    heat = np.zeros((10, 24, 32), np.float32)
    heat[:, :12] = 1
    covered = plots.overlay(clip, heat)
    assert covered.dtype == np.uint8
    assert np.array_equal(covered[:, 12:], clip[:, 12:])
    brightest = np.array([252, 255, 164])  # the end of the colour map
    np.testing.assert_allclose(covered[:, :12], 0.25 * clip[:, :12] + 0.75 * brightest, atol=2)
    small = np.zeros((10, 3, 4), np.float32)
    small[:, 0, 0] = 1
    changed = (plots.overlay(clip, small) != clip).any(axis=(0, 3))
    assert changed[:8, :8].all()
    assert not changed[12:].any()
    with pytest.raises(MetricError, match=r"10 heatmaps.*\(9, 24, 32\)"):
        plots.overlay(clip, heat[:9])


def test_a_strip_has_a_row_for_each_explanation_and_the_curves_of_all_frames(clip):
    found = record(np.random.default_rng(1).random((10, 3, 4)))
    other = record(found.maps[::-1])
    figure = plots.heat_strip(clip, {"true": found, "other": other}, seconds=np.arange(10) / 25)
    rows = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert rows == ["frames", "true", "other"]
    assert strip(figure.axes[0], width=32) == clip[[0, 1, 3, 4, 5, 6, 8, 9], 0, 0, 0].tolist()
    curves = figure.axes[-1].get_lines()
    assert [line.get_label() for line in curves] == legend(figure) == ["true", "other"]
    np.testing.assert_allclose(curves[0].get_ydata(), found.frame_importance)
    np.testing.assert_allclose(curves[1].get_xdata(), np.arange(10) / 25)
    assert texts(figure.axes[0])[1] == "0.04 s"
    figure.draw_without_rendering()
    drawn = [text.get_tightbbox().width > 0 for text in figure.axes[0].texts]
    assert drawn == [True] * 8  # the last, too, at the edge of the picture
    assert [len(axes.images) for axes in figure.axes] == [1, 1, 1, 0]
    silent = plots.heat_strip(clip, {"PlayingCello": record(np.zeros((10, 3, 4)))}, most=3)
    assert silent.axes[1].get_title("left") == "PlayingCello: no positive evidence"
    assert len(strip(silent.axes[1], width=32)) == 3
    with pytest.raises(MetricError, match=r"9 frames.*'true': 10"):
        plots.heat_strip(clip[:9], {"true": found})
    with pytest.raises(MetricError, match="no explanation"):
        plots.heat_strip(clip, {})


def pictures(*, layer="backbone/block_3", filters=(1, 5, 8)):
    return SimpleNamespace(
        images=RNG.integers(0, 256, (len(filters), 16, 16, 3), np.uint8),
        layer=layer,
        filters=np.array(filters),
        responses=np.linspace(1, 2, len(filters)),
    )


def test_grid_has_a_row_for_each_layer():
    rows = [pictures(), pictures(layer="backbone/mixed4", filters=(0, 2))]
    figure = plots.filter_grid(rows)
    assert titles(figure) == ["1", "5", "8", "0", "2"]
    assert row_names(figure) == ["block_3", "mixed4"]
    np.testing.assert_array_equal(shown(figure)[4].images[0].get_array(), rows[1].images[1])
    classes = [f"class {letter}" for letter in "abcdefghi"]
    figure = plots.filter_grid([pictures(layer="scores")], names=classes)
    assert titles(figure) == ["class b", "class f", "class i"]


def test_compared_filters_stand_one_above_the_other():
    before, after = pictures(), pictures()
    figure = plots.filter_grid({"old": before, "new": after}, correlations=[0.5, 0.9, 1])
    assert titles(figure)[:3] == ["1:  r = 0.50", "5:  r = 0.90", "8:  r = 1.00"]
    assert row_names(figure) == ["old", "new"]
    np.testing.assert_array_equal(shown(figure)[3].images[0].get_array(), after.images[0])


def test_strongest_frames_are_dark_where_the_filter_is_silent():
    frames = np.full((4, 8, 8, 3), 200, np.uint8)
    maps = np.zeros((3, 2, 4, 4), np.float32)
    maps[..., :2] = 1  # the left half excites
    strongest = SimpleNamespace(
        filters=np.array([1, 5, 8]),
        frames=np.array([[0, 1], [2, 3], [1, 0]]),
        responses=np.full((3, 2), 0.25),
        maps=maps,
    )
    figure = plots.strongest_frames(pictures(), strongest, frames, names=["a", "b", "c", "d"])
    assert titles(figure)[:3] == ["made: 1.00", "a: 0.25", "b: 0.25"]
    lit = shown(figure)[1].images[0].get_array()
    assert lit[:, 0].min() == 200
    assert lit[:, -1].max() == 90


def test_a_grid_holds_pictures_and_maps_of_any_size_and_leaves_cells_empty():
    figure = plots.picture_grid(
        [[np.zeros((8, 8, 3)), np.eye(5)], [None, np.eye(7)]],
        titles=[["the frame", "2"], ["", "3"]],
        names=["Conv1", "Conv2"],
        cmap="gray",
    )
    assert titles(figure) == ["the frame", "2", "3"]
    assert row_names(figure) == ["Conv1", "Conv2"]
    assert [axes.images[0].get_array().shape[0] for axes in shown(figure)] == [8, 5, 7]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.frame_strip(coloured(3), titles=["a"]), "Expected 3 titles.*Received: 1"),
        (lambda: plots.frame_strip(coloured(1)[0]), r"frames, height, width, 3.*\(6, 8, 3\)"),
        (lambda: timeline(4, 2), r"\(time, 3\).*\(4, 2\)"),
        (lambda: timeline(0, 3), r"Received: probabilities \(0, 3\)"),
        (lambda: timeline(4, 3, seconds=[0, 1]), "'seconds': 2"),
        (lambda: timeline(4, 3, truth=["Class000"] * 3), "'true classes': 3"),
        (lambda: timeline(4, 3, frames=coloured(3)), "'frames': 3"),
    ],
)
def test_what_does_not_belong_together_is_refused(draw, message):
    with pytest.raises(MetricError, match=message):
        draw()


def timeline(steps, classes, **options):
    return plots.frame_timeline(np.ones((steps, classes)), names(3), **options)


def probabilities_over_time(count, *, steps=10):
    """Make probabilities that speak for the first class, then for the last."""
    probabilities = np.full((steps, count), 0.4 / count)
    probabilities[: steps // 2, 0] += 0.6
    probabilities[steps // 2 :, -1] += 0.6
    return probabilities


@SIZES
def test_timeline_names_a_few_classes_and_the_prediction_at_every_step(count):
    probabilities, classes = probabilities_over_time(count), names(count)
    truth = [classes[0]] * 3 + [classes[-1]] * 7
    figure = plots.frame_timeline(probabilities, classes, seconds=np.arange(10) / 5, truth=truth)
    lines, predicted, true = figure.axes
    assert len(legend(figure)) == min(5, count)
    assert legend(figure)[:2] == [classes[0], classes[-1]]
    curve = next(line for line in lines.lines if line.get_label() == classes[-1])
    np.testing.assert_allclose(curve.get_xdata(), np.arange(10) / 5)
    np.testing.assert_allclose(curve.get_ydata(), probabilities[:, -1])
    blocks = [[bar.get_facecolor() for bar in axes.patches] for axes in (predicted, true)]
    assert [len(set(colours[:5])) for colours in blocks] == [1, 2]
    assert blocks[0][0] == blocks[1][0]
    change = next(line for line in lines.lines if line.get_linestyle() == "--")
    assert change.get_xdata()[0] == pytest.approx(0.5)
    assert true.get_xlabel() == "time in the video (s)"
    assert [labels(axes.yaxis) for axes in (predicted, true)] == [["predicted"], ["true"]]


def test_a_class_keeps_its_colour_and_what_was_seen_stands_above_the_lines():
    frames = 25 * coloured(10, size=(12, 16))
    options = {"frames": frames, "title": "A door"}
    figure = plots.frame_timeline(probabilities_over_time(12), names(12), **options)
    (strip,) = figure.axes[0].images
    assert set(range(0, 250, 25)) <= set(np.unique(strip.get_array()).tolist())
    assert figure.axes[0].get_title(loc="left") == "A door"
    lines = [line for axes in figure.axes for line in axes.lines]
    colours = {line.get_label(): line.get_color() for line in lines}
    assert colours["Class011"] == plots.class_colours(names(12))["Class011"]


def test_timeline_draws_what_was_predicted_before_what_only_came_high():
    probabilities = np.array([[0.5, 0.1, 0.4, 0], [0.5, 0.1, 0.4, 0], [0, 0, 0, 1]])
    figure = plots.frame_timeline(probabilities, names(4), top=2)
    assert legend(figure) == ["Class000", "Class003"]
    assert figure.axes[-1].get_xlabel() == "time step"
    figure = plots.frame_timeline(probabilities, names(4), top=1)
    assert legend(figure) == ["Class000", "another class"]
