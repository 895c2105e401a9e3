"""Lab: what it finds or trains, and where that is kept. The tests share what is trained."""

import numpy as np
import pytest
from keras.callbacks import LambdaCallback

from vidlab import evaluation, models, recipes
from vidlab.course.lab import Lab
from vidlab.data.dataset import Clips
from vidlab.errors import ProfileError
from vidlab.models.cost import multiply_adds


@pytest.fixture(scope="module")
def open_lab(tmp_path_factory, toy_folder):
    """Open a lab on tiny videos, its home being the same for all tests: (**options) -> Lab."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield lambda **options: Lab(
            "smoke", **{"dataset": str(toy_folder), "image_size": 32} | options
        )


def test_parameters_replace_the_profiles_settings_and_are_checked():
    lab = Lab("smoke", backbone="mobilenetv2", split=2)
    assert (lab.profile.backbone, lab.profile.split) == ("mobilenetv2", 2)
    assert Lab("smoke", backbone="", split=0).profile == Lab("smoke").profile
    with pytest.raises(ProfileError, match=r"split.*the parameters|the parameters.*split"):
        Lab("smoke", split=7)
    with pytest.raises(ProfileError, match="quick"):
        Lab("huge")


def test_other_videos_weights_backbone_or_size_have_a_folder_of_their_own(open_lab):
    assert Lab("smoke").runs == open_lab().home / "runs" / "smoke"
    changes = [{}, {"weights": "imagenet"}, {"backbone": "inceptionv3"}, {"image_size": 48}]
    names = {open_lab(**change).runs.name for change in changes}
    assert len(names) == len(changes)
    assert all(name.startswith("smoke-toy-") for name in names)


def test_datasets_are_told_apart_by_their_videos_not_their_names_or_paths(
    tmp_path, monkeypatch, toy_dataset
):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    mine, yours = (
        toy_dataset(name=f"{owner}/data", groups=3, clips=1, frames=frames)
        for owner, frames in (("mine", 4), ("yours", 5))
    )
    assert Lab("smoke", dataset=str(mine)).runs != Lab("smoke", dataset=str(yours)).runs
    monkeypatch.chdir(mine.parent)
    labs = [Lab("smoke", dataset=str(path)) for path in (mine, "data", "../mine/data")]
    assert len({lab.runs for lab in labs}) == 1
    assert labs[0].runs.name.startswith("smoke-data-")
    first, *others = (lab._record("gru-pixels", seed=0, split=1) for lab in labs)
    assert all(record == first for record in others)


def test_a_run_is_trained_once_and_then_loaded_until_a_setting_changes(open_lab, capsys):
    losses = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
    first = open_lab().run("gru-pixels", callbacks=[watch])
    assert "trained now" in capsys.readouterr().out
    assert losses == pytest.approx(first.history["loss"].tolist())
    lab = open_lab()
    second = lab.run("gru-pixels", callbacks=[watch])
    assert "loaded from" in capsys.readouterr().out
    assert len(losses) == len(first.history)
    assert first.path == second.path
    assert second.predictions.video_ids.tolist() == lab.split()[2].table["video_id"].tolist()
    assert second.metrics["test_videos"] == len(lab.split()[2])
    steps, pixels, units = 4, 50 * 50 * 3, 16  # three gates, both directions, three classes
    recurrent = steps * 2 * 3 * units * (pixels + units)
    assert second.metrics["multiply_adds"] == recurrent + 2 * units * 3

    found = {order: lab.predict("gru-pixels", order=order) for order in ("reversed", "frozen")}
    kept = second.path / "predictions-reversed.npz"
    assert kept.is_file()
    assert found["reversed"].video_ids.tolist() == second.predictions.video_ids.tolist()
    assert not np.array_equal(found["reversed"].probabilities, second.predictions.probabilities)

    record = second.recipe
    record["config"]["patience"] += 1
    second.write(recipe=record)
    capsys.readouterr()
    open_lab().run("gru-pixels")
    assert "trained now" in capsys.readouterr().out
    assert not kept.exists()


def test_seeds_and_splits_have_folders_of_their_own(open_lab):
    lab = open_lab()
    runs = [lab.run("gru-pixels", seed=seed, split=split) for seed, split in ((1, 1), (0, 2))]
    names = [run.path.relative_to(lab.runs).as_posix() for run in runs]
    assert names == ["gru-pixels/seed-2", "gru-pixels/split-2"]


def test_a_whole_lab_may_have_another_training_seed(open_lab, capsys):
    lab = open_lab(seed=1)
    assert lab.runs == open_lab().runs
    assert lab.run("gru-pixels").path == open_lab().run("gru-pixels", seed=1).path
    assert lab.run("gru-pixels", seed=0).path == open_lab().run("gru-pixels").path
    lab.predict("gru-pixels", order="reversed")
    assert (lab.runs / "gru-pixels" / "seed-2" / "predictions-reversed.npz").is_file()


@pytest.mark.parametrize(
    ("recipe", "start"),
    [("frame-finetuned", "frame-pretrained"), ("convgru-finetuned", "convgru-fixed")],
)
def test_a_recipe_trains_the_one_it_starts_from_first(open_lab, capsys, recipe, start):
    folder = open_lab().run(recipe)
    printed = capsys.readouterr().out
    assert printed.index(f"{start}: trained now") < printed.index(f"{recipe}: trained now")
    assert folder.recipe["config"]["start"]["name"] == start


def test_changes_and_departures_show_what_the_profile_changes(open_lab):
    changes = open_lab().changes("frame-vote").set_index("setting")
    assert changes.loc["epochs", "original"] == "225"
    table = open_lab().beside("gru-pixels", "frame-vote")
    assert table.loc["frame-vote", "published top-1 %"] == 57.41
    departures = table.loc["frame-vote", "departures"]
    assert departures.startswith(recipes.get("frame-vote").departures[0])
    assert "Profile smoke: backbone residual;" in departures
    assert "epochs 1" in departures


def test_a_comparison_shows_all_that_differs_and_nothing_else(open_lab):
    table = open_lab().differences("gru-pixels", "lstm-pixels")
    assert table.loc["cell"].to_dict() == {"gru-pixels": "gru", "lstm-pixels": "lstm"}
    assert list(table.index) == ["cell"]
    table = open_lab().differences("convgru-fixed", "convgru-finetuned")
    assert table.loc["starts from"].tolist() == ["–", "convgru-fixed"]
    assert table.loc["backbone learns"].tolist() == ["none", "all"]


def test_what_is_computed_once_is_noted_and_the_whole_model_kept(open_lab):
    lab = open_lab()
    folder = lab.run("mobilenet-gru")
    assert folder.model().input_shape == (None, None, 32, 32, 3)
    assert folder.metrics["feature_seconds"] > 0
    clips = Clips(lab.split()[2], lab.recipe("mobilenet-gru").inputs["rgb"])
    whole = folder.model().predict(clips, verbose=0)
    np.testing.assert_allclose(whole, folder.predictions.probabilities, atol=1e-4)


def test_a_recurrent_recipe_has_a_prediction_after_every_frame_the_last_one_is_the_videos(open_lab):
    lab = open_lab()
    folder = lab.run("mobilenet-gru")
    found, clips = folder.predictions, Clips(lab.split()[2], lab.recipe("mobilenet-gru").inputs)
    after_each = models.every_frame(folder.model()).predict(clips, verbose=0)
    videos, steps, classes = after_each.shape
    np.testing.assert_allclose(
        found.frames.probabilities, after_each.reshape(videos * steps, classes), atol=1e-4
    )
    np.testing.assert_array_equal(found.frames.video, np.repeat(np.arange(videos), steps))
    np.testing.assert_array_equal(found.frames.frame[:steps], clips.frames_of(0))
    last = found.frames.probabilities[steps - 1 :: steps]
    np.testing.assert_array_equal(last, found.probabilities)
    assert folder.metrics["frame_top1"] == evaluation.top_k(found, per="frame")
    bidirectional = lab.run("gru-pixels").predictions
    assert bidirectional.frames is None


def test_single_frames_are_kept_frame_by_frame_and_have_no_order(open_lab, capsys):
    lab = open_lab()
    folder = lab.run("frame-pretrained")
    assert folder.metrics["multiply_adds"] == 4 * multiply_adds(folder.model())  # of four frames
    assert folder.model().input_shape == (None, 32, 32, 3)
    assert len(folder.predictions.frames) == 4 * len(folder.predictions)
    capsys.readouterr()
    orders = ("normal", "reversed")
    normal, back = (lab.predict("frame-pretrained", order=order) for order in orders)
    np.testing.assert_allclose(normal.probabilities, back.probabilities, atol=1e-5)
    assert capsys.readouterr().out == ""  # what is there is not announced again


def test_features_may_come_from_a_trained_model(open_lab, capsys):
    lab = open_lab()
    assert lab.features("cnn-lstm").size == lab.recipe("frame-vote").options["units"]
    assert "frame-vote: trained now" in capsys.readouterr().out
