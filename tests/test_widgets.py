import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from vidlab import evaluation, plots, widgets
from vidlab.data import video
from vidlab.data.sampling import EveryNth, Uniform
from vidlab.errors import MetricError
from vidlab.evaluation import predictions, runs
from vidlab.evaluation.timeline import VideoPredictor
from vidlab.widgets import CamExplorer, ConfusionExplorer, explorer
from vidlab.widgets.footage import Footage

CLASSES = ["Jump", "Run", "Wave"]


def list_videos(explored, positions):
    about = {"true": "Jump", "predicted": "Run"}
    explored.receive({"kind": "videos", "positions": positions, "about": about})
    return explored.listing["videos"]


def test_the_page_can_count_the_matrix(mistaken):
    table = ConfusionExplorer(mistaken).table
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (table["true"], table["predicted"]), 1)
    expected = evaluation.confusion(mistaken, normalise=False)
    assert counts.tolist() == expected.to_numpy().tolist()
    assert [table["groups"][at] for at in table["group"]] == mistaken.groups.tolist()
    orders = table["orders"]["video"]
    assert orders["accuracy"] == [0, 2, 1]  # the worst class first
    assert [mistaken.classes[at] for at in orders["clustered"]] == plots.clustered(expected)
    probabilities = mistaken.probabilities.max(axis=1)[table["most_probable_first"]]
    assert (np.diff(probabilities) <= 0).all()


def test_the_page_can_count_single_frames(mistaken):
    videos = np.repeat(np.arange(len(mistaken)), 2)
    rows = mistaken.probabilities[videos]
    rows[1::2] = np.eye(3)[1]  # every second frame is predicted as Run
    frames = predictions.FramePredictions(videos, np.tile([0, 5], len(mistaken)), rows)
    of_frames = replace(mistaken, frames=frames)
    explored = ConfusionExplorer(of_frames, per="frame")
    counts = np.zeros((3, 3), int)
    for true, labels in zip(explored.table["true"], explored.table["frames"], strict=True):
        np.add.at(counts[true], labels, 1)
    expected = evaluation.confusion(of_frames, normalise=False, per="frame")
    assert counts.tolist() == expected.to_numpy().tolist()
    assert explored.table["orders"]["frame"]["accuracy"][-1] == 1
    axes = explored.figure().axes[0]
    # The style decides on which side the title stands.
    assert "number of frames" in axes.get_title() + axes.get_title(loc="left")
    assert ConfusionExplorer(mistaken).table["frames"] == []
    with pytest.raises(MetricError, match="forwards only"):
        ConfusionExplorer(mistaken, per="frame")


def test_videos_are_listed_with_pictures(mistaken, index):
    explored = ConfusionExplorer(mistaken, index=index)
    videos = list_videos(explored, [3, 1])
    assert [one["id"] for one in videos] == index.table["video_id"][[3, 1]].tolist()
    assert [one["predicted"] for one in videos] == ["Run", "Run"]
    assert [one["p_predicted"] for one in videos] == pytest.approx(
        mistaken.probabilities[[3, 1]].max(axis=1), abs=1e-4
    )
    assert all(one["picture"].startswith(b"\xff\xd8") for one in videos)
    assert explored.listing["count"] == 2


def test_only_the_pictures_of_the_page_that_is_seen_are_made(mistaken, index):
    explored = ConfusionExplorer(mistaken, index=index)
    assert explored._thumbnail.cache_info().currsize == 0
    list_videos(explored, range(9))
    list_videos(explored, range(6, 12))
    assert explored._thumbnail.cache_info().misses == 12
    without = ConfusionExplorer(mistaken)
    assert list_videos(without, [0])[0]["picture"] is None
    assert "pass index=" in without.status["text"]


def test_a_missing_file_is_told_in_its_place_and_when_it_is_opened(mistaken, index):
    index.paths[0].unlink()
    explored = ConfusionExplorer(mistaken, index=index)
    name = index.table["video_id"][0]
    (card,) = list_videos(explored, [0])
    assert card["picture"] is None
    assert index.paths[0].name in card["problem"]
    explored.receive({"kind": "video", "video_id": name})
    assert explored.cam.status["problem"]
    assert "no such file" in explored.cam.status["text"]
    assert explored.cam.film == {}


def test_what_goes_wrong_is_told_on_the_page(mistaken, index):
    explored = ConfusionExplorer(mistaken, index=index)
    absent = {"kind": "video", "video_id": "v_Swim_g01_c01"}
    for message, told in ((absent, "Pass the index"), ({"kind": "dance"}, "KeyError")):
        explored.receive(message)
        assert explored.status["problem"]
        assert told in explored.status["text"]


def test_a_video_opens_with_its_true_and_its_predicted_class(mistaken, index, frame_cnn):
    explored = ConfusionExplorer(mistaken, index=index, model=lambda: frame_cnn)
    explored.open_video("v_Jump_g02_c01")
    roles = {one["name"]: one["role"] for one in explored.cam.explanation["panels"]}
    assert roles == {"Jump": "true", "Run": "predicted"}
    assert explored.cam.film["title"] == "v_Jump_g02_c01"


def test_heat_and_importance_are_those_of_explanation(index, frame_cnn):
    from vidlab import explanation

    explored = CamExplorer(frame_cnn, index.paths[0], classes=CLASSES, targets=["Wave", "Run"])
    explored.explain(layer="top")
    frames = video.read_frames(index.paths[0], explored.film["numbers"], size=(32, 32))
    for panel, target in zip(explored.explanation["panels"], (2, 1), strict=True):
        record = explanation.grad_cam(frame_cnn, frames, target=target, layer="top")
        heat = np.frombuffer(panel["heat"], np.uint8).reshape(len(frames), *panel["size"])
        np.testing.assert_allclose(heat / 255, record.heat, atol=0.01)
        np.testing.assert_allclose(panel["importance"], record.frame_importance, atol=1e-3)
    assert explored.explanation["used"] == {"layer": "top", "method": "grad_cam"}


def test_the_prediction_is_explained_until_class_layer_and_method_are_chosen(index, frame_cnn):
    explored = CamExplorer(frame_cnn, index.paths[0], classes=CLASSES)
    explored.explain()
    frames = video.read_frames(index.paths[0], explored.film["numbers"], size=(32, 32))
    predicted = CLASSES[frame_cnn.predict(frames, verbose=0).mean(axis=0).argmax()]
    assert list(explored.records) == [predicted]
    chosen = {"kind": "explain", "targets": ["Run"]}
    explored.receive({**chosen, "layer": "seen", "method": "saliency"})
    assert explored.explanation["used"] == {"layer": "pixels", "method": "saliency"}
    explored.receive({**chosen, "layer": "", "method": ""})
    assert explored.explanation["used"]["method"] == "grad_cam"
    assert explored.choices["layers"] == ["top", "seen"]


def test_a_model_that_cannot_be_explained_leaves_the_clip_and_says_why(index):
    import keras

    bare = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    explored = CamExplorer(bare, index.paths[0], classes=CLASSES, method="grad_cam")
    explored.explain()
    assert explored.status["problem"]
    assert "Expected" in explored.status["text"]
    assert len(explored.film["frames"]) == 16
    assert explored.explanation == {}


def test_without_a_model_the_clip_is_played_and_the_remedy_is_told(draw_numbered_frame):
    frames = np.stack([draw_numbered_frame(number) for number in range(5)])
    explored = CamExplorer(None, frames)
    assert len(explored.film["frames"]) == 5
    assert "pass model=" in explored.status["text"]


def test_frames_on_the_page_are_those_the_sampler_picks(numbered_video, frame_number):
    footage = Footage.of_file(numbered_video(frames=20, fps=10), sampling=EveryNth(6))
    assert [frame_number(frame) for frame in footage.frames] == footage.numbers.tolist()
    np.testing.assert_allclose(footage.seconds, footage.numbers / 10)


def test_static_forms_are_pictures_and_keep_nothing_in_the_notebook(mistaken, index, frame_cnn):
    explored = ConfusionExplorer(mistaken, index=index, model=frame_cnn)
    explored.open_video("v_Jump_g02_c01")
    for one in (explored, explored.cam):
        bundle = one._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "image/png"}
        assert bundle["image/png"].startswith("iVBOR")
        assert one.comm is None


def test_the_static_matrix_shows_what_is_arranged(mistaken):
    explored = ConfusionExplorer(mistaken, order="accuracy", normalise=True)
    axes = explored.figure().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Jump", "Wave", "Run"]
    assert "%" in axes.get_title(loc="left") + axes.get_title()
    with pytest.raises(MetricError, match=r"index, accuracy, clustered.*'size'"):
        ConfusionExplorer(mistaken, order="size")


@pytest.mark.parametrize(
    "explore",
    [
        lambda path: widgets.CamExplorer(None, path),
        widgets.AugmentExplorer,
        widgets.SamplingExplorer,
        lambda path: widgets.TimelineExplorer(
            VideoPredictor(None, classes=CLASSES, sampling=Uniform(5)), path
        ),
    ],
    ids=["cam", "augmentation", "sampling", "timeline"],
)
def test_a_missing_video_is_a_sentence_also_without_a_browser(tmp_path, explore):
    bundle = explore(tmp_path / "gone.avi")._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "gone.avi" in bundle["text/plain"]


@pytest.mark.parametrize("asked", [True, False], ids=["lab", "papermill"])
def test_a_kernel_knows_whether_somebody_runs_its_cell(monkeypatch, asked):
    monkeypatch.delenv("VIDLAB_WIDGETS", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "notes.ipynb")  # inherited where nobody does
    assert not explorer.is_live()
    monkeypatch.setattr("vidlab.progress._kernel", lambda: SimpleNamespace(_allow_stdin=asked))
    assert explorer.is_live() is asked


def test_live_forms_have_a_picture_but_for_many_classes_which_are_packed_small(
    monkeypatch, mistaken
):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    rng = np.random.default_rng(0)
    many = predictions.Predictions(
        video_ids=[f"v{number}" for number in range(3783)],
        groups=["g01"] * 3783,
        y_true=np.arange(3783) % 101,
        probabilities=rng.dirichlet(np.full(101, 0.1), 3783),
        classes=[f"Class{number:03d}" for number in range(101)],
    )
    explored = ConfusionExplorer(many)
    assert "image/png" not in explored._repr_mimebundle_()
    assert len(json.dumps(explored.table)) < 100_000
    small = ConfusionExplorer(mistaken)._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png"} <= set(small)


def test_a_run_can_be_explored_without_loading_its_model_first(tmp_path, mistaken, index):
    run = runs.RunFolder(tmp_path / "run")
    explored = ConfusionExplorer(mistaken, index=index, model=run.model)
    explored.open_video("v_Jump_g02_c01")
    assert "model.keras" in explored.cam.status["text"]
    assert explored.cam.film["title"] == "v_Jump_g02_c01"


def test_looking_at_explorers_loads_no_tensorflow(numbered_video):
    script = (
        "import sys, numpy, pandas, vidlab\n"
        "from vidlab import widgets\n"
        "p = vidlab.predictions.Predictions(['v'], ['g01'], [0], [[1.0, 0.0]], ['A', 'B'])\n"
        "widgets.ConfusionExplorer(p).list_videos([0], {})\n"
        "h = pandas.DataFrame({'loss': [1.0], 'accuracy': [0.5]})\n"
        "widgets.TrainingCurves({'h': h}).figure()\n"
        f"widgets.SamplingExplorer({str(numbered_video())!r}).figure()\n"
        f"widgets.AugmentExplorer({str(numbered_video())!r}).figure()\n"
        "widgets.FilterExplorer(lambda: None)\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_an_executed_notebook_and_its_html_hold_a_picture(tmp_path, monkeypatch):
    import nbclient
    import nbconvert
    import nbformat

    monkeypatch.delenv("VIDLAB_WIDGETS", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "open.ipynb")  # as started from an open notebook
    code = (
        "import vidlab\n"
        "p = vidlab.predictions.Predictions(['v'], ['g01'], [0], [[1.0, 0.0]], ['A', 'B'])\n"
        "vidlab.widgets.ConfusionExplorer(p)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    (output,) = notebook.cells[0].outputs
    assert set(output["data"]) == {"text/plain", "image/png"}
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert "data:image/png;base64" in html
    assert "widget-view" not in html
