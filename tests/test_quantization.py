"""Numbers of few bits: what is rounded, how far, and that a network can learn under it."""

import keras
import numpy as np
import pytest
from keras import layers

from tests import built
from vidlab import backbones, explanation
from vidlab.errors import ModelError
from vidlab.models import quantization
from vidlab.models.quantization import FakeQuantizedActivations, FakeQuantizedWeights
from vidlab.training.freezing import is_frozen


def pictures(count, size=32):
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3)).astype("float32")


def by_hand(values, low, high, bits):
    """Round to r = S · (q − z), as Jacob et al. write it; the range is moved to hold zero."""
    step = (high - low) / (2**bits - 1)
    zero = np.round(-low / step)
    integers = np.clip(np.round(values / step + zero), 0, 2**bits - 1)
    return step * (integers - zero)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_activations_become_what_integers_stand_for(bits):
    layer = FakeQuantizedActivations(bits)
    values = np.random.default_rng(0).uniform(-2, 5, (6, 50)).astype("float32")
    layer.build(values.shape)
    layer.low.assign(-1.0)
    layer.high.assign(4.0)
    found = np.asarray(layer(values))
    step = 5 / (2**bits - 1)
    np.testing.assert_allclose(found, by_hand(values, -1.0, 4.0, bits), atol=1.001 * step)
    assert len(np.unique(found)) <= 2**bits
    assert np.asarray(layer(np.zeros((1, 1)))) == 0
    inside = (values > -1 + step) & (values < 4 - step)
    assert np.abs(found - values)[inside].max() <= 0.501 * step


def test_training_moves_the_range_and_prediction_does_not():
    layer = FakeQuantizedActivations(8, momentum=0.5)
    values = np.array([[-3.0, 7.0]], "float32")
    layer.build(values.shape)
    layer(values)
    assert (float(layer.low), float(layer.high)) == (0.0, 1.0)
    layer(values, training=True)
    assert (float(layer.low), float(layer.high)) == (-1.5, 4.0)
    layer.trainable = False  # as in a frozen encoder, whose features are computed once
    assert is_frozen(layer)
    layer(values, training=True)
    assert (float(layer.low), float(layer.high)) == (-1.5, 4.0)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(4),
        layers.Conv2D(4, 3),
        layers.DepthwiseConv2D(3),
        layers.Conv1D(4, 2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_each_channel_of_a_kernel_has_its_own_range(layer):
    shape = {"Dense": (2, 6), "Conv1D": (2, 5, 6)}.get(type(layer).__name__, (2, 5, 5, 6))
    values = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer.build(shape)
    kernel = layer.kernel.numpy().copy()
    kernel *= 10.0 ** np.arange(6 if kernel.shape[-1] == 1 else 4).reshape(
        (-1, 1) if kernel.shape[-1] == 1 else -1
    )
    layer.kernel.assign(kernel)
    axis = -2 if kernel.shape[-1] == 1 else -1
    others = tuple(n for n in range(kernel.ndim) if n != kernel.ndim + axis)
    step = np.abs(kernel).max(axis=others, keepdims=True) / 7  # −7 to 7 in four bits
    found = np.asarray(FakeQuantizedWeights(layer, 4)(values))
    np.testing.assert_array_equal(layer.kernel, kernel)  # only what is computed is rounded
    layer.kernel.assign(np.round(kernel / step) * step)
    expected = np.asarray(layer(values))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.fixture(scope="module")
def encoder():
    return built.pooled(backbones.build("residual", size=(32, 32), weights="pantomime"))


def likeness(encoder, bits):
    given = pictures(24)
    copy = quantization.fake_quantized(encoder, bits, given)
    found, expected = (model.predict(given, verbose=0) for model in (copy, encoder))
    return np.corrcoef(found.ravel(), expected.ravel())[0, 1]


def test_fewer_bits_are_further_from_the_whole_network(encoder):
    eight, five, two = (likeness(encoder, bits) for bits in (8, 5, 2))
    assert eight > 0.99
    assert eight > five > two


def test_layers_keep_their_names_and_weights_and_a_copy_is_saved(encoder, tmp_path):
    copy = quantization.fake_quantized(encoder, 4, pictures(8))
    whole, rounded = (model.get_layer("backbone") for model in (encoder, copy))
    names = [layer.name for layer in rounded.layers if not layer.name.endswith("_range")]
    assert names == [layer.name for layer in whole.layers]
    kernel = rounded.get_layer("stem").layer.kernel
    np.testing.assert_array_equal(kernel, whole.get_layer("stem").kernel)
    copy.save(tmp_path / "copy.keras")
    loaded = keras.saving.load_model(tmp_path / "copy.keras")
    np.testing.assert_allclose(loaded(pictures(2)), copy(pictures(2)), rtol=1e-5, atol=1e-5)
    again = backbones.build("residual", size=(32, 32), weights=tmp_path / "copy.keras")
    np.testing.assert_allclose(again(pictures(2)), rounded(pictures(2)), rtol=1e-5, atol=1e-5)


def test_a_rounded_classifier_is_explained_by_the_same_layers_and_its_own_scores(encoder):
    positive = keras.initializers.RandomUniform(0, 1, seed=0)  # so that there is heat
    x = layers.Dense(3, activation="softmax", kernel_initializer=positive)(encoder.output)
    model = keras.Model(encoder.input, x)
    copy = quantization.fake_quantized(model, 8, pictures(8))
    graph, rounded = explanation.graph.layer_graph(model), explanation.graph.layer_graph(copy)
    whole = [name for name in rounded.maps if not name.endswith("_range")]
    assert sorted(whole) == sorted(graph.maps)
    heat, again = (explanation.grad_cam(m, pictures(4), target=1).heat for m in (model, copy))
    assert np.corrcoef(heat.ravel(), again.ravel())[0, 1] > 0.9
    scores = keras.Model(rounded.input, rounded.scores)(pictures(4))
    np.testing.assert_allclose(keras.ops.softmax(scores), copy(pictures(4)), rtol=1e-4, atol=1e-6)


def test_a_network_learns_under_its_rounding():
    """Two bits ruin a small classifier; training under them mends it."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(256, 8)).astype("float32")
    labels = (values[:, 0] * values[:, 1] > 0).astype(int)
    inputs = keras.Input((8,))
    x = layers.Dense(32, activation="relu")(inputs)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    options = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    keras.utils.set_random_seed(0)
    model.compile("adam", **options)
    model.fit(values, labels, epochs=60, verbose=0)
    rounded = quantization.fake_quantized(model, 2, values)
    rounded.compile(keras.optimizers.Adam(1e-3), **options)
    before = rounded.evaluate(values, labels, verbose=0, return_dict=True)
    rounded.fit(values, labels, epochs=40, verbose=0)
    after = rounded.evaluate(values, labels, verbose=0, return_dict=True)
    assert after["loss"] < 0.8 * before["loss"]
    assert after["accuracy"] > before["accuracy"]


@pytest.mark.parametrize("bits", [1, 9, 4.5])
def test_bits_that_make_no_sense_are_refused(encoder, bits):
    with pytest.raises(ModelError, match=f"2 to 8 bits. Received: {bits}"):
        quantization.fake_quantized(encoder, bits, pictures(1))
