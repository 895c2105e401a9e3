"""Validation without loss: what the second of two trainings learns from, and for how long."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from keras import layers

from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.recipes import Phase, Recipe
from vidlab.training import Settings, fit, fitting
from vidlab.training.checkpoints import Checkpoint
from vidlab.training.fitting import Fitted


def colours(inputs, num_classes):
    """Classes of clips by their mean colour."""
    x = layers.Rescaling(1 / 255)(inputs["rgb"])
    x = layers.GlobalAveragePooling3D()(x)
    return layers.Dense(num_classes, activation="softmax")(x)


@pytest.fixture
def recipe():
    phases = (Phase(5, learning_rate=0.1, batch_size=4), Phase(4, learning_rate=0.01, batch_size=4))
    inputs = {"rgb": Rgb(Uniform(2), 16, clip=True)}
    return Recipe("small", colours, inputs, phases=phases, refit=True)


@pytest.fixture
def parts(toy_folder):
    """Give training and validation videos."""
    return VideoIndex.from_folder(toy_folder).split(1, validation=0.3)[:2]


@pytest.fixture
def trainings(monkeypatch):
    """Replace training by one whose validation loss is lowest in epochs 3 and 2 -> calls."""
    calls = []

    def pretend(recipe, parts, *, settings, start):
        losses = [0.9, 0.5, 0.3, 0.4, 0.6, 0.5, 0.2, 0.7, 0.2]
        history = pd.DataFrame({"phase": [1] * 5 + [2] * 4, "val_loss": losses, "seconds": 1.0})
        calls.append((recipe, parts, settings, start))
        return Fitted(f"model {len(calls)}", history, None)

    monkeypatch.setattr(fitting, "fit_once", pretend)
    return calls


def test_the_second_training_has_all_videos_and_as_many_epochs_as_were_best(
    recipe, parts, trainings
):
    found = fit(recipe, parts)
    first, second = trainings
    assert [part.table["video_id"].tolist() for part in first[1]] == [
        part.table["video_id"].tolist() for part in parts
    ]
    assert set(second[1][0].table["video_id"]) == {n for p in parts for n in p.table["video_id"]}
    assert len(second[1][1]) == 0
    assert [phase.epochs for phase in second[0].phases] == [3, 2]
    assert (found.model, found.validated, found.seconds) == ("model 2", "model 1", 18.0)


def test_validation_videos_are_unknown_to_what_the_first_training_starts_from(
    recipe, parts, trainings
):
    fit(recipe, parts, start="knows them", validated_start="does not")
    assert [call[3] for call in trainings] == ["does not", "knows them"]


@pytest.mark.parametrize("refit", [False, True], ids=["once", "no validation videos"])
def test_without_a_reason_there_is_one_training(recipe, parts, trainings, refit):
    none = parts[1].select([])
    recipe = dataclasses.replace(recipe, refit=refit)
    found = fit(recipe, (parts[0], none) if refit else parts, start="knows them")
    assert len(trainings) == 1
    assert trainings[0][3] == "knows them"
    assert found.validated is None


def test_a_second_training_that_is_interrupted_goes_on_where_it_stopped(
    recipe, parts, tmp_path, monkeypatch
):
    whole = fit(recipe, parts, settings=Settings(seed=3))
    settings, write, written = Settings(seed=3, checkpoint=tmp_path / "a.npz"), Checkpoint.write, []

    def counting(self, *args):
        write(self, *args)
        written.append(self.file.stem)
        if written.count("refit") == 1 and len(set(written)) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "write", counting)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, parts, settings=settings)
    first = written.count("a")
    monkeypatch.setattr(Checkpoint, "write", lambda self, *a: written.append(self.file.stem))
    again = fit(recipe, parts, settings=settings)
    assert written.count("a") == first  # the first training is not repeated
    for one, other in zip(whole.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert again.history["val_loss"].tolist() == pytest.approx(whole.history["val_loss"].tolist())
    assert {file.stem for file in tmp_path.iterdir()} == {"a", "refit"}  # until all is kept
