"""What filters make of real frames, compared with what Keras and NumPy say of the same."""

import keras
import numpy as np
import pytest

from tests import built
from vidlab.errors import ModelError
from vidlab.explanation.filters.maps import feature_maps, first_kernels, strongest_frames
from vidlab.explanation.filters.tuning import class_selectivity, filter_changes, filter_responses
from vidlab.models import backbones

SIDE = 32
LAYER = "backbone/block_2_expand_BN"


def build(*, seed):
    keras.utils.set_random_seed(seed)
    return built.frame_classifier(backbones.build("mobilenetv2-0.35", size=(SIDE, SIDE)), 3)


@pytest.fixture(scope="module")
def model():
    return build(seed=0)


@pytest.fixture(scope="module")
def inner(model):
    """The layer's maps, by way of Keras alone."""
    backbone = model.get_layer("backbone")
    return keras.Model(backbone.inputs, backbone.get_layer("block_2_expand_BN").output)


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (10, 4, 4, 3), np.uint8)
    return coarse.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)


@pytest.fixture(scope="module")
def maps(inner, frames):
    return inner.predict(frames.astype(np.float32), verbose=0)


def test_first_kernels_are_those_of_the_first_convolution(model):
    (weights,) = model.get_layer("backbone").get_layer("Conv1").get_weights()
    kernels = first_kernels(model)
    assert kernels.shape == (16, 3, 3, 3)
    np.testing.assert_array_equal(kernels[5, 0, 2], weights[0, 2, :, 5])


def test_feature_maps_are_what_the_layer_gives(model, frames, maps):
    said = feature_maps(model, frames[3], layer=LAYER, filters=[7, 2])
    assert said.filters.tolist() == [7, 2]
    np.testing.assert_allclose(said.maps[0], maps[3, ..., 7], atol=1e-4)
    np.testing.assert_allclose(said.maps[1], maps[3, ..., 2], atol=1e-4)


def test_feature_maps_choose_the_filters_that_vary_most(model, frames, maps):
    said = feature_maps(model, frames[0], layer=LAYER, filters=3)
    varied = maps[0].std(axis=(0, 1))
    assert said.filters.tolist() == sorted(np.argsort(varied)[-3:])


def test_feature_maps_of_a_larger_frame_are_larger(model, frames):
    large = frames[0].repeat(2, axis=0).repeat(3, axis=1)
    said = feature_maps(model, large, layer=LAYER, filters=1)
    assert said.maps.shape == (1, 16, 24)


def test_responses_are_means_of_maps(model, frames, maps):
    said = filter_responses(model, frames, layers=["backbone/bn_Conv1", LAYER])
    assert list(said) == ["backbone/bn_Conv1", LAYER]
    assert said["backbone/bn_Conv1"].shape == (10, 16)
    np.testing.assert_allclose(said[LAYER], maps.mean(axis=(1, 2)), atol=1e-4)


def test_responses_to_frames_of_another_size_are_means_of_their_maps(model, frames):
    large = frames[:2].repeat(2, axis=1).repeat(2, axis=2)
    said = filter_responses(model, large, layers=[LAYER])[LAYER]
    one = feature_maps(model, large[1], layer=LAYER, filters=[7])
    assert said[1, 7] == pytest.approx(one.maps.mean(), abs=1e-4)


def test_responses_in_a_clip_model_are_those_of_its_frames(model, frames):
    backbone = model.get_layer("backbone")
    clips = built.convgru(backbone, 3, units=4)
    said = [filter_responses(one, frames, layers=[LAYER])[LAYER] for one in (model, clips)]
    np.testing.assert_allclose(said[0], said[1], atol=1e-4)


def test_strongest_frames_come_first(model, frames, maps):
    said = strongest_frames(model, frames, layer=LAYER, filters=[4, 0], count=3)
    means = maps.mean(axis=(1, 2))
    for row, number in enumerate([4, 0]):
        expected = np.argsort(-means[:, number])[:3]
        assert said.frames[row].tolist() == expected.tolist()
        np.testing.assert_allclose(said.responses[row], means[expected, number], atol=1e-4)
        np.testing.assert_allclose(said.maps[row], maps[expected, ..., number], atol=1e-4)


def test_responses_that_are_known_are_not_read_again(model, frames):
    known = np.zeros((len(frames), 48), np.float32)
    known[[6, 1], 4] = 2.0, 1.0
    said = strongest_frames(model, frames, layer=LAYER, filters=[4], count=2, responses=known)
    assert said.frames.tolist() == [[6, 1]]
    assert said.responses.tolist() == [[2.0, 1.0]]
    again = feature_maps(model, frames[6], layer=LAYER, filters=[4])
    np.testing.assert_allclose(said.maps[0, 0], again.maps[0], atol=1e-4)


def test_of_each_video_only_the_strongest_frame_counts(model, frames, maps):
    videos = np.repeat(["a", "b", "c", "d", "e"], 2)
    said = strongest_frames(model, frames, layer=LAYER, filters=[4], count=5, one_of=videos)
    means = maps.mean(axis=(1, 2))[:, 4]
    best = [2 * pair + int(means[2 * pair + 1] > means[2 * pair]) for pair in range(5)]
    assert said.frames[0].tolist() == sorted(best, key=lambda place: -means[place])


def test_a_model_compared_with_itself_has_kept_everything(model, frames):
    kept = filter_changes(model, model, frames=frames, layers=["backbone/bn_Conv1", LAYER])
    assert kept.groupby("layer").size().to_dict() == {"backbone/bn_Conv1": 16, LAYER: 48}
    assert kept["correlation"].min() == pytest.approx(1)


def test_changes_are_correlations_over_frames_and_positions(model, frames, maps):
    other = build(seed=1)
    backbone = other.get_layer("backbone")
    there = keras.Model(backbone.inputs, backbone.get_layer("block_2_expand_BN").output)
    theirs = there.predict(frames.astype(np.float32), verbose=0)
    said = filter_changes(model, other, frames=frames, layers=[LAYER])
    for number in (0, 9):
        expected = np.corrcoef(maps[..., number].ravel(), theirs[..., number].ravel())[0, 1]
        row = said[said["filter"] == number].iloc[0]
        assert row["correlation"] == pytest.approx(expected, abs=1e-3)


def test_a_constant_map_has_no_correlation(frames):
    flat = built.frame_classifier(backbones.build("mobilenetv2-0.35", size=(SIDE, SIDE)), 3)
    first = flat.get_layer("backbone").get_layer("Conv1")
    (weights,) = first.get_weights()
    weights[..., 3] = 0
    first.set_weights([weights])
    kept = filter_changes(flat, flat, frames=frames, layers=["backbone/Conv1"])["correlation"]
    assert kept.isna().to_numpy().nonzero()[0].tolist() == [3]


def test_layers_of_other_shape_are_not_compared(model, frames):
    other = built.frame_classifier(backbones.build("mobilenetv2", size=(SIDE, SIDE)), 3)
    with pytest.raises(ModelError, match="two models of one architecture"):
        filter_changes(model, other, frames=frames, layers=[LAYER])


def test_selectivity_is_the_distance_of_a_class_in_standard_deviations():
    rng = np.random.default_rng(0)
    labels = np.repeat(["jump", "run", "wave"], 400)
    responses = rng.normal(size=(1200, 2))
    responses[labels == "run", 1] += 3
    told = class_selectivity(responses, labels)
    assert told.index.tolist() == ["jump", "run", "wave"]
    assert told.loc["run", 1] == pytest.approx(3, abs=0.2)
    assert told.loc["run", 0] == pytest.approx(0, abs=0.2)
    assert told.loc["jump", 1] < 0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m, f: feature_maps(m, f, layer=LAYER), r"one frame.*\(10, 32, 32, 3\).*clip\[0\]"),
        (lambda m, f: feature_maps(m, f[0], layer=LAYER, filters=[48]), "from 0 to 47"),
        (lambda m, f: filter_responses(m, f[0], layers=[LAYER]), "Expected pictures"),
        (
            lambda m, f: strongest_frames(m, f, layer=LAYER, filters=[0], one_of=["a"]),
            "origin of each of 10 frames",
        ),
        (
            lambda m, f: strongest_frames(
                m, f, layer=LAYER, filters=[0], responses=np.ones((9, 48))
            ),
            r"10 frames, 48 filters.*\(9, 48\)",
        ),
        (lambda m, f: class_selectivity(np.ones((3, 2)), ["a"]), "3 frames.*1 labels"),
    ],
    ids=["frame", "filter", "frames", "origins", "responses", "labels"],
)
def test_what_cannot_be_read_is_refused(model, frames, ask, message):
    with pytest.raises(ModelError, match=message):
        ask(model, frames)


def test_pixel_rnns_have_no_kernels():
    model = built.pixel_rnn(3, size=(8, 8), units=2)
    with pytest.raises(ModelError, match="convolution over red, green and blue"):
        first_kernels(model)
