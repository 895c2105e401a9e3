import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from keras import layers

from vidlab import evaluation, models, recipes
from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, Segments, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import RecipeError
from vidlab.evaluation import predictions
from vidlab.recipes import Phase, Recipe, Task
from vidlab.training import Settings, fit, fitting
from vidlab.training.checkpoints import Checkpoint
from vidlab.training.freezing import KEPT
from vidlab.training.learners import features_of

LENGTHS = (6, 9, 4, 7, 8)  # frames of the videos of each class


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Index videos of two classes a mean colour tells apart, of five groups and lengths."""
    root = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    for name, colour in (("Dark", 60), ("Light", 190)):
        for group, length in enumerate(LENGTHS, start=1):
            frames = rng.integers(colour - 20, colour + 20, (length, 48, 64, 3)).astype(np.uint8)
            video.write(root / name / f"v_{name}_g{group:02d}_c01.avi", frames)
    return VideoIndex.from_folder(root)


@pytest.fixture(scope="module")
def parts(index):
    """Return training and validation videos."""
    late = np.isin(index.groups, ["g05"])
    return index.select(~late), index.select(late)


@pytest.fixture
def small(tiny_backbone):
    """Adapt a recipe to a tiny backbone without weights: (source, changes…) -> Recipe."""
    common = {"backbone": tiny_backbone, "size": 32, "weights": None, "patience": 5}
    return lambda source, **changes: recipes.get(source).adapted(**common, **changes)


@pytest.fixture
def recipe(small):
    """Return a recipe on frames of two phases: a new head, then the top of the backbone too."""
    phases = (Phase(2, "adam", 3e-3, 8, trainable="none"), Phase(2, "sgd", 1e-3, 8, "top"))
    return small(
        "frame-pretrained", name="small", options={"units": 8}, phases=phases, sampling=Uniform(4)
    )


@pytest.fixture
def clip_recipe(small):
    """Return a recipe on clips whose encoder is frozen."""
    return small(
        "convgru-fixed",
        name="small-clips",
        options={"units": 4},
        phases=(Phase(3, "adam", 1e-3, 4, trainable="none"),),
        sampling=Segments(3),
        test=Uniform(3),
        augment=None,
    )


class Interrupted(BaseException):
    """Stands for a machine switched off."""


def stop_after_an_epoch(monkeypatch):
    """Interrupt training right after a checkpoint."""
    write = Checkpoint.write

    def writing(self, *arguments):
        write(self, *arguments)
        raise Interrupted

    monkeypatch.setattr(Checkpoint, "write", writing)


@pytest.fixture
def learners(monkeypatch):
    """List what each phase of a training really trains."""
    found, make = [], fitting.learner_of

    def making(*args, **options):
        found.append(make(*args, **options))
        return found[-1]

    monkeypatch.setattr(fitting, "learner_of", making)
    return found


def probabilities(model, streams, videos):
    return predictions.predict(model, Clips(videos, streams, batch_size=4)).probabilities


def assert_same_training(found, expected, *, tolerance=2e-4):
    """Compare histories, apart from the time they took, and final weights."""
    columns = [name for name in expected.history if name != "seconds"]
    np.testing.assert_allclose(found.history[columns], expected.history[columns], rtol=tolerance)
    for one, other in zip(found.model.weights, expected.model.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance, err_msg=one.path)


def test_all_phases_are_trained_and_noted(recipe, parts):
    heard = []
    listening = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: heard.append((epoch, logs["val_loss"]))
    )
    fitted = fit(recipe, parts, settings=Settings(seed=1, callbacks=[listening]))
    history = fitted.history
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["phase"].tolist() == [1, 1, 2, 2]
    assert history["learning_rate"].round(4).tolist() == [0.003, 0.003, 0.001, 0.001]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"} <= set(history)
    assert fitted.seconds == pytest.approx(history["seconds"].sum())
    assert [epoch for epoch, _ in heard] == [0, 1, 0, 1]
    assert [loss for _, loss in heard] == pytest.approx(history["val_loss"].tolist())


def test_the_kept_epoch_read_off_the_history_is_the_one_the_model_was_left_with(recipe, parts):
    wild = Phase(3, "sgd", 30.0, 8, trainable="none")
    late = recipe.adapted(phases=(recipe.phases[0], wild), augment=None, patience=10)
    fitted = fit(late, parts, settings=Settings(seed=1))
    kept = evaluation.kept_epoch(fitted.history)
    assert fitted.history["val_loss"].idxmin() < 2 <= kept  # the last phase decides
    clips = Clips(parts[1], recipe.inputs["rgb"])
    again = fitted.model.evaluate(clips, verbose=0, return_dict=True)["loss"]
    assert again == pytest.approx(fitted.history["val_loss"][kept], rel=1e-3)


def test_training_stops_when_patience_is_spent(recipe, parts):
    wild = recipe.adapted(
        phases=(Phase(30, "sgd", 30.0, 8, trainable="none"),), augment=None, patience=2
    )
    history = fit(wild, parts, settings=Settings(seed=1)).history
    best = history["val_loss"].idxmin()
    assert len(history) == best + 1 + 2 < 30


def test_frozen_layers_stay_as_they_are(recipe, parts, tmp_path):
    frozen = recipe.adapted(phases=(Phase(1, "adam", 1e-2, 8, trainable="none"),))
    keras.utils.set_random_seed(7)
    before = recipes.build(frozen, 2).get_layer("backbone").get_weights()
    for folder in (tmp_path, None):
        fitted = fit(frozen, parts, settings=Settings(seed=7, features=folder))
        after = fitted.model.get_layer("backbone").get_weights()
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)


def test_without_validation_videos_the_last_weights_are_kept(recipe, parts):
    train, validation = parts
    nothing = validation.select(np.zeros(len(validation), bool))
    history = fit(recipe.adapted(patience=1), (train, nothing), settings=Settings(seed=1)).history
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
        size=8,
        options={"units": 8},
        phases=(Phase(12, "adam", 1e-2, 4),),
        sampling=Segments(3),
        test=Uniform(3),
        augment=None,
        patience=12,
    )
    fitted = fit(recipe, parts, settings=Settings(seed=1))
    assert fitted.model.input_shape == (None, None, 8, 8, 3)
    assert fitted.history["accuracy"].iloc[-1] > 0.9


def test_a_learning_rate_falls_as_its_decay_says():
    optimizer = fitting.optimizer_of(Phase(2, "adam", 1e-3, 8, decay=0.5))
    for step in (0, 1, 6):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(1e-3 / (1 + 0.5 * step))


# What cannot learn is computed once


def unequal(inputs, num_classes, *, backbone):
    """Classes of clips of any length."""
    x = models.each_frame(inputs["rgb"], [backbone, layers.GlobalAveragePooling2D()])
    x = layers.SimpleRNN(4)(x)
    return layers.Dense(num_classes, activation="softmax")(x)


@pytest.fixture
def unequal_recipe(tiny_backbone):
    return Recipe(
        "small-unequal",
        unequal,
        {"rgb": Rgb(AllFrames(), 32, clip=True)},
        phases=(Phase(2, "adam", 1e-3, 3, trainable="none"),),
        backbone=tiny_backbone,
    )


@pytest.fixture
def traces(monkeypatch):
    """List the steps that were traced."""
    train_step, traced = keras.Model.train_step, []

    def tracing(self, data):
        traced.append(1)
        return train_step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", tracing)
    return traced


@pytest.mark.parametrize("kind", ["recipe", "clip_recipe", "unequal_recipe", "top"])
def test_training_on_what_is_computed_once_equals_training_the_whole(
    kind, request, parts, index, tmp_path, learners, traces
):
    """Each phase is traced once: no variable is made at the first batch, which takes a second."""
    recipe = request.getfixturevalue("recipe" if kind == "top" else kind).adapted(augment=None)
    if kind == "top":
        recipe = recipe.adapted(phases=(dataclasses.replace(recipe.phases[1], epochs=3),))
    whole = fit(recipe, parts, settings=Settings(seed=1))
    assert all(learner.model is whole.model for learner in learners)
    assert len(traces) == len(recipe.phases)
    learners.clear()
    fitted = fit(recipe, parts, settings=Settings(seed=1, features=tmp_path, index=index))
    assert all(KEPT in learner.streams for learner in learners)
    assert len(traces) == 2 * len(recipe.phases)
    assert fitted.learner.feature_seconds > 0
    assert_same_training(fitted, whole)
    expected = probabilities(whole.model, recipe.inputs["rgb"], parts[1])
    for model, streams in (
        (fitted.model, recipe.inputs["rgb"]),
        (fitted.learner.model, fitted.learner.plain),
    ):
        np.testing.assert_allclose(probabilities(model, streams, parts[1]), expected, atol=1e-4)


def test_splits_and_recipes_share_what_is_computed_once(clip_recipe, index, parts, tmp_path):
    settings = Settings(seed=1, features=tmp_path, index=index)
    fit(clip_recipe, parts, settings=settings)
    other = clip_recipe.adapted(options={"units": 3})
    fit(other, (index.select(range(5)), parts[1]), settings=settings)
    assert len(list(tmp_path.iterdir())) == 1


def stores(folder):
    """Return what the stores in a folder were made with."""
    return [json.loads((one / "store.json").read_text()) for one in sorted(folder.iterdir())]


def test_views_of_training_videos_are_kept_where_they_are_varied(
    clip_recipe, parts, index, tmp_path, learners
):
    augment = Augment()
    varied = clip_recipe.adapted(
        augment=augment, phases=(Phase(12, "adam", 1e-3, 8, trainable="none"),), patience=12
    )
    settings = Settings(seed=1, features=tmp_path, index=index)
    fit(varied, parts, settings=settings)
    views, plain = learners[0].streams[KEPT].stores, learners[0].plain[KEPT].stores
    varied_as = {str((augment, view)) for view in range(4)} | {"None"}
    assert {store["variation"] for store in stores(tmp_path)} == varied_as
    assert len(stores(tmp_path)) == 5
    ids = [list(store.frame_numbers) for store in (*views, *plain)]
    assert ids == 4 * [parts[0].table["video_id"].tolist()] + [index.table["video_id"].tolist()]


def test_a_phase_that_looks_at_few_frames_is_trained_whole(clip_recipe, parts, tmp_path, learners):
    short = clip_recipe.adapted(phases=(Phase(1, "adam", 1e-3, 4, trainable="none"),))
    fitted = fit(short, parts, settings=Settings(features=tmp_path))
    assert learners[0].model is fitted.model
    assert list(tmp_path.iterdir()) == []


def doubled(inputs, num_classes, *, units=40):
    """Classes of frames, by two frozen layers of which the second gives more numbers."""
    x = layers.AveragePooling2D(8)(inputs["rgb"])
    x = layers.Dense(2, trainable=False, name="narrow")(x)
    x = layers.Dense(units, trainable=False, name="wide")(x)
    x = layers.Flatten()(x)
    return layers.Dense(num_classes, activation="softmax")(x)


@pytest.mark.parametrize(
    ("numbers", "reported"),
    [(640, ""), (639, "that of narrow is kept"), (31, "the whole model is trained")],
)
def test_what_takes_too_much_disk_is_cut_earlier_or_not_at_all(
    numbers, reported, index, parts, tmp_path, learners, capsys
):
    recipe = Recipe("wide", doubled, {"rgb": Rgb(Uniform(2), 32)}, (Phase(1, "adam", 1e-3, 8),))
    most = 4 * numbers * 2 * len(index)
    fit(recipe, parts, settings=Settings(features=tmp_path, index=index, most_bytes=most))
    printed = capsys.readouterr().out
    assert ("keeping the output of wide would take" in printed) == bool(reported)
    assert reported in printed
    sizes = [store["size"] for store in stores(tmp_path)]
    assert sizes == {640: [640], 639: [32], 31: []}[numbers]


def test_a_frozen_part_whose_inputs_look_at_different_frames_is_trained_whole(
    parts, tmp_path, learners
):
    def joined(inputs, num_classes):
        both = [
            layers.Dense(3, trainable=False)(layers.Reshape((-1, 8 * 8 * 3))(x))
            for x in inputs.values()
        ]
        both = [layers.GlobalAveragePooling1D()(x) for x in both]
        return layers.Dense(num_classes, activation="softmax")(layers.Concatenate()(both))

    inputs = {
        "few": Rgb(Uniform(2), 8, clip=True),
        "many": Rgb(Uniform(4), 8, clip=True),
    }
    recipe = Recipe("joined", joined, inputs, (Phase(1, "adam", 1e-3, 4),))
    fitted = fit(recipe, parts, settings=Settings(features=tmp_path))
    assert learners[0].model is fitted.model


# Several inputs and outputs


def bright(table, classes):
    return (table["class_name"] == "Light").to_numpy(np.int64)


def frames_and_rows(inputs, num_classes):
    """Classes, and a second answer, from frames and from the frames once more."""
    seen = layers.Conv2D(3, 3, strides=4, trainable=False, name="seen")(inputs["rgb"])
    seen = layers.GlobalAveragePooling2D()(seen)
    again = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3, strides=4)(inputs["small"]))
    x = layers.Dropout(0.2)(layers.Concatenate()([seen, again]))
    return {
        "action": layers.Dense(num_classes, activation="softmax", name="action")(x),
        "light": layers.Dense(1, activation="sigmoid", name="light")(x),
    }


@pytest.fixture
def several():
    """Return a recipe of two inputs, one of them frozen first, and two outputs."""
    return Recipe(
        "several",
        frames_and_rows,
        {"rgb": Rgb(Uniform(3), 32), "small": Rgb(Uniform(3), 16)},
        phases=(Phase(2, "adam", 1e-2, 8), Phase(1, "sgd", 1e-3, 8)),
        tasks={
            "action": Task(),
            "light": Task(bright, "binary_crossentropy", 0.5, "BinaryAccuracy"),
        },
    )


def test_two_outputs_are_learned_and_of_two_inputs_the_frozen_one_is_computed_once(
    several, parts, index, tmp_path, learners, traces
):
    whole = fit(several, parts, settings=Settings(seed=1))
    history = whole.history
    np.testing.assert_allclose(
        history["loss"], history["action_loss"] + 0.5 * history["light_loss"], rtol=1e-4
    )
    assert history["accuracy"].tolist() == history["action_accuracy"].tolist()
    assert history["val_accuracy"].tolist() == history["val_action_accuracy"].tolist()
    clips = Clips(parts[1], several.inputs)
    found = predictions.predict(whole.model, clips, output="action")
    assert found.video_ids.tolist() == parts[1].table["video_id"].tolist()
    assert found.y_true.tolist() == parts[1].labels.tolist()
    np.testing.assert_array_equal(found.frames.video, clips.video_positions)
    np.testing.assert_array_equal(found.frames.frame, clips.frame_numbers)
    rows = whole.model.predict(clips, verbose=0)["light"]
    expected = [rows[clips.video_positions == at].mean(axis=0) for at in range(2)]
    np.testing.assert_allclose(found.others["light"], expected, rtol=1e-6)
    learners.clear()
    kept = fit(several, parts, settings=Settings(seed=1, features=tmp_path, index=index))
    assert [set(learner.streams) for learner in learners] == 2 * [{KEPT, "small"}]
    assert_same_training(kept, whole)
    assert len(traces) == 2 * len(several.phases)


def test_a_view_is_shared_by_kept_and_live_inputs(several, parts, index, tmp_path, learners):
    varied = several.adapted(augment=Augment(), phases=(Phase(5, "adam", 1e-2, 8),))
    fit(varied, parts, settings=Settings(seed=1, features=tmp_path, index=index))
    (learner,) = learners
    clips = Clips(
        parts[0], learner.streams, batch_size=100, shuffle=True, seed=1, augment=varied.augment
    )
    stores, views = learner.streams[KEPT].stores, set()
    assert len(stores) == 4
    for clips.epoch in range(3):
        x, _ = clips[0]
        for row, (position, frame) in enumerate(
            zip(clips.video_positions, clips.frame_numbers, strict=True)
        ):
            number = clips._view(position)
            views.add((int(position), number))
            record = list(parts[0].table.itertuples())[position]
            rows = stores[number].rows(record.video_id, np.array([frame]))
            np.testing.assert_array_equal(x[KEPT][row], rows[0])
            plain = video.read_frames(record.path, [frame], size=(16, 16))
            expected = varied.augment.view(record.video_id, number)(plain)[0]
            np.testing.assert_array_equal(x["small"][row], expected)
    assert len(views) > len(parts[0])  # not always the same one


# Interrupted


def learning_then_frozen(inputs, num_classes, *, backbone):
    """Classes of frames; which layers learn is up to the phases."""
    x = layers.GlobalAveragePooling2D()(backbone(inputs["rgb"]))
    x = layers.Dropout(0.3)(layers.Dense(8, activation="relu")(x))
    return layers.Dense(num_classes, activation="softmax")(x)


@pytest.mark.parametrize("kept", [True, False], ids=["features", "whole"])
def test_a_training_interrupted_after_every_epoch_ends_the_same(
    kept, tiny_backbone, parts, index, tmp_path, monkeypatch
):
    """The top of the backbone learns in phase 1, and is frozen in phase 2."""
    recipe = Recipe(
        "falling",
        learning_then_frozen,
        {"rgb": Rgb(Segments(4), 32, test=Uniform(4))},
        phases=(Phase(2, "adam", 3e-3, 8, "top"), Phase(2, "adam", 1e-3, 8, "none")),
        backbone=tiny_backbone,
        augment=Augment(),
    )
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    settings = Settings(
        seed=3, index=index, features=tmp_path if kept else None, checkpoint=checkpoint
    )
    uninterrupted = fit(recipe, parts, settings=settings)
    checkpoint.unlink()
    with monkeypatch.context() as patch:
        stop_after_an_epoch(patch)
        for _ in range(4):
            with pytest.raises(Interrupted):
                fit(recipe, parts, settings=settings)
        other = dataclasses.replace(
            settings, seed=4, checkpoint=shutil.copy(checkpoint, tmp_path / "other.npz")
        )
        with pytest.raises(Interrupted):
            fit(recipe, parts, settings=other)
    with np.load(other.checkpoint) as kept:  # that of another training is not taken up
        assert len(json.loads(kept["progress"].item())["history"]) == 1
    resumed = fit(recipe, parts, settings=settings)
    assert resumed.history["epoch"].tolist() == [1, 2, 3, 4]
    assert_same_training(resumed, uninterrupted)


def test_what_the_frozen_part_gives_can_be_had_alone(clip_recipe, recipe, index, tmp_path):
    model = recipes.build(clip_recipe, 2)
    store = features_of(clip_recipe, model, index, settings=Settings(features=tmp_path))
    assert (len(store), store.size) == (len(index), 16)
    everything = recipe.adapted(phases=(dataclasses.replace(recipe.phases[0], trainable="all"),))
    model = recipes.build(everything, 2)
    with pytest.raises(RecipeError, match=r"a frozen part.*small, in which everything learns"):
        features_of(everything, model, index, settings=Settings(features=tmp_path))
