"""What is settled before notebooks run, and the report after it; no kernel starts."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vidlab.course import notebook_files, profiles, records, report, runner
from vidlab.course.execution import Failure
from vidlab.evaluation.runs import RunFolder

FIXTURES = Path(__file__).parent / "notebooks"


@pytest.fixture
def patched(tmp_path, monkeypatch):
    """Let vidlab take a folder with one profile for its clone."""
    root = tmp_path / "clone"
    (root / "nbconfig").mkdir(parents=True)
    (root / "nbconfig" / "tiny.yaml").write_text("about: A profile for tests.\n")
    monkeypatch.setattr(profiles, "folder", lambda: root / "nbconfig")
    monkeypatch.setenv("VIDLAB_HOME", str(root))
    return root


def test_the_command_is_one_that_can_be_typed_from_here(tmp_path, monkeypatch):
    notebook = notebook_files.find(FIXTURES)[0]
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my env" / "python"))
    monkeypatch.setattr(runner.shutil, "which", lambda _: None)
    monkeypatch.chdir(tmp_path)
    words = [os.path.join("my env", "python"), "-m", "vidlab", "run", "1", "--profile", "tiny"]
    words += ["-p", "word", "a b"]
    quoted = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    assert runner.command(notebook, "tiny", {"word": "a b"}) == quoted
    monkeypatch.setattr(runner.shutil, "which", lambda _: "vidlab")
    for_others = {"backbone": "mobilenetv2"}  # of which this notebook knows nothing
    assert runner.command(notebook, "tiny", for_others) == "vidlab run 1 --profile tiny"


def written(folder, known=None, **settings):
    profile = profiles.replace(profiles.load("tiny"), **settings)
    return report.write(folder, known or {}, profile=profile).read_text(encoding="utf-8")


def write_run(folder, recipe, *, seed=0, **metrics):
    record = {"recipe": recipe, "profile": "tiny", "seed": seed, "split": 1}
    RunFolder(folder).write(metrics=metrics, recipe=record)


def test_the_report_shows_measured_beside_published_numbers_and_changes(patched, tmp_path):
    write_run(tmp_path / "frame-scratch", "frame-scratch", top1=0.25, top1_low=0.2, top1_high=0.3)
    write_run(tmp_path / "frame-scratch" / "seed-2", "frame-scratch", seed=1)  # not finished
    for seed, top1 in enumerate((0.2, 0.4)):
        write_run(tmp_path / "cnn-lstm" / f"seed-{seed + 1}", "cnn-lstm", seed=seed, top1=top1)
    page = written(tmp_path, image_size=48)
    rows = re.findall(r"<th>([\w-]+)</th>(.*?)</tr>", page, flags=re.DOTALL)
    cells = {name: re.findall("<td>(.*?)</td>", row) for name, row in rows}
    assert cells["frame-scratch"][:4] == ["2", "25.0 (20.0 to 30.0)", "23.4", "38.9"]
    assert cells["cnn-lstm"][:2] == ["2", "30.0 ± 14.1"]
    for words in ("measured here", "published for UCF-101", "What this profile changes"):
        assert words in page
    change = ("frame-scratch", "frame size", "299×299", "48×48")
    assert re.search(r"\s*".join(f"<td>{cell}</td>" for cell in change), page)
    assert "frame-vote</td>" not in page
    assert 'href="explore.html"' not in page
    (tmp_path / "explore.html").touch()
    assert '<a href="explore.html">Explore the mistakes' in written(tmp_path)


def test_what_another_version_recorded_counts_as_never_run(tmp_path):
    record = records.Record("01_word", 1.0, "print", "vidlab run 1")
    record.save(tmp_path)
    assert records.Record.load(tmp_path, "01_word") == record
    (tmp_path / "01_word.json").write_text('{"notebook": "01_word", "minutes": 2}')
    assert records.Record.load(tmp_path, "01_word") is None
    (tmp_path / "01_word.json").write_text("{")
    assert records.Record.load(tmp_path, "01_word") is None


def test_the_report_on_other_videos_names_their_folder(patched, tmp_path):
    own = profiles.load("tiny")
    page = written(tmp_path / "own")
    assert own.about in page
    page = written(tmp_path / "mine", dataset="/videos/holiday")
    assert "<title>vidlab: tiny on holiday</title>" in page
    assert "/videos/holiday" in page
    assert own.about not in page
    assert "pantomime" not in page


def test_the_report_escapes_what_it_quotes(patched, tmp_path):
    failure = Failure("failed", "ValueError: <script>", cell=1, cells=2)
    record = records.Record("01_says_hello", 1.0, "", "vidlab run 1", failure)
    page = written(tmp_path, {notebook_files.find(FIXTURES)[0]: record})
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
