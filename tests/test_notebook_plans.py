"""Running notebooks: what is settled before a run, and the report after it; no kernel starts."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vidlab.course import profiles
from vidlab.course.notebooks import files, planning, records, report
from vidlab.course.notebooks.parameters import tagged_cells
from vidlab.evaluation.runs import RunFolder

FIXTURES = Path(__file__).parent / "notebooks"


@pytest.fixture
def patched(tmp_path, monkeypatch):
    """Let vidlab take a folder with one profile for its clone."""
    root = tmp_path / "clone"
    (root / "nbconfig").mkdir(parents=True)
    (root / "nbconfig" / "tiny.yaml").write_text("about: A profile for tests.\n")
    monkeypatch.setattr(profiles, "folder", lambda: root / "nbconfig")
    monkeypatch.setattr(records, "package_fingerprint", lambda: "one and the same")
    monkeypatch.setenv("VIDLAB_HOME", str(root))
    return root


@pytest.fixture
def plan_with_videos(patched, tmp_path):
    """Return a function that plans a notebook which needs videos: (**parameters) -> Plan."""
    node = files.read(FIXTURES / "01_says_hello.ipynb")
    node.metadata.vidlab = {"needs": ["dataset"]}
    position = tagged_cells(node)[0]
    node.cells[position].source += '\ndataset: str = ""  # whose videos'
    (tmp_path / "notebooks").mkdir()
    files.write(node, tmp_path / "notebooks" / "01_watches.ipynb")

    def plan(**given):
        where = {"source": tmp_path / "notebooks", "out": tmp_path / "out"}
        return planning.Plan.make(None, "tiny", parameters=given, **where)

    return plan


def add_file(folder, name, content=b"one"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_a_video_added_to_the_users_folder_repeats_the_notebook(plan_with_videos, tmp_path):
    mine = tmp_path / "mine"
    add_file(mine, "Jump/a.avi")
    first = plan_with_videos(dataset=str(mine))
    done = records.Record("01_watches", "t", "done", 1.0, "", "", {}, "")
    fingerprint = first.fingerprints["01_watches"]
    records.save(dataclasses.replace(done, fingerprint=fingerprint), first.pages)
    for ending in (".ipynb", ".html"):
        add_file(first.pages, f"01_watches{ending}")
    assert plan_with_videos(dataset=str(mine)).unchanged() == ("01_watches",)
    add_file(mine, "Jump/notes.json")
    assert plan_with_videos(dataset=str(mine)).unchanged() == ("01_watches",)
    add_file(mine, "Jump/b.avi")
    assert plan_with_videos(dataset=str(mine)).unchanged() == ()


def test_a_video_replaced_by_one_of_equal_size_counts_as_another(tmp_path):
    add_file(tmp_path, "videos/Jump/a.MP4")
    before = records.data_fingerprint(tmp_path, drawn=False)
    os.utime(tmp_path / "videos" / "Jump" / "a.MP4", ns=(1, 1))
    assert records.data_fingerprint(tmp_path, drawn=False) != before


def test_drawn_videos_are_known_by_their_note(plan_with_videos, patched):
    before = plan_with_videos()
    add_file(patched / "data" / "pantomime-quick", "pantomime.json", b'{"version": 1}')
    once = before.renewed().fingerprints
    assert once != before.fingerprints
    assert plan_with_videos().fingerprints == once
    add_file(patched / "data" / "pantomime-quick", "pantomime.json", b'{"version": 2}')
    assert plan_with_videos().fingerprints != once


def test_parameters_are_in_force_in_the_plan(plan_with_videos, tmp_path):
    assert plan_with_videos(dataset="").profile == profiles.load("tiny")
    assert plan_with_videos(dataset=str(tmp_path)).profile.dataset == str(tmp_path)


def test_the_command_is_one_that_can_be_typed_from_here(plan_with_videos, tmp_path, monkeypatch):
    program = "vidlab.exe" if os.name == "nt" else "vidlab"
    add_file(tmp_path, f"my env/{program}")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my env" / "python"))
    monkeypatch.setattr(planning.shutil, "which", lambda _: None)
    monkeypatch.chdir(tmp_path)
    plan = plan_with_videos(word="a b")
    script = os.path.join("my env", "vidlab")
    words = [script, "run", "1", "--profile", "tiny", "-p", "word", "a b"]
    quoted = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    assert plan.command(plan.chosen[0]) == quoted
    monkeypatch.setattr(planning.shutil, "which", lambda _: str(tmp_path / "my env" / program))
    assert plan.command(plan.chosen[0]).startswith("vidlab run 1")


def test_without_its_script_vidlab_is_called_as_a_module(plan_with_videos, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "env" / "python"))
    monkeypatch.setattr(planning.shutil, "which", lambda _: None)
    monkeypatch.chdir(tmp_path)
    plan = plan_with_videos()
    python = os.path.join("env", "python")
    assert plan.command(plan.chosen[0]) == f"{python} -m vidlab run 1 --profile tiny"


def test_a_folder_of_videos_is_passed_on_as_an_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "pantomime").mkdir()
    monkeypatch.chdir(tmp_path)
    given = {"dataset": "mine", "video": "mine", "word": "mine"}
    placed = str(tmp_path / "mine")
    assert planning._placed(given) == {"dataset": placed, "video": placed, "word": "mine"}
    assert planning._placed({"dataset": "pantomime"}) == {"dataset": "pantomime"}


def test_the_report_shows_measured_beside_published_numbers(patched, tmp_path):
    RunFolder(tmp_path / "frame-scratch").write(
        metrics={"top1": 0.25, "top1_low": 0.2, "top1_high": 0.3},
        recipe={"recipe": "frame-scratch", "profile": "tiny", "seed": 0, "split": 1},
    )
    page = report.write(tmp_path, [], profile=profiles.load("tiny")).read_text(encoding="utf-8")
    assert re.search(r"<th>frame-scratch</th><td>1</td>.*25\.0<small> 20\.0 to 30\.0", page)
    assert "<td>23.4</td><td>38.9</td>" in page
    assert "measured here" in page
    assert "published for UCF-101" in page


def test_the_report_leads_to_the_page_of_mistakes_where_there_is_one(patched, tmp_path):
    link = '<a href="explore.html">Explore the mistakes'
    profile = profiles.load("tiny")
    assert link not in report.write(tmp_path, [], profile=profile).read_text(encoding="utf-8")
    (tmp_path / "explore.html").touch()
    assert link in report.write(tmp_path, [], profile=profile).read_text(encoding="utf-8")


def test_the_report_lists_what_the_profile_changes(patched, tmp_path):
    RunFolder(tmp_path / "frame-scratch").write(
        metrics={"top1": 0.25},
        recipe={"recipe": "frame-scratch", "profile": "tiny", "seed": 0, "split": 1},
    )
    changed = profiles.replace(profiles.load("tiny"), image_size=48)
    page = report.write(tmp_path, [], profile=changed).read_text(encoding="utf-8")
    assert "What this profile changes" in page
    row = "<td>frame-scratch</td><td>frame size</td><td>299×299</td><td>48×48</td>"
    assert row in page
    assert "frame-vote</td>" not in page


def test_the_report_on_other_videos_names_their_folder(patched, tmp_path):
    add_file(patched / "figures", "pantomime.png")
    own = profiles.load("tiny")
    page = report.write(tmp_path / "own", [], profile=own).read_text(encoding="utf-8")
    assert own.about in page
    assert "figures/pantomime.png" in page
    mine = profiles.replace(own, dataset="/videos/holiday")
    page = report.write(tmp_path / "mine", [], profile=mine).read_text(encoding="utf-8")
    assert "<title>vidlab: tiny on holiday</title>" in page
    assert "/videos/holiday" in page
    assert own.about not in page
    assert "pantomime" not in page


def test_the_report_gives_mean_and_spread_of_several_runs(patched, tmp_path):
    for seed, top1 in enumerate((0.2, 0.4)):
        RunFolder(tmp_path / "frame-vote" / f"seed-{seed + 1}").write(
            metrics={"top1": top1},
            recipe={"recipe": "frame-vote", "profile": "tiny", "seed": seed, "split": 1},
        )
    page = report.write(tmp_path, [], profile=profiles.load("tiny")).read_text(encoding="utf-8")
    assert "<td>2</td>" in page
    assert "30.0<small> ± 14.1</small>" in page


def test_the_report_escapes_what_it_quotes(patched, tmp_path):
    failure = records.Failure(1, 2, 1, source="", error="ValueError: <script>", line="")
    record = records.Record(
        "01_says_hello", "t", "failed", 1.0, "", "", {}, "vidlab run 1", failure
    )
    (tmp_path / "notebooks").mkdir()
    records.save(record, tmp_path / "notebooks")
    notebook = files.find(FIXTURES)[0]
    page = report.write(tmp_path, [notebook], profile=profiles.load("tiny")).read_text(
        encoding="utf-8"
    )
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
