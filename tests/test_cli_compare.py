"""``vidlab compare``: which runs it finds, and what it prints and writes."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest

from vidlab import evaluation
from vidlab.cli import console
from vidlab.evaluation import runs, tables
from vidlab.evaluation.predictions import FramePredictions, Predictions


@pytest.fixture
def finish(tmp_path):
    """Write a finished run on 24 videos of 12 classes that is wrong about the first ones."""

    def make(recipe, *, wrong, seed=0, videos=24, dataset="pantomime"):
        y_true = np.arange(videos) % 12
        said = Predictions(
            video_ids=[f"v{number}" for number in range(videos)],
            groups=[f"g{number // 12 + 1:02d}" for number in range(videos)],
            y_true=y_true,
            probabilities=np.eye(12)[np.where(np.arange(videos) < wrong, 11 - y_true, y_true)],
            classes=[f"Class{label}" for label in range(12)],
            frames=FramePredictions(np.arange(videos), np.zeros(videos), np.eye(12)[11 - y_true]),
        )
        metrics = {"parameters": 1_234_567, "training_seconds": 42.0, "model_bytes": 4_200_000}
        record = {"recipe": recipe, "seed": seed, "config": {"dataset": dataset}}
        folder = runs.run_path(tmp_path, recipe, profile="quick", seed=seed)
        runs.RunFolder(folder).write(predictions=said, metrics=metrics, recipe=record)
        return said

    return make


def test_runs_are_ranked_with_their_cost_and_published_values(call, finish):
    finish("frame-scratch", wrong=12)
    finish("frame-finetuned", wrong=3)
    finish("my-own", wrong=6)
    said = call("compare", "frame-scratch", "frame-finetuned", "my-own")
    assert said.exit_code == 0, said.stderr
    table = said.stdout[: said.stdout.index("Cost")]
    places = [table.index(name) for name in ("frame-finetuned", "my-own", "frame-scratch")]
    assert places == sorted(places)
    for words in (
        "top1 %",
        "87.5 (",
        "published top-5 %",
        "68.2",
        "1,234,567",
        "42.000",
        "4.200",
        "top-1 on 24 videos, with 95% intervals over 24 groups",
    ):
        assert words in said.stdout
    assert "Class by class" not in said.stdout


def test_two_runs_are_compared_by_frames_where_that_is_asked_for(call, finish, tmp_path):
    finish("frame-scratch", wrong=12)
    finish("frame-finetuned", wrong=3)
    words = ("--per", "frame", "--export", "table.csv")
    said = call("compare", "frame-scratch", "frame-finetuned", *words)
    assert said.exit_code == 0, said.stderr
    assert "Class by class, frames: frame-finetuned (b) − frame-scratch (a)" in said.stdout
    deltas = pd.read_csv(tmp_path / "table-classes.csv")
    assert deltas[["accuracy_a", "accuracy_b", "delta"]].to_numpy().max() == 0
    said = call("evaluate", "frame-finetuned", "--per", "frame")
    assert "24 frames, 12 classes" in said.stdout
    assert "top-1 0.0%" in said.stdout


def test_two_runs_are_compared_class_by_class(call, finish, tmp_path):
    a, b = finish("frame-scratch", wrong=12), finish("frame-finetuned", wrong=3)
    said = call("compare", "frame-scratch", "frame-finetuned", "--export", "table.csv")
    assert said.exit_code == 0, said.stderr
    assert re.search(r"37\.5 \([\d.]+ to [\d.]+\) │ +0 │ +9 │", said.stdout)
    assert "Class by class, videos: frame-finetuned (b) − frame-scratch (a)" in said.stdout
    board = pd.read_csv(tmp_path / "table.csv", index_col="model")
    assert board["top1"].to_dict() == {
        "frame-finetuned": 21 / 24,
        "frame-scratch": 0.5,
    }
    assert board.loc["frame-finetuned", "published top-1 %"] == 68.2
    tests = pd.read_csv(tmp_path / "table-tests.csv")
    pd.testing.assert_frame_equal(
        tests, evaluation.compare({"frame-scratch": a, "frame-finetuned": b})
    )
    deltas = pd.read_csv(tmp_path / "table-classes.csv", index_col="class")
    pd.testing.assert_frame_equal(deltas, evaluation.class_deltas(a, b))


def test_runs_of_one_recipe_are_told_apart_by_their_folders_and_one_is_shown_alone(
    call, finish, tmp_path
):
    finish("frame-vote", wrong=4)
    finish("frame-vote", wrong=6, seed=1)
    said = call("compare", "frame-vote", tmp_path / "runs/quick/frame-vote/seed-2")
    assert "frame-vote/seed-2" in said.stdout
    said = call("compare", "frame-vote", "frame-vote")
    assert "83.3 (" in said.stdout
    assert "ifferences" not in said.stdout


def test_runs_on_other_videos_are_refused(call, finish):
    finish("frame-vote", wrong=4)
    finish("frame-scratch", wrong=4, videos=30)
    said = call("compare", "frame-vote", "frame-scratch")
    assert said.exit_code == 1
    assert "24 of frame-vote and 30 of frame-scratch" in said.stderr


def test_predictions_made_elsewhere_are_evaluated_and_compared(call, tmp_path):
    for name, share in (("a.csv", 0.9), ("b.csv", 0.3)):
        rows = [f"v_Run_g{n:02d}_c01,Run,{share},{1 - share:.1f}" for n in range(1, 9)]
        (tmp_path / name).write_text("\n".join(["video_id,true,Run,Jump", *rows]))
    shown = call("evaluate", "a.csv")
    assert shown.exit_code == 0, shown.stderr
    assert "a.csv: 8 videos, 2 classes" in shown.stdout
    (tmp_path / ".pyenv").mkdir()
    shutil.copy(tmp_path / "a.csv", tmp_path / ".pyenv")
    assert call("evaluate", ".pyenv/a.csv").exit_code == 0
    shown = call("compare", "a.csv", "b.csv")
    assert shown.exit_code == 0, shown.stderr
    assert "8 videos" in shown.stdout
    assert "a.csv" in shown.stdout


def test_a_table_has_the_columns_it_is_given_and_no_p_value_of_zero(capsys):
    console.table(pd.DataFrame({"kick_high": [7], "kick_low": [5], "p": [0.0002]}), title="counts")
    shown = capsys.readouterr().out.split()
    assert {"kick_high", "kick_low", "7", "5", "<0.001"} <= set(shown)


def test_shares_are_read_with_their_interval_or_spread_in_percent():
    table = pd.DataFrame(
        {
            "videos": [4, 8, 8],
            "top1": [0.5, 0.25, np.nan],
            "top1_low": [0.25, np.nan, np.nan],
            "top1_high": [0.625, np.nan, np.nan],
            "top5": [0.9, 0.8, 0.7],
            "top5_spread": [0.05, np.nan, np.nan],
            "p": [0.01, 0.02, 0.03],
            "gain": [-0.1, 0.0, 0.1],
            "low": [-0.2, -0.1, 0.0],
            "high": [0.1, 0.1, 0.3],
        }
    )
    shown = tables.readable(table)
    assert list(shown) == ["videos", "top1 %", "top5 %", "p", "gain %"]
    assert shown["top1 %"].tolist() == ["50.0 (25.0 to 62.5)", "25.0", "–"]
    assert shown["top5 %"].tolist() == ["90.0 ± 5.0", "80.0", "70.0"]
    assert shown["gain %"].tolist()[0] == "-10.0 (-20.0 to 10.0)"
