"""What the notebook on learning writes out by hand: run cell by cell and held against Keras."""

from pathlib import Path

import ipywidgets
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from vidlab import plots
from vidlab.course import notebook_files
from vidlab.widgets.explorer import is_live

FOLDER = Path(__file__).parents[1] / "notebooks"
VALLEY = ["valley", "rules", "adam", "race"]


@pytest.fixture(scope="module")
def sources():
    (path,) = FOLDER.glob("[0-9]*_how_does_a_network_learn.ipynb")
    return {cell.id: cell.source for cell in notebook_files.read(path).cells}


@pytest.fixture(scope="module")
def run(sources):
    """Run cells by their ids -> the names they define."""

    def cells(*ids, **given):
        space = {"np": np, "pd": pd, "keras": keras, "plots": plots, "ipywidgets": ipywidgets}
        space |= {"is_live": is_live, "my_rate": 0.02, "my_winner": "Adam", **given}
        for name in ids:
            exec(compile(sources[name], name, "exec"), space)
        return space

    return cells


@pytest.fixture
def made():
    """Make pictures, labels and weights: (pictures, inputs, classes, dtype=) -> the three."""

    def make(pictures=20, inputs=30, classes=5, *, units=32, dtype="float32"):
        rng = np.random.default_rng(inputs)
        x = rng.uniform(-1, 1, (pictures, inputs)).astype(dtype)
        shapes = (inputs, units), (units,), (units, classes), (classes,)
        weights = [rng.normal(0, 0.3, shape).astype(dtype) for shape in shapes]
        return x, rng.integers(classes, size=pictures), weights

    return make


def keras_network(weights):
    units, classes = weights[0].shape[1], weights[2].shape[1]
    dense = keras.layers.Dense
    layers = [dense(units, activation="relu"), dense(classes, activation="softmax")]
    network = keras.Sequential([keras.Input((len(weights[0]),)), *layers])
    network.set_weights(weights)
    return network


@pytest.mark.parametrize("sizes", [(20, 30, 5), (1, 7, 2), (64, 1728, 6)], ids=str)
def test_gradients_by_hand_are_those_of_keras(run, made, sizes):
    x, y, weights = made(*sizes)
    network, loss = keras_network(weights), keras.losses.SparseCategoricalCrossentropy()
    with tf.GradientTape() as tape:
        value = loss(y, network(x))
    theirs = tape.gradient(value, network.trainable_variables)
    ours = run("losses", "network")["gradients"](x, y, weights)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_one_step_of_a_rate_of_one_takes_the_gradient_away(run, made):
    """So the notebook may take before minus after for the gradient of Keras."""
    x, y, weights = made()
    network = keras_network(weights)
    network.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    network.train_on_batch(x, y)
    ours = run("losses", "network")["gradients"](x, y, weights)
    for gradient, before, after in zip(ours, weights, network.get_weights(), strict=True):
        np.testing.assert_allclose(before - after, gradient, atol=1e-5)


def test_gradients_through_dropout_are_what_nudging_finds(run, made):
    x, y, weights = made(dtype="float64")
    space = run("losses", "network")
    mask = 2.0 * (np.random.default_rng(0).random((len(x), 32)) < 0.5)
    nudge = np.zeros_like(weights[0])
    nudge[3, np.abs(weights[2]).sum(axis=1).argmax()] = 1e-6

    def loss(change):
        p = space["forward"](x, [weights[0] + change, *weights[1:]], mask)[1]
        return -np.log(p[np.arange(len(y)), y]).mean()

    found = space["gradients"](x, y, weights, mask)[0][nudge > 0]
    assert found != 0
    np.testing.assert_allclose((loss(nudge) - loss(-nudge)) / 2e-6, found, atol=1e-8)


def test_gradients_and_momentum_train_as_fit_does(run, made):
    x, y, weights = made(pictures=96)
    network, space = keras_network(weights), run("losses", "network", "rules")
    network.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy")
    network.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0)
    ours, memories = [weight.copy() for weight in weights], [{} for _ in weights]
    for step in range(1, 10):
        some = np.arange(32) + 32 * ((step - 1) % 3)
        found = space["gradients"](x[some], y[some], ours)
        for weight, gradient, memory in zip(ours, found, memories, strict=True):
            weight -= 0.01 * space["momentum"](gradient, memory, step)
    for one, other in zip(ours, network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        ("plain", keras.optimizers.SGD(0.01)),
        ("momentum", keras.optimizers.SGD(0.01, momentum=0.9)),
        ("rmsprop", keras.optimizers.RMSprop(0.01)),
        ("adam", keras.optimizers.Adam(0.01)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_update_rules_step_as_those_of_keras(run, rule, optimizer):
    step_of, memory = run("rules", "adam")[rule], {}
    weights, theirs = np.ones(4), keras.Variable(np.ones(4), dtype="float32")
    for step, slope in enumerate(np.random.default_rng(0).normal(size=(40, 4)), start=1):
        weights = weights - 0.01 * step_of(slope, memory, step)
        optimizer.apply([keras.ops.cast(slope, "float32")], [theirs])
        np.testing.assert_allclose(weights, theirs, atol=1e-4)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "ReLU", "LeakyReLU"])
def test_activations_are_those_of_keras_and_their_derivatives_what_nudging_finds(run, name):
    value, derivative = run("activations")["activations"][name]
    x = np.array([-3, -1, -0.1, 0.1, 1, 3])
    options = {"negative_slope": 0.1} if name == "LeakyReLU" else {}
    keras_name = {"ReLU": "relu", "LeakyReLU": "leaky_relu"}.get(name, name)
    theirs = getattr(keras.activations, keras_name)(keras.ops.cast(x, "float32"), **options)
    np.testing.assert_allclose(value(x), theirs, atol=1e-6)
    np.testing.assert_allclose((value(x + 1e-6) - value(x - 1e-6)) / 2e-6, derivative(x), atol=1e-8)


def test_five_losses_by_hand_are_those_of_keras(run):
    losses = run("losses")["losses"]
    assert len(losses) == 5
    by_hand, theirs = losses["by hand"].astype(float), losses["Keras"].astype(float)
    np.testing.assert_allclose(by_hand, theirs, atol=1e-5)


def test_the_valley_curves_as_it_is_said_to_and_limits_the_rate(run):
    space = run(*VALLEY)
    np.testing.assert_allclose(space["curvature"], [1, 25])
    w = np.array([0.3, -2.0])
    residuals = space["inputs"] @ w - space["targets"]
    least = space["inputs"] @ space["lowest"] - space["targets"]
    above = (residuals**2).mean() / 2 - (least**2).mean() / 2
    assert space["height"](w) == pytest.approx(above)
    top = space["height"](space["start"])
    assert (
        space["at_end"]("gradient descent", 0.079)
        < top
        < space["at_end"]("gradient descent", 0.081)
    )


def test_the_slider_moves_the_learning_rate_in_an_open_notebook(run, live, monkeypatch):
    called = {}
    monkeypatch.setattr(
        ipywidgets, "interact", lambda draw, **sliders: called.update(sliders, draw=draw)
    )
    space = run(*VALLEY, "slider")
    assert called["draw"] is space["race"]
    slider = called["rate"]
    assert slider.value == space["my_rate"]
    slider.value = 0.4
    assert f"{slider.value:.3g}" in called["draw"](slider.value).get_suptitle()


def test_a_page_without_a_kernel_shows_two_more_rates(run, monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "static")
    shown = []
    run(*VALLEY, "slider", display=lambda *figures: shown.extend(figures))
    assert len({figure.get_suptitle() for figure in shown}) == 2
