import json
import os

import cv2
import numpy as np
import pandas as pd
import pytest

from vidlab import recipes
from vidlab.data.sampling import Segments, Uniform
from vidlab.errors import ResultError
from vidlab.evaluation import runs, tables
from vidlab.evaluation.predictions import Predictions

FILES = ["history.csv", "metrics.json", "model.keras", "predictions.npz", "recipe.json"]


@pytest.fixture
def predicted():
    return Predictions(["a", "b"], ["g01", "g02"], [0, 1], [[0.9, 0.1], [0.6, 0.4]], ["A", "B"])


@pytest.fixture
def history():
    return pd.DataFrame(
        {"epoch": [1, 2], "phase": [1, 2], "loss": [0.1 + 0.2, 1 / 3], "accuracy": [0.5, 1.0]}
    )


class Model:
    """Saves itself as Keras does: the suffix must be right."""

    def save(self, path):
        assert path.suffix == ".keras"
        path.write_text("weights")


def record(name="frame-vote", config=None, **changes):
    facts = {"profile": "quick", "seed": 0, "split": 1, "fingerprint": "abc"}
    return runs.recipe_record(name, config or {"size": (96, 96)}, **{**facts, **changes})


def test_a_run_is_complete_when_all_five_files_are_there(tmp_path, predicted, history):
    run = runs.RunFolder(tmp_path / "runs" / "mine")
    assert not run.is_complete
    run.write(history=history, predictions=predicted, metrics={"top1": 0.5}, recipe=record())
    assert run.missing == ["model.keras"]
    run.write(model=Model())
    assert run.is_complete
    assert sorted(path.name for path in run.path.iterdir()) == FILES
    pd.testing.assert_frame_equal(run.history, history, rtol=1e-15)
    np.testing.assert_array_equal(run.predictions.probabilities, predicted.probabilities)
    assert run.metrics == {"top1": 0.5}
    assert run.recipe["config"] == {"size": [96, 96]}


def test_records_are_plain_sorted_json(tmp_path):
    metrics = {
        "top5": np.float32(0.5),
        "top1": float("nan"),
        "each": np.arange(2),
        "file": tmp_path,
    }
    run = runs.RunFolder(tmp_path).write(metrics=metrics)
    text = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["each", "file", "top1", "top5"]
    assert run.metrics == {"each": [0, 1], "file": str(tmp_path), "top1": None, "top5": 0.5}


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    run = runs.RunFolder(tmp_path).write(metrics={"top1": 0.25})

    class Interrupted:
        def save(self, path):
            path.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.write(model=Interrupted())

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.write(metrics={"top1": 0.5})
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
    assert run.metrics == {"top1": 0.25}


@pytest.mark.parametrize("file", FILES)
def test_an_absent_or_damaged_piece_is_named_with_the_remedy(tmp_path, file):
    run, piece = runs.RunFolder(tmp_path), file.split(".")[0]

    def read():
        return run.model() if piece == "model" else getattr(run, piece)

    with pytest.raises(ResultError, match=rf"{file}, which does not exist.*vidlab train"):
        read()
    (tmp_path / file).write_text("" if file == "history.csv" else '{"top1": ')
    with pytest.raises(ResultError, match=rf"{file}.*Delete it"):
        read()


@pytest.mark.parametrize(
    ("seed", "split", "expected"),
    [(0, 1, ""), (1, 1, "/seed-2"), (0, 2, "/split-2"), (4, 3, "/seed-5/split-3")],
)
def test_other_seeds_and_splits_have_folders_of_their_own(seed, split, expected):
    path = runs.run_path("home", "frame-vote", profile="quick", seed=seed, split=split)
    assert path.as_posix() == f"home/runs/quick/frame-vote{expected}"


def test_a_record_holds_all_it_takes_to_repeat_a_run():
    held = record(seed=3, split=2)
    facts = [held[name] for name in ("recipe", "profile", "seed", "split", "data_fingerprint")]
    assert facts == ["frame-vote", "quick", 3, 2, "abc"]
    assert set(held["versions"]) == {"python", "vidlab", "keras", "tensorflow", "numpy", "opencv"}
    assert held["versions"]["numpy"] == np.__version__
    assert held["versions"]["opencv"].startswith(cv2.__version__)


def test_a_run_gives_its_inputs_as_they_were(tmp_path):
    for name, size in (("frame-pretrained", 32), ("convgru-fixed", 48)):
        adapted = recipes.get(name).adapted(size=size, sampling=Segments(4), test=Uniform(6))
        kept = record(name, adapted.as_dict())
        run = runs.RunFolder(tmp_path / name).write(recipe=kept)
        assert run.streams() == dict(adapted.inputs)
    run = runs.RunFolder(tmp_path).write(recipe=record())  # of another version
    with pytest.raises(ResultError, match=r"this version of its recipe.*vidlab train frame-vote"):
        run.streams()


def test_all_runs_are_found_finished_or_not(tmp_path, predicted, history):
    whole = runs.RunFolder(runs.run_path(tmp_path, "frame-vote", profile="quick"))
    whole.write(
        model=Model(),
        history=history,
        predictions=predicted,
        metrics={"top1": 0.5, "note": "words", "top1_low": None},
        recipe=record(),
    )
    part = runs.RunFolder(runs.run_path(tmp_path, "frame-vote", profile="quick", seed=1))
    part.write(recipe=record(seed=1))
    table = runs.find_runs(tmp_path)
    assert table["seed"].tolist() == [0, 1]
    assert table["complete"].tolist() == [True, False]
    assert table.loc[0, "top1"] == 0.5
    assert np.isnan(table.loc[1, "top1"])
    assert "note" not in table
    assert table["path"].tolist() == [str(whole.path), str(part.path)]
    nothing = runs.find_runs(tmp_path / "nothing")
    assert list(nothing)[:4] == ["recipe", "profile", "seed", "split"]
    assert len(nothing) == 0


@pytest.fixture
def table():
    return pd.DataFrame(
        {"top1": [1 / 3, np.nan], "videos": [14, 7], "note": ["a|b", "50% & more_"]},
        index=pd.Index(["frame-vote", "own_recipe"], name="recipe"),
    )


def test_a_table_keeps_all_digits_in_csv_and_three_in_markdown_and_latex(tmp_path, table):
    path = tables.export(table, tmp_path / "deep" / "table.csv")
    back = pd.read_csv(path, index_col="recipe")
    pd.testing.assert_frame_equal(back, table, check_dtype=False, rtol=1e-15)
    assert tables.export(table, tmp_path / "table.md").read_text(encoding="utf-8").splitlines() == [
        "| recipe | top1 | videos | note |",
        "| --- | ---: | ---: | --- |",
        "| frame-vote | 0.333 | 14 | a\\|b |",
        "| own_recipe | – | 7 | 50% & more_ |",
    ]
    text = tables.export(table, tmp_path / "table.tex").read_text(encoding="utf-8")
    assert text.startswith("\\begin{tabular}")
    assert "frame-vote & 0.333 & 14 & a|b \\\\" in text
    assert "own\\_recipe & – & 7 & 50\\% \\& more\\_ \\\\" in text


def test_an_unknown_suffix_lists_the_known_ones_and_a_counting_index_is_left_out(tmp_path, table):
    with pytest.raises(ResultError, match=r"\.csv, \.md, \.tex.*table\.xlsx"):
        tables.export(table, tmp_path / "table.xlsx")
    assert not list(tmp_path.iterdir())
    path = tables.export(pd.DataFrame({"true": ["A"], "count": [3]}), tmp_path / "pairs.md")
    assert path.read_text(encoding="utf-8").startswith("| true | count |")
