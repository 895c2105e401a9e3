"""The notebooks of the course on videos of one's own: two classes, no lists, no reversed pairs.

One run of the notebooks in the smoke profile is shared by the tests.
"""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.executed import Executed
from vidlab.course import runner
from vidlab.data import video

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
COURSE = [path.stem for path in sorted(FOLDER.glob("[0-9]*.ipynb"))]

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def own_videos(tmp_path_factory):
    """Write videos of one's own, without lists: 2 classes, 6 groups of 2 clips each."""
    root = tmp_path_factory.mktemp("own") / "my_videos"
    rng = np.random.default_rng(0)
    for name, channel in (("Falling", 0), ("Rising", 2)):
        for group in range(1, 7):
            room = rng.integers(0, 200, (12, 16, 3)).repeat(8, axis=0).repeat(8, axis=1)
            for clip in (1, 2):
                frames = np.repeat(room[None], 10, axis=0).astype(np.uint8)
                for number, frame in enumerate(frames):
                    row = 8 * (number if name == "Falling" else 9 - number)
                    frame[row : row + 16, 40 + 8 * clip : 72, channel] = 255
                video.write(root / name / f"v_{name}_g{group:02d}_c{clip:02d}.avi", frames)
    _write_with_key_frames(root / "Falling" / "v_Falling_g01_c01.avi")
    return root


def _write_with_key_frames(path):
    """Write 30 noisy frames in MPEG-4, whose encoder stores every twelfth frame whole."""
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"XVID"), 25, (128, 96))
    scene = rng.integers(60, 200, (12, 16, 3)).repeat(8, axis=0).repeat(8, axis=1)
    for _ in range(30):
        writer.write(np.clip(scene + rng.normal(0, 8, scene.shape), 0, 255).astype(np.uint8))
    writer.release()


@pytest.fixture(scope="module")
def own(own_videos, tmp_path_factory):
    """Run the notebooks on them, with small pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield runner.run(
            profile="smoke",
            parameters={"dataset": str(own_videos), "image_size": 64},
        )


def test_course_runs_on_videos_of_ones_own(own):
    assert {record.notebook: record.status for record in own.records} == dict.fromkeys(
        COURSE, "done"
    )
    assert re.fullmatch(r"smoke-my_videos-[0-9a-f]{6}", own.folder.name)


def test_a_random_split_of_ones_own_videos_leaks_and_says_so(own):
    notebook = Executed(own.folder / "notebooks" / "02_dataset_and_splits.ipynb")
    kinds = notebook.shown("leakage-kinds")
    counts = {k: int(n) for k, n in re.findall(r"^(\w+) +(\d+)$", kinds, re.MULTILINE)}
    assert counts["random"] > 0
    assert counts["groups"] == 0
    assert "official" not in counts
    assert "LeakageError: Expected every group in one part only." in notebook.printed
    assert "These videos have no official lists" in notebook.printed


def test_videos_without_reversed_pairs_have_no_ceiling(own):
    notebook = Executed(own.folder / "notebooks" / "08_frame_models.ipynb")
    assert "**The ceiling:** 100% for any model" in notebook.closing
    assert "no class is noted as another one's reverse" in notebook.closing


@pytest.mark.parametrize("name", COURSE)
def test_notebooks_show_nothing_that_these_videos_do_not_have(own, name):
    notebook = Executed(own.folder / "notebooks" / f"{name}.ipynb")
    shown = json.dumps([notebook.printed, [_words(data) for data in notebook.data]])
    assert not re.findall(
        r"reversed pairs?|end-state|cyclic|\btwins?\b|boxes of the evidence", shown
    )
    assert len(set(notebook.pictures)) == len(notebook.pictures)


def _words(data):
    return [text for kind, text in data.items() if kind in ("text/plain", "text/markdown")]


def test_the_jump_at_a_key_frame_is_not_called_motion(own):
    notebook = Executed(own.folder / "notebooks" / "01_what_is_a_video.ipynb")
    (told,) = [
        data["text/markdown"]
        for data in notebook.data
        if "key frames among" in data.get("text/markdown", "")
    ]
    marked, frames, jump = re.search(
        r"has (\d+) key .* among (\d+) .*\*\*(\S+) times", told
    ).groups()
    assert (int(marked), int(frames)) == (3, 30)
    assert float(jump) > 1


def test_what_a_random_split_promises_has_an_interval(own):
    notebook = Executed(own.folder / "notebooks" / "02_dataset_and_splits.ipynb")
    found = re.search(r"([+-]\d+) points \(95% interval ([+-]\d+) to ([+-]\d+)\)", notebook.closing)
    gain, low, high = map(int, found.groups())
    assert low <= gain <= high
    assert ("is invented" in notebook.closing) == (low > 0)
