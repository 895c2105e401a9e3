import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab.data import splits
from vidlab.data.index import VideoIndex, check_no_leakage, leakage
from vidlab.errors import LeakageError, SplitError


def part_ids(parts):
    return [part.table["video_id"].tolist() for part in parts]


def test_every_video_is_in_one_part(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset())
    for by in ("official", "groups", "random"):
        ids = [name for part in part_ids(index.split(1, by=by)) for name in part]
        assert sorted(ids) == sorted(index.table["video_id"])


def test_equal_seeds_give_equal_splits(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(groups=12, clips=1))
    for by in ("official", "groups", "random"):
        once, again = (part_ids(index.split(1, seed=3, by=by)) for _ in range(2))
        assert once == again
        drawn = {tuple(part_ids(index.split(1, seed=seed, by=by))[1]) for seed in range(8)}
        assert len(drawn) > 1


def test_twins_stay_together(index_of):
    index = index_of({name: range(1, 26) for name in ("OpenDoor", "CloseDoor", "Wave")}, clips=2)
    parts = index.split(2, seed=5)
    for part in parts:
        groups = part.table.groupby("class_name")["group"].agg(set)
        assert groups["OpenDoor"] == groups["CloseDoor"]
    assert [len(part) for part in parts] == [3 * 16 * 2, 3 * 2 * 2, 3 * 7 * 2]


def test_folds_begin_again_after_the_last_group(index_of):
    index = index_of({"Jump": range(1, 8), "Run": range(1, 8)})
    tested = [sorted(set(index.split(k, by="groups")[2].groups)) for k in (1, 2, 3, 4)]
    assert tested == [["g01", "g02"], ["g03", "g04"], ["g05", "g06"], ["g01", "g07"]]


@given(
    counts=st.lists(st.integers(2, 12), min_size=1, max_size=5),
    clips=st.integers(1, 3),
    k=st.integers(1, 9),
    validation=st.sampled_from([0, 0.1, 0.3]),
    seed=st.integers(0, 99),
)
def test_splits_by_group_train_and_test_every_class(index_of, counts, clips, k, validation, seed):
    index = index_of({f"C{n}": range(1, count + 1) for n, count in enumerate(counts)}, clips)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train, held, test = index.split(k, validation=validation, seed=seed, by="groups")
    assert set(train.table["class_name"]) == set(test.table["class_name"]) == set(index.classes)
    assert len(train) + len(held) + len(test) == len(index)
    assert leakage(train, held, test).empty


@given(
    groups=st.integers(3, 25),
    clips=st.integers(1, 4),
    validation=st.floats(0.05, 0.5),
    seed=st.integers(0, 99),
)
def test_the_share_held_out_is_as_near_as_whole_groups_allow(
    index_of, groups, clips, validation, seed
):
    index = index_of({"Jump": range(groups), "Run": range(groups)}, clips)
    held = splits.hold_out(index.table, np.random.default_rng(seed), share=validation)
    possible = np.arange(1, groups) / groups
    assert abs(held.mean() - validation) == pytest.approx(np.abs(possible - validation).min())


def test_real_videos_of_few_groups_split_sensibly(shared):
    index = VideoIndex.from_folder(shared / "videos" / "ucf101-mini")
    assert (len(index), len(index.classes), len(index.report)) == (24, 6, 0)
    for k in (1, 2, 3):
        train, validation, test = index.split(k)
        assert set(train.table["class_name"]) == set(index.classes)
        assert set(test.table["class_name"]) == set(index.classes)
        assert len(train) + len(validation) + len(test) == 24
        assert len(validation) >= 1


def test_a_class_of_one_group_only_trains(index_of):
    train, validation, test = index_of({"Jump": [1], "Run": [1, 2, 3, 4]}).split(1)
    assert set(test.table["class_name"]) == {"Run"}
    assert "Jump" in set(train.table["class_name"])
    assert set(validation.groups) <= {"g02", "g03", "g04"}


def test_no_validation_is_no_warning(index_of, recwarn):
    train, validation, _ = index_of({"Jump": [1, 2], "Run": [1, 2]}).split(1, validation=0)
    assert (len(train), len(validation)) == (2, 0)
    assert not recwarn.list


def test_validation_that_cannot_be_spared_is_said(index_of):
    with pytest.warns(UserWarning, match="validation part is empty"):
        train, validation, _ = index_of({"Jump": [1, 2], "Run": [1, 2]}).split(1)
    assert (len(train), len(validation)) == (2, 0)


def test_a_random_split_leaks_and_the_table_shows_it(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(groups=10, clips=4, frames=2))
    parts = index.split(1, by="random")
    shared_groups = leakage(*parts)
    assert list(shared_groups.columns) == ["class_name", "group", "train", "validation", "test"]
    assert len(shared_groups) > 15
    for row in shared_groups.itertuples():
        for part, count in zip(parts, row[3:], strict=True):
            table = part.table
            mine = (table["class_name"] == row.class_name) & (table["group"] == row.group)
            assert count == mine.sum()
    assert [len(part) for part in parts] == [78, 9, 33]  # 28% of 40 is 11, 10% of 29 is 3
    with pytest.raises(LeakageError, match=r'groups in more than one.*by="groups"'):
        check_no_leakage(*parts)


def test_groups_of_one_name_in_two_classes_are_no_leak(index_of):
    index = index_of({"Jump": [1, 2], "Run": [1, 2]})
    jump, run = index.select([0, 1]), index.select([2, 3])
    assert leakage(jump, run).empty
    check_no_leakage(jump, run)


def test_leakage_between_any_number_of_parts(index_of):
    index = index_of({"Jump": [1, 2]}, clips=2)
    shared_groups = leakage(*(index.select([row]) for row in range(4)))
    assert shared_groups.to_dict("list") == {
        "class_name": ["Jump", "Jump"],
        "group": ["g01", "g02"],
        "part_1": [1, 0],
        "part_2": [1, 0],
        "part_3": [0, 1],
        "part_4": [0, 1],
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"k": 0}, "number of a split.*Received: 0"),
        ({"k": 1.5}, "Received: 1.5"),
        ({"validation": 1.0}, r"Received: 1\.0"),
        ({"validation": -0.1}, r"Received: -0\.1"),
        ({"by": "luck"}, r"'auto', 'official', 'groups', 'random'.*'luck'"),
        ({"by": "official"}, r'memory without trainlist01\.txt.*by="groups"'),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_splits_that_mean_nothing_are_refused(index_of, options, told):
    with pytest.raises(SplitError, match=told):
        index_of({"Jump": [1, 2], "Run": [1, 2]}).split(**options)


def test_an_official_split_that_does_not_exist_lists_those_that_do(toy_dataset):
    with pytest.raises(SplitError, match=r"\[1, 2, 3\]\. Received: 4"):
        VideoIndex.from_folder(toy_dataset()).split(4)


def test_a_class_without_training_videos_is_named_with_the_remedy(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(groups=6, clips=1))
    table = index.table
    left = index.select(((table["class_name"] != "Run") | (table["group"] == "g01")).to_numpy())
    with pytest.raises(SplitError, match=r"none of Run\. Add videos.*of_classes"):
        left.split(1)


def test_a_split_without_test_videos_is_refused(index_of):
    with pytest.raises(SplitError, match="at least two groups"):
        index_of({"Jump": [1], "Run": [2]}).split(1)
