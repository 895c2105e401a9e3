"""Streams: what an input of a model is, and one of a user's own, through batches."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EverySecond, Segments, Uniform, Window
from vidlab.data.streams import PADDING, Rgb, is_per_frame, stack_clips
from vidlab.errors import SamplingError

SIZE = (24, 40)
STREAM = Rgb(Segments(4), SIZE, clip=True, test=Uniform(9))


@pytest.fixture(scope="module")
def index(small_toys):
    return VideoIndex.from_folder(small_toys)


def test_a_stream_has_the_shape_that_keras_takes_and_frames_to_predict_on():
    assert Rgb(AllFrames(), 50).shape == (50, 50, 3)
    assert Rgb(AllFrames(), 50) == Rgb(AllFrames(), (50, 50))
    assert Rgb(Window(4), SIZE, clip=True).shape == (None, 24, 40, 3)
    assert Rgb(Window(4), SIZE, clip=True).frame_shape == (24, 40, 3)
    assert (STREAM.at_test, Rgb(Segments(4), 8).at_test) == (Uniform(9), Segments(4))
    assert Rgb(Uniform(4), 8, test=Uniform(4)) == Rgb(Uniform(4), 8)


def test_a_stream_of_fixed_length_tells_the_model_how_many_frames_there_are():
    assert Rgb(Window(4), 8, clip=True, fixed=True).shape == (4, 8, 8, 3)
    for sampling, test in ((Window(4), Uniform(5)), (EverySecond(8), None)):
        with pytest.raises(SamplingError, match=r"one number of frames.*Choose Uniform\(16\)"):
            Rgb(sampling, 8, clip=True, test=test, fixed=True)


@pytest.mark.parametrize("size", [0, (24, -1), (24, 40, 3)])
def test_a_size_that_is_none_is_refused(size):
    received = (0, 0) if size == 0 else size
    with pytest.raises(SamplingError, match="height and width") as refused:
        Rgb(AllFrames(), size)
    assert f"Received: size={received}" in str(refused.value)


# ---- changed


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, STREAM),
        ({"size": 8}, Rgb(Segments(4), 8, clip=True, test=Uniform(9))),
        ({"size": [8, 9]}, Rgb(Segments(4), (8, 9), clip=True, test=Uniform(9))),
        (
            {"sampling": "EverySecond(8, at_most=80)"},
            Rgb(EverySecond(8, at_most=80), SIZE, clip=True, test=Uniform(9)),
        ),
        ({"test": Uniform(3)}, Rgb(Segments(4), SIZE, clip=True, test=Uniform(3))),
    ],
    ids=str,
)
def test_a_changed_stream_differs_in_what_is_named_alone(options, expected):
    assert STREAM.changed(**options) == expected


def test_the_text_of_its_record_leads_back_to_a_stream():
    record = json.loads(json.dumps(STREAM.as_dict()))
    assert (record["stream"], record["clip"]) == ("Rgb", True)
    options = {name: record[name] for name in ("sampling", "test", "size")}
    assert Rgb(AllFrames(), 8, clip=True).changed(**options) == STREAM


def test_a_sampler_of_ones_own_is_known_by_its_text_and_no_other_is():
    @dataclass(frozen=True)
    class First:
        count: int

    assert Rgb(First(2), 8).changed(sampling=repr(First(2))).sampling == First(2)
    with pytest.raises(SamplingError, match="First"):
        STREAM.changed(sampling=repr(First(2)))


# ---- together


def test_streams_are_told_to_be_frames_or_clips_and_clips_may_take_other_frames_each():
    assert is_per_frame({"rgb": Rgb(Uniform(4), 8)})
    slow, fast = Rgb(Uniform(4), 8, clip=True), Rgb(Uniform(8), 8, clip=True)
    assert not is_per_frame({"slow": slow, "fast": fast})


@pytest.mark.parametrize(
    "other",
    [Rgb(Uniform(4), 8, clip=True), Rgb(Uniform(5), 8), Rgb(Uniform(4), 8, test=Uniform(5))],
    ids=["a clip", "other frames", "other frames at test"],
)
def test_rows_that_would_not_belong_together_are_refused(other, index):
    message = r"all clips, or all single frames.*rgb: .*other: .*same clip="
    with pytest.raises(SamplingError, match=message):
        Clips(index, {"rgb": Rgb(Uniform(4), 8), "other": other})


def test_shorter_clips_are_followed_by_what_fills_them_up():
    equal = [np.full((2, 3), value, np.uint8) for value in (4, 5)]
    assert stack_clips(equal).dtype == np.uint8
    np.testing.assert_array_equal(stack_clips(equal), equal)
    clips = [np.ones((1, 2)), np.ones((3, 2))]
    np.testing.assert_array_equal(stack_clips(clips)[0], [[1, 1], [PADDING] * 2, [PADDING] * 2])
    assert stack_clips(clips, fill=0.0)[0].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert stack_clips(clips, length=4).shape == (2, 4, 2)


# ---- a stream of one's own


@dataclass(frozen=True)
class Differences(Rgb):
    """How much each frame differs from the one before it; of the first, nothing does."""

    dtype = "float32"

    def read(self, frames, indices):
        before = frames(np.maximum(indices - 1, 0)).astype(np.float32)
        return frames(indices) - before

    def vary(self, pictures, variation):
        return pictures  # flipping and cropping are for pictures


def differences(path, numbers):
    pictures = video.read_frames(path, range(9), size=SIZE).astype(np.float32)
    return pictures[numbers] - pictures[np.maximum(numbers - 1, 0)]


def test_clips_hand_over_what_a_stream_reads_with_and_without_a_cache(index, tmp_path):
    stream = Differences(Uniform(4), SIZE, clip=True)
    for cache in (None, tmp_path):
        x, _ = Clips(index, stream, batch_size=12, cache=cache)[0]
        assert (x.shape, x.dtype) == ((12, 4, *SIZE, 3), np.float32)
        for clip, path in zip(x, index.paths, strict=True):
            np.testing.assert_array_equal(clip, differences(path, Uniform(4).indices(9)))
    assert stream.as_dict()["stream"] == "Differences"
    assert stream.changed(size=8) == Differences(Uniform(4), 8, clip=True)


def test_single_frames_of_two_streams_are_of_the_same_moment_and_varied_as_each_says(index):
    streams = {"rgb": Rgb(Segments(3), SIZE), "motion": Differences(Segments(3), SIZE)}
    options = {"batch_size": 7, "shuffle": True, "seed": 3}
    plain, varied = (Clips(index, streams, augment=a, **options) for a in (None, Augment()))
    x = plain[1][0]
    rows = zip(plain.video_positions[7:14], plain.frame_numbers[7:14], strict=True)
    for row, (position, frame) in enumerate(rows):
        path = index.paths[position]
        np.testing.assert_array_equal(x["rgb"][row], video.read_frames(path, [frame], size=SIZE)[0])
        np.testing.assert_array_equal(x["motion"][row], differences(path, np.array([frame]))[0])
    np.testing.assert_array_equal(varied[1][0]["motion"], x["motion"])
    assert (varied[1][0]["rgb"] != x["rgb"]).any()
