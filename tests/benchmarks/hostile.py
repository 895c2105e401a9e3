"""Damaged video files by the thousand: ``python -m tests.benchmarks.hostile [count] [seed]``.

Every file is read in a child process, so that a crash of the interpreter, a hang and the memory
taken are seen from outside.
"""

import collections
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from vidlab.data import video
from vidlab.errors import VideoError

LIMIT = 10  # seconds a file
KINDS = {"clip.mp4": "libx264", "clip.mkv": "libx264", "clip.webm": "libvpx", "mpeg4.avi": "mpeg4"}


def whole_files(folder):
    """Write short videos to damage, one of each kind."""
    frames = [np.full((48, 64, 3), 10 * i, np.uint8) for i in range(20)]
    for i, frame in enumerate(frames):
        cv2.circle(frame, (3 * i, 24), 8, (255, 60, 0), -1)
    files = [video.write(folder / "mjpeg.avi", frames)]
    for name, codec in KINDS.items():
        with av.open(str(folder / name), "w") as file:
            stream = file.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for frame in frames:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            file.mux(stream.encode())
        files.append(folder / name)
    return files


def damaged(data, rng):
    """Damage bytes at one to seven places: half of them in the header."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 8)):
        at = int(rng.integers(min(len(data), 1024) if rng.random() < 0.5 else len(data)))
        length = int(rng.integers(1, 400))
        match rng.integers(6):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                data[at : at + 4] = b"\xff\xff\xff\xff"
            case 2:
                data[at : at + 4] = b"\x7f\xff\xff\xff"
            case 3:
                data[at : at + length] = rng.bytes(length)
            case 4:
                del data[max(at, 16) :]
            case 5:
                data[at:at] = data[at : at + length]
    return bytes(data)


def read(path):
    """Read a file as an index and a model do, and say what came of it."""
    try:
        info = video.probe(path, count=True)
        frames = video.read_frames(path, [0, info.frames - 1])
    except VideoError as error:
        return type(error).__name__
    fits = frames.shape == (2, info.height, info.width, 3)
    return ("all frames" if info.frames == 20 else "some frames") if fits else "another shape"


def child(paths):
    """Read files one after the other; a hang ends the process by its alarm.

    The memory is Linux's own peak of this program: ``getrusage`` begins with that of its parent.
    """
    for path in paths:
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        start = time.perf_counter()
        try:
            outcome = read(Path(path))
        except Exception as error:
            outcome = f"UNHANDLED {type(error).__name__}: {error}"
        memory = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024
        print(json.dumps([outcome, time.perf_counter() - start, memory]), flush=True)


def measure(folder, *, count, seed):
    """Damage `count` files and read them: a row each of outcome, seconds, and megabytes so far."""
    rng, rows = np.random.default_rng(seed), []
    whole = whole_files(folder)
    paths = [folder / f"{i}{whole[i % len(whole)].suffix}" for i in range(count)]
    for i, path in enumerate(paths):
        path.write_bytes(damaged(whole[i % len(whole)].read_bytes(), rng))
    while len(rows) < count:
        words = [sys.executable, "-m", __spec__.name, "--child", *map(str, paths[len(rows) :])]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        rows += map(json.loads, done.stdout.splitlines())
        if len(rows) < count:
            rows.append([f"UNHANDLED end of the process, status {done.returncode}", LIMIT, 0])
    return rows


def main(count=1000, seed=0):
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), count=int(count), seed=int(seed))
    for outcome, times in collections.Counter(row[0] for row in rows).most_common():
        print(f"{times:6}  {outcome}")
    print(f"slowest {max(row[1] for row in rows):.2f} s, most memory {max(r[2] for r in rows)} MB")


if __name__ == "__main__":
    child(sys.argv[2:]) if sys.argv[1:2] == ["--child"] else main(*sys.argv[1:])
