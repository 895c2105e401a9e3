"""Explorers of models that look at flow: alone, and beside pictures."""

import cv2
import numpy as np
import pytest

from tests.built import two_streams
from tests.test_widgets_standalone import Held
from vidlab import explanation, plots, widgets
from vidlab.data import flow, video
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Flow, Rgb
from vidlab.evaluation.timeline import VideoPredictor
from vidlab.widgets import CamExplorer, ConfusionExplorer, PerClassExplorer, TimelineExplorer

CLASSES = ["Jump", "Run", "Wave"]
SIZE = (24, 32)


def streams_of(names, *, clip):
    every = {
        "rgb": Rgb(Uniform(4), SIZE, clip=clip),
        "flow": Flow(Uniform(4), SIZE, clip=clip, stack=3),
    }
    return {name: every[name] for name in names}


@pytest.fixture(scope="module", params=[True, False], ids=["clips", "frames"])
def both(request):
    """Streams of pictures and of flow, and a model of them."""
    streams = streams_of(("rgb", "flow"), clip=request.param)
    return streams, two_streams(3, streams=streams)


@pytest.fixture(scope="module")
def flow_alone():
    streams = streams_of(("flow",), clip=True)
    return streams, two_streams(3, streams=streams)


def explorer(given, path, **options):
    streams, model = given
    options = {"classes": CLASSES, "sampling": Uniform(4), "streams": streams} | options
    return CamExplorer(model, path, **options)


def unpacked(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def test_each_input_has_heat_of_its_own_and_flow_is_drawn_below_it(both, index):
    streams, model = both
    shown = explorer(both, index.paths[0], targets={"Wave": "true", "Run": "predicted"})
    shown.explain()
    assert shown.status["text"] == "" or "No positive evidence" in shown.status["text"]
    panels = shown.explanation["panels"]
    assert [(one["name"], one["role"], one["input"]) for one in panels] == [
        ("Wave", "true", "rgb"),
        ("Wave", "true", "flow"),
        ("Run", "predicted", "rgb"),
        ("Run", "predicted", "flow"),
    ]
    numbers = np.array(shown.film["numbers"])
    read = VideoPredictor(model, classes=CLASSES, streams=streams).inputs(index.paths[0], numbers)
    singles = explanation.by_input(model, read)
    for panel in panels:
        single, clip = singles[panel["input"]]
        record = explanation.explain(single, clip, target=CLASSES.index(panel["name"]))
        heat = np.frombuffer(panel["heat"], np.uint8).reshape(4, *panel["size"])
        np.testing.assert_allclose(heat / 255, record.heat, atol=0.01)
        assert panel["score"] == pytest.approx(record.score, abs=1e-4)
    assert list(shown.explanation["pictures"]) == ["flow"]
    size = tuple(shown.film["size"])
    expected = flow.pictures_of(read["flow"], size=size).astype(int)
    drawn = np.stack([*map(unpacked, shown.explanation["pictures"]["flow"])])
    assert drawn.shape == expected.shape
    assert np.abs(drawn - expected).mean() < 8
    assert list(shown.records) == ["Wave, rgb", "Wave, flow", "Run, rgb", "Run, flow"]


def test_the_class_predicted_from_both_is_explained_in_both(both, index):
    shown = explorer(both, index.paths[0])
    shown.explain()
    streams, model = both
    predicted = VideoPredictor(model, classes=CLASSES, streams=streams).predict(index.paths[0])
    assert {one["name"] for one in shown.explanation["panels"]} == {predicted.top(1).index[0]}


def test_a_layer_of_one_input_leaves_the_other_at_its_own(both, index):
    shown = explorer(both, index.paths[0], targets=["Run"])
    shown.explain()
    (of_flow,) = [one for one in shown.choices["layers"] if "top_flow" in one]
    shown.receive({"kind": "explain", "targets": ["Run"], "layer": of_flow, "method": ""})
    used = {name: record.layer for name, record in shown.records.items()}
    assert used["Run, flow"] == of_flow
    assert "top_rgb" in used["Run, rgb"]
    shown.explain(layer="absent")
    assert shown.status["problem"]


def test_a_model_of_flow_alone_shows_the_flow_below_the_heat(flow_alone, index):
    shown = explorer(flow_alone, index.paths[0], targets=["Jump"])
    shown.explain()
    (panel,) = shown.explanation["panels"]
    assert (panel["name"], panel["input"]) == ("Jump", "flow")
    assert list(shown.records) == ["Jump, flow"]
    assert len(shown.explanation["pictures"]["flow"]) == len(shown.film["frames"]) == 4
    shown.show(index.paths[1])
    assert shown.explanation == {}


def test_the_static_picture_lays_the_heat_of_flow_on_the_flow(both, index):
    plots.use_style()
    shown = explorer(both, index.paths[0], targets=["Run"])
    shown.explain()
    figure = shown.figure()
    rows = {axes.get_title(loc="left").split(":")[0]: axes for axes in figure.axes if axes.images}
    assert list(rows) == ["frames", "Run, rgb", "Run, flow"]
    frames = video.read_frames(index.paths[0], shown.film["numbers"])
    heat = shown.records["Run, flow"].heat
    pictures = flow.pictures_of(_read(both, index.paths[0])["flow"], size=frames.shape[1:3])
    width = frames.shape[2]
    drawn = rows["Run, flow"].images[0].get_array()[:, :width]
    assert np.array_equal(drawn, plots.overlay(pictures, heat)[0])


def _read(given, path):
    streams, model = given
    numbers = Uniform(4).indices(video.probe(path).frames)
    return VideoPredictor(model, classes=CLASSES, streams=streams).inputs(path, numbers)


def test_without_its_streams_a_model_of_flow_tells_the_remedy(both, flow_alone, index):
    for _, model in (both, flow_alone):
        shown = CamExplorer(model, index.paths[0], classes=CLASSES)
        shown.explain()
        assert shown.status["problem"]
        assert "streams() of its run" in shown.status["text"]
        assert len(shown.film["frames"]) == 16
    frames = video.read_frames(index.paths[0], range(4))
    shown = explorer(both, frames)
    shown.explain()
    assert "Expected a video file" in shown.status["text"]


@pytest.mark.parametrize("names", [("rgb", "flow"), ("flow",)], ids=["both", "flow"])
def test_a_timeline_predicts_and_explains_with_flow(names, index):
    streams = streams_of(names, clip=False)
    predictor = VideoPredictor(two_streams(3, streams=streams), classes=CLASSES, streams=streams)
    shown = TimelineExplorer(predictor, index.paths[0])
    shown.player.receive({"kind": "predict"})
    assert shown.problem == ""
    assert shown.player.predictions["predicted"][0] in CLASSES
    assert len(shown.player.film["frames"]) == 4
    shown.explain()
    assert [one["input"] for one in shown.cam.explanation["panels"]] == list(names)
    assert shown.figure() is not None


def test_the_page_without_a_kernel_keeps_the_pictures_of_flow(both, mistaken, index, tmp_path):
    streams, model = both
    options = {"index": index, "model": model, "sampling": Uniform(4), "streams": streams}
    held = Held(widgets.save_page(mistaken, tmp_path / "page.html", videos=2, **options))
    for shown in held.kept["videos"].values():
        assert {one["input"] for one in shown["explanation"]["panels"]} == {"rgb", "flow"}
        pictures = [*map(unpacked, shown["explanation"]["pictures"]["flow"])]
        assert [picture.shape[:2] for picture in pictures] == 4 * [tuple(shown["film"]["size"])]


@pytest.mark.parametrize("kind", [ConfusionExplorer, PerClassExplorer])
def test_a_video_of_a_list_opens_with_the_heat_of_each_input(both, mistaken, index, kind):
    streams, model = both
    options = {"model": model, "sampling": Uniform(4), "streams": streams}
    explored = kind(mistaken, index=index, **options)
    listed = explored if kind is ConfusionExplorer else explored.videos
    listed.open_video("v_Jump_g02_c01")
    found = [(one["name"], one["input"]) for one in listed.cam.explanation["panels"]]
    assert found == [(name, of) for name in ("Jump", "Run") for of in ("rgb", "flow")]
