"""What is to be computed: which frames of which videos, by which encoder, in which pieces."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import keras
import numpy as np

from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Rgb
from vidlab.errors import DatasetError, ModelError
from vidlab.models import backbones
from vidlab.models.graph import input_names
from vidlab.training.features import engines
from vidlab.training.features.keys import encoder_digest, store_key
from vidlab.training.features.store import SHARD_BYTES, SHARD_FRAMES, VERSION, Layout

__all__ = ["Job", "Task"]

_CHUNK_BYTES = 32 * 2**20  # of pictures read in one go, where a video gives more than that


class Job(NamedTuple):
    """Some frames of one video, read in one go."""

    shard: int
    position: int
    numbers: np.ndarray


@dataclass(frozen=True)
class Task:
    """Everything that decides what is computed, and how.

    Attributes
    ----------
    paths : list of str
        The videos.
    frame_numbers : list of numpy.ndarray
        Which frames of each, int64.
    layout : Layout
        How their vectors lie in the store.
    video_ids : list of str
        Their names.
    encoder : keras.Model
        A frame of each of its inputs to a vector.
    streams : dict
        What each input of the encoder is, in the order of its inputs.
    variation : tuple or None
        Augmentation, and the number of the view that is computed.
    digest : str
        Of the encoder.
    engine_name, precision : str
        As `engines.choose` gives them.
    batch_size : int
        Pictures computed at a time.
    workers : int
        Videos decoded at a time.
    """

    paths: list[str]
    frame_numbers: list[np.ndarray]
    layout: Layout
    video_ids: list[str]
    encoder: keras.Model
    streams: dict[str, Rgb]
    variation: tuple[Augment, int] | None
    digest: str
    engine_name: str
    precision: str
    batch_size: int
    workers: int

    @classmethod
    def of(
        cls,
        index: VideoIndex,
        *,
        backbone: str | keras.Model,
        sampling: Sampler,
        size: tuple[int, int] | None,
        weights: str | os.PathLike | None,
        precision: str,
        engine: str,
        batch_size: int,
        workers: int,
        streams: Mapping[str, Rgb] | None,
        variation: tuple[Augment, int] | None,
    ) -> Task:
        """Work out what the options of `extract` mean on this machine."""
        if len(index) == 0:
            raise DatasetError(
                "Expected at least one video. Received: an empty index. Choose other classes or "
                "parts."
            )
        for option, value in (("batch_size", batch_size), ("workers", workers)):
            if value < 1:
                raise ModelError(f"Expected {option} of at least 1. Received: {value}. Raise it.")
        engine, precision = engines.choose(engine, precision)
        encoder = _encoder(backbone, size=size, weights=weights, single=streams is None)
        names = input_names(encoder)
        if streams is None:
            streams = {names[0]: Rgb(sampling, encoder.input_shape[1:3])}
        streams = {name: streams[name] for name in names}
        digest = encoder_digest(encoder)
        frame_numbers = [
            sampling.indices(int(row.frames), fps=float(row.fps))
            for row in index.table.itertuples()
        ]
        key = store_key(
            index,
            frame_numbers,
            encoder=digest,
            precision=precision,
            version=f"{VERSION}, {SHARD_FRAMES}",
            inputs=[*map(_told, streams.values()), repr(variation)],
            workers=workers,
        )
        size = encoder.output_shape[-1]
        layout = Layout(
            key=key,
            about={
                "backbone": backbone if isinstance(backbone, str) else encoder.name,
                "inputs": ", ".join(f"{name}: {_told(one)}" for name, one in streams.items()),
                "sampling": str(sampling),
                "view": "as it is" if variation is None else f"{variation[1]} of {variation[0]}",
                "precision": precision,
            },
            size=size,
            classes=list(index.classes),
            video_ids=index.table["video_id"].tolist(),
            groups=index.table["group"].tolist(),
            labels=index.labels.tolist(),
            counts=[len(numbers) for numbers in frame_numbers],
            shard_frames=max(1, min(SHARD_FRAMES, SHARD_BYTES // (4 * size))),
            dtype="float32" if precision == "float32" else "float16",
        )
        return cls(
            paths=index.table["path"].tolist(),
            video_ids=index.table["video_id"].tolist(),
            frame_numbers=frame_numbers,
            layout=layout,
            encoder=encoder,
            streams=streams,
            variation=variation,
            digest=digest,
            engine_name=engine,
            precision=precision,
            batch_size=batch_size,
            workers=workers,
        )

    @property
    def engine(self) -> engines.Engine:
        """The encoder ready to compute; made at first use, which takes seconds."""
        return engines.compiled(
            self.encoder,
            self.digest,
            engine=self.engine_name,
            precision=self.precision,
            batch_size=self.batch_size,
            dtypes=[stream.dtype for stream in self.streams.values()],
        )

    def bytes_of(self, pictures: int) -> int:
        """Tell how much memory some frames of all inputs take."""
        return pictures * sum(
            math.prod(stream.frame_shape) * np.dtype(stream.dtype).itemsize
            for stream in self.streams.values()
        )

    def jobs(self, shard: int) -> Iterator[Job]:
        """Cut the videos of a shard into pieces small enough to be read at once."""
        step = max(1, _CHUNK_BYTES // self.bytes_of(1))
        for position in self.layout.shards[shard]:
            numbers = self.frame_numbers[position]
            for first in range(0, len(numbers), step):
                yield Job(shard, position, numbers[first : first + step])

    def read(self, job: Job) -> list[np.ndarray]:
        """Read the frames of a job for each input, (frames, …), varied where a view is wanted."""
        path, found = self.paths[job.position], []
        for stream in self.streams.values():
            frames = partial(video.read_frames, path, size=stream.size)
            taken = stream.read(frames, job.numbers)
            if self.variation is not None:
                augment, number = self.variation
                taken = stream.vary(taken, augment.view(self.video_ids[job.position], number))
            found.append(np.asarray(taken, stream.dtype))
        return found


def _told(stream: Rgb) -> str:
    """Say what of a stream decides about its frames."""
    return f"{type(stream).__name__} {'×'.join(map(str, stream.frame_shape))}"


def _encoder(
    backbone: str | keras.Model,
    *,
    size: tuple[int, int] | None,
    weights: str | os.PathLike | None,
    single: bool,
) -> keras.Model:
    """Build the encoder a name means, or check the one that is given."""
    if isinstance(backbone, str):
        built = backbones.build(backbone, size=size, weights=weights)
        if weights is None:
            _draw_weights(built)
        return backbones.pooled(built)
    if size is not None or weights is not None:
        raise ModelError(
            "Expected size and weights only beside a backbone's name: an encoder has its own. "
            f"Received: size={size} and weights={weights} beside the model {backbone.name}. "
            "Leave them out."
        )
    takes, gives = backbone.input_shape, backbone.output_shape
    if single and not (
        len(takes) == 4 and takes[3] == 3 and None not in takes[1:] and len(gives) == 2
    ):
        raise ModelError(
            "Expected an encoder: pictures (height, width, 3) to vectors. Received: "
            f"{backbone.name}, {takes} to {gives}. Make one with vidlab.backbones.pooled or cut."
        )
    return backbone


def _draw_weights(backbone: keras.Model) -> None:
    """Draw the kernels of an untrained backbone, always alike, so that its store is found again."""
    for number, weight in enumerate(backbone.trainable_weights):
        if len(weight.shape) > 1:
            weight.assign(keras.initializers.GlorotUniform(seed=number)(weight.shape))
