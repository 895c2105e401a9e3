"""Deletion curves and randomised weights, on tiny models that are known to look at one place."""

import keras
import numpy as np
import pytest

from tests.looking import ACT, SCENE, SIDE, clip_with, looking_at
from vidlab import explanation
from vidlab.errors import MetricError, ModelError
from vidlab.explanation.batches import predict


def explained(maps, **changes):
    about = {"size": (SIDE, SIDE), "layer": "conv", "score": 1.0, "target": 1}
    return explanation.Explanation(maps=np.float32(maps), method="grad_cam", **about | changes)


def maps_at(index):
    maps = np.zeros((3, 8, 8))
    maps[:, *(slice(side.start // 4, side.stop // 4) for side in index)] = 1
    return maps


@pytest.fixture(scope="module", params=[False, True], ids=["frames", "clips"])
def act_model(request):
    return looking_at(ACT, clips=request.param)


def test_clips_are_predicted_in_the_shape_of_the_model(act_model):
    clips = [clip_with(act=brightness) for brightness in (255, 0, 128)]
    found = predict(act_model, clips)
    np.testing.assert_allclose(found[:2, 1], [1, 0], atol=0.01)
    alone = [predict(act_model, [clip])[0] for clip in clips]
    np.testing.assert_allclose(found, alone, atol=1e-6)
    with pytest.raises(ModelError, match=r"frames.*\(None, 4\)"):
        predict(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), clips)


def test_hiding_what_counts_first_lowers_the_score_at_once(act_model):
    clip = clip_with(act=255, scene=255)
    right = explanation.deletion_curve(act_model, clip, explained(maps_at(ACT)), steps=8)
    wrong = explanation.deletion_curve(act_model, clip, explained(maps_at(SCENE)), steps=8)
    assert right["share"].tolist() == pytest.approx(np.linspace(0, 1, 9).tolist())
    assert right["score"].iloc[0] > 0.95
    assert right["score"].iloc[1] < 0.5 < wrong["score"].iloc[1]
    assert right["score"].iloc[-1] == pytest.approx(wrong["score"].iloc[-1], abs=1e-5)
    shown = explanation.insertion_curve(act_model, clip, explained(maps_at(ACT)), steps=8)
    assert shown["score"].iloc[1] > 0.95


@pytest.mark.parametrize(
    ("maps", "agrees"),
    [(maps_at(ACT), True), (1 - maps_at(ACT), False), (0 * maps_at(ACT), False)],
    ids=["act", "all but the act", "no evidence"],
)
def test_deletion_agrees_with_the_right_place_alone(act_model, maps, agrees):
    clip, record = clip_with(act=255, scene=255), explained(maps)
    found = explanation.agrees_with_deletion(act_model, clip, record, orders=3)
    assert found.agrees is agrees
    assert ("yes" if agrees else "no.") in found.in_words()
    assert len(found.random) == 3
    assert found == explanation.agrees_with_deletion(act_model, clip, record, orders=3)


def test_a_difference_is_followed_as_a_difference():
    record = explained(maps_at(ACT), against=0)
    found = explanation.deletion_curve(looking_at(ACT), clip_with(act=255), record, steps=2)
    assert found["score"].iloc[0] == pytest.approx(1, abs=0.02)
    assert found["score"].iloc[-1] < 0


def test_heat_of_another_size_is_refused():
    with pytest.raises(MetricError, match=r"\(2, 32, 32, 3\).*\(3, 32, 32\).*explained"):
        explanation.deletion_curve(looking_at(ACT), clip_with(frames=2), explained(maps_at(ACT)))


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
    """Name the layers whose weights differ."""
    pairs = zip(model.weights, other.weights, strict=True)
    return {a.path.split("/")[-2] for a, b in pairs if not np.allclose(a, b)}


def test_layers_are_randomised_from_the_last_on_nested_and_recurrent_ones_too(model):
    assert changed(model, explanation.randomise(model, seed=0, share=0.0)) == set()
    assert changed(model, explanation.randomise(model, seed=0, share=0.2)) == {"last"}
    other = explanation.randomise(model, seed=0)
    assert changed(model, other) >= {"first", "norm", "depthwise", "gru_cell", "last"}
    assert all((weight.numpy() == np.float32(0.37)).all() for weight in model.weights)
    norms = {w.path.split("/")[-1]: w.numpy() for w in other.weights if "norm" in w.path.split("/")}
    assert (norms["moving_variance"] == 1).all()
    assert (norms["beta"] == 0).all()
    assert other.predict(np.ones((1, 2, 16, 16, 3)), verbose=0).shape == (1, 3)


def test_the_seed_decides_the_weights(model):
    drawn = [explanation.randomise(model, seed=seed).get_weights() for seed in (3, 3, 4)]
    assert all(np.array_equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not np.array_equal(drawn[0][0], drawn[2][0])


def maps_by_weights(model):
    seed = int(1e6 * abs(model.get_weights()[-2].sum()))
    return np.random.default_rng(seed).random((2, 5, 5))


@pytest.mark.parametrize(
    ("maps_of", "similarity", "silent"),
    [
        (lambda model: np.arange(50.0).reshape(2, 5, 5), (1, 1), 0),
        (maps_by_weights, (1, 0), 0),
        (lambda model: np.zeros((2, 5, 5)), (0, 0), 1),
    ],
    ids=["edges", "learned", "no evidence"],
)
def test_edges_stay_alike_and_learned_heat_does_not(model, maps_of, similarity, silent):
    def explain(model, clip, *, target):
        return explained(maps_of(model))

    clips = [np.zeros((2, 16, 16, 3))]
    found = explanation.randomised_check(model, clips, explain=explain, shares=(0.0, 1.0))
    assert found["similarity"].iloc[0] == pytest.approx(similarity[0])
    assert found["similarity"].iloc[1] == pytest.approx(similarity[1], abs=0.5)
    assert found["without_evidence"].tolist() == [silent, silent]
