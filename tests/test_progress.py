"""Progress bars: shown where somebody watches, else a line in the file that is watched."""

import io
import sys
from types import SimpleNamespace

import pytest

from vidlab.progress import HEARTBEAT, counter, is_watched, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in place of stderr, with nothing that hides bars."""
    monkeypatch.delenv("VIDLAB_QUIET", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "inherited")
    return Terminal()


@pytest.mark.parametrize(
    ("variables", "stream", "kernel", "watched"),
    [
        ({}, Terminal, None, True),
        ({"VIDLAB_QUIET": "1"}, Terminal, None, False),
        ({"VIDLAB_QUIET": "yes"}, Terminal, None, False),
        ({"VIDLAB_QUIET": "0"}, Terminal, None, True),
        ({}, io.StringIO, None, False),
        ({}, Terminal, SimpleNamespace(_allow_stdin=False), False),
        ({}, io.StringIO, SimpleNamespace(_allow_stdin=True), True),
    ],
    ids=["terminal", "quiet", "quiet in words", "not quiet", "pipe", "papermill", "notebook"],
)
@pytest.mark.usefixtures("terminal")
def test_who_watches_sees_a_bar(monkeypatch, variables, stream, kernel, watched):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setattr("vidlab.progress._kernel", lambda: kernel)
    assert is_watched() == watched
    squares = (i * i for i in range(3))
    assert list(progress(squares, desc="Reading videos", total=3)) == [0, 1, 4]
    if not kernel:
        assert ("Reading videos" in sys.stderr.getvalue()) == watched


@pytest.fixture
def heartbeat(terminal, monkeypatch, tmp_path):
    """Give the file that quiet bars keep their line in, and the terminal nobody watches."""
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("VIDLAB_QUIET", "1")
    monkeypatch.setenv(HEARTBEAT, str(tmp_path / "line"))
    return tmp_path / "line", terminal


def test_a_quiet_bar_keeps_its_line_in_the_file_that_is_watched(heartbeat):
    file, stream = heartbeat
    with counter(desc="frame-scratch", total=40, unit="batch") as bar:
        assert file.read_text() == "frame-scratch: 0/40 batch"
        bar.update(12)
        bar.set_postfix(loss="0.5")
    assert file.read_text() == "frame-scratch: 12/40 batch, loss=0.5"
    assert stream.getvalue() == ""


def test_a_quiet_bar_writes_after_slow_steps_and_a_full_disk_ends_nothing(
    heartbeat, monkeypatch, tmp_path
):
    monkeypatch.setattr("vidlab.progress._SECONDS", 0)
    seen = [heartbeat[0].read_text() for _ in progress(range(3), desc="Videos", unit="video")]
    assert seen == [f"Videos: {number}/3 video" for number in range(3)]
    monkeypatch.setenv(HEARTBEAT, str(tmp_path / "gone" / "line"))
    assert list(progress(range(3), desc="Videos")) == [0, 1, 2]
