"""How fast are 25 exact frames out of 164? vidlab against four other ways to read videos.

Every method gives the chosen frames in RGB at full size, in two threads over the videos, and what
it gives is dropped at once, as a pipeline does. PyAV and decord are at their best: one decoder
and converter thread a file, only the chosen frames converted, straight into one array, nothing
read behind the last of them. The two ways with OpenCV are as people write them: the whole video as
one array, or a jump to each frame.
"""

import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec

import cv2
import numpy as np

from tests.benchmarks import turns
from tests.benchmarks.clips import CHOSEN, make_videos
from vidlab.data import video

VIDEOS, ROUNDS, WORKERS = 16, 7, 2


def measure():
    methods = available(METHODS)
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as home:
        paths = make_videos(home, VIDEOS)
        with ThreadPoolExecutor(WORKERS) as pool:
            turn = {
                method: turns.Method(partial(read_each, pool, read, paths), len(paths))
                for method, read in methods.items()
            }
            return turns.rates(turn, rounds=ROUNDS)


def available(methods):
    """Leave out, and say so, what is not installed."""
    absent = [method for method, library in NEEDS.items() if not find_spec(library)]
    for method in absent:
        turns.remark(f"decode without {method}: {NEEDS[method]} is not installed")
    return {method: read for method, read in methods.items() if method not in absent}


def read_each(pool, read, paths):
    deque(pool.map(read, paths), maxlen=0)


def read_with_vidlab(path):
    return video.read_frames(path, CHOSEN)


def read_all_with_cv2(path):
    return read_all(path)[CHOSEN]


def read_all(path, *, size=None):
    """Read a whole video as one array, as people write it, resized frame by frame."""
    capture, pictures = cv2.VideoCapture(str(path)), []
    while True:
        found, picture = capture.read()
        if not found:
            break
        picture = picture if size is None else cv2.resize(picture, size[::-1])
        pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    return np.array(pictures)


def seek_with_cv2(path):
    capture, pictures = cv2.VideoCapture(str(path)), []
    for number in CHOSEN:
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        pictures.append(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB))
    return np.array(pictures)


def read_with_pyav(path):
    import av

    pictures, rows = None, {number: row for row, number in enumerate(CHOSEN)}
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(file.decode(stream)):
            if number in rows:
                picture = frame.to_ndarray(format="rgb24", threads=1)
                if pictures is None:
                    pictures = np.empty((len(rows), *picture.shape), np.uint8)
                pictures[rows[number]] = picture
            if number == CHOSEN[-1]:
                break
    return pictures


def read_with_decord(path):
    import decord

    return decord.VideoReader(str(path), num_threads=1).get_batch(CHOSEN).asnumpy()


METHODS = {
    "vidlab": read_with_vidlab,
    "cv2-read-all": read_all_with_cv2,
    "cv2-seek": seek_with_cv2,
    "pyav": read_with_pyav,
    "decord": read_with_decord,
}
NEEDS = {"pyav": "av", "decord": "decord"}
