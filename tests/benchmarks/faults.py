"""Accidents by the dozen: ``python -m tests.benchmarks.faults fetch|train|fuzz [count]``.

``fetch`` and ``train`` kill a process with SIGKILL at random moments, let another go on, and
compare what is there in the end with what an undisturbed process leaves. ``fuzz`` gives readers
files that were changed at random places, and counts their errors by kind; a file that takes more
than 10 s or 1 GiB is unhandled.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd

from tests import hostile
from tests.archives import write
from vidlab.errors import VidlabError

FETCH = (
    "import sys; from vidlab.data import ucf101; "
    "ucf101.fetch(sys.argv[1], archive_url=sys.argv[2] + '/UCF101.zip', "
    "lists_url=sys.argv[2] + '/UCF101Lists.zip')"
)
PIECE, PAUSE = 1 << 16, 0.02  # bytes the server sends at a time, and seconds between


class _Server(BaseHTTPRequestHandler):
    """Serves files slowly, whole or from a byte on."""

    def do_GET(self):
        body = self.server.files[self.path]
        start = int(self.headers.get("Range", "bytes=0-").strip("bytes=-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        try:
            for at in range(start, len(body), PIECE):
                self.wfile.write(body[at : at + PIECE])
                time.sleep(PAUSE)
        except OSError:
            self.close_connection = True  # the other side was killed

    def log_message(self, *args):
        pass


def kills_of_fetch(count, folder, *, seed=0):
    """Count how many of `count` fetches that were killed end with the same files."""
    rng = np.random.default_rng(seed)
    clips = [(f"UCF-101/Jump/v_Jump_g01_c{n:02d}.avi", rng.bytes(100_000)) for n in range(40)]
    lists = [("ucfTrainTestlist/classInd.txt", b"1 Jump\n")]
    server = ThreadingHTTPServer(("localhost", 0), _Server)
    server.files = {
        "/UCF101.zip": write(folder / "videos.zip", *clips).read_bytes(),
        "/UCF101Lists.zip": write(folder / "lists.zip", *lists).read_bytes(),
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://localhost:{server.server_port}"

    def begin(root):
        return begun([sys.executable, "-c", FETCH, str(root), address], root / ".lock")

    same = killed(count, folder, begin, contents, rng=rng)
    server.shutdown()
    server.server_close()
    return same


def begun(command, sign, **environment):
    """Start a command, and wait until a file says that its work has begun."""
    environment = os.environ | {"VIDLAB_QUIET": "1"} | environment
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while not sign.exists():
        assert process.poll() is None, f"{command} did not begin"
        time.sleep(0.001)
    return process


def killed(count, folder, begin, result, *, rng):
    """Count how often a process that was killed, and another, leave what one undisturbed does."""
    process, started = begin(folder / "whole"), time.perf_counter()
    assert process.wait() == 0
    seconds, expected, same = time.perf_counter() - started, result(folder / "whole"), 0
    for number in range(count):
        root, after = folder / f"killed-{number}", seconds * rng.random()
        process = begin(root)
        time.sleep(after)
        process.kill()
        process.wait()
        left = sorted(file.name for file in root.rglob("*") if file.is_file())[:9]
        assert begin(root).wait() == 0
        alike = result(root) == expected
        same += alike
        print(f"{number + 1}: {after:.2f} of {seconds:.2f} s, {left}: {alike}", flush=True)
    return same


def contents(folder):
    """Digest every file of a folder, but for its lock."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(Path(folder).rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


PROFILE = """about: A training of many short epochs, to be killed in.
dataset_size: smoke
image_size: 32
clip_sampling: Segments(4)
clip_test: Uniform(4)
recipes:
  gru-pixels: {epochs: [12], options: {units: 16}, patience: 12}
"""


def kills_of_training(count, folder, *, seed=0):
    """Count how many of `count` trainings that were killed end with the same result."""
    profile = folder / "killed.yaml"
    profile.write_text(PROFILE)
    command = [sys.executable, "-m", "vidlab", "train", "gru-pixels", "--profile", str(profile)]

    def begin(home):
        home.mkdir(exist_ok=True)
        if (folder / "whole" / "data").is_dir() and not (home / "data").exists():
            (home / "data").symlink_to(folder / "whole" / "data")
        sign = home / "runs" / "killed" / "gru-pixels" / ".lock"
        return begun(command, sign, VIDLAB_HOME=str(home))

    return killed(count, folder, begin, _Outcome, rng=np.random.default_rng(seed))


class _Outcome:
    """Probabilities and history of a run; equal to others within rounding."""

    def __init__(self, home):
        from vidlab.evaluation.runs import RunFolder

        run = RunFolder(home / "runs" / "killed" / "gru-pixels")
        history = run.history.drop(columns="seconds").to_numpy()
        self.numbers = np.concatenate([run.predictions.probabilities.ravel(), history.ravel()])

    def __eq__(self, other):
        return np.allclose(self.numbers, other.numbers, atol=1e-4)

    __hash__ = None


def fuzz(count, folder, *, seed=0):
    """Tabulate what readers make of `count` files changed at random: errors by kind of file."""
    rng, seeds, slowest = np.random.default_rng(seed), hostile.seeds(folder), 0.0
    found = []
    for number in range(count):
        name = list(seeds)[number % len(seeds)]
        edits = [
            (str(rng.choice(hostile.KINDS)), rng.random(), *map(int, rng.integers(0, [31, 201])))
            for _ in range(rng.integers(1, 5))
        ]
        started = time.perf_counter()
        try:
            with hostile.limits():
                hostile.read(name, hostile.changed(seeds[name], edits), folder / "work")
            kind = "read"
        except VidlabError as error:
            kind = type(error).__name__
        except (Exception, hostile.Hung) as error:  # what this looks for
            kind = f"UNHANDLED {type(error).__name__}"
        slowest = max(slowest, time.perf_counter() - started)
        found.append((name, kind))
    table = pd.DataFrame(found, columns=["file", "result"])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = pd.crosstab(table.file, table.result).to_string()
    return f"{counts}\nslowest {slowest:.2f} s, at most {most:.0f} MiB"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.faults")
    parser.add_argument("task", choices=["fetch", "train", "fuzz"])
    parser.add_argument("count", nargs="?", type=int, default=20)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.task == "fuzz":
            print(fuzz(chosen.count, Path(folder)))
            return
        kills = {"fetch": kills_of_fetch, "train": kills_of_training}[chosen.task]
        same = kills(chosen.count, Path(folder))
    print(f"{chosen.task}: {same} of {chosen.count} end as if never killed")


if __name__ == "__main__":
    main()
