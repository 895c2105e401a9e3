"""Accidents in the middle of work: what is finished is kept, and no damage passes as a result."""

import errno
import json
import os
import re
import resource
import threading

import keras
import numpy as np
import pytest
from keras import layers

from vidlab import files
from vidlab.course.lab import Lab
from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import MissingVideoError, ResultError
from vidlab.evaluation import runs
from vidlab.files import is_whole, locked, seal
from vidlab.recipes import Phase, Recipe
from vidlab.training import Settings
from vidlab.training.experiment import predict, train_and_evaluate


class Killed(BaseException):
    """Stands for SIGKILL, which nothing survives but what is on the disk."""


def small(inputs, num_classes):
    """Classes of frames by a few filters."""
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs["rgb"]))
    return layers.Dense(num_classes, activation="softmax")(layers.Dropout(0.2)(x))


RECIPE = Recipe("small", small, {"rgb": Rgb(Uniform(2), 16)}, (Phase(3, "adam", 1e-2, 4),))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Index a training, a validation and a test part of dark and light videos."""
    root, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for name, colour in (("Dark", 60), ("Light", 190)):
        for group in range(1, 5):
            frames = rng.integers(colour - 20, colour + 20, (5, 16, 16, 3)).astype(np.uint8)
            video.write(root / name / f"v_{name}_g{group:02d}_c01.avi", frames)
    index = VideoIndex.from_folder(root)
    groups = (["g01", "g02"], ["g03"], ["g04"])
    return tuple(index.select(np.isin(index.groups, some)) for some in groups)


def train(folder, parts, *callbacks):
    settings = Settings(seed=1, checkpoint=folder / "checkpoint.npz", callbacks=callbacks)
    run = runs.RunFolder(folder)
    record = runs.recipe_record(
        "small", {"epochs": 3}, profile="mine", seed=1, split=1, fingerprint="abc"
    )
    train_and_evaluate(RECIPE, parts, folder=run, record=record, settings=settings)
    return run


@pytest.fixture(scope="module")
def finished(parts, tmp_path_factory):
    return train(tmp_path_factory.mktemp("finished"), parts)


@pytest.fixture
def copied(finished, tmp_path):
    """Copy the finished run."""
    for file in finished.path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return runs.RunFolder(tmp_path)


def test_killed_before_any_file_is_there_a_training_loses_at_most_an_epoch(
    parts, finished, tmp_path, monkeypatch
):
    replace, epochs = os.replace, []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    for last in ("checkpoint.npz", "model.keras", "metrics.json", "recipe.json"):

        def dying(source, target, last=last):
            if target.name == last and epochs:  # of the checkpoint, the second
                raise Killed
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(files.os, "replace", dying)
            with pytest.raises(Killed):
                train(tmp_path, parts, count)
        assert not runs.RunFolder(tmp_path).is_finished({"epochs": 3})
    run = train(tmp_path, parts, count)
    assert epochs == [0, 1, 1, 2] or epochs == [0, 1, 2]
    assert run.is_finished({"epochs": 3})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(runs._FILES.values())
    np.testing.assert_allclose(
        run.predictions.probabilities, finished.predictions.probabilities, atol=1e-5
    )
    same = [name for name in run.history if name != "seconds"]
    np.testing.assert_allclose(run.history[same], finished.history[same], rtol=1e-4)


@pytest.mark.parametrize("file", sorted(runs._FILES.values()))
def test_a_run_of_which_a_byte_changed_or_the_end_is_missing_is_never_taken_for_one(copied, file):
    copied.write(recipe=copied.recipe)  # as often as one likes
    whole, rng = (copied.path / file).read_bytes(), np.random.default_rng(0)
    assert copied.is_complete
    for number in range(12):
        content, at = bytearray(whole), int(rng.integers(len(whole)))
        content[at] ^= 1 << rng.integers(8)
        (copied.path / file).write_bytes(whole[:at] if number % 2 else content)
        with pytest.warns(UserWarning, match=rf"{file}.* is damaged; the run is made anew"):
            assert not copied.is_finished({"epochs": 3})
        piece = file.split(".")[0]
        with pytest.raises(ResultError, match=rf"{file}.*Delete it"):
            copied.model() if piece == "model" else getattr(copied, piece)
        with pytest.warns(UserWarning, match=rf"{file}.* is damaged"):
            table = runs.find_runs(copied.path)
        assert len(table) == (file != "recipe.json")
        assert ("top1" in table) == (file not in ("recipe.json", "metrics.json"))


def test_on_a_full_disk_a_training_stops_and_with_room_goes_on(parts, tmp_path, finished):
    """A file may not grow beyond 2 kB: less than a model, more than nothing."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match=str(os.strerror(errno.EFBIG))):
            train(tmp_path, parts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
    assert train(tmp_path, parts).metrics["top1"] == finished.metrics["top1"]


@pytest.mark.parametrize("damage", ["a byte", "the end"])
def test_a_damaged_checkpoint_is_told_of_and_the_training_begins_anew(
    damage, parts, finished, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(runs.RunFolder, "write", lambda self, **_: 1 / 0)  # all epochs are done
        with pytest.raises(ZeroDivisionError):
            train(tmp_path, parts)
    content = bytearray((tmp_path / "checkpoint.npz").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "checkpoint.npz").write_bytes(content if damage == "a byte" else content[:-1])
    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    with pytest.warns(UserWarning, match=r"checkpoint\.npz is damaged, so the training begins"):
        run = train(tmp_path, parts, count)
    assert epochs == [0, 1, 2]
    assert run.metrics["top1"] == finished.metrics["top1"]


def test_a_video_that_vanishes_is_named_and_when_it_is_back_the_training_goes_on(
    parts, finished, tmp_path
):
    path, away = parts[0].paths[0], tmp_path / "away.avi"
    vanish = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: path.replace(away))
    with pytest.raises(MissingVideoError, match=re.escape(str(path))):
        train(tmp_path, parts, vanish)
    with pytest.raises(MissingVideoError, match=re.escape(str(path))):
        predict(finished.model(), parts[0], RECIPE)
    away.replace(path)
    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    run = train(tmp_path, parts, count)
    assert epochs[0] > 0
    assert run.metrics["top1"] == finished.metrics["top1"]


@pytest.mark.parametrize("length", [0, 1, 31, 32, 5000])
def test_a_sealed_file_is_whole_until_anything_changes(tmp_path, length):
    path = tmp_path / "sealed"
    path.write_bytes(b"x" * length)
    seal(path)
    whole = path.read_bytes()
    assert len(whole) == length + 32
    assert is_whole(path)
    for changed in (whole[:-1], whole + b"x", b"y" + whole[1:], whole[:-1] + b"y", b""):
        path.write_bytes(changed)
        assert not is_whole(path)
    assert not is_whole(tmp_path / "absent")


def test_of_two_processes_that_want_a_run_one_trains_and_the_other_loads_it(
    tmp_path, toy_folder, monkeypatch, capsys
):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    lab, trained = Lab("smoke", dataset=str(toy_folder), image_size=32), []

    def training(self, name, folder, record, **options):
        trained.append(name)
        files = {"model.keras": "model", "history.csv": "epoch", "predictions.npz": ""}
        for file, text in files.items():
            (folder.path / file).write_text(text)
        folder.write(metrics={}, recipe=record)

    monkeypatch.setattr(Lab, "_train", training)
    folder = lab._find("gru-pixels", seed=0, split=0)[0]
    with locked(folder.path):
        second = threading.Thread(target=lab.run, args=["gru-pixels"])
        second.start()
        second.join(0.5)
        assert second.is_alive()
        training(lab, "gru-pixels", folder, lab._record("gru-pixels", seed=0, split=1))
    second.join()
    assert trained == ["gru-pixels"]
    printed = capsys.readouterr().out
    assert f"Waiting for another process that works in {folder.path}" in printed
    assert "gru-pixels: loaded from" in printed
    record = json.loads((folder.path / "recipe.json").read_text())
    assert {*record["files"], "recipe.json"} == set(runs._FILES.values())
