"""Figures of several models, of the order of frames, of answers over time, of the feature space."""

import numpy as np
import pandas as pd
import pytest

from vidlab import evaluation, plots
from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions
from vidlab.recipes import Published

SIZES = pytest.mark.parametrize("count", [2, 12, 101])


@pytest.fixture(autouse=True, scope="module")
def style():
    plots.use_style()


def names(count):
    return [f"Class{place:03d}" for place in range(count)]


def make(count, *, seed=0):
    """Make predictions of two videos in each of three groups of each class."""
    draw = np.random.default_rng(seed)
    y_true = np.repeat(np.arange(count), 6)
    return Predictions(
        video_ids=[f"v{number}" for number in range(len(y_true))],
        groups=[f"g{1 + number % 3:02d}" for number in range(len(y_true))],
        y_true=y_true,
        probabilities=draw.dirichlet(np.ones(count), size=len(y_true)) + np.eye(count)[y_true] / 3,
        classes=names(count),
    )


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(figure):
    return [text.get_text() for part in figure.legends for text in part.get_texts()]


def title(figure):
    return figure.get_suptitle() or figure.axes[0].get_title(loc="left")


def bars(axes):
    """Give the widths of the bars of an axes, container by container."""
    return [
        [bar.get_width() for bar in held] for held in axes.containers if hasattr(held, "patches")
    ]


def drawn(axes, label):
    """Give the x values of the line named so."""
    return next(line for line in axes.lines if line.get_label() == label).get_xdata()


def board(count):
    metrics = {
        "frame-vote": {"parameters": 2e6, "training_seconds": 90, "model_bytes": 8e6},
        "convgru-fixed": {"parameters": 4e6, "training_seconds": 30, "feature_seconds": 60},
    }
    return evaluation.leaderboard(
        {name: make(count, seed=place) for place, name in enumerate([*metrics, "my-own"])},
        dataset="Pantomime",
        metrics=metrics,
        published={
            "frame-vote": Published(57.41),
            "convgru-fixed": Published(68.7, 89.2),
        },
    )


def test_leaderboard_draws_measured_and_published_apart():
    table = board(12)
    figure = plots.leaderboard(table)
    top1, top5, parameters, time, size = figure.axes
    assert labels(top1.yaxis) == list(table.index)
    measured, published = table["measured, Pantomime"], table["published, UCF-101"]
    np.testing.assert_allclose(top1.collections[-1].get_offsets()[:, 0], measured["top1"])
    np.testing.assert_allclose(drawn(top1, "published, UCF-101"), published["top1"])
    np.testing.assert_allclose(drawn(top5, "published, UCF-101"), published["top5"])
    assert texts(top1) == [f"{value:.1%}" for value in measured["top1"]]
    assert bars(parameters) == [(measured["parameters"].fillna(0) / 1e6).tolist()]
    assert bars(time) == [
        (measured[f"{part}_seconds"].fillna(0) / 60).tolist() for part in ("training", "feature")
    ]
    assert texts(size) == ["8"]
    assert set(legend(figure)) == {
        "measured, Pantomime (95% interval over groups)",
        "published, UCF-101",
        "training",
        "features",
    }
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "top-1 accuracy (% of videos)",
        "top-5 accuracy (% of videos)",
        "parameters (millions)",
        "time (min)",
        "model file (MB)",
    ]


def test_leaderboard_leaves_out_what_nobody_knows():
    table = evaluation.leaderboard({"my-own": make(3)}, dataset="mine")
    figure = plots.leaderboard(table)
    assert len(figure.axes) == 1
    assert legend(figure) == ["measured, mine (95% interval over groups)"]


def test_leaderboard_takes_the_table_of_evaluation():
    with pytest.raises(MetricError, match=r"evaluation\.leaderboard"):
        plots.leaderboard(pd.DataFrame({"top1": [0.5]}, index=["frame-vote"]))


def test_comparison_fills_what_is_more_than_chance():
    table = pd.DataFrame(
        {
            "a": ["x", "x"],
            "b": ["y", "z"],
            "difference": [0.3, -0.1],
            "low": [0.2, -0.3],
            "high": [0.4, 0.1],
            "holm_p": [0.0002, 0.4],
        }
    )
    figure = plots.comparison(table)
    axes = figure.axes[0]
    assert labels(axes.yaxis) == ["y  −  x", "z  −  x"]
    assert texts(axes) == ["p < 0.001", "p = 0.4"]
    assert list(drawn(axes, "more than chance (p < 0.05)")) == [0.3]
    assert list(drawn(axes, "may be chance")) == [-0.1]
    assert "(points)" in axes.get_xlabel()


@SIZES
def test_class_deltas_are_drawn_from_gain_to_loss(count):
    table = evaluation.class_deltas(make(count, seed=1), make(count, seed=2))
    figure = plots.class_deltas(table, a="frame-vote", b="my-own")
    assert [name for axes in figure.axes for name in labels(axes.yaxis)] == list(table.index)
    widths = [width for axes in figure.axes for width in bars(axes)[0]]
    np.testing.assert_allclose(widths, table["delta"])
    assert len(figure.axes) == (2 if count == 101 else 1)
    assert title(figure) == "Who gains, class by class: my-own − frame-vote"
    assert legend(figure)[:2] == ["my-own is better", "frame-vote is better"]


def test_a_delta_that_may_be_chance_is_pale():
    table = pd.DataFrame(
        {"delta": [0.5, 0.2, -0.5], "low": [0.1, -0.1, -0.9], "high": [0.9, 0.5, -0.1]},
        index=names(3),
    )
    held = next(c for c in plots.class_deltas(table).axes[0].containers if hasattr(c, "patches"))
    lightness = [np.mean(bar.get_facecolor()[:3]) for bar in held]
    assert lightness[1] > 0.7 > max(lightness[0], lightness[2])


def probe(count, **options):
    orders = {order: make(count, seed=place) for place, order in enumerate(["reversed", "frozen"])}
    return evaluation.motion_probe(make(count, seed=9), **orders, **options)


@SIZES
def test_motion_costs_are_drawn_for_each_order(count):
    measured = probe(count)
    figure = plots.motion_costs(measured)
    columns = 2 if count == 101 else 1
    assert len(figure.axes) == 2 * columns
    for place, order in enumerate(["reversed", "frozen"]):
        panels = figure.axes[place::2]
        assert [axes.get_title(loc="left") for axes in panels] == [order] * columns
        widths = [width for axes in panels for width in bars(axes)[0]]
        expected = [measured.overall.loc[order, "cost"], *measured.per_class[order]]
        np.testing.assert_allclose(widths, expected)
    assert [name for axes in figure.axes[::2] for name in labels(axes.yaxis)] == [
        "all classes",
        *names(count),
    ]
    assert figure.axes[0].get_xlabel() == "accuracy lost (points)"


def test_reversed_pairs_stand_below_the_other_classes():
    pairs = [("Class003", "Class000"), ("Class001", "Absent")]
    figure = plots.motion_costs(probe(4), pairs=pairs)
    shown = labels(figure.axes[0].yaxis)
    assert shown == ["all classes", "Class001", "Class002", "Class003", "Class000"]
    assert "class of a reversed pair" in legend(figure)
    with pytest.raises(MetricError, match="normal order alone"):
        plots.motion_costs(evaluation.motion_probe(make(4)))


def test_reversed_answers_add_up():
    measured = probe(4, pairs=[("Class000", "Class001")])
    axes = plots.reversed_answers(measured).axes[0]
    assert labels(axes.yaxis) == list(measured.flips.index)
    for held, name in zip(bars(axes), ("to_twin", "unchanged", "elsewhere"), strict=True):
        np.testing.assert_allclose(held, measured.flips[name])
    assert texts(axes) == [
        f"{row.to_twin:.0%} of {row.videos:.0f}" for row in measured.flips.itertuples()
    ]
    empty = plots.reversed_answers(probe(4))
    assert [text.get_text() for text in empty.texts][-1] == "This dataset has no reversed pairs."


def test_a_direction_without_right_answers_says_so():
    wrong = make(2)
    wrong = evaluation.same_videos({"wrong": wrong})["wrong"]
    object.__setattr__(wrong, "probabilities", np.eye(2, dtype=np.float32)[1 - wrong.y_true])
    pairs = [("Class000", "Class001")]
    axes = plots.reversed_answers(evaluation.motion_probe(wrong, reversed=wrong, pairs=pairs)).axes[
        0
    ]
    assert texts(axes) == ["none was right"] * 3


def said_over_time(count, *, steps=10):
    """Make probabilities that speak for the first class, then for the last."""
    probabilities = np.full((steps, count), 0.4 / count)
    probabilities[: steps // 2, 0] += 0.6
    probabilities[steps // 2 :, -1] += 0.6
    return probabilities


@SIZES
def test_timeline_names_a_few_classes_and_the_answer_at_every_step(count):
    probabilities, classes = said_over_time(count), names(count)
    truth = [classes[0]] * 3 + [classes[-1]] * 7
    figure = plots.frame_timeline(probabilities, classes, seconds=np.arange(10) / 5, truth=truth)
    lines, said, true = figure.axes
    assert len(legend(figure)) == min(5, count)
    assert legend(figure)[:2] == [classes[0], classes[-1]]
    curve = next(line for line in lines.lines if line.get_label() == classes[-1])
    np.testing.assert_allclose(curve.get_xdata(), np.arange(10) / 5)
    np.testing.assert_allclose(curve.get_ydata(), probabilities[:, -1])
    blocks = [[bar.get_facecolor() for bar in axes.patches] for axes in (said, true)]
    assert [len(set(colours[:5])) for colours in blocks] == [1, 2]
    assert blocks[0][0] == blocks[1][0]
    change = next(line for line in lines.lines if line.get_linestyle() == "--")
    assert change.get_xdata()[0] == pytest.approx(0.5)
    assert true.get_xlabel() == "time in the video (s)"
    assert (lines.get_ylabel(), labels(said.yaxis), labels(true.yaxis)) == (
        "probability",
        ["predicted"],
        ["true"],
    )


def test_a_class_keeps_its_colour_on_the_timeline():
    figure = plots.frame_timeline(said_over_time(12)[5:], names(12), top=1)
    curve = figure.axes[0].lines[0]
    assert curve.get_label() == "Class011"
    assert curve.get_color() == plots.class_colours(names(12))["Class011"]


def test_timeline_shows_what_was_seen_above_the_lines():
    frames = np.zeros((10, 12, 16, 3), np.uint8)
    frames[:, :, :, 0] = 25 * np.arange(10)[:, None, None]
    figure = plots.frame_timeline(said_over_time(12), names(12), frames=frames, title="A door")
    (strip,) = figure.axes[0].images
    shown = np.unique(strip.get_array()[..., 0])
    assert set(range(0, 250, 25)) <= set(shown.tolist())
    assert figure.axes[0].get_title(loc="left") == "A door"


def test_timeline_wants_a_frame_for_every_step():
    with pytest.raises(MetricError, match=r"frame for each of 10 steps. Received: 3"):
        plots.frame_timeline(said_over_time(12), names(12), frames=np.zeros((3, 4, 4, 3)))


def test_timeline_draws_what_was_answered_before_what_only_came_high():
    probabilities = np.array([[0.5, 0.1, 0.4, 0], [0.5, 0.1, 0.4, 0], [0, 0, 0, 1]])
    figure = plots.frame_timeline(probabilities, names(4), top=2)
    assert legend(figure) == ["Class000", "Class003"]
    assert figure.axes[-1].get_xlabel() == "time step"
    figure = plots.frame_timeline(probabilities, names(4), top=1)
    assert legend(figure) == ["Class000", "another class"]


@pytest.mark.parametrize(
    ("probabilities", "options", "message"),
    [
        (np.ones((4, 2)), {}, r"\(time, 3\).*\(4, 2\)"),
        (np.ones((0, 3)), {}, "one step or more"),
        (np.ones((4, 3)), {"seconds": [0, 1]}, "4 steps.*2 times"),
        (np.ones((4, 3)), {"truth": ["Nothing"] * 4}, "Nothing"),
    ],
    ids=["other classes", "no step", "other times", "unknown class"],
)
def test_timeline_refuses_what_does_not_belong_together(probabilities, options, message):
    with pytest.raises(MetricError, match=message):
        plots.frame_timeline(probabilities, names(3), **options)


def cloud(count):
    said = make(count)
    return np.random.default_rng(0).normal(size=(len(said), 2)), said


def scattered(axes):
    return np.concatenate([held.get_offsets() for held in axes.collections])


@SIZES
def test_every_class_of_a_feature_map_is_named(count):
    points, said = cloud(count)
    figure = plots.feature_map(points, said.y_true, classes=said.classes)
    axes = figure.axes[0]
    np.testing.assert_allclose(scattered(axes), points)  # videos are in the order of their classes
    assert (texts(axes) if count == 101 else legend(figure)) == said.classes
    assert title(figure) == "The feature space, by class"
    assert "only nearness counts" in axes.get_xlabel()


@SIZES
def test_a_feature_map_is_coloured_by_group_and_by_error(count):
    points, said = cloud(count)
    by_group = plots.feature_map(points, said.y_true, classes=said.classes, groups=said.groups)
    assert legend(by_group)[-3:] == ["g01", "g02", "g03"]
    # A line from each video to the middle of its (class, group).
    ends = np.array([line[1] for line in by_group.axes[0].collections[0].get_segments()])
    np.testing.assert_allclose(np.sort(ends, axis=0), np.sort(points, axis=0))
    right = np.arange(len(said)) % 3 > 0
    by_error = plots.feature_map(points, said.y_true, classes=said.classes, right=right)
    assert legend(by_error)[-2:] == ["right", "wrong"]
    colours = np.concatenate([held.get_facecolors() for held in by_error.axes[0].collections])
    assert len(np.unique(colours[right], axis=0)) == len(np.unique(colours[~right], axis=0)) == 1
    assert not (colours[right][0] == colours[~right][0]).all()


def test_names_on_a_feature_map_avoid_one_another():
    draw = np.random.default_rng(0)
    said = make(20)
    figure = plots.feature_map(draw.normal(size=(len(said), 2)), said.y_true, classes=said.classes)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    pairs = [(one, other) for place, one in enumerate(boxes) for other in boxes[:place]]
    assert sum(one.overlaps(other) for one, other in pairs) <= 2


def test_a_feature_map_needs_a_label_for_each_point():
    points, said = cloud(3)
    with pytest.raises(MetricError, match=r"\(18, 2\) and 17 labels"):
        plots.feature_map(points, said.y_true[1:], classes=said.classes)
    with pytest.raises(MetricError, match=r"\(18, 3\)"):
        plots.feature_map(np.ones((18, 3)), said.y_true, classes=said.classes)
