"""How good and how fast are features in 8 bits? The literature's file against the float network.

``python -m tests.benchmarks.litert FILE.tflite VIDEO…``: the mean feature map of each frame, by the
quantised MobileNetV2 and by that of keras.applications with ImageNet weights (from the Keras cache;
set KERAS_HOME). Told are the correlation of both over all frames and channels, and frames a second:
the file in batches, the file a frame at a time as Chiche 2019 ran it, and the float network in
batches, by Keras and by OpenVINO.
"""

import argparse
from pathlib import Path

import numpy as np

from tests import built
from tests.benchmarks import turns
from vidlab import backbones, video
from vidlab.data.sampling import Uniform
from vidlab.training import engines

FRAMES, BATCH = 25, 32


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.litert")
    parser.add_argument("file", type=Path)
    parser.add_argument("videos", type=Path, nargs="+")
    given = parser.parse_args(arguments)
    small, whole = (
        built.pooled(backbones.build("mobilenetv2", weights=weights))
        for weights in (given.file, "imagenet")
    )
    frames = np.concatenate([read(path) for path in given.videos])
    found, expected = (model.predict(frames, verbose=0) for model in (small, whole))
    whole_frames = np.corrcoef(found.ravel(), expected.ravel())[0, 1]
    each = [np.corrcoef(a, b)[0, 1] for a, b in zip(found, expected, strict=True)]
    print(
        f"{len(frames)} frames of {len(given.videos)} videos: correlation {whole_frames:.3f} over "
        f"all, {np.mean(each):.3f} ± {np.std(each):.3f} within a frame, least {np.min(each):.3f}"
    )
    batch = frames[:BATCH]
    ways = {
        "8 bits, in batches": computing(small, "keras", batch),
        "8 bits, one by one": lambda: [small.predict_on_batch(one[None]) for one in batch],
        "float32, Keras": computing(whole, "keras", batch),
        "float32, OpenVINO": computing(whole, "openvino", batch),
    }
    rates = turns.rates(
        {name: turns.Method(run, len(batch)) for name, run in ways.items()}, rounds=5
    )
    for name, rate in rates.items():
        print(f"{name:20}{rate:8.1f} frames/s")


def read(path):
    info = video.probe(path)
    return video.read_frames(path, Uniform(FRAMES).indices(info.frames), size=(224, 224))


def computing(model, engine, batch):
    """Return what computes a batch with one of the engines of feature extraction."""
    made = engines.compiled(
        model,
        engines.encoder_digest(model),
        engine=engine,
        precision="float32",
        batch_size=len(batch),
        dtypes=["uint8"],
    )
    return lambda: list(made([(None, [batch])]))


if __name__ == "__main__":
    main()
