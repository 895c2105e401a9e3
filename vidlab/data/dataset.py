"""Videos as batches of clips or of single frames, decoded in threads ahead of the training step.

**Which frames share a batch.** A batch of clips takes whole clips. A batch of single frames counts
frames, and while training it should mix videos: frames of one video look alike, and a step on one
video learns that video. So an epoch goes through the videos in random order in blocks of some
videos, and shuffles the frames of a block before cutting them into batches. A batch then meets
about all videos of its block, and decodes each of them once, whichever of its frames it needs.
Larger blocks mix better and decode more often. The batches are the same with and without a cache.

**Memory.** Every batch is computed from its number alone, so nothing is kept between batches.
Keras' own threads (``keras.utils.PyDataset``) work ahead on at most `AHEAD` batches, in order.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import keras
import numpy as np

from vidlab.data.augment import Augment, Variation
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import choose
from vidlab.data.streams import Rgb, is_per_frame, stack_clips
from vidlab.errors import DatasetError

__all__ = ["AHEAD", "Clips", "own_errors"]

AHEAD = 4
"""How many batches are decoded ahead of the one in use."""

_ORDER, _FRAMES, _VARIATION, _VIEW = range(4)  # what is random, each by draws of its own

_MOST_READS = 8  # of one video in an epoch
_WORKERS = 2  # threads that read


@contextmanager
def own_errors(*datasets: Clips | None) -> Iterator[None]:
    """Raise what datasets raised while Keras read them, such as that a video has vanished.

    TensorFlow, through which Keras passes batches, raises an error of its own in its place.
    """
    try:
        yield
    except Exception as error:
        for dataset in filter(None, datasets):
            if dataset.failure is not None:
                raise dataset.failure from error
        raise


class Clips(keras.utils.PyDataset):
    """Videos as batches ``(x, y)`` for ``fit(clips, shuffle=False)``, ``evaluate``, ``predict``.

    Without ``shuffle=False`` Keras would mix the batches again, and not by the seed given here.

    ``x`` is what one stream takes of each row, or a dict of these by the names of several. For
    `vidlab.streams.Rgb` that is ``uint8``, (batch, height, width, 3), 0..255, or for clips (batch,
    time, height, width, 3); clips of unequal length are ``float32``, all filled up to the longest
    of `index` (a sampler's ``at_most``, where it has one) with frames of `vidlab.streams.PADDING`.
    ``y`` is ``int64``, (batch,), the label of each row's video, or a dict of labels. The last batch
    may be smaller.

    Parameters
    ----------
    index
        The videos.
    streams
        What a model takes of each: one stream, or several by name.
    batch_size
        Clips, or frames, in a batch.
    shuffle
        For training: random order, samplers draw at random, and `augment` varies, all anew in every
        epoch. Without it, index order and the fixed choice of each stream's `at_test`.
    seed
        Randomness follows from it, the epoch and the video's position alone.
    augment
        Varies training examples: one draw a clip or single frame, shared by all streams.
    cache
        A folder for decoded frames, which are then read from there; see `FrameCache`.
    flow
        A folder for optical flow, computed once and then read from there; see `FlowCache`.
    labels
        One label a video, or several by name; the classes when left out. Where some by name are
        masked arrays, batches are ``(x, y, weights)``, by name: 0 for what is masked, else 1.

    Attributes
    ----------
    epoch : int
        Which epoch comes next, from 0; set it to go on with an interrupted training.
    video_positions : numpy.ndarray
        ``int64``, (rows,): the position in `index` of the video behind each row of this epoch.
    frame_numbers : numpy.ndarray or None
        ``int64``, (rows,): with single frames the frame behind each row, else None.

    Raises
    ------
    SamplingError
        If the streams do not belong together.
    """

    def __init__(
        self,
        index: VideoIndex,
        streams: Rgb | Mapping[str, Rgb],
        *,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        augment: Augment | None = None,
        cache: str | os.PathLike | None = None,
        flow: str | os.PathLike | None = None,
        labels: np.ndarray | Mapping[str, np.ndarray] | None = None,
    ):
        super().__init__(workers=_WORKERS, use_multiprocessing=False, max_queue_size=AHEAD)
        if len(index) == 0 or batch_size < 1:
            raise DatasetError(
                "Expected at least one video and a batch size of at least one. Received: "
                f"{len(index)} videos, batch_size={batch_size}. Choose other classes or parts."
            )
        self._named = isinstance(streams, Mapping)
        self.streams = dict(streams) if self._named else {"": streams}
        self.per_frame = is_per_frame(self.streams)
        self._records = list(index.table.itertuples())
        self.index, self.batch_size, self.shuffle, self.seed = index, batch_size, shuffle, seed
        self.augment = augment
        self._lengths: dict[Rgb, int] = {}
        self._kept = {"cache": cache, "flow": flow}
        for stream in self.streams.values():
            stream.prepare(self._records, flow=flow)
        given = np.asarray(index.labels, np.int64) if labels is None else labels
        self._labels = given if isinstance(given, Mapping) else {"": given}
        masked = any(np.ma.isMaskedArray(values) for values in self._labels.values())
        self._weights = {
            name: (~np.ma.getmaskarray(values)).astype(np.float32)
            for name, values in (self._labels.items() if masked else ())
        }
        self.epoch, self.failure = 0, None

    @property
    def epoch(self) -> int:
        """Which epoch comes next, from 0."""
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._epoch = int(number)
        self._under_way = False
        self.video_positions, self.frame_numbers = self._rows()

    def on_epoch_begin(self) -> None:
        """Note that an epoch is under way; Keras calls it."""
        self._under_way = True

    def on_epoch_end(self) -> None:
        """Go on to the next epoch; Keras calls it after each, and once before the first."""
        if self._under_way:
            self.epoch += 1

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return math.ceil(len(self.video_positions) / self.batch_size)

    def __getitem__(self, number: int) -> tuple:
        """Read batch `number` of this epoch."""
        try:
            return self._batch(number)
        except Exception as error:
            self.failure = error
            raise

    def _batch(self, number: int) -> tuple:
        if not 0 <= number < len(self):
            raise IndexError(f"Expected a batch from 0 to {len(self) - 1}. Received: {number}.")
        rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
        read = self._frames if self.per_frame else self._clips
        x = {name: read(stream, rows) for name, stream in self.streams.items()}
        at = self.video_positions[rows]
        y = {name: np.ma.filled(labels, 0)[at] for name, labels in self._labels.items()}
        weights = {name: weights[at] for name, weights in self._weights.items()}
        return (x if self._named else x[""]), y.get("", y), *([weights] if weights else [])

    def frames_of(self, position: int) -> np.ndarray:
        """Frame numbers that are taken of the video at a position of `index`, in order: int64."""
        return self._choose(next(iter(self.streams.values())), position)

    def _frames(self, stream: Rgb, rows: slice) -> np.ndarray:
        """Read single frames, each video's in one go."""
        positions, frames = self.video_positions[rows], self.frame_numbers[rows]
        by_video = np.argsort(positions, kind="stable")
        found = [self._read(stream, at, frames[positions == at]) for at in np.unique(positions)]
        return np.concatenate(found)[np.argsort(by_video)]

    def _clips(self, stream: Rgb, rows: slice) -> np.ndarray:
        """Read clips, filled up to one length where they differ."""
        at = self.video_positions[rows]
        clips = [self._read(stream, position, self._choose(stream, position)) for position in at]
        if self._sampling(stream).length is not None:
            return np.stack(clips)
        length = self._longest(stream)
        return stack_clips(clips, length=length, fill=stream.padding).astype(np.float32, copy=False)

    def _longest(self, stream: Rgb) -> int:
        """Return the one length that all clips of a stream are filled up to.

        Keras learns the shape of batches from the first two, so all have to have the same.
        """
        if (most := getattr(self._sampling(stream), "at_most", None)) is not None:
            return most
        if stream not in self._lengths:
            counts = [len(self._choose(stream, at)) for at in range(len(self._records))]
            self._lengths[stream] = max(counts)
        return self._lengths[stream]

    def _rows(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Lay out the epoch: the video, and with single frames the frame, behind each row."""
        order, rng = np.arange(len(self._records)), self._rng(_ORDER)
        if self.shuffle:
            order = rng.permutation(order)
        if not self.per_frame:
            return order, None
        videos, frames = [], []
        most = min(max(_MOST_READS * self.batch_size // self._typical_count(), 2), 32)
        for first in range(0, len(order), most):
            block = order[first : first + most]
            chosen = [self.frames_of(position) for position in block]
            rows = np.repeat(block, [len(numbers) for numbers in chosen])
            mixed = rng.permutation(len(rows)) if self.shuffle else slice(None)
            videos.append(rows[mixed])
            frames.append(np.concatenate(chosen)[mixed])
        return np.concatenate(videos), np.concatenate(frames)

    def _typical_count(self) -> int:
        """Return how many frames are taken from a video of middling length."""
        record = sorted(self._records, key=lambda r: r.frames)[len(self._records) // 2]
        sampling = next(iter(self.streams.values())).sampling
        return len(choose(sampling, record))

    def _sampling(self, stream: Rgb):
        return stream.sampling if self.shuffle else stream.at_test

    def _choose(self, stream: Rgb, position: int) -> np.ndarray:
        """Choose the frames of one video in this epoch."""
        record = self._records[position]
        rng = self._rng(_FRAMES, position) if self.shuffle else None
        return choose(self._sampling(stream), record, rng=rng)

    def _read(self, stream: Rgb, position: int, indices: np.ndarray) -> np.ndarray:
        """Read what a stream takes of one video, varied anew where no views of it are kept."""
        record, view = self._records[position], self._view(position)
        found = stream.read(stream.opened(record, **self._kept, view=view), indices)
        if not self._varies or stream.views:
            return found
        if not self.per_frame:
            return stream.vary(found, self._variation(position))
        draws = (self._variation(position, number) for number in indices)
        return np.stack([stream.vary(one, draw) for one, draw in zip(found, draws, strict=True)])

    @property
    def _varies(self) -> bool:
        return self.shuffle and self.augment is not None

    def _view(self, position: int) -> int:
        """Draw which of the kept views of a video this epoch shows, where some are kept."""
        views = max(stream.views for stream in self.streams.values()) if self._varies else 0
        return int(self._rng(_VIEW, position).integers(views)) if views else 0

    def _variation(self, position: int, frame: int = 0) -> Variation:
        """Draw how an example is varied in this epoch; of a kept view, as that was."""
        if any(stream.views for stream in self.streams.values()):
            return self.augment.view(self._records[position].video_id, self._view(position))
        return self.augment.draw(self._rng(_VARIATION, position, frame))

    def _rng(self, purpose: int, position: int = 0, frame: int = 0) -> np.random.Generator:
        """Return a generator for one purpose: draws for two of them are independent."""
        return np.random.default_rng([self.seed, self._epoch, purpose, int(position), int(frame)])
