"""What picks show of a video, against counting by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab.data import coverage, sampling
from vidlab.errors import SamplingError


def test_a_window_shows_its_part_and_leaves_the_longer_end_unseen():
    seen = coverage.measure(sampling.Window(4).indices(15), 15)  # frames 5 to 8
    assert (seen.picks, seen.different, seen.share, seen.reach) == (4, 4, 4 / 15, 4 / 15)
    assert (seen.gap, seen.repeated) == (6, ())


def test_a_short_video_repeats_frames_and_leaves_none_unseen():
    seen = coverage.measure(sampling.Window(7).indices(3), 3)  # 0 1 2 0 1 2 0
    assert (seen.picks, seen.different, seen.share, seen.gap) == (7, 3, 1.0, 0)
    assert seen.repeated == (0, 1, 2)
    assert not seen.is_in_order


def test_reversed_frames_show_the_same_in_another_order():
    forwards = sampling.Uniform(5)
    backwards = sampling.Reordered(forwards, "reversed")
    one, other = (coverage.measure(each.indices(31), 31) for each in (forwards, backwards))
    assert (one.share, one.reach, one.gap) == (other.share, other.reach, other.gap)
    assert (one.is_in_order, other.is_in_order) == (True, False)


@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), min_size=1, max_size=80))
    )
)
def test_all_numbers_are_those_of_going_through_the_frames(case):
    frame_count, picks = case
    seen = coverage.measure(np.array(picks), frame_count)
    marks = "".join("x" if frame in picks else "." for frame in range(frame_count))
    assert seen.different == marks.count("x")
    assert seen.gap == max(map(len, marks.split("x")))
    assert seen.reach == len(marks.strip(".")) / frame_count
    assert seen.repeated == tuple(sorted({one for one in picks if picks.count(one) > 1}))
    assert seen.is_in_order == (picks == sorted(picks))


@pytest.mark.parametrize(
    ("picks", "found"),
    [([0, 30], "0 to 30"), ([-1, 3], "-1 to 3"), ([], "none")],
    ids=["beyond the end", "negative", "no picks"],
)
def test_picks_must_be_in_the_video(picks, found):
    with pytest.raises(SamplingError, match=f"from 0 to 29. Received: {found}"):
        coverage.measure(np.array(picks, int), 30)
