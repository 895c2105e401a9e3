"""The explorer of filters without a browser: what it shows is what `explanation` computes."""

import re

import cv2
import keras
import numpy as np
import pytest

from vidlab import explanation
from vidlab.data import video
from vidlab.widgets import FilterExplorer
from vidlab.widgets.filter_images import read_stills

CLASSES = ["Jump", "Run", "Wave"]

pytestmark = pytest.mark.usefixtures("live")


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


def started(*args, **options):
    """Make an explorer whose images are all made -> (explorer, the texts of its status)."""
    explored = FilterExplorer(*args, **{"steps": 2, "seconds": 60, **options})
    texts = []
    explored.status.observe(lambda change: texts.append(text_of(explored.status)), "value")
    explored.start()
    finish(explored)
    return explored, texts


def finish(explored):
    while explored._play.playing:
        explored._play.value += 1  # as the browser does


def text_of(html):
    return re.sub("<.*?>", "", html.value)


def decoded(image):
    return cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def assert_alike(image, expected):
    """JPEG changes an image a little; those of other filters differ by ten times as much."""
    assert np.abs(decoded(image).astype(float) - expected).mean() < 6


def test_all_layers_can_be_chosen_and_those_of_a_depth_are_marked(model):
    explored, _ = started(model)
    assert [name for _, name in explored._layer.options] == ["seen", "coarse", "top", "scores"]
    assert explored._layer.value == "seen"
    assert explored._layer.options[1][0] == "coarse · 7×7 · 4"
    assert explored._layer.options[2][0] == "top · 5×5 · 7 ★"
    explored._layer.value = "coarse"
    finish(explored)
    assert text_of(explored.status) == "4 filters."


def test_images_are_those_of_activation_maximization_and_each_step_is_reported(model, tmp_path):
    explored, texts = started(model, layer="top", seed=3)
    expected = explanation.activation_maximization(model, "top", filters=range(7), steps=2, seed=3)
    assert explored._grid.captions == [str(number) for number in range(7)]
    for shown, image in zip(explored._grid.images, expected.images, strict=True):
        assert_alike(shown, image)
    assert "top, 0, 1, 2, 3, 4: step 1 of 2" in texts
    assert "top, 5, 6: step 2 of 2" in texts
    assert texts[-1] == "7 filters."
    options = {"filters": range(7), "steps": 2, "cache": tmp_path}
    explanation.activation_maximization(model, "top", **options)
    explored, texts = started(model, layer="top", cache=tmp_path)  # are loaded from there
    assert not any("step" in text for text in texts)
    assert all(explored._grid.images)
    explored, _ = started(model, layer="top", seconds=1e-6)  # cut short, and say so
    assert explored._grid.captions == [f"{number} · 1/2" for number in range(7)]


def test_images_are_made_some_at_a_time_and_that_can_be_stopped(model):
    explored = FilterExplorer(model, layer="top", steps=1)
    explored.start()
    explored._play.value += 1
    assert sum(image is not None for image in explored._grid.images) == 5
    assert text_of(explored.status) == "7 filters, 2 images on this page are still to be made."
    explored._play.playing = False
    explored._play.value += 1
    assert None in explored._grid.images
    explored._play.playing = True
    finish(explored)
    assert None not in explored._grid.images


def test_an_open_filter_has_the_frames_that_excite_it_and_their_maps(model, frames):
    explored, _ = started(model, frames=frames, layer="top")
    explored._grid.selected = 4
    expected = explanation.strongest_frames(model, frames, layer="top", filters=[4], count=4)
    assert explored._frames.captions == [
        f"{response:.2f} · frame {frame}"
        for frame, response in zip(expected.frames[0], expected.responses[0], strict=True)
    ]
    for frame, image, caption in zip(
        expected.frames[0], explored._maps.images, explored._maps.captions, strict=True
    ):
        maps = explanation.activations(model, frames[frame][None], layers=["top"])["top"]
        heat = maps[0, ..., 4]
        share = np.uint8(255 * (heat - heat.min()) / np.ptp(heat))
        coloured = cv2.applyColorMap(share, cv2.COLORMAP_VIRIDIS)[..., ::-1]
        np.testing.assert_allclose(decoded(image)[18::36, 18::36], coloured, atol=4)
        assert caption == f"{heat.min():.2f} to {heat.max():.2f}"


def test_a_filter_is_compared_with_what_it_was_and_with_other_noise(model, before, frames):
    explored, _ = started(model, before=before, frames=frames, layer="top", number=5)
    names = [caption.split(":")[0] for caption in explored._large.captions]
    assert names == ["before", "before, other noise", "now"]
    made = [(before, 0), (before, 1), (model, 0)]
    for image, (net, seed) in zip(explored._large.images, made, strict=True):
        expected = explanation.activation_maximization(net, "top", filters=[5], steps=2, seed=seed)
        assert_alike(image, expected.images[0])
    changes = explanation.filter_changes(before, model, frames=frames, layers=["top"])
    assert f"r = {changes['correlation'][5]:.2f}" in text_of(explored._heading)


def test_a_filter_whose_maps_do_not_vary_has_no_correlation(model, before):
    black = np.zeros((4, 32, 32, 3), np.uint8)
    explored, _ = started(model, before=before, frames=black, layer="coarse", number=0)
    assert text_of(explored._heading) == "filter 0 of coarse"


def test_classes_have_their_names_and_no_map(model, frames):
    explored, texts = started(model, frames=frames, classes=CLASSES, layer="scores", number=1)
    assert explored._grid.captions == CLASSES
    assert text_of(explored._heading) == "Run"
    assert explored._frames.images == []
    assert "no map" in text_of(explored._note)
    assert "scores, Jump, Wave: step 2 of 2" in texts


def test_many_filters_are_shown_a_page_at_a_time_that_of_the_open_one_first():
    explored = FilterExplorer(cnn(filters=45), layer="top", number=23, steps=1)
    explored.start()
    assert explored._page.description == "page (of 3)"
    assert explored._grid.captions[0].startswith("20")
    assert (explored._page.value, explored._grid.selected) == (2, 3)
    explored._page.value = 3
    assert [int(caption) for caption in explored._grid.captions] == [40, 41, 42, 43, 44]
    assert explored._grid.selected == -1
    explored._grid.selected = 2
    assert explored.opened == 42


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "nowhere"}, "Choose one of seen, top, scores"),
        ({"layer": "top", "number": 7}, "Expected a filter from 0 to 6, those of top"),
        ({"classes": ["Jump"], "layer": "scores"}, "Expected the names of 3 classes"),
    ],
    ids=["layer", "filter", "classes"],
)
def test_what_cannot_be_shown_is_told(model, options, message):
    explored = FilterExplorer(model, **options)
    explored.start()
    assert message in explored.problem


def test_a_model_without_convolutions_says_so(monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "static")
    bare = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    bundle = FilterExplorer(bare)._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "no filters to look into" in bundle["text/plain"]


def test_another_shape_before_or_no_video_is_told_beside_the_images(model, frames, index):
    explored, _ = started(model, before=cnn(filters=6), frames=frames, layer="top", number=2)
    assert "two models of one architecture" in text_of(explored._note)
    assert len(explored._large.images) == 3
    for path in index.paths:
        path.unlink()
    explored, _ = started(model, frames=index, layer="top", number=0)
    assert index.paths[0].name in text_of(explored._note)
    assert len(explored._large.images) == 1
    explored, _ = started(model, layer="top", number=0)
    assert "pass frames=" in text_of(explored._note)


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
    for number in (0, 1):
        explored._grid.selected = number
    assert loads == ["now", "before"]


def test_of_videos_two_frames_each_are_taken_and_only_one_counts(model, index):
    index.paths[3].unlink()
    explored, _ = started(model, frames=index, layer="top", number=0)
    stills = explored._images.stills
    assert "46 frames of 23 of 24 videos; 1 could not be read" in text_of(explored._note)
    assert index.paths[3].name in text_of(explored._note)
    info = video.probe(index.paths[0])
    expected = video.read_frames(index.paths[0], [round((info.frames - 1) / 4)], size=(32, 32))
    np.testing.assert_array_equal(stills.frames[0], expected[0])
    assert stills.names[0] == "Jump"
    assert len({stills.origins[frame] for frame in explored._strongest}) == 4
    assert len(stills.frames) == 46


def test_of_many_frames_some_are_taken_evenly_and_fitted():
    given = np.zeros((500, 6, 4, 3)) + np.arange(500)[:, None, None, None] / 2
    stills = read_stills(given, size=(8, 8))
    assert stills.frames.shape == (96, 8, 8, 3)
    assert stills.says == "96 of 500 frames"
    assert (stills.origins[0], stills.origins[-1]) == (0, 499)
    assert stills.frames[-1].max() == 250


def test_the_static_form_is_a_grid_that_may_compare_models_or_show_frames(
    monkeypatch, model, before, index
):
    monkeypatch.setenv("VIDLAB_WIDGETS", "static")
    explored = FilterExplorer(model, layer="top", steps=1)
    assert set(explored._repr_mimebundle_()) == {"text/plain", "image/png"}
    assert explored.comm is None
    titles = [one.get_title(loc="center") for one in explored.figure().axes if one.images]
    assert titles == [str(number) for number in range(7)]
    figure = FilterExplorer(model, before=before, layer="top", steps=1).figure()
    rows = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert rows == ["before", "before, other noise", "now"]
    explored = FilterExplorer(model, frames=index, layer="top", number=2, steps=1)
    titles = [one.get_title(loc="center") for one in explored.figure().axes if one.images]
    assert titles[0].startswith("made: ")
    found = [" · ".join(title.split(": ")[::-1]) for title in titles[1:]]
    assert found == explored._frames.captions


def test_a_live_cell_shows_at_once_and_has_a_picture_when_images_are_made(model):
    explored = FilterExplorer(lambda: pytest.fail("loaded"), layer="top", steps=1)
    assert "image/png" not in explored._repr_mimebundle_()
    made, _ = started(model, layer="top", steps=1)
    assert "image/png" in made._repr_mimebundle_()
