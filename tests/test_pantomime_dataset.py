import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.errors import DatasetError
from vidlab.pantomime import (
    REVERSED_PAIRS,
    annotations,
    boxes_of,
    dataset,
    is_complete,
    make,
    outlines,
    outlines_of,
    plan,
)

FEW = 3


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Make the smoke size with only the first groups."""
    root = tmp_path_factory.mktemp("pantomime")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "GROUPS", 8)
        make(root, size="smoke", jobs=1)
        assert is_complete(root, size="smoke")
    return root


@pytest.fixture
def few_groups(monkeypatch):
    monkeypatch.setattr(dataset, "GROUPS", FEW)


def contents(root):
    """Return the bytes of every file below `root`, by relative path."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("size", "low", "high"), [("smoke", 100, 100), ("quick", 600, 600), ("full", 1200, 2100)]
)
def test_plan_lists_the_videos_of_a_size(size, low, high):
    names = [(name, task.group, task.clip) for task in plan(size) for name in task.classes]
    assert low <= len(names) <= high
    assert len(set(names)) == len(names)
    assert {group for _, group, _ in names} == set(range(1, 26))


def test_full_has_four_to_seven_clips_a_group():
    counts = pd.Series([(task.class_name, task.group) for task in plan("full")]).value_counts()
    assert set(counts) == {4, 5, 6, 7}


def test_videos_lists_and_notes_are_laid_out_as_in_ucf101(small):
    videos = sorted(path.relative_to(small).as_posix() for path in small.rglob("*.avi"))
    assert len(videos) == 4 * 8
    assert videos[0] == "UCF-101/CloseDoor/v_CloseDoor_g01_c01.avi"
    info = video.probe(small / videos[0], count=True)
    assert (info.width, info.height, info.fps) == (320, 240, 25.0)
    assert 20 <= info.frames <= 28
    lists = small / "ucfTrainTestlist"
    assert (lists / "classInd.txt").read_text().splitlines() == [
        "1 CloseDoor",
        "2 JumpingJack",
        "3 OpenDoor",
        "4 PlayingCello",
    ]
    for split, groups in ((1, range(1, 8)), (2, [8]), (3, [])):
        test = (lists / f"testlist0{split}.txt").read_text().splitlines()
        train = (lists / f"trainlist0{split}.txt").read_text().splitlines()
        assert len(test) == 4 * len(groups)
        assert {int(line.split("_g")[1][:2]) for line in test} == set(groups)
        paths = [line.split(" ")[0] for line in train]
        assert sorted(f"UCF-101/{path}" for path in [*paths, *test]) == videos
    assert (lists / "trainlist02.txt").read_text().splitlines()[-1] == (
        "PlayingCello/v_PlayingCello_g07_c01.avi 4"
    )
    note = json.loads((small / "pantomime.json").read_text())
    assert (note["size"], note["seed"], note["finished"]) == ("smoke", 0, True)
    assert not (small / ".parts").exists()


def test_decoded_twins_are_each_others_exact_reverse(small):
    for group in range(1, 9):
        frames = []
        for name in ("OpenDoor", "CloseDoor"):
            path = small / "UCF-101" / name / f"v_{name}_g{group:02d}_c01.avi"
            frames.append(video.read_frames(path, range(video.probe(path).frames)))
        assert np.array_equal(frames[0], frames[1][::-1])


def test_single_decoded_frames_do_not_tell_forward_from_reversed(small):
    thumbnails, labels, groups = [], [], []
    for label, name in enumerate(REVERSED_PAIRS[0]):
        for group in range(1, 9):
            path = small / "UCF-101" / name / f"v_{name}_g{group:02d}_c01.avi"
            frames = video.read_frames(path, range(0, video.probe(path).frames), size=(12, 16))
            thumbnails.append(frames.reshape(len(frames), -1) / 255)
            labels += [label] * len(frames)
            groups += [group] * len(frames)
    x, y, group = np.concatenate(thumbnails), np.array(labels), np.array(groups)
    scores = []
    for held_out in ((1, 2), (3, 4), (5, 6), (7, 8)):
        test = np.isin(group, held_out)
        probe = LogisticRegression(max_iter=200).fit(x[~test], y[~test])
        scores.append(probe.score(x[test], y[test]))
    assert 0.45 <= np.mean(scores) <= 0.55


def test_annotations_cover_every_frame_of_every_video(small):
    table = annotations(small)
    assert list(table.columns) == ["video_id", "frame", "part", "x0", "y0", "x1", "y1"]
    assert table["frame"].dtype == "int32"
    assert (table[["x0", "y0", "x1", "y1"]].dtypes == "float32").all()
    for path in small.rglob("*.avi"):
        frames = table[(table["video_id"] == path.stem) & (table["part"] == "person")]["frame"]
        assert sorted(frames) == list(range(video.probe(path).frames))


def test_annotations_that_are_absent_say_how_to_make_them(tmp_path):
    with pytest.raises(DatasetError, match=r"annotations\.parquet.*vidlab data make"):
        annotations(tmp_path)


def test_outlines_of_a_video_lie_upon_its_act(small):
    for name in ("v_OpenDoor_g02_c01", "v_CloseDoor_g02_c01", "v_JumpingJack_g05_c01"):
        covered = outlines_of(name, root=small, numbers=[3, 11], size=(60, 80))
        assert covered.shape == (2, 60, 80)
        assert covered.dtype == np.float32
        boxes = boxes_of(name, root=small)
        for number, one in zip((3, 11), covered, strict=True):
            own = boxes[boxes["frame"] == number]
            rows, columns = np.nonzero(one > 0.5)
            extent = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * 4
            around = *own[["x0", "y0"]].min(), *own[["x1", "y1"]].max()
            assert extent == pytest.approx(around, abs=5)


def test_videos_of_other_datasets_have_no_outlines(small, tmp_path):
    asked = {"numbers": [0], "size": (60, 80)}
    assert outlines_of("v_OpenDoor_g02_c01", root=tmp_path, **asked) is None
    assert outlines_of("holiday", root=small, **asked) is None
    assert outlines_of("v_Archery_g02_c01", root=small, **asked) is None


def test_outlines_of_what_another_version_drew_are_refused(small, tmp_path):
    note = json.loads((small / "pantomime.json").read_text())
    (tmp_path / "pantomime.json").write_text(json.dumps(note | {"version": dataset.VERSION + 1}))
    with pytest.raises(DatasetError, match=r"version 2 .*make the dataset again"):
        outlines_of("v_OpenDoor_g02_c01", root=tmp_path, numbers=[0], size=(60, 80))


def test_outlines_are_those_of_the_dataset_s_seed(small, tmp_path):
    note = json.loads((small / "pantomime.json").read_text())
    (tmp_path / "pantomime.json").write_text(json.dumps(note | {"seed": 3}))
    found = outlines_of("v_JumpingJack_g02_c01", root=tmp_path, numbers=[5], size=(240, 320))
    assert np.array_equal(found, outlines("JumpingJack", 2, 1, seed=3, size="smoke", indices=[5]))


def test_a_biased_edition_has_outlines_of_its_own(few_groups, tmp_path):
    """A door stands at the foot of its wall, so another room moves it."""
    asked = {"numbers": [3], "size": (60, 80)}
    found = []
    for bias in (None, "OpenDoor"):
        root = make(tmp_path / str(bias), size="smoke", bias=bias, jobs=1)
        found.append(outlines_of("v_OpenDoor_g02_c01", root=root, **asked))
    assert not np.array_equal(*found)


def test_a_complete_dataset_is_left_alone(few_groups, tmp_path, monkeypatch):
    make(tmp_path, size="smoke", jobs=1)
    monkeypatch.setattr(dataset, "render", None)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert make(tmp_path, size="smoke", jobs=1) == tmp_path
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert not is_complete(tmp_path, size="smoke", seed=1)
    assert not is_complete(tmp_path, size="quick")


def test_an_interrupted_making_goes_on_where_it_stopped(few_groups, tmp_path, monkeypatch):
    make(tmp_path / "whole", size="smoke", jobs=1)
    write, written = video.write, []

    def interrupted(path, frames, **options):
        if len(written) == 6:
            raise KeyboardInterrupt
        written.append(path)
        return write(path, frames, **options)

    monkeypatch.setattr(video, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "parts", size="smoke", jobs=1)
    assert not is_complete(tmp_path / "parts", size="smoke")
    assert not list(tmp_path.rglob(".*.*"))
    assert len(list((tmp_path / "parts").rglob("*.avi"))) == 6
    rewritten = []

    def watched(path, frames, **options):
        rewritten.append(path)
        return write(path, frames, **options)

    monkeypatch.setattr(video, "write", watched)
    make(tmp_path / "parts", size="smoke", jobs=1)
    assert len(rewritten) == 4 * FEW - 5  # the sixth video had no twin yet
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_lost_video_is_made_again(few_groups, tmp_path):
    make(tmp_path, size="smoke", jobs=1)
    before = contents(tmp_path)
    lost = tmp_path / "UCF-101" / "OpenDoor" / "v_OpenDoor_g02_c01.avi"
    lost.unlink()
    assert not is_complete(tmp_path, size="smoke")
    make(tmp_path, size="smoke", jobs=1)
    assert contents(tmp_path) == before


def test_the_number_of_processes_changes_nothing(few_groups, tmp_path):
    make(tmp_path / "one", size="smoke", jobs=1)
    make(tmp_path / "two", size="smoke", jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_plain_script_draws_without_a_guard(few_groups, tmp_path):
    """It is run once, and what lies in the working folder is not imported by the processes."""
    script = tmp_path / "script.py"
    script.write_text(
        "from vidlab import datasets\n"
        "from vidlab.pantomime import dataset\n"
        f"dataset.GROUPS = {FEW}\n"
        "dataset.os.cpu_count = lambda: 2\n"
        f"index = datasets.load_index('pantomime', root={str(tmp_path / 'two')!r}, size='smoke')\n"
        "print(len(index), 'videos')\n"
    )
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "cv2.py").write_text("raise ImportError('another module')")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path / "here", capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (f"{4 * FEW} videos\n", "")
    make(tmp_path / "one", size="smoke", jobs=1)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_biased_dataset_says_so_and_differs_only_in_its_biased_class(few_groups, tmp_path):
    make(tmp_path / "fair", size="smoke", jobs=1)
    make(tmp_path / "biased", size="smoke", bias="OpenDoor", jobs=1)
    assert is_complete(tmp_path / "biased", size="smoke", bias="OpenDoor")
    assert not is_complete(tmp_path / "biased", size="smoke")
    assert not is_complete(tmp_path / "fair", size="smoke", bias="OpenDoor")
    assert json.loads((tmp_path / "biased" / "pantomime.json").read_text())["bias"] == "OpenDoor"
    fair, biased = contents(tmp_path / "fair"), contents(tmp_path / "biased")
    changed = {name.split("/")[1] for name in fair if ".avi" in name and fair[name] != biased[name]}
    assert changed == {"OpenDoor", "CloseDoor"}
    indices = [VideoIndex.from_folder(tmp_path / name) for name in ("fair", "biased")]
    assert indices[0].fingerprint != indices[1].fingerprint


@pytest.mark.parametrize(
    "other",
    [{"seed": 4}, {"size": "quick"}, {"bias": "OpenDoor"}],
    ids=["seed", "size", "bias"],
)
def test_a_folder_with_another_dataset_is_refused(small, other):
    options = {"size": "smoke", "seed": 0, **other}
    with pytest.raises(DatasetError, match=rf"{small.name}.*Choose another folder"):
        make(small, **options)


def test_a_folder_with_foreign_videos_is_refused(tmp_path):
    (tmp_path / "UCF-101" / "Archery").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"other videos.*Choose another folder"):
        make(tmp_path, size="smoke")


def test_a_spoiled_note_is_named(tmp_path):
    (tmp_path / "pantomime.json").write_text("{")
    with pytest.raises(DatasetError, match=r"pantomime\.json.*not JSON.*Remove"):
        make(tmp_path, size="smoke")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "huge.*smoke, quick, full"),
        ({"seed": -1}, "-1.*another seed"),
        ({"size": "smoke", "bias": "PickUp"}, "smoke.*PickUp.*CloseDoor, JumpingJack"),
    ],
    ids=["size", "seed", "bias"],
)
def test_an_impossible_plan_is_refused(tmp_path, options, message):
    with pytest.raises(DatasetError, match=message):
        make(tmp_path / "new", **options)


def running_in_group(number):
    """Return the states of the processes of a group, without those that have ended (Z)."""
    command = ["ps", "-A", "-o", "pgid=,stat="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    states = [line.split() for line in listed.splitlines()]
    return [state for group, state in states if group == str(number) and state[0] != "Z"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_no_half_file_and_no_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from vidlab import pantomime\n"
        f"pantomime.make({str(tmp_path / 'data')!r}, size='smoke', jobs=2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if len(list(tmp_path.rglob("*.avi"))) >= 4:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in said
    assert not running_in_group(process.pid)
    assert len(list(tmp_path.rglob("*.avi"))) < 100
    for path in tmp_path.rglob("*.avi"):
        assert not path.name.startswith(".")
        assert video.probe(path, count=True).frames >= 20
    assert not list(tmp_path.rglob(".*.*"))
