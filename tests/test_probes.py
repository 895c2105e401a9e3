"""Linear probes, and phases whose weights a solver finds."""

from dataclasses import replace

import numpy as np
import pytest
from keras import layers
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vidlab import recipes
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Reordered, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import RecipeError
from vidlab.evaluation import predictions
from vidlab.recipes import Phase, probes
from vidlab.training import Settings, fit
from vidlab.training.learners import features_of

PROBES = ["linear-mean", "linear-last", "linear-first-last", "linear-difference"]


@pytest.fixture(scope="module")
def videos(small_toys):
    """Return 3 classes × 2 groups × 2 clips, learned from and tested on."""
    return VideoIndex.from_folder(small_toys)


@pytest.fixture
def probe(tiny_backbone):
    """Adapt a probe to a tiny backbone: (name, changes…) -> Recipe."""
    small = {"backbone": tiny_backbone, "size": 32, "weights": None, "sampling": Uniform(4)}
    return lambda name, **changes: recipes.get(name).adapted(**small | changes)


def kept_by_hand(name, clips):
    """Return what a probe is to see of features (videos, 4, size)."""
    mean = clips.mean(axis=1)
    late_minus_early = clips[:, 2:].mean(axis=1) - clips[:, :2].mean(axis=1)
    return {
        "linear-mean": mean,
        "linear-last": clips[:, 3],
        "linear-first-last": np.hstack([clips[:, 0], clips[:, 3]]),
        "linear-difference": np.hstack([mean, late_minus_early]),
    }[name]


def probabilities(model, streams, videos):
    return predictions.predict(model, Clips(videos, streams, batch_size=5)).probabilities


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_scikit_learns_regression_on_the_stored_features(name, probe, videos, tmp_path):
    recipe, settings = probe(name), Settings(features=tmp_path)
    fitted = fit(recipe, (videos, videos), settings=settings)
    store = features_of(recipe, fitted.model, videos, settings=settings)
    clips = np.stack([store[video_id] for video_id in videos.table["video_id"]])
    seen = kept_by_hand(name, clips)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    expected = regression.fit(seen, videos.labels).predict_proba(seen)
    for model, streams in (
        (fitted.model, recipe.streams),
        (fitted.learner.model, fitted.learner.plain),
    ):
        np.testing.assert_allclose(probabilities(model, streams, videos), expected, atol=1e-4)


def test_the_history_of_a_solved_phase_is_one_row_of_what_was_reached(probe, videos):
    recipe = probe("linear-last")
    history = fit(recipe, (videos, videos)).history
    assert history[["epoch", "phase"]].to_numpy().tolist() == [[1, 1]]
    assert "learning_rate" not in history
    right = probabilities(fit(recipe, (videos, videos)).model, recipe.streams, videos)
    accuracy = (right.argmax(axis=1) == videos.labels).mean()
    assert history[["accuracy", "val_accuracy"]].to_numpy() == pytest.approx(accuracy)
    without = fit(recipe, (videos, videos.select(np.zeros(len(videos), bool))))
    assert "val_loss" not in without.history


@pytest.mark.parametrize(("source", "across"), [("names", False), ("pattern", True)])
def test_predictions_know_whether_groups_go_across_classes(probe, videos, source, across):
    recipe, videos = probe("linear-last"), replace(videos, groups_from=source)
    model = fit(recipe, (videos, videos)).model
    assert predictions.predict(model, Clips(videos, recipe.streams)).across_classes is across


def test_the_mean_alone_is_blind_to_the_order_of_frames(probe, videos):
    models = {name: fit(probe(name), (videos, videos)).model for name in PROBES}
    in_time, reverse = (
        Rgb(Uniform(4), 32, clip=True, test=test)
        for test in (None, Reordered(Uniform(4), "reversed"))
    )
    differ = {
        name: np.abs(
            probabilities(model, in_time, videos) - probabilities(model, reverse, videos)
        ).max()
        for name, model in models.items()
    }
    assert differ.pop("linear-mean") < 1e-6
    assert min(differ.values()) > 1e-2


def test_any_seed_gives_the_same_probe(probe, videos):
    one, other = (
        fit(probe("linear-difference"), (videos, videos), settings=Settings(seed=seed)).model
        for seed in (0, 0)
    )
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 1], [1, 4, 1, 4, 4], [4, 0, 2, 0, 4]], ids=str)
def test_classes_without_examples_have_no_probability(labels):
    features = np.random.default_rng(0).normal(3, 2, (5, 7))
    labels = np.array(labels)
    kernel, bias = probes.logistic_regression(features, labels, 5)
    scores = np.exp(features @ kernel + bias)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    expected = np.zeros((5, 5))
    expected[:, np.unique(labels)] = regression.fit(features, labels).predict_proba(features)
    np.testing.assert_allclose(scores / scores.sum(axis=1, keepdims=True), expected, atol=1e-9)


def nearest_mean(features, labels, num_classes):
    """Solve for the class whose mean is nearest."""
    means = np.stack([features[labels == one].mean(axis=0) for one in range(num_classes)])
    return means.T, -(means**2).sum(axis=1) / 2


def test_a_solver_of_ones_own_follows_a_phase_of_gradient_descent(probe, videos):
    phases = (Phase(2, trainable="top"), Phase(trainable="none", solver=nearest_mean))
    recipe = probe("linear-mean", phases=phases)
    history = fit(recipe, (videos, videos)).history
    assert history["phase"].tolist() == [1, 1, 2]
    assert str(phases[1]) == "nearest mean, all examples at once"


def test_what_a_solver_does_decides_the_result_and_becomes_json(probe):
    before = probe("linear-mean")
    after = before.adapted(phases=(Phase(trainable="none", solver=nearest_mean),))
    assert [one.as_dict()["phases"][0]["solver"] for one in (before, after)] == [
        "logistic_regression",
        "nearest_mean",
    ]
    assert before.code_digest != after.code_digest
    assert "solver" not in recipes.get("frame-vote").as_dict()["phases"][0]


def test_a_solver_needs_a_layer_with_units(videos):
    def write(inputs, num_classes):
        x = layers.Flatten()(inputs["rgb"])
        x = layers.Dense(num_classes)(x)
        return layers.Softmax(name="shares")(x)

    recipe = recipes.Recipe(
        "odd", write, {"rgb": Rgb(Uniform(2), 8)}, (Phase(solver=nearest_mean),)
    )
    with pytest.raises(RecipeError, match=r"a layer with units.*Received: shares in odd"):
        fit(recipe, (videos, videos))
