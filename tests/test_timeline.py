import json

import keras
import numpy as np
import pandas as pd
import pytest

from tests import built
from vidlab import models, recipes
from vidlab.data import video
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EverySecond, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import MissingVideoError, ModelError, ResultError
from vidlab.evaluation import predictions, runs, timeline
from vidlab.evaluation.predictions import Predictions

CLASSES = ["Jump", "Run", "Wave"]
SIZE = (16, 24)


@pytest.fixture(scope="module")
def of_frames():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((*SIZE, 3), name="rgb"),
            keras.layers.Rescaling(1 / 64),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="of_frames",
    )


@pytest.fixture(scope="module")
def of_clips():
    """Predict from all frames so far, with a memory that matters."""
    keras.utils.set_random_seed(3)
    images = keras.Input((*SIZE, 3))
    found = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 64)(images))
    return built.convgru(keras.Model(images, found, name="backbone"), 3, units=5)


@pytest.fixture(scope="module")
def bidirectional():
    return built.pixel_rnn(3, size=SIZE, units=2)


def predictor(model, **options):
    return timeline.VideoPredictor(model, **{"classes": CLASSES, "sampling": Uniform(5), **options})


def frames_of(path, numbers):
    return video.read_frames(path, numbers, size=SIZE)


def test_a_model_of_frames_predicts_each_and_their_mean_or_vote(of_frames, numbered_video):
    path = numbered_video(frames=20, fps=10)
    seen = predictor(of_frames).predict(path)
    assert seen.numbers.tolist() == Uniform(5).indices(20).tolist()
    np.testing.assert_allclose(seen.seconds, seen.numbers / 10)
    expected = of_frames.predict(frames_of(path, seen.numbers), verbose=0)
    np.testing.assert_allclose(seen.probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(seen.prediction, expected.mean(axis=0), atol=1e-6)
    assert seen.context == "frame"
    voted = predictor(of_frames, aggregation="vote").predict(path)
    votes = np.bincount(expected.argmax(axis=1), minlength=3) / 5
    np.testing.assert_allclose(voted.prediction, votes, atol=2e-3)


def test_a_recurrent_model_predicts_after_every_frame_of_each_video(of_clips, numbered_video):
    path, other = numbered_video(frames=20), numbered_video("other.avi", frames=9)
    predict = predictor(of_clips).predict
    predict(other)  # leaves no trace
    seen = predict(path)
    frames = frames_of(path, seen.numbers)
    for step in range(1, 6):
        so_far = of_clips.predict(frames[None, :step], verbose=0)[0]
        np.testing.assert_allclose(seen.probabilities[step - 1], so_far, atol=1e-5)
    np.testing.assert_array_equal(seen.prediction, seen.probabilities[-1])
    assert seen.context == "past"


def test_a_model_of_whole_clips_predicts_the_same_at_every_moment(bidirectional, numbered_video):
    path = numbered_video(frames=20)
    seen = predictor(bidirectional).predict(path)
    whole = bidirectional.predict(frames_of(path, seen.numbers)[None], verbose=0)[0]
    np.testing.assert_allclose(seen.probabilities, np.tile(whole, (5, 1)), atol=1e-6)
    np.testing.assert_allclose(seen.prediction, whole, atol=1e-6)
    assert seen.context == "whole"


def test_a_long_video_is_predicted_in_pieces(of_clips, numbered_video, monkeypatch):
    path = numbered_video(frames=75)
    pieces = []
    predict = models.Stream.predict
    monkeypatch.setattr(timeline, "_DECODED", 48)
    monkeypatch.setattr(
        models.Stream,
        "predict",
        lambda one, frames: pieces.append(len(frames)) or predict(one, frames),
    )
    seen = predictor(of_clips).predict(path, sampling=AllFrames())
    assert pieces == [32, 16, 27]
    whole = of_clips.predict(frames_of(path, range(75))[None], verbose=0)[0]
    np.testing.assert_allclose(seen.prediction, whole, atol=1e-5)


def test_table_json_and_best_classes_hold_the_predictions(of_frames, numbered_video):
    seen = predictor(of_frames).predict(numbered_video(frames=20))
    table = seen.table()
    assert list(table) == ["frame", "seconds", "prediction", *CLASSES]
    assert table["prediction"].tolist() == table[CLASSES].idxmax(axis=1).tolist()
    np.testing.assert_array_equal(table[CLASSES], seen.probabilities)
    best = pd.Series(seen.prediction, CLASSES).sort_values(ascending=False)
    assert seen.top(2).index.tolist() == best.index[:2].tolist()
    assert seen.top().tolist() == best.tolist()
    kept = json.loads(json.dumps(seen.as_dict()))
    assert kept["prediction"] == next(iter(kept["top"])) == best.index[0]
    np.testing.assert_allclose(kept["probabilities"], seen.probabilities, atol=1e-6)


def test_a_function_that_loads_the_model_is_called_once_and_late(of_frames, numbered_video):
    called = []
    loading = predictor(lambda: called.append(1) or of_frames)
    assert called == []
    for _ in range(2):
        loading.predict(numbered_video())
    assert called == [1]


@pytest.fixture
def finished(tmp_path, of_frames):
    """Write a finished run: (what the record holds of its recipe) -> RunFolder."""

    def make(config):
        predicted = Predictions(CLASSES, ["g01"] * 3, np.arange(3), np.eye(3), CLASSES)
        record = runs.recipe_record(
            "frame-vote", config, profile="smoke", seed=0, split=1, fingerprint="none"
        )
        return runs.RunFolder(tmp_path / "run").write(
            model=of_frames, predictions=predicted, metrics={}, recipe=record
        )

    return make


def test_a_finished_run_predicts_as_it_was_tested(finished, of_frames, numbered_video):
    recipe = recipes.get("frame-vote").adapted(test=Uniform(7), size=SIZE)
    of_run = timeline.VideoPredictor.of_run(finished(recipe.as_dict()))
    assert (of_run.name, of_run.aggregation, of_run.sampling) == ("frame-vote", "vote", Uniform(7))
    path = numbered_video()
    expected = predictor(of_frames, aggregation="vote", sampling=Uniform(7)).predict(path)
    np.testing.assert_allclose(of_run.predict(path).prediction, expected.prediction, atol=1e-6)
    with pytest.raises(ResultError, match=r"run of this version.*run.*vidlab train frame-vote"):
        timeline.VideoPredictor.of_run(finished({}))


def test_what_does_not_fit_is_named(of_frames, tmp_path, numbered_video):
    with pytest.raises(MissingVideoError, match=r"gone\.avi"):
        predictor(of_frames).predict(tmp_path / "gone.avi")
    with pytest.raises(ModelError, match=r"names of 3 classes for of_frames.*Received: 2"):
        predictor(of_frames, classes=["Jump", "Run"]).predict(numbered_video())
    head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    with pytest.raises(ModelError, match=r"\(None, 8\).*encoder and the head into one"):
        predictor(head).predict(numbered_video())


def test_the_prediction_for_a_test_video_is_that_of_the_predictions(
    of_frames, of_clips, toy_folder
):
    index = VideoIndex.from_folder(toy_folder).select(range(0, 36, 6))
    for model in (of_frames, of_clips):
        stream = Rgb(Uniform(5), SIZE, clip=len(model.input_shape) == 5)
        expected = predictions.predict(model, Clips(index, stream, batch_size=8))
        for path, probabilities in zip(index.paths, expected.probabilities, strict=True):
            found = predictor(model).predict(path).prediction
            np.testing.assert_allclose(found, probabilities, atol=1e-5)


def test_padding_is_predicted_as_in_training(of_clips, bidirectional, numbered_video):
    """A short video is filled up; each moment stands before the padding."""
    paths = [numbered_video(f"{count}.avi", frames=count) for count in (9, 30)]
    for model in (of_clips, bidirectional):
        padding = predictor(model, sampling=EverySecond(8, at_most=8))
        short, long = (padding.predict(path) for path in paths)
        batch = models.pad([frames_of(paths[0], short.numbers), frames_of(paths[1], long.numbers)])
        assert len(short) < len(long) == 8
        found = np.stack([short.prediction, long.prediction])
        np.testing.assert_allclose(found, model.predict(batch, verbose=0), atol=1e-5)
        assert short.probabilities.shape == (len(short), 3)
    without = padding.predict(paths[0], sampling=AllFrames())
    assert abs(without.prediction - short.prediction).max() > 1e-4


def test_a_model_of_two_inputs_is_given_both(numbered_video):
    streams = {"large": Rgb(Uniform(4), SIZE), "small": Rgb(Uniform(4), 8)}
    inputs = {name: keras.Input((*stream.size, 3), name=name) for name, stream in streams.items()}
    means = [keras.layers.GlobalAveragePooling2D()(one) for one in inputs.values()]
    joined = keras.layers.Concatenate()(means)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(joined))
    path = numbered_video()
    seen = timeline.VideoPredictor(model, classes=CLASSES, streams=streams).predict(path)
    x = {n: video.read_frames(path, seen.numbers, size=s.size) for n, s in streams.items()}
    np.testing.assert_allclose(seen.probabilities, model.predict(x, verbose=0), atol=1e-5)
    assert seen.context == "frame"


@pytest.mark.parametrize("recurrent", [False, True])
def test_one_unit_and_logits_predict_probabilities_of_all_classes(numbered_video, recurrent):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, *SIZE, 3) if recurrent else (*SIZE, 3))
    shape = (-1, np.prod(SIZE) * 3) if recurrent else (-1,)
    x = keras.layers.Reshape(shape)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.GRU(2)(x) if recurrent else x
    path, numbers = numbered_video(frames=20), Uniform(5).indices(20)
    shown = frames_of(path, numbers)[None] if recurrent else frames_of(path, numbers)
    unit = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    second = unit.predict(shown, verbose=0).mean()
    seen = predictor(unit, classes=["walk", "fall"]).predict(path)
    np.testing.assert_allclose(seen.prediction, [1 - second, second], atol=1e-5)
    logits = keras.Model(inputs, keras.layers.Dense(3)(x))
    seen = predictor(logits).predict(path)
    expected = keras.ops.softmax(logits.predict(shown, verbose=0)).numpy().mean(axis=0)
    np.testing.assert_allclose(seen.prediction, expected, atol=1e-5)
