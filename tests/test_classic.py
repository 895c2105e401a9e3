"""Bags of words and support vector machines: descriptors, words, kernels, and whole recipes."""

import keras
import numpy as np
import pytest
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.svm import LinearSVC

from vidlab import explanation, recipes
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.errors import ModelError
from vidlab.recipes import classic
from vidlab.training import fit


def slope(degrees, side=32):
    """Brightness that grows by one for each pixel in a direction, (1, side, side, 3)."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    turn = np.deg2rad(degrees)
    grey = 100 + x * np.cos(turn) + y * np.sin(turn)
    return np.repeat(grey[None, ..., None], 3, axis=-1).astype(np.float32)


def test_the_gradient_is_the_difference_of_both_neighbours():
    found = np.asarray(classic.gradient(keras.ops.convert_to_tensor(slope(30))))[0]
    expected = 2 / 255 * np.array([np.cos(np.pi / 6), 0.5])
    np.testing.assert_allclose(found[1:-1, 1:-1], np.broadcast_to(expected, (30, 30, 2)), atol=1e-6)
    assert (found[:, [0, -1], 0] == 0).all()


@pytest.mark.parametrize(
    ("degrees", "signed", "expected"),
    [
        (0, False, {0: 1}),
        (180, False, {0: 1}),
        (40, False, {2: 1}),  # bins are 20° apart
        (50, False, {2: 0.5, 3: 0.5}),
        (180, True, {4: 1}),  # here 45°
        (337.5, True, {7: 0.5, 0: 0.5}),
    ],
    ids=str,
)
def test_a_vector_votes_for_the_two_bins_next_to_its_orientation(degrees, signed, expected):
    turn, bins = np.deg2rad(degrees), 8 if signed else 9
    vectors = np.broadcast_to(3 * np.array([np.cos(turn), np.sin(turn)]), (1, 32, 40, 2))
    found = np.asarray(
        classic.orientation_histograms(
            keras.ops.convert_to_tensor(vectors.astype(np.float32)), bins, signed=signed
        )
    )
    assert found.shape == (1, 3, 4, 4 * bins)
    cell = np.zeros(bins)
    cell[list(expected)] = 1  # all are above 0.2 of the length, and cut to it alike
    np.testing.assert_allclose(
        found, np.broadcast_to(np.tile(cell, 4) / np.sqrt(4 * cell.sum()), found.shape), atol=1e-3
    )


def test_a_descriptor_is_the_word_whose_centre_is_nearest():
    rng = np.random.default_rng(0)
    descriptors, centres = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(6, 4))
    words = classic.Vocabulary(6)
    words.build((None, 3, 5, 4))
    words.set_weights([centres])
    found = np.asarray(words(descriptors.astype(np.float32)))
    nearest = np.linalg.norm(descriptors[:, :, :, None] - centres, axis=-1).argmin(axis=-1)
    expected = [np.bincount(one.ravel(), minlength=6) / 15 for one in nearest]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_chi_squared_map_is_that_of_scikit_learn():
    histograms = np.random.default_rng(0).dirichlet(np.ones(7), size=5).astype(np.float32)
    histograms[0, :3] = 0
    sampler = AdditiveChi2Sampler(sample_steps=2, sample_interval=0.5).fit(histograms)
    found = np.asarray(classic.chi_squared_map(keras.ops.convert_to_tensor(histograms)))
    np.testing.assert_allclose(found, sampler.transform(histograms), atol=1e-5)


@pytest.mark.parametrize("count", [2, 3])
def test_the_weights_of_a_linear_svm_are_those_of_scikit_learn(count):
    rng = np.random.default_rng(0)
    features, labels = rng.normal(3, 1, (30, 4)), np.arange(30) % count
    kernel, bias = classic.linear_svm(features, labels, 4)
    scale = np.linalg.norm(features, axis=1).mean()
    svm = LinearSVC(random_state=0).fit(features / scale, labels)
    margins = svm.decision_function(features / scale)
    scores = features @ kernel + bias
    assert (scores.argmax(axis=1) == svm.predict(features / scale)).all()
    found = scores[:, 1] if count == 2 else scores[:, :3]
    np.testing.assert_allclose(found, margins, atol=1e-9)
    assert (scores[:, count:] < -900).all()


# ---- whole recipes


@pytest.fixture(scope="module")
def videos(small_toys):
    return VideoIndex.from_folder(small_toys)


@pytest.fixture(scope="module")
def bags(videos):
    """Return both bags of words, trained on a few tiny videos."""
    found = {}
    for name in ("bag-of-words", "bag-of-flow-words"):
        recipe = recipes.get(name).adapted(
            size=48, sampling=Uniform(4), test=Uniform(4), options={"words": 8}
        )
        found[name] = fit(recipe, (videos, videos))
    return found


def test_a_bag_of_words_is_loaded_as_it_was_saved(bags, tmp_path):
    clip = np.random.default_rng(0).integers(0, 256, (1, 4, 48, 48, 3)).astype(np.float32)
    model = bags["bag-of-words"].model
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(*(one.predict(clip, verbose=0) for one in (model, loaded)))


def test_a_bag_of_words_is_trained_in_two_steps_and_forgets_the_order(bags):
    for name, fitted in bags.items():
        channels = 3 if name == "bag-of-words" else 2
        clip = np.random.default_rng(0).integers(0, 256, (1, 4, 48, 48, channels))
        clip = clip.astype(np.float32)
        there, back = (fitted.model.predict(one, verbose=0) for one in (clip, clip[:, ::-1]))
        np.testing.assert_allclose(there, back, atol=1e-6)
        assert fitted.history["phase"].tolist() == [1, 2]
        centres = fitted.model.get_layer("vocabulary").get_weights()[0]
        assert centres.shape[0] == 8
        assert np.linalg.norm(centres, axis=1).max() <= 1 + 1e-3  # means of unit vectors
        assert fitted.history["accuracy"].iloc[-1] > 0.5


def test_no_gradient_leads_through_words_and_the_error_says_what_does(bags):
    model = bags["bag-of-words"].model
    clip = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), np.uint8)
    with pytest.raises(ModelError, match=r"bag-of-words, through which none.*by_occlusion"):
        explanation.explain(model, clip)
    assert explanation.by_occlusion(model, clip).shape == (4,)
