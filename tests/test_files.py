"""What the system refuses is a sentence with a remedy, on the command line and in notebooks."""

import errno
import os
import re
import subprocess
import sys
import traceback

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from vidlab.cli.console import Root
from vidlab.evaluation import tables
from vidlab.files import system_message, write_text

LARGE = "x" * 2_000_000


@pytest.fixture
def command():
    """Make a command line of one command that does something: (action) -> (words) -> result."""

    def make(action):
        app = typer.Typer(cls=Root)
        app.command("act")(action)

        @app.callback()
        def options(traceback: bool = False):
            pass

        return lambda *words: CliRunner().invoke(app, [*words, "act"])

    return make


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of 256 KiB, as root alone can."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("needs mount")
    if done.returncode:
        pytest.skip(f"needs a disk of its own: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def refused(action):
    with pytest.raises((OSError, UnicodeError)) as caught:
        action()
    return caught.value


def test_a_full_disk_is_a_sentence_and_leaves_what_was_there(small_disk, command):
    write_text(small_disk / "notes.txt", "old")
    shown = command(lambda: write_text(small_disk / "notes.txt", LARGE))()
    assert shown.exit_code == 1
    assert "Expected room on the disk" in shown.stderr
    assert "Delete what is not needed" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert (small_disk / "notes.txt").read_text() == "old"
    assert [path.name for path in small_disk.iterdir()] == ["notes.txt"]
    table = pd.DataFrame({"text": [LARGE]})
    problem = refused(lambda: tables.export(table, small_disk / "table.csv"))
    assert "Expected room on the disk" in "".join(traceback.format_exception(problem))


def test_a_limit_of_file_sizes_is_a_sentence(tmp_path):
    script = (
        "import resource, signal, sys; from vidlab.files import system_message, write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_text(sys.argv[1], 'x' * 2000)\n"
        "except OSError as error: print(system_message(error))"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "notes.txt")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.stdout.startswith("Expected room for a file of this size."), done.stderr


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("x" * 300, "Expected a shorter name.*xxx.*255 bytes"),
        ("taken/file.txt", "Expected a name that is free.*taken.*Remove"),
        ("folder", "Expected a file.*folder.*Name a file in that folder"),
        ("/proc/none/file.txt", "Expected .*/proc/none"),
    ],
)
def test_a_file_that_cannot_be_written_is_named_with_the_remedy(tmp_path, path, told, command):
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "folder").mkdir()
    shown = command(lambda: write_text(tmp_path / path, "text"))()
    assert shown.exit_code == 1
    assert re.search(told, shown.stderr, re.DOTALL), shown.stderr
    problem = refused(lambda: write_text(tmp_path / path, "text"))
    assert system_message(problem) in problem.__notes__


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/x/runs"), "permission.*/x/runs"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "can be written to.*VIDLAB_HOME"),
        (OSError("Can't write data (No space left on device)"), "room on the disk.*No space"),
        (MemoryError(), "enough memory.*smaller batches"),
        (refused(lambda: b"\xd7\xdf".decode()), "UTF-8.*0xd7"),
    ],
    ids=["permission", "read-only", "text-alone", "memory", "encoding"],
)
def test_an_error_of_the_system_is_a_sentence_and_a_traceback_if_asked_for(problem, told, command):
    def act():
        raise problem

    shown = command(act)()
    assert shown.exit_code == 1
    assert re.search(f"Expected .*{told}", shown.stderr), shown.stderr
    assert command(act)("--traceback").exception is problem


def test_a_closed_pipe_is_no_message(command):
    def act():
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    assert command(act)().stderr == ""
