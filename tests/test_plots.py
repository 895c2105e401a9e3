"""Figures of numbers: bars, points, confusion, curves, feature spaces, judged by labels."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib.container import BarContainer
from scipy.spatial import KDTree

from tests.drawn import SIZES, labels, legend, names, texts
from vidlab import evaluation, plots
from vidlab.data.index import ReversedPair
from vidlab.errors import MetricError
from vidlab.evaluation import CYCLIC, END_STATE
from vidlab.evaluation.predictions import Predictions


@pytest.fixture(autouse=True, scope="module")
def style():
    plots.use_style()


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


def rows(figure):
    return [name for axes in figure.axes for name in labels(axes.yaxis)]


def bars(axes):
    """Widths of the bars of an axes, container by container."""
    containers = [held for held in axes.containers if isinstance(held, BarContainer)]
    return [[bar.get_width() for bar in held] for held in containers]


def points(axes, label=None):
    """Where the points named so are, from left to right; the first ones without a name."""
    held = [dots for dots in axes.collections if label in (None, dots.get_label())]
    return held[0].get_offsets()[:, 0]


def whiskers(axes):
    """Ends of the intervals of an axes, by row."""
    lines = [segment for held in axes.collections if hasattr(held, "get_segments")
             for segment in held.get_segments()]  # fmt: skip
    return {line[0][1]: (line[0][0], line[1][0]) for line in lines if line[0][1] == line[1][1]}


def contrast_on_white(colour):
    """The contrast ratio of WCAG 2.1, 1 to 21."""
    channels = np.array(colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


def test_a_class_has_one_colour_that_is_seen_on_white_and_no_two_share_it():
    for count in (2, 8, 12, 16, 101):
        chosen = plots.class_colours(names(count))
        assert list(chosen) == names(count)
        assert len(set(chosen.values())) == count
        assert min(map(contrast_on_white, chosen.values())) >= 3  # WCAG 2.1, 1.4.11


def test_a_figure_is_saved_in_all_formats_and_always_the_same(tmp_path):
    files = []
    for folder in ("one", "two"):
        figure = plots.frame_strip(np.zeros((2, 4, 4, 3), np.uint8))
        files.append(plots.save(figure, tmp_path / folder / "strip.v1"))
    assert [path.name for path in files[0]] == ["strip.v1.png", "strip.v1.svg", "strip.v1.pdf"]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert b"frame 1" in files[0][1].read_bytes()


def test_drawing_shows_itself_opens_no_window_and_keeps_no_figure():
    script = (
        "import sys, json, numpy as np\n"
        "from vidlab import plots\n"
        "plots.use_style()\n"
        "figure = plots.frame_strip(np.zeros((1, 4, 4, 3), np.uint8))\n"
        "shown = figure._repr_png_().startswith(b'\\x89PNG')\n"
        "import matplotlib.pyplot as plt\n"
        "print(json.dumps([shown, plt.get_fignums(), 'keras' in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == [True, [], False]


def recipes():
    table = {"top1": [0.16, 0.63], "low": [0.1, 0.55], "high": [0.2, np.nan]}
    return pd.DataFrame(
        {**table, "published": [0.234, 0.682]}, ["frame-scratch", "frame-finetuned"]
    )


def test_bars_stand_beside_ceiling_chance_and_marks():
    marks = {"published": "published, UCF-101"}
    figure = plots.intervals(recipes(), marks=marks, ceiling=0.75, chance=1 / 12)
    (axes,) = figure.axes
    assert rows(figure) == ["frame-scratch", "frame-finetuned"]
    assert bars(axes) == [[0.16, 0.63]]
    assert texts(axes) == ["16.0%", "63.0%"]
    lines = {line.get_label(): line.get_xdata()[0] for line in axes.lines}
    assert lines["ceiling without the order of frames, 75%"] == 0.75
    assert lines["chance, 8.3%"] == pytest.approx(1 / 12)
    np.testing.assert_allclose(points(axes, "published, UCF-101"), [0.234, 0.682])
    # The second interval has no upper end, so it is not drawn.
    assert whiskers(axes) == {0: pytest.approx((0.1, 0.2))}
    assert len(legend(figure)) == 3
    assert legend(plots.intervals(recipes(), ceiling=1.0)) == []


def test_per_cent_in_place_of_shares_is_refused():
    with pytest.raises(MetricError, match=r"published up to 68.2.*by 100"):
        plots.intervals(recipes().assign(published=[23.4, 68.2]), marks={"published": "there"})


def test_several_values_stand_side_by_side_in_colours_of_their_own():
    table = pd.DataFrame({"mean": [0.6, 0.3], "vote": [0.55, 0.25]}, index=["one", "two"])
    figure = plots.intervals(table, values=["mean", "vote"])
    (axes,) = figure.axes
    assert bars(axes) == [[0.6, 0.3], [0.55, 0.25]]
    assert legend(figure) == ["mean", "vote"]
    first, second = (held.patches[0] for held in axes.containers)
    assert first.get_y() + first.get_height() <= second.get_y() + 0.05
    assert first.get_facecolor() != second.get_facecolor()


def test_points_of_signed_values_are_pale_where_uncertain_and_have_texts():
    table = pd.DataFrame(
        {"difference": [0.3, -0.1], "low": [0.2, -0.3], "high": [0.4, 0.1]}, list("yz")
    )
    figure = plots.intervals(
        table, values="difference", points=True, signed=True,
        uncertain={"y": False, "z": True}, texts={"z": "p = 0.4"},
    )  # fmt: skip
    (axes,) = figure.axes
    assert list(points(axes)) == [0.3, -0.1]
    dark, pale = axes.collections[0].get_facecolors()
    assert dark[:3].mean() < 0.5 < pale[:3].mean()
    assert texts(axes) == ["", "p = 0.4"]
    assert axes.xaxis.get_major_formatter()(-0.2, 0) == "−20"


def test_intervals_are_drawn_into_given_axes():
    figure = plots.Drawing()
    left, right = figure.subplots(1, 2)
    assert plots.intervals(recipes(), left, title="Accuracy") is figure
    assert labels(left.yaxis) == list(recipes().index)
    assert left.get_title(loc="left") == "Accuracy"
    assert plots.lines({"curve": pd.Series([1, 2])}, right) is figure
    assert bars(left) == [[0.16, 0.63]]
    assert list(right.lines[0].get_ydata()) == [1, 2]


@SIZES
def test_stacked_bars_continue_one_another(count):
    table = pd.DataFrame({"short": 3, "long": 2}, index=names(count))
    figure = plots.stacked_bars(table, xlabel="number of videos")
    assert rows(figure) == names(count)
    (axes,) = figure.axes
    assert [bar.get_x() for bar in axes.containers[1]] == [3] * len(labels(axes.yaxis))
    assert legend(figure) == ["short", "long"]
    assert axes.get_xlabel() == "number of videos"


def test_where_there_is_nothing_to_show_a_sentence_stands():
    options = {"title": "Twins", "empty": "No pairs."}
    drawn = [
        plots.contact_sheet([], [], **options),
        plots.confusion_matrix(confusions(3, counts=True).iloc[:0], **options),
        plots.intervals(pd.DataFrame({"top1": []}), **options),
        plots.stacked_bars(pd.DataFrame(), **options),
    ]
    for figure in drawn:
        assert not figure.axes
        assert [text.get_text() for text in figure.texts][-1] == "No pairs."


def per_class(count, *, top5=True):
    table = pd.DataFrame({"support": 10, "top1": np.linspace(0, 0.9, count)}, index=names(count))
    return table.assign(top5=1.0) if top5 else table


@SIZES
def test_classes_are_drawn_from_best_to_worst_or_in_a_given_order_with_their_intervals(count):
    figure = plots.per_class_bars(per_class(count))
    assert rows(figure) == names(count)[::-1]
    widths = bars(figure.axes[0])[1]
    np.testing.assert_allclose(widths, np.linspace(0, 0.9, count)[::-1])
    assert legend(figure) == ["top-1", "top-5"]
    table = per_class(count, top5=False).assign(
        top1_low=0.0, top1_high=[0.2, *[np.nan] * (count - 1)]
    )
    figure = plots.per_class_bars(table, order=names(count))
    assert rows(figure) == names(count)
    assert whiskers(figure.axes[0]) == {0: (0, 0.2)}


@SIZES
def test_class_deltas_are_pale_where_the_interval_includes_zero(count):
    table = evaluation.class_deltas(make(count, seed=1), make(count, seed=2))
    figure = plots.class_deltas(table, a="frame-vote", b="my-own")
    assert rows(figure) == list(table.index)
    held = [bar for axes in figure.axes for bar in axes.patches]
    np.testing.assert_allclose([bar.get_width() for bar in held], table["delta"])
    pale = [np.mean(bar.get_facecolor()[:3]) > 0.6 for bar in held]
    assert pale == ((table["low"] <= 0) & (table["high"] >= 0)).tolist()
    assert figure.get_suptitle() == "Who gains, class by class: my-own − frame-vote"
    assert legend(figure)[:2] == ["my-own is better", "frame-vote is better"]


def test_leaderboard_draws_measured_and_published_apart():
    metrics = {
        "frame-vote": {"parameters": 2e6, "training_seconds": 90, "model_bytes": 8e6},
        "convgru-fixed": {"parameters": 4e6, "training_seconds": 30, "feature_seconds": 60},
    }
    table = evaluation.leaderboard(
        {name: make(12, seed=seed) for seed, name in enumerate([*metrics, "my-own"])},
        metrics=metrics,
    )
    published = pd.Series({"frame-vote": 0.5741, "convgru-fixed": 0.687})
    figure = plots.leaderboard(table.assign(published=published))
    top1, top5, parameters, time, size = figure.axes
    assert labels(top1.yaxis) == list(table.index)
    for axes, top in ((top1, "top1"), (top5, "top5")):
        np.testing.assert_allclose(points(axes), table[top])
    shown = points(top1, "published, UCF-101").filled(np.nan)
    np.testing.assert_allclose(shown, published.reindex(table.index))
    assert texts(top1) == [f"{value:.1%}" for value in table["top1"]]
    np.testing.assert_allclose(bars(parameters)[0], table["parameters"] / 1e6)
    seconds = table[["training_seconds", "feature_seconds"]].fillna(0)
    np.testing.assert_allclose(np.nan_to_num(bars(time)), seconds.T / 60)
    assert texts(size) == ["8"]
    assert {"published, UCF-101", "training", "features"} < set(legend(figure))
    few = names(12)
    both = [ReversedPair(*few[:2]), ReversedPair(*few[2:4], cyclic=True)]
    paired = replace(make(12), reversed_pairs=both)
    table = evaluation.leaderboard({"my-own": paired})
    within = plots.leaderboard(table).axes[2]
    for kind in (END_STATE, CYCLIC):
        np.testing.assert_allclose(points(within, kind), table[kind])
    alone = plots.leaderboard(evaluation.leaderboard({"my-own": make(3)}))
    assert len(alone.axes) == 1
    assert legend(alone) == ["measured (95% interval over groups)"]


def history(phases=(1, 1, 2, 2, 2)):
    count = len(phases)
    return pd.DataFrame(
        {
            "epoch": range(1, count + 1),
            "phase": phases,
            "loss": np.linspace(2, 1, count),
            "accuracy": np.linspace(0.2, 0.8, count),
            "val_loss": [0.9, 1.4, 1.3, 1.1, 1.2][:count],
            "val_accuracy": [0.2, 0.3, 0.4, 0.6, 0.5][:count],
            "learning_rate": [0.001] * 2 + [0.0001] * 3,
        }
    )


def test_learning_curves_part_phases_and_ring_the_kept_epoch():
    figure = plots.learning_curves(history())
    loss = figure.axes[0]
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "cross-entropy")
    assert texts(loss) == [" phase 2,\n rate 0.0001"]
    assert legend(figure) == ["training", "validation", "kept: epoch 4"]
    borders = [line for line in loss.lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in borders] == [2.5]


def test_several_learning_curves_have_a_colour_each_and_ring_what_was_kept():
    unvalidated = history((1, 1, 1, 1, 1)).drop(columns=["val_loss", "val_accuracy"])
    assert legend(plots.learning_curves(unvalidated)) == ["training"]
    figure = plots.learning_curves({"first": history(), "second": unvalidated})
    colours = plots.class_colours(["first", "second"])
    for axes, measure, kept in zip(figure.axes, ("loss", "accuracy"), (1.1, 0.6), strict=True):
        drawn = {(line.get_color(), line.get_linestyle()): line for line in axes.lines}
        assert {(colours["first"], "--"), (colours["second"], "--")} <= set(drawn)
        assert (colours["second"], "-") not in drawn
        validation = drawn[colours["first"], "-"].get_ydata()
        np.testing.assert_allclose(validation, history()[f"val_{measure}"])
        (ring,) = [line for line in axes.lines if line.get_marker() == "o"]
        assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([4], [kept])
    assert legend(figure) == ["first", "second", "training", "validation", "kept"]


def test_lines_are_drawn_over_their_index():
    curves = {"still": pd.Series([0, 0], [0.5, 1.0]), "moving": pd.Series([0, 3.0], [0.5, 1.0])}
    figure = plots.lines(curves, ylabel="change", title="How much")
    drawn = {line.get_label(): line for line in figure.axes[0].lines}
    assert drawn["moving"].get_xdata().tolist() == [0.5, 1.0]
    assert drawn["moving"].get_ydata().tolist() == [0, 3]
    assert legend(figure) == ["still", "moving"]
    assert figure.axes[0].get_ylim()[0] == 0


def confusions(count, *, counts):
    values = np.random.default_rng(0).integers(0, 9, size=(count, count)) + np.eye(count, dtype=int)
    return pd.DataFrame(
        values if counts else values / values.sum(axis=1, keepdims=True),
        index=pd.Index(names(count), name="true"),
        columns=pd.Index(names(count), name="predicted"),
    )


@SIZES
@pytest.mark.parametrize("counts", [True, False], ids=["counts", "shares"])
def test_every_class_of_a_confusion_matrix_is_named(count, counts):
    table = confusions(count, counts=counts)
    axes = plots.confusion_matrix(table).axes[0]
    assert labels(axes.xaxis) == labels(axes.yaxis) == names(count)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert axes.yaxis.get_ticklabels()[0].get_fontsize() >= 6
    shares = table.div(table.sum(axis=1), axis=0)
    np.testing.assert_allclose(axes.collections[0].get_array().reshape(table.shape), shares)
    values = (table if counts else 100 * table).to_numpy().ravel()
    expected = [f"{value:.0f}" if value > 0 else "" for value in values]
    assert texts(axes) == (expected if count <= 15 else [])


def test_clustered_order_puts_confused_classes_side_by_side():
    values = np.eye(6, dtype=int) * 10
    for first, second in ((0, 3), (1, 5), (2, 4)):
        values[first, second] = values[second, first] = 8
    table = pd.DataFrame(values, index=list("ABCDEF"), columns=list("ABCDEF"))
    order = "".join(plots.clustered(table))
    assert sorted(order) == list("ABCDEF")
    assert all(pair in order or pair[::-1] in order for pair in ("AD", "BF", "CE"))


def cloud(count):
    predicted = make(count)
    return np.random.default_rng(0).normal(size=(len(predicted), 2)), predicted


@SIZES
def test_videos_are_points_coloured_by_class(count):
    where, predicted = cloud(count)
    options = {"classes": predicted.classes, "title": "Features"}
    figure = plots.tsne(where, predicted.y_true, **options)
    (axes,) = figure.axes
    drawn = np.concatenate([held.get_offsets() for held in axes.collections])
    moved = np.linalg.norm(drawn - where, axis=1)  # those that would cover one another, not far
    assert moved.max() < 0.03 * np.ptp(where)
    assert (texts(axes) if count == 101 else legend(figure)) == predicted.classes
    assert axes.get_title(loc="left") == "Features"


def test_twins_of_a_map_stand_side_by_side():
    predicted = make(6)
    where = np.random.default_rng(0).normal(size=(len(predicted) // 2, 2)).repeat(2, axis=0)
    figure = plots.tsne(where, predicted.y_true, classes=predicted.classes)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    drawn = np.concatenate([held.get_offsets() for held in axes.collections])
    dots = axes.transData.transform(drawn) * 72 / figure.dpi  # points of print
    nearest = KDTree(dots).query(dots, k=2)[0][:, 1]
    assert nearest.min() > 0.8 * axes.collections[0].get_sizes()[0] ** 0.5
    far = np.linalg.norm(drawn - where, axis=1)
    assert np.median(far) < 0.02 * np.ptp(where)


def test_descent_draws_each_path_over_one_landscape_and_all_losses():
    way = np.array([[3.0, 0.0], [1.0, 0.0], [0.5, 0.0]])
    paths = {"slow": way, "thrown out": way * [[1], [100], [1e6]], "fast": way / 2}
    figure = plots.descent(paths, lambda w: (w**2).sum(axis=-1), title="Three rules")
    assert figure.get_suptitle() == "Three rules"
    axes = {one.get_title(loc="left"): one for one in figure.axes}
    assert set(axes) == {*paths, "Loss above the lowest"}
    drawn = {name: axes[name].lines[0].get_xydata() for name in paths}
    np.testing.assert_array_equal(drawn["slow"], way)
    assert len(drawn["thrown out"]) == 2  # what follows lies too far away to be drawn
    assert legend(figure) == list(paths)
