import os

import numpy as np
import pytest

from vidlab import plots, recipes
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.errors import ModelError
from vidlab.evaluation import runs, timeline
from vidlab.widgets import TimelineExplorer

CLASSES = ["Jump", "Run", "Wave"]


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=2, clips=1))


def model_of(seed):
    import keras

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="rgb"),
            keras.layers.Rescaling(1 / 64),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="seen"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def predictors():
    return {
        name: timeline.VideoPredictor(
            model_of(seed), classes=CLASSES, sampling=Uniform(5), aggregation=name
        )
        for seed, name in enumerate(["mean", "vote"])
    }


def chances(explorer):
    said = explorer.said
    return np.frombuffer(said["probabilities"], np.float32).reshape(-1, len(said["classes"]))


def test_the_video_is_there_before_the_model_is_asked(predictors, index):
    explored = TimelineExplorer(predictors, index)
    assert explored.film["title"] == index.table["video_id"][0]
    assert len(explored.film["frames"]) == 5
    assert explored.said == {}


def test_an_uploaded_file_stands_before_the_others_and_is_found(predictors, index):
    explored = TimelineExplorer(predictors, index)
    data = index.paths[0].read_bytes()
    message = {"kind": "upload", "name": "mine.avi", "number": 0, "of": 1, "size": len(data)}
    explored.receive(message, [memoryview(data)])
    explored.find()
    assert explored.library["videos"][0] == ["mine.avi", "uploaded"]
    assert explored.library["count"] == len(index) + 1
    explored.find("uploaded")
    assert [name for name, _ in explored.library["videos"]] == ["mine.avi"]


def test_what_is_said_is_that_of_the_watcher(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.receive({"kind": "ask"})
    expected = predictors["mean"].predict(index.paths[0])
    np.testing.assert_array_equal(chances(explored), expected.probabilities)
    assert [name for name, _ in explored.said["answer"]] == expected.top().index.tolist()
    assert explored.said["context"] == "frame"
    assert f"for {expected.top(1).index[0]} (" in explored.status["text"]


def test_lines_have_the_colours_of_every_other_plot(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.ask()
    colours = plots.class_colours(CLASSES)
    assert dict(explored.said["drawn"]) == {
        place: colours[name] for place, name in enumerate(CLASSES)
    }


def test_another_model_is_asked_about_the_same_video(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.receive({"kind": "video", "video_id": index.table["video_id"][3]})
    explored.receive({"kind": "ask", "model": "vote"})
    expected = predictors["vote"].predict(index.paths[3])
    np.testing.assert_array_equal(chances(explored), expected.probabilities)
    assert explored.options["model"] == explored.said["model"] == "vote"


def test_more_frames_are_played_and_looked_at(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.receive({"kind": "ask", "count": 8})
    assert explored.film["numbers"] == Uniform(8).indices(9).tolist()
    assert len(chances(explored)) == 8
    explored.receive({"kind": "ask", "count": 0})
    assert len(chances(explored)) == len(explored.film["frames"]) == 5


def test_videos_are_found_by_their_names(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.receive({"kind": "find", "search": "wave g02"})
    assert [name for name, _ in explored.library["videos"]] == ["v_Wave_g02_c01"]


def pieces_of(path, size):
    data = path.read_bytes()
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_a_file_that_is_uploaded_in_pieces_is_watched(predictors, index):
    path = index.paths[4]
    pieces = pieces_of(path, 1500)
    assert len(pieces) > 2
    explored = TimelineExplorer(predictors)
    about = {"name": "../mine.avi", "of": len(pieces), "size": path.stat().st_size}
    for number, piece in enumerate(pieces):
        explored.receive({"kind": "upload", "number": number, **about}, [memoryview(piece)])
    assert explored.library["chosen"] == "mine.avi"
    np.testing.assert_array_equal(chances(explored), predictors["mean"].predict(path).probabilities)


def test_a_piece_that_is_missing_is_told(predictors, index):
    explored = TimelineExplorer(predictors, index)
    about = {"kind": "upload", "name": "mine.avi", "of": 3, "size": 3000}
    explored.receive({**about, "number": 0}, [memoryview(b"RIFF")])
    explored.receive({**about, "number": 2}, [memoryview(b"RIFF")])
    assert explored.status["problem"]
    assert "Expected piece 1 of mine.avi. Received: piece 2" in explored.status["text"]


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(predictors):
    explored = TimelineExplorer(predictors)
    message = {"kind": "upload", "name": "film.mkv", "number": 0, "of": 700, "size": 700_000_000}
    explored.receive(message, [memoryview(b"")])
    assert "film.mkv with 700 MB. Pass its path instead" in explored.status["text"]


def test_a_file_that_is_no_video_is_told_in_its_place(predictors):
    explored = TimelineExplorer(predictors)
    message = {"kind": "upload", "name": "note.avi", "number": 0, "of": 1, "size": 8}
    explored.receive(message, [memoryview(b"no video")])
    assert explored.status["problem"]
    assert "note.avi" in explored.status["text"]
    assert explored.said == {}


def test_uploaded_files_are_gone_with_the_explorer(predictors, index):
    explored = TimelineExplorer(predictors)
    data = index.paths[0].read_bytes()
    message = {"kind": "upload", "name": "mine.avi", "number": 0, "of": 1, "size": len(data)}
    explored.receive(message, [memoryview(data)])
    kept = explored.timeline.path
    assert kept.is_file()
    explored.close()
    assert not kept.exists()
    assert not os.path.exists(kept.parent.parent)


def test_the_place_where_a_model_looked_is_that_of_the_frames_shown(predictors, index):
    explored = TimelineExplorer(predictors, index)
    explored.ask(model="vote", count=8)
    explored.receive({"kind": "explain", "target": "Wave"})
    assert list(explored.cam.records) == ["Wave"]
    assert explored.cam.film["numbers"] == explored.film["numbers"]
    explored.receive({"kind": "video", "video_id": index.table["video_id"][1]})
    assert explored.cam.film == {}  # it was of another video


def test_without_a_video_nothing_is_explained_and_the_remedy_is_told(predictors):
    explored = TimelineExplorer(predictors)
    explored.receive({"kind": "explain", "target": "Wave"})
    assert explored.status["problem"]
    explored.receive({"kind": "ask", "model": "vote"})  # may be chosen before there is a video
    assert explored.options["model"] == "vote"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"kind": "ask", "model": "convgru"}, "out of mean, vote. Received: 'convgru'"),
        ({"kind": "video", "video_id": "v_Swim_g01_c01"}, "v_Swim_g01_c01"),
        ({"kind": "find", "search": "swim"}, "Try fewer letters"),
    ],
    ids=["model", "video", "search"],
)
def test_what_goes_wrong_is_told_on_the_page(predictors, index, message, told):
    explored = TimelineExplorer(predictors, index)
    explored.receive(message)
    assert explored.status["problem"]
    assert told in explored.status["text"]


def test_a_missing_file_is_a_sentence(predictors, tmp_path):
    explored = TimelineExplorer(predictors, tmp_path / "gone.avi")
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "gone.avi" in bundle["text/plain"]


def test_the_static_form_asks_and_draws(predictors, index):
    bundle = TimelineExplorer(predictors, index)._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBOR")
    answer = predictors["mean"].predict(index.paths[0]).top(1).index[0]
    assert f"mean says {answer}" in bundle["text/plain"]


def test_a_finished_run_is_watched_with(tmp_path, index):
    from vidlab.evaluation.predictions import Predictions

    said = Predictions(CLASSES, ["g01"] * 3, np.arange(3), np.eye(3), CLASSES)
    recipe = recipes.get("frame-finetuned").adapted(test=Uniform(3), size=32)
    record = runs.recipe_record(
        "frame-finetuned", recipe.as_dict(), profile="smoke", seed=0, split=1, fingerprint="none"
    )
    run = runs.RunFolder(tmp_path / "run").write(
        model=model_of(0), predictions=said, metrics={}, recipe=record
    )
    explored = TimelineExplorer(run, index)
    explored.ask()
    assert explored.said["model"] == "frame-finetuned"
    assert len(chances(explored)) == 3


def test_no_watcher_at_all_is_refused():
    with pytest.raises(ModelError, match=r"Received: none.*convgru-finetuned"):
        TimelineExplorer({})


def test_a_video_of_too_many_frames_is_not_packed(predictors, numbered_video, monkeypatch):
    from vidlab.data.sampling import AllFrames
    from vidlab.widgets import timeline as module

    monkeypatch.setattr(module, "_MOST", 10)
    every = timeline.VideoPredictor(model_of(0), classes=CLASSES, sampling=AllFrames())
    explored = TimelineExplorer(every, numbered_video(frames=20))
    assert "at most 10 frames to play. Received: 20" in explored.status["text"]
    explored.receive({"kind": "ask", "count": 8})
    assert len(chances(explored)) == 8
