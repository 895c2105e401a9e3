"""Videos as batches of clips or of single frames.

Takes videos from `index`, frame numbers from `sampling`, and frames from `video` or a cache; gives
batches to Keras. The reasons for the order are told in `vidlab.clips`.
"""

from __future__ import annotations

import math

import keras
import numpy as np

from vidlab import video
from vidlab.clips.cache import FrameCache
from vidlab.errors import DatasetError, SamplingError
from vidlab.index import VideoIndex
from vidlab.sampling import Sampler

__all__ = ["AHEAD", "Clips"]

AHEAD = 4
"""How many batches are decoded ahead of the one in use."""

_MOST_READS = 8  # of one video in an epoch, where `mix` is left to `Clips`


class Clips(keras.utils.PyDataset):
    """Videos as batches ``(x, y)`` for ``fit(clips, shuffle=False)``, ``evaluate``, ``predict``.

    Without ``shuffle=False`` Keras would mix the batches again, and not by the seed given here.

    ``x`` is ``uint8``, (batch, time, height, width, 3), or with `per_frame` (batch, height, width,
    3), 0..255; ``y`` is ``int64``, (batch,), the label of each clip's or frame's video. The last
    batch may be smaller.

    Parameters
    ----------
    index
        The videos.
    sampling
        Which frames of each.
    size
        Height and width to resize frames to, in pixels.
    batch_size
        Clips, or with `per_frame` frames, in a batch.
    per_frame
        Whether each frame stands alone.
    shuffle
        For training: random order, and samplers draw at random, both anew in every epoch. Without
        it, index order and the samplers' fixed choice.
    seed
        What happens follows from it, the epoch and the video's position; not from `workers`.
    cache
        Read frames from there rather than from the videos.
    workers
        Threads that decode, each a batch; at least 2, for with fewer Keras decodes ahead unbounded.
    mix
        Videos whose frames are shuffled together; see `vidlab.clips`. Left out, as many, from 2 to
        32, as keep a video from being needed by more than eight batches of an epoch.

    Attributes
    ----------
    epoch : int
        Which epoch comes next, from 0; set it to go on with an interrupted training.
    video_positions : numpy.ndarray
        ``int64``, (rows,): the position in `index` of the video behind each row of this epoch.
    frame_numbers : numpy.ndarray or None
        ``int64``, (rows,): with `per_frame` the frame behind each row, else None.

    Raises
    ------
    DatasetError
        If there are no videos, or `cache` holds frames of another size.
    SamplingError
        If clips are asked for from a sampler whose number of frames differs between videos, and a
        batch holds more than one.
    """

    def __init__(
        self,
        index: VideoIndex,
        *,
        sampling: Sampler,
        size: tuple[int, int],
        batch_size: int = 32,
        per_frame: bool = False,
        shuffle: bool = False,
        seed: int = 0,
        cache: FrameCache | None = None,
        workers: int = 2,
        mix: int | None = None,
    ):
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=AHEAD)
        self.size = (int(size[0]), int(size[1]))
        _check(index, sampling, self.size, single=per_frame or batch_size == 1, cache=cache)
        self._records = list(index.table.itertuples())
        if mix is None:
            frames = self._typical_count(sampling) if per_frame else 1
            mix = min(max(_MOST_READS * batch_size // frames, 2), 32)
        for option, value, least in (
            ("batch_size", batch_size, 1),
            ("workers", workers, 2),
            ("mix", mix, 1),
        ):
            if value < least:
                raise DatasetError(
                    f"Expected {option} of at least {least}. Received: {value}. Raise it."
                )
        self.index = index
        self.sampling = sampling
        self.batch_size = batch_size
        self.per_frame = per_frame
        self.shuffle = shuffle
        self.seed = seed
        self.cache = cache
        self.mix = mix
        self._labels = np.asarray(index.labels, dtype=np.int64)
        self.epoch = 0

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

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Read batch `number` of this epoch."""
        if not 0 <= number < len(self):
            raise IndexError(
                f"Expected a batch number from 0 to {len(self) - 1}. Received: {number}. "
                "len() tells how many batches there are."
            )
        rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
        positions = self.video_positions[rows]
        if self.per_frame:
            frames = self.frame_numbers[rows]
            x = np.empty((len(positions), *self.size, 3), np.uint8)
            for position in np.unique(positions):
                here = positions == position
                x[here] = self._read(position, frames[here])
        else:
            x = np.stack([self._read(position, self._choose(position)) for position in positions])
        return x, self._labels[positions]

    def _rows(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Lay out the epoch: the video, and with `per_frame` the frame, behind each row."""
        order = np.arange(len(self._records))
        rng = np.random.default_rng([self.seed, self._epoch])
        if self.shuffle:
            order = rng.permutation(order)
        if not self.per_frame:
            return order, None
        videos, frames = [], []
        for first in range(0, len(order), self.mix):
            block = order[first : first + self.mix]
            chosen = [self._choose(position) for position in block]
            rows = np.repeat(block, [len(numbers) for numbers in chosen])
            places = rng.permutation(len(rows)) if self.shuffle else slice(None)
            videos.append(rows[places])
            frames.append(np.concatenate(chosen)[places])
        return np.concatenate(videos), np.concatenate(frames)

    def _typical_count(self, sampling: Sampler) -> int:
        """Return how many frames `sampling` takes from a video of middling length."""
        record = sorted(self._records, key=lambda r: r.frames)[len(self._records) // 2]
        return len(sampling.indices(int(record.frames), fps=float(record.fps)))

    def _choose(self, position: int) -> np.ndarray:
        """Choose the frames of one video in this epoch."""
        record = self._records[position]
        rng = None
        if self.shuffle:
            rng = np.random.default_rng([self.seed, self._epoch, int(position)])
        return self.sampling.indices(int(record.frames), fps=float(record.fps), rng=rng)

    def _read(self, position: int, frames: np.ndarray) -> np.ndarray:
        """Read frames of one video, ``uint8``, (len(frames), height, width, 3)."""
        record = self._records[position]
        if self.cache is not None:
            return self.cache.read(record, frames)
        return video.read_frames(record.path, frames, size=self.size)


def _check(
    index: VideoIndex,
    sampling: Sampler,
    size: tuple[int, int],
    *,
    single: bool,
    cache: FrameCache | None,
) -> None:
    if len(index) == 0:
        raise DatasetError(
            "Expected at least one video. Received: an empty index. Choose other classes or parts."
        )
    if cache is not None and cache.size != size:
        raise DatasetError(
            f"Expected a cache of {size[0]}×{size[1]} frames. Received: {cache.folder} with "
            f"{cache.size[0]}×{cache.size[1]}. Make a FrameCache of that size."
        )
    if not single and sampling.length is None:
        raise SamplingError(
            f"Expected a sampler that takes as many frames from every video. Received: {sampling}. "
            "Use Uniform, Window or Segments for clips, or per_frame=True, or batch_size=1."
        )
