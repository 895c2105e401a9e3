import io
import sys

import pytest

from vidlab.progress import HEARTBEAT, counter, is_watched, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Give a function that puts a terminal in place of stderr, with nothing that hides bars."""

    def begin():
        monkeypatch.delenv("VIDLAB_QUIET", raising=False)
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return begin


def test_every_item_comes_through():
    assert list(progress(range(5), desc="Counting")) == [0, 1, 2, 3, 4]


def test_a_generator_with_a_known_total_comes_through():
    assert list(progress((i * i for i in range(3)), desc="Squares", total=3)) == [0, 1, 4]


def test_a_terminal_is_watched(terminal):
    stream = terminal()
    assert is_watched()
    list(progress(range(3), desc="Reading videos", unit="video"))
    assert "Reading videos" in stream.getvalue()


@pytest.mark.parametrize("value", ["1", "yes"])
def test_quiet_means_quiet(terminal, monkeypatch, value):
    stream = terminal()
    monkeypatch.setenv("VIDLAB_QUIET", value)
    list(progress(range(3), desc="Reading videos"))
    assert not is_watched()
    assert stream.getvalue() == ""


def test_a_pipe_is_not_watched(terminal, monkeypatch):
    terminal()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not is_watched()


def test_a_kernel_without_a_server_is_not_watched(terminal, monkeypatch):
    terminal()
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    for name in ("JPY_SESSION_NAME", "VSCODE_PID", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    assert not is_watched()
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/01.ipynb")
    assert is_watched()


@pytest.fixture
def heartbeat(terminal, monkeypatch, tmp_path):
    """Give the file that quiet bars keep their line in, and the terminal nobody watches."""
    stream = terminal()
    monkeypatch.setenv("VIDLAB_QUIET", "1")
    monkeypatch.setenv(HEARTBEAT, str(tmp_path / "line"))
    return tmp_path / "line", stream


def test_a_quiet_bar_keeps_its_line_in_the_file_that_is_watched(heartbeat):
    file, stream = heartbeat
    with counter(desc="frame-scratch", total=40, unit="batch") as bar:
        assert file.read_text() == "frame-scratch: 0/40 batch"
        bar.update(12)
        bar.set_postfix(loss="0.5")
    assert file.read_text() == "frame-scratch: 12/40 batch, loss=0.5"
    assert stream.getvalue() == ""


def test_a_quiet_bar_gives_every_item_and_a_sign_after_slow_ones(heartbeat, monkeypatch):
    monkeypatch.setattr("vidlab.progress._SECONDS", 0)
    file, _ = heartbeat
    seen = [(item, file.read_text()) for item in progress(range(3), desc="Videos", unit="video")]
    assert seen == [(number, f"Videos: {number}/3 video") for number in range(3)]


def test_a_file_that_cannot_be_written_does_not_end_the_work(heartbeat, monkeypatch, tmp_path):
    monkeypatch.setenv(HEARTBEAT, str(tmp_path / "gone" / "line"))
    assert list(progress(range(3), desc="Videos")) == [0, 1, 2]
