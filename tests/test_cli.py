"""The command line: what each command is given, prints and returns."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from vidlab.cli import app, doctor
from vidlab.course import profiles, runner
from vidlab.course.execution import Failure
from vidlab.course.records import Record
from vidlab.course.runner import RunSummary
from vidlab.errors import SplitError
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import Predictions

FIXTURES = Path(__file__).parent / "notebooks"


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Call the command line: (words) -> result with exit_code, stdout, stderr."""
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Replace the runner by one that takes note of what it is asked; answer with its records."""
    calls = []
    answer = []

    def run(numbers, **options):
        calls.append({"numbers": numbers, **options})
        return RunSummary(tmp_path, tmp_path / "index.html", tuple(answer), (), seconds=1.0)

    monkeypatch.setattr(runner, "run", run)
    return calls, answer


def test_help_lists_the_commands_in_groups(call):
    said = call("--help")
    assert said.exit_code == 0
    for word in ("Start here", "run", "doctor", "data", "features", "train", "evaluate", "compare"):
        assert word in said.stdout


def test_features_are_extracted_once_and_said_where(call, toy_dataset):
    words = ("features", "mobilenet-gru", "--profile", "smoke", "--dataset", str(toy_dataset()))
    said = call(*words)
    assert said.exit_code == 0, said.output
    assert re.search(r"features.*96 features a frame, [\d.]+ MB, extracted in \d+ s", said.stdout)
    kept = {path: path.stat().st_mtime_ns for path in Path("cache/features").rglob("*.npy")}
    assert kept
    assert call(*words).exit_code == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}


def test_a_network_on_pixels_has_no_features(call, toy_dataset):
    said = call("features", "gru-pixels", "--profile", "smoke", "--dataset", str(toy_dataset()))
    assert said.exit_code != 0
    assert "gru-pixels" in said.stderr


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom vidlab.cli import app\n"
        "assert CliRunner().invoke(app, ['run', '--help']).exit_code == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'pandas', 'cv2', 'papermill', 'nbformat'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "vidlab", "data", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "fetch" in done.stdout


def test_run_passes_its_options_on(call, asked):
    words = ("run", "1", "2-4", "--profile", "smoke", "--jobs", "2", "--resume", "--silence", "9")
    assert call(*words).exit_code == 0
    assert asked[0] == [
        {
            "numbers": ["1", "2-4"],
            "profile": "smoke",
            "jobs": 2,
            "resume": True,
            "parameters": {},
            "silence": 9.0,
        }
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("-p", "word", "hi", "-p", "count", "3"),
        ("-p", "word=hi", "-p", "count=3"),
        ("--parameter", "word", "hi", "-p", "count=3"),
    ],
    ids=["two words", "equals", "mixed"],
)
def test_parameters_are_written_in_two_words_or_with_an_equals_sign(call, asked, words):
    assert call("run", "1", *words, "2").exit_code == 0
    assert asked[0][0]["parameters"] == {"word": "hi", "count": "3"}
    assert asked[0][0]["numbers"] == ["1", "2"]


def test_a_parameter_without_a_value_is_explained(call, asked):
    said = call("run", "-p", "word")
    assert said.exit_code == 1
    assert "-p NAME VALUE" in said.stderr
    assert "such as -p dataset my-videos" in said.stderr


def test_a_failure_is_told_with_cell_error_and_command(call, asked):
    failure = Failure(7, 31, 4, error="ValueError: too small", line="line 3: fit(x)")
    asked[1].append(
        Record("04_x", "X", "failed", 1.0, "", "", {}, "vidlab run 4 --profile quick", failure)
    )
    said = call("run", "4")
    assert said.exit_code == 1
    for words in (
        "04_x: failed in cell 7 of 31 (In [4])",
        "ValueError: too small",
        "line 3: fit(x)",
        "Run it again: vidlab run 4 --profile quick",
    ):
        assert words in said.stderr


def test_an_unknown_profile_is_one_message(call):
    said = call("run", "--profile", "huge")
    assert said.exit_code == 1
    assert "quick, smoke" in said.stderr
    assert "Traceback" not in said.stderr


def test_traceback_is_there_for_those_who_ask(call):
    said = call("--traceback", "run", "--profile", "huge")
    assert said.exit_code == 1
    assert type(said.exception).__name__ == "ProfileError"


def test_interruption_has_an_exit_status_of_its_own(call, monkeypatch):
    def run(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", run)
    said = call("run")
    assert said.exit_code == 130
    assert "Interrupted" in said.stderr


def test_strip_says_what_it_did(call, tmp_path):
    path = tmp_path / "01.ipynb"
    path.write_text((FIXTURES / "01_says_hello.ipynb").read_text().replace("null", "5"))
    assert "stripped" in call("notebooks", "strip", "01.ipynb").stdout
    assert "was clean" in call("notebooks", "strip", "01.ipynb").stdout


def test_data_info_counts_videos_and_groups(call, toy_dataset):
    said = call("data", "info", str(toy_dataset(groups=6, clips=2)))
    assert said.exit_code == 0
    assert "36 videos" in said.stdout
    row = next(line for line in said.stdout.splitlines() if "Jump" in line)
    assert row.replace("│", " ").split() == ["Jump", "12", "6", "0.360", "0.360", "0.360"]


def test_data_verify_is_content_with_a_whole_dataset(call, toy_dataset):
    said = call("data", "verify", str(toy_dataset()), "--whole")
    assert said.exit_code == 0
    assert "complete" in said.stdout
    assert "no group in two parts" in said.stdout


def test_data_verify_fails_for_a_video_that_cannot_be_read(call, toy_dataset):
    root = toy_dataset()
    next((root / "UCF-101" / "Run").glob("*.avi")).write_bytes(b"")
    said = call("data", "verify", str(root))
    assert said.exit_code == 1
    assert "Remove or replace" in said.stderr


def test_data_verify_lists_the_problems_before_it_says_that_no_split_can_be_made(
    call, toy_dataset, monkeypatch
):
    from vidlab.data.index import VideoIndex

    def split(*_, **__):
        raise SplitError("Expected two groups. Received: one. Add videos.")

    root = toy_dataset()
    next((root / "UCF-101" / "Run").glob("*.avi")).write_bytes(b"")
    monkeypatch.setattr(VideoIndex, "split", split)
    said = call("data", "verify", str(root))
    assert said.exit_code == 1
    assert "Problems" in said.stdout
    assert "There is no split 1. Expected two groups" in said.stderr


def test_figures_go_to_the_repository_from_wherever_they_are_asked_for(call, monkeypatch, tmp_path):
    from vidlab.course import figures

    asked = []
    monkeypatch.setattr(figures, "make_all", lambda folder: asked.append(folder) or [])
    monkeypatch.setattr(profiles, "folder", lambda: tmp_path / "clone" / "nbconfig")
    assert call("figures").exit_code == 0
    assert call("figures", "--out", "here").exit_code == 0
    assert asked == [tmp_path / "clone" / "figures", Path("here")]


def test_an_unknown_dataset_is_one_message(call):
    said = call("data", "info", "nowhere")
    assert said.exit_code == 1
    assert "pantomime, ucf101" in said.stderr


def test_train_refuses_an_unknown_recipe_and_lists_the_known_ones(call):
    said = call("train", "frame-magic")
    assert said.exit_code == 1
    assert "frame-scratch" in said.stderr


def test_train_refuses_splits_that_do_not_exist(call):
    said = call("train", "frame-scratch", "--splits", "1,4")
    assert said.exit_code == 1
    assert "Received: 1,4" in said.stderr


def test_train_prints_and_exports_the_sweep(call, monkeypatch, tmp_path):
    from vidlab.course import lab

    calls = []

    def sweep(recipe, **options):
        calls.append({"recipe": recipe, **options})
        return pd.DataFrame({"recipe": [recipe], "top1": [0.5], "top1_spread": [0.125]})

    monkeypatch.setattr(lab, "sweep", sweep)
    for split in (1, 2, 3):
        write_run(tmp_path, "frame-scratch", profile="smoke", split=split)
    words = ("--profile", "smoke", "--seeds", "5", "--splits", "1,2,3", "--export", "table.csv")
    said = call("train", "frame-scratch", *words)
    assert said.exit_code == 0
    assert calls == [
        {
            "recipe": "frame-scratch",
            "profile": "smoke",
            "seeds": 5,
            "splits": [1, 2, 3],
            "dataset": "",
        }
    ]
    assert "50.0% ± 12.5" in said.stdout
    assert "all 3 splits together, first seed: top-1 75.0%" in said.stdout
    assert "12 clusters" in said.stdout
    told = " ".join(said.stdout.split())
    assert "Departures: The source names the augmentation" in told
    assert "frame size 64×64" in told
    assert pd.read_csv(tmp_path / "table.csv")["top1"].tolist() == [0.5]


def test_splits_that_share_test_videos_are_not_pooled(call, monkeypatch, tmp_path):
    from vidlab.course import lab

    monkeypatch.setattr(
        lab, "sweep", lambda *_, **__: pd.DataFrame({"top1": [0.5], "top1_spread": [np.nan]})
    )
    for split in (1, 2):
        write_run(tmp_path, "frame-scratch", profile="smoke", split=split, clip="same")
    said = call("train", "frame-scratch", "--profile", "smoke", "--splits", "1,2,2")
    assert said.exit_code == 0
    assert "videos in common" in said.stdout


def write_run(home, recipe, *, profile="quick", split=1, clip=""):
    """Write a finished run that is right about three videos of four."""
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]], np.float32)
    said = Predictions(
        video_ids=np.array([f"{name}{clip or split}" for name in "abcd"]),
        groups=np.array([f"{name}{clip or split}" for name in ("g1", "g2", "g1", "g2")]),
        y_true=np.array([0, 0, 1, 1]),
        probabilities=probabilities,
        classes=["Jump", "Run"],
        frames=None,
    )
    folder = runs.run_path(home, recipe, profile=profile, split=split)
    record = {"recipe": recipe, "profile": profile, "seed": 0, "split": split}
    runs.RunFolder(folder).write(predictions=said, metrics={"top1": 0.75}, recipe=record)
    return folder


@pytest.fixture
def finished_run(tmp_path):
    """The folder of a finished run of a recipe."""
    return write_run(tmp_path, "frame-scratch")


def test_evaluate_finds_a_run_by_its_recipe(call, finished_run):
    said = call("evaluate", "frame-scratch", "--export", "classes.md")
    assert said.exit_code == 0, said.stderr
    assert "4 videos, 2 classes" in said.stdout
    assert "top-1 75.0%" in said.stdout
    assert "4 clusters" in said.stdout
    assert "top-5" not in said.stdout
    assert Path("classes.md").read_text().startswith("| ")


def test_evaluate_lists_the_runs_of_a_folder(call, finished_run):
    said = call("evaluate", str(finished_run.parent))
    assert said.exit_code == 0
    assert "frame-scratch" in said.stdout
    assert "0.750" in said.stdout


def test_evaluate_says_how_to_make_what_is_missing(call):
    said = call("evaluate", "frame-vote")
    assert said.exit_code == 1
    assert "vidlab train frame-vote --profile quick" in said.stderr


def test_doctor_tells_what_the_machine_has(call):
    said = call("doctor")
    assert said.exit_code == 0
    for what in ("Python", "packages", "memory", "disk", "data", "weights"):
        assert what in said.stdout


@pytest.mark.parametrize(
    ("version", "fits"),
    [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 9), True), ((3, 14, 0), False)],
)
def test_doctor_wants_a_python_for_which_tensorflow_is_made(monkeypatch, version, fits):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert (next(doctor.examine()).remedy == "") == fits


def test_a_console_that_lacks_a_character_is_no_error():
    script = "from vidlab.cli import main\nimport sys\nsys.argv = ['vidlab', 'x✗']\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252:strict", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 2
    assert b"UnicodeEncodeError" not in done.stderr


def test_doctor_fails_where_something_needed_is_missing(call, monkeypatch):
    remedy = doctor.Finding("kernel", "none", "pip install ipykernel", needed=True)
    monkeypatch.setattr(doctor, "examine", lambda: iter([remedy]))
    said = call("doctor")
    assert said.exit_code == 1
    assert "pip install ipykernel" in said.stdout


def test_doctor_does_not_fail_for_what_is_only_recommended(call, monkeypatch):
    advice = doctor.Finding("memory", "1 GiB", "Close other programs.")
    monkeypatch.setattr(doctor, "examine", lambda: iter([advice]))
    assert call("doctor").exit_code == 0
