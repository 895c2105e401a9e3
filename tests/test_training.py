import keras
import numpy as np
import pytest

from vidlab import evaluation, features, recipes, training
from vidlab.errors import RecipeError
from vidlab.index import VideoIndex
from vidlab.recipes import Phase
from vidlab.sampling import Segments, Uniform
from vidlab.training import Settings, fit


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Return training and validation videos of two classes a mean colour tells apart."""
    from vidlab import video

    root = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    for name, colour in (("Dark", 60), ("Light", 190)):
        for group in range(1, 6):
            frames = rng.integers(colour - 20, colour + 20, (6, 48, 64, 3)).astype(np.uint8)
            video.write(root / name / f"v_{name}_g{group:02d}_c01.avi", frames)
    index = VideoIndex.from_folder(root)
    late = np.isin(index.groups, ["g05"])
    return index.select(~late), index.select(late)


@pytest.fixture
def recipe(tiny_backbone):
    return recipes.get("frame-pretrained").adapted(
        name="small",
        backbone=tiny_backbone,
        size=(32, 32),
        weights=None,
        phases=(Phase(2, "adam", 3e-3, 8, trainable="none"), Phase(2, "sgd", 1e-3, 8, "top")),
        train_sampling=Uniform(4),
        test_sampling=Uniform(4),
    )


class Interrupted(BaseException):
    """Stands for a machine switched off."""


def stop_after(monkeypatch, epochs):
    """Interrupt training right after so many checkpoints."""
    write, done = training._Checkpoint.write, []

    def writing(self, *arguments):
        write(self, *arguments)
        done.append(1)
        if len(done) == epochs:
            raise Interrupted

    monkeypatch.setattr(training._Checkpoint, "write", writing)


def test_all_phases_are_trained_and_noted(recipe, parts):
    fitted = fit(recipe, parts, settings=Settings(seed=1))
    assert fitted.history["epoch"].tolist() == [1, 2, 3, 4]
    assert fitted.history["phase"].tolist() == [1, 1, 2, 2]
    assert fitted.history["learning_rate"].round(4).tolist() == [0.003, 0.003, 0.001, 0.001]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"} <= set(fitted.history)
    assert fitted.seconds == pytest.approx(fitted.history["seconds"].sum())


@pytest.mark.parametrize("augment", [True, False])
def test_each_phase_is_traced_once(recipe, parts, monkeypatch, augment):
    """Adam has variables for each weight; made at the first batch, they need a second trace."""
    train_step, traced = keras.Model.train_step, []

    def tracing(self, data):
        traced.append(1)
        return train_step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", tracing)
    fit(recipe.adapted(augment=augment), parts, settings=Settings(seed=1))
    assert len(traced) == len(recipe.phases)


def test_the_model_learns_what_can_be_learned(recipe, parts):
    longer = recipe.adapted(phases=(Phase(12, "adam", 3e-3, 8, trainable="all"),), augment=False)
    history = fit(longer, parts, settings=Settings(seed=1, patience=12)).history
    assert history["accuracy"].iloc[-1] > 0.9


def test_the_best_epoch_is_kept(recipe, parts):
    wild = recipe.adapted(phases=(Phase(4, "sgd", 30.0, 8, trainable="none"),), augment=False)
    fitted = fit(wild, parts, settings=Settings(seed=1, patience=10))
    frames = training.Clips(
        parts[1], sampling=Uniform(4), size=(32, 32), batch_size=8, per_frame=True
    )
    fitted.model.compile(loss="sparse_categorical_crossentropy")
    again = fitted.model.evaluate(frames, verbose=0)
    assert again == pytest.approx(fitted.history["val_loss"].min(), rel=1e-3)


def test_the_kept_epoch_read_off_the_history_is_the_one_the_model_was_left_with(recipe, parts):
    wild = Phase(3, "sgd", 30.0, 8, trainable="none")
    late = recipe.adapted(phases=(recipe.phases[0], wild), augment=False)
    fitted = fit(late, parts, settings=Settings(seed=1, patience=10))
    kept = evaluation.kept_epoch(fitted.history)
    assert fitted.history["val_loss"].idxmin() < 2 <= kept  # the last phase decides
    frames = training.Clips(
        parts[1], sampling=Uniform(4), size=(32, 32), batch_size=8, per_frame=True
    )
    fitted.model.compile(loss="sparse_categorical_crossentropy")
    again = fitted.model.evaluate(frames, verbose=0)
    assert again == pytest.approx(fitted.history["val_loss"][kept], rel=1e-3)


def test_callbacks_hear_of_every_epoch_of_every_phase(recipe, parts):
    heard = []
    listening = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: heard.append((epoch, logs["val_loss"]))
    )
    history = fit(recipe, parts, settings=Settings(seed=1, callbacks=[listening])).history
    assert [epoch for epoch, _ in heard] == [0, 1, 0, 1]
    assert [loss for _, loss in heard] == pytest.approx(history["val_loss"].tolist())


def test_training_stops_when_patience_is_spent(recipe, parts):
    wild = recipe.adapted(phases=(Phase(30, "sgd", 30.0, 8, trainable="none"),), augment=False)
    history = fit(wild, parts, settings=Settings(seed=1, patience=2)).history
    best = history["val_loss"].idxmin()
    assert len(history) == best + 1 + 2 < 30


def test_an_interrupted_training_goes_on_and_ends_the_same(recipe, parts, tmp_path, monkeypatch):
    whole = fit(recipe, parts, settings=Settings(seed=3)).history
    settings = Settings(seed=3, checkpoint=tmp_path / "run" / "checkpoint.npz")
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(Interrupted):
            fit(recipe, parts, settings=settings)
    assert settings.checkpoint.is_file()
    resumed = fit(recipe, parts, settings=settings)
    assert resumed.history["epoch"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(resumed.history["loss"], whole["loss"], rtol=1e-3)
    assert not settings.checkpoint.exists()


def test_the_checkpoint_of_another_training_is_not_taken_up(recipe, parts, tmp_path, monkeypatch):
    file = tmp_path / "checkpoint.npz"
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        with pytest.raises(Interrupted):
            fit(recipe, parts, settings=Settings(seed=3, checkpoint=file))
    other = fit(recipe, parts, settings=Settings(seed=4, checkpoint=file))
    fresh = fit(recipe, parts, settings=Settings(seed=4))
    np.testing.assert_allclose(other.history["loss"], fresh.history["loss"], rtol=1e-3)


def test_frozen_layers_stay_as_they_are(recipe, parts):
    frozen = recipe.adapted(phases=(Phase(1, "adam", 1e-2, 8, trainable="none"),))
    keras.utils.set_random_seed(7)
    before = recipes.build(frozen, 2).get_layer("backbone").get_weights()
    after = fit(frozen, parts, settings=Settings(seed=7)).model.get_layer("backbone").get_weights()
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def test_without_validation_videos_the_last_weights_are_kept(recipe, parts):
    train, validation = parts
    nothing = validation.select(np.zeros(len(validation), bool))
    history = fit(recipe, (train, nothing), settings=Settings(seed=1, patience=1)).history
    assert len(history) == 4
    assert "val_loss" not in history


def test_a_recipe_that_starts_from_another_asks_for_its_model(recipe, parts):
    continued = recipe.adapted(starts_from="frame-pretrained")
    with pytest.raises(RecipeError, match=r"Expected frame-pretrained to start small from"):
        fit(continued, parts)
    with pytest.raises(RecipeError, match=r"Expected no model to start small from"):
        fit(recipe, parts, start=recipes.build(recipe, 2))


def test_clips_are_learned_end_to_end(parts):
    recipe = recipes.get("gru-pixels").adapted(
        size=(8, 8),
        units=8,
        phases=(Phase(12, "adam", 1e-2, 4, trainable=None),),
        train_sampling=Segments(3),
        test_sampling=Uniform(3),
        augment=False,
    )
    fitted = fit(recipe, parts, settings=Settings(seed=1, patience=12))
    assert fitted.model.input_shape == (None, None, 8, 8, 3)
    assert fitted.history["accuracy"].iloc[-1] > 0.9


def test_all_frames_of_a_clip_are_varied_alike(parts):
    recipe = recipes.get("gru-pixels").adapted(size=(8, 8), units=4)
    model = recipes.build(recipe, 2)
    learner = training._compiled(model, recipe, recipe.phases[0], seed=0)
    assert any(type(layer).__name__ == "Augment" for layer in learner.layers)
    assert learner.output_shape == (None, 2)


def test_a_head_learns_from_stored_features(parts, tmp_path):
    recipe = recipes.get("mobilenet-gru").adapted(
        backbone="residual",
        weights="pantomime",
        size=(32, 32),
        units=8,
        phases=(Phase(20, "adam", 1e-2, 4),),
    )
    stores = [
        features.extract(
            part, backbone=recipes.encoder(recipe, weights="pantomime"),
            sampling=Uniform(3), out=tmp_path,
        )
        for part in parts
    ]  # fmt: skip
    fitted = fit(recipe, tuple(stores), settings=Settings(seed=1, patience=20))
    assert fitted.model.input_shape == (None, None, 96)
    assert fitted.history["accuracy"].max() > 0.9


def test_a_learning_rate_falls_as_its_decay_says(recipe, parts):
    falling = recipe.adapted(phases=(Phase(2, "adam", 1e-3, 8, decay=0.5),))
    rates = fit(falling, parts, settings=Settings(seed=1)).history["learning_rate"]
    steps = -(-len(parts[0]) * 4 // 8)
    expected = [1e-3 / (1 + 0.5 * steps), 1e-3 / (1 + 0.5 * 2 * steps)]
    np.testing.assert_allclose(rates, expected, rtol=1e-4)
