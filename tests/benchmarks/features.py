"""How fast are features of 25 frames a video, from files on disk to vectors?

vidlab extracts into a new store each time: everything counts, from the checksums of the videos to
the vectors on disk. It is compared with two habits: reading a whole video with OpenCV, resizing
every frame, and calling ``model.predict`` once a frame, as in the CNN-RNN example of keras.io, or
once a video. The limit is the engine vidlab uses, on frames that are already in memory.

What happens once and not for every video is left out for all: building the model, compiling it for
the engine, and Keras's tracing. Weights are random, which does not change the time. The slow
methods take fewer videos a turn.
"""

import tempfile
import warnings
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import keras
import numpy as np

from tests import built
from tests.benchmarks import turns
from tests.benchmarks.clips import CHOSEN, SAMPLING, make_videos
from tests.benchmarks.decode import read_all
from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.data.streams import Rgb
from vidlab.models import backbones
from vidlab.training import engines, features
from vidlab.training.features import BATCH_SIZE as BATCH


@dataclass(frozen=True)
class Amount:
    """How much is measured of one backbone.

    The last batch of a shard is filled up with black. These numbers of videos fill it about as far
    as those of a large dataset do, to 99% of all batches together.
    """

    videos: int
    videos_to_predict: int
    rounds: int


AMOUNTS = {
    "mobilenetv2": Amount(videos=46, videos_to_predict=2, rounds=5),
    "inceptionv3": Amount(videos=14, videos_to_predict=1, rounds=3),
}


def measure(backbone, precision):
    engine, numbers = chosen_engine(precision)
    if precision == "fast" and numbers == "float32":
        turns.remark(f"{backbone} without fast: it takes OpenVINO and a CPU with bfloat16")
        return {}
    turns.remark(f"{backbone}: {engine}, {numbers}, random weights")
    keras.utils.set_random_seed(0)
    encoder = built.pooled(backbones.build(backbone))
    size, amount = encoder.input_shape[1:3], AMOUNTS[backbone]
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as home:
        paths = make_videos(Path(home, "videos"), amount.videos)
        index = VideoIndex.from_folder(Path(home, "videos"))
        few = paths[: amount.videos_to_predict]
        batches = in_memory(paths[0], size, frames=len(paths) * len(CHOSEN))
        bare = engines.compiled(
            encoder,
            engines.encoder_digest(encoder),
            engine=engine,
            precision=numbers,
            batch_size=BATCH,
            dtypes=["uint8"],
        )
        stores = (Path(home, f"store-{number}") for number in count())

        def extract():
            features.extract(
                index,
                encoder,
                streams={encoder.inputs[0].name: Rgb(SAMPLING, size)},
                sampling=SAMPLING,
                out=next(stores),
                precision=precision,
            )

        methods = {
            "vidlab": turns.Method(extract, len(paths)),
            "predict-per-frame": turns.Method(lambda: predict(encoder, few, at_once=1), len(few)),
            "predict-per-video": turns.Method(
                lambda: predict(encoder, few, at_once=len(CHOSEN)), len(few)
            ),
            "bare-engine": turns.Method(
                lambda: list(bare((None, [batch]) for batch in batches)),
                len(batches) * BATCH / len(CHOSEN),
            ),
        }
        return turns.rates(methods, rounds=amount.rounds)


def chosen_engine(precision):
    """Tell what will compute, and in which numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "fast" that is not to be had shows in what it returns
        return engines.choose("auto", precision)


def in_memory(path, size, *, frames):
    """Fill whole batches with the frames of a video, over and over, at least `frames` of them."""
    pictures = video.read_frames(path, CHOSEN, size=size)
    numbers = np.arange(-(-frames // BATCH) * BATCH) % len(pictures)
    return [pictures[some] for some in numbers.reshape(-1, BATCH)]


def predict(encoder, paths, *, at_once):
    """Compute features as the examples do, `at_once` frames a call."""
    for path in paths:
        pictures = read_all(path, size=encoder.input_shape[1:3])[CHOSEN]
        for first in range(0, len(pictures), at_once):
            encoder.predict(pictures[first : first + at_once], verbose=0)
