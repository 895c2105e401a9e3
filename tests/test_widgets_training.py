"""The curves of trainings: what is drawn, what grows, what is said where something is missing."""

import re

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
        "seconds": [2.0, 1.0, 1.0, 4.0],
    }
)
SHORT = HISTORY.head(2).drop(columns=["val_loss", "val_accuracy", "seconds", "phase"])

pytestmark = pytest.mark.usefixtures("live")


def lines(curves):
    """The lines of the chart by name: one of the loss, one of the accuracy."""
    found = {}
    for trace in curves.chart.data:
        found.setdefault(trace.name, []).append(trace)
    return found


def test_curves_phases_and_the_kept_epoch_are_those_of_the_history():
    curves = TrainingCurves({"mine": HISTORY})
    drawn = lines(curves)
    for name, prefix in (("training", ""), ("validation", "val_")):
        loss, accuracy = drawn[name]
        assert list(loss.x) == [1, 2, 3, 4]
        assert list(loss.y) == HISTORY[f"{prefix}loss"].tolist()
        assert list(accuracy.y) == HISTORY[f"{prefix}accuracy"].tolist()
    kept, _ = drawn["validation: kept"]
    assert (list(kept.x), list(kept.y)) == ([3], [1.2])  # the lowest of the last phase
    assert {shape.x0 for shape in curves.chart.layout.shapes} == {3}  # where phase 2 begins


def test_a_history_without_validation_or_phases_is_drawn_with_what_it_has():
    curves = TrainingCurves({"short": SHORT})
    assert list(lines(curves)) == ["training"]
    assert list(lines(curves)["training"][0].x) == [1, 2]


def test_the_loss_is_drawn_on_a_log_scale():
    curves = TrainingCurves({"mine": HISTORY})
    curves._log.value = True
    assert (curves.chart.layout.yaxis.type, curves.chart.layout.yaxis2.type) == ("log", None)


def test_the_slider_reads_the_values_of_an_epoch():
    curves = TrainingCurves({"mine": HISTORY, "short": SHORT})
    assert curves._epoch.value == 4
    curves._epoch.value = 2
    rows = re.findall(r"<th>(\w+)</th>(.*?)</tr>", curves._values.value, flags=re.DOTALL)
    cells = {name: re.findall("<td>(.*?)</td>", row) for name, row in rows}
    assert cells["mine"] == ["1.500", "1.300", "0.400", "0.300"]
    assert cells["short"][0] == "1.500"


def test_runs_and_tables_stand_side_by_side_in_colours_of_their_own(tmp_path):
    run = runs.RunFolder(tmp_path / "frame-vote").write(history=HISTORY)
    drawn = lines(TrainingCurves({"frame-vote": run, "cnn-lstm": SHORT}))
    for name, colour in plots.class_colours(["frame-vote", "cnn-lstm"]).items():
        assert drawn[f"{name}, training"][0].line.color == colour
    assert "frame-vote (4 epochs)" in TrainingCurves({"frame-vote": run}).describe()


def test_a_missing_run_and_a_table_that_is_no_history_are_refused(tmp_path):
    with pytest.raises(ResultError, match=r"history\.csv, which does not exist"):
        TrainingCurves({"gone": runs.RunFolder(tmp_path / "gone")})
    with pytest.raises(ResultError, match=r"mine .*without accuracy.*metrics="):
        TrainingCurves().show("mine", HISTORY.drop(columns="accuracy"))


def test_the_static_form_draws_one_training_or_compares_several(monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "static")
    empty = TrainingCurves()
    assert set(empty._repr_mimebundle_()) == {"text/plain"}
    assert "no training yet" in empty.describe()
    one = TrainingCurves({"mine": HISTORY}, title="How it went")
    assert one.children == ()
    assert one.figure().get_suptitle() == "How it went"
    bundle = TrainingCurves({"mine": HISTORY, "short": SHORT})._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert "mine (4 epochs), short (2 epochs)" in bundle["text/plain"]


def test_curves_grow_epoch_by_epoch_while_a_model_trains():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    draw = np.random.default_rng(0)
    inputs, labels = draw.random((20, 4)), draw.integers(0, 2, 20)
    curves, lengths = TrainingCurves({"mine": HISTORY}), []
    watch = curves.watch("mine")
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: lengths.append(len(lines(curves)["training"][0].x))
    )
    losses = []
    for epochs in (2, 3):  # each call of fit is a phase
        fit = {"epochs": epochs, "validation_split": 0.3, "verbose": 0}
        losses += model.fit(inputs, labels, callbacks=[watch, count], **fit).history["val_loss"]
    assert lengths == [1, 2, 3, 4, 5]
    loss, _ = lines(curves)["validation"]
    assert list(loss.y) == pytest.approx(losses, abs=1e-4)
    kept, _ = lines(curves)["validation: kept"]
    assert list(kept.x) == [3 + int(np.argmin(losses[2:]))]
