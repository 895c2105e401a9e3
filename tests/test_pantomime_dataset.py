"""The dataset's folder: UCF-101's layout, made in parts and processes; boxes, outlines, twins."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.errors import DatasetError
from vidlab.pantomime import (
    REVERSED_PAIRS,
    Shot,
    boxes_of,
    dataset,
    lookup,
    make,
    outlines_of,
    shot_of,
    twins,
)
from vidlab.pantomime.dataset import is_complete, plan

FEW, SOME = 2, 8


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Make the smoke size with only the first groups."""
    root = tmp_path_factory.mktemp("pantomime")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "GROUPS", SOME)
        make(root, size="smoke", jobs=1)
    return root


@pytest.fixture(scope="module")
def editions(tmp_path_factory):
    """Make very few groups twice: fair and biased -> the folder of both."""
    folder = tmp_path_factory.mktemp("editions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "GROUPS", FEW)
        make(folder / "fair", size="smoke", jobs=1)
        make(folder / "biased", size="smoke", bias="OpenDoor", jobs=1)
    return folder


@pytest.fixture
def few_groups(monkeypatch):
    monkeypatch.setattr(dataset, "GROUPS", FEW)


def contents(root):
    """Return the bytes of every file below `root`, by relative path."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def frames_of(root, name, group, **options):
    path = root / "UCF-101" / name / f"v_{name}_g{group:02d}_c01.avi"
    return video.read_frames(path, range(video.probe(path).frames), **options)


@pytest.mark.parametrize(
    ("size", "low", "high", "clips"),
    [("smoke", 100, 100, {1}), ("quick", 600, 600, {2}), ("full", 1200, 2100, {4, 5, 6, 7})],
)
def test_plan_lists_the_videos_of_a_size(size, low, high, clips):
    rows = [(name, shot.group, shot.clip) for shot in plan(size) for name in shot.classes]
    assert low <= len(rows) <= high
    assert len(set(rows)) == len(rows)
    table = pd.DataFrame(rows, columns=["name", "group", "clip"])
    assert set(table["group"]) == set(range(1, 26))
    assert set(table.groupby(["name", "group"]).size()) == clips


def test_videos_lists_and_notes_are_laid_out_as_in_ucf101(small):
    videos = sorted(path.relative_to(small).as_posix() for path in small.rglob("*.avi"))
    assert len(videos) == 4 * SOME
    info = video.probe(small / "UCF-101/CloseDoor/v_CloseDoor_g01_c01.avi", count=True)
    assert (info.width, info.height, info.fps) == (320, 240, 25.0)
    assert 20 <= info.frames <= 28
    lists = {path.name: path.read_text() for path in (small / "ucfTrainTestlist").iterdir()}
    assert lists["classInd.txt"].split("\n")[:2] == ["1 CloseDoor", "2 JumpingJack"]
    assert lists["trainlist02.txt"].endswith("PlayingCello/v_PlayingCello_g07_c01.avi 4\n")
    for split, groups in ((1, range(1, 8)), (2, [8]), (3, [])):
        test = lists[f"testlist0{split}.txt"].split()
        train = lists[f"trainlist0{split}.txt"].split()[::2]
        assert len(test) == 4 * len(groups)
        assert {int(line.split("_g")[1][:2]) for line in test} == set(groups)
        assert sorted(f"UCF-101/{path}" for path in [*train, *test]) == videos
    note = json.loads((small / "pantomime.json").read_text())
    assert (note["size"], note["seed"], note["finished"]) == ("smoke", 0, True)
    assert not (small / ".parts").exists()


def test_decoded_twins_are_each_others_reverse_so_no_single_frame_tells_them_apart(small):
    for group in range(1, SOME + 1):
        forward, backward = (frames_of(small, name, group) for name in REVERSED_PAIRS[0])
        assert np.array_equal(forward, backward[::-1])


def test_annotations_cover_every_frame_of_every_video(small):
    table = pd.read_parquet(small / "annotations.parquet")
    assert list(table.columns) == dataset.BOXES
    assert table["frame"].dtype == "int32"
    assert (table[["x0", "y0", "x1", "y1"]].dtypes == "float32").all()
    for path in small.rglob("*.avi"):
        boxes = boxes_of(path.stem, root=small)
        frames = boxes[boxes["part"] == "person"]["frame"]
        assert sorted(frames) == list(range(video.probe(path).frames))


def test_annotations_are_read_once_for_all_videos(small, monkeypatch):
    lookup._boxes.cache_clear()
    reads = []
    read = pd.read_parquet
    monkeypatch.setattr(lookup.pd, "read_parquet", lambda file: reads.append(file) or read(file))
    assert all(len(boxes_of(f"v_OpenDoor_g0{group}_c01", root=small)) for group in (1, 2, 3))
    assert reads == [small / "annotations.parquet"]
    assert boxes_of("v_OpenDoor_g01_c01", root=small / "elsewhere").empty


def test_twins_share_group_and_clip_across_a_reversed_pair():
    names = ["video_id", "class_name", "group", "clip", "frames", "fps", "path"]
    rows = [
        ("s1", "SitDown", "g01", 1, 30, 25.0, "s1.avi"),
        ("s2", "SitDown", "g02", 1, 31, 25.0, "s2.avi"),
        ("u1", "StandUp", "g01", 1, 30, 25.0, "u1.avi"),
        ("u2", "StandUp", "g02", 2, 31, 25.0, "u2.avi"),
        ("d", "Diving", "g01", 1, 30, 25.0, "d.avi"),
    ]
    table = pd.DataFrame(rows, columns=names)
    assert twins(table)[["video_id", "twin_id"]].to_numpy().tolist() == [["s1", "u1"]]
    assert twins(table[table["class_name"] == "Diving"]).empty


# ---- outlines


@pytest.mark.parametrize(
    ("video_id", "known"),
    [("v_OpenDoor_g02_c01", False), ("holiday", True), ("v_Archery_g02_c01", True)],
)
def test_videos_of_other_datasets_have_no_outlines(small, tmp_path, video_id, known):
    root = small if known else tmp_path
    assert outlines_of(video_id, root=root, numbers=[0], size=(60, 80)) is None


def test_outlines_follow_the_note_and_another_version_is_refused(small, tmp_path):
    note = json.loads((small / "pantomime.json").read_text())
    other = {"root": tmp_path, "numbers": [5], "size": (120, 160)}
    for change in ({"seed": 3}, {"bias": "JumpingJack"}):
        (tmp_path / "pantomime.json").write_text(json.dumps(note | change))
        drawn = Shot("JumpingJack", 2, 1, size="smoke", **change).outlines([5])
        shares = drawn.reshape(1, 120, 2, 160, 2).mean(axis=(2, 4))
        found = outlines_of("v_JumpingJack_g02_c01", **other)
        assert found == pytest.approx(shares, abs=1e-6)
        assert outlines_of("v_JumpingJack_g02_c01", **other | {"size": (64, 64)}).max() == 1
    (tmp_path / "pantomime.json").write_text(json.dumps(note | {"version": dataset.VERSION + 1}))
    with pytest.raises(
        DatasetError, match=rf"version {dataset.VERSION + 1} .*make the dataset again"
    ):
        outlines_of("v_OpenDoor_g02_c01", **other)


# ---- rooms


def indoors(video_id, root):
    return shot_of(video_id, root=root).indoors


def test_twins_share_a_room_and_a_biased_class_never_leaves_its_own(small, editions, tmp_path):
    found = {
        name: [indoors(f"v_{name}_g{group:02d}_c01", small) for group in range(1, SOME + 1)]
        for name in ("OpenDoor", "CloseDoor", "JumpingJack", "PlayingCello")
    }
    assert found["OpenDoor"] == found["CloseDoor"]
    assert {is_in for each in found.values() for is_in in each} == {True, False}
    numbers = range(1, 40)  # more groups than are drawn: the note alone decides
    biased = [indoors(f"v_OpenDoor_g{n:02d}_c01", editions / "biased") for n in numbers]
    assert all(biased)
    assert not all(indoors(f"v_OpenDoor_g{n:02d}_c01", small) for n in numbers)
    assert shot_of("v_OpenDoor_g01_c01", root=tmp_path) is None


# ---- making


def test_a_complete_dataset_is_left_alone(few_groups, editions, monkeypatch):
    root = editions / "fair"
    monkeypatch.setattr(dataset, "_make_one", None)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert make(root, size="smoke", jobs=1) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert not is_complete(root, size="smoke", seed=1)
    assert not is_complete(root, size="quick")


def test_making_goes_on_where_it_was_interrupted_or_a_video_was_lost(
    few_groups, editions, tmp_path, monkeypatch
):
    write, written, interrupted_at = video.write, [], 3

    def counting(path, frames, **options):
        if len(written) == interrupted_at:
            raise KeyboardInterrupt
        written.append(path)
        return write(path, frames, **options)

    monkeypatch.setattr(video, "write", counting)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, size="smoke", jobs=1)
    assert not is_complete(tmp_path, size="smoke")
    assert not list(tmp_path.rglob(".*.*"))
    assert len(list(tmp_path.rglob("*.avi"))) == 3
    written, interrupted_at = [], None
    make(tmp_path, size="smoke", jobs=1)
    assert len(written) == 4 * FEW - 2  # the third video had no twin yet
    assert contents(tmp_path) == contents(editions / "fair")
    (tmp_path / "UCF-101" / "OpenDoor" / "v_OpenDoor_g02_c01.avi").unlink()
    assert not is_complete(tmp_path, size="smoke")
    make(tmp_path, size="smoke", jobs=1)
    assert contents(tmp_path) == contents(editions / "fair")


def test_a_plain_script_draws_in_processes_without_a_guard(editions, tmp_path):
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
    assert contents(tmp_path / "two") == contents(editions / "fair")


def test_a_biased_dataset_says_so_and_differs_only_in_its_biased_class(few_groups, editions):
    roots = editions / "fair", editions / "biased"
    assert [is_complete(root, size="smoke") for root in roots] == [True, False]
    assert [is_complete(root, size="smoke", bias="OpenDoor") for root in roots] == [False, True]
    assert json.loads((editions / "biased" / "pantomime.json").read_text())["bias"] == "OpenDoor"
    fair, biased = map(contents, roots)
    changed = {name.split("/")[1] for name in fair if ".avi" in name and fair[name] != biased[name]}
    assert changed == {"OpenDoor", "CloseDoor"}
    assert len({VideoIndex.from_folder(root).fingerprint for root in roots}) == 2


@pytest.mark.parametrize("other", [{"seed": 4}, {"size": "quick"}, {"bias": "OpenDoor"}], ids=str)
def test_a_folder_with_another_dataset_is_refused(small, other):
    with pytest.raises(DatasetError, match=rf"{small.name}.*Choose another folder"):
        make(small, **{"size": "smoke", "seed": 0, **other})


def test_a_folder_with_foreign_videos_or_a_spoiled_note_is_refused(tmp_path):
    (tmp_path / "UCF-101" / "Archery").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"other videos.*Choose another folder"):
        make(tmp_path, size="smoke")
    (tmp_path / "pantomime.json").write_text("{")
    with pytest.raises(DatasetError, match=r"pantomime\.json.*not JSON.*Remove"):
        make(tmp_path, size="smoke")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "huge.*smoke, quick, full"),
        ({"seed": -1}, "-1.*another seed"),
        ({"size": "smoke", "bias": "SitDown"}, "smoke.*SitDown.*CloseDoor, JumpingJack"),
    ],
    ids=["size", "seed", "bias"],
)
def test_an_impossible_plan_is_refused(tmp_path, options, message):
    with pytest.raises(DatasetError, match=message):
        make(tmp_path / "new", **options)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_no_half_file_and_no_process(tmp_path):
    code = (
        "from vidlab import pantomime\n"
        f"pantomime.make({str(tmp_path / 'data')!r}, size='smoke', jobs=2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if len(list(tmp_path.rglob("*.avi"))) >= 4:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in stderr
    for _ in range(100):  # those that were killed take a moment to end
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True)
        states = [line.split() for line in listed.stdout.splitlines()]
        left = [s for group, s in states if group == str(process.pid) and s[0] != "Z"]
        if not left:
            break
        time.sleep(0.1)
    assert left == []
    videos = list(tmp_path.rglob("*.avi"))
    assert 1 <= len(videos) < 100
    assert min(video.probe(path, count=True).frames for path in videos) >= 20
    assert not list(tmp_path.rglob(".*.*"))
