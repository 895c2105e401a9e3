"""The explorer of filters without a browser: what it shows is what `explanation` says."""

import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest

from vidlab import explanation
from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.widgets import FilterExplorer
from vidlab.widgets.stills import Stills

CLASSES = ["Jump", "Run", "Wave"]


def cnn(*, seed=0, filters=7):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="seen"),
            keras.layers.MaxPooling2D(name="coarse"),
            keras.layers.Conv2D(filters, 3, activation="elu", name="top"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="small",
    )


@pytest.fixture(scope="module")
def model():
    return cnn()


@pytest.fixture(scope="module")
def before():
    return cnn(seed=1)


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=4, clips=2))


def started(*args, **options):
    """Make an explorer whose pictures are all made -> (explorer, what it said)."""
    explored = FilterExplorer(*args, **{"steps": 2, "seconds": 60, **options})
    said = []
    explored.observe(lambda change: said.append(change["new"]["text"]), "status")
    explored.start()
    while explored.grid.get("going"):
        explored.make()
    return explored, said


def unpacked(picture):
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def cells(map_):
    share = np.frombuffer(map_["cells"], np.uint8).reshape(map_["size"]) / 255
    return map_["low"] + share * (map_["high"] - map_["low"])


def test_the_row_goes_from_the_first_kernels_to_the_classes(model):
    row = started(model, classes=CLASSES)[0].row
    assert [one["name"] for one in row["layers"]] == ["kernels", "seen", "top", "scores"]
    assert [one["name"] for one in row["every"]] == explanation.layers(model)
    assert row["layers"][2] == {"name": "top", "size": [5, 5], "filters": 7}
    assert row["classes"] == CLASSES


def test_pictures_are_those_of_maximise_and_each_step_is_told(model):
    explored, said = started(model, layer="top", seed=3)
    expected = explanation.maximise(model, "top", filters=range(7), steps=2, seed=3)
    tiles = explored.grid["tiles"]
    assert [one["filter"] for one in tiles] == list(range(7))
    for one, image, response in zip(tiles, expected.images, expected.responses, strict=True):
        assert one["response"] == pytest.approx(response, abs=0.01)
        assert np.abs(unpacked(one["picture"]).astype(float) - image).mean() < 6
    assert "top, filter 0, 1, 2, 3, 4: step 1 of 2" in said
    assert "top, filter 5, 6: step 2 of 2" in said
    assert said[-1] == "7 filters in top."


def test_the_page_is_heard_between_batches_and_an_old_grid_is_not_made(model, monkeypatch):
    monkeypatch.setattr("vidlab.widgets.filters._AT_A_STRETCH", 0)
    explored = FilterExplorer(model, layer="top", steps=1)
    explored.start()
    first = explored.grid["number"]
    explored.receive({"kind": "make", "number": first})
    assert sum(one["picture"] is not None for one in explored.grid["tiles"]) == 5
    explored.receive({"kind": "make", "number": first})
    assert sum(one["picture"] is not None for one in explored.grid["tiles"]) == 5
    assert explored.status["text"] == "5 of 7 pictures are made."
    explored.receive({"kind": "make", "number": explored.grid["number"]})
    assert not explored.grid["going"]


def test_kernels_are_shown_pixel_by_pixel(model):
    explored, _ = started(model, layer="kernels")
    kernel = model.get_layer("seen").get_weights()[0][..., 2]
    expected = 255 * (0.5 + 0.5 * kernel / np.abs(kernel).max())
    shown = unpacked(explored.grid["tiles"][2]["picture"])
    np.testing.assert_allclose(shown, expected, atol=1)
    assert explored.status["text"].startswith("4 kernels")


def test_an_open_filter_has_the_frames_that_excite_it_and_its_maps(model, frames):
    explored, _ = started(model, frames=frames, layer="top")
    explored.receive({"kind": "open", "number": 4})
    expected = explanation.strongest_frames(model, frames, layer="top", filters=[4], count=4)
    shown = explored.opened["strongest"]
    assert [one["frame"] for one in shown] == expected.frames[0].tolist()
    for one, response, map_ in zip(shown, expected.responses[0], expected.maps[0], strict=True):
        assert one["response"] == pytest.approx(response, abs=1e-3)
        np.testing.assert_allclose(cells(one["map"]), map_, atol=np.ptp(map_) / 200 + 1e-3)
    assert explored.opened["place"] == {"frame": shown[0]["frame"], "map": shown[0]["map"]}


def test_the_map_of_a_chosen_frame_stays_for_the_next_filter(model, frames):
    explored, _ = started(model, frames=frames, layer="top", number=1)
    explored.receive({"kind": "place", "frame": 6})
    for number in (1, 2):
        explored.open_filter(number)
        expected = explanation.feature_maps(model, frames[6], layer="top", filters=[number])
        shown = cells(explored.opened["place"]["map"])
        np.testing.assert_allclose(shown, expected.maps[0], atol=np.ptp(shown) / 200 + 1e-3)


def test_a_kernel_opens_with_the_maps_of_the_first_layer(model, frames):
    explored, _ = started(model, frames=frames, layer="kernels", number=3)
    expected = explanation.strongest_frames(model, frames, layer="seen", filters=[3])
    shown = [one["frame"] for one in explored.opened["strongest"]]
    assert shown == expected.frames[0].tolist()
    assert explored.opened["strongest"][0]["map"]["size"] == [15, 15]


def test_a_filter_is_compared_with_what_it_was_and_with_other_noise(model, before, frames):
    explored, _ = started(model, before=before, frames=frames, layer="top", number=5)
    shown = explored.opened["pictures"]
    assert [one["who"] for one in shown] == ["before", "before, other noise", "now"]
    for one, (net, seed) in zip(shown, [(before, 0), (before, 1), (model, 0)], strict=True):
        expected = explanation.maximise(net, "top", filters=[5], steps=2, seed=seed)
        assert one["response"] == pytest.approx(expected.responses[0], abs=0.01)
        assert np.abs(unpacked(one["picture"]).astype(float) - expected.images[0]).mean() < 6
    changes = explanation.filter_changes(before, model, frames=frames, layers=["top"])
    assert explored.opened["change"] == pytest.approx(changes["correlation"][5], abs=1e-3)


def test_filters_are_put_in_the_order_of_their_change(model, before, frames):
    explored, _ = started(model, before=before, frames=frames)
    explored.receive({"kind": "show", "layer": "top", "order": "change"})
    changes = explanation.filter_changes(before, model, frames=frames, layers=["top"])
    expected = changes.sort_values("correlation", na_position="last")
    tiles = explored.grid["tiles"]
    assert [one["filter"] for one in tiles] == expected["filter"].tolist()
    assert tiles[0]["change"] == pytest.approx(expected["correlation"].iloc[0], abs=1e-3)


def test_classes_are_called_by_their_names_and_have_no_map(model, frames):
    explored, said = started(model, frames=frames, classes=CLASSES, layer="scores", number=1)
    assert [one["name"] for one in explored.grid["tiles"]] == CLASSES
    assert explored.opened["name"] == "Run"
    assert explored.opened["strongest"] == []
    assert "no map" in explored.opened["note"]
    assert "scores, Jump, Wave: step 2 of 2" in said


def test_many_filters_are_shown_a_page_at_a_time():
    explored = FilterExplorer(cnn(filters=45), layer="top")
    explored.start()
    explored.show("top", number=9)
    grid = explored.grid
    assert (grid["page"], grid["pages"], grid["count"]) == (2, 3, 45)
    assert [one["filter"] for one in grid["tiles"]] == [40, 41, 42, 43, 44]


def test_the_grid_turns_to_the_page_of_a_filter_that_is_opened():
    explored = FilterExplorer(cnn(filters=45), layer="top", number=23, steps=1)
    explored.start()
    assert explored.opened["filter"] == 23
    assert [one["filter"] for one in explored.grid["tiles"]] == list(range(20, 40))
    explored.open_filter(2)
    assert explored.grid["page"] == 0


def test_when_the_time_is_up_it_is_told_and_more_can_be_given(model):
    explored, said = started(model, layer="top", seconds=1e-6)
    assert said[-1].startswith("5 of 7 pictures are made, 5 of them with fewer steps than wanted.")
    assert "The time for them is up: “go on” gives 2e-06 s more." in said[-1]
    assert explored.grid["more"]
    explored._seconds = 60
    explored.receive({"kind": "go_on"})
    while explored.grid["going"]:
        explored.make()
    assert [one["steps"] for one in explored.grid["tiles"]] == [2] * 7
    assert not explored.grid["more"]


def test_somebody_can_stop_it(model):
    explored = FilterExplorer(model, layer="top")
    explored.start()
    explored.receive({"kind": "stop"})
    assert not explored.grid["going"]
    assert explored.status["text"].startswith("0 of 7 pictures are made. Stopped: “go on” gives")


def test_pictures_are_kept_on_disk_and_shared_with_maximise(model, tmp_path):
    explanation.maximise(model, "top", filters=range(7), steps=2, cache=tmp_path)
    explored, said = started(model, layer="top", cache=tmp_path)
    assert not any("step" in text for text in said)
    assert all(one["picture"] for one in explored.grid["tiles"])


def test_without_frames_the_remedy_is_told(model):
    explored, _ = started(model, layer="top", number=0)
    assert "pass frames=" in explored.opened["note"]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"kind": "show", "layer": "nowhere"}, "Choose one of kernels, seen, top, scores"),
        ({"kind": "open", "number": 7}, "Expected a filter from 0 to 6, those of top"),
        ({"kind": "place", "frame": 12}, "Expected a frame from 0 to 11"),
        ({"kind": "show", "layer": "top", "order": "change"}, "Pass before= and frames="),
    ],
    ids=["layer", "filter", "frame", "change"],
)
def test_what_cannot_be_shown_is_told_on_the_page(model, frames, message, told):
    explored, _ = started(model, frames=frames, layer="top", number=0)
    explored.receive(message)
    assert explored.status["problem"]
    assert told in explored.status["text"]
    assert explored.grid["layer"] == "top"


def test_a_model_without_convolutions_says_so_in_place():
    bare = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    bundle = FilterExplorer(bare)._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "no filters to look into" in bundle["text/plain"]


def test_a_model_from_before_of_another_shape_is_told(model, frames):
    explored, _ = started(model, before=cnn(filters=6), frames=frames, layer="top")
    explored.receive({"kind": "open", "number": 2})
    assert explored.opened["is_problem"]
    assert "two models of one architecture" in explored.opened["note"]
    assert len(explored.opened["pictures"]) == 3


def test_models_are_loaded_once_and_late(model, before):
    loads = []

    def load(name, net):
        loads.append(name)
        return net

    explored = FilterExplorer(
        lambda: load("now", model), before=lambda: load("before", before), layer="top", steps=1
    )
    assert loads == []
    explored.start()
    assert loads == ["now"]
    explored.open_filter(0)
    explored.open_filter(1)
    assert loads == ["now", "before"]


def test_of_videos_two_frames_each_are_taken_and_only_one_counts(model, index):
    explored, _ = started(model, frames=index, layer="top", number=0)
    stills = explored._answers.stills
    assert stills.says == "48 frames of 24 of 24 videos"
    info = video.probe(index.paths[0])
    expected = video.read_frames(index.paths[0], [round((info.frames - 1) / 4)], size=(32, 32))
    np.testing.assert_array_equal(stills.frames[0], expected[0])
    assert stills.names[0] == "Jump"
    shown = [one["frame"] for one in explored.opened["strongest"]]
    assert len({stills.origins[frame] for frame in shown}) == 4
    assert len(explored.stills["pictures"]) == 48


def test_of_many_frames_some_are_taken_evenly_and_fitted():
    given = np.zeros((500, 6, 4, 3)) + np.arange(500)[:, None, None, None] / 2
    stills = Stills.of(given, size=(8, 8))
    assert stills.frames.shape == (96, 8, 8, 3)
    assert stills.says == "96 of 500 frames"
    assert (stills.origins[0], stills.origins[-1]) == (0, 499)
    assert stills.frames[-1].max() == 250


def test_a_missing_video_is_left_out_and_told(model, index):
    index.paths[3].unlink()
    explored, _ = started(model, frames=index.paths, layer="top", number=0)
    assert "46 frames of 23 of 24 videos; 1 could not be read" in explored.stills["says"]
    assert index.paths[3].name in explored.stills["says"]


def test_where_no_video_can_be_read_that_is_told(model, tmp_path):
    explored, _ = started(model, frames=[tmp_path / "gone.avi"], layer="top", number=0)
    assert explored.opened["is_problem"]
    assert "gone.avi" in explored.opened["note"]
    assert len(explored.opened["pictures"]) == 1


def test_the_static_form_is_a_grid_and_keeps_nothing_in_the_notebook(model):
    explored = FilterExplorer(model, layer="top", steps=1)
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert explored.comm is None
    axes = [one for one in explored.figure().axes if one.images]
    assert [one.get_title(loc="center") for one in axes] == [str(one) for one in range(7)]


def test_the_static_form_compares_with_the_model_from_before(model, before):
    figure = FilterExplorer(model, before=before, layer="top", steps=1).figure()
    rows = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert rows == ["before", "before, other noise", "now"]


def test_the_static_form_of_an_open_filter_shows_its_frames(model, index):
    explored = FilterExplorer(model, frames=index, layer="top", number=2, steps=1)
    axes = [one for one in explored.figure().axes if one.images]
    titles = [one.get_title(loc="center") for one in axes]
    assert titles[0].startswith("made: ")
    assert [title.split(":")[0] for title in titles[1:]] == [
        explored._answers.stills.names[one["frame"]] for one in explored.opened["strongest"]
    ]


def test_a_live_cell_shows_at_once_and_has_a_picture_when_pictures_are_made(monkeypatch, model):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    explored = FilterExplorer(model, layer="top", steps=1)
    assert "image/png" not in explored._repr_mimebundle_()
    assert explored.row == {}
    made, _ = started(model, layer="top", steps=1)
    assert "image/png" in made._repr_mimebundle_()


def test_making_an_explorer_loads_no_tensorflow():
    script = (
        "import sys, vidlab\n"
        "vidlab.widgets.FilterExplorer(lambda: None)\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
