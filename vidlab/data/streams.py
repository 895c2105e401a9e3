"""Streams: what one input of a model is, as data.

A stream says which frames of a video an input is made of, at which size, and whether each frame
stands alone or the frames of a video make one clip. A recipe's inputs are streams by name; a
dataset turns them into batches. A stream of your own subclasses `Rgb` and overrides `read`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from vidlab.data import flow, video
from vidlab.data.augment import Variation, warped
from vidlab.data.sampling import Reordered, Sampler, from_text
from vidlab.data.store import FlowCache, FlowPairs, FrameCache
from vidlab.errors import SamplingError

__all__ = ["PADDING", "Flow", "Rgb", "is_per_frame", "stack_clips"]

PADDING = -1.0
"""Every value of a frame that only fills up a batch of clips of different lengths."""


@dataclass(frozen=True)
class Rgb:
    """The pictures of a video: ``uint8`` RGB, 0..255.

    Parameters
    ----------
    sampling
        Which frames are learned from.
    size
        Height and width in pixels, or one number for both. `vidlab.timeline` also takes None: as
        the video has it.
    clip
        Whether the frames of a video are one example, (time, height, width, 3), or each frame is
        one by itself, (height, width, 3).
    test
        Which frames are predicted on, where these are others.
    fixed
        Whether the model takes clips of one length alone, that of what the samplers give.

    Examples
    --------
    >>> from vidlab.data.sampling import Uniform
    >>> Rgb(Uniform(16), 112, clip=True).shape
    (None, 112, 112, 3)
    """

    sampling: Sampler
    size: int | tuple[int | None, int | None]
    clip: bool = False
    test: Sampler | None = None
    fixed: bool = False

    dtype: ClassVar[str] = "uint8"
    padding: ClassVar[float] = PADDING
    views: ClassVar[int] = 0  # varied beforehand and kept to choose from

    def __post_init__(self) -> None:
        size = (self.size, self.size) if isinstance(self.size, int) else tuple(self.size)
        if len(size) != 2 or any(side is not None and side < 1 for side in size):
            raise SamplingError(
                "Expected height and width of at least one pixel. "
                f"Received: size={size}. Give both, or one number for both."
            )
        sides = tuple(None if side is None else int(side) for side in size)
        object.__setattr__(self, "size", sides)
        if self.test == self.sampling:
            object.__setattr__(self, "test", None)
        if self.fixed and not self.sampling.length == self.at_test.length is not None:
            raise SamplingError(
                "Expected samplers of one number of frames for a model of fixed length. Received: "
                f"{self.sampling} and {self.at_test}. Choose Uniform(16) for both, for example."
            )

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Of one example, as `keras.Input` takes it."""
        length = self.sampling.length if self.fixed else None
        return (length, *self.frame_shape) if self.clip else self.frame_shape

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Of one frame."""
        return (*self.size, 3)

    @property
    def kind(self) -> str:
        """What is read at a frame, in words that change with all that decides it."""
        return f"{type(self).__name__} {'×'.join(map(str, self.frame_shape))}"

    @property
    def at_test(self) -> Sampler:
        """Which frames are predicted on."""
        return self.test or self.sampling

    def prepare(self, records: Iterable, *, flow: str | os.PathLike | None = None) -> None:
        """Compute once what takes long, for many videos; decoding frames does not."""

    def read(self, frames: Callable[[np.ndarray], np.ndarray], indices: np.ndarray) -> np.ndarray:
        """Read what the input takes at some frames of a video.

        Parameters
        ----------
        frames
            Gives the pictures at frame indices, ``uint8``, (len(indices), height, width, 3), at
            this stream's size.
        indices
            int64, (time,), within the video.

        Returns
        -------
        numpy.ndarray
            ``uint8`` or ``float32``, (time, …), each frame of `frame_shape`.
        """
        return frames(indices)

    def pictures(self, frames: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Draw what `read` gave at frames of a video, uint8 RGB of any size: here those frames."""
        return frames

    def opened(
        self,
        record,
        *,
        cache: str | os.PathLike | None = None,
        flow: str | os.PathLike | None = None,
        view: int = 0,
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Open a video for `read`, which is given the function returned here.

        Parameters
        ----------
        record
            A row of an index table, or anything with its ``path`` and number of ``frames``.
        cache, flow
            Folders for decoded frames and for optical flow; None decodes and computes anew.
        view
            Which of the kept views is read.
        """
        if cache is None:
            return partial(video.read_frames, record.path, size=self.size)
        folder = Path(cache, "frames-{}x{}".format(*self.size))
        return partial(FrameCache(folder, size=self.size).read, record)

    def reordered(self, order: str) -> Rgb:
        """Return the stream with the frames that are predicted on in another order.

        See `vidlab.sampling.Reordered`.
        """
        return replace(self, test=Reordered(self.at_test, order))

    def vary(self, pictures: np.ndarray, variation: Variation) -> np.ndarray:
        """Apply one draw of augmentation to what `read` gave, all frames alike."""
        return variation(pictures)

    def changed(
        self, *, sampling: Sampler | str = "", test: Sampler | str = "", size=None, **options
    ) -> Rgb:
        """Return the stream with other frames (a sampler or its text), size or other options."""
        known = {repr(own): own for own in (self.sampling, self.test)}  # samplers of one's own
        samplers = [
            (known.get(s) or from_text(s)) if s and isinstance(s, str) else s
            for s in (sampling, test)
        ]
        unknown = [option for option in options if option not in vars(self)]
        if unknown:
            raise SamplingError(
                f"Expected options of {type(self).__name__}: {', '.join(vars(self))}. "
                f"Received: {', '.join(unknown)}. Correct or remove them."
            )
        size = self.size if size is None else size
        return replace(
            self,
            sampling=samplers[0] or self.sampling,
            test=samplers[1] or self.test,
            size=size if isinstance(size, int) else tuple(size),
            **options,
        )

    def as_dict(self) -> dict[str, object]:
        """Give every option in a form JSON can hold, samplers as their text."""
        test = None if self.test is None else repr(self.test)
        values = {"sampling": repr(self.sampling), "test": test, "size": list(self.size)}
        return {"stream": type(self).__name__, "clip": self.clip, **values}


@dataclass(frozen=True)
class Flow(Rgb):
    """Optical flow around frames of a video, ``uint8``: see `vidlab.flow` for its scale.

    What is read at a frame is the flow of `stack` pairs of neighbouring frames, at the file's own
    rate, that frame in their middle; near the ends they are the first or the last pairs. Channels
    are dx, dy of the first pair, dx, dy of the second, … (Simonyan & Zisserman 2014). In a model,
    ``Rescaling(1 / 127, offset=-128 / 127)`` makes -1..1 of them, 0 where nothing moves.

    Parameters
    ----------
    sampling, size, clip, test
        As for `Rgb`.
    stack
        Pairs of frames, from 1.
    variant
        ``"stacking"``; ``"trajectory"``, each pair where the flow of those before it has led; or
        ``"bidirectional"``, half of the pairs from the frame on, half back from it.
    subtract_mean
        Whether the mean flow of each pair is subtracted, a crude guess of camera motion.
    method
        One of `vidlab.flow.METHODS`.
    order
        In which order the frames of the video are: ``"normal"``, ``"reversed"`` (the flow of the
        video played in reverse), ``"shuffled"`` (positions in random order, the motion around each
        as it is) or ``"frozen"`` (a still: nothing moves).

    Examples
    --------
    >>> from vidlab.data.sampling import Uniform
    >>> Flow(Uniform(25), 224, stack=10).shape
    (224, 224, 20)
    """

    stack: int = 5
    variant: Literal["stacking", "trajectory", "bidirectional"] = "stacking"
    subtract_mean: bool = False
    method: str = "dis-fast"
    order: str = "normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        variants = ("stacking", "trajectory", "bidirectional")
        both = self.variant == "bidirectional"
        if self.variant not in variants or self.stack < 1 or (both and self.stack % 2):
            raise SamplingError(
                f"Expected a stack of at least one pair, variant one of {', '.join(variants)}, and "
                f"for bidirectional an even stack. Received: stack={self.stack}, "
                f"variant={self.variant!r}. Correct them."
            )

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Of the flow at one frame: height, width, 2 · pairs."""
        return (*self.size, 2 * self.stack)

    @property
    def kind(self) -> str:
        """See `Rgb.kind`."""
        mean = ", mean subtracted" if self.subtract_mean else ""
        return f"{super().kind} ({self.method}, {self.variant}{mean})"

    def opened(self, record, *, cache=None, flow=None, view: int = 0) -> FlowPairs:
        """Open a video for `read`; see `Rgb.opened`."""
        return FlowPairs(record, flow, size=self.size, method=self.method)

    def prepare(self, records, *, flow=None) -> None:
        """Compute the flow of videos that is not in the folder yet, with a progress bar."""
        both = self.variant == "bidirectional"
        for backward in (False, True) if both else (self.order == "reversed",):
            if flow is not None and self.order != "frozen":
                options = {"size": self.size, "method": self.method, "backward": backward}
                FlowCache(flow, **options).fill(records)

    def reordered(self, order: str) -> Flow:
        """Return the stream with the frames that are predicted on in another order."""
        return replace(super().reordered(order), order=order)

    def read(self, pairs: FlowPairs, indices: np.ndarray) -> np.ndarray:
        """Read the flow around some frames of a video.

        Parameters
        ----------
        pairs
            What `opened` gave.
        indices
            int64, (time,), within the video.

        Returns
        -------
        numpy.ndarray
            ``uint8``, (time, height, width, 2 · `stack`).
        """
        shape = (len(indices), *self.frame_shape)
        if self.order == "frozen" or pairs.count < 1:
            return np.full(shape, flow.REST, np.uint8)
        backward = self.order == "reversed"
        at = pairs.count - np.asarray(indices) if backward else np.asarray(indices)
        if self.variant == "bidirectional":
            half = self.stack // 2
            onwards = at[:, None] + np.arange(half)
            back = at[:, None] - 1 - np.arange(half)
            parts = [
                self._fields(pairs, onwards, backward),
                self._fields(pairs, back, not backward),
            ]
        else:
            first = np.clip(at - self.stack // 2, 0, max(pairs.count - self.stack, 0))
            parts = [self._fields(pairs, first[:, None] + np.arange(self.stack), backward)]
        fields = np.concatenate(parts, axis=1)  # (time, pairs, height, width, 2)
        return np.moveaxis(fields, 1, 3).reshape(shape)

    def pictures(self, frames: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Draw the flow as colours, the mean of the pairs at each frame; see `Rgb.pictures`."""
        return flow.pictures_of(read, size=frames.shape[1:3])

    def _fields(self, pairs: FlowPairs, numbers: np.ndarray, backward: bool) -> np.ndarray:
        """Read pairs (time, stack), numbered in the order they are played in."""
        numbers = np.clip(numbers, 0, pairs.count - 1)
        if self.order == "reversed":
            numbers = pairs.count - 1 - numbers
        fields = pairs(numbers.ravel(), backward=backward)
        fields = fields.reshape(*numbers.shape, *fields.shape[1:])
        if self.variant == "trajectory" or self.subtract_mean:
            shares = flow.decode(fields)
            if self.variant == "trajectory":
                shares = np.stack([flow.trajectories(one) for one in shares])
            if self.subtract_mean:
                shares = flow.subtract_mean(shares)
            fields = flow.encode(shares)
        return fields

    def vary(self, pictures: np.ndarray, variation: Variation) -> np.ndarray:
        """Apply one draw of augmentation: fields are moved, and vectors turned with them.

        A flip negates the horizontal component. Brightness is of no effect.
        """
        height, width = self.size
        matrix = variation.matrix(height, width)
        shape = np.array([width, height])
        turned = np.linalg.inv(matrix[:, :2]) * shape / shape[:, None]
        fields = pictures.reshape(*pictures.shape[:-1], self.stack, 2).astype(np.float32)
        vectors = (fields - flow.REST) @ turned.T.astype(np.float32)
        vectors = vectors.reshape(-1, height, width, 2 * self.stack)
        for vector in vectors:
            for pair in np.split(vector, self.stack, axis=-1):
                pair[:] = warped(pair, matrix)
        moved = np.clip(np.rint(vectors), -127, 127) + flow.REST
        return moved.astype(np.uint8).reshape(pictures.shape)

    def as_dict(self) -> dict[str, object]:
        """Give every option in a form JSON can hold; see `Rgb.as_dict`."""
        own = ("stack", "variant", "subtract_mean", "method")
        return super().as_dict() | {name: getattr(self, name) for name in own}


def stack_clips(
    clips: list[np.ndarray], *, length: int | None = None, fill: float = PADDING
) -> np.ndarray:
    """Stack clips of one video each; shorter ones are followed by frames of `fill`."""
    longest = length or max(len(clip) for clip in clips)
    if all(len(clip) == longest for clip in clips):
        return np.stack(clips)
    batch = np.full((len(clips), longest, *clips[0].shape[1:]), fill, np.float32)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return batch


def is_per_frame(streams: Mapping[str, Rgb]) -> bool:
    """Whether the examples are single frames; all streams of a recipe have to agree on it."""
    kinds = {stream.clip for stream in streams.values()}
    samplers = {(s.sampling, s.test) for s in streams.values()}
    if len(kinds) > 1 or (kinds == {False} and len(samplers) > 1):
        raise SamplingError(
            "Expected inputs that are all clips, or all single frames of one sampler. Received: "
            f"{', '.join(f'{name}: {stream}' for name, stream in streams.items())}. "
            "Give them the same clip= and, for single frames, the same sampling."
        )
    return kinds == {False}
