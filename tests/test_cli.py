"""The command line: what each command is given, prints and returns."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from vidlab.cli import app, doctor
from vidlab.course import profiles, runner
from vidlab.course.claims import Claim
from vidlab.course.execution import Failure
from vidlab.course.lab import Lab
from vidlab.course.records import Record
from vidlab.course.runner import RunSummary
from vidlab.errors import SplitError
from vidlab.evaluation import runs
from vidlab.evaluation.predictions import Predictions


@pytest.fixture
def runner_calls(monkeypatch, tmp_path):
    """Replace the runner by one that notes its calls, and gives the records put into a list."""
    calls, records = [], []

    def run(numbers, **options):
        calls.append({"numbers": numbers, **options})
        return RunSummary(tmp_path, tmp_path / "index.html", tuple(records), (), seconds=1.0)

    monkeypatch.setattr(runner, "run", run)
    return calls, records


def test_help_lists_the_commands_in_groups(call):
    shown = call("--help")
    assert shown.exit_code == 0
    for word in ("Start here", "run", "doctor", "data", "features", "train", "evaluate", "compare"):
        assert word in shown.stdout


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom vidlab.cli import app\n"
        "assert CliRunner().invoke(app, ['run', '--help']).exit_code == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'pandas', 'cv2', 'papermill', 'nbformat'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_package_runs_as_a_module_on_a_console_that_lacks_a_character():
    done = subprocess.run(
        [sys.executable, "-m", "vidlab", "data", "x✗"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252:strict", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 2
    assert b"No such command 'x" in done.stderr
    assert b"UnicodeEncodeError" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--profile", "huge"), "quick, smoke"),
        (("data", "info", "nowhere"), "pantomime, ucf101"),
        (("train", "frame-magic"), "frame-scratch"),
        (("train", "frame-scratch", "--split", "4"), "split: Input should be 1, 2 or 3"),
        (("evaluate", "frame-vote"), "vidlab train frame-vote --profile quick"),
        (("compare", "frame-vote"), "vidlab train frame-vote --profile quick"),
        (("predict", "a.avi", "--profile", "smoke"), "train convgru-finetuned --profile smoke"),
        (("explain", "a.avi", "--recipe", "frame-vote"), "vidlab train frame-vote --profile quick"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_message_with_its_remedy(call, words, told):
    shown = call(*words)
    assert shown.exit_code == 1
    assert re.search(told, shown.stderr, flags=re.DOTALL)
    assert "Traceback" not in shown.stderr
    assert type(call("--traceback", *words).exception).__name__.endswith("Error")


def test_run_passes_its_options_on(call, runner_calls):
    words = ("run", "1", "2-4", "--profile", "smoke", "--jobs", "2", "--resume", "--silence", "9")
    assert call(*words).exit_code == 0
    options = {"profile": "smoke", "jobs": 2, "resume": True, "parameters": {}, "silence": 9.0}
    assert runner_calls[0] == [{"numbers": ["1", "2-4"], **options}]


@pytest.mark.parametrize(
    "words",
    [
        ("-p", "word", "hi", "-p", "count", "3"),
        ("-p", "word=hi", "-p", "count=3"),
        ("--parameter", "word", "hi", "-p", "count=3"),
    ],
    ids=["two words", "equals", "mixed"],
)
def test_parameters_are_written_in_two_words_or_with_an_equals_sign(call, runner_calls, words):
    assert call("run", "1", *words, "2").exit_code == 0
    assert runner_calls[0][0]["parameters"] == {"word": "hi", "count": "3"}
    assert runner_calls[0][0]["numbers"] == ["1", "2"]
    for words in (("-p", "word"), ("-p", "=x")):
        wrong = call("run", *words)
        assert wrong.exit_code == 2
        assert f"{words[-1]!r} is no name with a value, as in -p dataset my-videos" in wrong.stderr


def test_a_failure_is_told_with_cell_error_and_command(call, runner_calls):
    failure = Failure("failed", "ValueError: too small", "line 3: fit(x)", 7, 31, 4)
    command = "vidlab run 4 --profile quick"
    runner_calls[1].append(Record("04_x", 1.0, "", command, failure))
    shown = call("run", "4")
    assert shown.exit_code == 1
    assert "04_x: failed in cell 7 of 31 (In [4])" in shown.stderr
    for words in ("ValueError: too small", "line 3: fit(x)", f"Run it again: {command}"):
        assert words in shown.stderr


def test_run_ends_with_the_number_of_claims_that_hold_and_those_that_do_not(call, runner_calls):
    claims = (Claim("It holds", True, "2"), Claim("It fails", False, "1 of 2"))
    made = ("04_x", 1.0, "", "vidlab run 4", None, claims)
    runner_calls[1].append(Record(*made))
    shown = call("run", "4")
    assert shown.exit_code == 0
    assert "claims: 1 ✓, 1 ✗, 0 not tested here\n  ✗ 04_x: It fails: 1 of 2" in shown.stdout


def test_interruption_has_an_exit_status_of_its_own(call, monkeypatch):
    def run(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", run)
    shown = call("run")
    assert shown.exit_code == 130
    assert "Interrupted" in shown.stderr


def test_features_are_extracted_once_and_said_where(call, toy_dataset):
    options = ("--profile", "smoke", "--dataset", str(toy_dataset()))
    shown = call("features", "mobilenet-gru", *options)
    assert shown.exit_code == 0, shown.output
    assert re.search(r"features.*96 features a frame, [\d.]+ MB, extracted in \d+ s", shown.stdout)
    kept = {path: path.stat().st_mtime_ns for path in Path("cache/features").rglob("*.npy")}
    assert kept
    assert call("features", "mobilenet-gru", *options).exit_code == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    shown = call("features", "gru-pixels", *options)
    assert shown.exit_code == 1
    assert "gru-pixels" in shown.stderr


def test_data_info_counts_videos_and_groups(call, toy_dataset):
    shown = call("data", "info", str(toy_dataset(groups=6, clips=2)))
    assert shown.exit_code == 0
    assert "36 videos" in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if "Jump" in line)
    assert row.replace("│", " ").split() == ["Jump", "12", "6", "0.360", "0.360", "0.360"]


@pytest.mark.filterwarnings("ignore:vidlab")
def test_data_verify_tells_a_whole_dataset_and_lists_what_cannot_be_read_or_split(
    call, toy_dataset, monkeypatch, tmp_path
):
    from vidlab.data.index import VideoIndex

    def split(*_, **__):
        raise SplitError("Expected two groups. Received: one. Add videos.")

    root = toy_dataset()
    shown = call("data", "verify", str(root), "--whole", "--csv", str(tmp_path / "all.csv"))
    assert shown.exit_code == 0
    assert shown.stdout.count("no group in two parts") == 3
    assert len(pd.read_csv(tmp_path / "all.csv")) == 36
    next((root / "UCF-101" / "Run").glob("*.avi")).write_bytes(b"")
    shown = call("data", "verify", str(root))
    assert shown.exit_code == 1
    assert "Remove or replace" in shown.stderr
    assert "1 unreadable." in call("data", "info", str(root)).stdout
    monkeypatch.setattr(VideoIndex, "split", split)
    shown = call("data", "verify", str(root))
    assert shown.exit_code == 1
    assert "Problems" in shown.stdout
    assert "Split 1 cannot be used. Expected two groups" in shown.stderr


def test_a_given_split_that_leaks_is_refused_and_the_way_out_is_named(call, toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"))
    (file,) = root.rglob("trainlist01.txt")
    (test,) = root.rglob("testlist01.txt")
    lines = test.read_text().splitlines()
    file.write_text(file.read_text() + f"{lines[0]} 1\n")
    test.write_text("\n".join(lines[1:]))
    shown = call("data", "verify", str(root))
    assert shown.exit_code == 1
    assert "Split 1 cannot be used" in shown.stderr
    assert "--layout unsplit" in shown.stderr
    shown = call("data", "verify", str(root), "--layout", "unsplit")
    assert shown.exit_code == 0
    assert shown.stdout.count("no group in two parts") == 1


def test_data_verify_knows_groups_only_where_something_tells_them(call, toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), lists=False)
    for file in root.rglob("*.avi"):
        file.rename(file.with_name(file.stem.replace("v_", "person").replace("_g", "") + ".avi"))
    shown = call("data", "verify", str(root))
    assert shown.exit_code == 0
    assert "no group in two parts" not in shown.stdout
    assert "24 videos name no group" in shown.stderr
    shown = call("data", "verify", str(root), "--groups", r"(\d+)_c")
    assert "no group in two parts" in shown.stdout
    assert shown.stderr == ""
    named = sorted((root / "UCF-101" / "Jump").glob("*.avi"))
    for number, file in enumerate(named[:4], start=1):
        file.rename(file.with_name(f"v_Jump_g0{number}_c01.avi"))
    shown = call("data", "verify", str(root))
    assert f"{2 * len(named) - 4} videos name no group" in shown.stderr
    assert "no group in two parts of the 4 videos that name one" in shown.stdout
    shown = call("data", "info", str(root), "--layout", "class", "--groups", r"(\d+)_c")
    assert "Layout: class." in shown.stdout
    shown = call("data", "info", str(root), "--layout", "hmdb51")
    assert shown.exit_code == 1
    assert "Expected the layout hmdb51" in shown.stderr


def test_data_verify_fails_where_copies_are_in_two_parts(call, toy_dataset):
    root = toy_dataset()
    run = root / "UCF-101" / "Run"
    (run / "v_Run_g05_c01.avi").write_bytes((run / "v_Run_g01_c01.avi").read_bytes())
    shown = call("data", "verify", str(root))
    assert shown.exit_code == 1
    assert "1 videos are in two parts of split 1" in shown.stderr


def test_the_figure_goes_to_the_repository_from_wherever_it_is_asked_for(
    call, monkeypatch, tmp_path
):
    sheet = np.random.default_rng(0).integers(0, 255, (200, 100, 3), np.uint8)
    monkeypatch.setattr("vidlab.pantomime.contact_sheet", lambda: sheet)
    monkeypatch.setattr(profiles, "folder", lambda: tmp_path / "clone" / "nbconfig")
    (tmp_path / "clone" / "figures").mkdir(parents=True)
    shown = call("figures")
    assert shown.exit_code == 0, shown.output
    assert "clone/figures/pantomime.png" in shown.stdout
    made = cv2.imread(str(tmp_path / "clone" / "figures" / "pantomime.png"))
    assert made.shape == (40, 80, 3)


def write_run(home, recipe, *, profile="quick", seed=0, split=1, clip="", right=3):
    """Write a finished run that is right about some videos of four."""
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], np.float32)
    probabilities[right:] = probabilities[right:, ::-1]
    predictions = Predictions(
        video_ids=np.array([f"{name}{clip or split}" for name in "abcd"]),
        groups=np.array([f"{name}{clip or split}" for name in ("g1", "g2", "g1", "g2")]),
        y_true=np.array([0, 0, 1, 1]),
        probabilities=probabilities,
        classes=["Jump", "Run"],
        frames=None,
    )
    folder = runs.RunFolder(runs.run_path(home, recipe, profile=profile, seed=seed, split=split))
    record = {"recipe": recipe, "profile": profile, "seed": seed, "split": split}
    return folder.write(predictions=predictions, metrics={"top1": right / 4}, recipe=record)


def test_train_prints_and_exports_mean_and_spread(call, monkeypatch, toy_folder, tmp_path):
    clip = ""

    def run(lab, name, *, seed, split):
        options = {"seed": seed, "split": split, "right": 3 - seed, "clip": clip}
        return write_run(tmp_path, name, profile="smoke", **options)

    monkeypatch.setattr(Lab, "run", run)
    words = ("--profile", "smoke", "--dataset", toy_folder, "--folds", "official")
    shown = call("train", "frame-scratch", *words, "--seeds", "2", "--export", "table.csv")
    assert shown.exit_code == 0, shown.output
    assert f"62.5 ± {100 * np.std([0.5, 0.75] * 3, ddof=1):.1f}" in shown.stdout
    assert "all 3 splits together, first seed: top-1 75.0%" in shown.stdout
    assert "12 clusters" in shown.stdout
    text = " ".join(shown.stdout.replace("│", " ").split())
    for words_shown in ("frame-scratch 23.400 38.900", "The source names the augmentation"):
        assert words_shown in text
    assert "size 64×64" in text
    assert pd.read_csv(tmp_path / "table.csv")["top1"].tolist() == [0.625]
    clip = "same"  # splits that share test videos are not pooled
    assert "videos in common" in call("train", "frame-scratch", *words).stdout


def test_folds_leave_each_group_out_once_and_are_counted_together(
    call, monkeypatch, toy_dataset, tmp_path
):
    tested, root = [], toy_dataset(groups=3, lists=False)

    def run(lab, name, *, seed, split):
        """Predict the first class for every test video of the fold."""
        train, validation, test = lab._parts(lab.recipe(name), split)
        tested.append(test)
        known = {*train.table["group"], *validation.table["group"]}
        assert not known & set(test.table["group"])
        found = Predictions(
            video_ids=test.table["video_id"].to_numpy(str),
            groups=test.groups,
            y_true=test.labels,
            probabilities=np.tile(np.float32([0.8, 0.1, 0.1]), (len(test), 1)),
            classes=test.classes,
            frames=None,
        )
        folder = runs.RunFolder(lab.run_path(name, seed=seed, split=split))
        record = {"recipe": name, "profile": "smoke", "seed": seed, "split": split}
        folder.write(predictions=found, metrics={"top1": 1 / 3}, recipe=record)
        if name == "gru-pixels":
            line = runs.RunFolder(lab.run_path("cnn-linear", seed=seed, split=split))
            right = dataclasses.replace(found, probabilities=np.eye(3)[found.y_true])
            record = record | {"recipe": "cnn-linear"}
            line.write(predictions=right, metrics={"top1": 1.0}, recipe=record)
        return folder

    monkeypatch.setattr(Lab, "run", run)
    Path("lined.yaml").write_text("base: smoke\nline: cnn-linear\n")
    words = ("--profile", "lined.yaml", "--dataset", str(root), "--export", "table.csv")
    shown = call("train", "gru-pixels", "--folds", "group", *words)
    assert shown.exit_code == 0, shown.output
    assert [set(test.table["group"]) for test in tested] == [{"g01"}, {"g02"}, {"g03"}]
    assert "3 folds by group" in shown.stdout
    assert "all 3 splits together, first seed: top-1 33.3%" in shown.stdout
    shown_as = " ".join(shown.stdout.split())
    assert "gru-pixels: top-1 33.3%, the mean of 3 runs; the line to pass is cnn-linear" in shown_as
    assert "67 points below it: for these videos use cnn-linear." in shown_as
    counts = pd.read_csv("table-confusion.csv", index_col=0).to_numpy()
    assert counts.tolist() == [[6, 0, 0]] * 3
    folds = runs.find_runs(tmp_path / "runs").query("recipe == 'gru-pixels'")
    assert folds["split"].tolist() == [f"fold-{number}-by-group" for number in (1, 2, 3)]
    shown = call("train", "gru-pixels", "--folds", "person", *words)
    assert "Expected folds by group, official, or their number. Received: 'person'" in shown.stderr


def test_every_command_that_means_a_run_has_the_same_options():
    from typer.main import get_command

    commands = get_command(app).commands
    names = {"profile", "dataset", "layout", "groups", "backbone", "weights", "image_size"}
    names |= {"split", "seed"}
    wanted = ("run", "train", "features", "evaluate", "predict", "explain", "compare", "export")
    for command in wanted:
        options = {one.name: one for one in commands[command].params}
        assert names <= set(options), command
        assert {name: options[name].help for name in names} == {
            one.name: one.help for one in commands["train"].params if one.name in names
        }


def test_the_options_find_the_run_that_was_made_with_them(call, toy_folder, tmp_path):
    given = {"dataset": str(toy_folder), "backbone": "mobilenetv2", "image_size": 32, "seed": 1}
    lab = Lab("smoke", **given)
    words = ("--profile", "smoke", "--backbone", "mobilenetv2", "--size", "32", "--seed", "1")
    missing = call("evaluate", "gru-pixels", *words, "--dataset", str(toy_folder))
    typed = f"--profile smoke --dataset {toy_folder} {' '.join(words[2:])}"
    assert f"vidlab train gru-pixels {typed}" in missing.stderr
    write_run(tmp_path, "gru-pixels", profile=lab.runs.name, seed=1)
    found = call("evaluate", "gru-pixels", *words, "--dataset", str(toy_folder))
    assert found.exit_code == 0, found.stderr
    assert "4 videos, 2 classes" in found.stdout
    assert call("evaluate", "gru-pixels", *words[:-4], "--dataset", str(toy_folder)).exit_code == 1


def test_run_hands_the_options_to_the_notebooks(call, runner_calls):
    words = ("--dataset", "mine", "--size", "64", "--groups", r"person(\d+)", "-p", "count", "3")
    assert call("run", "1", *words).exit_code == 0
    given = {"dataset": "mine", "image_size": 64, "groups": r"person(\d+)", "count": "3"}
    assert runner_calls[0][0]["parameters"] == given


def test_evaluate_shows_a_run_by_its_recipe_or_the_runs_of_a_folder(call, tmp_path):
    folder = write_run(tmp_path, "frame-scratch").path
    shown = call("evaluate", "frame-scratch", "--export", "classes.md")
    assert shown.exit_code == 0, shown.stderr
    for words in ("4 videos, 2 classes", "top-1 75.0%", "4 clusters"):
        assert words in shown.stdout
    assert "top-5" not in shown.stdout
    assert Path("classes.md").read_text().startswith("| ")
    shown = call("evaluate", str(folder.parent))
    assert shown.exit_code == 0
    assert re.search(r"frame-scratch.*0\.750", shown.stdout)


@pytest.mark.parametrize("needed", [True, False])
def test_doctor_fails_only_where_something_needed_is_missing(call, monkeypatch, needed):
    shown = call("doctor")
    assert shown.exit_code == 0
    parts = ("Python", "packages", "memory", "disk", "GPU", "codecs", "fonts", "data", "weights")
    assert all(what in shown.stdout for what in parts)
    findings = json.loads(call("doctor", "--json").stdout)
    assert {one["what"] for one in findings} >= set(parts)
    assert set(findings[0]) == {"what", "found", "remedy", "needed"}
    finding = doctor.Finding("memory", "1 GiB", "Close other programs.", needed=needed)
    monkeypatch.setattr(doctor, "examine", lambda: iter([finding]))
    shown = call("doctor")
    assert shown.exit_code == int(needed)
    assert "Close other programs" in shown.stdout


def test_doctor_names_codecs_the_decoder_does_not_know(monkeypatch, tmp_path):
    for name in ("H.264", "AV1"):
        shutil.copy(doctor._CODECS / f"{name}.mkv", tmp_path)
    (tmp_path / "Dream.mkv").write_bytes(b"no codec at all")
    monkeypatch.setattr(doctor, "_CODECS", tmp_path)
    finding = doctor._codecs()
    assert re.search(r"H\.264.*; not .*Dream", finding.found)
    assert "second decoder" in finding.remedy


def test_doctor_names_parts_of_jupyterlab_that_are_absent(monkeypatch, tmp_path):
    (tmp_path / "anywidget").mkdir()
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda _: [str(tmp_path)])
    finding = doctor._front_end()
    assert "lacks @jupyter-widgets/jupyterlab-manager, jupyterlab-plotly" in finding.found
    assert finding.remedy.endswith("jupyterlab-widgets plotly")


def test_doctor_tells_a_driver_that_does_not_answer_from_none(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._gpu().remedy == ""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho driver mismatch\nexit 9\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert doctor._gpu().found == "driver mismatch"
    assert "Repair the driver" in doctor._gpu().remedy


def test_doctor_counts_shared_memory(monkeypatch):
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(64 << 20, 0, 64 << 20))
    (shared,) = (one for one in doctor.examine() if one.what == "shared")
    assert "--shm-size" in shared.remedy


def test_doctor_fails_where_home_cannot_be_written_to(call, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "file"))
    (home,) = (one for one in doctor.examine() if one.what == "home")
    assert home.needed
    assert "VIDLAB_HOME" in home.remedy
    shown = call("data", "make", "--size", "smoke")
    assert shown.exit_code == 1
    assert "Expected a folder. Received: " in shown.stderr
