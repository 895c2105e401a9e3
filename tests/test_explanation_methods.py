"""All methods behind one call, and occlusion over time."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import built
from vidlab import explanation
from vidlab.errors import ModelError

SIZE, CLASSES = (24, 32), 4


def frames(count=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def eyes():
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv"),
            layers.GlobalAveragePooling2D(),
        ],
        name="eyes",
    )


@pytest.fixture(scope="module")
def of_frames(eyes):
    return keras.Sequential([eyes, layers.Dense(CLASSES, activation="softmax")])


@pytest.fixture(scope="module")
def of_clips(eyes):
    return built.recurrent(eyes, CLASSES, units=5)


WITH_A_MAP = [name for name in explanation.METHODS if name != "saliency"]


@pytest.mark.parametrize("method", explanation.METHODS)
def test_every_method_explains_nested_models_of_frames_and_batches_of_clips(
    method, of_frames, of_clips
):
    found = explanation.explain(of_frames, frames(), method=method, target=1)
    assert found.method == method
    assert found.layer == ("eyes/conv" if method in WITH_A_MAP else "pixels")
    assert found.maps.shape == ((3, 12, 16) if method in WITH_A_MAP else (3, *SIZE))
    assert np.isfinite(found.heat).all()
    assert found.score == pytest.approx(of_frames(frames())[:, 1].numpy().mean(), abs=1e-5)
    batch = np.stack([frames(seed=1), frames(seed=2)])
    both = explanation.explain(of_clips, batch, method=method, target=[0, 2])
    assert [found.target for found in both] == [0, 2]
    alone = explanation.explain(of_clips, batch[1], method=method, target=2)
    np.testing.assert_allclose(both[1].heat, alone.heat, atol=1e-3)


def test_a_network_on_bare_pixels_is_explained_by_saliency_alone():
    on_pixels = built.pixel_rnn(CLASSES, size=SIZE, units=3)
    for method in WITH_A_MAP:
        with pytest.raises(ModelError, match="needs no map"):
            explanation.explain(on_pixels, frames(), method=method)
    found = explanation.explain(on_pixels, frames())
    assert (found.method, found.layer) == ("saliency", "pixels")
    assert found.in_words().startswith("What the score of class")
    with pytest.raises(ModelError, match=r"grad_cam\+\+, layer_cam, .*Received: 'cam'"):
        explanation.explain(on_pixels, frames(), method="cam")


def test_saliency_is_the_largest_gradient_of_the_colours(of_clips):
    clip = tf.constant(frames()[None])
    graph = explanation.layer_graph(of_clips)
    scores = graph.submodel(graph.scores)
    with tf.GradientTape() as tape:
        tape.watch(clip)
        score = scores(clip)[0, 3]
    expected = np.abs(tape.gradient(score, clip).numpy()[0]).max(axis=-1)
    found = explanation.explain(of_clips, frames(), method="saliency", target=3)
    np.testing.assert_allclose(found.maps, expected, rtol=1e-4, atol=1e-9)


class TestOcclusionOverTime:
    def test_it_is_the_prediction_without_the_frame(self, of_clips):
        clip = frames(4)
        whole = of_clips.predict(clip[None], verbose=0)[0, 1]
        without = [
            of_clips.predict(np.delete(clip, index, axis=0)[None], verbose=0)[0, 1]
            for index in range(4)
        ]
        found = explanation.by_occlusion(of_clips, clip, target=1)
        np.testing.assert_allclose(found, whole - np.array(without), atol=1e-6)

    def test_frames_that_are_judged_alone_are_left_out_of_their_mean(self, of_frames):
        each = of_frames.predict(frames(4), verbose=0)
        lost = each.mean(0) - np.stack([np.delete(each, index, 0).mean(0) for index in range(4)])
        found = explanation.by_occlusion(of_frames, frames(4), target=2)
        np.testing.assert_allclose(found, lost[:, 2], atol=1e-6)

    def test_a_clip_of_fixed_length_is_shown_the_neighbour_instead(self):
        keras.utils.set_random_seed(0)
        clips = keras.Input((3, *SIZE, 3))
        scores = layers.Dense(2, activation="softmax")(layers.Flatten()(clips))
        model = keras.Model(clips, scores)
        clip = frames(3) / 255
        shown = np.stack([clip[[1, 1, 2]], clip[[0, 0, 2]], clip[[0, 1, 1]]])
        expected = model(clip[None])[0, 0] - model(shown)[:, 0]
        found = explanation.by_occlusion(model, clip, target=0)
        np.testing.assert_allclose(found, expected, atol=1e-6)

    @pytest.mark.parametrize("clip", [frames(1), frames()[None]], ids=["frame", "clips"])
    def test_it_takes_a_single_clip_of_several_frames(self, of_frames, clip):
        with pytest.raises(ModelError, match=r"single clip of two frames or more.*Read more"):
            explanation.by_occlusion(of_frames, clip)
