"""From videos to a store of vectors, going on where an earlier attempt was interrupted."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Rgb
from vidlab.errors import ResultError
from vidlab.progress import counter
from vidlab.training.features.claims import Claims
from vidlab.training.features.pipeline import computed
from vidlab.training.features.store import FeatureStore, Shards
from vidlab.training.features.tasks import Task

__all__ = ["Estimate", "estimate", "extract"]

_PATIENCE = 0.2  # seconds between two looks at shards that other processes work on


@dataclass(frozen=True)
class Estimate:
    """What an extraction is going to take.

    Attributes
    ----------
    videos, frames : int
        Still to be read.
    bytes : int
        Disk their features take.
    seconds : float
        How long it takes, judged by one batch and one video on this machine.
    """

    videos: int
    frames: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        time_needed = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return (
            f"{self.frames:,} frames of {self.videos:,} videos, {self.bytes / 1e6:,.1f} MB on "
            f"disk, about {time_needed}"
        )


def extract(
    index: VideoIndex,
    *,
    backbone: str | keras.Model,
    sampling: Sampler,
    out: str | os.PathLike,
    size: tuple[int, int] | None = None,
    weights: str | os.PathLike | None = None,
    precision: str = "float32",
    engine: str = "auto",
    batch_size: int = 32,
    workers: int = 2,
    streams: Mapping[str, Rgb] | None = None,
    variation: tuple[Augment, int] | None = None,
) -> FeatureStore:
    """Compute a vector for each sampled frame, or find those computed before.

    What is there already and unharmed is not computed again, so an interrupted call is simply
    repeated. Several processes may extract the same features at once; they share the work.

    Parameters
    ----------
    index
        The videos.
    backbone
        One of `vidlab.backbones.names`, whose feature map is averaged over the picture; or any
        encoder from pictures to vectors.
    sampling
        Which frames of each video; samplers that draw at random take their fixed choice.
    out
        A folder. The store is a folder inside it, named by everything the features follow from:
        the content of the videos and their order, frame numbers, the encoder's layers and weights,
        its image size, the precision.
    size, weights
        For a backbone given by its name, as `vidlab.backbones.build` takes them. Without weights
        they are random, but the same in every call.
    precision
        ``"float32"``: the same features on every machine, to about 1e-4 of their maximum; or
        ``"fast"``: ``bfloat16`` where OpenVINO and the CPU have it, twice as fast and off by up to
        a tenth of the maximum. A warning tells where they have it not.
    engine
        ``"openvino"``, ``"tensorflow"``, ``"keras"``, or ``"auto"`` for the fastest here; see
        `vidlab.features.engines.choose`.
    batch_size
        Pictures computed at a time.
    workers
        Videos decoded at a time.
    streams
        For an encoder of several inputs, or of other inputs than pictures: what each one is.
    variation
        Augmentation, and which of its views of each video is computed; None: videos as they are.

    Returns
    -------
    FeatureStore
        Complete.

    Raises
    ------
    DatasetError
        If there are no videos.
    ModelError
        If the model is no encoder, or an option is unfit.
    VideoError
        If a video cannot be read; the finished shards are kept.
    ResultError
        If the disk is too small, or a feature is too large to be stored.
    """
    task = Task.of(
        index,
        backbone=backbone,
        sampling=sampling,
        size=size,
        weights=weights,
        precision=precision,
        engine=engine,
        batch_size=batch_size,
        workers=workers,
        streams=streams,
        variation=variation,
    )
    shards = Shards.prepared(
        Path(out) / task.layout.key, task.layout, frame_numbers=np.concatenate(task.frame_numbers)
    )
    todo = shards.damaged()
    if todo:
        expected = _judged(task, todo)
        _check_disk(expected, shards.folder)
        if os.environ.get("VIDLAB_QUIET", "") in ("", "0"):
            print(f"features: {expected} ({task.engine_name}, {task.precision})")
        with counter(desc="features", total=expected.frames, unit="frame") as bar:
            _extract(task, shards, todo, bar=bar)
    return FeatureStore(shards, np.concatenate(task.frame_numbers))


def estimate(
    index: VideoIndex,
    *,
    backbone: str | keras.Model,
    sampling: Sampler,
    out: str | os.PathLike | None = None,
    size: tuple[int, int] | None = None,
    weights: str | os.PathLike | None = None,
    precision: str = "float32",
    engine: str = "auto",
    batch_size: int = 32,
    workers: int = 2,
    streams: Mapping[str, Rgb] | None = None,
    variation: tuple[Augment, int] | None = None,
) -> Estimate:
    """Tell what `extract` with these options is going to take.

    Parameters
    ----------
    index, backbone, sampling, size, weights, precision, engine, batch_size, workers
        As for `extract`.
    out
        As for `extract`; what is there already is then left out. None counts everything.
    streams, variation
        As for `extract`.

    Returns
    -------
    Estimate
    """
    task = Task.of(
        index,
        backbone=backbone,
        sampling=sampling,
        size=size,
        weights=weights,
        precision=precision,
        engine=engine,
        batch_size=batch_size,
        workers=workers,
        streams=streams,
        variation=variation,
    )
    todo = list(range(len(task.layout.shards)))
    if out is not None:
        todo = Shards(Path(out) / task.layout.key, task.layout).damaged()
    return _judged(task, todo)


def _judged(task: Task, todo: Sequence[int]) -> Estimate:
    """Judge what the shards `todo` take, by one batch and one video."""
    frames = sum(map(task.layout.rows, todo))
    seconds = 0.0
    if todo:
        started = time.perf_counter()
        pictures = task.read(next(task.jobs(todo[0])))
        decoding = (time.perf_counter() - started) / len(pictures[0])
        at_once = min(task.workers, os.cpu_count() or 1)
        seconds = frames * (task.engine.seconds + decoding / at_once)
    return Estimate(
        videos=sum(len(task.layout.shards[number]) for number in todo),
        frames=frames,
        bytes=frames * task.layout.size * np.dtype(task.layout.dtype).itemsize,
        seconds=seconds,
    )


def _check_disk(expected: Estimate, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < expected.bytes:
        raise ResultError(
            f"Expected {expected.bytes / 1e6:,.0f} MB of free disk for {folder}. Received: "
            f"{free / 1e6:,.0f} MB. Make room, sample fewer frames, or choose another folder."
        )


def _extract(task: Task, shards: Shards, todo: list[int], *, bar: tqdm) -> None:
    """Fill the shards `todo`, together with whatever other processes do so."""
    with Claims(shards.folder / "claims") as claims:
        while todo:
            before = len(todo)
            mine = _claimed(shards, todo, claims)
            for shard, features, seconds in computed(task, mine, tell=bar.update):
                shards.write(shard, features, seconds=seconds)
                claims.drop(shard)
            todo = [shard for shard in todo if not shards.is_whole(shard)]
            if len(todo) == before:
                time.sleep(_PATIENCE)


def _claimed(shards: Shards, todo: Iterable[int], claims: Claims) -> Iterator[int]:
    """Claim shards one after the other, as the work gets to them."""
    for shard in todo:
        if claims.take(shard):
            if shards.is_whole(shard):  # another process has finished it meanwhile
                claims.drop(shard)
            else:
                yield shard
