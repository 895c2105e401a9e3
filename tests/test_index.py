"""The index of a folder: every video a row, in all layouts and spellings; what is wrong with it."""

import shutil

import numpy as np
import pytest

from vidlab.data.index import ReversedPair, VideoIndex
from vidlab.errors import DatasetError, LayoutError


@pytest.fixture(scope="module")
def toys(toy_folder):
    return VideoIndex.from_folder(toy_folder)


@pytest.fixture
def one_class(toy_dataset):
    """Write one class of three videos without lists -> (the dataset's folder, the class's)."""
    root = toy_dataset(classes=("Jump",), groups=3, clips=1, lists=False)
    return root, root / "UCF-101" / "Jump"


def test_a_folder_becomes_one_row_a_video(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=2, frames=7, size=(40, 80))
    index = VideoIndex.from_folder(root)
    assert index.classes == ["Jump", "Run"]
    path = root / "UCF-101" / "Run" / "v_Run_g02_c02.avi"
    columns = ["video_id", "path", "class_name", "label", "group", "clip", "frames", "fps"]
    assert list(index.table) == [*columns, "width", "height"]
    values = ["v_Run_g02_c02", str(path), "Run", 1, "g02", 2, 7, 25.0, 80, 40]
    assert index.table.iloc[9].tolist() == values
    assert index.labels.dtype == np.int64
    assert index.labels.tolist() == [0] * 6 + [1] * 6
    assert index.groups[:3].tolist() == ["g01", "g01", "g02"]
    assert index.paths[9] == path
    assert index.report.empty
    assert repr(index) == f"VideoIndex(12 videos, 2 classes, 6 groups, {str(root)!r})"


@pytest.mark.parametrize("layout", ["UCF-101", "videos", ""], ids=["UCF-101", "videos", "bare"])
def test_three_layouts_are_accepted(one_class, tmp_path, layout):
    shutil.copytree(one_class[1], tmp_path / "other" / layout / "Jump")
    assert len(VideoIndex.from_folder(tmp_path / "other")) == 3


@pytest.mark.parametrize("where", ["ucfTrainTestlist", ".", "../ucfTrainTestlist"])
def test_lists_are_found_inside_and_beside_the_folder(toy_dataset, where):
    root = toy_dataset(groups=2, clips=1)
    for file in list((root / "ucfTrainTestlist").iterdir()):
        (root / where).mkdir(exist_ok=True)
        file.rename(root / where / file.name)
    assert VideoIndex.from_folder(root).lists


@pytest.mark.parametrize(
    ("lists", "classes"), [(True, ["Wave", "Jump"]), (False, ["Jump", "Wave"])]
)
def test_class_order_is_that_of_class_ind_or_else_alphabetical(toy_dataset, lists, classes):
    root = toy_dataset(classes=("Wave", "Jump"), groups=2, clips=1, lists=lists)
    index = VideoIndex.from_folder(root)
    assert (index.classes, bool(index.lists)) == (classes, lists)
    assert index.table["class_name"][0] == classes[0]


def test_line_ends_capital_letters_and_containers_make_no_difference(toy_dataset):
    root = toy_dataset(
        classes=("HandstandPushups", "Run"), groups=3, clips=1, newline="\r\n", name="windows"
    )
    folder = root / "UCF-101" / "HandstandPushups"
    for file in list(folder.iterdir()):
        file.rename(folder / file.name.replace("stand", "Stand").replace(".avi", ".MOV"))
    folder.rename(folder.with_name("HandStandPushups"))
    index = VideoIndex.from_folder(root)
    assert index.classes == ["HandstandPushups", "Run"]
    assert index.report.empty
    assert [len(part) for part in index.split(1, validation=0)] == [4, 0, 2]


def test_videos_of_one_name_in_two_classes_keep_apart(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=1, clips=2, lists=False)
    for folder in (root / "UCF-101").iterdir():
        for number, file in enumerate(sorted(folder.iterdir())):
            file.rename(file.with_name(f"{'same' if number else folder.name}.avi"))
    with pytest.warns(UserWarning, match="4 videos name no group"):
        index = VideoIndex.from_folder(root)
    assert index.table["video_id"].tolist() == ["Jump", "Jump/same", "Run", "Run/same"]


def test_names_without_groups_are_groups_of_their_own_and_a_warning_says_so(one_class):
    root, folder = one_class
    (folder / "v_Jump_g02_c01.avi").rename(folder / "holiday.avi")
    with pytest.warns(UserWarning, match=r"vidlab: .*toy: 1 videos name no group.*v_Class_g01_c02"):
        index = VideoIndex.from_folder(root)
    groups = dict(zip(index.table["video_id"], index.groups, strict=True))
    assert groups == {"v_Jump_g01_c01": "g01", "v_Jump_g03_c01": "g03", "holiday": "g04"}


def test_hidden_files_and_other_files_are_no_videos(one_class):
    root, folder = one_class
    for name in ("._v_Jump_g01_c01.avi", ".clip.part.avi", "notes.txt", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    index = VideoIndex.from_folder(root)
    assert (len(index), len(index.report)) == (3, 0)


# ---- nothing is left out in silence


def test_unreadable_videos_are_reported_with_their_reason(one_class):
    root, folder = one_class
    (folder / "v_Jump_g01_c01.avi").write_bytes(b"")
    (folder / "v_Jump_g03_c01.avi").write_text("no video")
    with pytest.warns(UserWarning, match=r"toy: 2 unreadable videos; index\.report"):
        index = VideoIndex.from_folder(root)
    assert len(index) == 1
    assert [path[-18:] for path in index.report["path"]] == [
        "v_Jump_g01_c01.avi",
        "v_Jump_g03_c01.avi",
    ]
    assert "0 bytes" in index.report["reason"][0]
    assert set(index.report["kind"]) == {"unreadable"}
    (folder / "v_Jump_g02_c01.avi").write_bytes(b"")
    with pytest.raises(LayoutError, match=r"toy, where none of 3 can be read.*0 bytes"):
        VideoIndex.from_folder(root)


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
        parts = index.split(1, validation=0)
    assert [len(part) for part in parts] == [12, 0, 5]


def test_folders_without_videos_of_a_class_are_refused(numbered_video, tmp_path):
    with pytest.raises(LayoutError, match=r"gone \(no such folder\)"):
        VideoIndex.from_folder(tmp_path / "gone")
    with pytest.raises(LayoutError, match=r"1 videos outside a class folder.*folder named after"):
        VideoIndex.from_folder(numbered_video().parent)


# ---- smaller indices


def test_select_keeps_classes_and_takes_masks_or_positions(index_of):
    index = index_of({"Jump": [1, 2], "Run": [1, 2]})
    by_mask = index.select([False, False, True, True])
    assert by_mask.table["video_id"].tolist() == ["v_Run_g01_c01", "v_Run_g02_c01"]
    assert (by_mask.classes, by_mask.labels.tolist()) == (["Jump", "Run"], [1, 1])
    assert index.select(np.array([3, 2])).groups.tolist() == ["g02", "g01"]
    assert len(index.select([])) == 0
    with pytest.raises(IndexError, match="2 instead of 4"):
        index.select([True, False])


def test_of_classes_numbers_labels_anew_and_official_splits_follow(toys):
    index = toys.of_classes(["Wave", "Jump"])
    assert index.classes == ["Wave", "Jump"]
    assert index.table["class_name"].tolist() == ["Wave"] * 12 + ["Jump"] * 12
    assert index.labels.tolist() == [0] * 12 + [1] * 12
    assert [len(part) for part in index.split(1, validation=0)] == [16, 0, 8]


@pytest.mark.parametrize("names", [["Jmup"], [], ["Run", "Run"]], ids=["unknown", "none", "twice"])
def test_of_classes_refuses_what_is_not_there(toys, names):
    with pytest.raises(DatasetError, match="There are: Jump, Run"):
        toys.of_classes(names)


def test_reversed_pairs_are_those_of_the_file_beside_the_videos(toys, tmp_path):
    assert toys.reversed_pairs == []
    (tmp_path / "reversed_pairs.csv").write_text("class_name,twin_class\nRun,Jump\nWave,Rest\n")
    index = VideoIndex(toys.table, tmp_path, classes=toys.classes, report=toys.report, lists=None)
    (pair,) = index.select([0]).reversed_pairs  # both classes have to be there
    assert (pair, tuple(pair)) == (ReversedPair("Run", "Jump"), ("Run", "Jump"))
    assert index.of_classes(["Run", "Wave"]).reversed_pairs == []


def test_the_file_of_reversed_pairs_tells_which_are_cyclic(toys, tmp_path):
    rows = "class_name,twin_class,kind\nRun,Jump,cyclic\nJump,Wave,end-state\n"
    (tmp_path / "reversed_pairs.csv").write_text(rows)
    index = VideoIndex(toys.table, tmp_path, classes=toys.classes, report=toys.report, lists=None)
    assert [(*pair, pair.cyclic) for pair in index.reversed_pairs] == [
        ("Run", "Jump", True),
        ("Jump", "Wave", False),
    ]


def test_the_fingerprint_is_of_the_videos_not_of_where_they_lie(toy_dataset, tmp_path):
    root = toy_dataset(classes=("Jump", "Run"), groups=2, clips=1)
    index = VideoIndex.from_folder(root)
    copy = VideoIndex.from_folder(shutil.copytree(root, tmp_path / "copy"))
    assert index.fingerprint == copy.fingerprint == index.select([3, 2, 1, 0]).fingerprint
    assert len(index.fingerprint) == 16
    changed = toy_dataset(classes=("Jump", "Run"), groups=2, clips=1, frames=8, name="changed")
    others = index.select([0, 1]), VideoIndex.from_folder(changed)
    assert index.fingerprint not in {other.fingerprint for other in others}
