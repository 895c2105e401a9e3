"""Sequences: batches of stored vectors, padded, cut, reordered and shuffled."""

import keras
import numpy as np
import pytest

from vidlab.errors import DatasetError, SamplingError
from vidlab.features import Sequences
from vidlab.features.store import FeatureStore, Layout, Shards

COUNTS = (3, 5, 2, 4, 1, 5, 3)
FEATURES = 4


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Write 7 videos of 1–5 vectors; vector j of video i begins with 10·i + j + 1."""
    layout = Layout(
        key="made-by-hand",
        about={},
        size=FEATURES,
        classes=["Jump", "Run"],
        video_ids=[f"v{at}" for at in range(len(COUNTS))],
        groups=["g01"] * len(COUNTS),
        labels=[at % 2 for at in range(len(COUNTS))],
        counts=list(COUNTS),
        shard_frames=8,
    )
    frame_numbers = np.concatenate([np.arange(0, 2 * count, 2) for count in COUNTS])
    shards = Shards.prepared(tmp_path_factory.mktemp("store"), layout, frame_numbers=frame_numbers)
    for number, videos in enumerate(layout.shards):
        rows = np.concatenate([vectors(at) for at in videos])
        shards.write(number, rows.astype(np.float16), seconds=1.5)
    return FeatureStore.open(shards.folder)


def vectors(video):
    first = 10 * video + 1 + np.arange(COUNTS[video])
    return np.stack([first, first / 8, np.zeros_like(first), -first], axis=1)


def epoch(sequences):
    """Go through one epoch in this thread."""
    parts = [sequences[number] for number in range(len(sequences))]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def firsts(x):
    """Keep the first feature, which tells video and vector; 0 is padding."""
    return x[..., 0].astype(int).tolist()


def test_the_store_divides_into_shards_of_whole_videos(store):
    assert [len(np.load(file)) for file in sorted(store.folder.glob("shard-*.npy"))] == [8, 7, 8]
    assert store.seconds == 4.5


def test_shorter_videos_are_followed_by_zeros(store):
    sequences = Sequences(store, batch_size=3)
    assert len(sequences) == 3
    assert [sequences[number][0].shape for number in range(3)] == [(3, 5, 4), (3, 5, 4), (1, 5, 4)]
    x, y = epoch(sequences)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(y, store.labels)
    for video, count in enumerate(COUNTS):
        np.testing.assert_array_equal(x[video, :count], vectors(video))
        assert not x[video, count:].any()


def test_longer_videos_are_cut_off_at_the_end(store):
    x, _ = epoch(Sequences(store, steps=2))
    assert firsts(x) == [[1, 2], [11, 12], [21, 22], [31, 32], [41, 0], [51, 52], [61, 62]]


def test_more_steps_than_any_video_has_are_zeros(store):
    x, _ = epoch(Sequences(store.select([2]), steps=6))
    assert firsts(x) == [[21, 22, 0, 0, 0, 0]]


def test_a_view_is_as_long_as_its_longest_video(store):
    assert Sequences(store.select([0, 2, 4])).steps == 3


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("normal", [[1, 2, 3, 0], [11, 12, 13, 14]]),
        ("reversed", [[3, 2, 1, 0], [14, 13, 12, 11]]),
        ("frozen", [[2, 2, 2, 0], [13, 13, 13, 13]]),
    ],
)
def test_only_what_is_seen_is_reordered_and_zeros_stay_last(order, expected, store):
    x, _ = epoch(Sequences(store.select([0, 1]), steps=4, order=order))
    assert firsts(x) == expected


def test_shuffled_vectors_are_the_same_ones_in_an_order_that_stays(store):
    x, _ = epoch(Sequences(store, order="shuffled"))
    again, _ = epoch(Sequences(store, order="shuffled", seed=7))
    np.testing.assert_array_equal(x, again)
    assert firsts(x) != firsts(epoch(Sequences(store))[0])
    for video, count in enumerate(COUNTS):
        assert sorted(firsts(x)[video][:count]) == firsts(vectors(video))
        assert not x[video, count:].any()


def test_every_epoch_has_its_own_order_that_follows_from_the_seed(store):
    sequences = Sequences(store, batch_size=3, shuffle=True, seed=1)
    orders = []
    for number in range(3):
        sequences.epoch = number
        x, y = epoch(sequences)
        order = sequences.video_positions.tolist()
        assert [row[0] // 10 for row in firsts(x)] == order
        np.testing.assert_array_equal(y, store.labels[order])
        orders.append(order)
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len(set(map(tuple, orders))) == 3
    sequences.epoch = 0
    assert sequences.video_positions.tolist() == orders[0]
    other = Sequences(store, shuffle=True, seed=2)
    assert other.video_positions.tolist() != orders[0]


def test_single_vectors_come_with_their_video_and_frame(store):
    sequences = Sequences(store, batch_size=10, per_frame=True)
    x, y = epoch(sequences)
    assert (len(sequences), x.shape) == (3, (23, 4))
    np.testing.assert_array_equal(x, np.concatenate([vectors(video) for video in range(7)]))
    np.testing.assert_array_equal(sequences.video_positions, np.repeat(np.arange(7), COUNTS))
    assert sequences.frame_numbers[:8].tolist() == [0, 2, 4, 0, 2, 4, 6, 8]
    np.testing.assert_array_equal(y, store.labels[sequences.video_positions])


def test_shuffled_single_vectors_mix_all_videos_and_keep_their_label(store):
    sequences = Sequences(store, batch_size=8, per_frame=True, shuffle=True)
    x, y = epoch(sequences)
    rows = firsts(x)
    assert sorted(rows) == sorted(firsts(np.concatenate([vectors(video) for video in range(7)])))
    assert [row // 10 for row in rows] == sequences.video_positions.tolist()
    assert [2 * (row % 10 - 1) for row in rows] == sequences.frame_numbers.tolist()
    np.testing.assert_array_equal(y, store.labels[sequences.video_positions])
    assert len(set(sequences.video_positions[:8].tolist())) > 3


def test_single_vectors_can_be_cut_off_and_frozen(store):
    sequences = Sequences(store, per_frame=True, steps=2, order="frozen")
    x, _ = epoch(sequences)
    assert firsts(x) == [2, 2, 12, 12, 22, 22, 32, 32, 41, 52, 52, 62, 62]
    assert sequences.frame_numbers[:4].tolist() == [2, 2, 2, 2]


class Seen(keras.Model):
    """A model that writes down the batches fit and predict hand to it."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, data):
        self.seen.append(data[0].numpy())
        return {"loss": keras.ops.zeros(())}

    def predict_step(self, data):
        return data[0][:, 0, 0]


def test_fit_goes_through_the_epochs_in_order(store):
    sequences = Sequences(store, batch_size=3, shuffle=True)
    model = Seen()
    model.compile(run_eagerly=True)
    model.fit(sequences, epochs=2, shuffle=False, verbose=0)
    by_hand = Sequences(store, batch_size=3, shuffle=True)
    expected = [firsts(epoch(by_hand)[0])]
    by_hand.epoch = 1
    expected.append(firsts(epoch(by_hand)[0]))
    found = [firsts(np.concatenate(model.seen[first : first + 3])) for first in (0, 3)]
    assert found == expected
    assert sequences.epoch == 2


def test_predict_answers_in_the_order_of_the_store(store):
    model = Seen()
    model.compile(run_eagerly=True)
    found = model.predict(Sequences(store, batch_size=2), verbose=0)
    assert found.astype(int).tolist() == [1, 11, 21, 31, 41, 51, 61]


def test_a_batch_number_out_of_range_is_refused(store):
    with pytest.raises(IndexError, match=r"0 to 2.*Received: 3"):
        Sequences(store, batch_size=3)[3]


@pytest.mark.parametrize("option", ["steps", "batch_size"])
def test_options_below_one_are_refused(option, store):
    with pytest.raises(DatasetError, match=rf"{option} of at least 1.*Received: 0"):
        Sequences(store, **{option: 0})


def test_an_empty_store_is_refused(store):
    with pytest.raises(DatasetError, match=r"at least one video.*empty store"):
        Sequences(store.select([]))


def test_an_unknown_order_is_refused(store):
    with pytest.raises(SamplingError, match=r"normal, reversed, shuffled, frozen.*'backwards'"):
        Sequences(store, order="backwards")
