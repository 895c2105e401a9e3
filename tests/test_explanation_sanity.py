"""Random weights, and heat that does or does not change with them."""

import keras
import numpy as np
import pytest

from vidlab.errors import MetricError
from vidlab.explanation.records import explained
from vidlab.explanation.trust import sanity


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    inner = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, padding="same", name="first"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise"),
        ],
        name="backbone",
    )
    clips = keras.Input((None, 16, 16, 3))
    x = keras.layers.TimeDistributed(inner)(clips)
    x = keras.layers.TimeDistributed(keras.layers.GlobalAveragePooling2D())(x)
    x = keras.layers.GRU(5, name="gru")(x)
    built = keras.Model(clips, keras.layers.Dense(3, activation="softmax", name="last")(x))
    for weight in built.weights:
        weight.assign(keras.ops.ones_like(weight) * 0.37)
    return built


def changed(model, other):
    """Name the weights that differ."""
    pairs = zip(model.weights, other.weights, strict=True)
    return {a.path.split("/")[-2] for a, b in pairs if not np.allclose(a, b)}


def test_all_layers_forget_nested_and_recurrent_ones_too(model):
    kept = [weight.numpy() for weight in model.weights]
    other = sanity.randomise(model, seed=0)
    assert changed(model, other) >= {"first", "norm", "depthwise", "gru_cell", "last"}
    for weight, before in zip(model.weights, kept, strict=True):
        np.testing.assert_array_equal(weight, before)
    norms = {w.path.split("/")[-1]: w.numpy() for w in other.weights if "norm" in w.path.split("/")}
    assert (norms["moving_variance"] == 1).all()
    assert (norms["beta"] == 0).all()
    assert other.predict(np.ones((1, 2, 16, 16, 3)), verbose=0).shape == (1, 3)


def test_the_last_layers_forget_first(model):
    assert changed(model, sanity.randomise(model, seed=0, share=0.2)) == {"last"}
    assert changed(model, sanity.randomise(model, seed=0, share=0.0)) == set()


def test_the_seed_decides_the_weights(model):
    one, same, other = (sanity.randomise(model, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_rank_correlation_knows_only_the_order():
    heat = np.random.default_rng(0).random((2, 7, 7))
    assert sanity.rank_correlation(heat, heat**3) == pytest.approx(1)
    assert sanity.rank_correlation(heat, -heat) == pytest.approx(-1)
    assert sanity.rank_correlation(heat, np.zeros_like(heat)) == 0
    with pytest.raises(MetricError, match=r"\(2, 7, 7\) and \(7, 7\).*same layer"):
        sanity.rank_correlation(heat, heat[0])


def drawn(maps):
    return explained(maps, size=(16, 16), layer="l", score=0.5, target=2, method="grad_cam")


def test_edges_stay_alike_and_learned_heat_does_not(model):
    edges = np.random.default_rng(0).random((2, 5, 5))

    def learned(model, clip, *, target):
        seed = int(1e6 * abs(model.get_weights()[-2].sum()))
        return drawn(np.random.default_rng(seed).random((2, 5, 5)))

    clip = np.zeros((2, 16, 16, 3))
    shares = (0.0, 1.0)
    same = sanity.randomised_check(
        model, [clip], explain=lambda model, clip, *, target: drawn(edges), shares=shares
    )
    assert same["similarity"].tolist() == pytest.approx([1, 1])
    fades = sanity.randomised_check(model, [clip], explain=learned, shares=shares)
    assert fades["similarity"].iloc[0] == pytest.approx(1)
    assert abs(fades["similarity"].iloc[1]) < 0.5
    none = sanity.randomised_check(
        model,
        [clip],
        explain=lambda model, clip, *, target: drawn(np.zeros((2, 5, 5))),
        shares=shares,
    )
    assert none["without_evidence"].tolist() == [1, 1]
