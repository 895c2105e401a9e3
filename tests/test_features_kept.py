"""Vectors kept in stores, read in place of pictures: padded, reordered, one of several views."""

import numpy as np
import pandas as pd
import pytest

from vidlab.data.augment import Augment
from vidlab.data.clips import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EveryNth, Reordered, Segments, Uniform, Window
from vidlab.errors import ResultError
from vidlab.training.features import Kept
from vidlab.training.features.store import FeatureStore, Layout, Shards

COUNTS = (3, 5, 2, 4, 1, 5, 3)
FEATURES = 4


def vectors(video, view=0):
    """Begin each vector with 10·video + frame + 1, and hold the view in the third place."""
    first = 10 * video + 1 + np.arange(COUNTS[video])
    return np.stack([first, first / 8, np.full_like(first, view), -first], axis=1)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Write three views of 7 videos of 1–5 frames."""
    return [write(tmp_path_factory.mktemp(f"view-{view}"), view) for view in range(3)]


def write(folder, view):
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
    numbers = np.concatenate([np.arange(count) for count in COUNTS])
    shards = Shards.prepared(folder, layout, frame_numbers=numbers)
    for number, videos in enumerate(layout.shards):
        rows = np.concatenate([vectors(at, view) for at in videos])
        shards.write(number, rows.astype(np.float32), seconds=1.5)
    return FeatureStore.open(shards.folder)


@pytest.fixture(scope="module")
def index():
    """Index the videos of the stores, in another order and without the last."""
    at = [2, 0, 1, 5, 3, 4]
    table = pd.DataFrame(
        {
            "video_id": [f"v{i}" for i in at],
            "path": [f"v{i}.avi" for i in at],
            "label": [i % 2 for i in at],
            "class_name": [("Jump", "Run")[i % 2] for i in at],
            "group": "g01",
            "frames": [COUNTS[i] for i in at],
            "fps": 25.0,
        }
    )
    return VideoIndex(
        table, root="memory", classes=["Jump", "Run"], report=pd.DataFrame(), lists=None
    )


def kept(*stores, sampling=AllFrames(), clip=True, **options):  # noqa: B008
    return Kept(sampling, clip=clip, stores=stores, **options)


def epoch(clips):
    """Go through one epoch in this thread."""
    found = [clips[number] for number in range(len(clips))]
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def firsts(x):
    """Keep the first feature, which tells video and frame."""
    return x[..., 0].astype(int).tolist()


def test_the_store_divides_into_shards_of_whole_videos(stores):
    files = sorted(stores[0].folder.glob("shard-*.npy"))
    assert [len(np.load(file)) for file in files] == [8, 7, 8]
    assert stores[0].seconds == 4.5


def test_videos_are_found_by_their_names_and_shorter_ones_filled_up(stores, index):
    clips = Clips(index, kept(stores[0], fill=0.0), batch_size=4)
    x, y = epoch(clips)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(y, index.labels)
    for row, video in enumerate([2, 0, 1, 5, 3, 4]):
        np.testing.assert_array_equal(x[row, : COUNTS[video]], vectors(video))
        assert not x[row, COUNTS[video] :].any()
    filled, _ = epoch(Clips(index, kept(stores[0], fill=-1.0), batch_size=4))
    assert (filled[0, 2:] == -1).all()


@pytest.mark.parametrize(
    ("order", "expected"),
    [("reversed", [[22, 21], [3, 1]]), ("frozen", [[22, 22], [3, 3]])],
)
def test_vectors_come_in_another_order(order, expected, stores, index):
    stream = kept(stores[0], sampling=Reordered(Uniform(2), order))
    assert firsts(epoch(Clips(index.select([0, 1]), stream))[0]) == expected


def test_a_short_video_repeats_as_its_sampler_says(stores, index):
    x, _ = epoch(Clips(index.select([0]), kept(stores[0], sampling=Window(5))))
    assert firsts(x) == [[21, 22, 21, 22, 21]]


@pytest.mark.parametrize("clip", [True, False], ids=["clips", "frames"])
def test_an_epoch_follows_from_seed_and_number(clip, stores, index):
    def epochs(seed):
        stream = kept(stores[0], sampling=Segments(3), clip=clip)
        clips = Clips(index, stream, batch_size=4, shuffle=True, seed=seed)
        found = []
        for clips.epoch in (0, 1, 0):
            x, y = epoch(clips)
            assert [firsts(row.reshape(-1, FEATURES))[0] // 10 for row in x] == [
                int(index.table["video_id"][position][1:]) for position in clips.video_positions
            ]
            np.testing.assert_array_equal(y, index.labels[clips.video_positions])
            found.append(firsts(x))
        return found

    first, second, again = epochs(1)
    assert first == again != second
    assert epochs(1)[0] == first != epochs(2)[0]


def test_single_vectors_come_with_their_video_and_frame(stores, index):
    clips = Clips(index, kept(stores[0], sampling=EveryNth(2), clip=False), batch_size=5)
    x, _ = epoch(clips)
    assert firsts(x) == [21, 1, 3, 11, 13, 15, 51, 53, 55, 31, 33, 41]
    assert clips.video_positions.tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5]
    assert clips.frame_numbers.tolist() == [0, 0, 2, 0, 2, 4, 0, 2, 4, 0, 2, 0]


@pytest.mark.parametrize("clip", [True, False], ids=["clips", "frames"])
def test_in_every_epoch_a_video_shows_one_of_its_views(clip, stores, index):
    stream = kept(*stores, sampling=Uniform(2), clip=clip)
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
    stream = kept(*stores, sampling=Uniform(2))
    for clips in (Clips(index, stream, augment=Augment()), Clips(index, stream, shuffle=True)):
        assert not epoch(clips)[0][..., 2].any()


def test_a_frame_that_is_not_kept_is_named(stores, index):
    longer = index.select([0])
    longer.table["frames"] = 9
    with pytest.raises(ResultError, match=r"frames \[2, 6\] of v2 in .*draws = True"):
        Clips(longer, kept(stores[0], sampling=Uniform(2)))[0]
