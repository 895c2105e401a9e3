"""Features: the right vector for every frame, a name that tells when they are stale, and stores
that survive interruptions, damage, and several processes at once.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest

from tests.conftest import write_toys
from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, EveryNth, Segments, Uniform
from vidlab.data.store import FeatureStore
from vidlab.data.streams import Rgb
from vidlab.errors import (
    DatasetError,
    MissingVideoError,
    ResultError,
    UnreadableVideoError,
)
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


def pictures(encoder):
    """Give the one input of an encoder its frames."""
    (frames,) = encoder.inputs
    return {frames.name: Rgb(AllFrames(), frames.shape[1:3])}


@pytest.fixture
def extract(encoder, tmp_path):
    """Give `features.extract` with options that a test may replace."""

    def call(index, encoder=encoder, *, streams=None, **options):
        given = {"sampling": EveryNth(2), "out": tmp_path / "store"}
        given["streams"] = streams or pictures(encoder)
        return features.extract(index, encoder, **given | options)

    return call


def expected_means(path, numbers):
    return video.read_frames(path, numbers, size=SIZE).mean(axis=(1, 2)) / 255


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
            return engine(seen.append((tag, b[0].copy())) or (tag, b) for tag, b in batches)

        return compute

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


def test_long_videos_are_read_in_pieces(index, extract, monkeypatch, tmp_path):
    whole = extract(index, sampling=AllFrames())
    lengths, read = [], video.read_frames

    def reading(path, numbers, *, size):
        lengths.append(len(numbers))
        return read(path, numbers, size=size)

    monkeypatch.setattr(video, "read_frames", reading)
    monkeypatch.setattr(features, "_PIECE_BYTES", 4 * SIZE[0] * SIZE[1] * 3)
    pieces = extract(index, sampling=AllFrames(), out=tmp_path / "pieces")
    assert max(lengths) == 4
    assert pieces.folder.name == whole.folder.name
    assert pieces.frame_numbers.keys() == whole.frame_numbers.keys()
    for video_id in pieces.frame_numbers:
        np.testing.assert_array_equal(pieces[video_id], whole[video_id])


@dataclass(frozen=True)
class Halves(Rgb):
    """The left half of each frame, as numbers from 0 to 1."""

    dtype: ClassVar[str] = "float32"

    @property
    def frame_shape(self):
        return (self.size[0], self.size[1] // 2, 3)

    def read(self, frames, indices):
        return np.float32(frames(indices)[:, :, : self.size[1] // 2]) / 255


@pytest.mark.parametrize("engine", ["auto", "keras"])
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


def test_what_decides_about_features_decides_about_the_name(index, extract, tmp_path):
    def name_of(index, **options):
        return extract(index, engine="keras", **options).folder.name

    options = [
        {"sampling": Uniform(3)},
        {"sampling": Uniform(4)},
        {"sampling": AllFrames()},
        {"encoder": mean_colours(scale=1.0)},
        {"encoder": mean_colours(size=(20, 12))},
        {"variation": (Augment(), 0)},
        {"variation": (Augment(), 1)},
    ]
    parts = [index, index.select(range(5)), index.select([1, 0, 2, 3, 4, 5])]
    names = [name_of(index, **some) for some in options] + [name_of(part) for part in parts]
    assert len(set(names)) == len(names)
    assert name_of(index, sampling=Segments(3)) == names[0]  # chooses the same frames
    shutil.copytree(tmp_path / "videos", tmp_path / "elsewhere" / "videos")
    os.utime(index.paths[0], (1, 1))
    assert name_of(VideoIndex.from_folder(tmp_path / "elsewhere")) == names[7]
    change_a_byte(index.paths[2], at=index.paths[2].read_bytes().index(b"JUNK") + 8)
    assert name_of(index) not in names


def change_a_byte(file, *, at=None):
    content = bytearray(file.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    file.write_bytes(content)


def convolution(*, activation="relu", padding="valid", dtype=None, **names):
    frames = keras.Input((*SIZE, 3))
    layer = keras.layers.Conv2D(4, 3, activation=activation, padding=padding, dtype=dtype, **names)
    model = keras.Model(frames, keras.layers.GlobalAveragePooling2D()(layer(frames)))
    model.set_weights([np.ones((3, 3, 3, 4)), np.zeros(4)])
    return model


def test_layers_and_weights_change_the_digest_and_names_do_not(tmp_path):
    options = [{}, {"activation": "gelu"}, {"padding": "same"}, {"dtype": "mixed_bfloat16"}]
    digests = [encoder_digest(convolution(**some)) for some in options]
    changed = convolution()
    kernel, bias = changed.get_weights()
    kernel[1, 1, 1, 1] += 1e-6
    changed.set_weights([kernel, bias])
    assert len({*digests, encoder_digest(changed)}) == 5
    again = convolution(name="gelu")  # a second one, frozen, compiled, saved and loaded
    again.trainable = False
    again.compile("sgd", "mse")
    again.save(tmp_path / "encoder.keras")
    for model in (again, keras.saving.load_model(tmp_path / "encoder.keras")):
        assert encoder_digest(model) == digests[0]


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


def test_without_videos_there_are_no_features(index, extract):
    with pytest.raises(DatasetError, match=r"at least one video.*empty index"):
        extract(index.select([]))
    index.paths[1].unlink()
    with pytest.raises(MissingVideoError, match=rf"{index.paths[1].name}.*no such file.*index"):
        extract(index)


def test_features_too_large_for_half_precision_are_refused(index, extract, monkeypatch):
    monkeypatch.setattr(features.engines, "choose", lambda *_: ("keras", "bfloat16"))
    with pytest.raises(ResultError, match=r"65,504, as float16.*scaled down"):
        extract(index, mean_colours(scale=1e4))


def test_a_disk_that_is_too_small_is_told_before_anything_is_computed(index, extract, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(features.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ResultError, match=r"free disk for .*store.*Make room"):
        extract(index)


def test_announcement_and_bar_count_what_is_left(index, extract, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("VIDLAB_QUIET", "0")
    monkeypatch.setenv("VIDLAB_HEARTBEAT", str(tmp_path / "heartbeat"))
    monkeypatch.setattr(features, "BLOCK_FRAMES", 10)
    bars, counter = [], features.counter
    monkeypatch.setattr(features, "counter", lambda **o: bars.append(counter(**o)) or bars[-1])
    store = extract(index, engine="keras")
    printed = capsys.readouterr().out
    assert printed == "features: 28 frames of 6 videos, 0.0 MB on disk (keras, float32)\n"
    assert bars[-1].n == bars[-1].total == 28
    extract(index, engine="keras")
    assert capsys.readouterr().out == ""
    store.file(index.table["video_id"][3]).unlink()  # in a block of two videos of 5 and 4 frames
    extract(index, engine="keras")
    assert capsys.readouterr().out.startswith("features: 9 frames of 2 videos")
    assert bars[-1].n == bars[-1].total == 9


# Interruptions, damage, and several processes at once

ROOT = Path(__file__).resolve().parents[1]
BLOCK_FRAMES = 20  # two of the videos, of 9 frames each
BLOCKS = 9
KILLS = int(os.environ.get("VIDLAB_TEST_KILLS", "2"))

# An extraction in a process of its own, of a view of videos for an encoder of two inputs, as a
# training does it: 9 blocks of 18 frames, 5 batches each. It waits for a line, prints every block
# as it writes it, and takes some time for every batch, so that there is time to kill it, and reads
# little ahead, so that there is something left for others.
EXTRACTION = """
    import sys, time
    import keras
    from vidlab.data.augment import Augment
    from vidlab.data.index import VideoIndex
    from vidlab.data.sampling import AllFrames
    from vidlab.data.store import FeatureStore
    from vidlab.data.streams import Rgb
    from vidlab.training import engines, features

    videos, out = sys.argv[1:]
    features.BLOCK_FRAMES, features.BATCH_SIZE, features._AHEAD = 20, 4, 2
    make, write = engines._keras, FeatureStore.write

    def slowly(encoder, batches):
        for result in make(encoder, batches):
            time.sleep(0.01)
            yield result

    def printing(self, vectors, *, block, seconds):
        print(block, flush=True)
        write(self, vectors, block=block, seconds=seconds)

    engines._keras, FeatureStore.write = slowly, printing
    sizes = {"large": (24, 40), "small": (8, 8)}
    inputs = {name: keras.Input((*size, 3), name=name) for name, size in sizes.items()}
    means = [keras.layers.GlobalAveragePooling2D()(x) for x in inputs.values()]
    index = VideoIndex.from_folder(videos)
    encoder = keras.Model(inputs, keras.layers.Concatenate()(means), name="encoder")
    streams = {name: Rgb(AllFrames(), size) for name, size in sizes.items()}
    print("ready", flush=True)
    sys.stdin.readline()
    options = {"sampling": AllFrames(), "streams": streams, "variation": (Augment(), 1)}
    features.extract(index, encoder, out=out, engine="keras", **options)
"""


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Write 18 videos of 9 frames."""
    return write_toys(tmp_path_factory.mktemp("videos") / "toy", lists=False, clips=1)


def start(videos, *outs):
    """Start extractions at the same moment, without TensorFlow where that can be."""
    without = {"KERAS_BACKEND": "openvino"} if importlib.util.find_spec("openvino") else {}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(EXTRACTION), str(videos), str(out)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **without},
        )
        for out in outs
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.close()
    return processes


def ended(process, code=0):
    """Wait for a process; give the blocks it has computed."""
    with process.stdout:
        printed = process.stdout.read().split()
    assert process.wait(timeout=60) == code
    return [int(word) for word in printed if word.isdecimal()]


def files_of(out):
    """Read every file of the one store there is, but for what it has cost."""
    (folder,) = out.iterdir()
    files = [file for file in folder.iterdir() if file.suffix in (".npy", ".json")]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def uninterrupted(videos, tmp_path_factory):
    """The files of an extraction of one process, while two others shared one of their own."""
    alone, shared = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("shared")
    computed = [ended(process) for process in start(videos, alone, shared, shared)]
    return files_of(alone), files_of(shared), computed


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_killed_at_random_moments_and_resumed_it_is_as_if_never_interrupted(
    videos, uninterrupted, tmp_path
):
    computed = []
    for delay in np.random.default_rng(0).uniform(0.02, 0.25, KILLS):
        (process,) = start(videos, tmp_path)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        computed += ended(process, -signal.SIGKILL)
    (process,) = start(videos, tmp_path)
    computed += ended(process)
    assert set(computed) == set(range(BLOCKS))
    assert len(computed) <= BLOCKS + KILLS  # each kill costs the block under way and no other
    assert files_of(tmp_path) == uninterrupted[0]


def test_of_two_processes_at_once_one_computes_and_the_other_waits(uninterrupted):
    alone, shared, computed = uninterrupted
    assert sorted(computed[1:]) == [[], computed[0]]
    assert computed[0] == list(range(BLOCKS))
    assert shared == alone


@pytest.fixture
def extract_toys(videos, encoder, tmp_path, monkeypatch):
    """Give a function that extracts in this process, and lists the blocks it has computed."""
    monkeypatch.setattr(features, "BLOCK_FRAMES", BLOCK_FRAMES)
    index, computed, write = VideoIndex.from_folder(videos), [], FeatureStore.write

    def listing(self, vectors, *, block, seconds):
        computed.append(block)
        write(self, vectors, block=block, seconds=seconds)

    monkeypatch.setattr(FeatureStore, "write", listing)

    def call():
        computed.clear()
        options = {"sampling": AllFrames(), "out": tmp_path / "store", "engine": "keras"}
        options["streams"] = pictures(encoder)
        return features.extract(index, encoder, **options), list(computed)

    return call


DAMAGE = {
    "a byte changed": change_a_byte,
    "cut off": lambda file: os.truncate(file, file.stat().st_size - 7),
    "without its checksum": lambda file: os.truncate(file, file.stat().st_size - 32),
    "empty": lambda file: os.truncate(file, 0),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"x"),
    "gone": Path.unlink,
}


def test_a_damaged_block_is_computed_again_and_no_other(extract_toys, tmp_path):
    store, computed = extract_toys()
    assert computed == list(range(BLOCKS))
    before, third = files_of(tmp_path / "store"), list(store.frame_numbers)[2 * 3]
    leftover = store.folder / f".{third}.77.npy"
    leftover.write_bytes(b"half an array, of a process that was killed")
    for kind, damage in DAMAGE.items():
        damage(store.file(third))
        assert files_of(tmp_path / "store") != before, kind
        assert extract_toys()[1] == [3], kind
        assert files_of(tmp_path / "store") == before, kind
    assert not leftover.exists()
