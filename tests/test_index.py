import shutil

import numpy as np
import pytest

from vidlab.data.index import VideoIndex
from vidlab.errors import DatasetError, LayoutError


def test_a_folder_becomes_one_row_a_video(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=2, frames=7, size=(40, 80))
    index = VideoIndex.from_folder(root)
    assert len(index) == 12
    assert index.classes == ["Jump", "Run"]
    assert list(index.table.columns) == [
        "video_id", "path", "class_name", "label", "group", "clip",
        "frames", "fps", "width", "height",
    ]  # fmt: skip
    row = index.table.iloc[9].to_dict()
    assert row == {
        "video_id": "v_Run_g02_c02",
        "path": str(root / "UCF-101" / "Run" / "v_Run_g02_c02.avi"),
        "class_name": "Run",
        "label": 1,
        "group": "g02",
        "clip": 2,
        "frames": 7,
        "fps": 25.0,
        "width": 80,
        "height": 40,
    }
    assert index.labels.dtype == np.int64
    assert index.labels.tolist() == [0] * 6 + [1] * 6
    assert index.groups[:3].tolist() == ["g01", "g01", "g02"]
    assert index.paths[9] == root / "UCF-101" / "Run" / "v_Run_g02_c02.avi"
    assert index.report.empty
    assert repr(index) == f"VideoIndex(12 videos, 2 classes, 6 groups, {str(root)!r})"


@pytest.mark.parametrize("layout", ["UCF-101", "videos", ""], ids=["UCF-101", "videos", "bare"])
def test_three_layouts_are_accepted(toy_dataset, tmp_path, layout):
    made = toy_dataset(classes=("Jump",), groups=2, clips=1)
    root = tmp_path / "other"
    shutil.copytree(made / "UCF-101", root / layout, dirs_exist_ok=True)
    assert len(VideoIndex.from_folder(root)) == 2


@pytest.mark.parametrize("place", ["ucfTrainTestlist", ".", "../ucfTrainTestlist"])
def test_lists_are_found_inside_and_beside_the_folder(toy_dataset, place):
    root = toy_dataset()
    lists = root / "ucfTrainTestlist"
    for file in list(lists.iterdir()):
        goal = root / place / file.name
        goal.parent.mkdir(exist_ok=True)
        file.rename(goal)
    assert VideoIndex.from_folder(root).has_official_lists


def test_class_order_is_that_of_class_ind(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(classes=("Wave", "Jump", "Run")))
    assert index.classes == ["Wave", "Jump", "Run"]
    assert set(index.table.query("class_name == 'Wave'")["label"]) == {0}


def test_class_order_is_alphabetical_without_class_ind(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(classes=("Wave", "Jump"), lists=False))
    assert index.classes == ["Jump", "Wave"]
    assert not index.has_official_lists


def test_windows_line_ends_make_no_difference(toy_dataset):
    unix = VideoIndex.from_folder(toy_dataset(name="unix"))
    windows = VideoIndex.from_folder(toy_dataset(name="windows", newline="\r\n"))
    assert windows.classes == unix.classes
    for one, other in zip(unix.split(2), windows.split(2), strict=True):
        assert one.table["video_id"].tolist() == other.table["video_id"].tolist()


def test_capital_letters_make_no_difference_and_class_ind_spells(toy_dataset):
    root = toy_dataset(classes=("HandstandPushups", "Run"), groups=3, clips=1)
    folder = root / "UCF-101" / "HandstandPushups"
    for file in list(folder.iterdir()):
        file.rename(file.with_name(file.name.replace("stand", "Stand")))
    folder.rename(folder.with_name("HandStandPushups"))
    index = VideoIndex.from_folder(root)
    assert index.classes == ["HandstandPushups", "Run"]
    assert index.report.empty
    train, _, test = index.split(1, validation=0)
    assert (len(train), len(test)) == (4, 2)


def test_files_in_another_container_still_match_the_lists(toy_dataset):
    root = toy_dataset(groups=3, clips=1)
    for file in (root / "UCF-101" / "Jump").iterdir():
        file.rename(file.with_suffix(".MOV"))
    assert VideoIndex.from_folder(root).report.empty


def test_videos_of_one_name_in_two_classes_keep_apart(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=1, clips=2, lists=False)
    for folder in (root / "UCF-101").iterdir():
        for number, file in enumerate(sorted(folder.iterdir())):
            file.rename(file.with_name(f"{'same' if number else folder.name}.avi"))
    with pytest.warns(UserWarning, match="4 videos name no group"):
        index = VideoIndex.from_folder(root)
    assert index.table["video_id"].tolist() == ["Jump", "Jump/same", "Run", "Run/same"]


def test_names_without_groups_are_groups_of_their_own_said_aloud(toy_dataset):
    root = toy_dataset(classes=("Jump",), groups=3, clips=1, lists=False)
    file = root / "UCF-101" / "Jump" / "v_Jump_g02_c01.avi"
    file.rename(file.with_name("holiday.avi"))
    with pytest.warns(UserWarning, match=r"vidlab: .*toy: 1 videos name no group.*v_Class_g01_c02"):
        index = VideoIndex.from_folder(root)
    groups = dict(zip(index.table["video_id"], index.groups, strict=True))
    assert groups == {"v_Jump_g01_c01": "g01", "v_Jump_g03_c01": "g03", "holiday": "g04"}


def test_hidden_files_and_other_files_are_no_videos(toy_dataset):
    root = toy_dataset(classes=("Jump",), groups=2, clips=1, lists=False)
    for name in ("._v_Jump_g01_c01.avi", ".clip.part.avi", "notes.txt", "Thumbs.db"):
        (root / "UCF-101" / "Jump" / name).write_bytes(b"x")
    index = VideoIndex.from_folder(root)
    assert len(index) == 2
    assert index.report.empty


# ---- nothing is left out in silence


def test_unreadable_videos_are_reported_with_their_reason(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=1, lists=False)
    empty = root / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi"
    empty.write_bytes(b"")
    text = root / "UCF-101" / "Run" / "v_Run_g03_c01.avi"
    text.write_text("no video")
    with pytest.warns(UserWarning, match=r"toy: 2 unreadable videos; index\.report"):
        index = VideoIndex.from_folder(root)
    assert len(index) == 4
    report = index.report.set_index("path")
    assert list(report.index) == [str(empty), str(text)]
    assert "0 bytes" in report.loc[str(empty), "reason"]
    assert set(report["kind"]) == {"unreadable"}


def test_listed_videos_that_are_not_there_and_the_reverse_are_reported(toy_dataset):
    root = toy_dataset(groups=6, clips=1)
    file = root / "UCF-101" / "Wave" / "v_Wave_g01_c01.avi"
    file.rename(file.with_name("v_Wave_g77_c01.avi"))
    with pytest.warns(UserWarning, match="1 missing, 1 unlisted videos"):
        index = VideoIndex.from_folder(root)
    report = index.report.set_index("kind")
    assert report.loc["missing", "path"].endswith("v_Wave_g01_c01.avi")
    assert report.loc["unlisted", "path"].endswith("v_Wave_g77_c01.avi")
    with pytest.warns(UserWarning, match="1 of 18 videos are in neither list of split 1"):
        train, _, test = index.split(1, validation=0)
    assert (len(train), len(test)) == (12, 5)


def test_a_folder_where_nothing_can_be_read_is_refused(toy_dataset):
    root = toy_dataset(classes=("Jump",), groups=2, clips=1)
    for file in (root / "UCF-101" / "Jump").iterdir():
        file.write_bytes(b"")
    with pytest.raises(LayoutError, match=r"toy, where none of 2 can be read.*0 bytes"):
        VideoIndex.from_folder(root)


def test_a_header_that_names_a_wrong_number_of_frames_is_not_believed(toy_dataset):
    root = toy_dataset(classes=("Jump",), groups=1, clips=1, frames=9, lists=False)
    path = root / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi"
    data = bytearray(path.read_bytes())
    for start in (data.index(b"avih") + 24, data.index(b"strh") + 40):
        data[start : start + 4] = (5).to_bytes(4, "little")
    path.write_bytes(data)
    assert VideoIndex.from_folder(root).table["frames"].tolist() == [9]
    assert VideoIndex.from_folder(root, count=True).table["frames"].tolist() == [9]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(LayoutError, match=r"gone \(no such folder\)"):
        VideoIndex.from_folder(tmp_path / "gone")


def test_loose_videos_are_told_where_they_belong(numbered_video):
    with pytest.raises(LayoutError, match=r"1 videos outside a class folder.*folder named after"):
        VideoIndex.from_folder(numbered_video().parent)


def test_select_keeps_classes_and_takes_masks_or_positions(index_of):
    index = index_of({"Jump": [1, 2], "Run": [1, 2]})
    by_mask = index.select([False, False, True, True])
    by_position = index.select(np.array([3, 2]))
    assert by_mask.table["video_id"].tolist() == ["v_Run_g01_c01", "v_Run_g02_c01"]
    assert by_position.table["video_id"].tolist() == ["v_Run_g02_c01", "v_Run_g01_c01"]
    assert by_mask.classes == ["Jump", "Run"]
    assert by_mask.labels.tolist() == [1, 1]
    assert len(index.select([])) == 0


def test_select_refuses_a_mask_of_another_length(index_of):
    with pytest.raises(IndexError, match="2 instead of 4"):
        index_of({"Jump": [1, 2], "Run": [1, 2]}).select([True, False])


def test_of_classes_numbers_labels_anew(index_of):
    index = index_of({"Jump": [1], "Run": [1, 2], "Wave": [1]}).of_classes(["Wave", "Run"])
    assert index.classes == ["Wave", "Run"]
    assert index.table["class_name"].tolist() == ["Wave", "Run", "Run"]
    assert index.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("names", [["Jmup"], [], ["Run", "Run"]], ids=["unknown", "none", "twice"])
def test_of_classes_refuses_what_is_not_there(index_of, names):
    with pytest.raises(DatasetError, match="There are: Jump, Run"):
        index_of({"Jump": [1], "Run": [1]}).of_classes(names)


def test_official_splits_work_on_some_classes(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset()).of_classes(["Wave", "Jump"])
    train, _, test = index.split(1, validation=0)
    assert (len(train), len(test)) == (16, 8)


def test_reversed_pairs_are_those_of_the_file_beside_the_videos(toy_dataset):
    root = toy_dataset()
    assert VideoIndex.from_folder(root).reversed_pairs == []
    (root / "reversed_pairs.csv").write_text(
        "class_name,twin_class\nRun,Jump\nWave,Rest\n", encoding="utf-8"
    )
    index = VideoIndex.from_folder(root)
    assert index.reversed_pairs == [("Run", "Jump")]  # both have to be there
    assert index.select([0]).reversed_pairs == [("Run", "Jump")]
    assert index.of_classes(["Run", "Wave"]).reversed_pairs == []


def test_the_fingerprint_is_of_the_videos_not_of_their_place(toy_dataset, tmp_path):
    root = toy_dataset(classes=("Jump", "Run"), groups=2, clips=1)
    index = VideoIndex.from_folder(root)
    shutil.copytree(root, tmp_path / "copy")
    copy = VideoIndex.from_folder(tmp_path / "copy")
    assert index.fingerprint == copy.fingerprint
    assert len(index.fingerprint) == 16
    assert index.select([0, 1]).fingerprint != index.fingerprint
    assert index.select([3, 2, 1, 0]).fingerprint == index.fingerprint
    changed = toy_dataset(classes=("Jump", "Run"), groups=2, clips=1, frames=8, name="changed")
    assert VideoIndex.from_folder(changed).fingerprint != index.fingerprint
