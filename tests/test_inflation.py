"""Inflated encoders: a still clip gives what the encoder gives for the picture."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.built import with_random_weights
from vidlab.errors import ModelError
from vidlab.models import backbones, inflated

SIDES = {"residual": 64, "inceptionv3": 75}


def pictures(count, side):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, 3)).astype("float32")


@pytest.fixture(scope="module", params=SIDES)
def encoder(request):
    side = SIDES[request.param]
    keras.utils.set_random_seed(0)
    return backbones.build(request.param, size=(side, side))


def test_a_still_gives_what_the_encoder_gives_at_every_step_and_motion_does_not(encoder):
    frames = pictures(3, encoder.input_shape[1])
    expected = np.asarray(encoder(frames))
    tolerance = 1e-5 * np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() > 1000 * tolerance  # it sees the pictures
    deep = inflated(encoder)
    stills = np.asarray(deep(np.stack([frames] * 4, axis=1)))
    assert stills.shape == (3, 4, *expected.shape[1:])
    for step in range(4):
        np.testing.assert_allclose(stills[:, step], expected, atol=tolerance)
    assert np.abs(np.asarray(deep(frames[None]))[0] - expected).max() > 1000 * tolerance


def test_random_statistics_and_shifts_are_taken_over():
    side = SIDES["residual"]
    encoder = with_random_weights(backbones.build("residual", size=(side, side)), scale=0.1)
    picture = pictures(1, side)
    expected = np.asarray(encoder(picture))
    found = np.asarray(inflated(encoder)(picture[:, None]))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_an_inflated_encoder_is_saved_and_has_names_and_weights_of_its_own(tmp_path):
    side = SIDES["residual"]
    encoder = backbones.build("residual", size=(side, side))
    model = inflated(encoder, prefix="rgb_")
    assert model.name == "rgb_backbone"
    assert {layer.name for layer in model.layers}.isdisjoint(x.name for x in encoder.layers)
    model.save(tmp_path / "model.keras")
    clip = pictures(2, side)[None]
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(clip), model(clip), atol=1e-5)
    before = np.asarray(encoder(clip[0]))
    model.set_weights([weight + 1 for weight in model.get_weights()])
    np.testing.assert_array_equal(encoder(clip[0]), before)


def test_kernels_are_repeated_along_time_and_divided_by_their_number():
    encoder = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, (3, 5), name="conv")])
    flat, deep = encoder.layers[0], inflated(encoder).get_layer("conv")
    assert deep.kernel.shape == (3, 3, 5, 3, 2)
    for step in range(3):
        np.testing.assert_allclose(deep.kernel[step], flat.kernel / 3, rtol=1e-6)
    np.testing.assert_array_equal(deep.bias, flat.bias)


def test_an_encoder_of_depthwise_convolutions_is_refused():
    encoder = backbones.build("mobilenetv2", size=(32, 32))
    with pytest.raises(ModelError, match=r"DepthwiseConv2D.*no 3-D kind.*residual or inceptionv3"):
        inflated(encoder)
