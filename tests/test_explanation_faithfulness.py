"""Deletion curves and randomised weights, on tiny models that are known to look at one place."""

import keras
import numpy as np
import pytest

from tests.looking import ACT, SCENE, SIDE, clip_with, looking_at
from vidlab import explanation
from vidlab.errors import MetricError, ModelError
from vidlab.explanation import faithfulness
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


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (lambda maps: maps**3 + 7, 1),
        (lambda maps: -maps, -1),
        (lambda maps: maps[::-1, ::-1], 0),
        (lambda maps: 0 * maps, 0),
    ],
    ids=["same order", "opposite", "unrelated", "no evidence"],
)
def test_maps_are_alike_by_the_order_of_their_places(other, expected):
    maps = np.random.default_rng(0).random((4, 9, 9))
    found = explanation.similarity(explained(maps), explained(other(maps)))
    assert found == pytest.approx(expected, abs=0.15)


def test_deletion_removes_pixels_and_insertion_starts_from_a_blur(monkeypatch):
    """As Petsiuk et al. 2018 do it: removed pixels become one colour, here the clip's mean."""
    shown = []

    def predict(model, clips):
        shown.append(list(clips))
        return np.zeros((len(shown[-1]), 2))

    monkeypatch.setattr(faithfulness, "predict", predict)
    clip = np.random.default_rng(0).integers(0, 255, (3, SIDE, SIDE, 3)).astype(np.float32)
    record = explained(maps_at(ACT))
    explanation.deletion_curve(None, clip, record, steps=4)
    explanation.insertion_curve(None, clip, record, steps=4)
    deletion, insertion = shown
    hottest = record.heat == 1
    np.testing.assert_array_equal(deletion[0], clip)
    np.testing.assert_allclose(deletion[1][hottest], [clip.mean(axis=(0, 1, 2))] * hottest.sum())
    np.testing.assert_array_equal(insertion[-1], clip)
    np.testing.assert_array_equal(insertion[1][hottest], clip[hottest])
    assert 0 < insertion[0].std() < clip.std() / 2
    assert np.ptp(deletion[-1], axis=(0, 1, 2)).max() == 0
