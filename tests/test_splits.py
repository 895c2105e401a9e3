"""Splits: official lists, group folds and at random; and that no group is in two parts."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidlab.data import lists, splits
from vidlab.data.groups import check_no_leakage, leakage
from vidlab.data.index import VideoIndex
from vidlab.errors import LayoutError, LeakageError, SplitError

OFFICIAL = {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}
WAYS = ("official", "groups", "random")


@pytest.fixture(scope="module")
def toys(toy_folder):
    return VideoIndex.from_folder(toy_folder)


def part_ids(parts):
    return [part.table["video_id"].tolist() for part in parts]


# ---- official lists


def test_the_official_lists_give_the_published_counts_and_test_the_groups_in_order(ucf101_lists):
    assert (len(ucf101_lists), len(ucf101_lists.classes)) == (13_320, 101)
    assert ucf101_lists.classes[36] == "HandstandPushups"
    for k, (training, testing) in OFFICIAL.items():
        train, validation, test = ucf101_lists.split(k)
        assert (len(train) + len(validation), len(test)) == (training, testing)
        assert set(test.groups) == {f"g{number:02d}" for number in range(7 * k - 6, 7 * k + 1)}
        by_groups = ucf101_lists.split(k, by="groups")[2]
        assert part_ids([test]) == part_ids([by_groups])


def test_test_lists_need_no_labels_and_paths_may_have_backslashes(listed):
    index = listed(
        ["Jump\\v_Jump_g01_c01.avi 1", "", "Run/v_Run_g01_c01.avi 2"],
        ["Jump/v_Jump_g02_c01.avi", "run/v_Run_g02_c01.avi 2"],
    )
    assert index.classes == ["Jump", "Run"]
    assert [len(part) for part in index.split(1, validation=0)] == [2, 0, 2]


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("trainlist01", "Jump/v_Jump_g01_c01.avi 2", r"Expected label 1.*trainlist01\.txt, line 1"),
        ("trainlist01", "v_Jump_g01_c01.avi 1", r"Class/video\.avi.*trainlist01\.txt, line 1"),
        ("trainlist01", "nonsense", r"trainlist01\.txt, line 1: 'nonsense'"),
        ("classInd", "1 Jump\nRun 2", r"classInd\.txt, line 2: 'Run 2'"),
        ("trainlist02", "Jump/v_Jump_g01_c01.avi 1", r"without testlist02\.txt"),
    ],
    ids=["wrong label", "no class", "no video", "class", "no counterpart"],
)
def test_lists_that_cannot_be_right_are_named(tmp_path, file, line, message):
    (tmp_path / "classInd.txt").write_text("1 Jump\n2 Run\n")
    (tmp_path / "testlist01.txt").touch()
    (tmp_path / "trainlist01.txt").touch()
    (tmp_path / f"{file}.txt").write_text(line)
    with pytest.raises(LayoutError, match=message):
        lists.read_lists(tmp_path)


def test_lists_that_leak_are_refused(listed):
    index = listed(
        ["Jump/v_Jump_g01_c01.avi 1", "Run/v_Run_g01_c01.avi 2"], ["Jump/v_Jump_g01_c02.avi"]
    )
    with pytest.raises(LeakageError, match=r"1 groups.*Jump g01 \(videos: 1 in train, 1 in test\)"):
        index.split(1, validation=0)


# ---- all ways to split


@pytest.mark.parametrize("by", WAYS)
def test_every_video_is_in_one_part_and_the_seed_alone_decides(toys, by):
    once, again = (part_ids(toys.split(1, seed=3, by=by)) for _ in range(2))
    assert sorted(video_id for part in once for video_id in part) == sorted(toys.table["video_id"])
    assert once == again
    drawn = {tuple(part_ids(toys.split(1, seed=seed, by=by))[1]) for seed in range(8)}
    assert len(drawn) > 1


def test_groups_of_one_number_stay_together_in_all_classes(index_of):
    index = index_of({name: range(1, 26) for name in ("OpenDoor", "CloseDoor", "Wave")}, clips=2)
    parts = index.split(2, seed=5)
    for part in parts:
        groups = part.table.groupby("class_name")["group"].agg(set)
        assert groups["OpenDoor"] == groups["CloseDoor"]
    assert [len(part) for part in parts] == [3 * 16 * 2, 3 * 2 * 2, 3 * 7 * 2]


def test_there_are_as_many_splits_by_group_as_test_other_groups(index_of):
    index = index_of({"Jump": range(1, 8), "Run": [1, 2, 3, 10]})
    tested = [sorted(set(index.split(k, by="groups")[2].groups)) for k in (1, 2, 3)]
    assert tested == [["g01", "g02"], ["g03", "g04"], ["g03", "g05", "g06"]]
    with pytest.raises(SplitError, match=r"splits \[1, 2, 3, 4\], as 8 groups allow.*Received: 5"):
        index.split(5)


@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(2, 12), min_size=1, max_size=5),
    clips=st.integers(1, 3),
    k=st.integers(1, 3),
    validation=st.sampled_from([0, 0.1, 0.3]),
    seed=st.integers(0, 99),
)
def test_splits_by_group_train_and_test_every_class(index_of, counts, clips, k, validation, seed):
    index = index_of({f"C{n}": range(1, count + 1) for n, count in enumerate(counts)}, clips)
    k = min(k, max(counts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train, held, test = index.split(k, validation=validation, seed=seed, by="groups")
    assert set(train.table["class_name"]) == set(test.table["class_name"]) == set(index.classes)
    assert len(train) + len(held) + len(test) == len(index)
    assert leakage(train, held, test).empty


@settings(max_examples=25)
@given(
    groups=st.integers(3, 25),
    clips=st.integers(1, 4),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 99),
)
def test_the_share_held_out_is_as_near_as_whole_groups_allow(index_of, groups, clips, share, seed):
    index = index_of({"Jump": range(groups), "Run": range(groups)}, clips)
    held = splits.hold_out(index.table, np.random.default_rng(seed), share=share)
    possible = np.arange(1, groups) / groups
    assert abs(held.mean() - share) == pytest.approx(np.abs(possible - share).min())


def test_a_class_of_one_group_only_trains(index_of):
    with pytest.warns(UserWarning, match="1 of 2 classes are never tested in split 1 by groups: J"):
        train, validation, test = index_of({"Jump": [1], "Run": [1, 2, 3, 4]}).split(1)
    assert set(test.table["class_name"]) == {"Run"}
    assert "Jump" in set(train.table["class_name"])
    assert set(validation.groups) <= {"g02", "g03", "g04"}


def test_validation_that_cannot_be_spared_is_warned_of_where_it_is_wanted(index_of, recwarn):
    index = index_of({"Jump": [1, 2], "Run": [1, 2]})
    assert [len(part) for part in index.split(1, validation=0)] == [2, 0, 2]
    assert not recwarn.list
    with pytest.warns(UserWarning, match="validation part is empty"):
        parts = index.split(1)
    assert [len(part) for part in parts] == [2, 0, 2]


# ---- folds


@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(2, 9), min_size=1, max_size=4),
    clips=st.integers(1, 3),
    n=st.one_of(st.none(), st.integers(2, 12)),
    seed=st.integers(0, 99),
)
def test_every_video_tests_in_one_fold_and_no_fold_leaks(index_of, counts, clips, n, seed):
    index = index_of({f"C{i}": range(1, count + 1) for i, count in enumerate(counts)}, clips)
    n = n and min(n, max(counts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = index.folds(n=n, validation=0.2, seed=seed)
    tested = [video_id for *_, test in folds for video_id in test.table["video_id"]]
    assert sorted(tested) == sorted(index.table["video_id"])
    assert len(folds) == (n or max(counts))
    for parts in folds:
        assert sorted(v for part in part_ids(parts) for v in part) == sorted(tested)
        assert leakage(*parts).empty
        assert set(parts[0].table["class_name"]) == set(index.classes)


def test_leaving_one_group_out_takes_a_name_from_all_classes(index_of):
    index = index_of({"Jump": [1, 2, 10], "Run": [2, 3, 10], "Only": [3]}, clips=2)
    with pytest.warns(UserWarning, match="1 of 3 classes are never tested in any fold: Only"):
        folds = index.folds(validation=0)
    assert [sorted(set(test.groups)) for *_, test in folds] == [["g01"], ["g02"], ["g03"], ["g10"]]
    assert [len(test) for *_, test in folds] == [2, 4, 2, 4]  # the class of one group only trains


def test_folds_have_about_as_many_videos_of_each_class(index_of):
    index = index_of({name: range(1, 26) for name in ("Jump", "Run")}, clips=2)
    folds = index.folds(n=5)
    for train, validation, test in folds:
        assert test.table["class_name"].value_counts().tolist() == [10, 10]
        assert [len(train), len(validation)] == [72, 8]
    again = index.folds(n=5, seed=1)
    assert part_ids(folds[0]) != part_ids(again[0])


def test_more_folds_than_names_take_names_apart_by_class(index_of):
    index = index_of({"Jump": [1, 2, 3], "Run": [1, 2, 3]}, clips=1)
    assert [len(test) for *_, test in index.folds(n=6, validation=0)] == [1] * 6


@pytest.mark.parametrize("n", [1, 7])
def test_folds_that_cannot_be_are_refused(index_of, n):
    with pytest.raises(SplitError, match=rf"Expected 2 to \d folds.*Received: {n}"):
        index_of({"Jump": [1, 2, 3], "Run": [1, 2, 3]}).folds(n=n)


def test_the_official_splits_are_folds(toys):
    folds = toys.folds("official", seed=2)
    assert part_ids(folds[1]) == part_ids(toys.split(2, seed=2))
    assert len(folds) == 3
    with pytest.raises(SplitError, match=r"'group' or 'official'.*'luck'"):
        toys.folds("luck")


# ---- leakage


def test_a_random_split_leaks_and_the_table_shows_it(index_of):
    parts = index_of(dict.fromkeys("ABC", range(1, 11)), clips=4).split(1, by="random")
    shared_groups = leakage(*parts)
    assert list(shared_groups.columns) == ["class_name", "group", "train", "validation", "test"]
    assert len(shared_groups) > 15
    for row in shared_groups.itertuples():
        for part, count in zip(parts, row[3:], strict=True):
            assert count == len(part.table.query("class_name == @row[1] and group == @row[2]"))
    assert [len(part) for part in parts] == [78, 9, 33]  # 28% of 40 is 11, 10% of 29 is 3
    with pytest.raises(LeakageError, match=r'groups in more than one.*by="groups"'):
        check_no_leakage(*parts)


def test_leakage_between_two_or_three_parts_is_by_class(index_of):
    index = index_of({"Jump": [1, 2], "Run": [1, 2]}, clips=2)
    check_no_leakage(index.select([0, 1]), index.select([4, 5]))
    shared_groups = leakage(*map(index.select, ([0, 2], [1], [3])))
    assert list(shared_groups)[2:] == ["train", "validation", "test"]
    assert shared_groups.values.tolist() == [
        ["Jump", "g01", 1, 1, 0],
        ["Jump", "g02", 1, 0, 1],
    ]


# ---- errors


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        ([1, 2], {"k": 0}, "number of a split.*Received: 0"),
        ([1, 2], {"k": 1.5}, "Received: 1.5"),
        ([1, 2], {"validation": 1.0}, r"Received: 1\.0"),
        ([1, 2], {"validation": -0.1}, r"Received: -0\.1"),
        ([1, 2], {"by": "luck"}, r"'auto', 'official', 'groups', 'random'.*'luck'"),
        ([1, 2], {"by": "official"}, r'memory without trainlist01\.txt.*by="groups"'),
        ([1], {}, "at least two groups"),
    ],
    ids=str,
)
def test_splits_that_mean_nothing_are_refused(index_of, groups, options, message):
    with pytest.raises(SplitError, match=message):
        index_of({"Jump": groups, "Run": groups}).split(**options)


def test_official_splits_that_do_not_exist_or_leave_a_class_untrained_are_refused(toys):
    with pytest.raises(SplitError, match=r"\[1, 2, 3\]\. Received: 4"):
        toys.split(4)
    few = toys.select(((toys.table["class_name"] != "Run") | (toys.groups == "g01")).to_numpy())
    with pytest.raises(SplitError, match=r"none of Run\. Add videos.*of_classes"):
        few.split(1)
