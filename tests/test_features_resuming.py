"""Feature stores that survive: interruptions, damage, and several processes at once."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames
from vidlab.errors import ResultError
from vidlab.training import features
from vidlab.training.features import extraction, tasks
from vidlab.training.features.claims import Claims

ROOT = Path(__file__).resolve().parents[1]
SHARD_FRAMES = 20  # two of the videos, of 9 frames each
SHARDS = 9
KILLS = int(os.environ.get("VIDLAB_TEST_KILLS", "3"))

# An extraction in a process of its own, of a view of videos for an encoder of two inputs, as a
# training does it: 9 shards of 18 rows, 5 batches each. It begins when told
# to, tells every shard as it writes it, and takes some time for every batch, so that there is time
# to kill it, and reads little ahead, so that there is something left for others.
EXTRACTION = """
    import sys, time
    import keras
    from vidlab import features
    from vidlab.data.augment import Augment
    from vidlab.training.features import engines, pipeline, store, tasks
    from vidlab.data.index import VideoIndex
    from vidlab.data.sampling import AllFrames
    from vidlab.data.streams import Rgb

    videos, out = sys.argv[1:]
    tasks.SHARD_FRAMES, pipeline._AHEAD_BYTES = 20, 50_000
    mapped, write = engines._Keras.map, store.Shards.write

    def slowly(self, batches):
        for result in mapped(self, batches):
            time.sleep(0.01)
            yield result

    def telling(self, shard, features, *, seconds):
        print(shard, flush=True)
        write(self, shard, features, seconds=seconds)

    engines._Keras.map, store.Shards.write = slowly, telling
    sizes = {"large": (24, 40), "small": (8, 8)}
    inputs = {name: keras.Input((*size, 3), name=name) for name, size in sizes.items()}
    means = [keras.layers.GlobalAveragePooling2D()(x) for x in inputs.values()]
    index = VideoIndex.from_folder(videos)
    encoder = keras.Model(inputs, keras.layers.Concatenate()(means), name="encoder")
    options = dict(backbone=encoder, sampling=AllFrames(), engine="keras", batch_size=4)
    options["streams"] = {name: Rgb(AllFrames(), size) for name, size in sizes.items()}
    options["variation"] = (Augment(), 1)
    features.estimate(index, **options)
    print("ready", flush=True)
    sys.stdin.readline()
    features.extract(index, out=out, **options)
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
    """Wait for a process; give its exit code and the shards it has told of."""
    with process.stdout:
        told = process.stdout.read().split()
    return process.wait(timeout=60), [int(word) for word in told if word.isdecimal()]


def finished(process):
    """Wait for an extraction that has begun to succeed; give the shards it has computed."""
    code, computed = ended(process)
    assert code == 0
    return computed


def files_of(out):
    """Read every file of the one store there is, but for what it has cost."""
    (folder,) = out.iterdir()
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "seconds.txt"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_killed_at_random_moments_and_resumed_it_is_as_if_never_interrupted(videos, tmp_path):
    clean, killed = tmp_path / "clean", tmp_path / "killed"
    process = start(videos, clean)
    begin(process)
    assert finished(process) == list(range(SHARDS))
    rng, computed, kills = np.random.default_rng(0), [], 0
    for delay in rng.uniform(0, 0.25, KILLS):
        process = start(videos, killed)
        begin(process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        code, shards = ended(process)
        computed += shards
        kills += code == -signal.SIGKILL
    assert kills == KILLS
    process = start(videos, killed)
    begin(process)
    computed += finished(process)
    assert set(computed) == set(range(SHARDS))
    assert len(computed) <= SHARDS + kills  # each kill costs the shard under way and no other
    assert files_of(killed) == files_of(clean)


def test_two_processes_at_once_share_the_work_and_leave_the_same_store(videos, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    processes = [start(videos, out) for out in (alone, shared, shared)]
    begin(*processes)
    computed = [finished(process) for process in processes]
    assert computed[0] == list(range(SHARDS))
    assert sorted(computed[1] + computed[2]) == list(range(SHARDS))
    assert files_of(shared) == files_of(alone)


@pytest.fixture
def extract(videos, tmp_path, monkeypatch):
    """Give a function that extracts in this process, and lists the shards it has computed."""
    monkeypatch.setattr(tasks, "SHARD_FRAMES", SHARD_FRAMES)
    index = VideoIndex.from_folder(videos)
    pictures = keras.Input((24, 40, 3))
    encoder = keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(pictures))
    computed = []
    write = extraction.Shards.write

    def telling(self, shard, vectors, *, seconds):
        computed.append(shard)
        write(self, shard, vectors, seconds=seconds)

    monkeypatch.setattr(extraction.Shards, "write", telling)

    def call():
        computed.clear()
        options = {"sampling": AllFrames(), "out": tmp_path / "store", "engine": "keras"}
        return features.extract(index, backbone=encoder, **options), list(computed)

    return call


def test_a_finished_store_is_not_touched(extract):
    assert extract()[1] == list(range(SHARDS))
    assert extract()[1] == []


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
def test_a_damaged_shard_is_computed_again_and_no_other(kind, extract, tmp_path):
    store, _ = extract()
    before = files_of(tmp_path / "store")
    DAMAGE[kind](store.folder / "shard-00003.npy")
    assert files_of(tmp_path / "store") != before
    assert extract()[1] == [3]
    assert files_of(tmp_path / "store") == before


def test_damage_is_found_on_opening(extract):
    store, _ = extract()
    change_a_byte(store.folder / "shard-00003.npy")
    with pytest.raises(ResultError, match=r"shard-00003\.npy.*Extract again"):
        features.FeatureStore.open(store.folder)


def test_what_a_killed_process_left_behind_is_cleared_away(extract, tmp_path):
    store, _ = extract()
    (store.folder / "shard-00002.npy").unlink()
    (store.folder / ".shard-00002.0a1b2c3d.partial").write_bytes(b"half a shard")
    extract()
    assert list(store.folder.glob(".*")) == []


def test_time_spent_is_kept_through_interruptions(extract):
    store, _ = extract()
    seconds = store.seconds
    assert seconds > 0
    lines = (store.folder / "seconds.txt").read_text().split("\n")
    lost = float(lines[5].split()[1])
    (store.folder / "shard-00005.npy").unlink()
    again, _ = extract()
    redone = float((store.folder / "seconds.txt").read_text().splitlines()[-1].split()[1])
    assert again.seconds == pytest.approx(seconds - lost + redone)
    assert features.FeatureStore.open(store.folder).seconds == again.seconds


def test_a_shard_another_process_works_on_is_waited_for(extract, monkeypatch):
    store, _ = extract()
    for number in (1, 4):
        (store.folder / f"shard-{number:05d}.npy").unlink()
    with Claims(store.folder / "claims") as other:
        assert other.take(1)
        worker = threading.Thread(target=extract)
        worker.start()
        deadline = time.monotonic() + 30
        while not (store.folder / "shard-00004.npy").is_file():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        worker.join(timeout=3 * extraction._PATIENCE)
        assert worker.is_alive()
        assert not (store.folder / "shard-00001.npy").is_file()
    worker.join(timeout=30)
    assert not worker.is_alive()
    assert (store.folder / "shard-00001.npy").is_file()


def test_a_claim_holds_until_it_is_dropped(tmp_path):
    with Claims(tmp_path / "claims") as one, Claims(tmp_path / "claims") as other:
        assert one.take(3)
        assert not other.take(3)
        assert other.take(4)
        one.drop(3)
        assert other.take(3)
    with Claims(tmp_path / "claims") as later:
        assert later.take(3)
        assert later.take(4)


HOLDING = """
    import sys, time
    from pathlib import Path
    import importlib.util
    found = importlib.util.spec_from_file_location("claims", sys.argv[1])
    claims = importlib.util.module_from_spec(found)
    found.loader.exec_module(claims)
    held = claims.Claims(Path(sys.argv[2]))
    print(held.take(3), held.take(4), flush=True)
    time.sleep(60)
"""


def test_a_process_that_ends_in_whatever_way_drops_its_claims(tmp_path):
    module = ROOT / "vidlab" / "features" / "claims.py"
    path = tmp_path / "claims"
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDING), str(module), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "True True\n"
    with Claims(path) as claims:
        assert not claims.take(3)
        assert claims.take(5)
        holder.kill()
        assert ended(holder)[0] != 0
        assert claims.take(3)
