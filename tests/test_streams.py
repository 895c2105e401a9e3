"""Streams: what an input of a model is, and one of a user's own, through batches."""

from dataclasses import dataclass

import numpy as np
import pytest

from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EverySecond, Segments, Uniform, Window
from vidlab.data.streams import PADDING, Rgb, is_per_frame, stack_clips
from vidlab.errors import SamplingError, VidlabError

SIZE = (24, 40)


@pytest.fixture
def index(toy_dataset):
    """Index 3 classes × 2 groups × 2 clips = 12 videos of 9 numbered frames."""
    return VideoIndex.from_folder(toy_dataset(groups=2, lists=False))


def test_frames_and_clips_have_the_shapes_that_keras_takes():
    assert Rgb(AllFrames(), 50).shape == (50, 50, 3)
    assert Rgb(Window(4), (24, 40), clip=True).shape == (None, 24, 40, 3)
    assert Rgb(Window(4), (24, 40), clip=True).frame_shape == (24, 40, 3)


def test_one_number_is_both_height_and_width():
    assert Rgb(AllFrames(), 50) == Rgb(AllFrames(), (50, 50))


def test_it_is_predicted_on_the_frames_of_the_test_sampler_where_there_is_one():
    assert Rgb(Segments(4), 8).at_test == Segments(4)
    assert Rgb(Segments(4), 8, test=Uniform(9)).at_test == Uniform(9)
    assert Rgb(Uniform(4), 8, test=Uniform(4)) == Rgb(Uniform(4), 8)


@pytest.mark.parametrize(
    ("size", "received"),
    [(0, r"\(0, 0\)"), ((24, -1), r"\(24, -1\)"), ((24, 40, 3), r"\(24, 40, 3\)")],
)
def test_a_size_that_is_none_is_refused(size, received):
    with pytest.raises(SamplingError, match=rf"height and width.*Received: size={received}"):
        Rgb(AllFrames(), size)


class TestChanged:
    stream = Rgb(Segments(4), SIZE, clip=True, test=Uniform(9))

    def test_what_is_not_named_stays(self):
        assert self.stream.changed() == self.stream
        assert self.stream.changed(size=8) == Rgb(Segments(4), 8, clip=True, test=Uniform(9))
        assert self.stream.changed(size=[8, 9]).size == (8, 9)

    def test_samplers_may_be_given_or_named(self):
        for sampling in (EverySecond(8, at_most=80), "EverySecond(8, at_most=80)"):
            other = self.stream.changed(sampling=sampling)
            assert (other.sampling, other.test) == (EverySecond(8, at_most=80), Uniform(9))
        assert self.stream.changed(test="Uniform(count=3)").at_test == Uniform(3)

    def test_the_text_of_its_record_leads_back_to_it(self):
        record = self.stream.as_dict()
        assert record == {
            "stream": "Rgb",
            "clip": True,
            "sampling": "Segments(count=4)",
            "test": "Uniform(count=9)",
            "size": [24, 40],
        }
        other = Rgb(AllFrames(), 8, clip=True)
        options = {name: record[name] for name in ("sampling", "test", "size")}
        assert other.changed(**options) == self.stream

    def test_a_sampler_of_ones_own_is_known_by_its_text(self):
        @dataclass(frozen=True)
        class First:
            count: int
            length = None
            draws = False

            def indices(self, frame_count, *, fps=25.0, rng=None):
                return np.arange(min(self.count, frame_count))

        stream = Rgb(First(2), 8)
        assert stream.changed(sampling=repr(First(2))).sampling == First(2)

    def test_a_text_that_names_no_sampler_is_refused(self):
        with pytest.raises(VidlabError, match="Sometimes"):
            self.stream.changed(sampling="Sometimes(3)")


class TestAligned:
    def test_it_tells_frames_from_clips(self):
        assert is_per_frame({"rgb": Rgb(AllFrames(), 8)})
        assert not is_per_frame({"rgb": Rgb(Uniform(4), 8, clip=True)})
        assert is_per_frame({"large": Rgb(Uniform(4), 16), "small": Rgb(Uniform(4), 8)})

    def test_clips_may_take_other_frames_each(self):
        slow, fast = Rgb(Uniform(4), 8, clip=True), Rgb(Uniform(8), 8, clip=True)
        assert not is_per_frame({"slow": slow, "fast": fast})

    @pytest.mark.parametrize(
        "others",
        [
            {"clip": Rgb(Uniform(4), 8, clip=True)},
            {"more": Rgb(Uniform(5), 8)},
            {"tested": Rgb(Uniform(4), 8, test=Uniform(5))},
        ],
        ids=["a clip", "other frames", "other frames at test"],
    )
    def test_rows_that_would_not_belong_together_are_refused(self, others, index):
        streams = {"rgb": Rgb(Uniform(4), 8), **others}
        message = rf"all clips, or all single frames.*rgb: .*{next(iter(others))}: .*same clip="
        with pytest.raises(SamplingError, match=message):
            is_per_frame(streams)
        with pytest.raises(SamplingError, match=message):
            Clips(index, streams)


class TestTogether:
    def test_equal_clips_are_stacked_as_they_are(self):
        clips = [np.full((2, 3), value, np.uint8) for value in (4, 5)]
        batch = stack_clips(clips)
        assert batch.dtype == np.uint8
        np.testing.assert_array_equal(batch, clips)

    def test_shorter_ones_are_followed_by_what_fills_them_up(self):
        clips = [np.ones((1, 2)), np.ones((3, 2))]
        np.testing.assert_array_equal(stack_clips(clips)[0], [[1, 1], [PADDING] * 2, [PADDING] * 2])
        assert stack_clips(clips, fill=0.0)[0].tolist() == [[1, 1], [0, 0], [0, 0]]
        assert stack_clips(clips, length=4).shape == (2, 4, 2)


@dataclass(frozen=True)
class Differences(Rgb):
    """How much each frame differs from the one before it; of the first, nothing does."""

    dtype = "float32"

    def read(self, frames, indices):
        before = frames(np.maximum(indices - 1, 0)).astype(np.float32)
        return frames(indices) - before

    def vary(self, pictures, variation):
        return pictures  # flipping and cropping are for pictures


class TestAStreamOfOnesOwn:
    def test_clips_hand_over_what_it_reads(self, index):
        stream = Differences(Uniform(4), SIZE, clip=True)
        data = Clips(index, stream, batch_size=5)
        x, y = data[0]
        assert (x.shape, x.dtype, y.shape) == ((5, 4, *SIZE, 3), np.float32, (5,))
        numbers = Uniform(4).indices(9)
        for clip, path in zip(x, index.paths[:5], strict=True):
            pictures = video.read_frames(path, range(9), size=SIZE).astype(np.float32)
            np.testing.assert_array_equal(clip, pictures[numbers] - pictures[numbers - 1])

    def test_single_frames_of_two_streams_are_those_of_the_same_moment(self, index):
        streams = {"rgb": Rgb(Segments(3), SIZE), "motion": Differences(Segments(3), SIZE)}
        data = Clips(index, streams, batch_size=7, shuffle=True, seed=3)
        for number in range(len(data)):
            x, _ = data[number]
            rows = slice(7 * number, 7 * number + 7)
            assert set(x) == {"rgb", "motion"}
            pairs = zip(data.video_positions[rows], data.frame_numbers[rows], strict=True)
            for row, (position, frame) in enumerate(pairs):
                path = index.paths[position]
                now, before = video.read_frames(path, [frame, max(frame - 1, 0)], size=SIZE)
                np.testing.assert_array_equal(x["rgb"][row], now)
                difference = now.astype(np.float32) - before
                np.testing.assert_array_equal(x["motion"][row], difference)

    def test_it_says_itself_how_it_is_varied(self, index):
        streams = {
            "rgb": Rgb(Uniform(4), SIZE, clip=True),
            "motion": Differences(Uniform(4), SIZE, clip=True),
        }
        plain = Clips(index, streams, batch_size=12, shuffle=True)[0][0]
        varied = Clips(index, streams, batch_size=12, shuffle=True, augment=Augment())[0][0]
        np.testing.assert_array_equal(varied["motion"], plain["motion"])
        assert (varied["rgb"] != plain["rgb"]).any()

    def test_its_name_stands_in_its_record(self):
        stream = Differences(Uniform(4), SIZE)
        assert stream.as_dict()["stream"] == "Differences"
        assert stream.changed(size=8) == Differences(Uniform(4), 8)

    def test_it_reads_from_the_cache_of_frames(self, index, tmp_path):
        stream = Differences(Uniform(4), SIZE, clip=True)
        batches = [
            Clips(index, stream, batch_size=12, cache=cache)[0][0] for cache in (None, tmp_path)
        ]
        np.testing.assert_array_equal(*batches)
        assert (tmp_path / "frames-24x40").is_dir()

    def test_it_has_a_padding_of_its_own(self, numbered_video, tmp_path):
        stream = Differences(AllFrames(), SIZE, clip=True)
        folder = tmp_path / "UCF-101" / "Jump"
        for group, frames in ((1, 3), (2, 5)):
            path = numbered_video(frames=frames)
            folder.mkdir(parents=True, exist_ok=True)
            path.rename(folder / f"v_Jump_g{group:02d}_c01.avi")
        x, _ = Clips(VideoIndex.from_folder(tmp_path), stream)[0]
        assert (x[0, 3:] == PADDING).all()
        assert not (x[1] == PADDING).all(axis=(1, 2, 3)).any()
