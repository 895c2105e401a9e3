"""Feature stores that survive: interruptions, damage, and several processes at once."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames
from vidlab.data.store import FeatureStore
from vidlab.training import features

ROOT = Path(__file__).resolve().parents[1]
BLOCK_FRAMES = 20  # two of the videos, of 9 frames each
BLOCKS = 9
KILLS = int(os.environ.get("VIDLAB_TEST_KILLS", "3"))

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
    features.BLOCK_FRAMES, features.BATCH_SIZE, features._AHEAD_BYTES = 20, 4, 50_000
    make, write = engines._keras, FeatureStore.write

    def slowly(encoder):
        compute = make(encoder)

        def results(batches):
            for result in compute(batches):
                time.sleep(0.01)
                yield result

        return results

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


@pytest.fixture
def videos(toy_dataset):
    """Write 18 videos of 9 frames."""
    return toy_dataset(lists=False, clips=1)


def start(videos, out):
    """Start an extraction in a process of its own, without TensorFlow where that can be."""
    without = {"KERAS_BACKEND": "openvino"} if importlib.util.find_spec("openvino") else {}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(EXTRACTION), str(videos), str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **without},
    )


def begin(*processes):
    """Wait for processes to be ready, and let them begin at the same moment."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.close()


def ended(process):
    """Wait for a process; give its exit code and the blocks it has printed."""
    with process.stdout:
        told = process.stdout.read().split()
    return process.wait(timeout=60), [int(word) for word in told if word.isdecimal()]


def finished(process):
    """Wait for an extraction that has begun to succeed; give the blocks it has computed."""
    code, computed = ended(process)
    assert code == 0
    return computed


def files_of(out):
    """Read every file of the one store there is, but for what it has cost."""
    (folder,) = out.iterdir()
    files = [file for file in folder.iterdir() if file.suffix in (".npy", ".json")]
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_killed_at_random_moments_and_resumed_it_is_as_if_never_interrupted(videos, tmp_path):
    clean, killed = tmp_path / "clean", tmp_path / "killed"
    process = start(videos, clean)
    begin(process)
    assert finished(process) == list(range(BLOCKS))
    rng, computed, kills = np.random.default_rng(0), [], 0
    for delay in rng.uniform(0, 0.25, KILLS):
        process = start(videos, killed)
        begin(process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        code, blocks = ended(process)
        computed += blocks
        kills += code == -signal.SIGKILL
    assert kills == KILLS
    process = start(videos, killed)
    begin(process)
    computed += finished(process)
    assert set(computed) == set(range(BLOCKS))
    assert len(computed) <= BLOCKS + kills  # each kill costs the block under way and no other
    assert files_of(killed) == files_of(clean)


def test_of_two_processes_at_once_one_computes_and_the_other_waits(videos, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    processes = [start(videos, out) for out in (alone, shared, shared)]
    begin(*processes)
    computed = [finished(process) for process in processes]
    assert sorted(computed[1:]) == [[], computed[0]]
    assert computed[0] == list(range(BLOCKS))
    assert files_of(shared) == files_of(alone)


@pytest.fixture
def extract(videos, tmp_path, monkeypatch):
    """Give a function that extracts in this process, and lists the blocks it has computed."""
    monkeypatch.setattr(features, "BLOCK_FRAMES", BLOCK_FRAMES)
    index = VideoIndex.from_folder(videos)
    frames = keras.Input((24, 40, 3))
    encoder = keras.Model(frames, keras.layers.GlobalAveragePooling2D()(frames))
    computed, write = [], FeatureStore.write

    def listing(self, vectors, *, block, seconds):
        computed.append(block)
        write(self, vectors, block=block, seconds=seconds)

    monkeypatch.setattr(FeatureStore, "write", listing)

    def call():
        computed.clear()
        options = {"sampling": AllFrames(), "out": tmp_path / "store", "engine": "keras"}
        return features.extract(index, encoder, **options), list(computed)

    return call


def file_of(store, block):
    """Name the file of the first video of a block."""
    return store.file(list(store.frame_numbers)[2 * block])


def test_a_finished_store_is_not_touched(extract):
    store, computed = extract()
    assert computed == list(range(BLOCKS))
    again, computed = extract()
    assert computed == []
    assert again.seconds == store.seconds > 0


def change_a_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGE = {
    "a byte changed": change_a_byte,
    "cut off": lambda file: os.truncate(file, file.stat().st_size - 7),
    "without its checksum": lambda file: os.truncate(file, file.stat().st_size - 32),
    "empty": lambda file: os.truncate(file, 0),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"x"),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_block_is_computed_again_and_no_other(kind, extract, tmp_path):
    store, _ = extract()
    before = files_of(tmp_path / "store")
    DAMAGE[kind](file_of(store, 3))
    assert files_of(tmp_path / "store") != before
    assert extract()[1] == [3]
    assert files_of(tmp_path / "store") == before


def test_what_a_killed_process_left_behind_is_cleared_away(extract):
    store, _ = extract()
    file_of(store, 2).unlink()
    half = store.folder / f".{file_of(store, 2).stem}.77.npy"
    half.write_bytes(b"half an array")
    extract()
    assert not half.exists()


def test_time_spent_is_kept_through_interruptions(extract):
    store, _ = extract()
    lines = (store.folder / "seconds.txt").read_text().splitlines()
    assert store.seconds == pytest.approx(sum(float(line.split()[1]) for line in lines))
    file_of(store, 5).unlink()
    again, _ = extract()
    before, after = (float(line.split()[1]) for line in (lines[5], seconds_of(store)[-1]))
    expected = sum(float(line.split()[1]) for line in lines) - before + after
    assert again.seconds == pytest.approx(expected)


def seconds_of(store):
    return (store.folder / "seconds.txt").read_text().splitlines()
