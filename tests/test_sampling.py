import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlab.data.sampling import (
    AllFrames,
    EveryNth,
    EverySecond,
    Possible,
    Reordered,
    Segments,
    Uniform,
    Window,
    from_text,
)
from vidlab.errors import SamplingError

frame_counts = st.integers(1, 2000)
counts = st.integers(1, 200)
seeds = st.integers(0, 2**32 - 1)
ONE_OF_EACH = [Uniform(5), EverySecond(8), EveryNth(3), Window(7), Segments(4), AllFrames()]
names = [type(sampler).__name__ for sampler in ONE_OF_EACH]


@pytest.mark.parametrize("sampler", ONE_OF_EACH, ids=names)
@given(frame_count=st.integers(1, 300), seed=seeds)
def test_every_index_is_a_frame_of_the_video(sampler, frame_count, seed):
    for rng in (None, np.random.default_rng(seed)):
        chosen = sampler.indices(frame_count, rng=rng)
        assert chosen.dtype == np.int64
        assert chosen.ndim == 1
        assert len(chosen) >= 1
        assert chosen.min() >= 0
        assert chosen.max() < frame_count
        assert sampler.length in (None, len(chosen))


@pytest.mark.parametrize("sampler", [Window(7), Segments(4)], ids=["Window", "Segments"])
@given(frame_count=frame_counts, seed=seeds)
def test_equal_generators_give_equal_choices(sampler, frame_count, seed):
    first, second = np.random.default_rng(seed), np.random.default_rng(seed)
    assert np.array_equal(
        sampler.indices(frame_count, rng=first), sampler.indices(frame_count, rng=second)
    )


@pytest.mark.parametrize("make", [Uniform, EverySecond], ids=["Uniform", "EverySecond"])
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


@given(count=counts, frame_count=frame_counts)
def test_uniform_takes_one_frame_of_each_equal_part(count, frame_count):
    chosen = Uniform(count).indices(frame_count)
    assert np.all(np.diff(chosen) >= 0)
    part_middles = (np.arange(count) + 0.5) * frame_count / count - 0.5
    assert np.all(np.abs(chosen - part_middles) <= 0.5 + 1e-9)
    assert len(np.unique(chosen)) == min(count, frame_count)


@given(seconds=st.integers(1, 30))
def test_every_second_takes_eight_frames_of_every_twenty_five(seconds):
    chosen = EverySecond(8).indices(25 * seconds)
    assert np.array_equal(np.bincount(chosen // 25, minlength=seconds), np.full(seconds, 8))


@pytest.mark.parametrize(
    ("frame_count", "fps", "expected"),
    [(1, 25.0, 1), (300, 29.97, 80), (50, 50.0, 8), (10, 4.0, 10)],
    ids=["one frame", "NTSC", "fast camera", "fewer frames a second than asked for"],
)
def test_every_second_follows_the_frame_rate(frame_count, fps, expected):
    assert len(EverySecond(8).indices(frame_count, fps=fps)) == expected


def test_every_second_stops_after_the_most_that_is_wanted():
    every = EverySecond(8).indices(1000)
    assert len(every) == 320
    np.testing.assert_array_equal(EverySecond(8, at_most=80).indices(1000), every[:80])
    np.testing.assert_array_equal(
        EverySecond(8, at_most=80).indices(50), EverySecond(8).indices(50)
    )


@given(step=st.integers(1, 50), frame_count=frame_counts)
def test_every_nth_begins_at_the_first_frame(step, frame_count):
    assert EveryNth(step).indices(frame_count).tolist() == list(range(0, frame_count, step))


@given(length=counts, frame_count=frame_counts, seed=seeds)
def test_window_is_consecutive_where_the_video_is_long_enough(length, frame_count, seed):
    chosen = Window(length).indices(frame_count, rng=np.random.default_rng(seed))
    assert len(chosen) == length
    if frame_count >= length:
        assert np.all(np.diff(chosen) == 1)


def test_every_valid_start_of_a_window_is_drawn():
    rng = np.random.default_rng(0)
    starts = {int(Window(8).indices(10, rng=rng)[0]) for _ in range(200)}
    assert starts == {0, 1, 2}


def test_window_without_chance_is_in_the_middle():
    assert Window(100).indices(300)[[0, -1]].tolist() == [100, 199]


def test_short_video_repeats_from_the_start():
    expected = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    rng = np.random.default_rng(3)
    assert Window(10).indices(4).tolist() == expected
    assert Window(10).indices(4, rng=rng).tolist() == expected


@given(count=counts, frame_count=frame_counts, seed=seeds)
def test_segments_draw_inside_their_own_part(count, frame_count, seed):
    chosen = Segments(count).indices(frame_count, rng=np.random.default_rng(seed))
    for part, frame in enumerate(chosen):
        first, end = part * frame_count // count, (part + 1) * frame_count // count
        assert frame in range(first, end) or (first == end and frame == first)


def test_segments_reach_every_frame():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([Segments(3).indices(11, rng=rng) for _ in range(300)])
    assert set(drawn.tolist()) == set(range(11))


def test_all_frames_are_all_frames():
    assert AllFrames().indices(5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("make", [Uniform, EverySecond, EveryNth, Window, Segments])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "8"])
def test_options_that_are_no_frame_numbers_are_refused(make, value):
    with pytest.raises(SamplingError, match=rf"(?s)Expected {make.__name__}.*Received: {value!r}"):
        make(value)
    with pytest.raises(SamplingError, match="at_most"):
        EverySecond(8, at_most=0)


@pytest.mark.parametrize("sampler", ONE_OF_EACH, ids=names)
def test_videos_without_frames_or_rate_are_refused(sampler):
    with pytest.raises(SamplingError, match=r"Received: 0 frames.*probe"):
        sampler.indices(0)
    with pytest.raises(SamplingError, match=r"at 0 per second.*probe"):
        sampler.indices(10, fps=0)


def test_samplers_are_records():
    assert Uniform(25) == Uniform(25)
    assert len({Uniform(25), Uniform(25), Segments(25)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Uniform(25).count = 3


def test_reversing_uniform_frames_gives_those_of_the_reversed_video():
    there, back = Uniform(6), Reordered(Uniform(6), "reversed")
    assert back.length == 6
    assert np.array_equal(back.indices(31), 30 - there.indices(31))


@given(counts, seeds)
def test_shuffling_keeps_the_frames_and_repeats_itself(frame_count, seed):
    shuffled, plain = Reordered(Segments(9), "shuffled"), Segments(9)
    chosen = shuffled.indices(frame_count)
    assert frame_count < 9 or not np.array_equal(chosen, plain.indices(frame_count))
    assert sorted(chosen) == sorted(plain.indices(frame_count))
    assert np.array_equal(chosen, shuffled.indices(frame_count))
    drawn = [shuffled.indices(frame_count, rng=np.random.default_rng(seed)) for _ in range(2)]
    assert np.array_equal(*drawn)


def test_frozen_is_one_frame_of_those_chosen():
    frozen = Reordered(Uniform(8), "frozen").indices(40)
    assert len(frozen) == 8
    assert set(frozen) == {Uniform(8).indices(40)[4]}


def test_an_unknown_order_is_refused():
    with pytest.raises(SamplingError, match=r"reversed, shuffled or frozen. Received: 'backwards'"):
        Reordered(Uniform(8), "backwards")


@pytest.mark.parametrize("sampler", [*ONE_OF_EACH, EverySecond(8, at_most=80)], ids=repr)
def test_a_sampler_is_made_again_from_its_text(sampler):
    assert from_text(repr(sampler)) == sampler


@pytest.mark.parametrize(
    "text", ["Uniform", "Uniform()", "Random(3)", "Uniform(n)", "f().x", "1 +"]
)
def test_text_that_is_no_sampler_is_refused(text):
    with pytest.raises(SamplingError, match=r"Expected a sampler.*Samplers: Uniform, EverySecond"):
        from_text(text)


EVERY = [*ONE_OF_EACH, *(Reordered(Uniform(5), order) for order in ("reversed", "frozen"))]
EVERY += [Reordered(Uniform(5), "shuffled"), Reordered(Window(5), "reversed")]


@pytest.mark.parametrize("sampler", EVERY, ids=str)
def test_samplers_tell_whether_they_draw(sampler):
    choices = {
        tuple(sampler.indices(97, rng=None if seed < 0 else np.random.default_rng(seed)).tolist())
        for seed in range(-1, 20)
    }
    assert (len(choices) > 1) == sampler.draws
    assert np.array_equal(sampler.indices(97), sampler.indices(97))


@given(data=st.data(), frame_count=st.integers(1, 200), seed=seeds)
def test_possible_frames_hold_all_that_samplers_can_choose(data, frame_count, seed):
    samplers = tuple(data.draw(st.lists(st.sampled_from(EVERY), min_size=1, max_size=3)))
    possible = Possible(samplers).indices(frame_count)
    assert possible.dtype == np.int64
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

        def indices(self, frame_count, *, fps=25.0, rng=None):
            return np.array([0 if rng is None else rng.integers(frame_count)])

    assert Possible((Mine(),)).indices(5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("order", ["reversed", "shuffled", "frozen"])
def test_another_order_is_as_long_as_the_one_of_time(order):
    assert Reordered(EverySecond(8, at_most=80), order).at_most == 80
    assert Reordered(Uniform(3), order).at_most is None
