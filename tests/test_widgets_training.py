"""The curves of trainings: what is drawn, what grows, what is said where something is missing."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from vidlab import plots
from vidlab.errors import ResultError
from vidlab.evaluation import runs
from vidlab.widgets import TrainingCurves

HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3, 4],
        "phase": [1, 1, 2, 2],
        "loss": [2.0, 1.5, 1.2, 1.0],
        "accuracy": [0.2, 0.4, 0.5, 0.6],
        "val_loss": [1.1, 1.3, 1.2, 1.4],
        "val_accuracy": [0.3, 0.3, 0.4, 0.4],
        "learning_rate": [1e-3, 1e-3, 1e-4, 1e-4],
        "seconds": [2.0, 1.0, 1.0, 4.0],
    }
)
SHORT = HISTORY.head(2).drop(columns=["val_loss", "val_accuracy", "seconds", "phase"])


def trainings(explored):
    return {one["name"]: one for one in explored.curves["trainings"]}


def test_curves_phases_and_the_kept_epoch_are_those_of_the_history():
    one = trainings(TrainingCurves({"mine": HISTORY}))["mine"]
    for measure in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert one[measure] == HISTORY[measure].tolist()
    assert one["seconds"] == [2, 3, 4, 8]
    assert one["kept"] == 2  # the lowest of the last phase, though the first phase had a lower one
    assert one["phases"] == [
        {"start": 0, "end": 2, "name": "phase 1, rate 0.001"},
        {"start": 2, "end": 4, "name": "phase 2, rate 0.0001"},
    ]


def test_a_history_without_validation_seconds_or_phases_is_drawn_with_what_it_has():
    one = trainings(TrainingCurves({"short": SHORT}))["short"]
    assert (one["kept"], one["seconds"]) == (None, None)
    assert one["phases"] == [{"start": 0, "end": 2, "name": "phase 1, rate 0.001"}]
    assert "val_loss" not in one


def test_what_is_not_a_number_leaves_a_gap():
    broken = HISTORY.assign(loss=[2.0, np.nan, np.inf, 1.0])
    explored = TrainingCurves({"broken": broken})
    assert trainings(explored)["broken"]["loss"] == [2, None, None, 1]
    json.dumps(explored.curves, allow_nan=False)


def test_runs_and_tables_stand_side_by_side_in_the_colours_of_their_recipes(tmp_path):
    run = runs.RunFolder(tmp_path / "frame-vote").write(history=HISTORY)
    explored = TrainingCurves({"frame-vote": run, "cnn-lstm": SHORT})
    found = trainings(explored)
    assert found["frame-vote"]["loss"] == HISTORY["loss"].tolist()
    for name in ("frame-vote", "cnn-lstm"):
        assert found[name]["colour"] == plots.recipe_colour(name)


def test_one_run_or_one_table_needs_no_name(tmp_path):
    run = runs.RunFolder(tmp_path / "frame-vote").write(history=HISTORY)
    assert list(trainings(TrainingCurves(run))) == ["frame-vote"]
    assert list(trainings(TrainingCurves(HISTORY))) == ["this training"]


def test_a_missing_run_is_told_and_the_others_are_drawn(tmp_path):
    gone = runs.RunFolder(tmp_path / "gone")
    explored = TrainingCurves({"gone": gone, "mine": HISTORY})
    assert list(trainings(explored)) == ["mine"]
    assert explored.status["problem"]
    assert "history.csv, which does not exist" in explored.status["text"]
    assert "history.csv" in explored.describe()


def test_a_table_that_is_no_history_is_refused_with_the_remedy():
    explored = TrainingCurves()
    with pytest.raises(
        ResultError, match=r"mine with loss and accuracy.*without accuracy.*metrics="
    ):
        explored.show("mine", HISTORY.drop(columns="accuracy"))


def test_without_a_training_there_is_no_picture():
    explored = TrainingCurves()
    assert explored.figure() is None
    assert set(explored._repr_mimebundle_()) == {"text/plain"}
    assert "no training yet" in explored.describe()


def test_the_static_form_draws_one_training_or_compares_several():
    one = TrainingCurves(HISTORY, title="How it went").figure()
    assert one.get_suptitle() == "How it went"
    kept = [line for line in one.axes[0].lines if line.get_label() == "kept: epoch 3"]
    assert [line.get_ydata()[0] for line in kept] == [1.2]
    several = TrainingCurves({"mine": HISTORY, "short": SHORT}).figure()
    names = [text.get_text() for text in several.legends[0].get_texts()]
    assert names == ["mine", "short", "validation", "training", "kept"]
    bundle = TrainingCurves({"mine": HISTORY, "short": SHORT})._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert "mine (4 epochs), short (2 epochs)" in bundle["text/plain"]


def test_curves_grow_epoch_by_epoch_while_a_model_trains():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    draw = np.random.default_rng(0)
    inputs, labels = draw.random((20, 4)), draw.integers(0, 2, 20)
    explored, seen = TrainingCurves({"mine": HISTORY}), []
    explored.observe(lambda _: seen.append(len(trainings(explored)["mine"]["loss"])), "curves")
    watch = explored.watch("mine")
    losses = []
    for epochs in (2, 3):  # each call of fit is a phase
        options = {"epochs": epochs, "validation_split": 0.3, "verbose": 0, "callbacks": [watch]}
        losses += model.fit(inputs, labels, **options).history["val_loss"]
    assert seen == [1, 2, 3, 4, 5]
    one = trainings(explored)["mine"]
    assert one["val_loss"] == pytest.approx(losses, abs=1e-4)
    assert one["kept"] == 2 + int(np.argmin(losses[2:]))
    assert [(phase["start"], phase["end"]) for phase in one["phases"]] == [(0, 2), (2, 5)]
    assert all(np.diff([0, *one["seconds"]]) > 0)


def test_looking_at_curves_loads_no_tensorflow():
    script = (
        "import sys, pandas, vidlab\n"
        "h = pandas.DataFrame({'loss': [1.0], 'accuracy': [0.5]})\n"
        "vidlab.widgets.TrainingCurves(h).figure()\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
