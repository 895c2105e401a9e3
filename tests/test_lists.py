import pytest

from vidlab.data.layouts import read_lists
from vidlab.errors import LayoutError, LeakageError

OFFICIAL = {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}


def test_the_official_lists_give_the_published_counts(ucf101_lists):
    assert len(ucf101_lists) == 13_320
    assert len(ucf101_lists.classes) == 101
    assert ucf101_lists.classes[36] == "HandstandPushups"
    assert set(ucf101_lists.table["frames"]) == {0}
    for k, (training, testing) in OFFICIAL.items():
        train, validation, test = ucf101_lists.split(k)
        assert (len(train) + len(validation), len(test)) == (training, testing)


def test_official_splits_test_the_groups_in_order(ucf101_lists):
    for k, first in ((1, 1), (2, 8), (3, 15)):
        groups = {f"g{number:02d}" for number in range(first, first + 7)}
        assert set(ucf101_lists.split(k)[2].groups) == groups


def test_group_folds_of_ucf101_are_its_official_splits(ucf101_lists):
    for k in OFFICIAL:
        official = ucf101_lists.split(k, by="official")[2]
        by_groups = ucf101_lists.split(k, by="groups")[2]
        assert official.table["video_id"].tolist() == by_groups.table["video_id"].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_two_of_eighteen_groups_validate_in_ucf101(ucf101_lists, seed):
    train, validation, test = ucf101_lists.split(1, validation=0.1, seed=seed)
    assert len(set(validation.groups)) == 2
    assert not set(validation.groups) & (set(train.groups) | set(test.groups))
    assert len(validation) / (len(train) + len(validation)) == pytest.approx(0.11, abs=0.01)
    by_class = validation.table["class_name"].value_counts()
    assert len(by_class) == 101


def test_test_lists_need_no_labels_and_paths_may_have_backslashes(listed):
    index = listed(
        ["Jump\\v_Jump_g01_c01.avi 1", "", "Run/v_Run_g01_c01.avi 2"],
        ["Jump/v_Jump_g02_c01.avi", "run/v_Run_g02_c01.avi 2"],
    )
    assert index.classes == ["Jump", "Run"]
    assert [len(part) for part in index.split(1, validation=0)] == [2, 0, 2]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Jump/v_Jump_g01_c01.avi 2", r"Expected label 1.*trainlist01\.txt, line 1"),
        ("v_Jump_g01_c01.avi 1", r"Class/video\.avi.*trainlist01\.txt, line 1"),
        ("nonsense", r"trainlist01\.txt, line 1: 'nonsense'"),
    ],
    ids=["wrong label", "no class", "no video"],
)
def test_a_line_that_cannot_be_right_is_named(listed, line, told):
    with pytest.raises(LayoutError, match=told):
        listed([line], ["Run/v_Run_g01_c01.avi"])


def test_a_class_line_that_cannot_be_right_is_named(tmp_path):
    (tmp_path / "classInd.txt").write_text("1 Jump\nRun 2\n")
    with pytest.raises(LayoutError, match=r"classInd\.txt, line 2: 'Run 2'"):
        read_lists(tmp_path)


def test_a_list_without_its_counterpart_is_refused(tmp_path):
    (tmp_path / "trainlist01.txt").write_text("Jump/v_Jump_g01_c01.avi 1\n")
    with pytest.raises(LayoutError, match=r"without testlist01\.txt"):
        read_lists(tmp_path)


def test_lists_that_leak_are_refused(listed):
    index = listed(
        ["Jump/v_Jump_g01_c01.avi 1", "Run/v_Run_g01_c01.avi 2"], ["Jump/v_Jump_g01_c02.avi"]
    )
    with pytest.raises(LeakageError, match=r"1 groups.*Jump g01 \(videos: 1 in train, 1 in test\)"):
        index.split(1, validation=0)
