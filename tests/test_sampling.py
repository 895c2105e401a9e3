"""Samplers, and what their choices show of a video: properties held for any video and count."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidlab.data import coverage
from vidlab.data.sampling import (
    AllFrames,
    EveryNth,
    EverySecond,
    Possible,
    Reordered,
    Segments,
    Uniform,
    Window,
    choose,
    from_text,
)
from vidlab.errors import SamplingError

frame_counts = st.integers(1, 2000)
counts = st.integers(1, 200)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40)
ONE_OF_EACH = [Uniform(5), EverySecond(8), EveryNth(3), Window(7), Segments(4), AllFrames()]
EVERY = [*ONE_OF_EACH, *(Reordered(Uniform(5), order) for order in ("reversed", "frozen"))]
EVERY += [Reordered(Uniform(5), "shuffled"), Reordered(Window(5), "reversed")]


@pytest.mark.parametrize("sampler", EVERY, ids=str)
@few
@given(frame_count=st.integers(1, 300), seed=seeds)
def test_every_index_is_a_frame_of_the_video_and_equal_generators_agree(sampler, frame_count, seed):
    for rngs in ((None, None), [np.random.default_rng(seed) for _ in range(2)]):
        chosen, again = (sampler.indices(frame_count, rng=rng) for rng in rngs)
        assert (chosen.dtype, chosen.ndim) == (np.int64, 1)
        assert 0 <= chosen.min() <= chosen.max() < frame_count
        assert sampler.length in (None, len(chosen))
        assert np.array_equal(chosen, again)


@pytest.mark.parametrize("sampler", EVERY, ids=str)
def test_samplers_tell_whether_they_draw(sampler):
    choices = {
        tuple(sampler.indices(97, rng=None if seed < 0 else np.random.default_rng(seed)).tolist())
        for seed in range(-1, 20)
    }
    assert (len(choices) > 1) == sampler.draws


@pytest.mark.parametrize("make", [Uniform, EverySecond], ids=["Uniform", "EverySecond"])
@few
@given(count=counts, frame_count=frame_counts)
def test_a_reversed_video_gives_the_same_frames(make, count, frame_count):
    chosen = make(count).indices(frame_count)
    mirrored = frame_count - 1 - chosen[::-1]
    if len(chosen) % 2 and frame_count % 2 == 0:
        # No frame is in the middle: the pick nearest to it cannot be its own mirror image.
        middle = len(chosen) // 2
        assert chosen[middle] == frame_count // 2
        chosen, mirrored = np.delete(chosen, middle), np.delete(mirrored, middle)
    assert np.array_equal(chosen, mirrored)


@few
@given(count=counts, frame_count=frame_counts)
def test_uniform_takes_one_frame_of_each_equal_part(count, frame_count):
    chosen = Uniform(count).indices(frame_count)
    assert np.all(np.diff(chosen) >= 0)
    part_middles = (np.arange(count) + 0.5) * frame_count / count - 0.5
    assert np.all(np.abs(chosen - part_middles) <= 0.5 + 1e-9)
    assert len(np.unique(chosen)) == min(count, frame_count)


@pytest.mark.parametrize(
    ("frame_count", "fps", "expected"),
    [(1, 25.0, 1), (300, 29.97, 80), (50, 50.0, 8), (10, 4.0, 10)],
    ids=["one frame", "NTSC", "fast camera", "fewer frames a second than wanted"],
)
def test_every_second_follows_the_frame_rate(frame_count, fps, expected):
    assert len(EverySecond(8).indices(frame_count, fps=fps)) == expected


def test_every_second_takes_as_many_of_each_second_and_stops_at_the_most():
    every = EverySecond(8).indices(1000)
    assert np.array_equal(np.bincount(every // 25), np.full(40, 8))
    np.testing.assert_array_equal(EverySecond(8, at_most=80).indices(1000), every[:80])


@few
@given(length=counts, frame_count=frame_counts, seed=seeds)
def test_window_is_consecutive_and_a_short_video_repeats_from_the_start(length, frame_count, seed):
    chosen = Window(length).indices(frame_count, rng=np.random.default_rng(seed))
    first = chosen[0] if frame_count >= length else 0
    assert chosen.tolist() == [(first + i) % frame_count for i in range(length)]


@few
@given(count=counts, frame_count=frame_counts, seed=seeds)
def test_segments_draw_inside_their_own_part(count, frame_count, seed):
    chosen = Segments(count).indices(frame_count, rng=np.random.default_rng(seed))
    for part, frame in enumerate(chosen):
        first, end = part * frame_count // count, (part + 1) * frame_count // count
        assert frame in range(first, end) or (first == end and frame == first)


def test_every_start_of_a_window_and_every_frame_of_a_segment_is_drawn():
    rng = np.random.default_rng(0)
    assert {int(Window(8).indices(10, rng=rng)[0]) for _ in range(200)} == {0, 1, 2}
    drawn = np.concatenate([Segments(3).indices(11, rng=rng) for _ in range(300)])
    assert set(drawn.tolist()) == set(range(11))


@few
@given(counts, seeds)
def test_other_orders_are_of_the_same_frames(frame_count, seed):
    plain = Segments(9).indices(frame_count)
    orders = {
        order: Reordered(Segments(9), order).indices(frame_count)
        for order in ("reversed", "shuffled", "frozen")
    }
    assert orders["reversed"].tolist() == plain[::-1].tolist()
    assert set(orders["frozen"]) == {plain[4]}
    assert sorted(orders["shuffled"]) == sorted(plain)
    assert frame_count < 9 or not np.array_equal(orders["shuffled"], plain)


@pytest.mark.parametrize("order", ["reversed", "shuffled", "frozen"])
def test_other_orders_are_as_long_as_the_one_of_time(order):
    assert Reordered(EverySecond(8, at_most=80), order).at_most == 80
    assert (Reordered(Uniform(3), order).at_most, Reordered(Uniform(3), order).length) == (None, 3)


@few
@given(data=st.data(), frame_count=st.integers(1, 200), seed=seeds)
def test_possible_frames_hold_all_that_samplers_can_choose(data, frame_count, seed):
    samplers = tuple(data.draw(st.lists(st.sampled_from(EVERY), min_size=1, max_size=3)))
    possible = Possible(samplers).indices(frame_count)
    assert (np.diff(possible) > 0).all()
    for sampler in samplers:
        for rng in (None, np.random.default_rng(seed)):
            assert set(sampler.indices(frame_count, rng=rng)) <= set(possible)
    if not any(sampler.draws for sampler in samplers):
        chosen = [sampler.indices(frame_count) for sampler in samplers]
        assert set(possible) == set(np.concatenate(chosen))


def test_a_sampler_of_ones_own_that_says_nothing_may_draw():
    class Mine:
        length = 1

    assert Possible((Mine(),)).indices(5).tolist() == [0, 1, 2, 3, 4]


def test_samplers_are_records_and_are_made_again_from_their_text():
    for sampler in [*ONE_OF_EACH, EverySecond(8, at_most=80)]:
        assert from_text(repr(sampler)) == sampler
    assert len({Uniform(25), Uniform(25), Segments(25)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Uniform(25).count = 3


# ---- errors


@pytest.mark.parametrize("make", [Uniform, EverySecond, EveryNth, Window, Segments])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "8"])
def test_options_that_are_no_frame_numbers_are_refused(make, value):
    with pytest.raises(SamplingError, match=rf"(?s)Expected {make.__name__}.*Received: {value!r}"):
        make(value)


@pytest.mark.parametrize("sampler", ONE_OF_EACH, ids=str)
def test_videos_without_frames_or_rate_are_refused(sampler):
    for video, message in (((0, 25), "Received: 0 frames.*probe"), ((9, 0), "at 0 per second")):
        with pytest.raises(SamplingError, match=message):
            sampler.indices(video[0], fps=video[1])


@pytest.mark.parametrize(
    "text",
    [
        "Uniform", "Uniform()", "Random(3)", "Uniform(n)", "f().x", "1 +",
        "EverySecond(8, at_most=0)",
    ],
)  # fmt: skip
def test_text_that_is_no_sampler_is_refused(text):
    with pytest.raises(SamplingError, match=r"Expected a sampler.*Samplers: Uniform|at_most"):
        from_text(text)


def test_an_unknown_order_is_refused():
    with pytest.raises(SamplingError, match=r"reversed, shuffled or frozen. Received: 'backwards'"):
        Reordered(Uniform(8), "backwards")


# ---- coverage


@few
@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), min_size=1, max_size=80))
    )
)
def test_coverage_is_that_of_going_through_the_frames(case):
    frame_count, picks = case
    seen = coverage.measure(np.array(picks), frame_count)
    marks = "".join("x" if frame in picks else "." for frame in range(frame_count))
    assert (seen.picks, seen.share) == (len(picks), marks.count("x") / frame_count)
    assert seen.gap == max(map(len, marks.split("x")))
    assert seen.repeated == tuple(sorted({one for one in picks if picks.count(one) > 1}))


def test_every_second_follows_the_time_stamps_where_the_rate_varies():
    times = [*np.arange(60) / 30, *(2 + np.arange(20) / 5)]  # 2 s at 30 frames, 4 s at 5
    chosen = EverySecond(4).indices(80, fps=80 / 6, times=times)
    shown = np.array(times)[chosen]
    wanted = (np.arange(24) + 0.5) / 4
    # Each is the last frame that has begun at its moment; frames last 0.2 s at most.
    assert len(chosen) == 24
    assert ((wanted - shown >= -1e-9) & (wanted - shown < 0.2 + 1e-9)).all()
    assert (np.diff(shown) > 0).all()


def test_time_stamps_of_a_constant_rate_change_no_choice_but_by_a_frame():
    plain = EverySecond(8).indices(100, fps=25)
    stamped = EverySecond(8).indices(100, fps=25, times=np.arange(100) / 25)
    assert np.abs(plain - stamped).max() <= 1


def test_a_sampler_of_a_reader_s_own_need_not_know_of_times():
    class First:
        draws = False

        def indices(self, frame_count, *, fps=25.0, rng=None):
            return np.array([0])

    row = SimpleNamespace(frames=np.int64(9), fps=np.float64(25), times=None)
    assert choose(First(), row).tolist() == [0]
    assert choose(Reordered(EverySecond(2), "reversed"), row).tolist() == [4]
