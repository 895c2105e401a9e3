"""Batches of features for training and prediction, read from a store as they are needed.

Takes vectors from `store`; gives batches to `training` and `predictions`, as `vidlab.clips` does
with pictures.
"""

from __future__ import annotations

import math

import keras
import numpy as np

from vidlab.errors import DatasetError, SamplingError
from vidlab.features.store import FeatureStore
from vidlab.sampling import AllFrames, Reordered

__all__ = ["Sequences"]

_AHEAD = 4  # batches read ahead of the one in use
_ORDERS = ("normal", "reversed", "shuffled", "frozen")


class Sequences(keras.utils.PyDataset):
    """Videos as batches ``(x, y)`` of vectors for ``fit(…, shuffle=False)`` and ``predict``.

    ``x`` is ``float32``, (batch, steps, features): the vectors of a video one after the other, cut
    off after `steps`, or followed by steps of zeros, which heads leave out of account. With
    `per_frame` it is (batch, features): single vectors, those of all videos mixed when shuffled.
    ``y`` is ``int64``, (batch,), the label of each row's video. The last batch may be smaller.

    Parameters
    ----------
    store
        The videos.
    steps
        Vectors of a video; those of the longest when left out.
    batch_size
        Rows in a batch.
    shuffle
        For training: random order, anew in every epoch. Without it, store order.
    seed
        The order follows from it and from the epoch.
    order
        ``"normal"``, or the vectors of each video ``"reversed"``, ``"shuffled"`` or ``"frozen"`` as
        by `vidlab.sampling.Reordered`. What is cut off, and the zeros, stay where they are.
    per_frame
        Whether each vector stands alone.

    Attributes
    ----------
    epoch : int
        Which epoch comes next, from 0; set it to go on with an interrupted training.
    video_positions : numpy.ndarray
        ``int64``, (rows,): the position in `store` of the video behind each row of this epoch.
    frame_numbers : numpy.ndarray or None
        ``int64``, (rows,): with `per_frame` the frame behind each row, else None.

    Raises
    ------
    DatasetError
        If there are no videos, or `steps` or `batch_size` is below 1.
    SamplingError
        If there is no such order.
    """

    def __init__(
        self,
        store: FeatureStore,
        *,
        steps: int | None = None,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        order: str = "normal",
        per_frame: bool = False,
    ):
        # Two threads: with fewer, Keras reads ahead without bounds.
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=_AHEAD)
        if len(store) == 0:
            raise DatasetError(
                "Expected at least one video. Received: an empty store. Select other videos."
            )
        steps = int(store.counts.max()) if steps is None else int(steps)
        for option, value in (("steps", steps), ("batch_size", batch_size)):
            if value < 1:
                raise DatasetError(f"Expected {option} of at least 1. Received: {value}. Raise it.")
        if order not in _ORDERS:
            raise SamplingError(
                f"Expected the order to be one of {', '.join(_ORDERS)}. Received: {order!r}. "
                "Choose one of these."
            )
        self.store = store
        self.steps = steps
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.order = order
        self.per_frame = per_frame
        self._labels = store.labels
        self._chosen = [_reordered(min(int(count), steps), order) for count in store.counts]
        self.epoch = 0

    @property
    def epoch(self) -> int:
        """Which epoch comes next, from 0."""
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._epoch = int(number)
        self._under_way = False
        self._lay_out()

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
            x = np.empty((len(positions), self.store.size), np.float32)
            places = zip(positions, self._places[rows], strict=True)
            for row, (position, place) in enumerate(places):
                x[row] = self.store[position][place]
        else:
            x = np.zeros((len(positions), self.steps, self.store.size), np.float32)
            for row, position in enumerate(positions):
                chosen = self._chosen[position]
                x[row, : len(chosen)] = self.store[position][chosen]
        return x, self._labels[positions]

    def _lay_out(self) -> None:
        """Decide which video, and with `per_frame` which of its vectors, is behind each row."""
        rng = np.random.default_rng([self.seed, self._epoch])
        self.frame_numbers = None
        if self.per_frame:
            positions = np.repeat(np.arange(len(self.store)), [len(c) for c in self._chosen])
            places = np.concatenate(self._chosen)
            frames = [self.store.frame_numbers(at)[c] for at, c in enumerate(self._chosen)]
            order = rng.permutation(len(places)) if self.shuffle else slice(None)
            self.video_positions, self._places = positions[order], places[order]
            self.frame_numbers = np.concatenate(frames)[order]
        else:
            positions = np.arange(len(self.store))
            self.video_positions = rng.permutation(positions) if self.shuffle else positions


def _reordered(count: int, order: str) -> np.ndarray:
    """Return which of the first `count` vectors of a video comes when."""
    if order == "normal":
        return np.arange(count)
    return Reordered(AllFrames(), order).indices(count)
