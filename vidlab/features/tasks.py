"""What is to be computed: which frames of which videos, by which encoder, in which pieces.

Takes videos from `index`, frame numbers from `sampling` and encoders from `backbones`; gives tasks
to `pipeline` and `extraction`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from vidlab import backbones, video
from vidlab.errors import DatasetError, ModelError
from vidlab.features import engines
from vidlab.features.keys import encoder_digest, store_key
from vidlab.features.store import SHARD_FRAMES, VERSION, Layout
from vidlab.index import VideoIndex
from vidlab.sampling import Sampler

__all__ = ["Job", "Task"]

_CHUNK_BYTES = 32 * 2**20  # of pictures read in one go, where a video gives more than that


class Job(NamedTuple):
    """Some frames of one video, read in one go."""

    shard: int
    path: str
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
    encoder : keras.Model
        Pictures to vectors.
    picture_size : tuple of int
        Height and width of the pictures it takes, in pixels.
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
    encoder: keras.Model
    picture_size: tuple[int, int]
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
        encoder = _encoder(backbone, size=size, weights=weights)
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
            workers=workers,
        )
        layout = Layout(
            key=key,
            about={
                "backbone": backbone if isinstance(backbone, str) else encoder.name,
                "image size": "×".join(map(str, encoder.input_shape[1:3])),
                "sampling": str(sampling),
                "precision": precision,
            },
            size=encoder.output_shape[-1],
            classes=list(index.classes),
            video_ids=index.table["video_id"].tolist(),
            groups=index.table["group"].tolist(),
            labels=index.labels.tolist(),
            counts=[len(numbers) for numbers in frame_numbers],
            shard_frames=SHARD_FRAMES,
        )
        return cls(
            paths=index.table["path"].tolist(),
            frame_numbers=frame_numbers,
            layout=layout,
            encoder=encoder,
            picture_size=encoder.input_shape[1:3],
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
        )

    def bytes_of(self, pictures: int) -> int:
        """Tell how much memory some pictures take."""
        height, width = self.picture_size
        return pictures * height * width * 3

    def jobs(self, shard: int) -> Iterator[Job]:
        """Cut the videos of a shard into pieces small enough to be read at once."""
        step = max(1, _CHUNK_BYTES // self.bytes_of(1))
        for position in self.layout.shards[shard]:
            numbers = self.frame_numbers[position]
            for first in range(0, len(numbers), step):
                yield Job(shard, self.paths[position], numbers[first : first + step])

    def read(self, job: Job) -> np.ndarray:
        """Read the frames of a job, ``uint8`` (frames, height, width, 3)."""
        return video.read_frames(job.path, job.numbers, size=self.picture_size)


def _encoder(
    backbone: str | keras.Model,
    *,
    size: tuple[int, int] | None,
    weights: str | os.PathLike | None,
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
    if not (len(takes) == 4 and takes[3] == 3 and None not in takes[1:] and len(gives) == 2):
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
