"""Features: the right vector for every frame, kept under a name that tells when they are stale."""

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
from vidlab.training.features import extraction, keys, pipeline, tasks

SIZE = (12, 20)
LENGTHS = (5, 9, 14, 7, 11, 6)


def mean_colours(*, scale=1 / 255, size=SIZE):
    """Build the smallest encoder there is: three features, the mean red, green and blue."""
    pictures = keras.Input((*size, 3))
    scaled = keras.layers.Rescaling(scale)(pictures)
    means = keras.layers.GlobalAveragePooling2D()(scaled)
    return keras.Model(pictures, means, name="encoder")


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
        pictures = [draw_numbered_frame(i, background=shade) for i in range(frames)]
        video.write(path, pictures)
    return VideoIndex.from_folder(tmp_path)


@pytest.fixture
def extract(encoder, tmp_path):
    """Give `features.extract` with options that a test may replace."""

    def call(index, **options):
        given = {"backbone": encoder, "sampling": EveryNth(2), "out": tmp_path / "store"}
        return features.extract(index, **given | options)

    return call


def expected_means(path, numbers):
    pictures = video.read_frames(path, numbers, size=SIZE)
    return pictures.mean(axis=(1, 2)) / 255


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(tasks, "SHARD_FRAMES", 10)


def test_every_video_has_the_vectors_of_its_sampled_frames(index, extract):
    store = extract(index)
    assert len(store) == 6
    for position, (path, frames) in enumerate(zip(index.paths, index.table["frames"], strict=True)):
        numbers = np.arange(0, frames, 2)
        np.testing.assert_array_equal(store.frame_numbers(position), numbers)
        np.testing.assert_allclose(store[position], expected_means(path, numbers), atol=1e-3)


def test_vectors_are_mapped_from_the_file(index, extract):
    vectors = extract(index)[2]
    assert isinstance(vectors, np.memmap)
    assert vectors.dtype == np.float32
    assert not vectors.flags.writeable


def test_vectors_of_single_frames_are_found_in_any_order(index, extract):
    store = extract(index)
    found = store.rows(2, np.array([10, 0, 4, 4]))
    assert (found.dtype, isinstance(found, np.memmap)) == (np.float32, False)
    expected = expected_means(index.paths[2], [10, 0, 4, 4])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ResultError, match=rf"frames \[1, 99\] of {store.video_ids[2]} in .*draws"):
        store.rows(2, np.array([0, 1, 99]))


def test_the_store_knows_its_videos(index, extract):
    store = extract(index)
    assert store.video_ids == index.table["video_id"].tolist()
    assert store.classes == ["Jump", "Run"]
    np.testing.assert_array_equal(store.labels, index.labels)
    assert store.labels.dtype == np.int64
    np.testing.assert_array_equal(store.groups, index.groups)
    np.testing.assert_array_equal(store.counts, -(-index.table["frames"] // 2))
    assert store.size == 3
    assert store.bytes == int(store.counts.sum()) * 3 * 4
    assert store.folder.name == store.fingerprint
    assert store.about["sampling"] == "EveryNth(step=2)"
    assert repr(store).startswith("FeatureStore(6 videos, 28 × 3, ")


@pytest.mark.parametrize("chosen", [[4, 1], [False, True, False, False, True, False]])
def test_some_videos_can_be_looked_at_alone(chosen, index, extract):
    store = extract(index)
    part = store.select(np.array(chosen))
    positions = [4, 1] if chosen[0] == 4 else [1, 4]
    assert part.video_ids == [store.video_ids[at] for at in positions]
    np.testing.assert_array_equal(part.labels, store.labels[positions])
    np.testing.assert_array_equal(part[0], store[positions[0]])
    np.testing.assert_array_equal(part.frame_numbers(1), store.frame_numbers(positions[1]))
    assert part.select([1]).video_ids == [store.video_ids[positions[1]]]
    assert (part.classes, part.fingerprint) == (store.classes, store.fingerprint)
    assert part.bytes == int(part.counts.sum()) * 12


def test_a_choice_of_another_length_is_refused(index, extract):
    with pytest.raises(ResultError, match=r"one boolean for each of 6 videos.*\(2,\)"):
        extract(index).select([True, False])


def test_a_position_beyond_the_store_is_refused(index, extract):
    with pytest.raises(IndexError):
        extract(index)[6]


def test_a_store_opens_from_its_folder(index, extract):
    made = extract(index)
    found = features.FeatureStore.open(made.folder)
    assert found.video_ids == made.video_ids
    assert found.about == made.about
    assert found.seconds == made.seconds > 0
    for position in range(6):
        np.testing.assert_array_equal(found[position], made[position])
        np.testing.assert_array_equal(found.frame_numbers(position), made.frame_numbers(position))


def test_a_folder_without_a_store_is_named(tmp_path):
    with pytest.raises(ResultError, match=rf"{tmp_path}.*store\.json.*FeatureStore\.folder"):
        features.FeatureStore.open(tmp_path)


def test_an_incomplete_store_does_not_open(index, extract, small_shards):
    store = extract(index)
    (store.folder / "shard-00001.npy").unlink()
    with pytest.raises(ResultError, match=r"4 whole shards.*1 absent.*shard-00001.*Extract again"):
        features.FeatureStore.open(store.folder)


def test_what_is_there_is_not_computed_again(index, extract, monkeypatch):
    made = extract(index)

    def computed(*anything, **options):
        raise AssertionError("computed again")

    monkeypatch.setattr(extraction, "computed", computed)
    found = extract(index)
    assert found.fingerprint == made.fingerprint
    assert found.seconds == made.seconds


def test_batches_are_filled_across_videos_and_never_across_shards(
    index, extract, small_shards, monkeypatch
):
    seen = []
    compiled = tasks.engines.compiled

    def recording(*args, **options):
        engine = compiled(*args, **options)

        class Recorder:
            seconds = 0.0

            def map(self, batches):
                return engine.map(seen.append((tag, b[0].copy())) or (tag, b) for tag, b in batches)

        return Recorder()

    monkeypatch.setattr(tasks.engines, "compiled", recording)
    store = extract(index, batch_size=4)
    # 3, 7, 6 / 5, 4, 3 rows: whole videos up to 10 rows make a shard.
    assert store.counts.tolist() == [3, 7, 6, 5, 4, 3]
    rows = [10, 6, 9, 3]
    assert [tag for tag, _ in seen] == [
        (shard, min(4, left)) for shard, n in enumerate(rows) for left in range(n, 0, -4)
    ]
    assert {batch.shape for _, batch in seen} == {(4, *SIZE, 3)}
    assert {batch.dtype for _, batch in seen} == {np.dtype(np.uint8)}
    for (_, count), batch in seen:
        assert batch[:count].any(axis=(1, 2, 3)).all()
        assert not batch[count:].any()


def test_a_video_longer_than_a_shard_has_one_of_its_own(index, extract, small_shards):
    store = extract(index, sampling=AllFrames())
    assert store.counts.tolist() == [5, 14, 11, 9, 7, 6]
    shards = [np.load(file).shape for file in sorted(store.folder.glob("shard-*.npy"))]
    assert shards == [(5, 3), (14, 3), (11, 3), (9, 3), (7, 3), (6, 3)]


def test_long_videos_are_read_in_pieces(index, extract, monkeypatch):
    whole = extract(index, sampling=AllFrames())
    monkeypatch.setattr(tasks, "_CHUNK_BYTES", 4 * 12 * 20 * 3)
    asked = []
    read = tasks.video.read_frames

    def reading(path, numbers, **options):
        asked.append(len(numbers))
        return read(path, numbers, **options)

    monkeypatch.setattr(tasks.video, "read_frames", reading)
    pieces = extract(index, sampling=AllFrames(), out=whole.folder.parents[1] / "pieces")
    assert max(asked) == 4
    assert pieces.fingerprint == whole.fingerprint
    for position in range(6):
        np.testing.assert_array_equal(pieces[position], whole[position])


def test_decoding_runs_ahead_only_so_far(index, encoder, monkeypatch):
    monkeypatch.setattr(pipeline, "_AHEAD_BYTES", 10 * 12 * 20 * 3)
    task = tasks.Task.of(
        index,
        backbone=encoder,
        sampling=Uniform(4),
        size=None,
        weights=None,
        precision="float32",
        engine="keras",
        batch_size=4,
        workers=2,
        streams=None,
        variation=None,
    )
    asked = []
    read = tasks.Task.read
    monkeypatch.setattr(tasks.Task, "read", lambda self, job: asked.append(job) or read(self, job))
    with pipeline.ThreadPoolExecutor(2) as pool:
        pictures = pipeline._pictures(task, [0], pool)
        next(pictures)
        pool.shutdown(wait=True)
        assert len(asked) == 3  # 4, 8 and 12 pictures: the third goes beyond 10


def test_a_backbone_is_built_from_its_name(index, tmp_path):
    store = features.extract(
        index,
        backbone="residual",
        weights="pantomime",
        size=(32, 48),
        sampling=Uniform(2),
        out=tmp_path / "store",
    )
    backbone = backbones.build("residual", weights="pantomime", size=(32, 48))
    pictures = video.read_frames(index.paths[3], [2, 6], size=(32, 48))
    expected = backbone.predict(pictures, verbose=0).mean(axis=(1, 2))
    np.testing.assert_allclose(store[3], expected, atol=2e-3 * expected.max())


def test_an_untrained_backbone_is_the_same_in_every_call(index, tmp_path):
    options = {"backbone": "residual", "size": (32, 32), "sampling": Uniform(1)}
    options |= {"out": tmp_path / "store", "engine": "keras"}
    stores = [features.extract(index.select([0]), **options) for _ in range(2)]
    assert stores[0].fingerprint == stores[1].fingerprint


# Several inputs, and varied videos


@dataclass(frozen=True)
class Halves(Rgb):
    """The left half of each frame, as numbers from 0 to 1."""

    dtype: ClassVar[str] = "float32"

    @property
    def frame_shape(self):
        return (self.size[0], self.size[1] // 2, 3)

    def read(self, frames, indices):
        return np.float32(frames(indices)[:, :, : self.size[1] // 2]) / 255


def two_inputs():
    inputs = {
        "half": keras.Input((8, 4, 3), name="half"),
        "rgb": keras.Input((*SIZE, 3), name="rgb"),
    }
    means = [keras.layers.GlobalAveragePooling2D()(x) for x in inputs.values()]
    return keras.Model(inputs, keras.layers.Concatenate()(means), name="two")


@pytest.mark.parametrize("engine", ["auto", "tensorflow", "keras"])
def test_an_encoder_of_several_inputs_gets_each_of_them(engine, index, extract):
    streams = {"rgb": Rgb(EveryNth(2), SIZE), "half": Halves(EveryNth(2), 8), "other": None}
    store = extract(index, backbone=two_inputs(), streams=streams, engine=engine)
    numbers = store.frame_numbers(3)
    small = video.read_frames(index.paths[3], numbers, size=(8, 8))[:, :, :4]
    expected = np.hstack(
        [small.mean(axis=(1, 2)) / 255, 255 * expected_means(index.paths[3], numbers)]
    )
    np.testing.assert_allclose(store[3], expected, rtol=1e-4)


@pytest.mark.parametrize("number", [0, 1])
def test_a_view_varies_all_frames_and_inputs_of_a_video_alike(number, index, extract):
    augment = Augment()
    both = {"a": keras.Input((*SIZE, 3), name="a"), "b": keras.Input((8, 8, 3), name="b")}
    vectors = [keras.layers.Flatten()(x) for x in both.values()]
    flat = keras.Model(both, keras.layers.Concatenate()(vectors))
    streams = {"a": Rgb(EveryNth(2), SIZE), "b": Rgb(EveryNth(2), 8)}
    plain = extract(index, backbone=flat, streams=streams)
    store = extract(index, backbone=flat, streams=streams, variation=(augment, number))
    assert store.fingerprint != plain.fingerprint
    assert store.about["view"] == f"{number} of {augment}"
    for position in (0, 4):
        variation = augment.view(store.video_ids[position], number)
        seen = [
            variation(
                video.read_frames(index.paths[position], store.frame_numbers(position), size=size)
            )
            for size in (SIZE, (8, 8))
        ]
        expected = np.hstack([x.reshape(len(x), -1) for x in seen])
        np.testing.assert_array_equal(store[position], expected)


# What decides the name of a store


def key_of(index, encoder, *, sampling=None, precision="float32", inputs=("Rgb 12×20×3",)):
    sampling = sampling or Uniform(3)
    return keys.store_key(
        index,
        [sampling.indices(int(frames)) for frames in index.table["frames"]],
        encoder=keys.encoder_digest(encoder),
        precision=precision,
        version="1",
        inputs=inputs,
        workers=2,
    )


def test_another_sampling_has_another_key(index, encoder):
    found = [key_of(index, encoder, sampling=s) for s in (Uniform(3), Uniform(4), AllFrames())]
    assert len(set(found)) == 3


def test_samplers_that_choose_the_same_frames_share_a_store(index, encoder):
    assert key_of(index, encoder, sampling=Segments(3)) == key_of(index, encoder)


def test_other_precision_has_another_key(index, encoder):
    assert key_of(index, encoder, precision="bfloat16") != key_of(index, encoder)


def test_other_inputs_have_another_key(index, encoder):
    assert key_of(index, encoder, inputs=["Differences 12×20×3"]) != key_of(index, encoder)


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.select([1, 0, 2, 3, 4, 5]),
        lambda index: index.select(range(5)),
        lambda index: index.of_classes(["Run", "Jump"]).select([3, 4, 5, 0, 1, 2]),
    ],
    ids=["order", "fewer", "labels"],
)
def test_other_videos_have_another_key(change, index, encoder):
    assert key_of(change(index), encoder) != key_of(index, encoder)


def test_a_video_whose_content_changed_has_another_key(index, encoder):
    before = key_of(index, encoder)
    content = bytearray(index.paths[2].read_bytes())
    content[len(content) // 2] ^= 1
    index.paths[2].write_bytes(content)
    assert key_of(index, encoder) != before


def test_neither_place_nor_time_of_the_videos_changes_the_key(index, encoder, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "videos", moved / "videos")
    os.utime(index.paths[0], (1, 1))
    assert key_of(VideoIndex.from_folder(moved), encoder) == key_of(index, encoder)


def convolution(*, activation="relu", padding="valid", dtype=None, **names):
    pictures = keras.Input((*SIZE, 3))
    layer = keras.layers.Conv2D(4, 3, activation=activation, padding=padding, dtype=dtype, **names)
    pooled = keras.layers.GlobalAveragePooling2D()(layer(pictures))
    model = keras.Model(pictures, pooled)
    model.set_weights([np.ones((3, 3, 3, 4)), np.zeros(4)])
    return model


@pytest.mark.parametrize(
    "options",
    [{"activation": "gelu"}, {"padding": "same"}, {"dtype": "mixed_bfloat16"}],
    ids=str,
)
def test_other_layers_have_another_digest(options):
    found = keys.encoder_digest(convolution(**options))
    assert found != keys.encoder_digest(convolution())


def test_another_image_size_has_another_digest(encoder):
    assert keys.encoder_digest(mean_colours(size=(20, 12))) != keys.encoder_digest(encoder)


def test_a_single_changed_weight_changes_the_digest():
    encoder = convolution()
    before = keys.encoder_digest(encoder)
    kernel, bias = encoder.get_weights()
    kernel[1, 1, 1, 1] += 1e-6
    encoder.set_weights([kernel, bias])
    assert keys.encoder_digest(encoder) != before


def test_names_and_what_learns_do_not_change_the_digest():
    encoder = convolution(name="gelu")
    encoder.trainable = False
    assert keys.encoder_digest(encoder) == keys.encoder_digest(convolution())


def test_a_backbone_built_twice_or_saved_has_one_digest(tmp_path):
    built = [backbones.pooled(backbones.build("inceptionv3", size=(75, 75))) for _ in range(2)]
    built[1].set_weights(built[0].get_weights())
    built[1].compile("sgd", "mse")
    built[1].save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert len({keys.encoder_digest(model) for model in (*built, loaded)}) == 1


# What cannot be done


def test_a_video_that_cannot_be_read_is_named_and_shards_before_it_are_kept(
    index, extract, small_shards, tmp_path
):
    broken = index.paths[5]
    broken.write_bytes(broken.read_bytes()[:4000])
    with pytest.raises(UnreadableVideoError, match=rf"{broken.name}.*get it again"):
        extract(index, engine="keras")
    kept = {file.name for file in (tmp_path / "store").rglob("shard-*.npy")}
    assert {"shard-00000.npy", "shard-00001.npy"} <= kept


def test_a_video_that_is_gone_is_named(index, extract):
    index.paths[1].unlink()
    with pytest.raises(MissingVideoError, match=rf"{index.paths[1].name}.*no such file.*index"):
        extract(index)


def test_an_empty_index_is_refused(index, extract):
    with pytest.raises(DatasetError, match=r"at least one video.*empty index"):
        extract(index.select([]))


@pytest.mark.parametrize("option", ["batch_size", "workers"])
def test_options_below_one_are_refused(option, index, extract):
    with pytest.raises(ModelError, match=rf"{option} of at least 1.*Received: 0"):
        extract(index, **{option: 0})


def test_an_encoder_has_its_own_size(index, extract):
    with pytest.raises(ModelError, match=r"beside a backbone's name.*size=\(9, 9\).*encoder"):
        extract(index, size=(9, 9))


def test_a_model_that_gives_no_vectors_is_refused(index, extract):
    backbone = backbones.build("mobilenetv2-0.35", size=(32, 32))
    with pytest.raises(ModelError, match=r"pictures.*to vectors.*backbone.*1280.*pooled or cut"):
        extract(index, backbone=backbone)


def test_features_too_large_for_half_precision_are_refused(index, extract, monkeypatch):
    monkeypatch.setattr(tasks.engines, "choose", lambda engine, precision: ("keras", "bfloat16"))
    with pytest.raises(ResultError, match=r"65,504, as float16.*from encoder.*scaled down"):
        extract(index, backbone=mean_colours(scale=1e4))


def test_a_disk_that_is_too_small_is_told_before_anything_is_computed(index, extract, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(extraction.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ResultError, match=r"free disk for .*store.*Make room"):
        extract(index)


# What is told


def test_the_estimate_counts_what_is_still_to_be_done(index, extract, encoder, small_shards):
    options = {"backbone": encoder, "sampling": EveryNth(2)}
    everything = features.estimate(index, **options)
    assert (everything.videos, everything.frames, everything.bytes) == (6, 28, 28 * 3 * 4)
    assert everything.seconds > 0
    store = extract(index)
    shard = store.folder / "shard-00002.npy"  # two videos of 5 and 4 rows
    shard.unlink()
    rest = features.estimate(index, **options, out=store.folder.parent)
    assert (rest.videos, rest.frames) == (2, 9)
    assert features.estimate(index, **options).frames == 28


def test_an_estimate_reads_well():
    told = str(features.Estimate(videos=13320, frames=333_000, bytes=852_480_000, seconds=754.3))
    assert told == "333,000 frames of 13,320 videos, 852.5 MB on disk, about 12 min 34 s"


def test_the_estimate_is_told_first_and_only_if_there_is_work(index, extract, monkeypatch, capsys):
    monkeypatch.setenv("VIDLAB_QUIET", "0")
    extract(index, engine="keras")
    told = capsys.readouterr().out
    assert told.startswith("features: 28 frames of 6 videos, 0.0 MB on disk, about ")
    assert told.endswith("(keras, float32)\n")
    extract(index, engine="keras")
    assert capsys.readouterr().out == ""


def test_the_bar_counts_frames(index, extract, monkeypatch):
    bars = []

    def counter(**options):
        bars.append(pipeline_bar := Bar(options))
        return pipeline_bar

    monkeypatch.setattr(extraction, "counter", counter)
    extract(index, batch_size=8)
    (bar,) = bars
    assert bar.options["total"] == sum(bar.steps) == 28
    assert len(bar.steps) == math.ceil(28 / 8)


class Bar:
    """Stands in for a progress bar."""

    def __init__(self, options):
        self.options, self.steps = options, []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def update(self, count):
        self.steps.append(count)
