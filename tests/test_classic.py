"""Bags of words and support vector machines: descriptors, words, kernels, and whole recipes."""

import inspect

import keras
import numpy as np
import pytest
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.svm import LinearSVC

from vidlab import explanation, recipes
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.errors import ModelError, RecipeError
from vidlab.recipes import Phase, classic
from vidlab.training import Settings, fit, fitting
from vidlab.training.checkpoints import Checkpoint


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


def by_loops(vectors, bins, around):
    """Descriptors of one field of vectors, (height, width, 2), a pixel at a time."""
    rows, columns = vectors.shape[0] // 8, vectors.shape[1] // 8
    cells = np.zeros((rows, columns, bins))
    for y, x in np.ndindex(8 * rows, 8 * columns):
        dx, dy = vectors[y, x]
        turn = np.degrees(np.arctan2(dy, dx)) % around * bins / around
        lower, share = int(turn), turn % 1
        cells[y // 8, x // 8, lower % bins] += (1 - share) * np.hypot(dx, dy)
        cells[y // 8, x // 8, (lower + 1) % bins] += share * np.hypot(dx, dy)
    blocks = np.zeros((rows - 1, columns - 1, 4 * bins))
    for y, x in np.ndindex(rows - 1, columns - 1):
        block = np.minimum(unit(cells[y : y + 2, x : x + 2].ravel()), 0.2)
        blocks[y, x] = unit(block)
    return blocks


def unit(vector):
    return vector / np.linalg.norm(vector)


def described(vectors, bins, *, signed):
    found = keras.ops.convert_to_tensor(np.asarray(vectors, np.float32)[None])
    return np.asarray(classic.orientation_histograms(found, bins, signed=signed))[0]


@pytest.mark.parametrize(("bins", "signed"), [(9, False), (8, True)], ids=["gradient", "flow"])
def test_descriptors_are_those_of_loops_over_pixels(bins, signed):
    vectors = np.random.default_rng(0).normal(size=(24, 40, 2))
    expected = by_loops(vectors, bins, 360 if signed else 180)
    np.testing.assert_allclose(described(vectors, bins, signed=signed), expected, atol=1e-4)


def test_a_mirrored_frame_has_its_descriptors_with_bins_cells_and_columns_exchanged():
    frame = np.random.default_rng(0).integers(0, 256, (1, 24, 40, 3)).astype(np.float32)
    there, back = (
        described(classic.gradient(keras.ops.convert_to_tensor(one))[0], 9, signed=False)
        for one in (frame, frame[:, :, ::-1])
    )
    cells = there.reshape(2, 4, 2, 2, 9)[:, ::-1, :, ::-1]  # rows and columns of blocks, of cells
    mirrored = cells[..., [0, 8, 7, 6, 5, 4, 3, 2, 1]]  # 180° less the orientation
    np.testing.assert_allclose(back, mirrored.reshape(2, 4, 36), atol=1e-5)


def test_flow_that_turns_round_moves_every_vote_to_the_opposite_bin():
    vectors = np.random.default_rng(0).normal(size=(24, 40, 2))
    there, back = (described(one, 8, signed=True) for one in (vectors, -vectors))
    opposite = np.roll(there.reshape(2, 4, 4, 8), 4, axis=-1).reshape(2, 4, 32)
    np.testing.assert_allclose(back, opposite, atol=1e-5)
    np.testing.assert_allclose(*(described(v, 9, signed=False) for v in (vectors, -vectors)), 1e-4)


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[dx, dy]", "[dy, dx]"),
        ("argmin", "argmax"),
        ("coef_, ", "coef_ * 2, "),
        ("CELL = 8", "CELL = 4"),
        ("NOTEBOOK = 5", "NOTEBOOK = 4"),
        ("C = 1", ""),
    ],
    ids=["descriptor", "vocabulary", "another file's function", "number", "place", "docstring"],
)
def test_the_code_that_a_bag_uses_decides_its_digest(before, after, monkeypatch):
    recipe, source = recipes.get("bag-of-words"), inspect.getsource
    digest, read = recipe.code_digest, []

    def changed(code):
        read.append(source(code))
        return read[-1].replace(before, after)

    monkeypatch.setattr(inspect, "getsource", changed)
    assert (recipe.code_digest == digest) is (before in ("NOTEBOOK = 5", "C = 1"))
    assert any(before in text for text in read)


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


@pytest.mark.parametrize("method", [None, *explanation.METHODS])
@pytest.mark.parametrize("name", ["bag-of-words", "bag-of-flow-words"])
def test_no_gradient_leads_through_words_and_the_error_says_what_does(bags, name, method):
    model = bags[name].model
    clip = np.zeros((4, 48, 48, 3 if name == "bag-of-words" else 2), np.uint8)
    with pytest.raises(ModelError, match=rf"Received: {name}.*explanation\.by_occlusion"):
        explanation.explain(model, clip, method=method)


def test_occlusion_is_what_the_mean_over_the_other_frames_loses(bags):
    model = bags["bag-of-words"].model
    clip = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), np.uint8)
    lost = explanation.by_occlusion(model, clip, target=1)
    shown = [clip, *(np.delete(clip, left_out, axis=0) for left_out in range(4))]
    whole, *others = (model.predict(x[None].astype(np.float32), verbose=0)[0, 1] for x in shown)
    np.testing.assert_allclose(lost, whole - np.array(others), atol=1e-6)
    assert np.abs(lost).max() > 0


def few_words(features, labels, words):
    return [features[np.linspace(0, len(features) - 1, words).astype(int)]]


def test_words_that_were_found_are_kept_where_a_later_phase_is_interrupted(
    videos, tmp_path, monkeypatch
):
    phases = (Phase(solver=few_words, layer="vocabulary", batch_size=8), Phase(3))
    recipe = recipes.get("bag-of-words").adapted(
        size=48, sampling=Uniform(4), test=Uniform(4), options={"words": 8}, phases=phases
    )
    whole = fit(recipe, (videos, videos))
    settings = Settings(checkpoint=tmp_path / "checkpoint.npz")
    with monkeypatch.context() as patch:
        write = Checkpoint.write
        patch.setattr(Checkpoint, "write", lambda *given: write(*given) or 1 / 0)  # as if killed
        with pytest.raises(ZeroDivisionError):
            fit(recipe, (videos, videos), settings=settings)
        patch.setattr(fitting._Phase, "solve", None)  # is not asked again
        with pytest.raises(ZeroDivisionError):
            fit(recipe, (videos, videos), settings=settings)
    resumed = fit(recipe, (videos, videos), settings=settings)
    assert resumed.history["phase"].tolist() == [1, 2, 2, 2]
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_solver_of_a_layer_that_is_not_there_names_it(videos):
    recipe = recipes.get("bag-of-words").adapted(size=48, sampling=Uniform(4), test=Uniform(4))
    recipe = recipe.adapted(phases=(Phase(solver=few_words, layer="words"),))
    with pytest.raises(RecipeError, match=r"bag-of-words: .*vocabulary.*Received: 'words'"):
        fit(recipe, (videos, videos))


def test_what_the_history_says_of_a_solved_layer_is_what_the_whole_model_does(bags, videos):
    for fitted in bags.values():
        examples = Clips(videos, fitted.learner.streams, batch_size=8)
        right = [fitted.model.predict(x, verbose=0).argmax(axis=1) == y for x, y in examples]
        found = fitted.history.iloc[-1]
        assert found["accuracy"] == found["val_accuracy"]
        assert found["accuracy"] == pytest.approx(np.concatenate(right).mean())
