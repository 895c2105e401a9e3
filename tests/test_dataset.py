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


@pytest.fixture
def index(toy_dataset):
    """Index 3 classes × 2 groups × 2 clips = 12 videos of 9 numbered frames."""
    return VideoIndex.from_folder(toy_dataset(groups=2, size=(48, 80), lists=False))


def numbers(frame_number, x):
    """Read the number of every picture in a batch of any shape."""
    pictures = x.reshape(-1, *x.shape[-3:])
    return np.array([frame_number(picture) for picture in pictures]).reshape(x.shape[:-3])


def batches(clips):
    """Go through one epoch in this thread."""
    return [clips[i] for i in range(len(clips))]


class Seen(keras.Model):
    """A model that writes down the batches fit and predict hand to it."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, data):
        x, y = data
        self.seen.append((x.numpy(), y.numpy()))
        return {"loss": keras.ops.zeros(())}

    def predict_step(self, data):
        self.seen.append((data[0].numpy(), data[1].numpy()))
        return data[1]


def fitted(clips, *, epochs=1):
    model = Seen()
    model.compile(run_eagerly=True)
    model.fit(clips, epochs=epochs, shuffle=False, verbose=0)
    return model.seen


def assert_same_batches(found, expected):
    assert len(found) == len(expected)
    for (x, y), (expected_x, expected_y) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, expected_x)
        np.testing.assert_array_equal(y, expected_y)


def test_clips_hold_the_sampled_frames_and_labels_in_index_order(index, frame_number):
    clips = Clips(index, Rgb(Uniform(3), SIZE, clip=True), batch_size=5)
    assert len(clips) == 3
    found = batches(clips)
    assert [x.shape for x, _ in found] == [(5, 3, *SIZE, 3), (5, 3, *SIZE, 3), (2, 3, *SIZE, 3)]
    assert {x.dtype for x, _ in found} == {np.dtype("uint8")}
    x, y = (np.concatenate(part) for part in zip(*found, strict=True))
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, index.labels)
    np.testing.assert_array_equal(numbers(frame_number, x), np.tile([1, 4, 7], (12, 1)))
    np.testing.assert_array_equal(clips.video_positions, np.arange(12))
    assert clips.frame_numbers is None


def test_pictures_are_those_of_the_video(index):
    clips = Clips(index, Rgb(Uniform(3), SIZE, clip=True), batch_size=12)
    ((x, _),) = batches(clips)
    for position, path in enumerate(index.paths):
        np.testing.assert_array_equal(x[position], video.read_frames(path, [1, 4, 7], size=SIZE))


def test_single_frames_come_in_index_order_with_their_video_and_number(index, frame_number):
    clips = Clips(index, Rgb(EveryNth(2), SIZE), batch_size=8)
    found = batches(clips)
    assert [len(y) for _, y in found] == [8] * 7 + [4]  # 12 videos × frames 0 2 4 6 8
    x, y = (np.concatenate(part) for part in zip(*found, strict=True))
    assert x.shape == (60, *SIZE, 3)
    np.testing.assert_array_equal(clips.video_positions, np.repeat(np.arange(12), 5))
    np.testing.assert_array_equal(clips.frame_numbers, np.tile([0, 2, 4, 6, 8], 12))
    np.testing.assert_array_equal(numbers(frame_number, x), clips.frame_numbers)
    np.testing.assert_array_equal(y, index.labels[clips.video_positions])


def test_shuffled_frames_are_every_frame_once_with_its_own_label(index, frame_number):
    clips = Clips(index, Rgb(AllFrames(), SIZE), batch_size=16, shuffle=True)
    x, y = (np.concatenate(part) for part in zip(*batches(clips), strict=True))
    rows = set(zip(clips.video_positions.tolist(), clips.frame_numbers.tolist(), strict=True))
    assert rows == {(position, frame) for position in range(12) for frame in range(9)}
    assert len(y) == len(rows)
    np.testing.assert_array_equal(numbers(frame_number, x), clips.frame_numbers)
    np.testing.assert_array_equal(y, index.labels[clips.video_positions])


@pytest.mark.parametrize("batch_size", [1, 4, 16, 64])
def test_no_video_is_read_by_many_batches_of_an_epoch(index, batch_size):
    clips = Clips(index, Rgb(AllFrames(), SIZE), batch_size=batch_size, shuffle=True)
    most = max(int(frames) for frames in index.table["frames"])
    for position in range(len(index)):
        batches = np.unique(np.flatnonzero(clips.video_positions == position) // batch_size)
        assert len(batches) <= max(9, -(-2 * most // batch_size) + 1)


@pytest.fixture
def uneven(tmp_path):
    """Index 4 videos of 5, 3, 8 and 8 frames."""
    for number, frames in enumerate((5, 3, 8, 8), start=1):
        path = tmp_path / "uneven" / "Run" / f"v_Run_g{number:02d}_c01.avi"
        video.write(path, np.full((frames, 48, 80, 3), 10 * number, np.uint8))
    return VideoIndex.from_folder(tmp_path / "uneven")


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
@pytest.mark.parametrize("batch_size", [1, 2])
def test_shorter_clips_are_filled_up_to_one_length(uneven, sampling, lengths, longest, batch_size):
    clips = Clips(uneven, Rgb(sampling, SIZE, clip=True), batch_size=batch_size)
    x = np.concatenate([x for x, _ in batches(clips)])
    assert (x.shape[1], x.dtype) == (longest, np.float32)
    padded = (x == PADDING).all(axis=(2, 3, 4))
    assert [longest - row.sum() for row in padded] == lengths
    assert all(not (x[row, :length] == PADDING).any() for row, length in enumerate(lengths))


def test_several_streams_give_batches_by_their_names(index, frame_number):
    """All see the same frames of a random draw, each at its size."""
    streams = {
        name: Rgb(Window(4), size, clip=True) for name, size in (("a", SIZE), ("b", (48, 80)))
    }
    labels = {"class": index.labels, "odd": np.arange(12) % 2}
    clips = Clips(index, streams, batch_size=5, shuffle=True, labels=labels)
    for number in range(3):
        x, y = clips[number]
        assert [x[name].shape[2:4] for name in ("a", "b")] == [SIZE, (48, 80)]
        first, second = (numbers(frame_number, x[name]) for name in ("a", "b"))
        np.testing.assert_array_equal(first, second)
        positions = clips.video_positions[5 * number : 5 * number + 5]
        np.testing.assert_array_equal(y["class"], index.labels[positions])
        np.testing.assert_array_equal(y["odd"], positions % 2)


def test_test_frames_are_others_where_a_stream_says_so(index, frame_number):
    stream = Rgb(Segments(2), SIZE, clip=True, test=Uniform(3))
    x, _ = Clips(index, stream)[0]
    np.testing.assert_array_equal(numbers(frame_number, x), np.tile([1, 4, 7], (12, 1)))
    assert Clips(index, stream, shuffle=True)[0][0].shape == (12, 2, *SIZE, 3)


@pytest.mark.parametrize("clip", [True, False], ids=["clips", "frames"])
def test_training_examples_are_varied_and_others_never(index, clip):
    stream, augment = Rgb(Window(3), SIZE, clip=clip), Augment()
    plain = Clips(index, stream, batch_size=36, shuffle=True, seed=2)
    varied = Clips(index, stream, batch_size=36, shuffle=True, seed=2, augment=augment)
    np.testing.assert_array_equal(plain.video_positions, varied.video_positions)
    for row, (before, after) in enumerate(zip(plain[0][0], varied[0][0], strict=True)):
        position = varied.video_positions[row]
        frame = 0 if clip else varied.frame_numbers[row]
        np.testing.assert_array_equal(after, varied._variation(position, frame)(before))
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


def test_a_batch_of_frames_mixes_videos_of_its_block_and_of_no_other(index, monkeypatch):
    monkeypatch.setattr(dataset, "_MOST_READS", 2)  # 2 · 18 frames of a block are 4 videos
    clips = Clips(index, Rgb(AllFrames(), SIZE), batch_size=18, shuffle=True)
    blocks = clips.video_positions.reshape(3, 36)
    assert [len(set(block)) for block in blocks.tolist()] == [4, 4, 4]
    assert len(set(clips.video_positions.tolist())) == 12
    assert all(len(set(batch)) == 4 for batch in clips.video_positions.reshape(6, 18).tolist())


def test_every_video_of_a_batch_is_read_once(index, monkeypatch):
    read = []
    genuine = video.read_frames
    monkeypatch.setattr(
        video, "read_frames", lambda path, i, **kw: read.append(path) or genuine(path, i, **kw)
    )
    clips = Clips(index, Rgb(AllFrames(), SIZE), batch_size=27, shuffle=True)
    clips[0]
    assert len(read) == len(set(read))


@pytest.mark.parametrize("per_frame", [False, True], ids=["clips", "frames"])
def test_order_and_draws_differ_by_epoch_and_seed_and_repeat(index, per_frame):
    def epochs(seed):
        stream = Rgb(Segments(3), SIZE, clip=not per_frame)
        clips = Clips(index, stream, batch_size=7, shuffle=True, seed=seed)
        first = batches(clips)
        clips.epoch += 1
        return first, batches(clips)

    first, second = epochs(seed=3)
    again, _ = epochs(seed=3)
    other, _ = epochs(seed=4)
    assert_same_batches(again, first)
    for different in (second, other):
        assert any((a[0] != b[0]).any() for a, b in zip(first, different, strict=True))


def test_an_interrupted_training_goes_on_at_its_epoch(index):
    stream = Rgb(Window(4), SIZE, clip=True)
    through, resumed = (Clips(index, stream, batch_size=5, shuffle=True, seed=1) for _ in range(2))
    fitted(through, epochs=2)
    assert through.epoch == 2
    resumed.epoch = 2
    assert_same_batches(batches(resumed), batches(through))


def test_without_shuffling_every_epoch_is_the_same(index):
    clips = Clips(index, Rgb(Segments(3), SIZE, clip=True), batch_size=5)
    first = batches(clips)
    clips.epoch += 1
    assert_same_batches(batches(clips), first)


@pytest.mark.parametrize("per_frame", [False, True], ids=["clips", "frames"])
def test_fit_sees_the_epochs_in_order(index, per_frame):
    stream = Rgb(Segments(3), SIZE, clip=not per_frame)
    options = {"batch_size": 5, "shuffle": True, "seed": 9}
    expected = Clips(index, stream, **options)
    by_hand = batches(expected)
    for _ in range(2):
        expected.epoch += 1
        by_hand += batches(expected)
    assert_same_batches(fitted(Clips(index, stream, **options), epochs=3), by_hand)


def test_predict_rows_line_up_with_videos_and_frames(index):
    clips = Clips(index, Rgb(EveryNth(4), SIZE), batch_size=5)
    model = Seen()
    model.compile(run_eagerly=True)
    predicted = model.predict(clips, verbose=0)
    np.testing.assert_array_equal(predicted, index.labels[clips.video_positions])


def test_no_threads_are_left_after_fit(index):
    before = set(threading.enumerate())
    fitted(Clips(index, Rgb(Uniform(2), SIZE, clip=True), batch_size=2), epochs=2)
    left = [t for t in threading.enumerate() if t not in before and t.name.startswith("Worker")]
    assert left == []


def test_only_a_few_batches_are_decoded_ahead(index):
    class Counting(Clips):
        made, used, most = 0, 0, 0
        lock = threading.Lock()

        def __getitem__(self, number):
            batch = super().__getitem__(number)
            with self.lock:
                Counting.made += 1
                Counting.most = max(Counting.most, Counting.made - Counting.used)
            return batch

    class Slow(Seen):
        def train_step(self, data):
            threading.Event().wait(0.02)
            Counting.used += 1
            return {"loss": keras.ops.zeros(())}

    clips = Counting(index, Rgb(AllFrames(), SIZE), batch_size=2, shuffle=True)
    model = Slow()
    model.compile(run_eagerly=True)
    model.fit(clips, epochs=1, shuffle=False, verbose=0)
    assert len(clips) == 54
    # Keras makes two batches beforehand to learn their shapes; one waits for the queue, and one
    # is on its way to the training step.
    assert Counting.most <= AHEAD + 2 + 3


def test_a_video_that_cannot_be_read_stops_training_and_is_named(index):
    broken = index.paths[7]
    broken.write_bytes(broken.read_bytes()[:200])
    clips = Clips(index, Rgb(Uniform(2), SIZE, clip=True), batch_size=2)
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


def test_an_empty_index_is_refused(index):
    stream = Rgb(Uniform(2), SIZE, clip=True)
    with pytest.raises(DatasetError, match=r"at least one video.*0 videos"):
        Clips(index.select([]), stream)
    with pytest.raises(DatasetError, match="batch_size=0"):
        Clips(index, stream, batch_size=0)


def test_a_batch_beyond_the_last_is_refused(index):
    clips = Clips(index, Rgb(Uniform(2), SIZE, clip=True), batch_size=5)
    with pytest.raises(IndexError, match=r"from 0 to 2\. Received: 3"):
        clips[3]
