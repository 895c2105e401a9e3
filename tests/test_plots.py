import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from vidlab import plots
from vidlab.errors import MetricError, ResultError

SIZES = pytest.mark.parametrize("count", [1, 12, 101])


@pytest.fixture(autouse=True, scope="module")
def style():
    plots.use_style()


def names(count):
    return [f"Class{place:03d}" for place in range(count)]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def legend(figure):
    found = [text.get_text() for part in figure.legends for text in part.get_texts()]
    for axes in figure.axes:
        if axes.get_legend() is not None:
            found += [text.get_text() for text in axes.get_legend().get_texts()]
    return found


def bars(axes):
    """Give (left, width) of the bars of an axes, container by container."""
    return [[(bar.get_x(), bar.get_width()) for bar in held] for held in axes.containers]


def title(figure):
    return figure.get_suptitle() or figure.axes[0].get_title(loc="left")


def test_a_class_has_one_colour_and_no_two_share_it():
    for count in (2, 8, 12, 16, 101):
        chosen = plots.class_colours(names(count))
        assert list(chosen) == names(count)
        assert len(set(chosen.values())) == count


def test_colours_are_told_apart_by_lightness_against_white():
    for colour in plots.class_colours(names(101)).values():
        assert np.mean(colors.to_rgb(colour)) < 0.85


def test_a_recipe_keeps_its_colour_and_an_own_one_gets_one():
    known = ["frame-scratch", "frame-pretrained", "frame-finetuned", "frame-vote"]
    assert len({plots.recipe_colour(name) for name in known}) == 4
    assert plots.recipe_colour("my-own") == plots.recipe_colour("my-own")
    assert colors.is_color_like(plots.recipe_colour("my-own"))


def test_a_figure_is_saved_in_all_formats_and_always_the_same(tmp_path):
    files = []
    for folder in ("one", "two"):
        figure = plots.frame_strip(np.zeros((2, 4, 4, 3), np.uint8))
        files.append(plots.save(figure, tmp_path / folder / "strip.v1"))
    assert [path.name for path in files[0]] == ["strip.v1.png", "strip.v1.svg", "strip.v1.pdf"]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert b"frame 1" in files[0][1].read_bytes()


def test_an_unknown_format_lists_the_known_ones(tmp_path):
    figure = plots.frame_strip(np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(ResultError, match=r"png, svg, pdf.*gif"):
        plots.save(figure, tmp_path / "strip", formats=["gif"])
    assert not list(tmp_path.iterdir())


def test_a_figure_shows_itself_in_a_notebook():
    figure = plots.frame_strip(np.zeros((1, 4, 4, 3), np.uint8))
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_drawing_opens_no_window_and_keeps_no_figure():
    script = (
        "import sys, json, numpy as np\n"
        "from vidlab import plots\n"
        "plots.use_style()\n"
        "plots.frame_strip(np.zeros((1, 4, 4, 3), np.uint8))\n"
        "import matplotlib.pyplot as plt\n"
        "print(json.dumps([plt.get_fignums(), 'keras' in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == [[], False]


def table_of_videos(count):
    rows = [(name, frames) for name in names(count) for frames in (25, 50, 124, 250, 260)]
    return pd.DataFrame(rows, columns=["class_name", "frames"]).assign(fps=25.0)


@SIZES
def test_clips_per_class_counts_by_duration(count):
    figure = plots.clips_per_class(table_of_videos(count))
    shown = [name for axes in figure.axes for name in labels(axes.yaxis)]
    assert shown == names(count)
    # 1 s; 2 and 4.96 s; none from 5 to 10 s; 10 and 10.4 s.
    for place in range(4):
        widths = [width for axes in figure.axes for _, width in bars(axes)[place]]
        assert widths == [[1, 2, 0, 2][place]] * count
    assert legend(figure) == ["under 2 s", "2–5 s", "5–10 s", "10 s and more"]
    assert figure.axes[0].get_xlabel() == "number of videos"
    assert title(figure)


def test_a_class_without_videos_keeps_its_row():
    class Index:
        table = table_of_videos(2)
        classes = ("Class001", "Empty", "Class000")

    axes = plots.clips_per_class(Index()).axes[0]
    assert labels(axes.yaxis) == ["Class001", "Empty", "Class000"]
    assert sum(bars(axes)[place][1][1] for place in range(4)) == 0


def per_class(count, *, top5=True):
    table = pd.DataFrame(
        {"support": 10, "top1": np.linspace(0, 0.9, count)},
        index=pd.Index(names(count), name="class"),
    )
    return table.assign(top5=1.0) if top5 else table


@SIZES
def test_classes_are_drawn_from_best_to_worst(count):
    figure = plots.per_class_bars(per_class(count), ceiling=0.75)
    shown = [name for axes in figure.axes for name in labels(axes.yaxis)]
    assert shown == names(count)[::-1]
    assert len(figure.axes) == (2 if count == 101 else 1)
    widths = [width for axes in figure.axes for _, width in bars(axes)[1]]
    np.testing.assert_allclose(widths, np.linspace(0, 0.9, count)[::-1])
    assert legend(figure) == ["top-1", "top-5", "ceiling over all classes 75%"]
    assert "%" in figure.axes[0].get_xlabel()


def test_reversed_pairs_stand_together():
    table = per_class(6, top5=False)
    pairs = [("Class000", "Class005"), ("Class002", "Class003"), ("Class001", "Absent")]
    figure = plots.per_class_bars(table, pairs=pairs)
    shown = labels(figure.axes[0].yaxis)
    assert shown[:2] == ["Class004", "Class001"]
    assert sorted([shown[2:4], shown[4:]]) == [["Class000", "Class005"], ["Class002", "Class003"]]
    assert "top-5" not in legend(figure)
    assert "half of a pair" in legend(figure)


def test_a_class_without_accuracy_comes_last():
    table = per_class(3, top5=False)
    table.loc["Class002", "top1"] = np.nan
    assert labels(plots.per_class_bars(table).axes[0].yaxis)[-1] == "Class002"


def test_classes_stand_in_a_given_order_with_their_intervals():
    table = per_class(4, top5=False).assign(top1_low=0.1, top1_high=[0.2, 0.4, np.nan, 1.0])
    order = ["Class002", "Class000", "Class003", "Class001"]
    axes = plots.per_class_bars(table, order=order).axes[0]
    assert labels(axes.yaxis) == order
    _, (whiskers,) = axes.containers[-1].lines[1:]
    heights = {segment[0][1]: segment[1][0] for segment in whiskers.get_segments()}
    assert heights == pytest.approx({1: 0.2, 2: 1.0, 3: 0.4})


def recipes():
    return pd.DataFrame(
        {
            "top1": [0.16, 0.63],
            "low": [0.1, 0.55],
            "high": [0.2, np.nan],
            "published": [0.234, 0.682],
        },
        index=["frame-scratch", "frame-finetuned"],
    )


def test_accuracy_stands_beside_ceiling_and_published_value():
    figure = plots.accuracy_with_ceiling(recipes(), 0.75, chance=1 / 12)
    axes = figure.axes[0]
    assert labels(axes.yaxis) == ["frame-scratch", "frame-finetuned"]
    assert texts(axes) == ["16.0%", "63.0%"]
    assert set(legend(figure)) == {
        "published, UCF-101",
        "ceiling without the order of frames, 75%",
        "chance, 8.3%",
    }
    drawn = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(drawn["published, UCF-101"].get_xdata(), [0.234, 0.682])
    np.testing.assert_allclose(
        drawn["ceiling without the order of frames, 75%"].get_xdata(), [0.75, 0.75]
    )
    # The second interval has no upper end, so one whisker is drawn, from 0.1 to 0.2.
    (whisker,) = next(held for held in axes.containers if hasattr(held, "has_xerr"))[2]
    np.testing.assert_allclose([ends[:, 0] for ends in whisker.get_segments()], [[0.1, 0.2]])


def test_a_ceiling_of_all_videos_is_not_drawn():
    figure = plots.accuracy_with_ceiling(recipes(), 1.0)
    assert legend(figure) == ["published, UCF-101"]


def test_spread_is_drawn_where_there_is_no_interval():
    table = pd.DataFrame({"top1": [0.5], "top1_spread": [0.1]}, index=["frame-vote"])
    axes = plots.accuracy_with_ceiling(table).axes[0]
    (whisker,) = next(held for held in axes.containers if hasattr(held, "has_xerr"))[2]
    np.testing.assert_allclose(whisker.get_segments()[0][:, 0], [0.4, 0.6])


def test_per_cent_in_place_of_shares_is_refused():
    with pytest.raises(MetricError, match=r"published up to 68.2.*by 100"):
        plots.accuracy_with_ceiling(recipes().assign(published=[23.4, 68.2]))


def test_aggregations_are_compared_by_recipe():
    table = pd.DataFrame(
        {"frame": [0.5, 0.2], "mean": [0.6, 0.3], "vote": [0.55, 0.25]}, index=["one", "two"]
    )
    figure = plots.aggregation_comparison(table, ceiling=0.75)
    widths = [[width for _, width in held] for held in bars(figure.axes[0])]
    assert widths == [[0.5, 0.2], [0.6, 0.3], [0.55, 0.25]]
    assert set(legend(figure)) >= {"frame", "mean", "vote"}


@pytest.mark.parametrize("ways", [[], ["a", "b", "c", "d", "e"]], ids=["none", "five"])
def test_no_aggregations_or_more_than_there_are_colours_are_refused(ways):
    with pytest.raises(MetricError, match=rf"1 to 4 ways.*Received: {len(ways)} columns"):
        plots.aggregation_comparison(pd.DataFrame(0.5, index=["one"], columns=ways))


def test_leakage_is_drawn_in_another_colour():
    table = pd.DataFrame({"accuracy": [0.9, 0.5]}, index=["random", "official"])
    figure = plots.leakage_bars(table, chance=0.25)
    leaking, honest = (bar.get_facecolor() for bar in figure.axes[0].containers[0])
    assert leaking != honest
    assert legend(figure) == ["chance, 25.0%"]
    assert texts(figure.axes[0]) == ["90.0%", "50.0%"]


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
    loss, accuracy = figure.axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "cross-entropy")
    assert texts(loss) == ["phase 1, rate 0.001", "phase 2, rate 0.0001"]
    assert legend(figure) == ["training", "validation", "kept: epoch 4"]
    ring = next(line for line in accuracy.lines if line.get_label() == "kept: epoch 4")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([4], [0.6])
    borders = [line for line in loss.lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in borders] == [2.5]


def test_learning_curves_without_validation_have_no_ring():
    figure = plots.learning_curves(history().drop(columns=["val_loss", "val_accuracy"]))
    assert legend(figure) == ["training"]


def test_compared_learning_curves_have_a_colour_a_recipe_and_ring_what_was_kept():
    unvalidated = history((1, 1, 1, 1, 1)).drop(columns=["val_loss", "val_accuracy"])
    figure = plots.learning_curves_compared({"first": history(), "second": unvalidated})
    colours = plots.recipe_colours(["first", "second"])
    for axes, measure, kept in zip(figure.axes, ("loss", "accuracy"), (1.1, 0.6), strict=True):
        drawn = {(line.get_color(), line.get_linestyle()): line for line in axes.lines}
        assert set(drawn) >= {
            (colours["first"], "-"), (colours["first"], "--"), (colours["second"], "--")
        }  # fmt: skip
        assert (colours["second"], "-") not in drawn
        validation = drawn[colours["first"], "-"].get_ydata()
        np.testing.assert_allclose(validation, history()[f"val_{measure}"])
        (ring,) = [line for line in axes.lines if line.get_marker() == "o"]
        assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([4], [kept])
    assert legend(figure) == ["first", "second", "validation", "training", "kept"]


def test_recipes_side_by_side_never_share_a_colour():
    every = [f"mine-{place}" for place in range(16)]
    assert len({plots.recipe_colour(name) for name in every}) < 16
    assert len(set(plots.recipe_colours(every).values())) == 16
    assert len(plots.recipe_colours([*every, "one-more"])) == 17
    assert plots.recipe_colours(["frame-vote", "cnn-lstm"]) == {
        name: plots.recipe_colour(name) for name in ("frame-vote", "cnn-lstm")
    }


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
    np.testing.assert_allclose(axes.images[0].get_array(), shares)
    expected = []
    if count <= 15:
        values = table if counts else (100 * table).round()
        shown = values.to_numpy()[table.to_numpy() > 0]
        expected = [f"{value:.0f}" for value in shown]
    assert texts(axes) == expected


def test_a_restricted_confusion_matrix_keeps_its_last_column():
    table = confusions(3, counts=True).assign(**{"(other classes)": [1, 0, 2]})
    axes = plots.confusion_matrix(table).axes[0]
    assert labels(axes.xaxis)[-1] == "(other classes)"
    with pytest.raises(MetricError, match="3 rows, 4 columns"):
        plots.confusion_matrix(table, order="clustered")


def test_clustered_order_puts_confused_classes_side_by_side():
    values = np.eye(6, dtype=int) * 10
    for first, second in ((0, 3), (1, 5), (2, 4)):
        values[first, second] = values[second, first] = 8
    table = pd.DataFrame(values, index=list("ABCDEF"), columns=list("ABCDEF"))
    axes = plots.confusion_matrix(table, order="clustered").axes[0]
    order = "".join(labels(axes.yaxis))
    assert sorted(order) == list("ABCDEF")
    for pair in ("AD", "BF", "CE"):
        assert pair in order or pair[::-1] in order
    assert labels(axes.xaxis) == list(order)


def test_an_unknown_order_lists_the_known_ones():
    with pytest.raises(MetricError, match="given or clustered"):
        plots.confusion_matrix(confusions(3, counts=True), order="sorted")


def coloured(count, *, size=(6, 8)):
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((*size, 3), np.uint8)


def test_frames_go_on_in_the_next_row():
    figure = plots.frame_strip(coloured(11), columns=4)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == [f"frame {place}" for place in range(11)]
    assert [axes.images[0].get_array()[0, 0, 0] for axes in shown] == list(range(11))
    assert len(figure.axes) == 12


def test_a_title_is_needed_for_each_frame():
    with pytest.raises(MetricError, match=r"Expected 3 titles.*Received: 2"):
        plots.frame_strip(coloured(3), titles=["a", "b"])


def test_pictures_of_another_shape_are_refused():
    with pytest.raises(MetricError, match=r"frames, height, width, 3.*\(6, 8, 3\)"):
        plots.frame_strip(coloured(1)[0])


@SIZES
def test_a_contact_sheet_names_every_row(count):
    images = np.stack([coloured(3)] * count)
    figure = plots.contact_sheet(images, names(count), column_names=["first", "middle", "last"])
    assert [name for axes in figure.axes for name in labels(axes.yaxis)] == names(count)
    assert labels(figure.axes[0].xaxis) == ["first", "middle", "last"]
    sheet = figure.axes[0].images[0].get_array()
    assert [sheet[2, left, 0] for left in (2, 14, 26)] == [0, 1, 2]


def test_where_there_is_nothing_to_show_a_sentence_stands():
    sheet = plots.contact_sheet([], [], title="Twins", empty="No pairs.")
    matrix = plots.confusion_matrix(confusions(3, counts=True).iloc[:0], empty="No pairs.")
    for figure in (sheet, matrix):
        assert not figure.axes
        assert figure.texts[-1].get_text() == "No pairs."


def test_augmented_pictures_follow_the_original():
    figure = plots.augmentation_grid(coloured(3).astype(float) + 0.4, original=coloured(8)[7])
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == ["original", "draw 1", "draw 2", "draw 3"]
    assert [axes.images[0].get_array()[0, 0, 0] for axes in shown] == [7, 0, 1, 2]


def test_sampling_strip_draws_every_pick_and_ten_frames():
    picks = {"Uniform(4)": np.array([0, 10, 20, 29]), "Window(40)": np.arange(40) % 30}
    figure = plots.sampling_strip(picks, 30, fps=10.0, frames=coloured(30))
    lines, thumbnails = figure.axes[0::2], figure.axes[1::2]
    np.testing.assert_allclose(
        lines[0].collections[0].get_offsets(), [[0, 0], [1, 0], [2, 0], [2.9, 0]]
    )
    # Frames 0 to 9 are picked twice; the second pick is drawn above the first.
    assert (lines[1].collections[0].get_offsets()[:, 1] == 1).sum() == 10
    assert lines[0].get_title(loc="left") == "Uniform(4): 4 picks"
    assert lines[1].get_title(loc="left") == "Window(40): 40 picks, 10 of them shown"
    assert texts(thumbnails[0]) == ["0", "10", "20", "29"]
    assert [image.get_array()[0, 0, 0] for image in thumbnails[0].images] == [0, 10, 20, 29]
    assert len(thumbnails[1].images) == 10
    assert "30 frames, 3.0 s" in title(figure)
    assert lines[-1].get_xlabel() == "time in the video (s)"


def test_sampling_strip_reads_only_the_frames_it_shows():
    asked = []

    def read(numbers):
        asked.extend(numbers.tolist())
        return coloured(200)[numbers]

    picks = {"All": np.arange(190), "Reversed": np.array([7, 5, 3])}
    figure = plots.sampling_strip(picks, 190, frames=read)
    pictures = [[image.get_array()[0, 0, 0] for image in axes.images] for axes in figure.axes[1::2]]
    assert pictures == [[0, 21, 42, 63, 84, 105, 126, 147, 168, 189], [7, 5, 3]]
    assert asked == sorted({*pictures[0], *pictures[1]})


def test_sampling_strip_draws_the_frames_of_some_rows_alone():
    picks = {"Few": np.array([3, 9]), "Many": np.arange(30)}
    figure = plots.sampling_strip(picks, 30, frames=coloured(30), with_frames=["Few"])
    assert [len(axes.images) for axes in figure.axes] == [0, 2, 0]
    assert [axes.get_title(loc="left") for axes in figure.axes][::2] == [
        "Few: 2 picks",
        "Many: 30 picks",
    ]


@pytest.mark.parametrize(
    ("picks", "message"),
    [
        ({}, "at least one sampler"),
        ({"Own": np.array([0, 30])}, "from 0 to 29.*0 to 30 from Own"),
        ({"Own": np.array([], int)}, "none from Own"),
    ],
    ids=["no sampler", "beyond the end", "no picks"],
)
def test_picks_must_be_in_the_video(picks, message):
    with pytest.raises(MetricError, match=message):
        plots.sampling_strip(picks, 30)


def test_all_frames_of_the_video_are_needed():
    with pytest.raises(MetricError, match=r"all 30 frames.*Received: 29"):
        plots.sampling_strip({"Own": np.array([0])}, 30, frames=coloured(29))
