"""The bars of each class: numbers, orders, the videos behind a class, and what goes wrong."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from vidlab import evaluation, plots
from vidlab.data.index import VideoIndex
from vidlab.errors import MetricError
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import FramePredictions, Predictions
from vidlab.widgets import PerClassExplorer

NAMES = ("frame-vote", "cnn-lstm")


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=4, clips=2))


def answers(index, wrong):
    """Make predictions that are right, but for `wrong`: video to the class it is taken for."""
    taken = index.labels.copy()
    for place, name in wrong.items():
        taken[place] = index.classes.index(name)
    sure = np.linspace(0.5, 0.9, len(index))
    chances = np.repeat((1 - sure)[:, None] / 2, 3, axis=1)
    chances[np.arange(len(index)), taken] = sure
    return Predictions(
        video_ids=index.table["video_id"].to_numpy(),
        groups=index.groups,
        y_true=index.labels,
        probabilities=chances,
        classes=index.classes,
    )


@pytest.fixture
def said(index):
    """Six of eight Jumps are taken for a Run, and the first Wave (video 16) for a Jump."""
    return answers(index, dict.fromkeys(range(6), "Run") | {16: "Jump"})


@pytest.fixture
def other(index):
    """Jumps 4 to 7 are taken for a Wave, and every Run (8 to 15) for a Jump."""
    return answers(index, dict.fromkeys(range(4, 8), "Wave") | dict.fromkeys(range(8, 16), "Jump"))


def many(*, classes, videos, seed=0):
    """Make predictions of many classes, some of them wrong."""
    draw = np.random.default_rng(seed)
    label = np.arange(videos) % classes
    chances = draw.dirichlet(np.full(classes, 0.1), videos)
    chances[np.arange(videos), label] += draw.random(videos)
    return Predictions(
        video_ids=[f"v{number}" for number in range(videos)],
        groups=[f"g{number // classes % 7}" for number in range(videos)],
        y_true=label,
        probabilities=chances / chances.sum(axis=1, keepdims=True),
        classes=[f"Class{number:03d}" for number in range(classes)],
    )


def bars(explored):
    """The bars of the chart by the first words of their hover texts."""
    return {trace.hovertemplate.split(":")[0]: trace for trace in explored.chart.data}


def test_bars_are_the_shares_of_right_answers_counted_by_hand(said, other):
    drawn = bars(PerClassExplorer(said, against=other, names=NAMES))
    assert list(drawn) == ["frame-vote top-1", "cnn-lstm top-1", "frame-vote − cnn-lstm"]
    first, second, difference = drawn.values()
    assert list(first.y) == ["Jump", "Run", "Wave"]
    assert list(first.x) == [2 / 8, 8 / 8, 7 / 8]
    assert list(second.x) == [4 / 8, 0, 1]
    assert list(difference.x) == [-0.25, 1, -0.125]
    assert first.name == "frame-vote top-1 71%"
    colours = list(plots.class_colours(NAMES).values())
    assert [first.marker.color, second.marker.color] == colours
    assert list(difference.marker.color) == [colours[1], colours[0], colours[1]]
    unnamed = bars(PerClassExplorer(said, against=other)).values()
    assert len({str(trace.marker.color) for trace in unnamed}) == 3


def with_frames(said, *, wrong):
    """Give every video two frames: one predicted as the video is, one as class number `wrong`."""
    videos = np.repeat(np.arange(len(said)), 2)
    rows = said.probabilities[videos].copy()
    rows[1::2] = np.eye(3)[wrong]
    return replace(said, frames=FramePredictions(videos, np.tile([0, 5], len(said)), rows))


def test_bars_count_single_frames_where_that_is_chosen(said, other):
    counted = [with_frames(said, wrong=0), with_frames(other, wrong=1)]
    explored = PerClassExplorer(counted[0], against=counted[1], names=NAMES)
    explored.per = "frame"
    first, second, difference = bars(explored).values()
    assert list(first.x) == [(2 + 8) / 16, 8 / 16, 7 / 16]
    assert list(second.x) == [4 / 16, 8 / 16, 8 / 16]
    assert list(difference.x) == [6 / 16, 0, -1 / 16]
    assert first.name == "frame-vote top-1 52%"
    assert (
        PerClassExplorer(counted[0], per="frame").figure().axes[0].get_xlabel().endswith("frames)")
    )
    explored.per = "video"
    assert list(bars(explored)["frame-vote top-1"].x) == [2 / 8, 8 / 8, 7 / 8]
    with pytest.raises(MetricError, match="forwards only"):
        PerClassExplorer(counted[0], against=other).per = "frame"


def test_top_five_and_intervals_are_those_of_evaluation():
    said = many(classes=12, videos=200)
    drawn, table = bars(PerClassExplorer(said)), evaluation.per_class(said)
    for name, top in (("this model top-1", "top1"), ("this model top-5", "top5")):
        for label, one in enumerate(said.classes):
            estimate, low, high = table.loc[one, [top, f"{top}_low", f"{top}_high"]]
            trace = drawn[name]
            assert trace.x[label] == pytest.approx(estimate)
            assert trace.customdata[label] == f"{low:.0%} to {high:.0%}"
            assert trace.error_x.visible is (top == "top1")
            if low < high:
                assert trace.x[label] - trace.error_x.arrayminus[label] == pytest.approx(low)


def test_a_second_model_may_have_the_videos_in_another_order(said, other):
    turned = replace(
        other,
        video_ids=other.video_ids[::-1],
        groups=other.groups[::-1],
        y_true=other.y_true[::-1],
        probabilities=other.probabilities[::-1],
    )
    straight = PerClassExplorer(said, against=other)
    explored = PerClassExplorer(said, against=turned)
    assert explored.chart == straight.chart
    for one in (straight, explored):
        one.open_class("Jump", only="only the other wrong")
    assert explored.videos.listing == straight.videos.listing


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("index", "Jump Run Wave"),
        ("best", "Run Wave Jump"),
        ("worst", "Jump Wave Run"),
        ("difference", "Run Jump Wave"),
        ("gains", "Run Wave Jump"),
        ("losses", "Jump Wave Run"),
    ],
    ids=lambda value: value.replace(" ", "-"),
)
def test_classes_stand_in_the_order_asked_for(said, other, order, first):
    assert PerClassExplorer(said, against=other, order=order).classes == first.split()


def test_a_class_without_videos_comes_last_and_says_so(index, said):
    chances = np.column_stack([said.probabilities, np.zeros(len(said))])
    wider = replace(said, probabilities=chances, classes=[*said.classes, "Absent"])
    explored = PerClassExplorer(wider, against=wider, index=index)
    for order in ("best", "worst", "difference", "gains", "losses"):
        explored.order = order
        assert explored.classes[-1] == "Absent"
    assert explored.chart.data[0].customdata[-1] == "no interval"
    explored.open_class("Absent")
    assert explored.videos.listing["count"] == 0
    assert explored.videos.listing["notes"] == [
        "0 both wrong, 0 only this model wrong, 0 only the other wrong, 0 both right"
    ]


def test_a_class_lists_its_errors_first_the_surest_in_front(said, index):
    explored = PerClassExplorer(said, index=index)
    explored.open_class("Jump")
    listing = explored.videos.listing
    videos = listing["videos"]
    assert [one["predicted"] for one in videos] == ["Run"] * 6 + ["Jump"] * 2
    assert [one["id"] for one in videos] == index.table["video_id"][
        [5, 4, 3, 2, 1, 0, 7, 6]
    ].tolist()
    assert all(one["picture"].startswith(b"\xff\xd8") for one in videos)
    assert listing["notes"] == ["6 wrong, 2 right", "this model takes it for Run (6)"]


def test_of_two_models_the_list_says_which_one_is_wrong(said, other, index):
    explored = PerClassExplorer(said, against=other, names=NAMES, index=index)
    explored.open_class("Jump")
    assert explored.videos.listing["notes"][0] == (
        "2 both wrong, 4 only frame-vote wrong, 2 only cnn-lstm wrong, 0 both right"
    )
    predicted = [
        tuple(one["class"] for one in video["predictions"])
        for video in explored.videos.listing["videos"]
    ]
    assert predicted == [("Run", "Wave")] * 2 + [("Run", "Jump")] * 4 + [("Jump", "Wave")] * 2
    explored.open_class("Jump", only="only cnn-lstm wrong")
    names = [one["id"] for one in explored.videos.listing["videos"]]
    assert names == index.table["video_id"][[7, 6]].tolist()


def test_long_lists_have_pages_and_a_page_too_far_is_the_last_one():
    explored = PerClassExplorer(many(classes=2, videos=50))
    explored.open_class("Class001")
    explored.videos.receive({"kind": "page", "number": 9})
    listing = explored.videos.listing
    assert (listing["page"], listing["pages"], len(listing["videos"])) == (2, 3, 7)


def test_without_an_index_names_are_listed_and_the_remedy_is_told(said):
    explored = PerClassExplorer(said)
    explored.open_class("Jump")
    assert explored.videos.listing["videos"][0]["picture"] is None
    assert "pass index=" in explored.videos.status["text"]


def test_a_video_opens_in_the_explorer_below(said, index, tmp_path):
    explored = PerClassExplorer(said, index=index, model=runs.RunFolder(tmp_path / "run").model)
    name = index.table["video_id"][0]
    explored.videos.receive({"kind": "video", "video_id": name})
    assert explored.videos.cam.film["title"] == name
    assert explored.videos.cam._roles == {"Jump": "true", "Run": "predicted"}
    assert "model.keras" in explored.videos.cam.status["text"]


def test_what_goes_wrong_is_shown_on_the_page(said, index):
    explored = PerClassExplorer(said, index=index)
    with pytest.raises(MetricError, match="such as Jump, Run, Wave"):
        explored.open_class("Swim")
    with pytest.raises(MetricError, match="kind of the predictions, such as wrong, right"):
        explored.open_class("Jump", only="both")
    explored.videos.receive({"kind": "video", "video_id": "v_Swim_g01_c01"})
    assert explored.videos.status["problem"]
    assert "Pass the index" in explored.videos.status["text"]


def test_controls_sort_find_and_open_classes(said, other, index, monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    explored = PerClassExplorer(said, against=other, index=index)
    explored.order = "worst"
    axis = explored.chart.layout.yaxis
    assert (axis.categoryarray, axis.range) == (("Jump", "Wave", "Run"), (2.5, -0.5))
    explored._search.value = "wav, RU"
    assert (axis.categoryarray, axis.range) == (("Wave", "Run", "Jump"), (1.5, -0.5))
    explored._search.value = "Jump"
    assert explored.videos.listing["class"] == "Jump"
    assert len(axis.categoryarray) == axis.range[0] + 0.5 == 3
    explored._only.value = explored.kinds[2]
    assert explored.videos.listing["count"] == 2
    explored._search.value = "swim"
    assert explored.videos.status["text"].startswith('No class has "swim" in its name')


def test_predictions_of_other_videos_are_refused(said, other):
    renamed = replace(other, video_ids=np.char.add(other.video_ids, "x"))
    message = r"Expected predictions of the same videos.*Received: 24 of frame-vote and 24 of cnn-"
    with pytest.raises(MetricError, match=message):
        PerClassExplorer(said, against=renamed, names=NAMES)


@pytest.mark.parametrize("names", ["both", ("one",), ("one", "one")], ids=str)
def test_two_different_names_are_needed(said, other, names):
    with pytest.raises(MetricError, match=r"names of two models.*names="):
        PerClassExplorer(said, against=other, names=names)


def test_an_unknown_order_is_refused_and_differences_need_a_second_model(said):
    with pytest.raises(MetricError, match=r"index, best, worst. Received: 'size'"):
        PerClassExplorer(said, order="size")
    explored = PerClassExplorer(said, order="best")
    with pytest.raises(MetricError, match="against="):
        explored.order = "gains"
    assert explored.order == "best"


def test_the_static_form_shows_the_bars_or_the_differences_in_order(said, other):
    one = PerClassExplorer(said, order="worst").figure().axes[0]
    assert [label.get_text() for label in one.get_yticklabels()] == ["Jump", "Wave", "Run"]
    assert [bar.get_width() for bar in one.containers[0]] == [2 / 8, 7 / 8, 1]
    explored = PerClassExplorer(said, against=other, names=NAMES, order="gains")
    figure = explored.figure()
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Run", "Wave", "Jump"]
    assert [bar.get_width() for bar in axes.containers[0]] == [1, -0.125, -0.25]
    assert figure.get_suptitle().endswith("frame-vote − cnn-lstm")
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert "frame-vote and cnn-lstm: 24 videos and 3 classes" in bundle["text/plain"]


def test_a_hundred_classes_have_no_picture_when_live(monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    explored = PerClassExplorer(many(classes=101, videos=303))
    assert "image/png" not in explored._repr_mimebundle_()


def test_looking_at_classes_loads_no_tensorflow():
    script = (
        "import sys, vidlab\n"
        "p = vidlab.predictions.Predictions(['v'], ['g01'], [0], [[1.0, 0.0]], ['A', 'B'])\n"
        "vidlab.widgets.PerClassExplorer(p, against=p).open_class('A')\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
