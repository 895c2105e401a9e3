import os

import numpy as np
import pytest

from tests.built import small_cnn
from vidlab import plots, recipes
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.errors import ModelError, VideoError
from vidlab.evaluation import runs, timeline
from vidlab.widgets import TimelineExplorer

CLASSES = ["Jump", "Run", "Wave"]


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=2, clips=1))


@pytest.fixture(scope="module")
def predictors():
    return {
        name: timeline.VideoPredictor(
            small_cnn(seed=seed), classes=CLASSES, sampling=Uniform(5), aggregation=name
        )
        for seed, name in enumerate(["mean", "vote"])
    }


def probabilities(explorer):
    shown = explorer.player.predictions
    return np.frombuffer(shown["probabilities"], np.float32).reshape(-1, len(shown["classes"]))


def upload(explorer, data, *, name="mine.avi"):
    message = {"kind": "upload", "name": name, "number": 0, "of": 1, "size": len(data)}
    explorer.player.receive(message, [memoryview(data)])


def test_an_uploaded_file_stands_before_the_others_and_is_found(predictors, index):
    explored = TimelineExplorer(predictors, index)
    upload(explored, index.paths[0].read_bytes())
    assert explored.video.value == explored.video.options[0] == "mine.avi"
    assert len(explored.video.options) == len(index) + 1
    explored.search.value = "wave g02"
    assert explored.video.options == ("mine.avi", "v_Wave_g02_c01")


def test_probabilities_are_those_of_the_predictor(predictors, index):
    explored = TimelineExplorer(predictors, index)
    assert explored.player.film["title"] == index.table["video_id"][0]
    assert explored.player.predictions == {}
    explored.player.receive({"kind": "predict"})
    expected = predictors["mean"].predict(index.paths[0])
    np.testing.assert_array_equal(probabilities(explored), expected.probabilities)
    assert explored.player.predictions["predicted"][0] == expected.top(1).index[0]
    assert f"for {expected.top(1).index[0]} (" in explored.status.value
    colours = plots.class_colours(CLASSES)
    assert dict(explored.player.predictions["drawn"]) == {
        label: colours[name] for label, name in enumerate(CLASSES)
    }


def test_another_model_predicts_the_same_video(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.video.value = index.table["video_id"][3]
    explored.model.value = "vote"
    expected = predictors["vote"].predict(index.paths[3])
    np.testing.assert_array_equal(probabilities(explored), expected.probabilities)
    assert explored.player.predictions["model"] == "vote"


def test_more_frames_are_played_and_looked_at(predictors, index):
    explored = TimelineExplorer(predictors, index)
    for count, frames in ((8, 8), (0, 5)):
        explored.count.value = count
        explored.predict()
        assert explored.player.film["numbers"] == Uniform(frames).indices(9).tolist()
        assert len(probabilities(explored)) == frames


def test_a_file_that_is_uploaded_in_pieces_is_watched(predictors, index):
    path = index.paths[4]
    data = path.read_bytes()
    pieces = [data[start : start + 1500] for start in range(0, len(data), 1500)]
    assert len(pieces) > 2
    explored = TimelineExplorer(predictors)
    about = {"name": "../mine.avi", "of": len(pieces), "size": len(data)}
    for number, piece in enumerate(pieces):
        explored.player.receive({"kind": "upload", "number": number, **about}, [memoryview(piece)])
    assert explored.video.value == "mine.avi"
    explored.predict()
    expected = predictors["mean"].predict(path).probabilities
    np.testing.assert_array_equal(probabilities(explored), expected)


def test_what_is_wrong_with_an_uploaded_file_is_told(predictors):
    explored = TimelineExplorer(predictors)
    upload(explored, b"no video", name="note.avi")
    assert "note.avi" in explored.problem
    assert explored.player.film == {}
    about = {"kind": "upload", "name": "mine.avi", "of": 3, "size": 12}
    for number in (0, 2):
        explored.player.receive({**about, "number": number}, [memoryview(b"RIFF")])
    assert "Expected piece 1 of mine.avi. Received: piece 2" in explored.problem
    about |= {"of": 9_000, "size": 9_000_000_000}
    explored.player.receive({**about, "number": 0}, [memoryview(b"RIFF")])
    assert "at most 500 MB. Received: mine.avi with 9000 MB" in explored.problem


def test_uploaded_files_are_gone_with_the_explorer(predictors, index):
    explored = TimelineExplorer(predictors)
    upload(explored, index.paths[0].read_bytes())
    explored.predict()
    kept = explored.timeline.path
    assert kept.is_file()
    explored.close()
    assert not kept.exists()
    assert not os.path.exists(kept.parent.parent)


def test_heat_is_of_the_frames_shown_and_of_the_class_predicted_there(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.count.value = 8
    explored.predict()
    explored.explain()
    assert list(explored.cam.records) == [CLASSES[explored.timeline.probabilities[0].argmax()]]
    assert explored.cam.film["numbers"] == explored.player.film["numbers"]
    explored.player.frame = 6
    explored.explain()
    assert list(explored.cam.records) == [CLASSES[explored.timeline.probabilities[6].argmax()]]
    explored.video.value = index.table["video_id"][1]
    assert explored.cam is None  # it was of another video


def test_the_static_form_asks_and_draws(predictors, index):
    bundle = TimelineExplorer(predictors, index)._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBOR")
    predicted = predictors["mean"].predict(index.paths[0]).top(1).index[0]
    assert f"mean predicts {predicted}" in bundle["text/plain"]


def test_a_finished_run_is_watched_with(tmp_path, index):
    from vidlab.evaluation.predictions import Predictions

    said = Predictions(CLASSES, ["g01"] * 3, np.arange(3), np.eye(3), CLASSES)
    recipe = recipes.get("frame-finetuned").adapted(test=Uniform(3), size=32)
    record = runs.recipe_record(
        "frame-finetuned", recipe.as_dict(), profile="smoke", seed=0, split=1, fingerprint="none"
    )
    run = runs.RunFolder(tmp_path / "run").write(
        model=small_cnn(), predictions=said, metrics={}, recipe=record
    )
    explored = TimelineExplorer(run, index)
    explored.predict()
    assert explored.player.predictions["model"] == "frame-finetuned"
    assert len(probabilities(explored)) == 3


def test_without_a_model_or_a_video_the_remedy_is_told(predictors):
    with pytest.raises(ModelError, match=r"Received: none.*convgru-finetuned"):
        TimelineExplorer({})
    explored = TimelineExplorer(predictors)
    with pytest.raises(VideoError, match="Choose or upload one first"):
        explored.explain()
    explored.model.value = "vote"  # may be chosen before there is a video
    assert explored.problem == ""


def test_a_video_of_too_many_frames_is_not_packed(predictors, numbered_video, monkeypatch):
    from vidlab.data.sampling import AllFrames
    from vidlab.widgets import timeline as module

    monkeypatch.setattr(module, "_MOST", 10)
    every = timeline.VideoPredictor(small_cnn(), classes=CLASSES, sampling=AllFrames())
    explored = TimelineExplorer(every, numbered_video(frames=20))
    assert "at most 10 frames to play. Received: 20" in explored.problem
    explored.count.value = 8
    explored.predict()
    assert len(probabilities(explored)) == 8
