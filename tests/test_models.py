"""Models: the literature's sizes to the last parameter, and what they take and give."""

import keras
import numpy as np
import pytest

from vidlab import backbones, models
from vidlab.errors import ModelError

INCEPTION = 21_802_784  # without its top, as Keras documents it


@pytest.fixture(scope="module")
def inception():
    return backbones.build("inceptionv3", size=(224, 224))


@pytest.fixture(scope="module")
def small():
    return backbones.build("mobilenetv2-0.35", size=(64, 96))


def learning(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_frame_classifier_has_the_published_23_million(inception):
    model = models.frame_classifier(inception, 101)
    head = (2048 * 512 + 512) + (512 * 101 + 101)
    assert model.count_params() == INCEPTION + head == 22_903_685
    backbones.set_trainable(model, "none")
    assert learning(model) == head


def test_frame_vote_has_exactly_the_published_parameters(inception):
    model = models.frame_vote_classifier(inception, 101)
    assert 5 * 5 * 2048 == 51_200
    head = (51_200 * 1024 + 1024) + (1024 * 101 + 101)
    assert model.count_params() == INCEPTION + head == 74_336_133
    backbones.set_trainable(model, "none")
    assert learning(model) == head == 52_533_349


@pytest.mark.parametrize("build", [models.frame_classifier, models.frame_vote_classifier])
class TestAnyFrameModel:
    def test_frames_become_class_probabilities(self, build, small):
        frames = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
        found = build(small, 7).predict(frames, verbose=0)
        assert found.shape == (3, 7)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)

    def test_it_learns_from_uint8_frames(self, build, small):
        model = build(small, 2, dense=16)
        backbones.set_trainable(model, "none")
        model.compile("adam", "sparse_categorical_crossentropy")
        frames = np.stack([np.full((64, 96, 3), shade, np.uint8) for shade in (20, 230)] * 4)
        losses = model.fit(frames, np.array([0, 1] * 4), epochs=3, verbose=0).history["loss"]
        assert np.isfinite(losses).all()

    def test_it_is_the_same_after_saving(self, build, small, tmp_path):
        model = build(small, 3)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        frames = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
        np.testing.assert_allclose(
            loaded.predict(frames, verbose=0), model.predict(frames, verbose=0), rtol=1e-6
        )
        assert loaded.get_layer("backbone").get_layer("out_relu").output.shape[1:] == (2, 3, 1280)

    def test_the_backbone_is_one_layer_of_it(self, build, small):
        assert build(small, 3).get_layer("backbone") is small

    def test_fewer_than_two_classes_are_refused(self, build, small):
        with pytest.raises(ModelError, match=r"at least 2 classes.*num_classes=1.*more classes"):
            build(small, 1)

    def test_a_backbone_without_a_map_is_refused(self, build):
        flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
        with pytest.raises(ModelError, match=r"feature map.*\(None, 192\).*vidlab\.backbones"):
            build(flat, 3)


def test_dropout_acts_before_and_after_the_dense_layer(small):
    model = models.frame_vote_classifier(small, 3, dropout=0.25)
    kinds = [type(layer).__name__ for layer in model.layers[2:]]
    assert kinds == ["Flatten", "Dropout", "Dense", "Dropout", "Dense"]
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {
        0.25
    }
