"""Does memory grow with the collection? Peaks of what vidlab does, 50 against 500 videos.

Measured are indexing, one epoch of training on frames, without and with their cache, and feature
extraction from pictures so large that 50 videos of them are more than it keeps ahead of the
engine. Each measurement is a process of its own, so that none begins with what another has left
behind: ``python -m tests.benchmarks.memory WORK FOLDER`` prints its peak in megabytes. The work
that grows most is what counts for vidlab.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.turns import remark

COUNTS = (50, 500)
CLASSES = ("Bend", "Jump", "Run", "Turn", "Wave")
FRAMES, HEIGHT, WIDTH = 20, 48, 64


def measure():
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as home:
        folders = {count: make_videos(Path(home, str(count)), count) for count in COUNTS}
        peaks = {
            work: {str(count): peak_of(work, folders[count]) for count in COUNTS} for work in WORKS
        }
    for work, peak in peaks.items():
        few, many = peak.values()
        remark(f"memory, {work}: {few:.0f} and {many:.0f} MB, {growth(peak):.2f}×")
    return {"vidlab": max(peaks.values(), key=growth)}


def growth(peak):
    """Tell how many times the peak with the fewest videos that with the most is."""
    few, *_, many = peak.values()
    return many / few


def make_videos(folder, count):
    """Write `count` tiny videos of noise, as many of each class, two in a group."""
    from vidlab.data import video

    noise = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for number in range(count):
        row, label = divmod(number, len(CLASSES))
        name = f"v_{CLASSES[label]}_g{row // 2 + 1:02d}_c{row % 2 + 1:02d}.avi"
        video.write(folder / CLASSES[label] / name, np.roll(noise, number, axis=2))
    return folder


def peak_of(work, folder):
    """Measure one work in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", work, str(folder)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "VIDLAB_QUIET": "1"}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env=quiet, stdout=subprocess.PIPE, check=True)
    return float(done.stdout.split()[-1])


def index_videos(folder):
    from vidlab.data.index import VideoIndex

    return VideoIndex.from_folder(folder)


def train(folder, *, cached=False):
    from vidlab import recipes, training
    from vidlab.data import sampling

    recipe = recipes.get("frame-pretrained")
    recipe = recipe.adapted(
        backbone="residual",
        size=32,
        weights=None,
        phases=(dataclasses.replace(recipe.phases[0], epochs=1, batch_size=32),),
        sampling=sampling.Segments(4),
    )
    learned_from, held_out, _ = index_videos(folder).split(by="groups")
    settings = training.Settings(cache=f"{folder}-cache" if cached else None)
    return training.fit(recipe, (learned_from, held_out), settings=settings)


def train_cached(folder):
    return train(folder, cached=True)


def extract(folder):
    from tests import built
    from vidlab.data import sampling, streams
    from vidlab.models import backbones
    from vidlab.training import features

    encoder = built.pooled(backbones.build("residual", size=(160, 160)))
    return features.extract(
        index_videos(folder),
        encoder,
        streams={encoder.inputs[0].name: streams.Rgb(sampling.AllFrames(), 160)},
        sampling=sampling.AllFrames(),
        out=f"{folder}-features",
    )


WORKS = {"index": index_videos, "train": train, "train-cached": train_cached, "features": extract}


def own_peak():
    """Tell the most memory this process has had so far, in megabytes of 2**20 bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss would begin with the size of the process before
        (line,) = (s for s in status.read_text().splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    WORKS[sys.argv[1]](Path(sys.argv[2]))
    print(f"{own_peak():.1f}")
