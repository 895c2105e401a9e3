import json

import numpy as np
import pytest

from vidlab import recipes
from vidlab.course import lab as lab_module
from vidlab.course.lab import Lab, sweep
from vidlab.data.dataset import Clips
from vidlab.errors import ProfileError


@pytest.fixture
def small_lab(tmp_path, monkeypatch, toy_dataset):
    """Return a function that opens a lab on tiny videos, everything kept below `tmp_path`."""
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    folder = toy_dataset()

    def open_lab(**options):
        return Lab("smoke", **{"dataset": str(folder), "image_size": 32} | options)

    return open_lab


def test_an_unknown_profile_lists_the_known_ones():
    with pytest.raises(ProfileError, match="quick"):
        Lab("huge")


def test_parameters_replace_the_profiles_settings_and_are_checked():
    lab = Lab("smoke", backbone="mobilenetv2", split=2)
    assert (lab.profile.backbone, lab.profile.split) == ("mobilenetv2", 2)
    assert Lab("smoke", backbone="", split=0).profile == Lab("smoke").profile
    with pytest.raises(ProfileError, match=r"split.*the parameters|the parameters.*split"):
        Lab("smoke", split=7)


def test_results_of_other_videos_have_a_folder_of_their_own(small_lab, tmp_path):
    assert Lab("smoke").runs == tmp_path / "home" / "runs" / "smoke"
    assert small_lab().runs.name.startswith("smoke-toy-")


def test_two_datasets_of_one_name_do_not_share_a_folder(tmp_path, monkeypatch, toy_dataset):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    folders = [
        toy_dataset(name=f"{owner}/data", groups=3, clips=1, frames=frames)
        for owner, frames in (("mine", 4), ("yours", 5))
    ]
    mine, yours = (Lab("smoke", dataset=str(folder)) for folder in folders)
    assert mine.runs.name.startswith("smoke-data-")
    assert yours.runs.name.startswith("smoke-data-")
    assert mine.runs != yours.runs


@pytest.mark.parametrize(
    "other",
    [{"weights": "imagenet"}, {"backbone": "inceptionv3"}, {"image_size": 48}],
    ids=lambda options: next(iter(options)),
)
def test_other_weights_backbone_or_size_have_a_folder_of_their_own(small_lab, other):
    assert small_lab(**{"image_size": 32} | other).runs != small_lab(image_size=32).runs


def test_a_relative_and_an_absolute_path_are_one_dataset(tmp_path, monkeypatch, toy_dataset):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    absolute = toy_dataset(name="mine/data", groups=3, clips=1, frames=4)
    monkeypatch.chdir(tmp_path / "mine")
    labs = [Lab("smoke", dataset=str(path)) for path in (absolute, "data", "../mine/data")]
    assert len({lab.runs for lab in labs}) == 1
    records = [lab._record("gru-pixels", seed=0, split=1) for lab in labs]
    assert records[0] == records[1] == records[2]


def test_a_run_is_trained_once_and_then_loaded(small_lab, capsys):
    from keras.callbacks import LambdaCallback

    epochs = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(logs["loss"]))
    first = small_lab().run("gru-pixels", callbacks=[watch])
    assert "trained now" in capsys.readouterr().out
    assert epochs == pytest.approx(first.history["loss"].tolist())
    second = small_lab().run("gru-pixels", callbacks=[watch])
    assert "loaded from" in capsys.readouterr().out
    assert len(epochs) == len(first.history)
    assert first.path == second.path
    np.testing.assert_array_equal(first.predictions.probabilities, second.predictions.probabilities)
    test = small_lab().split()[2]
    assert second.predictions.video_ids.tolist() == test.table["video_id"].tolist()
    assert second.metrics["test_videos"] == len(test)


def test_a_changed_setting_trains_again(small_lab, capsys):
    folder = small_lab().run("gru-pixels")
    record = folder.recipe
    record["config"]["patience"] += 1
    (folder.path / "recipe.json").write_text(json.dumps(record), encoding="utf-8")
    capsys.readouterr()
    small_lab().run("gru-pixels")
    assert "trained now" in capsys.readouterr().out


def test_seeds_and_splits_have_folders_of_their_own(small_lab):
    lab = small_lab()
    paths = {
        lab.run("gru-pixels", seed=seed, split=split).path.relative_to(lab.runs).as_posix()
        for seed, split in ((0, 1), (1, 1), (0, 2))
    }
    assert paths == {"gru-pixels", "gru-pixels/seed-2", "gru-pixels/split-2"}


def test_a_recipe_trains_the_one_it_starts_from_first(small_lab, capsys):
    lab = small_lab()
    lab.run("frame-finetuned")
    said = capsys.readouterr().out
    assert said.index("frame-pretrained: trained now") < said.index("frame-finetuned: trained now")
    assert (lab.runs / "frame-pretrained" / "model.keras").is_file()


def test_a_sweep_gives_mean_and_spread(small_lab, monkeypatch):
    monkeypatch.setattr(lab_module, "Lab", lambda profile, dataset: small_lab())
    table = sweep("gru-pixels", profile="smoke", seeds=2, splits=[1])
    assert table.loc["gru-pixels", ["runs", "seeds", "splits"]].tolist() == [2, 2, 1]
    found = [small_lab().run("gru-pixels", seed=seed).metrics["top1"] for seed in range(2)]
    assert table.loc["gru-pixels", "top1"] == pytest.approx(np.mean(found))
    assert table.loc["gru-pixels", "top1_spread"] == pytest.approx(np.std(found, ddof=1))


def test_changes_show_the_original_beside(small_lab):
    table = small_lab().changes("frame-vote")
    epochs = table.set_index("setting").loc["epochs"]
    assert epochs["original"] == "225"


def test_departures_end_with_what_the_profile_changes(small_lab):
    table = small_lab().beside("gru-pixels", "frame-vote")
    assert table.loc["frame-vote", "published top-1 %"] == 57.41
    told = table.loc["frame-vote", "departures"]
    assert told.startswith(recipes.get("frame-vote").departures[0])
    assert "Profile smoke: backbone residual;" in told
    assert "epochs 1" in told


def test_what_is_computed_once_is_noted_and_the_whole_model_kept(small_lab):
    lab = small_lab()
    folder = lab.run("mobilenet-gru")
    assert folder.model().input_shape == (None, None, 32, 32, 3)
    assert folder.metrics["feature_seconds"] > 0
    assert folder.predictions.frames is None
    clips = Clips(lab.split()[2], lab.recipe("mobilenet-gru").inputs["rgb"])
    whole = folder.model().predict(clips, verbose=0)
    np.testing.assert_allclose(whole, folder.predictions.probabilities, atol=1e-4)


def test_single_frames_are_kept_frame_by_frame(small_lab):
    folder = small_lab().run("mobilenet-single")
    assert folder.model().input_shape == (None, 32, 32, 3)
    assert len(folder.predictions.frames) == 4 * len(folder.predictions)


def test_features_may_come_from_a_trained_model(small_lab, capsys):
    lab = small_lab()
    lab.run("cnn-lstm")
    assert "frame-vote: trained now" in capsys.readouterr().out
    assert lab.features("cnn-lstm").size == lab.recipe("frame-vote").options["units"]


def test_a_recipe_on_clips_trains_the_one_it_starts_from_first(small_lab, capsys):
    folder = small_lab().run("convgru-finetuned")
    said = capsys.readouterr().out
    assert said.index("convgru-fixed: trained now") < said.index("convgru-finetuned: trained now")
    assert folder.recipe["config"]["start"]["name"] == "convgru-fixed"


def test_frames_in_another_order_are_asked_about_once_and_forgotten_with_the_run(small_lab):
    lab = small_lab()
    folder = lab.run("gru-pixels")
    said = {order: lab.predict("gru-pixels", order=order) for order in ("reversed", "frozen")}
    kept = folder.path / "predictions-reversed.npz"
    assert kept.is_file()
    assert said["reversed"].video_ids.tolist() == folder.predictions.video_ids.tolist()
    assert not np.array_equal(said["reversed"].probabilities, folder.predictions.probabilities)
    (folder.path / "metrics.json").unlink()
    lab.run("gru-pixels")
    assert not kept.exists()


def test_order_does_not_matter_to_single_frames(small_lab, capsys):
    lab = small_lab()
    lab.run("frame-scratch")
    capsys.readouterr()
    normal, back = (lab.predict("frame-scratch", order=order) for order in ("normal", "reversed"))
    np.testing.assert_allclose(normal.probabilities, back.probabilities, atol=1e-5)
    assert capsys.readouterr().out == ""  # what is there is not announced again
