"""Features: the right vector for every frame, kept under a name that tells when they are stale."""

import itertools
import math
import os
import shutil
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
import pytest

from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EveryNth, Segments, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import (
    DatasetError,
    MissingVideoError,
    ModelError,
    ResultError,
    UnreadableVideoError,
)
from vidlab.models import backbones
from vidlab.training import features
from vidlab.training.engines import encoder_digest

SIZE = (12, 20)
LENGTHS = (5, 9, 14, 7, 11, 6)


def mean_colours(*, scale=1 / 255, size=SIZE):
    """Build the smallest encoder there is: three features, the mean red, green and blue."""
    frames = keras.Input((*size, 3))
    scaled = keras.layers.Rescaling(scale)(frames)
    return keras.Model(frames, keras.layers.GlobalAveragePooling2D()(scaled), name="encoder")


@pytest.fixture(scope="module")
def encoder():
    return mean_colours()


@pytest.fixture
def index(tmp_path, draw_numbered_frame):
    """Index 6 videos of 2 classes and 3 groups, all of different lengths: 52 frames."""
    for number, frames in enumerate(LENGTHS):
        name = ("Jump", "Run")[number % 2]
        path = tmp_path / "videos" / name / f"v_{name}_g{number // 2 + 1:02d}_c01.avi"
        shade = (30 * number, 200 - 30 * number, 128)
        video.write(path, [draw_numbered_frame(i, background=shade) for i in range(frames)])
    return VideoIndex.from_folder(tmp_path)


@pytest.fixture
def extract(encoder, tmp_path):
    """Give `features.extract` with options that a test may replace."""

    def call(index, encoder=encoder, **options):
        given = {"sampling": EveryNth(2), "out": tmp_path / "store"}
        return features.extract(index, encoder, **given | options)

    return call


def expected_means(path, numbers):
    return video.read_frames(path, numbers, size=SIZE).mean(axis=(1, 2)) / 255


def assert_same_features(store, other):
    assert store.frame_numbers.keys() == other.frame_numbers.keys()
    for video_id in store.frame_numbers:
        np.testing.assert_array_equal(store[video_id], other[video_id])


def test_every_video_has_the_vectors_of_its_sampled_frames(index, extract):
    store = extract(index)
    assert list(store.frame_numbers) == index.table["video_id"].tolist()
    for row in index.table.itertuples():
        numbers = np.arange(0, row.frames, 2)
        np.testing.assert_array_equal(store.frame_numbers[row.video_id], numbers)
        vectors = store[row.video_id]
        np.testing.assert_allclose(vectors, expected_means(row.path, numbers), atol=1e-5)
        assert (type(vectors), vectors.dtype) == (np.memmap, np.float32)
    assert (store.size, store.bytes) == (3, 28 * 3 * 4)
    assert repr(store).startswith("FeatureStore(6 videos, 28 × 3, ")
    assert "EveryNth(step=2)" in (store.folder / "store.json").read_text()


def test_batches_are_filled_across_videos_and_never_across_blocks(index, extract, monkeypatch):
    monkeypatch.setattr(features, "BLOCK_FRAMES", 10)
    monkeypatch.setattr(features, "BATCH_SIZE", 4)
    seen, compiled = [], features.engines.compiled

    def recording(*args, **options):
        engine = compiled(*args, **options)

        def compute(batches):
            return engine.map(seen.append((tag, b[0].copy())) or (tag, b) for tag, b in batches)

        return features.engines.Engine(compute, 0.0)

    monkeypatch.setattr(features.engines, "compiled", recording)
    store = extract(index)
    # Whole videos up to 10 rows make a block.
    assert [len(numbers) for numbers in store.frame_numbers.values()] == [3, 7, 6, 5, 4, 3]
    assert [tag for tag, _ in seen] == [
        (block, min(4, left)) for block, n in enumerate([10, 6, 9, 3]) for left in range(n, 0, -4)
    ]
    assert {(batch.shape, batch.dtype.name) for _, batch in seen} == {((4, *SIZE, 3), "uint8")}
    for (_, count), batch in seen:
        assert batch[:count].any(axis=(1, 2, 3)).all()
        assert not batch[count:].any()


def test_long_videos_are_read_in_pieces_and_only_so_far_ahead(index, extract, monkeypatch):
    whole = extract(index, sampling=AllFrames())
    frame = SIZE[0] * SIZE[1] * 3
    monkeypatch.setattr(features, "_READ_BYTES", 4 * frame)
    monkeypatch.setattr(features, "_AHEAD_BYTES", 10 * frame)
    lengths, ahead, read = [], [], features._Extraction.read
    frames = features._frames

    def reading(self, record, numbers):
        lengths.append(len(numbers))
        return read(self, record, numbers)

    def watching(*args):
        for taken, found in enumerate(frames(*args), start=1):
            ahead.append(len(lengths) - taken)
            yield found

    monkeypatch.setattr(features._Extraction, "read", reading)
    monkeypatch.setattr(features, "_frames", watching)
    pieces = extract(index, sampling=AllFrames(), out=whole.folder.parents[1] / "pieces")
    assert max(lengths) == 4
    assert max(ahead) <= 1 + math.ceil(10 / 1)  # frames, where every piece had a single one
    assert pieces.folder.name == whole.folder.name
    assert_same_features(pieces, whole)


@dataclass(frozen=True)
class Halves(Rgb):
    """The left half of each frame, as numbers from 0 to 1."""

    dtype: ClassVar[str] = "float32"

    @property
    def frame_shape(self):
        return (self.size[0], self.size[1] // 2, 3)

    def read(self, frames, indices):
        return np.float32(frames(indices)[:, :, : self.size[1] // 2]) / 255


@pytest.mark.parametrize("engine", ["auto", "tensorflow", "keras"])
def test_an_encoder_of_several_inputs_gets_each_of_them(engine, index, extract):
    shapes = {"half": (8, 4, 3), "rgb": (*SIZE, 3)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    means = [keras.layers.GlobalAveragePooling2D()(x) for x in inputs.values()]
    both = keras.Model(inputs, keras.layers.Concatenate()(means), name="two")
    streams = {"rgb": Rgb(EveryNth(2), SIZE), "half": Halves(EveryNth(2), 8), "other": None}
    store = extract(index, both, streams=streams, engine=engine)
    row = index.table.iloc[3]
    numbers = store.frame_numbers[row.video_id]
    half = video.read_frames(row.path, numbers, size=(8, 8))[:, :, :4].mean(axis=(1, 2)) / 255
    expected = np.hstack([half, 255 * expected_means(row.path, numbers)])
    np.testing.assert_allclose(store[row.video_id], expected, rtol=1e-4)


@pytest.mark.parametrize("view", [0, 1])
def test_a_view_varies_all_frames_and_inputs_of_a_video_alike(view, index, extract):
    augment, sizes = Augment(), {"a": SIZE, "b": (8, 8)}
    inputs = {name: keras.Input((*size, 3), name=name) for name, size in sizes.items()}
    vectors = [keras.layers.Flatten()(x) for x in inputs.values()]
    flat = keras.Model(inputs, keras.layers.Concatenate()(vectors))
    streams = {name: Rgb(EveryNth(2), size) for name, size in sizes.items()}
    store = extract(index, flat, streams=streams, variation=(augment, view))
    assert store.folder != extract(index, flat, streams=streams).folder
    for row in index.table.iloc[[0, 4]].itertuples():
        variation, numbers = augment.view(row.video_id, view), store.frame_numbers[row.video_id]
        seen = [
            variation(video.read_frames(row.path, numbers, size=size)) for size in sizes.values()
        ]
        expected = np.hstack([x.reshape(len(x), -1) for x in seen])
        np.testing.assert_array_equal(store[row.video_id], expected)


# What decides the name of a store


@pytest.fixture
def name_of(extract):
    """Give the name of the store of an extraction."""
    return lambda index, **options: extract(index, engine="keras", **options).folder.name


def test_what_decides_about_features_decides_about_the_name(index, name_of):
    renamed = index.select(range(5))
    options = [
        {"sampling": Uniform(3)},
        {"sampling": Uniform(4)},
        {"sampling": AllFrames()},
        {"encoder": mean_colours(scale=1.0)},
        {"encoder": mean_colours(size=(20, 12))},
        {"variation": (Augment(), 0)},
        {"variation": (Augment(), 1)},
    ]
    names = [name_of(index, **some) for some in options]
    names += [name_of(renamed), name_of(index.select([1, 0, 2, 3, 4, 5])), name_of(index)]
    assert len(set(names)) == len(names)
    assert name_of(index, sampling=Segments(3)) == names[0]  # chooses the same frames


def test_a_video_whose_content_changed_changes_the_name(index, name_of):
    before, path = name_of(index), index.paths[2]
    content = bytearray(path.read_bytes())
    content[content.index(b"JUNK") + 8] ^= 1
    path.write_bytes(content)
    assert name_of(index) != before


def test_neither_place_nor_time_of_the_videos_changes_the_name(index, name_of, tmp_path):
    shutil.copytree(tmp_path / "videos", tmp_path / "elsewhere" / "videos")
    os.utime(index.paths[0], (1, 1))
    assert name_of(VideoIndex.from_folder(tmp_path / "elsewhere")) == name_of(index)


def convolution(*, activation="relu", padding="valid", dtype=None, **names):
    frames = keras.Input((*SIZE, 3))
    layer = keras.layers.Conv2D(4, 3, activation=activation, padding=padding, dtype=dtype, **names)
    model = keras.Model(frames, keras.layers.GlobalAveragePooling2D()(layer(frames)))
    model.set_weights([np.ones((3, 3, 3, 4)), np.zeros(4)])
    return model


def test_layers_and_weights_change_the_digest_and_names_do_not():
    options = [{}, {"activation": "gelu"}, {"padding": "same"}, {"dtype": "mixed_bfloat16"}]
    digests = [encoder_digest(convolution(**some)) for some in options]
    changed = convolution()
    kernel, bias = changed.get_weights()
    kernel[1, 1, 1, 1] += 1e-6
    changed.set_weights([kernel, bias])
    assert len({*digests, encoder_digest(changed)}) == 5
    frozen = convolution(name="gelu")
    frozen.trainable = False
    assert encoder_digest(frozen) == digests[0]


def test_a_backbone_built_twice_or_saved_has_one_digest(tmp_path):
    built = [backbones.pooled(backbones.build("inceptionv3", size=(75, 75))) for _ in range(2)]
    built[1].set_weights(built[0].get_weights())
    built[1].compile("sgd", "mse")
    built[1].save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert len({encoder_digest(model) for model in (*built, loaded)}) == 1


# What cannot be done


def test_a_video_that_cannot_be_read_is_named_and_blocks_before_it_are_kept(
    index, extract, monkeypatch, tmp_path
):
    monkeypatch.setattr(features, "BLOCK_FRAMES", 10)
    broken = index.paths[5]
    broken.write_bytes(broken.read_bytes()[:4000])
    with pytest.raises(UnreadableVideoError, match=rf"{broken.name}.*get it again"):
        extract(index, engine="keras")
    kept = {file.stem for file in (tmp_path / "store").rglob("v_*.npy")}
    assert kept >= set(index.table["video_id"][:3])


def test_a_video_that_is_gone_is_named(index, extract):
    index.paths[1].unlink()
    with pytest.raises(MissingVideoError, match=rf"{index.paths[1].name}.*no such file.*index"):
        extract(index)


def test_an_empty_index_is_refused(index, extract):
    with pytest.raises(DatasetError, match=r"at least one video.*empty index"):
        extract(index.select([]))


def test_a_model_that_gives_no_vectors_is_refused(index, extract):
    backbone = backbones.build("mobilenetv2-0.35", size=(32, 32))
    with pytest.raises(ModelError, match=r"frames.*to vectors.*backbone.*1280.*pooled or cut"):
        extract(index, backbone)


def test_features_too_large_for_half_precision_are_refused(index, extract, monkeypatch):
    monkeypatch.setattr(features.engines, "choose", lambda engine, precision: ("keras", "bfloat16"))
    with pytest.raises(ResultError, match=r"65,504, as float16.*from encoder.*scaled down"):
        extract(index, mean_colours(scale=1e4))


def test_a_disk_that_is_too_small_is_told_before_anything_is_computed(index, extract, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(features.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ResultError, match=r"free disk for .*store.*Make room"):
        extract(index)


def test_the_estimate_is_told_first_and_counts_what_is_left(index, extract, monkeypatch, capsys):
    monkeypatch.setenv("VIDLAB_QUIET", "0")
    monkeypatch.setattr(features, "BLOCK_FRAMES", 10)
    store = extract(index, engine="keras")
    told = capsys.readouterr().out
    assert told.startswith("features: 28 frames of 6 videos, 0.0 MB on disk, about ")
    assert told.endswith("s (keras, float32)\n")
    extract(index, engine="keras")
    assert capsys.readouterr().out == ""
    store.file(index.table["video_id"][3]).unlink()  # in a block of two videos of 5 and 4 frames
    extract(index, engine="keras")
    assert capsys.readouterr().out.startswith("features: 9 frames of 2 videos")


def test_the_bar_counts_frames(index, extract, monkeypatch):
    bars, counter = [], features.counter
    monkeypatch.setattr(features, "counter", lambda **o: bars.append(counter(**o)) or bars[-1])
    monkeypatch.setattr(features, "BATCH_SIZE", 8)
    steps, computed = [], features._computed

    def counting(work, blocks, *, bar):
        update, bar.update = bar.update, lambda n: steps.append(n) or update(n)
        return computed(work, blocks, bar=bar)

    monkeypatch.setattr(features, "_computed", counting)
    extract(index)
    assert (bars[-1].total, list(itertools.accumulate(steps))) == (28, [8, 16, 24, 28])
