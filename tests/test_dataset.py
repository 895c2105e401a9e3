"""Batches: the right frames, the same for a seed, no more in memory than a few batches."""

import threading

import keras
import numpy as np
import pytest

from vidlab.data import dataset, video
from vidlab.data.augment import Augment
from vidlab.data.dataset import AHEAD, Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import (
    AllFrames,
    EveryNth,
    EverySecond,
    Reordered,
    Segments,
    Uniform,
    Window,
)
from vidlab.data.streams import PADDING, Rgb
from vidlab.errors import DatasetError, UnreadableVideoError

SIZE = (24, 40)
CLIPS = Rgb(Segments(3), SIZE, clip=True)
BOTH = pytest.mark.parametrize("stream", [CLIPS, Rgb(Segments(3), SIZE)], ids=["clips", "frames"])


@pytest.fixture(scope="module")
def index(small_toys):
    return VideoIndex.from_folder(small_toys)


@pytest.fixture
def numbers(frame_number):
    """Give the function that reads the number of every picture in a batch of any shape."""

    def read(x):
        pictures = x.reshape(-1, *x.shape[-3:])
        return np.array([frame_number(picture) for picture in pictures]).reshape(x.shape[:-3])

    return read


def batches(clips):
    """Go through one epoch in this thread."""
    return [clips[i] for i in range(len(clips))]


def joined(clips):
    """Read one epoch as one batch."""
    return tuple(np.concatenate(part) for part in zip(*batches(clips), strict=True))


class Recorder(keras.Model):
    """A model that writes down the batches fit and predict hand to it."""

    def __init__(self, step=None):
        super().__init__()
        self.batches, self.step = [], step
        self.compile(run_eagerly=True)

    def train_step(self, data):
        self.predict_step(data)
        return {"loss": keras.ops.zeros(())}

    def predict_step(self, data):
        self.batches.append(tuple(part.numpy() for part in data))
        if self.step:
            self.step()
        return data[1]


def fitted(clips, *, epochs=1, step=None):
    model = Recorder(step)
    model.fit(clips, epochs=epochs, shuffle=False, verbose=0)
    return model.batches


def assert_same_batches(found, expected):
    assert len(found) == len(expected)
    for batch, other in zip(found, expected, strict=True):
        for part, other_part in zip(batch, other, strict=True):
            np.testing.assert_array_equal(part, other_part)


# ---- which frames


def test_clips_hold_the_sampled_frames_and_labels_in_index_order(index, numbers):
    clips = Clips(index, Rgb(Uniform(3), SIZE, clip=True), batch_size=5)
    assert [x.shape for x, _ in batches(clips)] == [(n, 3, *SIZE, 3) for n in (5, 5, 2)]
    x, y = joined(clips)
    assert (x.dtype, y.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(y, index.labels)
    np.testing.assert_array_equal(numbers(x), np.tile([1, 4, 7], (12, 1)))
    np.testing.assert_array_equal(clips.video_positions, np.arange(12))
    assert clips.frame_numbers is None
    for clip, path in zip(x, index.paths, strict=True):
        np.testing.assert_array_equal(clip, video.read_frames(path, [1, 4, 7], size=SIZE))


@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
def test_single_frames_are_each_one_once_with_its_label_and_number(index, numbers, shuffle):
    clips = Clips(index, Rgb(EveryNth(2), SIZE), batch_size=8, shuffle=shuffle)
    assert [len(y) for _, y in batches(clips)] == [8] * 7 + [4]  # 12 videos × frames 0 2 4 6 8
    x, y = joined(clips)
    rows = list(zip(clips.video_positions.tolist(), clips.frame_numbers.tolist(), strict=True))
    expected = [(position, frame) for position in range(12) for frame in (0, 2, 4, 6, 8)]
    assert (rows == expected) != shuffle
    assert sorted(rows) == expected
    np.testing.assert_array_equal(numbers(x), clips.frame_numbers)
    np.testing.assert_array_equal(y, index.labels[clips.video_positions])


def test_several_streams_give_batches_by_their_names(index, numbers):
    """All see the same frames of a random draw, each at its size."""
    streams = {"a": Rgb(Window(4), SIZE, clip=True), "b": Rgb(Window(4), (48, 80), clip=True)}
    labels = {"class": index.labels, "odd": np.arange(12) % 2}
    clips = Clips(index, streams, batch_size=5, shuffle=True, labels=labels)
    for number, (x, y) in enumerate(batches(clips)):
        assert [x[name].shape[2:4] for name in ("a", "b")] == [SIZE, (48, 80)]
        np.testing.assert_array_equal(numbers(x["a"]), numbers(x["b"]))
        positions = clips.video_positions[5 * number : 5 * number + 5]
        np.testing.assert_array_equal(y["class"], index.labels[positions])
        np.testing.assert_array_equal(y["odd"], positions % 2)


def test_test_frames_are_others_where_a_stream_says_so(index, numbers):
    stream = Rgb(Segments(2), SIZE, clip=True, test=Uniform(3))
    x, _ = Clips(index, stream)[0]
    np.testing.assert_array_equal(numbers(x), np.tile([1, 4, 7], (12, 1)))
    assert Clips(index, stream, shuffle=True)[0][0].shape == (12, 2, *SIZE, 3)


@pytest.mark.parametrize(
    ("sampling", "lengths", "longest"),
    [
        (AllFrames(), [5, 3, 8, 8], 8),
        (EverySecond(25, at_most=4), [4, 3, 4, 4], 4),
        (EverySecond(25, at_most=9), [5, 3, 8, 8], 9),
        (Reordered(EverySecond(25, at_most=9), "reversed"), [5, 3, 8, 8], 9),
    ],
    ids=str,
)
def test_shorter_clips_are_filled_up_to_one_length(tmp_path, sampling, lengths, longest):
    for number, frames in enumerate((5, 3, 8, 8), start=1):
        path = tmp_path / "Run" / f"v_Run_g{number:02d}_c01.avi"
        video.write(path, np.full((frames, 48, 80, 3), 10 * number, np.uint8))
    clips = Clips(VideoIndex.from_folder(tmp_path), Rgb(sampling, SIZE, clip=True), batch_size=2)
    x, _ = joined(clips)
    assert (x.shape[1], x.dtype) == (longest, np.float32)
    padded = (x == PADDING).all(axis=(2, 3, 4))
    assert [longest - row.sum() for row in padded] == lengths
    assert all(not (x[row, :length] == PADDING).any() for row, length in enumerate(lengths))


# ---- which of them share a batch


@pytest.mark.parametrize("batch_size", [1, 4, 16, 64])
def test_no_video_is_read_by_many_batches_of_an_epoch(index, batch_size):
    clips = Clips(index, Rgb(AllFrames(), SIZE), batch_size=batch_size, shuffle=True)
    for position in range(len(index)):
        numbers = np.unique(np.flatnonzero(clips.video_positions == position) // batch_size)
        assert len(numbers) <= max(9, -(-2 * 9 // batch_size) + 1)


def test_a_batch_of_frames_mixes_videos_of_its_block_and_reads_each_once(index, monkeypatch):
    monkeypatch.setattr(dataset, "_MOST_READS", 2)  # 2 · 18 frames of a block are 4 videos
    clips = Clips(index, Rgb(AllFrames(), SIZE), batch_size=18, shuffle=True)
    blocks = clips.video_positions.reshape(3, 2, 18).tolist()
    assert [len(set(sum(block, []))) for block in blocks] == [4, 4, 4]  # noqa: RUF017
    assert all(len(set(batch)) == 4 for block in blocks for batch in block)
    reads, genuine = [], video.read_frames
    monkeypatch.setattr(
        video, "read_frames", lambda path, i, **size: reads.append(path) or genuine(path, i, **size)
    )
    clips[0]
    assert len(reads) == len(set(reads)) == 4


# ---- randomness


@pytest.mark.parametrize("clip", [True, False], ids=["clips", "frames"])
def test_training_examples_are_varied_and_others_never(index, clip):
    stream, augment = Rgb(Window(3), SIZE, clip=clip), Augment()
    plain = Clips(index, stream, batch_size=36, shuffle=True, seed=2)
    varied = Clips(index, stream, batch_size=36, shuffle=True, seed=2, augment=augment)
    np.testing.assert_array_equal(plain.video_positions, varied.video_positions)
    for row, (before, after) in enumerate(zip(plain[0][0], varied[0][0], strict=True)):
        frame = 0 if clip else varied.frame_numbers[row]
        variation = varied._variation(varied.video_positions[row], frame)
        np.testing.assert_array_equal(after, variation(before))
    assert (plain[0][0] != varied[0][0]).any()
    tested = Clips(index, stream, batch_size=36, augment=augment)
    np.testing.assert_array_equal(tested[0][0], Clips(index, stream, batch_size=36)[0][0])


def test_what_is_drawn_for_one_purpose_says_nothing_about_another(index):
    """Were a video's frames and its variation drawn alike, early frames would all be mirrored."""
    clips = Clips(index, Rgb(Window(2), SIZE, clip=True), shuffle=True, augment=Augment())
    starts, mirrored = [], []
    for clips.epoch in range(50):
        for position in range(12):
            starts.append(clips._choose(clips.streams[""], position)[0])
            mirrored.append(clips._variation(position).flipped)
    assert abs(np.corrcoef(starts, mirrored)[0, 1]) < 0.15  # 600 draws: 3.7 standard errors


@BOTH
def test_epochs_follow_from_seed_and_number_whoever_goes_through_them(index, stream):
    def epochs(seed):
        clips, found = Clips(index, stream, batch_size=5, shuffle=True, seed=seed), []
        for clips.epoch in (0, 1):
            found.append(batches(clips))
        return found

    first, second = epochs(seed=3)
    clips = Clips(index, stream, batch_size=5, shuffle=True, seed=3)
    assert_same_batches(fitted(clips, epochs=2), first + second)
    assert clips.epoch == 2  # where an interrupted training goes on
    for different in (second, epochs(seed=4)[0]):
        assert any((a[0] != b[0]).any() for a, b in zip(first, different, strict=True))


def test_without_shuffling_every_epoch_is_the_same_and_predictions_line_up(index):
    clips = Clips(index, Rgb(EveryNth(4), SIZE), batch_size=5)
    first = batches(clips)
    clips.epoch += 1
    assert_same_batches(batches(clips), first)
    predicted = Recorder().predict(clips, verbose=0)
    np.testing.assert_array_equal(predicted, index.labels[clips.video_positions])


# ---- threads, memory and errors


def test_only_a_few_batches_are_decoded_ahead_and_no_threads_are_left(index):
    made, most, lock, before = [], [], threading.Lock(), set(threading.enumerate())

    class Counting(Clips):
        def __getitem__(self, number):
            batch = super().__getitem__(number)
            with lock:
                made.append(number)
                most.append(len(made))
            return batch

    def step():
        threading.Event().wait(0.02)
        made.pop()

    clips = Counting(index, Rgb(AllFrames(), SIZE), batch_size=4, shuffle=True)
    assert len(fitted(clips, step=step)) == 27
    # Keras makes two batches beforehand to learn their shapes; one waits for the queue, and one
    # is on its way to the training step.
    assert max(most) <= AHEAD + 2 + 3
    left = set(threading.enumerate()) - before
    assert [thread for thread in left if thread.name.startswith("Worker")] == []


def test_a_video_that_cannot_be_read_stops_training_and_is_named(toy_dataset):
    index = VideoIndex.from_folder(toy_dataset(groups=2, lists=False))
    broken = index.paths[7]
    broken.write_bytes(broken.read_bytes()[:200])
    clips = Clips(index, CLIPS, batch_size=2)
    with pytest.raises(UnreadableVideoError, match=broken.name):
        batches(clips)
    with pytest.raises(Exception, match=broken.name):
        fitted(clips)


def test_batches_are_the_same_from_a_cache(index, tmp_path):
    stream, options = Rgb(Window(3), SIZE), {"batch_size": 10, "shuffle": True}
    plain = batches(Clips(index, stream, **options))
    for _ in range(2):
        cached = Clips(index, stream, cache=tmp_path / "cache", **options)
        assert_same_batches(batches(cached), plain)
    assert [folder.name for folder in (tmp_path / "cache").iterdir()] == ["frames-24x40"]


def test_nothing_to_read_is_refused(index):
    with pytest.raises(DatasetError, match=r"at least one video.*0 videos"):
        Clips(index.select([]), CLIPS)
    with pytest.raises(DatasetError, match="batch_size=0"):
        Clips(index, CLIPS, batch_size=0)
    with pytest.raises(IndexError, match=r"from 0 to 2\. Received: 3"):
        Clips(index, CLIPS, batch_size=5)[3]


def test_a_video_without_a_label_of_a_task_has_no_weight_in_it(index):
    labels = {
        "all": np.arange(len(index)),
        "some": np.ma.masked_less(np.arange(len(index)) - 2, 0),
    }
    data = Clips(index, Rgb(Uniform(2), 16, clip=True), batch_size=4, labels=labels)
    _, y, weights = data[0]
    assert {name: values.tolist() for name, values in weights.items()} == {
        "all": [1, 1, 1, 1],
        "some": [0, 0, 1, 1],
    }
    assert y["some"][2:].tolist() == [0, 1]
    assert not np.ma.isMaskedArray(y["some"])
    assert len(Clips(index, Rgb(Uniform(2), 16), labels={"all": labels["all"]})[0]) == 2
