"""Running notebooks: outcomes, silence, resume, order, interruption, report."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from vidlab import datasets
from vidlab.course import execution, profiles, records, runner
from vidlab.course import notebook_files as files
from vidlab.errors import NotebookError, ProfileError

FIXTURES = Path(__file__).parent / "notebooks"
PROFILE = "about: A profile for tests.\nsilence: 4\n"
SILENCE = 4  # seconds; the long notebooks take 6


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder like a clone: notebooks beside nbconfig, which holds one profile."""
    root = tmp_path_factory.mktemp("clone")
    shutil.copytree(FIXTURES, root / "notebooks")
    (root / "nbconfig").mkdir()
    (root / "nbconfig" / "tiny.yaml").write_text(PROFILE)
    return root


class Videos(list):
    """Videos that nothing looks at."""

    reversed_pairs, lists, fingerprint = (), None, "these"


@pytest.fixture(scope="module")
def patched(clone):
    """Let vidlab take that folder for its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profiles, "folder", lambda: clone / "nbconfig")
        patch.setattr(records, "package_fingerprint", lambda: "one and the same")
        patch.setattr(datasets, "load_index", lambda name, **_: Videos())
        patch.setenv("VIDLAB_HOME", str(clone))
        yield clone


def run(numbers, **options):
    return runner.run(numbers, profile="tiny", **options)


def outputs(path):
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def shown(path):
    """The text of every displayed result."""
    return ["".join(o["data"]["text/plain"]) for o in outputs(path) if "data" in o]


@pytest.fixture(scope="module")
def everything(patched):
    """One run, four side by side, of a notebook for each way to end."""
    return run(["1-5", "7-8"], jobs=4, silence=SILENCE)


@pytest.fixture
def pages(everything):
    return everything.folder / "notebooks"


def test_every_notebook_ends_in_its_own_way_in_the_folder_of_the_profile(everything, clone):
    assert everything.folder == clone / "runs" / "tiny"
    assert {record.notebook: record.status for record in everything.records} == {
        "01_says_hello": "done",
        "02_fails_in_a_cell": "failed",
        "03_falls_silent": "timed out",
        "04_kernel_ends": "kernel died",
        "05_waits_for_the_first": "done",
        "07_prints_now_and_then": "done",
        "08_shows_only_a_bar": "done",
    }


def test_the_kernel_is_told_the_profile_and_to_be_quiet(everything, pages):
    assert shown(pages / "01_says_hello.ipynb") == [
        "'hello hello'",
        "{'VIDLAB_QUIET': '1', 'VIDLAB_PROFILE': 'tiny', 'PYTHONHASHSEED': '0'}",
    ]


@pytest.mark.parametrize(
    ("number", "cell", "told", "command"),
    [
        (1, 6, "ZeroDivisionError: division by zero", "vidlab run 2 --profile tiny"),
        (2, 4, "Last progress: Waiting: 0/3 step.", "run 3 --profile tiny --resume --silence 8"),
        (3, 6, "ran out of memory", "run 4 --profile tiny"),
    ],
    ids=["cell", "silence", "kernel"],
)
def test_a_failure_is_told_with_its_cell_reason_and_command(
    everything, pages, number, cell, told, command
):
    record = everything.records[number]
    assert record.failure.cell == cell
    assert told in record.failure.error
    assert record.command.endswith(command)
    page = (pages / f"{record.notebook}.failed.html").read_text(encoding="utf-8")
    assert "Error" in page
    assert "../index.html" in page


def test_what_a_failed_notebook_got_done_is_kept(everything, pages):
    assert everything.records[1].failure.line == "line 2: return whole / parts"
    assert "No output and no progress for 4 seconds." in everything.records[2].failure.error
    assert shown(pages / "04_kernel_ends.failed.ipynb") == ["'still here'"]
    assert not (pages / "04_kernel_ends.ipynb").exists()


def test_a_kernel_that_does_not_start_is_told_apart(patched, tmp_path, monkeypatch):
    monkeypatch.setattr(execution.sys, "executable", shutil.which("false") or "where")
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    (record,) = run(["1"]).failures
    assert record.status == "kernel died"
    assert "The kernel did not start" in record.failure.error
    assert record.failure.cell is None


@pytest.mark.parametrize("name", ["07_prints_now_and_then", "08_shows_only_a_bar"])
def test_a_cell_with_signs_of_life_outlasts_the_silence_allowed(pages, name):
    cells = files.read(pages / f"{name}.ipynb").cells
    assert max(cell.metadata.papermill.duration or 0 for cell in cells) > SILENCE
    assert bool(outputs(pages / f"{name}.ipynb")) == (name == "07_prints_now_and_then")


def test_a_notebook_waits_for_the_one_it_comes_after(pages):
    first, second = (
        files.read(pages / f"{name}.ipynb").metadata.papermill
        for name in ("01_says_hello", "05_waits_for_the_first")
    )
    assert second.start_time >= first.end_time


def test_the_report_lists_every_notebook_with_status_and_page(everything, pages):
    page = everything.report.read_text(encoding="utf-8")
    for notebook in files.find(FIXTURES):
        assert notebook.title in page
    for words in (
        'href="notebooks/01_says_hello.html"',
        'href="notebooks/02_fails_in_a_cell.failed.html"',
        "ZeroDivisionError: division by zero",
        "vidlab run 2 --profile tiny",
        "<strong>4 of 8</strong>",
    ):
        assert words in page
    for link in re.findall(r'(?:href|src)="([^"#]+)', page):
        assert (everything.folder / link).is_file(), link
    assert not [path for path in pages.iterdir() if path.name[0] == "."]


def test_what_notebooks_claim_is_kept_and_stands_in_the_report_what_fails_first(everything):
    kept = {record.notebook: record.claims for record in everything.records if record.claims}
    assert list(kept) == ["05_waits_for_the_first"]
    assert [claim.holds for claim in kept["05_waits_for_the_first"]] == [True, False]
    page = everything.report.read_text(encoding="utf-8")
    assert "<strong>1 ✓, 1 ✗, 0 not tested here</strong>" in page
    failed, whole = re.findall(r'<table class="claims">.*?</table>', page, flags=re.DOTALL)
    assert "It waited" in whole
    assert "It waited" not in failed
    for words in ("✗", "It is &lt; the first", "2 s against 1 s", "1.5 s (Doe 1999)"):
        assert words in failed
    assert 'href="notebooks/05_waits_for_the_first.html#cell-id=claims"' in failed
    where = everything.folder / "notebooks" / "05_waits_for_the_first.html"
    assert 'id="cell-id=claims"' in where.read_text(encoding="utf-8")


def test_the_glossary_is_a_page_too_and_links_to_it_lead_there(pages):
    page = (pages / "01_says_hello.html").read_text(encoding="utf-8")
    assert 'href="glossary.html#greeting"' in page
    assert "glossary.md" not in page
    assert (pages / "glossary.md").is_file()  # for the executed notebooks in JupyterLab
    assert 'id="greeting"' in (pages / "glossary.html").read_text(encoding="utf-8")


def test_resume_skips_what_is_done_and_repeats_what_is_not(everything, pages):
    (pages / "07_prints_now_and_then.html").unlink()
    again = run(["1", "2", "5", "7"], resume=True, jobs=2, parameters={"steps": 1})
    assert again.unchanged == ("01_says_hello", "05_waits_for_the_first")
    assert [record.status for record in again.records] == ["done", "failed", "done", "done"]
    assert (pages / "07_prints_now_and_then.html").is_file()


def test_without_resume_a_notebook_runs_again(everything, pages):
    before = shown(pages / "05_waits_for_the_first.ipynb")
    assert not run(["5"]).failures
    assert shown(pages / "05_waits_for_the_first.ipynb") != before


def test_a_result_is_kept_when_a_later_run_of_the_notebook_fails(everything, pages):
    before = (pages / "01_says_hello.ipynb").read_bytes()
    failing = run(["1"], parameters={"count": [1]})
    assert [record.status for record in failing.failures] == ["failed"]
    assert (pages / "01_says_hello.ipynb").read_bytes() == before
    assert not run(["1"], resume=True, parameters={"count": "3", "word": "7"}).unchanged
    assert shown(pages / "01_says_hello.ipynb")[0] == "'7 7 7'"  # each in its declared type
    assert not (pages / "01_says_hello.failed.ipynb").exists()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("notebooks/01_says_hello.ipynb", "# louder"),
        ("nbconfig/tiny.yaml", PROFILE + "recipe_files: [mine.py]\npatience: 3\n"),
        ("nbconfig/mine.py", "# another\n"),
        ("mine.weights.h5", "other"),
        ("package", ""),
    ],
)
def test_what_a_result_depends_on_changes_its_fingerprint(tmp_path, monkeypatch, file, text):
    shutil.copytree(FIXTURES, tmp_path / "notebooks")
    (tmp_path / "nbconfig").mkdir()
    (tmp_path / "nbconfig" / "tiny.yaml").write_text(PROFILE + "recipe_files: [mine.py]\n")
    (tmp_path / "nbconfig" / "mine.py").write_text("# one\n")
    (tmp_path / "mine.weights.h5").write_bytes(b"some")
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))

    def fingerprint(**parameters):
        parameters |= {"weights": str(tmp_path / "mine.weights.h5")}
        notebook = files.find(tmp_path / "notebooks")[0]
        return records.fingerprint(notebook, parameters, profiles.load("tiny"), index=Videos())

    before = fingerprint(count=2)
    assert fingerprint(count=2) == before
    assert fingerprint(count=3) != before
    if file == "package":
        monkeypatch.setattr(records, "package_fingerprint", lambda: "another")
    elif file.endswith(".ipynb"):
        node = files.read(tmp_path / file)
        node.cells[3].source += text
        files.write(node, tmp_path / file)
    else:
        (tmp_path / file).write_text(text)
    assert fingerprint(count=2) != before


@pytest.mark.parametrize(
    ("profile", "parameters", "told"),
    [
        ("huge", {}, r"profiles tiny, or a YAML file\. Received: 'huge'"),
        ("tiny", {"words": "x"}, r"'words'.*Valid parameters.*word"),
        ("tiny", {"profile": "huge"}, r"Received: 'huge'"),
    ],
    ids=["profile", "parameter", "profile as a parameter"],
)
def test_a_mistake_stops_the_run_before_it_starts(
    patched, tmp_path, monkeypatch, profile, parameters, told
):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "none"))
    with pytest.raises((NotebookError, ProfileError), match=told):
        runner.run(["1"], profile=profile, parameters=parameters)
    assert not (tmp_path / "none").exists()


def test_the_dataset_is_looked_up_once_before_the_notebooks(patched, tmp_path, monkeypatch, capsys):
    asked = []
    videos = Videos(range(7))
    monkeypatch.setattr(datasets, "load_index", lambda name, **_: asked.append(name) or videos)
    monkeypatch.setattr(profiles, "folder", lambda: tmp_path / "nbconfig")
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    shutil.copytree(patched / "nbconfig", tmp_path / "nbconfig")
    for number in (1, 2):
        node = files.read(FIXTURES / "05_waits_for_the_first.ipynb")
        node.metadata.vidlab = {}
        node.cells.append(nbformat.v4.new_markdown_cell("Twins.", metadata={"tags": ["pantomime"]}))
        files.write(node, tmp_path / "notebooks" / f"0{number}_needs.ipynb")
    ended = run(None, jobs=2)
    assert not ended.failures
    assert asked == ["pantomime"]
    assert "dataset pantomime: 7 videos" in capsys.readouterr().out
    executed = files.read(ended.folder / "notebooks" / "02_needs.ipynb")
    assert "Twins." not in [cell.source for cell in executed.cells]  # these videos have none
    assert len(run(None, resume=True).unchanged) == 2
    videos.lists = {1: {"a.avi": "train"}}
    assert run(["1"], resume=True).unchanged == ()


def test_the_allocator_keeps_what_the_user_has_set(monkeypatch):
    monkeypatch.setenv("MALLOC_TOP_PAD_", "0")
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    given = execution.environment(profile="tiny")
    assert (given["MALLOC_TOP_PAD_"], given["MALLOC_TRIM_THRESHOLD_"]) == ("0", "4294967296")


INTERRUPTED = """
import pathlib, sys
from tests.test_notebooks import Videos
from vidlab import datasets
from vidlab.course import profiles
datasets.load_index = lambda name, **_: Videos()
folder = pathlib.Path(sys.argv.pop(1))
profiles.folder = lambda: folder
from vidlab.cli import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to another process")
@pytest.mark.parametrize("busy", [False, True], ids=["kernel starting", "cell running"])
def test_interruption_ends_the_kernels_and_leaves_nothing_half_written(clone, tmp_path, busy):
    words = [str(clone / "nbconfig"), "run", "3", "--profile", "tiny"]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "VIDLAB_HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    pages = tmp_path / "runs" / "tiny" / "notebooks"
    while "started" not in process.stdout.readline():
        assert process.poll() is None
    while status_of_waiting_cell(pages) not in (["running"] if busy else ["pending", "running"]):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert list(pages.iterdir()) == []
    assert (tmp_path / "runs" / "tiny" / "index.html").is_file()
    assert not list(tmp_path.glob("vidlab-*"))


def status_of_waiting_cell(pages):
    """What papermill says of the cell that sleeps, in the notebook as it is executed."""
    part = pages / ".03_falls_silent.part.ipynb"
    try:
        cells = json.loads(part.read_text(encoding="utf-8"))["cells"]
    except (FileNotFoundError, ValueError):  # not written yet, or being written
        return None
    return cells[3]["metadata"]["papermill"]["status"]
