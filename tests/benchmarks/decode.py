"""How fast are 25 exact frames out of 164? vidlab against three ways people read videos.

The videos are compressed as UCF-101's are: MPEG-4 in AVI, 320×240, with a single key frame. Every
method gives the same frames in RGB, in two threads over the videos. Methods take turns, so that a
machine that is busy for a while slows down all of them; the median of the rounds counts.
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import cv2
import numpy as np

from vidlab import video
from vidlab.sampling import Uniform

VIDEOS, ROUNDS, WORKERS = 8, 5, 2
FRAMES, HEIGHT, WIDTH = 164, 240, 320
WANTED = Uniform(25).indices(FRAMES).tolist()


def measure():
    speeds = {method: [] for method in METHODS}
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as home:
        paths = [make_video(Path(home, f"{number}.avi"), number) for number in range(VIDEOS)]
        check_agreement(paths[0])
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in range(ROUNDS):
                for method, read in METHODS.items():
                    started = time.perf_counter()
                    list(pool.map(read, paths))
                    speeds[method].append(len(paths) / (time.perf_counter() - started))
    medians = {method: round(statistics.median(found), 1) for method, found in speeds.items()}
    print(f"{len(WANTED)} of {FRAMES} frames: videos per second, {WORKERS} threads")
    for method, speed in medians.items():
        print(f"{method:16}{speed:8.1f}")
    return medians


def make_video(path, seed):
    """Write a video in which a rough picture drifts to the side."""
    coarse = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    picture = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size, stream.max_b_frames = 300, 0
        for number in range(FRAMES):
            drifted = np.roll(picture, number, axis=1)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(drifted, format="rgb24")))
        file.mux(stream.encode())
    return path


def check_agreement(path):
    """Stop where the methods do not read the same frames, give or take a rounding of colours."""
    reference = read_with_vidlab(path).astype(int)
    for method, read in METHODS.items():
        difference = np.abs(read(path).astype(int) - reference).mean()
        if difference > 3:
            raise ValueError(f"Expected the same frames. Received from {method}: others.")


def read_with_vidlab(path):
    return video.read_frames(path, WANTED)


def read_all_with_cv2(path):
    capture, pictures = cv2.VideoCapture(str(path)), []
    while True:
        found, picture = capture.read()
        if not found:
            break
        pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    return np.stack([pictures[number] for number in WANTED])


def seek_with_cv2(path):
    capture, pictures = cv2.VideoCapture(str(path)), []
    for number in WANTED:
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        pictures.append(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB))
    return np.stack(pictures)


def read_with_pyav(path):
    wanted = set(WANTED)
    with av.open(str(path)) as file:
        decoded = enumerate(file.decode(video=0))
        return np.stack([f.to_ndarray(format="rgb24") for number, f in decoded if number in wanted])


METHODS = {
    "vidlab": read_with_vidlab,
    "cv2-read-all": read_all_with_cv2,
    "cv2-seek": seek_with_cv2,
    "pyav": read_with_pyav,
}
