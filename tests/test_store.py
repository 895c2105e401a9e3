"""Arrays kept on disk: decoded frames, and features read in place of them."""

import ast
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from vidlab.data import store, video
from vidlab.data.augment import Augment
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EveryNth, Reordered, Uniform, Window
from vidlab.data.store import FeatureStore, FlowCache, FrameCache
from vidlab.errors import FrameIndexError, MissingVideoError, ResultError, UnreadableVideoError
from vidlab.training.learners import StoredFeatures

SIZE = (24, 40)


# Decoded frames


@pytest.fixture
def cache(tmp_path):
    return FrameCache(tmp_path / "cache", size=SIZE)


@pytest.fixture
def record(numbered_video):
    """Write a video and give its row of an index: (frames) -> record."""

    def make(frames):
        path = str(numbered_video("v.avi", frames=frames))
        return SimpleNamespace(video_id="Run/v", path=path, frames=frames)

    return make


def test_frames_are_read_in_any_order_without_the_decoder(
    record, tmp_path, frame_number, monkeypatch
):
    row = record(30)
    monkeypatch.setattr(store, "_CHUNK_BYTES", 7 * SIZE[0] * SIZE[1] * 3)  # decoded in parts
    cache = FrameCache(tmp_path / "cache", size=SIZE)
    cache.read(row, [0])
    expected = video.read_frames(row.path, [29, 0, 7, 7], size=SIZE)
    small = FrameCache(cache.folder, size=(12, 20)).read(row, [3])  # beside those of another size
    monkeypatch.delattr(video, "read_frames")
    np.testing.assert_array_equal(cache.read(row, [29, 0, 7, 7]), expected)
    assert [frame_number(frame) for frame in cache.read(row, range(30))] == list(range(30))
    assert np.load(cache.file(row)).shape == (30, *SIZE, 3)
    assert small.shape == (1, 12, 20, 3)


def test_nothing_is_parsed_as_python_where_rows_are_read(record, cache, tmp_path, monkeypatch):
    row, features = record(9), np.arange(12, dtype=np.float16).reshape(3, 4)
    frames = cache.read(row, [8, 0])
    file = tmp_path / "features.npy"
    store._write(file, [features], shape=features.shape, dtype="float16")
    with monkeypatch.context() as patched:
        # In Python 3.11 it can fail in one thread while another one parses.
        patched.setattr(ast, "parse", None)
        again, mapped = cache.read(row, [8, 0]), np.array(store._mapped(file))
    np.testing.assert_array_equal(again, frames)
    np.testing.assert_array_equal(mapped, features)


def test_a_video_that_several_threads_want_is_decoded_once(
    record, cache, frame_number, monkeypatch
):
    row, decode, calls, together = record(9), FrameCache.rows, [], threading.Barrier(4)

    def slowly(self, *args):
        calls.append(args)
        time.sleep(0.05)
        return decode(self, *args)

    def read(number):
        together.wait()
        return frame_number(cache.read(row, [number])[0])

    monkeypatch.setattr(FrameCache, "rows", slowly)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [0, 1, 2, 3]
    assert len(calls) == 1


def test_a_changed_video_is_decoded_anew(record, cache, frame_number):
    row = record(5)
    assert frame_number(cache.read(row, [4])[0]) == 4
    later = os.stat(row.path).st_mtime_ns + 10**9
    row = record(8)
    os.utime(row.path, ns=(later, later))
    assert frame_number(cache.read(row, [7])[0]) == 7


@pytest.mark.parametrize(
    ("content", "error"), [(b"no video", UnreadableVideoError), (None, MissingVideoError)]
)
def test_of_a_video_that_cannot_be_read_no_part_is_kept(cache, tmp_path, content, error):
    path = tmp_path / "broken.avi"
    if content:
        path.write_bytes(content)
    with pytest.raises(error, match=r"broken\.avi"):
        cache.read(SimpleNamespace(video_id="v", path=str(path), frames=3), [0])
    assert list(cache.folder.glob("*")) == []


def test_frames_beyond_the_video_are_named(record, cache):
    row = record(6)
    for number in (-1, 6):
        with pytest.raises(FrameIndexError, match=r"0 to 5 for .*v\.avi.*Sample within"):
            cache.read(row, [number])


@pytest.mark.parametrize("damage", ["a byte", "the end"])
def test_a_damaged_file_of_the_cache_is_told_of_and_made_anew(record, cache, damage, tmp_path):
    row, flows = record(6), FlowCache(tmp_path / "cache", size=SIZE)
    for kept in (cache, flows):
        whole, file = kept.read(row, range(5)), kept.file(row)
        content = bytearray(file.read_bytes())
        content[-40] ^= 4
        file.write_bytes(content if damage == "a byte" else content[:-100])
        os.utime(file, ns=(0, 10**9))  # for clocks that tick slowly
        with pytest.warns(UserWarning, match=rf"{file.name} is damaged; it is made anew"):
            np.testing.assert_array_equal(kept.read(row, range(5)), whole)


# Features

COUNTS = (3, 5, 2, 4, 1, 5, 3)
ORDER = (2, 0, 1, 5, 3, 4)
FEATURES = 4


def vectors(video, view=0):
    """Begin each vector with 10·video + frame + 1, and hold the view in the third column."""
    first = 10 * video + 1 + np.arange(COUNTS[video])
    return np.float32(np.stack([first, first / 8, np.full_like(first, view), -first], axis=1))


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Write three views of 7 videos of 1–5 frames."""
    made = []
    for view in range(3):
        numbers = {f"v{at}": np.arange(count) for at, count in enumerate(COUNTS)}
        folder = tmp_path_factory.mktemp(f"view-{view}")
        made.append(FeatureStore(folder, numbers, size=FEATURES, dtype="float32"))
        for block, some in enumerate([range(3), range(3, 7)]):
            made[-1].write({f"v{at}": vectors(at, view) for at in some}, block=block, seconds=1.5)
    return made


@pytest.fixture(scope="module")
def index():
    """Index the videos of the stores, in another order and without the last."""
    rows = [(f"v{i}", f"v{i}.avi", i % 2, ("Jump", "Run")[i % 2], COUNTS[i]) for i in ORDER]
    table = pd.DataFrame(rows, columns=["video_id", "path", "label", "class_name", "frames"])
    table = table.assign(group="g01", fps=25.0)
    return VideoIndex(table, "memory", classes=["Jump", "Run"], report=pd.DataFrame(), lists=None)


def stored(*stores, sampling=AllFrames(), clip=True, **options):  # noqa: B008
    return StoredFeatures(sampling, clip=clip, stores=stores, **options)


def epoch(clips):
    """Go through one epoch in this thread."""
    found = [clips[number] for number in range(len(clips))]
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def firsts(x):
    """Keep the first feature, which tells video and frame."""
    return x[..., 0].astype(int).tolist()


def test_vectors_are_found_in_any_order_and_those_not_there_are_named(stores):
    assert firsts(stores[0].rows("v1", np.array([4, 0, 2, 2]))) == [15, 11, 13, 13]
    with pytest.raises(ResultError, match=r"frames \[7, 9\] of v1 in .*draws = True"):
        stores[0].rows("v1", np.array([0, 7, 9]))


def test_time_that_a_killed_process_has_not_noted_is_left_out(tmp_path, stores):
    store = FeatureStore(tmp_path, {}, size=1, dtype="float32")
    assert (store.seconds, stores[0].seconds) == (0, 3)
    (tmp_path / "seconds.txt").write_text("0 1.5\n0 2.5\n1")
    assert store.seconds == 2.5


@pytest.mark.parametrize("padding", [0.0, -1.0])
def test_videos_are_found_by_their_names_and_shorter_ones_filled_up(stores, index, padding):
    x, y = epoch(Clips(index, stored(stores[0], padding=padding), batch_size=4))
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(y, index.labels)
    for row, number in enumerate(ORDER):
        np.testing.assert_array_equal(x[row, : COUNTS[number]], vectors(number))
        assert (x[row, COUNTS[number] :] == padding).all()


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Reordered(Uniform(2), "reversed"), [[22, 21], [3, 1]]),
        (Reordered(Uniform(2), "frozen"), [[22, 22], [3, 3]]),
        (Window(3), [[21, 22, 21], [1, 2, 3]]),  # a short video repeats as its sampler says
    ],
    ids=str,
)
def test_vectors_come_in_the_order_of_the_sampler(sampling, expected, stores, index):
    clips = Clips(index.select([0, 1]), stored(stores[0], sampling=sampling))
    assert firsts(epoch(clips)[0]) == expected


def test_single_vectors_come_with_their_video_and_frame(stores, index):
    clips = Clips(index, stored(stores[0], sampling=EveryNth(2), clip=False), batch_size=5)
    assert firsts(epoch(clips)[0]) == [21, 1, 3, 11, 13, 15, 51, 53, 55, 31, 33, 41]
    assert clips.video_positions.tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5]
    assert clips.frame_numbers.tolist() == [0, 0, 2, 0, 2, 4, 0, 2, 4, 0, 2, 0]


@pytest.mark.parametrize("clip", [True, False], ids=["clips", "frames"])
def test_in_every_epoch_a_video_shows_one_of_its_views(clip, stores, index):
    stream = stored(*stores, sampling=Uniform(2), clip=clip)
    clips = Clips(index, stream, shuffle=True, seed=1, augment=Augment())
    seen = np.zeros((6, 3), int)
    for clips.epoch in range(60):
        x, _ = epoch(clips)
        views = x[..., 2].reshape(len(x), -1)
        for position in range(6):
            (view,) = np.unique(views[clips.video_positions == position])
            seen[position, int(view)] += 1
    assert (seen.sum(axis=1) == 60).all()
    assert seen.min() >= 8  # of 20 expected


def test_whatever_is_not_learned_from_shows_the_first_view_alone(stores, index):
    stream = stored(*stores, sampling=Uniform(2))
    for clips in (Clips(index, stream, augment=Augment()), Clips(index, stream, shuffle=True)):
        assert not epoch(clips)[0][..., 2].any()
