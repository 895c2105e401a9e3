"""The bars of each class: numbers, orders, the videos behind a class, and what goes wrong."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from vidlab import evaluation, plots
from vidlab.data.index import VideoIndex
from vidlab.errors import MetricError
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import Predictions
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


def shown(explored):
    """The names of the classes from the top down."""
    return [explored.table["classes"][one] for one in explored.table["orders"][explored.order]]


def test_bars_are_the_shares_of_right_answers_counted_by_hand(said, other):
    explored = PerClassExplorer(said, against=other, names=NAMES)
    first, second = explored.table["models"]
    assert (first["name"], first["top1"]) == ("frame-vote", [2 / 8, 8 / 8, 7 / 8])
    assert (second["name"], second["top1"]) == ("cnn-lstm", [4 / 8, 0, 1])
    assert explored.table["videos"] == [8, 8, 8]
    assert explored.table["groups"] == [4, 4, 4]
    assert explored.table["difference"]["delta"] == [-0.25, 1, -0.125]
    assert first["overall"] == {"top1": pytest.approx(17 / 24)}
    assert "top5" not in first


def test_top_five_and_intervals_are_those_of_evaluation():
    said = many(classes=12, videos=200)
    (bars,) = PerClassExplorer(said).table["models"]
    for name in ("top1", "top5"):
        for label, one in enumerate(said.classes):
            sure = evaluation.interval(said, metric=name, classes=[one])
            drawn = [bars[f"{name}{end}"][label] for end in ("", "_low", "_high")]
            assert drawn == pytest.approx([sure.estimate, sure.low, sure.high], abs=1e-4)


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
    assert explored.table == straight.table
    for one in (straight, explored):
        one.open_class("Jump", only="second")
    assert explored.listing["videos"] == straight.listing["videos"]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("index", "Jump Run Wave"),
        ("name", "Jump Run Wave"),
        ("best", "Run Wave Jump"),
        ("worst", "Jump Wave Run"),
        ("difference", "Run Jump Wave"),
        ("gains", "Run Wave Jump"),
        ("losses", "Jump Wave Run"),
    ],
    ids=lambda value: value.replace(" ", "-"),
)
def test_classes_stand_in_the_order_asked_for(said, other, order, first):
    assert shown(PerClassExplorer(said, against=other, order=order)) == first.split()


def test_a_class_without_videos_comes_last_and_says_so(index, said):
    chances = np.column_stack([said.probabilities, np.zeros(len(said))])
    wider = replace(said, probabilities=chances, classes=[*said.classes, "Absent"])
    explored = PerClassExplorer(wider, against=wider, index=index)
    for order in ("best", "worst", "difference", "gains", "losses"):
        explored.order = order
        assert shown(explored)[-1] == "Absent"
    assert explored.table["models"][0]["top1"][-1] is None
    json.dumps(explored.table, allow_nan=False)
    explored.open_class("Absent")
    assert explored.listing["count"] == 0
    assert explored.status["text"] == "There is no video of Absent among these predictions."


def test_a_class_lists_its_errors_first_the_surest_in_front(said, index):
    explored = PerClassExplorer(said, index=index)
    explored.receive({"kind": "class", "name": "Jump"})
    videos = explored.listing["videos"]
    assert [one["answer"] for one in videos] == ["Run"] * 6 + ["Jump"] * 2
    assert [one["id"] for one in videos] == index.table["video_id"][
        [5, 4, 3, 2, 1, 0, 7, 6]
    ].tolist()
    assert all(one["picture"].startswith(b"\xff\xd8") for one in videos)
    assert explored.listing["taken"] == [["Run", 6]]
    assert explored.listing["kinds"] == [["", 8], ["wrong", 6], ["right", 2]]
    assert explored.status["text"] == "Of 8 videos of Jump, this model is wrong about 6."


def test_of_two_models_the_list_says_which_one_is_wrong(said, other, index):
    explored = PerClassExplorer(said, against=other, names=NAMES, index=index)
    explored.open_class("Jump")
    assert explored.listing["kinds"] == [
        ["", 8],
        ["both", 2],
        ["first", 4],
        ["second", 2],
        ["neither", 0],
    ]
    told = [(one["answer"], one["second"]["answer"]) for one in explored.listing["videos"]]
    assert told == [("Run", "Wave")] * 2 + [("Run", "Jump")] * 4 + [("Jump", "Wave")] * 2
    explored.open_class("Jump", only="second")
    names = [one["id"] for one in explored.listing["videos"]]
    assert names == index.table["video_id"][[7, 6]].tolist()
    text = "Of 8 videos of Jump, frame-vote is wrong about 6, cnn-lstm is wrong about 4."
    assert explored.status["text"] == text


def test_long_lists_have_pages_and_a_page_too_far_is_the_last_one():
    explored = PerClassExplorer(many(classes=2, videos=50))
    explored.open_class("Class001", number=9)
    listing = explored.listing
    assert (listing["page"], listing["pages"], len(listing["videos"])) == (2, 3, 7)


def test_without_an_index_names_are_listed_and_the_remedy_is_told(said):
    explored = PerClassExplorer(said)
    explored.open_class("Jump")
    assert explored.listing["videos"][0]["picture"] is None
    assert "pass index=" in explored.status["text"]


def test_a_video_opens_in_the_explorer_below(said, index, tmp_path):
    explored = PerClassExplorer(said, index=index, model=runs.RunFolder(tmp_path / "run").model)
    name = index.table["video_id"][0]
    explored.receive({"kind": "video", "video_id": name})
    assert explored.cam.film["title"] == name
    assert explored.cam._roles == {"Jump": "true", "Run": "predicted"}
    assert "model.keras" in explored.cam.status["text"]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"kind": "class", "name": "Swim"}, "such as Jump, Run, Wave"),
        ({"kind": "class", "name": "Jump", "only": "both"}, "wrong, right"),
        ({"kind": "video", "video_id": "v_Swim_g01_c01"}, "Pass the index"),
    ],
    ids=["class", "kind", "video"],
)
def test_what_goes_wrong_is_told_on_the_page(said, index, message, told):
    explored = PerClassExplorer(said, index=index)
    explored.receive(message)
    assert explored.status["problem"]
    assert told in explored.status["text"]


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
    with pytest.raises(MetricError, match=r"index, name, best, worst. Received: 'size'"):
        PerClassExplorer(said, order="size")
    explored = PerClassExplorer(said, order="best")
    with pytest.raises(MetricError, match="against="):
        explored.order = "gains"
    assert explored.order == "best"


def test_models_have_colours_of_their_own(said, other):
    models = PerClassExplorer(said, against=other, names=NAMES).table["models"]
    assert [one["colour"] for one in models] == list(plots.class_colours(NAMES).values())
    unnamed = PerClassExplorer(said, against=other).table["models"]
    assert unnamed[0]["colour"] != unnamed[1]["colour"]


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


def test_a_hundred_classes_are_packed_small_and_without_a_picture_when_live(monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    explored = PerClassExplorer(
        many(classes=101, videos=3783), against=many(classes=101, videos=3783, seed=1)
    )
    assert "image/png" not in explored._repr_mimebundle_()
    assert len(json.dumps(explored.table, allow_nan=False)) < 40_000


def test_looking_at_classes_loads_no_tensorflow():
    script = (
        "import sys, vidlab\n"
        "p = vidlab.predictions.Predictions(['v'], ['g01'], [0], [[1.0, 0.0]], ['A', 'B'])\n"
        "vidlab.widgets.PerClassExplorer(p, against=p).open_class('A')\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
