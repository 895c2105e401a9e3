import json

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
def keras():
    import keras

    keras.utils.set_random_seed(3)
    return keras


@pytest.fixture(scope="module")
def of_frames(keras):
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
def of_clips(keras):
    """Read frames forward, with a memory that matters."""
    images = keras.Input((*SIZE, 3))
    found = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 64)(images))
    return built.convgru(keras.Model(images, found, name="backbone"), 3, units=5)


@pytest.fixture(scope="module")
def of_both_ways():
    return built.pixel_rnn(3, size=SIZE, units=2)


def predictor(model, **options):
    return timeline.VideoPredictor(model, **{"classes": CLASSES, "sampling": Uniform(5), **options})


def frames_of(path, numbers):
    return video.read_frames(path, numbers, size=SIZE)


def test_a_model_of_frames_answers_for_each_and_their_mean_for_the_video(of_frames, numbered_video):
    path = numbered_video(frames=20, fps=10)
    seen = predictor(of_frames).predict(path)
    assert seen.numbers.tolist() == Uniform(5).indices(20).tolist()
    np.testing.assert_allclose(seen.seconds, seen.numbers / 10)
    np.testing.assert_allclose(
        seen.probabilities, of_frames.predict(frames_of(path, seen.numbers), verbose=0), atol=1e-6
    )
    np.testing.assert_allclose(seen.answer, seen.probabilities.mean(axis=0), atol=1e-6)
    assert seen.reads == "frames"


def test_frames_may_vote(of_frames, numbered_video):
    seen = predictor(of_frames, aggregation="vote").predict(numbered_video())
    votes = np.bincount(seen.probabilities.argmax(axis=1), minlength=3) / 5
    np.testing.assert_allclose(seen.answer, votes, atol=2e-3)


def test_a_model_that_reads_forward_answers_after_every_frame(of_clips, numbered_video):
    path = numbered_video(frames=20)
    seen = predictor(of_clips).predict(path)
    frames = frames_of(path, seen.numbers)
    for step in range(1, 6):
        so_far = of_clips.predict(frames[None, :step], verbose=0)[0]
        np.testing.assert_allclose(seen.probabilities[step - 1], so_far, atol=1e-5)
    np.testing.assert_array_equal(seen.answer, seen.probabilities[-1])
    assert seen.reads == "forward"


def test_one_video_leaves_no_trace_in_the_next(of_clips, numbered_video):
    first, second = numbered_video("a.avi", frames=9), numbered_video("b.avi", frames=30)
    watched = predictor(of_clips)
    before = watched.predict(second).probabilities
    watched.predict(first)
    np.testing.assert_array_equal(watched.predict(second).probabilities, before)


def test_a_model_that_waits_for_the_end_says_the_same_at_every_moment(of_both_ways, numbered_video):
    path = numbered_video(frames=20)
    seen = predictor(of_both_ways).predict(path)
    whole = of_both_ways.predict(frames_of(path, seen.numbers)[None], verbose=0)[0]
    np.testing.assert_allclose(seen.probabilities, np.tile(whole, (5, 1)), atol=1e-6)
    np.testing.assert_allclose(seen.answer, whole, atol=1e-6)
    assert seen.reads == "whole"


def test_a_long_video_is_looked_at_in_pieces(of_clips, numbered_video, monkeypatch):
    path = numbered_video(frames=75)
    asked = []
    read = models.Stream.read
    monkeypatch.setattr(timeline, "_DECODED", 48)
    monkeypatch.setattr(
        models.Stream, "read", lambda one, frames: asked.append(len(frames)) or read(one, frames)
    )
    seen = predictor(of_clips).predict(path, sampling=AllFrames())
    assert asked == [32, 16, 27]
    whole = of_clips.predict(frames_of(path, range(75))[None], verbose=0)[0]
    np.testing.assert_allclose(seen.answer, whole, atol=1e-5)


def test_the_table_and_json_hold_what_was_said(of_frames, numbered_video):
    seen = predictor(of_frames).predict(numbered_video(frames=20))
    table = seen.table()
    assert list(table) == ["frame", "seconds", "answer", *CLASSES]
    assert table["answer"].tolist() == table[CLASSES].idxmax(axis=1).tolist()
    np.testing.assert_array_equal(table[CLASSES], seen.probabilities)
    predicted = json.loads(json.dumps(seen.as_dict()))
    assert predicted["answer"] == seen.top(1).index[0] == next(iter(predicted["top"]))
    np.testing.assert_allclose(predicted["probabilities"], seen.probabilities, atol=1e-6)


def test_the_best_classes_come_first(of_frames, numbered_video):
    seen = predictor(of_frames).predict(numbered_video())
    expected = pd.Series(seen.answer, CLASSES).sort_values(ascending=False)
    assert seen.top(2).index.tolist() == expected.index[:2].tolist()
    assert seen.top().tolist() == expected.tolist()


def test_a_function_that_loads_the_model_is_called_once_and_late(of_frames, numbered_video):
    called = []
    watched = predictor(lambda: called.append(1) or of_frames)
    assert called == []
    watched.predict(numbered_video())
    watched.predict(numbered_video())
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


def test_a_finished_run_is_watched_with_as_it_was_tested(finished, of_frames, numbered_video):
    recipe = recipes.get("frame-vote").adapted(test=Uniform(7), size=SIZE)
    run = finished(recipe.as_dict())
    watched = timeline.VideoPredictor.of_run(run)
    assert (watched.name, watched.aggregation) == ("frame-vote", "vote")
    assert watched.sampling == Uniform(7)
    path = numbered_video()
    expected = predictor(of_frames, aggregation="vote", sampling=Uniform(7)).predict(path)
    np.testing.assert_allclose(watched.predict(path).answer, expected.answer, atol=1e-6)


def test_a_run_that_does_not_say_how_it_was_tested_is_refused(finished):
    with pytest.raises(ResultError, match=r"run of this version.*run.*vidlab train frame-vote"):
        timeline.VideoPredictor.of_run(finished({}))


def test_a_missing_file_and_wrong_classes_are_named(of_frames, tmp_path, numbered_video):
    with pytest.raises(MissingVideoError, match=r"gone\.avi"):
        predictor(of_frames).predict(tmp_path / "gone.avi")
    with pytest.raises(ModelError, match=r"names of 3 classes for of_frames.*Received: 2"):
        predictor(of_frames, classes=["Jump", "Run"]).predict(numbered_video())


def test_a_head_alone_is_refused_with_the_remedy(keras, numbered_video):
    head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    with pytest.raises(ModelError, match=r"\(None, 8\).*encoder and the head into one"):
        predictor(head).predict(numbered_video())


def same_as_predicted(model, index, *, sampling):
    """Compare with `predictions.predict` of the same videos."""
    stream = Rgb(sampling, SIZE, clip=len(model.input_shape) == 5)
    expected = predictions.predict(model, Clips(index, stream, batch_size=8))
    watched = predictor(model, sampling=sampling)
    for path, probabilities in zip(index.paths, expected.probabilities, strict=True):
        np.testing.assert_allclose(watched.predict(path).answer, probabilities, atol=1e-5)


def test_the_answer_for_a_test_video_is_that_of_the_predictions(of_frames, of_clips, toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(groups=2, clips=1))
    for model in (of_frames, of_clips):
        same_as_predicted(model, index, sampling=Uniform(5))


def test_a_model_that_reads_padding_is_shown_it(keras, of_clips, of_both_ways, numbered_video):
    """A short video is filled up, as in training; each moment stands before the padding."""
    paths = [numbered_video(f"{count}.avi", frames=count) for count in (9, 30)]
    for model in (of_clips, of_both_ways):
        watched = predictor(model, sampling=EverySecond(8, at_most=8))
        short, long = (watched.predict(path) for path in paths)
        batch = models.pad([frames_of(paths[0], short.numbers), frames_of(paths[1], long.numbers)])
        assert len(short) < len(long) == 8
        np.testing.assert_allclose(
            np.stack([short.answer, long.answer]), model.predict(batch, verbose=0), atol=1e-5
        )
        assert short.probabilities.shape == (len(short), 3)
    assert abs(watched.predict(paths[0], sampling=AllFrames()).answer - short.answer).max() > 1e-4


def test_a_model_of_two_inputs_is_shown_both(keras, numbered_video):
    inputs = {name: keras.Input((*SIZE, 3), name=name) for name in ("large", "small")}
    inputs["small"] = keras.Input((8, 8, 3), name="small")
    means = [keras.layers.GlobalAveragePooling2D()(one) for one in inputs.values()]
    joined = keras.layers.Concatenate()(means)
    scores = keras.layers.Dense(3, activation="softmax")(joined)
    model = keras.Model(inputs, scores)
    streams = {"large": Rgb(Uniform(4), SIZE), "small": Rgb(Uniform(4), 8)}
    watched = timeline.VideoPredictor(model, classes=CLASSES, streams=streams)
    path = numbered_video()
    seen = watched.predict(path)
    x = {n: video.read_frames(path, seen.numbers, size=s.size) for n, s in streams.items()}
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(seen.probabilities, expected, atol=1e-5)
    assert seen.reads == "frames"
